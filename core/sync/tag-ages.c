/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tag ages: finds out when the tags of a selection were created. */
#include "sync/tag-ages.h"

#include "base/error.h"
#include "sync/creation.h"

/* Tags looked at by one job, up to three requests each. */
#define BATCH_SIZE 16

/* What the jobs of one selection share. */
typedef struct Finding {
    const HrPass *pass;
    const char *repository;
    void (*then)(void *data);
    void *data;
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
set_failure(HrCandidate *candidate, hr_status status, const char *message)
{
    HrTagSeen *seen = candidate->seen;

    seen->status = status;
    g_free(seen->message);
    seen->message = g_strdup(message);
}

static void
take_answer(HrCandidate *candidate, const hr_manifest_query *query)
{
    HrTagSeen *seen = candidate->seen;

    if (query->status != HR_OK) {
        set_failure(candidate, query->status,
                    query->message[0] != '\0' ? query->message
                                              : hr_status_name(query->status));
        return;
    }
    seen->status = HR_OK;
    seen->size = query->size;
    seen->digest = g_strdup(query->digest);
    seen->media_type = g_strdup(query->media_type);
}

/* Asks about those of which no digest is known yet. */
static void
resolve(const Batch *batch, HrCall *call)
{
    const Finding *finding = batch->finding;
    hr_manifest_query queries[BATCH_SIZE] = {0};
    hr_manifest_query *asked[BATCH_SIZE];
    HrCandidate *candidates[BATCH_SIZE];
    g_autoptr(GError) error = NULL;
    size_t count = 0;

    for (unsigned i = 0; i < batch->count; i++) {
        HrCandidate *candidate = batch->candidates[i];

        if (candidate->seen->digest != NULL ||
            candidate->seen->status == HR_NOT_FOUND)
            continue;
        queries[count].struct_size = sizeof queries[count];
        queries[count].repository = finding->repository;
        queries[count].reference = candidate->tag;
        candidates[count] = candidate;
        asked[count] = &queries[count];
        count++;
    }
    if (count == 0)
        return;
    if (!hr_registry_resolve(finding->pass->source, call, asked, count,
                             &error)) {
        for (size_t i = 0; i < count; i++)
            set_failure(candidates[i], hr_error_status(error), error->message);
        return;
    }
    for (size_t i = 0; i < count; i++)
        take_answer(candidates[i], &queries[i]);
}

static void
find_age(const Batch *batch, HrCandidate *candidate, HrCall *call)
{
    const Finding *finding = batch->finding;
    const HrPass *pass = finding->pass;
    g_autoptr(GError) error = NULL;

    if (candidate->seen->digest == NULL ||
        candidate->created_us != HR_CREATED_UNKNOWN)
        return;
    if (hr_creation_find(pass->creations, batch->manifests, pass->source,
                         finding->repository, candidate->seen->digest, call,
                         &candidate->created_us, &error))
        candidate->seen->status = HR_OK;
    else
        set_failure(candidate, hr_error_status(error), error->message);
}

/* The first failure that better times may cure, or HR_OK. */
static hr_status
find_put_off(const Batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++)
        if (hr_pass_may_park(batch->candidates[i]->seen->status))
            return batch->candidates[i]->seen->status;
    return HR_OK;
}

static void
run_batch(void *data)
{
    Batch *batch = data;
    Finding *finding = batch->finding;
    g_autoptr(HrCall) call = hr_pass_call(finding->pass);

    resolve(batch, call);
    for (unsigned i = 0; i < batch->count; i++)
        find_age(batch, batch->candidates[i], call);
    if (hr_pass_park(finding->pass, &batch->parking, call, find_put_off(batch),
                     run_batch, batch))
        return;
    g_hash_table_unref(batch->manifests);
    g_free(batch);
    if (atomic_fetch_sub(&finding->left, 1) != 1)
        return;
    finding->then(finding->data);
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

/* These jobs continue one that was admitted: resuming them never blocks the
 * worker. */
static void
submit(Batch *batch)
{
    atomic_fetch_add(&batch->finding->left, 1);
    hr_pool_resume(batch->finding->pass->lane, run_batch, batch);
}

void
hr_tag_ages_find(const HrPass *pass, const char *repository,
                 HrSelection *selection, void (*then)(void *data), void *data)
{
    Finding *finding = g_new0(Finding, 1);
    Batch *batch = new_batch(finding);

    finding->pass = pass;
    finding->repository = repository;
    finding->then = then;
    finding->data = data;
    /* Counted until all have been submitted. */
    atomic_store(&finding->left, 1);
    for (guint i = 0; i < selection->count; i++) {
        HrCandidate *candidate = &selection->candidates[i];

        if (candidate->out != HR_TAG_RULE_NONE)
            continue;
        candidate->seen = g_new0(HrTagSeen, 1);
        batch->candidates[batch->count++] = candidate;
        if (batch->count < BATCH_SIZE)
            continue;
        submit(batch);
        batch = new_batch(finding);
    }
    /* The rest is done by this job: it is the last of the batches. */
    run_batch(batch);
}
