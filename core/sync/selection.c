/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Selection: which repositories and tags a sync wants, and why. */
#include "sync/selection.h"

#include <pthread.h>
#include <string.h>

#include "base/lock.h"

struct HrExplanation {
    pthread_mutex_t mutex;
    GPtrArray *list; /* HrExplained */
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
    return explanation;
}

void
hr_explanation_free(HrExplanation *explanation)
{
    if (explanation == NULL)
        return;
    pthread_mutex_destroy(&explanation->mutex);
    g_ptr_array_unref(explanation->list);
    g_free(explanation);
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
    g_ptr_array_sort(explanation->list, order_explained);
    return explanation->list;
}

static void
add(HrExplanation *explanation, const char *repository, const char *tag,
    bool in, const char *rule)
{
    HrExplained *explained = g_new0(HrExplained, 1);

    explained->key = tag != NULL ? g_strconcat(repository, ":", tag, NULL)
                                 : g_strdup(repository);
    explained->in = in;
    explained->rule = g_strdup(rule);
    HR_LOCKED(&explanation->mutex);
    g_ptr_array_add(explanation->list, explained);
}

bool
hr_selection_wants_repository(const HrSelect *select, const char *repository,
                              HrExplanation *explanation)
{
    g_autofree char *rule = NULL;
    bool in =
        select == NULL || hr_filter_judge(&select->repositories, repository,
                                          explanation != NULL ? &rule : NULL);

    if (explanation != NULL)
        add(explanation, repository, NULL, in,
            rule != NULL ? rule : "everything is wanted");
    return in;
}

/* One tag on its way through the rules. */
typedef struct Candidate {
    const char *tag;
    bool is_version;
    HrVersion version;
    bool in;
    char *rule; /* only if somebody asks */
} Candidate;

static bool
is_in_range(const HrSelect *select, const Candidate *candidate)
{
    return candidate->is_version &&
           hr_version_range_holds(select->semver, &candidate->version,
                                  select->prereleases);
}

static void
judge(const HrSelect *select, const char *tag, bool explained,
      Candidate *candidate)
{
    *candidate = (Candidate){.tag = tag};
    if (select->semver != NULL || select->latest > 0)
        candidate->is_version = hr_version_parse(&candidate->version, tag);
    candidate->in = hr_filter_judge(&select->tags, tag,
                                    explained ? &candidate->rule : NULL);
    if (!candidate->in || select->semver == NULL)
        return;
    candidate->in = is_in_range(select, candidate);
    if (!explained)
        return;
    g_free(candidate->rule);
    candidate->rule =
        g_strdup_printf("semver %s%s", select->semver_text,
                        candidate->is_version ? "" : ": it is no version");
}

bool
hr_selection_admits_tag(const HrSelect *select, const char *tag)
{
    Candidate candidate;

    if (select == NULL)
        return true;
    judge(select, tag, false, &candidate);
    hr_version_clear(&candidate.version);
    return candidate.in;
}

/* The newest first: versions before what is none. */
static gint
order_versions(gconstpointer left, gconstpointer right)
{
    const Candidate *one = *(const Candidate *const *)left;
    const Candidate *other = *(const Candidate *const *)right;
    int order = 0;

    if (one->is_version != other->is_version)
        return one->is_version ? -1 : 1;
    if (one->is_version)
        order = hr_version_compare(&other->version, &one->version);
    return order != 0 ? order : strcmp(other->tag, one->tag);
}

/* The last of the alphabet first, as dates are written. */
static gint
order_texts(gconstpointer left, gconstpointer right)
{
    const Candidate *one = *(const Candidate *const *)left;
    const Candidate *other = *(const Candidate *const *)right;

    return strcmp(other->tag, one->tag);
}

static void
keep_latest(const HrSelect *select, Candidate *all, guint count,
            bool explained)
{
    g_autoptr(GPtrArray) in = g_ptr_array_new();

    if (select->latest == 0)
        return;
    for (guint i = 0; i < count; i++)
        if (all[i].in)
            g_ptr_array_add(in, &all[i]);
    g_ptr_array_sort(in, select->order == HR_TAG_ORDER_SEMVER ? order_versions
                                                              : order_texts);
    for (guint i = 0; i < in->len; i++) {
        Candidate *candidate = in->pdata[i];

        candidate->in = i < select->latest;
        if (!explained)
            continue;
        g_free(candidate->rule);
        candidate->rule = g_strdup_printf("latest %u: it is number %u",
                                          select->latest, i + 1);
    }
}

void
hr_selection_keep_tags(const HrSelect *select, const char *repository,
                       GPtrArray *tags, HrExplanation *explanation)
{
    bool explained = explanation != NULL;
    g_autofree Candidate *all = NULL;
    guint count = tags->len;

    if (select == NULL) {
        for (guint i = 0; i < count && explained; i++)
            add(explanation, repository, tags->pdata[i], true,
                "everything is wanted");
        return;
    }
    all = g_new0(Candidate, (gsize)count + 1);
    for (guint i = 0; i < count; i++)
        judge(select, tags->pdata[i], explained, &all[i]);
    keep_latest(select, all, count, explained);
    for (guint i = count; i > 0; i--) {
        Candidate *candidate = &all[i - 1];

        if (explained)
            add(explanation, repository, candidate->tag, candidate->in,
                candidate->rule);
        hr_version_clear(&candidate->version);
        g_free(candidate->rule);
        if (!candidate->in)
            g_ptr_array_remove_index(tags, i - 1);
    }
}
