/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Worker pool: a bounded number of threads behind bounded queues.
 *
 *     submit -----> [ lane: by priority, bounded ] --.
 *     resume -----> [ lane: before those         ] --+--> worker 1..W
 *     resume_at --> [ parked until a time        ] --'
 *
 * A lane is the work for one sync, or one purpose.  Workers go round the lanes
 * that have work, a job each; a lane gets no more workers at once than its
 * cap, and has a queue of its own.  Workers mostly wait for the network, and
 * so those of a slow lane are no use to the others: when all are held and a
 * lane below its cap has work, the pool grows.  If it may grow to the sum of
 * the caps, each lane is as fast as if it were alone.
 *
 * A job never waits for another job of the pool.  One that depends on others
 * parks: it leaves its worker, and whoever completes the last dependency
 * resumes it.  Parked jobs were admitted once, so resuming never blocks.
 */
#ifndef HR_WORK_POOL_H
#define HR_WORK_POOL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "guard/outcome.h"
#include "work/cancel.h"

typedef struct HrPool HrPool;
typedef struct HrLane HrLane;

typedef void (*HrJobFunc)(void *data);

/* Starts `workers` threads, or, with a warning, as many as the system allows;
 * the queue of a lane holds `capacity` jobs. */
HrPool *
hr_pool_new(unsigned workers, unsigned capacity);

/* Has it start further workers as they are needed, up to `most` in all. */
void
hr_pool_may_grow(HrPool *pool, unsigned most);

/* Drains, then joins all threads. */
void
hr_pool_free(HrPool *pool);

/* The lane of that name, made if there is none; `cap` workers at once, 0 for
 * as many as there are.  Lives as long as the pool.  From any thread. */
HrLane *
hr_pool_lane(HrPool *pool, const char *name, unsigned cap);

/* Queues a job; waits for room until `until_us` (0: not at all,
 * HR_TIME_NEVER: as long as it takes).  HR_LOCAL_REJECT if there was no room
 * or the pool drains, HR_CANCELLED if `cancel` (may be NULL) was triggered
 * while waiting.  Not from a worker of the same pool, except with 0. */
bool
hr_pool_submit(HrLane *lane, HrPriority priority, HrJobFunc func, void *data,
               HrCancel *cancel, int64_t until_us, GError **error);

/* Queues the continuation of a job that was admitted before, ahead of new
 * jobs.  Never blocks or fails; allowed while draining; from any thread. */
void
hr_pool_resume(HrLane *lane, HrJobFunc func, void *data);

/* The same at a time (monotonic), or as soon as `cancel` (may be NULL) is
 * triggered.  Draining waits for it. */
void
hr_pool_resume_at(HrLane *lane, HrJobFunc func, void *data, HrCancel *cancel,
                  int64_t at_us);

/* Takes no new jobs, finishes those queued and running.  False if they were
 * not done by `until_us`. */
bool
hr_pool_drain(HrPool *pool, int64_t until_us);

/* The share of a lane's cap that runs nothing just now; 0 without a cap. */
double
hr_pool_idle_share(HrLane *lane);

/* Workers so far. */
unsigned
hr_pool_workers(HrPool *pool);

/* Jobs queued and running. */
unsigned
hr_pool_load(HrPool *pool);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrPool, hr_pool_free)

#endif
