/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Worker pool: a fixed number of threads behind a bounded queue.
 *
 *     submit --> [ queue, bounded ] --> worker 1..W --> done
 *     resume --> [ parked jobs    ] -->
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

#include "work/cancel.h"

typedef struct HrPool HrPool;

typedef void (*HrJobFunc)(void *data);

/* Starts `workers` threads, or, with a warning, as many as the system allows;
 * the queue holds `capacity` jobs. */
HrPool *
hr_pool_new(unsigned workers, unsigned capacity);

/* Drains, then joins all threads. */
void
hr_pool_free(HrPool *pool);

/* Queues a job; waits for room until `until_us` (0: not at all,
 * HR_TIME_NEVER: as long as it takes).  HR_LOCAL_REJECT if there was no room
 * or the pool drains, HR_CANCELLED if `cancel` (may be NULL) was triggered
 * while waiting.  Not from a worker of the same pool, except with 0. */
bool
hr_pool_submit(HrPool *pool, HrJobFunc func, void *data, HrCancel *cancel,
               int64_t until_us, GError **error);

/* Queues the continuation of a job that was admitted before, ahead of new
 * jobs.  Never blocks or fails; allowed while draining; from any thread. */
void
hr_pool_resume(HrPool *pool, HrJobFunc func, void *data);

/* Takes no new jobs, finishes those queued and running.  False if they were
 * not done by `until_us`. */
bool
hr_pool_drain(HrPool *pool, int64_t until_us);

unsigned
hr_pool_workers(const HrPool *pool);

/* Jobs queued and running. */
unsigned
hr_pool_load(HrPool *pool);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrPool, hr_pool_free)

#endif
