/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Worker pool: a bounded number of threads behind bounded queues. */
#include "work/pool.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "guard/priority.h"

/* Straight-line code over libc and plugins; frames hold at most a few dozen
 * kilobytes of queries. */
#define STACK_BYTES (512 * 1024)

/* How soon a parked job notices that it was cancelled. */
#define CANCEL_LOOK_US INT64_C(50000)

typedef struct Job {
    HrPriorityEntry entry; /* first: the queue knows only this */
    HrJobFunc func;
    void *data;
    HrLane *lane;
    /* While parked: */
    int64_t at_us;
    HrCancel *cancel;
} Job;

struct HrLane {
    HrPool *pool;
    char *name;
    unsigned cap;
    unsigned running;      /* under the pool's mutex, as all that follows */
    HrPriorityQueue queue; /* Job, at most the pool's capacity */
    GQueue resumed;        /* Job, before those */
};

struct HrPool {
    pthread_mutex_t mutex;
    HrCond work;          /* something to take     */
    HrCond room;          /* a place in a queue    */
    HrCond done;          /* nothing left to do    */
    GPtrArray *lanes;     /* HrLane */
    unsigned turn;        /* whose it is */
    GSequence *parked;    /* Job, by time */
    int64_t looked_at_us; /* for cancelled ones among them */
    unsigned capacity;
    unsigned queued;
    unsigned running;
    bool draining;
    bool stopping;
    unsigned most;   /* workers that there may be */
    GArray *threads; /* pthread_t */
};

static void
grow_if_needed_locked(HrPool *pool);

static Job *
take_from_locked(HrLane *lane, int64_t now_us)
{
    Job *job = g_queue_pop_head(&lane->resumed);

    if (job != NULL)
        return job;
    job = (Job *)hr_priority_pop(&lane->queue, now_us);
    if (job != NULL)
        hr_cond_broadcast(&lane->pool->room);
    return job;
}

/* The lanes take turns, a job each. */
static Job *
take_job_locked(HrPool *pool, int64_t now_us)
{
    for (guint i = 0; i < pool->lanes->len; i++) {
        HrLane *lane = pool->lanes->pdata[(pool->turn + i) % pool->lanes->len];
        Job *job;

        if (lane->cap > 0 && lane->running >= lane->cap)
            continue;
        job = take_from_locked(lane, now_us);
        if (job == NULL)
            continue;
        pool->turn = (pool->turn + i + 1) % pool->lanes->len;
        pool->queued--;
        return job;
    }
    return NULL;
}

static void
resume_locked(Job *job)
{
    HrPool *pool = job->lane->pool;

    g_queue_push_tail(&job->lane->resumed, job);
    pool->queued++;
    hr_cond_signal(&pool->work);
    grow_if_needed_locked(pool);
}

static void
unpark_locked(GSequenceIter *at)
{
    Job *job = g_sequence_get(at);

    g_sequence_remove(at);
    g_clear_pointer(&job->cancel, hr_cancel_unref);
    resume_locked(job);
}

static void
unpark_cancelled_locked(HrPool *pool)
{
    GSequenceIter *at = g_sequence_get_begin_iter(pool->parked);

    while (!g_sequence_iter_is_end(at)) {
        GSequenceIter *after = g_sequence_iter_next(at);
        const Job *job = g_sequence_get(at);

        if (job->cancel != NULL && hr_cancel_triggered(job->cancel))
            unpark_locked(at);
        at = after;
    }
}

/* Resumes what is due; returns when to look again. */
static int64_t
look_at_parked_locked(HrPool *pool, int64_t now_us)
{
    if (now_us - pool->looked_at_us >= CANCEL_LOOK_US) {
        pool->looked_at_us = now_us;
        unpark_cancelled_locked(pool);
    }
    for (;;) {
        GSequenceIter *at = g_sequence_get_begin_iter(pool->parked);
        const Job *job;

        if (g_sequence_iter_is_end(at))
            return HR_TIME_NEVER;
        job = g_sequence_get(at);
        if (job->at_us > now_us)
            return MIN(job->at_us, now_us + CANCEL_LOOK_US);
        unpark_locked(at);
    }
}

static bool
is_idle_locked(const HrPool *pool)
{
    return pool->running == 0 && pool->queued == 0 &&
           g_sequence_is_empty(pool->parked);
}

static void
run_job_locked(HrPool *pool, Job *job)
{
    HrLane *lane = job->lane;

    pool->running++;
    lane->running++;
    grow_if_needed_locked(pool);
    pthread_mutex_unlock(&pool->mutex);
    job->func(job->data);
    g_free(job);
    pthread_mutex_lock(&pool->mutex);
    pool->running--;
    lane->running--;
    /* A lane that was at its cap has a worker again: this one looks. */
    if (is_idle_locked(pool))
        hr_cond_broadcast(&pool->done);
}

static void *
run_worker(void *data)
{
    HrPool *pool = data;

    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        int64_t next = HR_TIME_NEVER;
        int64_t now = 0;
        Job *job;

        if (pool->queued > 0 || !g_sequence_is_empty(pool->parked)) {
            now = hr_clock_monotonic_us();
            next = look_at_parked_locked(pool, now);
        }
        job = take_job_locked(pool, now);
        if (job != NULL)
            run_job_locked(pool, job);
        else if (pool->stopping)
            break;
        else
            hr_cond_wait_until(&pool->work, &pool->mutex, next);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* Signals are for the main thread: workers are born with all of them blocked.
 * Returns what pthread_create does. */
static int
start_worker_locked(HrPool *pool)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t old;
    char name[16];
    int number;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    number = pthread_create(&thread, &attributes, run_worker, pool);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    if (number != 0)
        return number;
    snprintf(name, sizeof name, "hr-worker-%u", pool->threads->len % 1000);
    pthread_setname_np(thread, name);
    g_array_append_val(pool->threads, thread);
    return 0;
}

/* Jobs that a worker would take now. */
static unsigned
count_ready_locked(const HrPool *pool)
{
    unsigned ready = 0;

    for (guint i = 0; i < pool->lanes->len; i++) {
        HrLane *lane = pool->lanes->pdata[i];
        unsigned queued =
            lane->resumed.length + hr_priority_length(&lane->queue);

        ready +=
            lane->cap == 0 ? queued : MIN(queued, lane->cap - lane->running);
    }
    return ready;
}

/* Parked jobs need somebody who looks at the clock. */
static void
grow_if_needed_locked(HrPool *pool)
{
    unsigned free = pool->threads->len - pool->running;
    unsigned needed = 0;
    int number;

    if (pool->threads->len >= pool->most)
        return;
    if (pool->queued > free)
        needed = count_ready_locked(pool);
    if (!g_sequence_is_empty(pool->parked))
        needed = MAX(needed, 1);
    if (needed <= free)
        return;
    number = start_worker_locked(pool);
    if (number == 0)
        return;
    pool->most = pool->threads->len;
    hr_log(HR_LOG_WARNING, "only %u worker threads could be started: %s",
           pool->most, g_strerror(number));
}

static void
start_workers(HrPool *pool, unsigned workers)
{
    HR_LOCKED(&pool->mutex);
    for (unsigned i = 0; i < workers; i++) {
        int number = start_worker_locked(pool);

        if (number != 0 && i == 0)
            g_error("cannot start a worker thread: %s", g_strerror(number));
        if (number != 0) {
            hr_log(HR_LOG_WARNING,
                   "only %u of %u worker threads could be started: %s", i,
                   workers, g_strerror(number));
            break;
        }
    }
    pool->most = pool->threads->len;
}

HrPool *
hr_pool_new(unsigned workers, unsigned capacity)
{
    HrPool *pool = g_new0(HrPool, 1);

    pthread_mutex_init(&pool->mutex, NULL);
    hr_cond_init(&pool->work);
    hr_cond_init(&pool->room);
    hr_cond_init(&pool->done);
    pool->lanes = g_ptr_array_new();
    pool->parked = g_sequence_new(NULL);
    pool->capacity = capacity;
    pool->threads = g_array_new(false, false, sizeof(pthread_t));
    start_workers(pool, workers);
    return pool;
}

void
hr_pool_may_grow(HrPool *pool, unsigned most)
{
    HR_LOCKED(&pool->mutex);
    pool->most = MAX(most, pool->threads->len);
}

void
hr_pool_free(HrPool *pool)
{
    if (pool == NULL)
        return;
    hr_pool_drain(pool, HR_TIME_NEVER);
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    hr_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (guint i = 0; i < pool->threads->len; i++)
        pthread_join(g_array_index(pool->threads, pthread_t, i), NULL);
    hr_cond_clear(&pool->work);
    hr_cond_clear(&pool->room);
    hr_cond_clear(&pool->done);
    pthread_mutex_destroy(&pool->mutex);
    for (guint i = 0; i < pool->lanes->len; i++) {
        HrLane *lane = pool->lanes->pdata[i];

        g_free(lane->name);
        g_free(lane);
    }
    g_ptr_array_unref(pool->lanes);
    g_sequence_free(pool->parked);
    g_array_unref(pool->threads);
    g_free(pool);
}

HrLane *
hr_pool_lane(HrPool *pool, const char *name, unsigned cap)
{
    HrLane *lane;

    HR_LOCKED(&pool->mutex);
    for (guint i = 0; i < pool->lanes->len; i++) {
        lane = pool->lanes->pdata[i];
        if (strcmp(lane->name, name) == 0)
            return lane;
    }
    lane = g_new0(HrLane, 1);
    lane->pool = pool;
    lane->name = g_strdup(name);
    lane->cap = cap;
    hr_priority_init(&lane->queue);
    g_ptr_array_add(pool->lanes, lane);
    return lane;
}

static Job *
new_job(HrLane *lane, HrJobFunc func, void *data)
{
    Job *job = g_new0(Job, 1);

    job->lane = lane;
    job->func = func;
    job->data = data;
    return job;
}

static void
wake_room_cb(void *data)
{
    HrPool *pool = data;

    HR_LOCKED(&pool->mutex);
    hr_cond_broadcast(&pool->room);
}

/* Waits for a place; false if there is none by then, or never will be. */
static bool
wait_for_room_locked(HrLane *lane, HrCancel *cancel, int64_t until_us,
                     GError **error)
{
    HrPool *pool = lane->pool;
    bool late = until_us == 0;

    while (!pool->draining &&
           hr_priority_length(&lane->queue) >= pool->capacity) {
        if (cancel != NULL && hr_cancel_triggered(cancel))
            return hr_error_set(error, HR_CANCELLED, "interrupted");
        if (late)
            return hr_error_set(error, HR_LOCAL_REJECT,
                                "the queue of jobs is full");
        /* A place may have come with the time: look once more. */
        late = !hr_cond_wait_until(&pool->room, &pool->mutex, until_us);
    }
    if (pool->draining)
        return hr_error_set(error, HR_LOCAL_REJECT,
                            "no new jobs are taken: the program is ending");
    return true;
}

bool
hr_pool_submit(HrLane *lane, HrPriority priority, HrJobFunc func, void *data,
               HrCancel *cancel, int64_t until_us, GError **error)
{
    HrPool *pool = lane->pool;
    unsigned watch = 0;
    bool room;

    /* Outside the lock: the watcher takes it. */
    if (cancel != NULL && until_us != 0)
        watch = hr_cancel_watch(cancel, wake_room_cb, pool);
    pthread_mutex_lock(&pool->mutex);
    room = wait_for_room_locked(lane, cancel, until_us, error);
    if (room) {
        hr_priority_push(&lane->queue, &new_job(lane, func, data)->entry,
                         priority, hr_clock_monotonic_us());
        pool->queued++;
        hr_cond_signal(&pool->work);
        grow_if_needed_locked(pool);
    }
    pthread_mutex_unlock(&pool->mutex);
    if (watch != 0)
        hr_cancel_unwatch(cancel, watch);
    return room;
}

void
hr_pool_resume(HrLane *lane, HrJobFunc func, void *data)
{
    HR_LOCKED(&lane->pool->mutex);
    resume_locked(new_job(lane, func, data));
}

static int
compare_times(gconstpointer one, gconstpointer other, gpointer unused)
{
    const Job *a = one;
    const Job *b = other;

    (void)unused;
    return (a->at_us > b->at_us) - (a->at_us < b->at_us);
}

void
hr_pool_resume_at(HrLane *lane, HrJobFunc func, void *data, HrCancel *cancel,
                  int64_t at_us)
{
    Job *job;

    if (cancel != NULL && hr_cancel_triggered(cancel)) {
        hr_pool_resume(lane, func, data);
        return;
    }
    job = new_job(lane, func, data);
    job->at_us = at_us;
    job->cancel = cancel != NULL ? hr_cancel_ref(cancel) : NULL;
    HR_LOCKED(&lane->pool->mutex);
    g_sequence_insert_sorted(lane->pool->parked, job, compare_times, NULL);
    /* Whoever idles has to look at the clock from now on. */
    hr_cond_signal(&lane->pool->work);
    grow_if_needed_locked(lane->pool);
}

bool
hr_pool_drain(HrPool *pool, int64_t until_us)
{
    HR_LOCKED(&pool->mutex);
    pool->draining = true;
    hr_cond_broadcast(&pool->room);
    while (!is_idle_locked(pool))
        if (!hr_cond_wait_until(&pool->done, &pool->mutex, until_us))
            return is_idle_locked(pool);
    return true;
}

double
hr_pool_idle_share(HrLane *lane)
{
    HR_LOCKED(&lane->pool->mutex);
    if (lane->cap == 0)
        return 0;
    return (double)(lane->cap - lane->running) / lane->cap;
}

unsigned
hr_pool_workers(HrPool *pool)
{
    HR_LOCKED(&pool->mutex);
    return pool->threads->len;
}

unsigned
hr_pool_load(HrPool *pool)
{
    HR_LOCKED(&pool->mutex);
    return pool->running + pool->queued;
}
