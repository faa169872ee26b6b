/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tag ages: finds out when the tags of a selection were created, a few tags a
 * job.  Internal to the walk.
 *
 *     HEAD of the tags --> the target has the same: nothing, if that is enough
 *                     |--> what the memory knows of their digests
 *                     \--> GET of manifests and configs for the rest
 *
 * No job waits for the others: whichever is the last to end goes on with what
 * comes after.
 */
#ifndef HR_SYNC_TAG_AGES_H
#define HR_SYNC_TAG_AGES_H

#include "sync/pass.h"
#include "sync/selection.h"

/* What is to be done; all of it is borrowed until `then`. */
typedef struct HrTagAges {
    const HrPass *pass;
    const char *source_repository;
    const char *target_repository;
    GHashTable *known; /* tags that the target has; NULL: nobody knows */
    HrSelection *selection;
    void (*then)(void *data);
    void *data;
} HrTagAges;

/* Fills in the candidates that are in, and not known to be taken, then calls `then` once, on a worker.
 * A tag that is gone, or could not be looked at, says so in `seen`.  The
 * caller is in the pass's group until then. */
void
hr_tag_ages_find(const HrTagAges *ages);

#endif
