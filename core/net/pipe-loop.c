/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop's part of a pipe: permits, pace, starting and ending. */
#include "net/pipe-state.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

/* A body that moves slower than this is taken for dead. */
#define PACE_BYTES_PER_S 1024

/* How often the pace is looked at, and small change passed on. */
#define TICK_MIN_US 20000
#define TICK_MAX_US 1000000

void
hr_pipe_note_on_loop(HrPipe *pipe, char *line)
{
    if (line == NULL)
        return;
    if (pipe->notes == NULL)
        pipe->notes = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(pipe->notes, line);
}

void
hr_pipe_end_on_loop(HrPipe *pipe, GError *error, bool source_failed)
{
    pipe->ended = true;
    pipe->error = error;
    pipe->source_failed = error != NULL && source_failed;
    hr_pipe_note_on_loop(pipe, hr_attempt_stop_on_loop(&pipe->source.attempt));
    hr_pipe_note_on_loop(pipe, hr_attempt_stop_on_loop(&pipe->target.attempt));
    hr_loop_disarm_on_loop(pipe->loop, &pipe->timer);
    /* Many pipes may wait for their turn behind this one. */
    if (pipe->source.request != NULL && pipe->target.request != NULL)
        g_clear_pointer(&pipe->ring, hr_ring_free);
    hr_line_leave_on_loop(pipe->line, &pipe->waiter);
    hr_call_raise(pipe->call, &pipe->done);
}

static bool
target_may_start(const HrPipe *pipe)
{
    return atomic_load(&pipe->verified) || hr_pipe_available(pipe) > 0;
}

static bool
target_may_resume(const HrPipe *pipe)
{
    return hr_pipe_available(pipe) > 0 || hr_pipe_target_refused(pipe);
}

/* Starts and resumes what can go on. */
static void
pump(HrPipe *pipe)
{
    if (pipe->ended || !atomic_load(&pipe->admitted))
        return;
    if (pipe->target.request != NULL && !pipe->target.started) {
        if (target_may_start(pipe))
            hr_pipe_start_target_on_loop(pipe);
    } else if (pipe->target.paused && target_may_resume(pipe)) {
        hr_pipe_resume_target_on_loop(pipe);
    }
    if (!pipe->ended && pipe->source.paused &&
        hr_ring_free_space(pipe->ring) >= pipe->ring_bytes / 2)
        hr_pipe_resume_source_on_loop(pipe);
}

static void
chore_cb(void *data)
{
    HrPipe *pipe = data;

    pipe->chore_due = false;
    pump(pipe);
    hr_pipe_unref(pipe);
}

void
hr_pipe_pump_later_on_loop(HrPipe *pipe)
{
    if (pipe->chore_due)
        return;
    pipe->chore_due = true;
    atomic_fetch_add(&pipe->references, 1);
    hr_loop_chore_on_loop(pipe->loop, &pipe->chore, chore_cb, pipe);
}

static void
kick_cb(void *data)
{
    HrPipe *pipe = data;

    atomic_store(&pipe->kicked, false);
    pump(pipe);
    hr_pipe_unref(pipe);
}

void
hr_pipe_kick(HrPipe *pipe)
{
    if (atomic_exchange(&pipe->kicked, true))
        return;
    atomic_fetch_add(&pipe->references, 1);
    hr_loop_post(pipe->loop, &pipe->kick, kick_cb, pipe);
}

void
hr_pipe_stop_cb(void *data)
{
    HrPipe *pipe = data;

    if (!pipe->ended)
        hr_pipe_end_on_loop(pipe, NULL, false);
    hr_pipe_unref(pipe);
}

void
hr_pace_restart(HrPace *pace, int64_t bytes)
{
    pace->since_us = hr_clock_monotonic_us();
    pace->bytes = bytes;
}

/* True if an end that could move has not done so for `limit_us`. */
static bool
is_stalled(HrPipeEnd *end, int64_t bytes, int64_t limit_us, int64_t least)
{
    HrPace *pace = &end->pace;

    if (end->attempt.handle == NULL || end->paused) {
        hr_pace_restart(pace, bytes);
        return false;
    }
    if (hr_clock_monotonic_us() - pace->since_us < limit_us)
        return false;
    if (bytes - pace->bytes < least)
        return true;
    hr_pace_restart(pace, bytes);
    return false;
}

static GError *
stall_error(const HrPipe *pipe, const HrAttempt *attempt, int64_t bytes,
            int64_t limit_us)
{
    g_autofree char *time = hr_text_format_duration(limit_us);
    GError *error = NULL;

    if (bytes == 0 || bytes == pipe->size)
        hr_error_set(&error, HR_TIMEOUT, "no answer from %s within %s",
                     attempt->host, time);
    else
        hr_error_set(&error, HR_TIMEOUT,
                     "%s stalls: less than 1 KiB/s for %s, after %" PRId64
                     " of %" PRId64 " bytes",
                     attempt->host, time, bytes, pipe->size);
    return error;
}

static int64_t
least_bytes(int64_t stall_us)
{
    return MAX(stall_us * PACE_BYTES_PER_S / G_USEC_PER_SEC, 1);
}

static bool
check_source(HrPipe *pipe)
{
    int64_t stall_us = pipe->source.attempt.endpoint->stall_us;

    if (!is_stalled(&pipe->source, pipe->received, stall_us,
                    least_bytes(stall_us)))
        return true;
    hr_pipe_end_on_loop(
        pipe,
        stall_error(pipe, &pipe->source.attempt, pipe->received, stall_us),
        true);
    return false;
}

static bool
check_target(HrPipe *pipe)
{
    const HrEndpoint *endpoint = pipe->target.attempt.endpoint;
    int64_t moved = (int64_t)atomic_load(&pipe->moved);
    int64_t limit_us = endpoint->stall_us;
    GError *error;

    /* Once it has all, a server may need time to put it away. */
    if (moved == pipe->size)
        limit_us = MAX(limit_us, endpoint->timeout_us);
    if (!is_stalled(&pipe->target, moved, limit_us,
                    least_bytes(endpoint->stall_us)))
        return true;
    error = stall_error(pipe, &pipe->target.attempt, moved, limit_us);
    g_prefix_error(&error, "upload: ");
    hr_pipe_end_on_loop(pipe, error, false);
    return false;
}

static int64_t
next_tick_us(const HrPipe *pipe)
{
    int64_t stall_us = INT64_MAX;

    if (pipe->source.request != NULL)
        stall_us = pipe->source.request->endpoint->stall_us;
    if (pipe->target.request != NULL)
        stall_us = MIN(stall_us, pipe->target.request->endpoint->stall_us);
    return hr_clock_monotonic_us() +
           CLAMP(stall_us / 4, TICK_MIN_US, TICK_MAX_US);
}

static void
tick_cb(void *data)
{
    HrPipe *pipe = data;

    if (pipe->source.request != NULL && !check_source(pipe))
        return;
    if (pipe->target.request != NULL && !check_target(pipe))
        return;
    pump(pipe);
    if (!pipe->ended)
        hr_loop_arm_on_loop(pipe->loop, &pipe->timer, next_tick_us(pipe),
                            tick_cb, pipe);
}

/* The permits are there. */
static void
enter_cb(void *data)
{
    HrPipe *pipe = data;

    if (hr_call_over(pipe->call)) {
        GError *error = NULL;

        hr_call_set_over_error(pipe->call, &error);
        hr_pipe_end_on_loop(pipe, error, false);
        return;
    }
    pipe->ring = hr_ring_new(pipe->ring_bytes);
    /* The target does not run yet: the first bytes for it are waited for. */
    atomic_store(&pipe->loop_wants, pipe->target.request != NULL);
    atomic_store(&pipe->admitted, true);
    if (pipe->source.request != NULL)
        hr_pipe_start_source_on_loop(pipe);
    else
        hr_call_wake(pipe->call);
    hr_loop_arm_on_loop(pipe->loop, &pipe->timer, next_tick_us(pipe), tick_cb,
                        pipe);
}

void
hr_pipe_begin_cb(void *data)
{
    HrPipe *pipe = data;

    pipe->waiter.enter = enter_cb;
    pipe->waiter.data = pipe;
    hr_line_join_on_loop(pipe->line, &pipe->waiter);
}

void
hr_pipe_connection_error(const HrPipe *pipe, const HrAttempt *attempt,
                         CURLcode code, int64_t bytes, GError **error)
{
    bool broken = code == CURLE_PARTIAL_FILE || code == CURLE_GOT_NOTHING ||
                  code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR;

    if (broken && attempt->connected_us > 0)
        hr_error_set(error, HR_NETWORK,
                     "%s closed the connection after %" PRId64 " of %" PRId64
                     " bytes",
                     attempt->host, bytes, pipe->size);
    else
        hr_attempt_failure(attempt, code, error);
}
