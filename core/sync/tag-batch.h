/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tag batch: some tags, asked about on both sides by one job.  Internal to
 * the walk.
 *
 * Many wait at once, so that a batch holds names only: its queries are made
 * when it runs.
 */
#ifndef HR_SYNC_TAG_BATCH_H
#define HR_SYNC_TAG_BATCH_H

#include "sync/walk.h"

/* Tags resolved by one job: enough to fill an endpoint's limit of requests in
 * flight several times over, few enough to keep all workers busy. */
#define HR_TAG_BATCH_SIZE 64

typedef struct HrTagBatch HrTagBatch;

/* One tag of a batch: its names on each side. */
typedef struct HrTagPair {
    char *repository[2]; /* source, target */
    char *reference[2];
    bool missing;       /* the target is known not to have it */
    HrTagSeen *seen[2]; /* what each side said already; or NULL */
    const HrTie *tie;   /* as in HrSighting; borrowed */
} HrTagPair;

/* `capacity` is at most HR_TAG_BATCH_SIZE; `named` as in HrSighting.  The rest
 * is borrowed until the group has been left. */
HrTagBatch *
hr_tag_batch_new(const HrPass *pass, const HrVisitor *visitor, HrGroup *group,
                 size_t capacity, bool named);

void
hr_tag_batch_free(HrTagBatch *batch);

/* Adds a tag while there is room; names are copied. */
HrTagPair *
hr_tag_batch_add(HrTagBatch *batch, const char *source_repository,
                 const char *source_reference, const char *target_repository,
                 const char *target_reference);

size_t
hr_tag_batch_count(const HrTagBatch *batch);

bool
hr_tag_batch_full(const HrTagBatch *batch);

/* The job (HrJobFunc): asks, shows what it was told to the visitor, and leaves
 * the group.  Takes the batch. */
void
hr_tag_batch_run(void *batch);

#endif
