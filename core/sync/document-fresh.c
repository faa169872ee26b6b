/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the documents of an old plan are still as planned. */
#include <string.h>

#include "base/lock.h"
#include "sync/document-plan.h"

typedef struct Checker {
    pthread_mutex_t mutex;
    GHashTable *expected; /* name -> HrChange that was not seen yet */
    void (*stale)(void *data, const char *name, const char *side);
    void *data;
} Checker;

static bool
is_source_fresh(const HrChange *change, const HrDocumentPair *pair)
{
    return pair->fit == NULL || pair->fit->error != NULL
               ? change->source == NULL
               : g_strcmp0(change->source, pair->fit->held) == 0;
}

static bool
is_target_fresh(const HrChange *change, const HrDocumentPair *pair)
{
    return g_strcmp0(change->target,
                     pair->target != NULL ? pair->target->text : NULL) == 0;
}

static void
visit(void *data, HrCall *call, const HrDocumentPair *pair)
{
    Checker *checker = data;
    g_autofree char *name = hr_plan_item_name(pair->kind->name, pair->key);
    g_autofree char *protection = hr_document_plan_protection(pair);
    const HrChange *change;

    (void)call;
    HR_LOCKED(&checker->mutex);
    change = g_hash_table_lookup(checker->expected, name);
    if (change == NULL)
        return;
    if (!is_source_fresh(change, pair))
        checker->stale(checker->data, name, "source");
    else if (!is_target_fresh(change, pair))
        checker->stale(checker->data, name, "target");
    else if (hr_change_writes(change) && protection != NULL)
        checker->stale(checker->data, name, protection);
    g_hash_table_remove(checker->expected, name);
}

static void
note_problem(void *data, const char *kind, const char *key,
             const GError *error)
{
    Checker *checker = data;
    g_autofree char *name = hr_plan_item_name(kind, key);

    HR_LOCKED(&checker->mutex);
    checker->stale(checker->data, name, error->message);
}

/* Of what is only on the target nothing was to be done. */
static bool
counts(const HrChange *change)
{
    return !hr_change_is_content(change) && change->action != HR_ACTION_EXTRA;
}

/* Those that neither side has any more. */
static void
tell_unseen(Checker *checker)
{
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init(&iter, checker->expected);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        checker->stale(checker->data, name, "source");
}

bool
hr_document_plan_check(const HrPass *pass, const HrPlan *plan,
                       void (*stale)(void *data, const char *name,
                                     const char *side),
                       void *data, GError **error)
{
    g_autoptr(GHashTable) expected =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) kinds = g_ptr_array_new();
    Checker checker = {.expected = expected, .stale = stale, .data = data};
    HrDocumentVisitor visitor = {
        .visit = visit,
        .problem = note_problem,
        .data = &checker,
    };
    bool walked;

    for (guint i = 0; i < plan->changes->len; i++) {
        HrChange *change = plan->changes->pdata[i];

        if (!counts(change))
            continue;
        g_hash_table_insert(
            expected, hr_plan_item_name(change->kind, change->key), change);
        if (g_hash_table_add(known, (gpointer)change->kind))
            g_ptr_array_add(kinds, (gpointer)change->kind);
    }
    if (kinds->len == 0)
        return true;
    g_ptr_array_add(kinds, NULL);
    pthread_mutex_init(&checker.mutex, NULL);
    walked = hr_snapshot_walk(pass, (char *const *)kinds->pdata, true,
                              &visitor, error);
    if (walked)
        tell_unseen(&checker);
    pthread_mutex_destroy(&checker.mutex);
    return walked;
}
