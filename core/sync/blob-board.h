/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blob board: who moves which blob to where on one target, so that each is
 * moved once, whichever of the passes that run at the same time wants it.
 *
 *     claim --nobody has it--> YOURS --settle(stored)--> known, waiters wake
 *        |                        \---settle(failed)---> free,  waiters wake
 *        |--known here----------> HERE
 *        |--being moved---------> MOVING: `ready` runs when that is settled
 *
 * What is known to be in one repository of the target is offered to claims
 * from others as a place to mount from; what is on its way to one is waited
 * for by all.  Nobody waits while holding a claim, so there is no deadlock.
 *
 * Knowledge of stored blobs is bounded; what is forgotten costs one HEAD.
 */
#ifndef HR_SYNC_BLOB_BOARD_H
#define HR_SYNC_BLOB_BOARD_H

#include <glib.h>
#include <stdbool.h>

typedef struct HrBlobBoard HrBlobBoard;

typedef enum HrBlobClaim {
    HR_BLOB_YOURS,
    HR_BLOB_HERE,
    HR_BLOB_MOVING
} HrBlobClaim;

typedef void (*HrBlobReady)(void *data);

/* Remembers up to `limit` stored blobs. */
HrBlobBoard *
hr_blob_board_new(unsigned limit);

/* No claim is open. */
void
hr_blob_board_free(HrBlobBoard *board);

/* Claims a blob of a repository of the target.  HR_BLOB_YOURS: the caller
 * settles it, and *mount_from (the caller's, may come back NULL) names a
 * repository that has the blob.  HR_BLOB_MOVING: `ready(data)` will be called
 * once, on the thread that settles. */
HrBlobClaim
hr_blob_board_claim(HrBlobBoard *board, const char *repository,
                    const char *digest, HrBlobReady ready, void *data,
                    char **mount_from);

/* Ends a claim: the blob is in the repository, or it is not. */
void
hr_blob_board_settle(HrBlobBoard *board, const char *repository,
                     const char *digest, bool stored);

/* True while nothing stored was forgotten: then what is not known to be in a
 * repository that is new is not there. */
bool
hr_blob_board_remembers_all(HrBlobBoard *board);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrBlobBoard, hr_blob_board_free)

#endif
