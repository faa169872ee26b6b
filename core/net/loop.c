/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loop: one thread that owns one CURLM. */
#include "net/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

/* Handles kept for reuse; each holds a few kilobytes and a buffer. */
#define POOL_LIMIT 32

/* Connections kept open between requests, over all endpoints of the loop. */
#define CONNECTION_LIMIT 128L

/* The longest sleep: only wake-ups end it sooner. */
#define POLL_LIMIT_MS 60000

#define STACK_BYTES (512 * 1024)

struct HrLoop {
    CURLM *multi;
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t mutex;
    HrPost *first_post; /* under mutex */
    HrPost **last_post; /* under mutex */
    HrPost *first_chore;
    HrPost **last_chore;
    HrTimer *timers; /* ordered by time */
    CURL *pool[POOL_LIMIT];
    unsigned pooled;
    unsigned short random[3];
};

void
hr_loop_post(HrLoop *loop, HrPost *post, void (*func)(void *data), void *data)
{
    bool first;

    post->next = NULL;
    post->func = func;
    post->data = data;
    pthread_mutex_lock(&loop->mutex);
    first = loop->first_post == NULL;
    *loop->last_post = post;
    loop->last_post = &post->next;
    pthread_mutex_unlock(&loop->mutex);
    /* Only the first one needs to wake the loop: it takes all. */
    if (first)
        curl_multi_wakeup(loop->multi);
}

/* Something that somebody waits for. */
typedef struct Errand {
    HrPost post;
    void (*func)(void *data);
    void *data;
    pthread_mutex_t mutex;
    HrCond cond;
    bool done; /* under mutex */
} Errand;

static void
run_errand_cb(void *data)
{
    Errand *errand = data;

    errand->func(errand->data);
    pthread_mutex_lock(&errand->mutex);
    errand->done = true;
    hr_cond_signal(&errand->cond);
    pthread_mutex_unlock(&errand->mutex);
}

void
hr_loop_run(HrLoop *loop, void (*func)(void *data), void *data)
{
    Errand errand = {.func = func, .data = data};

    pthread_mutex_init(&errand.mutex, NULL);
    hr_cond_init(&errand.cond);
    hr_loop_post(loop, &errand.post, run_errand_cb, &errand);
    pthread_mutex_lock(&errand.mutex);
    while (!errand.done)
        hr_cond_wait(&errand.cond, &errand.mutex);
    pthread_mutex_unlock(&errand.mutex);
    hr_cond_clear(&errand.cond);
    pthread_mutex_destroy(&errand.mutex);
}

void
hr_loop_chore_on_loop(HrLoop *loop, HrPost *post, void (*func)(void *data),
                      void *data)
{
    post->next = NULL;
    post->func = func;
    post->data = data;
    *loop->last_chore = post;
    loop->last_chore = &post->next;
}

static void
run_list(HrPost *post)
{
    while (post != NULL) {
        /* What it is about may be gone once it ran. */
        HrPost *next = post->next;

        post->func(post->data);
        post = next;
    }
}

static void
run_posts(HrLoop *loop)
{
    HrPost *posts;

    pthread_mutex_lock(&loop->mutex);
    posts = loop->first_post;
    loop->first_post = NULL;
    loop->last_post = &loop->first_post;
    pthread_mutex_unlock(&loop->mutex);
    run_list(posts);
}

static void
run_chores(HrLoop *loop)
{
    while (loop->first_chore != NULL) {
        HrPost *chores = loop->first_chore;

        loop->first_chore = NULL;
        loop->last_chore = &loop->first_chore;
        run_list(chores);
    }
}

void
hr_loop_arm_on_loop(HrLoop *loop, HrTimer *timer, int64_t at_us,
                    void (*func)(void *data), void *data)
{
    HrTimer **place = &loop->timers;

    hr_loop_disarm_on_loop(loop, timer);
    while (*place != NULL && (*place)->at_us <= at_us)
        place = &(*place)->next;
    timer->at_us = at_us;
    timer->func = func;
    timer->data = data;
    timer->armed = true;
    timer->next = *place;
    *place = timer;
}

void
hr_loop_disarm_on_loop(HrLoop *loop, HrTimer *timer)
{
    HrTimer **place = &loop->timers;

    if (!timer->armed)
        return;
    while (*place != timer)
        place = &(*place)->next;
    *place = timer->next;
    timer->armed = false;
}

static void
run_timers(HrLoop *loop)
{
    int64_t now = hr_clock_monotonic_us();

    while (loop->timers != NULL && loop->timers->at_us <= now) {
        HrTimer *timer = loop->timers;

        loop->timers = timer->next;
        timer->armed = false;
        timer->func(timer->data);
    }
}

static int
milliseconds_to_sleep(const HrLoop *loop)
{
    int64_t left;

    if (loop->timers == NULL)
        return POLL_LIMIT_MS;
    left = loop->timers->at_us - hr_clock_monotonic_us();
    return (int)CLAMP((left + 999) / 1000, 0, POLL_LIMIT_MS);
}

static void
end_transfers(HrLoop *loop)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(loop->multi, &left)) != NULL) {
        CURL *handle = message->easy_handle;
        CURLcode code = message->data.result;
        HrTransferEnd *end = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(handle, CURLINFO_PRIVATE, (char **)&end);
        curl_multi_remove_handle(loop->multi, handle);
        end->func(end->data, code);
    }
}

static void *
run_loop(void *data)
{
    HrLoop *loop = data;

    while (!atomic_load(&loop->stopping)) {
        int running;

        run_posts(loop);
        run_timers(loop);
        curl_multi_perform(loop->multi, &running);
        end_transfers(loop);
        run_chores(loop);
        curl_multi_poll(loop->multi, NULL, 0, milliseconds_to_sleep(loop),
                        NULL);
    }
    return NULL;
}

static bool
start_thread(HrLoop *loop, unsigned number)
{
    pthread_attr_t attributes;
    char name[16];
    sigset_t all;
    sigset_t old;
    int result;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    result = pthread_create(&loop->thread, &attributes, run_loop, loop);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    if (result != 0)
        return false;
    snprintf(name, sizeof name, "hr-loop-%u", number % 1000);
    pthread_setname_np(loop->thread, name);
    return true;
}

HrLoop *
hr_loop_new(unsigned number, GError **error)
{
    HrLoop *loop = g_new0(HrLoop, 1);
    int64_t now = hr_clock_wall_us();

    loop->multi = curl_multi_init();
    pthread_mutex_init(&loop->mutex, NULL);
    loop->last_post = &loop->first_post;
    loop->last_chore = &loop->first_chore;
    for (unsigned i = 0; i < 3; i++)
        loop->random[i] = (unsigned short)((now >> (16 * i)) + number);
    if (loop->multi != NULL) {
        curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, CONNECTION_LIMIT);
        if (start_thread(loop, number))
            return loop;
        curl_multi_cleanup(loop->multi);
    }
    hr_error_set(error, HR_LOCAL_RESOURCE, "cannot start an I/O loop");
    pthread_mutex_destroy(&loop->mutex);
    g_free(loop);
    return NULL;
}

void
hr_loop_free(HrLoop *loop)
{
    if (loop == NULL)
        return;
    atomic_store(&loop->stopping, true);
    curl_multi_wakeup(loop->multi);
    pthread_join(loop->thread, NULL);
    /* What was posted last may still hold references. */
    run_posts(loop);
    run_chores(loop);
    while (loop->pooled > 0)
        curl_easy_cleanup(loop->pool[--loop->pooled]);
    curl_multi_cleanup(loop->multi);
    pthread_mutex_destroy(&loop->mutex);
    g_free(loop);
}

CURL *
hr_loop_take_handle_on_loop(HrLoop *loop)
{
    CURL *handle;

    if (loop->pooled > 0)
        return loop->pool[--loop->pooled];
    handle = curl_easy_init();
    if (handle == NULL)
        g_error("libcurl gives no handle");
    return handle;
}

void
hr_loop_give_handle_on_loop(HrLoop *loop, CURL *handle, bool reusable)
{
    if (!reusable || loop->pooled == POOL_LIMIT) {
        curl_easy_cleanup(handle);
        return;
    }
    curl_easy_reset(handle);
    loop->pool[loop->pooled++] = handle;
}

void
hr_loop_start_on_loop(HrLoop *loop, CURL *handle, HrTransferEnd *end)
{
    curl_easy_setopt(handle, CURLOPT_PRIVATE, end);
    curl_multi_add_handle(loop->multi, handle);
}

void
hr_loop_stop_on_loop(HrLoop *loop, CURL *handle)
{
    curl_multi_remove_handle(loop->multi, handle);
}

double
hr_loop_random_on_loop(HrLoop *loop)
{
    return erand48(loop->random);
}
