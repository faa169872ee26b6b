/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pass: what every step of one sync works with.  Filled by the application,
 * borrowed by the steps, the same for all workers.
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
#include "work/cancel.h"
#include "work/group.h"
#include "work/pool.h"

typedef struct HrPass {
    const char *name;
    HrRegistry *source;
    HrRegistry *target;
    HrStrategy *strategy;   /* NULL for steps that decide nothing       */
    const HrSelect *select; /* NULL: everything                         */

    /* For one artifact or repository under another name: */
    const char *target_repository; /* NULL: as on the source            */
    const char *target_reference;  /* NULL: as on the source            */

    unsigned attempts; /* of one blob, all in all                       */
    HrPool *pool;
    HrCancel *cancel;
    HrFeed *feed; /* NULL: no sinks                             */
    HrProgress *progress;

    /* Called now and then on the thread that waits. */
    void (*tick)(void *data);
    void *tick_data;
} HrPass;

/* Queues a job and counts it in `group`; waits for room, ticking.  The job
 * leaves the group when it is over.  False if the pass was cancelled: the job
 * will not run.  Not from a worker. */
bool
hr_pass_submit(const HrPass *pass, HrGroup *group, HrJobFunc func, void *data);

/* Waits for all jobs of a group, ticking. */
void
hr_pass_wait(const HrPass *pass, HrGroup *group);

/* Asks both sides whether they are there and take the credentials.  The error
 * names the side. */
bool
hr_pass_probe(const HrPass *pass, GError **error);

/* Tells the sinks that something happened to an item.  `key`, `message` may
 * be NULL. */
void
hr_pass_event(const HrPass *pass, int level, const char *event,
              const HrCall *call, const char *key, const char *message);

#endif
