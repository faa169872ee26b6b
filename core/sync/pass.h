/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pass: what every step of one sync works with.  Filled by the application,
 * borrowed by the steps, the same for all workers.  Driven by one thread,
 * which is no worker; other passes run at the same time.
 */
#ifndef HR_SYNC_PASS_H
#define HR_SYNC_PASS_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "observe/feed.h"
#include "observe/progress.h"
#include "plug/registry.h"
#include "plug/strategy.h"
#include "sync/blob-board.h"
#include "sync/creation.h"
#include "sync/explanation.h"
#include "sync/gathering.h"
#include "sync/plan.h"
#include "sync/robot-secrets.h"
#include "work/cancel.h"
#include "work/group.h"
#include "work/pool.h"
#include "work/turns.h"

typedef struct HrPass {
    const char *name;
    HrRegistry *source;
    HrRegistry *target;
    HrStrategy *strategy;   /* NULL for steps that decide nothing       */
    const HrSelect *select; /* NULL: everything                         */
    const HrRename *rename; /* NULL: names stay                         */
    bool foreign_layers;    /* are brought, too                           */
    bool complete; /* look into artifacts that are equal, too            */
    HrExplanation *explanation;  /* NULL: nobody asks why               */
    HrCreationMemory *creations; /* when images were created            */
    int64_t wall_us;             /* when the pass began, for ages       */
    bool referrers;              /* what hangs on tags comes with them  */
    char *const *kinds;          /* NULL: all that both sides have      */
    HrEscalation escalation;     /* what becomes of rights that grow    */
    bool exact; /* only what was planned, or nothing: see document-write.h  */
    HrRobotSecrets *robot_secrets; /* NULL: nobody tells any            */
    bool check_secrets; /* of robots that are equal, too                */

    /* For one artifact or repository under another name: */
    const char *target_repository; /* NULL: as on the source            */
    const char *target_reference;  /* NULL: as on the source            */

    int64_t patience_us; /* how long a job may be put off, all in all    */
    HrLane *lane;        /* for its jobs                                */
    HrLane *big_lane;    /* for those that move big blobs               */
    HrPriority priority; /* of them, and of their requests              */
    HrCancel *cancel;
    HrFeed *feed;           /* NULL: no sinks                             */
    HrProgress *progress;   /* of all that is asked and moved            */
    HrBlobBoard *board;     /* shared with the other passes to the target */
    HrGathering *gathering; /* with those of the source; or NULL        */
    uint64_t self;          /* this one among them                      */
    HrTurns *turns; /* of what one job does at a time, of all passes    */
} HrPass;

/* What a repository of the source is called on the target; caller frees. */
char *
hr_pass_target_name(const HrPass *pass, const char *repository);

/* The platforms wanted of indexes (HrPlatform); NULL: all. */
const GPtrArray *
hr_pass_platforms(const HrPass *pass);

/* Queues a job and counts it in `group`; waits for room.  The job leaves the
 * group when it is over.  False if the pass was cancelled: the job will not
 * run.  Not from a worker. */
bool
hr_pass_submit(const HrPass *pass, HrGroup *group, HrJobFunc func, void *data);

/* A call for a job of the pass that can be put off; the caller's. */
HrCall *
hr_pass_call(const HrPass *pass);

/* True for failures that better times may cure. */
bool
hr_pass_may_park(hr_status status);

/* How often a job was put off, and since when; all zero at first. */
typedef struct HrParking {
    int64_t since_us;
    unsigned rounds;
} HrParking;

/* A job has failed with `status`, and something that it asked for with `call`
 * was put off: true if it will run again when that is sensible, within the
 * pass's patience.  Then it is no longer the caller's, who returns without
 * touching it; it stays in its group. */
bool
hr_pass_park(const HrPass *pass, HrParking *parking, const HrCall *call,
             hr_status status, HrJobFunc func, void *data);

/* Asks both sides whether they are there and take the credentials, and who we
 * are, where a registry knows that: `logins` may be NULL.  The error names the
 * side.  HR_PRECONDITION if the target is to be written (`writes`) and takes no
 * writes now. */
bool
hr_pass_probe(const HrPass *pass, bool writes, HrLogins *logins,
              GError **error);

/* True if tags, and what hangs on them, are of the pass's kinds. */
bool
hr_pass_wants_content(const HrPass *pass);

/* Tells the sinks that something happened to an item.  `key`, `message` may
 * be NULL. */
void
hr_pass_event(const HrPass *pass, int level, const char *event,
              const HrCall *call, const char *key, const char *message);

/* The same of a document. */
void
hr_pass_document_event(const HrPass *pass, int level, const char *event,
                       const HrCall *call, const char *kind, const char *key,
                       const char *message);

#endif
