/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of applying a plan, shared by its files:
 *
 *     apply.c         the changes, and who carries them out
 *     apply-copy.c    one of them, from its manifest to its tag
 *     apply-waves.c   what refers to others: after them, and listed there
 */
#ifndef HR_SYNC_APPLY_STATE_H
#define HR_SYNC_APPLY_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "sync/apply.h"
#include "sync/artifact.h"
#include "sync/twins.h"

typedef struct Apply {
    const HrPass *pass;
    HrWriteCounts *counts;
    HrBrokenUploads *broken;
    HrTwins *twins;
    const HrPlan *plan;
    HrGroup *group;
    pthread_mutex_t mutex;
    atomic_uint big_waiting;
    GPtrArray *deferred; /* Copy whose root refers to a subject */
    GPtrArray *unlisted; /* Copy that is there, and to be listed */
    GHashTable *failed;  /* "repository@digest" of failed changes */
    atomic_bool insists; /* the target takes no index without its images */
} Apply;

/* One change being carried out. */
typedef struct Copy {
    Apply *apply;
    HrChange *change;
    char *source_repository;
    char *target_repository;
    char *target_reference;
    char *digest;
    char *subject; /* that it is said to refer to, or NULL */
    HrCall *call;
    HrBlobJob *job; /* on the board */
    HrArtifact *artifact;
    GPtrArray *blobs; /* HrDescriptor still to be brought, small ones first */
    GPtrArray *big;   /* those that are brought after them, or NULL         */
    HrLane *lane;     /* where it goes on                                   */
    uint64_t company; /* passes that copy the same now; 0: alone            */
    atomic_uint waiting;
    HrParking parking;
    GError *failure; /* of a move, kept while others are waited for */
    bool last_wave;  /* the subject has been dealt with */
    bool counted;    /* as loaded */
    bool entered;    /* among its twins */
    bool met;        /* the other passes that want it, or nobody is there */
    bool complete;   /* all images are brought, wanted or not */
    bool index_refused;
    bool unlisted; /* the registry does not list what refers to what */
} Copy;

/* ----------------------------------------------------------- apply-copy.c */

/* NULL if the change is none that can be carried out. */
Copy *
hr_copy_new(Apply *apply, HrChange *change, GError **error);

void
hr_copy_free(Copy *copy);

/* The job (HrJobFunc). */
void
hr_copy_run(void *copy);

/* Ends a copy, which leaves the group; `error` NULL is success. */
void
hr_copy_end(Copy *copy, HrResult result, const GError *error);

/* All that it has to move is known, or will not be. */
void
hr_copy_count_loaded(Copy *copy);

/* ---------------------------------------------------------------- apply.c */

void
hr_apply_fail_unstarted(const HrPass *pass, HrChange *change);

/* ---------------------------------------------------------- apply-waves.c */

/* Publishes what waits for its subject, and lists it there.  Not from a
 * worker. */
void
hr_apply_waves(Apply *apply);

#endif
