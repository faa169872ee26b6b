/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tag ages: finds out when the tags of a selection were created. */
#include "sync/tag-ages.h"

#include <string.h>

#include "base/error.h"
#include "sync/creation.h"

/* Tags looked at by one job, up to four requests each. */
#define BATCH_SIZE 16

/* What the jobs of one selection share. */
typedef struct Finding {
    HrTagAges ages;
    atomic_uint left; /* jobs that have not ended */
} Finding;

typedef struct Batch {
    Finding *finding;
    HrCandidate *candidates[BATCH_SIZE];
    unsigned count;
    GHashTable *manifests; /* read so far */
    HrParking parking;
} Batch;

static void
set_failure(HrTagSeen *seen, hr_status status, const char *message)
{
    seen->status = status;
    g_free(seen->message);
    seen->message = g_strdup(message);
}

static void
take_answer(HrTagSeen *seen, const hr_manifest_query *query)
{
    if (query->status != HR_OK) {
        set_failure(seen, query->status,
                    query->message[0] != '\0' ? query->message
                                              : hr_status_name(query->status));
        return;
    }
    seen->status = HR_OK;
    seen->size = query->size;
    seen->digest = g_strdup(query->digest);
    seen->media_type = g_strdup(query->media_type);
}

/* Asks a side (0 the source, 1 the target) about those of which it has not
 * told yet. */
static void
resolve(const Batch *batch, unsigned side, HrCall *call)
{
    const HrTagAges *ages = &batch->finding->ages;
    hr_manifest_query queries[BATCH_SIZE] = {0};
    hr_manifest_query *asked[BATCH_SIZE];
    HrTagSeen *answers[BATCH_SIZE];
    g_autoptr(GError) error = NULL;
    size_t count = 0;

    for (unsigned i = 0; i < batch->count; i++) {
        const HrCandidate *candidate = batch->candidates[i];
        HrTagSeen *seen = candidate->seen[side];

        if (seen == NULL || seen->digest != NULL ||
            seen->status == HR_NOT_FOUND)
            continue;
        queries[count].struct_size = sizeof queries[count];
        queries[count].repository =
            side == 0 ? ages->source_repository : ages->target_repository;
        queries[count].reference = candidate->tag;
        answers[count] = seen;
        asked[count] = &queries[count];
        count++;
    }
    if (count == 0)
        return;
    if (!hr_registry_resolve(side == 0 ? ages->pass->source
                                       : ages->pass->target,
                             call, asked, count, &error)) {
        for (size_t i = 0; i < count; i++)
            set_failure(answers[i], hr_error_status(error), error->message);
        return;
    }
    for (size_t i = 0; i < count; i++)
        take_answer(answers[i], &queries[i]);
}

static void
find_age(const Batch *batch, HrCandidate *candidate, HrCall *call)
{
    const HrTagAges *ages = &batch->finding->ages;
    const HrPass *pass = ages->pass;
    HrTagSeen *seen = candidate->seen[0];
    const HrTagSeen *there = candidate->seen[1];
    g_autoptr(GError) error = NULL;

    if (seen->digest == NULL || candidate->created_us != HR_CREATED_UNKNOWN)
        return;
    candidate->taken = there != NULL && there->digest != NULL &&
                       strcmp(there->digest, seen->digest) == 0;
    if (candidate->taken ||
        hr_creation_find(pass->creations, batch->manifests, pass->source,
                         ages->source_repository, seen->digest, call,
                         &candidate->created_us, &error))
        seen->status = HR_OK;
    else
        set_failure(seen, hr_error_status(error), error->message);
}

/* The first failure that better times may cure, or HR_OK. */
static hr_status
find_put_off(const Batch *batch)
{
    for (unsigned i = 0; i < 2 * batch->count; i++) {
        const HrTagSeen *seen = batch->candidates[i / 2]->seen[i % 2];

        if (seen != NULL && hr_pass_may_park(seen->status))
            return seen->status;
    }
    return HR_OK;
}

static void
run_batch(void *data)
{
    Batch *batch = data;
    Finding *finding = batch->finding;
    g_autoptr(HrCall) call = hr_pass_call(finding->ages.pass);

    resolve(batch, 0, call);
    resolve(batch, 1, call);
    for (unsigned i = 0; i < batch->count; i++)
        find_age(batch, batch->candidates[i], call);
    if (hr_pass_park(finding->ages.pass, &batch->parking, call,
                     find_put_off(batch), run_batch, batch))
        return;
    g_hash_table_unref(batch->manifests);
    g_free(batch);
    if (atomic_fetch_sub(&finding->left, 1) != 1)
        return;
    finding->ages.then(finding->ages.data);
    g_free(finding);
}

static Batch *
new_batch(Finding *finding)
{
    Batch *batch = g_new0(Batch, 1);

    batch->finding = finding;
    batch->manifests = hr_creation_manifests_new();
    return batch;
}

/* The target is asked about what it may have taken. */
static void
add(Batch *batch, HrCandidate *candidate, bool spares_taken)
{
    GHashTable *known = batch->finding->ages.known;

    if (candidate->seen[0] == NULL)
        candidate->seen[0] = g_new0(HrTagSeen, 1);
    if (spares_taken && candidate->seen[1] == NULL &&
        (known == NULL || g_hash_table_contains(known, candidate->tag)))
        candidate->seen[1] = g_new0(HrTagSeen, 1);
    batch->candidates[batch->count++] = candidate;
}

/* These jobs continue one that was admitted: resuming them never blocks the
 * worker. */
static void
submit(Batch *batch)
{
    atomic_fetch_add(&batch->finding->left, 1);
    hr_pool_resume(batch->finding->ages.pass->lane, run_batch, batch);
}

void
hr_tag_ages_find(const HrTagAges *ages)
{
    HrSelection *selection = ages->selection;
    bool spares_taken = hr_selection_spares_taken(selection);
    Finding *finding = g_new0(Finding, 1);
    Batch *batch = new_batch(finding);

    finding->ages = *ages;
    /* Counted until all have been submitted. */
    atomic_store(&finding->left, 1);
    for (guint i = 0; i < selection->count; i++) {
        HrCandidate *candidate = &selection->candidates[i];

        if (candidate->out != HR_TAG_RULE_NONE || candidate->taken)
            continue;
        add(batch, candidate, spares_taken);
        if (batch->count < BATCH_SIZE)
            continue;
        submit(batch);
        batch = new_batch(finding);
    }
    /* The rest is done by this job: it is the last of the batches. */
    run_batch(batch);
}
