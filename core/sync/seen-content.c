/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seen content: the artifacts that a walk has selected. */
#include "sync/seen-content.h"

#include <string.h>

#include "base/lock.h"
#include "model/kind.h"
#include "plug/documents.h"

struct HrSeenContent {
    pthread_mutex_t mutex;
    GHashTable *names; /* "repository@digest" */
};

static bool
narrows_tags(const HrSelect *select)
{
    return select != NULL &&
           (select->tags.names != NULL || select->tags.allow != NULL ||
            select->tags.deny != NULL || select->semver != NULL ||
            select->min_age_us > 0 || select->max_age_us > 0 ||
            select->latest > 0);
}

HrSeenContent *
hr_seen_content_new(const HrPass *pass)
{
    HrSeenContent *seen;

    if (!narrows_tags(pass->select) || !hr_pass_wants_content(pass) ||
        !hr_registry_has_documents(pass->source) ||
        !hr_registry_has_documents(pass->target))
        return NULL;
    seen = g_new0(HrSeenContent, 1);
    seen->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    pthread_mutex_init(&seen->mutex, NULL);
    return seen;
}

void
hr_seen_content_free(HrSeenContent *seen)
{
    if (seen == NULL)
        return;
    g_hash_table_unref(seen->names);
    pthread_mutex_destroy(&seen->mutex);
    g_free(seen);
}

void
hr_seen_content_note(HrSeenContent *seen, const HrSighting *sighting)
{
    const hr_manifest_query *source = sighting->source;

    if (seen == NULL || source->status != HR_OK)
        return;
    HR_LOCKED(&seen->mutex);
    if (!g_hash_table_contains(seen->names, sighting->target->repository))
        g_hash_table_add(seen->names, g_strdup(sighting->target->repository));
    g_hash_table_add(seen->names, g_strconcat(sighting->target->repository,
                                              "@", source->digest, NULL));
}

/* True for a document about an artifact that nobody has selected, or about a
 * repository of which no tag is. */
static bool
is_foreign(const HrSeenContent *seen, const char *kind_name, const char *key)
{
    HrKind kind = hr_kind_of(kind_name);

    return kind.scope == HR_SCOPE_CONTENT && !hr_kind_is_content(kind_name) &&
           !g_hash_table_contains(seen->names, key);
}

void
hr_seen_content_narrow_plan(const HrSeenContent *seen, HrPlan *plan)
{
    /* Of immutable tags nobody has asked what they lead to. */
    if (plan->immutable > 0)
        return;
    for (guint i = seen != NULL ? plan->changes->len : 0; i > 0; i--) {
        const HrChange *change = plan->changes->pdata[i - 1];

        if (!is_foreign(seen, change->kind, change->key))
            continue;
        g_ptr_array_remove_index_fast(plan->changes, i - 1);
        plan->unchanged++;
    }
}

void
hr_seen_content_narrow_verification(const HrSeenContent *seen,
                                    HrVerification *verification)
{
    GPtrArray *differences = verification->differences;

    for (guint i = seen != NULL ? differences->len : 0; i > 0; i--) {
        const HrDifference *difference = differences->pdata[i - 1];

        if (difference->item_kind == NULL ||
            !is_foreign(seen, difference->item_kind, difference->key))
            continue;
        g_ptr_array_remove_index_fast(differences, i - 1);
        verification->equal++;
    }
}
