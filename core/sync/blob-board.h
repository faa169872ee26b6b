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
 * Some registries mount only what a manifest of the other repository refers
 * to.  The first mount tells, and others wait for what it says.  Where it is
 * refused, others wait until the tag of whoever stored the blob is there:
 *
 *     stored by a job --publish---> may be mounted by all
 *          |            \-let_go--> is not waited for
 *          '-- claims of others wait (MOVING), unless that job waits for
 *              theirs, be it through others: then they upload the blob
 *
 * A refusal of what was published ends the waiting for good.  Small blobs are
 * not waited for: an upload of theirs costs no more than a mount.
 *
 * Knowledge of stored blobs is bounded; what is forgotten costs one HEAD.
 */
#ifndef HR_SYNC_BLOB_BOARD_H
#define HR_SYNC_BLOB_BOARD_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct HrBlobBoard HrBlobBoard;

typedef enum HrBlobClaim {
    HR_BLOB_YOURS,
    HR_BLOB_HERE,
    HR_BLOB_MOVING
} HrBlobClaim;

typedef void (*HrBlobReady)(void *data);

/* A job with a tag to publish. */
typedef struct HrBlobJob HrBlobJob;

HrBlobJob *
hr_blob_job_new(void);

/* It has published all that it stored, or has let go of it. */
void
hr_blob_job_free(HrBlobJob *job);

/* Who claims. */
typedef struct HrBlobAsker {
    HrBlobJob *job;
    HrBlobReady ready;
    void *data;
} HrBlobAsker;

/* A repository to mount from. */
typedef struct HrBlobOffer {
    char *repository; /* the taker's; NULL: none */
    bool published;   /* a manifest there refers to the blob */
} HrBlobOffer;

/* Remembers up to `limit` stored blobs; `mounts` is HR_MOUNT_*. */
HrBlobBoard *
hr_blob_board_new(unsigned limit, uint32_t mounts);

/* No claim is open. */
void
hr_blob_board_free(HrBlobBoard *board);

/* Claims a blob of a repository of the target, of `size` bytes.  HR_BLOB_YOURS: the caller
 * settles it, and may be offered a repository that has it.  HR_BLOB_MOVING:
 * `ready(data)` will be called once, on the thread that settles. */
HrBlobClaim
hr_blob_board_claim(HrBlobBoard *board, const char *repository,
                    const char *digest, int64_t size, const HrBlobAsker *asker,
                    HrBlobOffer *offer);

/* Ends a claim of `job`: the blob is in the repository, or it is not. */
void
hr_blob_board_settle(HrBlobBoard *board, HrBlobJob *job,
                     const char *repository, const char *digest, bool stored);

/* False if nothing is ever mounted. */
bool
hr_blob_board_mounts(const HrBlobBoard *board);

/* A mount was tried from a repository with or without a manifest for it. */
void
hr_blob_board_tried(HrBlobBoard *board, bool published, bool worked);

/* The repository has a manifest now that refers to these blobs
 * (HrDescriptor). */
void
hr_blob_board_publish(HrBlobBoard *board, const char *repository,
                      const GPtrArray *blobs);

/* The job does not publish, or not soon, what it stored of these blobs: nobody
 * waits for it any longer. */
void
hr_blob_board_let_go(HrBlobBoard *board, HrBlobJob *job,
                     const GPtrArray *blobs);

/* True while nothing stored was forgotten: then what is not known to be in a
 * repository that is new is not there. */
bool
hr_blob_board_remembers_all(HrBlobBoard *board);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrBlobBoard, hr_blob_board_free)

#endif
