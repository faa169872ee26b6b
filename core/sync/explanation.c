/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Explanation: why each repository and tag is in or out. */
#include "sync/explanation.h"

#include <pthread.h>
#include <string.h>

#include "base/lock.h"

struct HrExplanation {
    pthread_mutex_t mutex;
    GPtrArray *list;     /* HrExplained */
    GHashTable *notes;   /* key -> half a sentence */
    GHashTable *brought; /* keys of what is in after all */
};

static void
free_explained(void *data)
{
    HrExplained *explained = data;

    g_free(explained->key);
    g_free(explained->rule);
    g_free(explained);
}

HrExplanation *
hr_explanation_new(void)
{
    HrExplanation *explanation = g_new0(HrExplanation, 1);

    pthread_mutex_init(&explanation->mutex, NULL);
    explanation->list = g_ptr_array_new_with_free_func(free_explained);
    explanation->notes =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    explanation->brought =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return explanation;
}

void
hr_explanation_free(HrExplanation *explanation)
{
    if (explanation == NULL)
        return;
    pthread_mutex_destroy(&explanation->mutex);
    g_ptr_array_unref(explanation->list);
    g_hash_table_unref(explanation->notes);
    g_hash_table_unref(explanation->brought);
    g_free(explanation);
}

static char *
make_key(const char *repository, const char *tag)
{
    return tag != NULL ? g_strconcat(repository, ":", tag, NULL)
                       : g_strdup(repository);
}

void
hr_explanation_add(HrExplanation *explanation, const char *repository,
                   const char *tag, bool in, const char *rule)
{
    HrExplained *explained = g_new0(HrExplained, 1);

    explained->key = make_key(repository, tag);
    explained->in = in;
    explained->rule = g_strdup(rule);
    HR_LOCKED(&explanation->mutex);
    g_ptr_array_add(explanation->list, explained);
}

void
hr_explanation_note(HrExplanation *explanation, const char *repository,
                    const char *tag, const char *note)
{
    char *key = make_key(repository, tag);

    HR_LOCKED(&explanation->mutex);
    g_hash_table_insert(explanation->notes, key, g_strdup(note));
}

void
hr_explanation_bring(HrExplanation *explanation, const char *repository,
                     const char *tag, const char *reason)
{
    char *key = make_key(repository, tag);

    HR_LOCKED(&explanation->mutex);
    g_hash_table_insert(explanation->notes, key, g_strdup(reason));
    g_hash_table_add(explanation->brought, g_strdup(key));
}

static gint
order_explained(gconstpointer left, gconstpointer right)
{
    const HrExplained *one = *(const HrExplained *const *)left;
    const HrExplained *other = *(const HrExplained *const *)right;

    return strcmp(one->key, other->key);
}

const GPtrArray *
hr_explanation_list(HrExplanation *explanation)
{
    GPtrArray *list = explanation->list;

    for (guint i = 0; i < list->len; i++) {
        HrExplained *explained = list->pdata[i];
        const char *note =
            g_hash_table_lookup(explanation->notes, explained->key);
        char *rule = explained->rule;

        if (g_hash_table_contains(explanation->brought, explained->key))
            explained->in = true;
        if (note == NULL)
            continue;
        explained->rule = g_strconcat(rule, "; ", note, NULL);
        g_free(rule);
    }
    g_hash_table_remove_all(explanation->notes);
    g_hash_table_remove_all(explanation->brought);
    g_ptr_array_sort(list, order_explained);
    return list;
}
