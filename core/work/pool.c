/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Worker pool: a fixed number of threads behind a bounded queue. */
#include "work/pool.h"

#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"

/* Straight-line code over libc and plugins; frames hold at most a few dozen
 * kilobytes of queries. */
#define STACK_BYTES (512 * 1024)

typedef struct Job {
    HrJobFunc func;
    void *data;
} Job;

struct HrPool {
    pthread_mutex_t mutex;
    HrCond work;    /* something to take     */
    HrCond room;    /* a place in the queue  */
    HrCond idle;    /* nothing left to do    */
    GQueue queue;   /* Job, at most `capacity` */
    GQueue resumed; /* Job, before those       */
    unsigned capacity;
    unsigned running;
    bool draining;
    bool stopping;
    unsigned worker_count;
    pthread_t *threads;
};

static Job *
take_job_locked(HrPool *pool)
{
    Job *job = g_queue_pop_head(&pool->resumed);

    if (job != NULL)
        return job;
    job = g_queue_pop_head(&pool->queue);
    if (job != NULL)
        hr_cond_signal(&pool->room);
    return job;
}

static bool
is_idle_locked(const HrPool *pool)
{
    return pool->running == 0 && pool->queue.length == 0 &&
           pool->resumed.length == 0;
}

static void *
run_worker(void *data)
{
    HrPool *pool = data;

    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        Job *job = take_job_locked(pool);

        if (job == NULL) {
            if (pool->stopping)
                break;
            hr_cond_wait(&pool->work, &pool->mutex);
            continue;
        }
        pool->running++;
        pthread_mutex_unlock(&pool->mutex);
        job->func(job->data);
        g_free(job);
        pthread_mutex_lock(&pool->mutex);
        pool->running--;
        if (is_idle_locked(pool))
            hr_cond_broadcast(&pool->idle);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* Signals are for the main thread: workers are born with all of them
 * blocked. */
static void
start_workers(HrPool *pool)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t old;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (unsigned i = 0; i < pool->worker_count; i++) {
        char name[16];

        int number =
            pthread_create(&pool->threads[i], &attributes, run_worker, pool);

        if (number != 0 && i == 0)
            g_error("cannot start a worker thread: %s", g_strerror(number));
        if (number != 0) {
            hr_log(HR_LOG_WARNING,
                   "only %u of %u worker threads could be started: %s", i,
                   pool->worker_count, g_strerror(number));
            pool->worker_count = i;
            break;
        }
        snprintf(name, sizeof name, "hr-worker-%u", i % 1000);
        pthread_setname_np(pool->threads[i], name);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
}

HrPool *
hr_pool_new(unsigned workers, unsigned capacity)
{
    HrPool *pool = g_new0(HrPool, 1);

    pthread_mutex_init(&pool->mutex, NULL);
    hr_cond_init(&pool->work);
    hr_cond_init(&pool->room);
    hr_cond_init(&pool->idle);
    pool->capacity = capacity;
    pool->worker_count = workers;
    pool->threads = g_new0(pthread_t, workers);
    start_workers(pool);
    return pool;
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
    for (unsigned i = 0; i < pool->worker_count; i++)
        pthread_join(pool->threads[i], NULL);
    hr_cond_clear(&pool->work);
    hr_cond_clear(&pool->room);
    hr_cond_clear(&pool->idle);
    pthread_mutex_destroy(&pool->mutex);
    g_free(pool->threads);
    g_free(pool);
}

static Job *
new_job(HrJobFunc func, void *data)
{
    Job *job = g_new(Job, 1);

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
wait_for_room_locked(HrPool *pool, HrCancel *cancel, int64_t until_us,
                     GError **error)
{
    bool late = until_us == 0;

    while (!pool->draining && pool->queue.length >= pool->capacity) {
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
hr_pool_submit(HrPool *pool, HrJobFunc func, void *data, HrCancel *cancel,
               int64_t until_us, GError **error)
{
    unsigned watch = 0;
    bool room;

    /* Outside the lock: the watcher takes it. */
    if (cancel != NULL && until_us != 0)
        watch = hr_cancel_watch(cancel, wake_room_cb, pool);
    pthread_mutex_lock(&pool->mutex);
    room = wait_for_room_locked(pool, cancel, until_us, error);
    if (room) {
        g_queue_push_tail(&pool->queue, new_job(func, data));
        hr_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->mutex);
    if (watch != 0)
        hr_cancel_unwatch(cancel, watch);
    return room;
}

void
hr_pool_resume(HrPool *pool, HrJobFunc func, void *data)
{
    HR_LOCKED(&pool->mutex);
    g_queue_push_tail(&pool->resumed, new_job(func, data));
    hr_cond_signal(&pool->work);
}

bool
hr_pool_drain(HrPool *pool, int64_t until_us)
{
    HR_LOCKED(&pool->mutex);
    pool->draining = true;
    hr_cond_broadcast(&pool->room);
    while (!is_idle_locked(pool))
        if (!hr_cond_wait_until(&pool->idle, &pool->mutex, until_us))
            return is_idle_locked(pool);
    return true;
}

unsigned
hr_pool_workers(const HrPool *pool)
{
    return pool->worker_count;
}

unsigned
hr_pool_load(HrPool *pool)
{
    HR_LOCKED(&pool->mutex);
    return pool->running + pool->queue.length + pool->resumed.length;
}
