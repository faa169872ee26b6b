/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blobs: brings the blobs of one artifact to the target.
 *
 *     claim --> known here: nothing to do
 *           \-> being moved by another job: told in `waiting`
 *           \-> ours: mount, or HEAD, then move what is missing; settle
 *
 * A foreign layer that the source does not have comes from the first of the
 * addresses in its manifest that gives it.
 *
 * All that is missing moves at once, as the endpoints' limits allow.  A move
 * that failed for a passing reason is done again, under the retry policy; it
 * goes on where it broke off if the target can do that.
 */
#ifndef HR_SYNC_BLOBS_H
#define HR_SYNC_BLOBS_H

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "sync/broken-uploads.h"
#include "sync/pass.h"

/* What was written, counted over all jobs. */
typedef struct HrWriteCounts {
    atomic_uint_least64_t copied;    /* blobs sent                        */
    atomic_uint_least64_t mounted;   /* blobs taken from another place    */
    atomic_uint_least64_t present;   /* blobs found there: not written    */
    atomic_uint_least64_t manifests; /* manifests put                     */
    atomic_uint_least64_t documents; /* documents written                 */
    atomic_uint_least64_t bytes;     /* of blobs sent and manifests put   */
} HrWriteCounts;

typedef struct HrBlobMove {
    const HrPass *pass;
    HrBrokenUploads *broken;
    HrWriteCounts *counts;
    const char *source_repository;
    const char *target_repository;
    uint64_t company; /* passes that move the same now; 0: none */
    bool fresh; /* the repository is new: it has only what the board knows */
    HrBlobAsker asker; /* its `ready` is called once per blob told in
                          `waiting` */
    atomic_uint *waiting;
} HrBlobMove;

/* Moves `blobs` (HrDescriptor), in their order as far as not all move at once.
 * Those that are there, or were moved, are
 * taken off the list; those that another job moves stay on it, and the number
 * in *waiting has grown by one for each. */
bool
hr_blobs_move(const HrBlobMove *move, GPtrArray *blobs, HrCall *call,
              GError **error);

#endif
