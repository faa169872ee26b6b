/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loop: one thread that owns one CURLM and everything that happens on it.
 *
 *     post --> [messages] --> turn: messages, timers, transfers, chores
 *
 * Internal to core/net.  Functions that end in _on_loop are for its thread.
 */
#ifndef HR_NET_LOOP_H
#define HR_NET_LOOP_H

#include <curl/curl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct HrLoop HrLoop;

/* A message to the loop; embedded in what it is about, which outlives it. */
typedef struct HrPost {
    struct HrPost *next;
    void (*func)(void *data);
    void *data;
} HrPost;

/* A timer of the loop; embedded likewise. */
typedef struct HrTimer {
    struct HrTimer *next;
    int64_t at_us;
    void (*func)(void *data);
    void *data;
    bool armed;
} HrTimer;

/* What a transfer calls when it has ended; set as CURLOPT_PRIVATE. */
typedef struct HrTransferEnd {
    void (*func)(void *data, CURLcode code);
    void *data;
} HrTransferEnd;

/* Starts the thread.  NULL and an error if there is none to be had. */
HrLoop *
hr_loop_new(unsigned number, GError **error);

/* Ends the thread.  Nothing is under way. */
void
hr_loop_free(HrLoop *loop);

/* Has `func` run on the loop.  From any thread; not again before it ran. */
void
hr_loop_post(HrLoop *loop, HrPost *post, void (*func)(void *data), void *data);

/* As hr_loop_post, and waits until it has run.  Not from a loop. */
void
hr_loop_run(HrLoop *loop, void (*func)(void *data), void *data);

/* Has `func` run on the loop in this turn, after libcurl's callbacks have
 * returned.  Not again before it ran. */
void
hr_loop_chore_on_loop(HrLoop *loop, HrPost *post, void (*func)(void *data),
                      void *data);

void
hr_loop_arm_on_loop(HrLoop *loop, HrTimer *timer, int64_t at_us,
                    void (*func)(void *data), void *data);

void
hr_loop_disarm_on_loop(HrLoop *loop, HrTimer *timer);

/* A fresh handle, from the pool of used ones if there is one: connections
 * belong to the multi handle, so any will do. */
CURL *
hr_loop_take_handle_on_loop(HrLoop *loop);

/* Gives a handle back; `reusable` false destroys it. */
void
hr_loop_give_handle_on_loop(HrLoop *loop, CURL *handle, bool reusable);

void
hr_loop_start_on_loop(HrLoop *loop, CURL *handle, HrTransferEnd *end);

/* Takes a transfer off before its end; its HrTransferEnd is not called. */
void
hr_loop_stop_on_loop(HrLoop *loop, CURL *handle);

/* Uniform in [0, 1), for jitter. */
double
hr_loop_random_on_loop(HrLoop *loop);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrLoop, hr_loop_free)

#endif
