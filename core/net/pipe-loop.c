/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop's part of a pipe: permits, pace, starting and ending. */
#include "net/pipe-state.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

/* A body that moves slower than this is taken for dead. */
#define PACE_BYTES_PER_S 1024

/* How often the pace is looked at, and small change passed on. */
#define TICK_MIN_US 20000
#define TICK_MAX_US 250000

/* Brings an end out of the stages, with what became of it. */
static void
leave_end(HrPipe *pipe, HrPipeEnd *end, const GError *error)
{
    HrPassage *leg = &end->send.leg.passage;
    HrPassage *operation = &end->operation.passage;
    int64_t now = hr_clock_monotonic_us();

    if (!end->begun)
        return;
    end->begun = false;
    hr_notes_add(&pipe->notes, HR_LOG_DEBUG,
                 hr_attempt_stop_on_loop(&end->send.attempt));
    hr_loop_disarm_on_loop(pipe->loop, &end->send.timer);
    if (end->through || error != NULL) {
        /* What was refused here, or by a token server, has its outcome
         * already. */
        if (!hr_outcome_is_local(&leg->outcome))
            hr_send_set_outcome(&end->send, error);
        /* What a stranger does says nothing about the registry. */
        if (error != NULL && end->request->stranger)
            leg->outcome = (HrOutcome){.status = HR_CANCELLED};
        hr_passage_leave(leg, now);
        operation->outcome = leg->outcome;
        hr_passage_leave(operation, now);
    } else {
        hr_passage_cancel(leg, now);
        hr_passage_cancel(operation, now);
    }
    hr_endpoint_publish_on_loop(end->request->endpoint, &pipe->notes);
}

static void
describe(HrPipe *pipe, HrPipeEnd *end, GError *error)
{
    int64_t wait_us = end->send.leg.passage.outcome.retry_after_us;
    HrErrorDetails *details = hr_error_details(error);

    hr_endpoint_describe_error(
        end->request->endpoint, error, end->send.attempt.method,
        end->request->url, &end->operation, hr_call_correlation(pipe->call));
    if (wait_us > 0 && details != NULL)
        details->retry_at_us = hr_clock_monotonic_us() + wait_us;
}

void
hr_pipe_end_on_loop(HrPipe *pipe, GError *error, bool source_failed)
{
    HrPipeEnd *failed = source_failed ? &pipe->source : &pipe->target;

    pipe->ended = true;
    hr_pipe_part_on_loop(pipe);
    pipe->error = error;
    pipe->source_failed = error != NULL && source_failed;
    hr_loop_disarm_on_loop(pipe->loop, &pipe->timer);
    leave_end(pipe, &pipe->source, source_failed ? error : NULL);
    leave_end(pipe, &pipe->target, source_failed ? NULL : error);
    if (error != NULL && failed->request != NULL)
        describe(pipe, failed, error);
    /* Many pipes may wait for their turn behind this one. */
    if (pipe->source.request != NULL && pipe->target.request != NULL)
        g_clear_pointer(&pipe->ring, hr_ring_free);
    if (pipe->riders != NULL)
        hr_pipe_retire_carrier_on_loop(pipe);
    else
        hr_call_raise(pipe->call, &pipe->done);
}

static bool
target_may_resume(HrPipe *pipe)
{
    return hr_pipe_target_refused(pipe) ||
           (hr_pipe_available(pipe) > 0 &&
            !hr_pipe_is_held_on_loop(&pipe->target));
}

static bool
ring_has_room(const HrPipe *pipe)
{
    return hr_ring_free_space(pipe->ring) >= pipe->ring_bytes / 2;
}

static bool
source_may_resume(HrPipe *pipe)
{
    bool room = pipe->riders != NULL ? hr_pipe_riders_have_room(pipe)
                                     : ring_has_room(pipe);

    return room && !hr_pipe_is_held_on_loop(&pipe->source);
}

static void
advance_cb(void *data)
{
    hr_pipe_advance_end_on_loop(data);
}

void
hr_pipe_advance_end_on_loop(HrPipeEnd *end)
{
    HrPipe *pipe = end->pipe;
    HrPassage *passage = &end->send.leg.passage;
    GError *error = NULL;

    if (hr_call_over(pipe->call)) {
        hr_call_set_over_error(pipe->call, &error);
        hr_pipe_end_on_loop(pipe, error, false);
        return;
    }
    switch (hr_passage_advance(passage, hr_clock_monotonic_us())) {
    case HR_STEP_WAIT:
        if (passage->at_us != INT64_MAX)
            hr_loop_arm_on_loop(pipe->loop, &end->send.timer, passage->at_us,
                                advance_cb, end);
        break;
    case HR_STEP_STOP:
        hr_send_refused_error(&end->send, &error);
        hr_pipe_end_on_loop(pipe, error, end == &pipe->source);
        break;
    case HR_STEP_ON:
        break;
    }
}

/* Starts and resumes what can go on. */
static void
pump(HrPipe *pipe)
{
    if (pipe->ended || !atomic_load(&pipe->admitted))
        return;
    if (pipe->target.request != NULL && !pipe->target.started) {
        hr_pipe_advance_end_on_loop(&pipe->target);
    } else if (pipe->target.paused && target_may_resume(pipe)) {
        hr_pipe_resume_target_on_loop(pipe);
    }
    if (!pipe->ended && pipe->source.paused && source_may_resume(pipe))
        hr_pipe_resume_source_on_loop(pipe);
    if (!pipe->ended && pipe->adrift && ring_has_room(pipe)) {
        pipe->adrift = false;
        hr_pipe_enter_source_on_loop(pipe);
    }
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
    if (pipe->carrier != NULL)
        pump(pipe->carrier);
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

/* An end that has stood still from one look to the next, since the other does
 * not come along, needs no place. */
static void
rest_if_idle(HrPipeEnd *end, int64_t bytes)
{
    if (end->paused && bytes == end->pace.bytes &&
        end->held_until_us <= hr_clock_monotonic_us())
        hr_leg_rest(&end->send.leg, true);
}

/* True if an end that could move has not done so for `limit_us`. */
static bool
is_stalled(HrPipeEnd *end, int64_t bytes, int64_t limit_us, int64_t least)
{
    HrPace *pace = &end->pace;

    if (end->send.attempt.handle == NULL || end->paused) {
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

/* `silent`: it is the answer that does not come, not the bytes. */
static GError *
stall_error(const HrPipe *pipe, const HrAttempt *attempt, int64_t bytes,
            int64_t limit_us, bool silent)
{
    g_autofree char *time = hr_text_format_duration(limit_us);
    GError *error = NULL;

    if (silent)
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

static int64_t
stall_limit_us(const HrPipeEnd *end)
{
    return hr_endpoint_policy(end->request->endpoint)->stall_us;
}

static bool
check_source(HrPipe *pipe)
{
    int64_t stall_us = stall_limit_us(&pipe->source);
    GError *error;

    rest_if_idle(&pipe->source, pipe->received);
    if (!is_stalled(&pipe->source, pipe->received, stall_us,
                    least_bytes(stall_us)))
        return true;
    error =
        stall_error(pipe, &pipe->source.send.attempt, pipe->received, stall_us,
                    pipe->received == 0 || pipe->received == pipe->size);
    hr_notes_add(&pipe->notes, HR_LOG_DEBUG,
                 hr_attempt_stop_on_loop(&pipe->source.send.attempt));
    pipe->source.paused = false;
    if (hr_pipe_resume_source_later_on_loop(pipe, error))
        return true;
    hr_pipe_end_on_loop(pipe, error, true);
    return false;
}

static bool
check_target(HrPipe *pipe)
{
    const HrPolicy *policy =
        hr_endpoint_policy(pipe->target.send.attempt.endpoint);
    int64_t moved = (int64_t)atomic_load(&pipe->moved);
    int64_t limit_us = policy->stall_us;
    bool fed = hr_pipe_target_fed(pipe);
    GError *error;

    rest_if_idle(&pipe->target, moved);
    /* Once it has all, a server may need time to put it away. */
    if (fed)
        limit_us =
            MAX(limit_us, policy->retry[HR_CLASS_WRITE].attempt_timeout_us);
    if (!is_stalled(&pipe->target, moved, limit_us,
                    least_bytes(policy->stall_us)))
        return true;
    error = stall_error(pipe, &pipe->target.send.attempt, moved, limit_us,
                        fed || moved == 0);
    g_prefix_error(&error, "upload: ");
    hr_pipe_end_on_loop(pipe, error, false);
    return false;
}

static int64_t
next_tick_us(const HrPipe *pipe)
{
    int64_t stall_us = INT64_MAX;

    if (pipe->source.request != NULL)
        stall_us = stall_limit_us(&pipe->source);
    if (pipe->target.request != NULL)
        stall_us = MIN(stall_us, stall_limit_us(&pipe->target));
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
    if (pipe->riders != NULL)
        hr_pipe_let_laggards_go_on_loop(pipe);
    pump(pipe);
    if (!pipe->ended)
        hr_loop_arm_on_loop(pipe->loop, &pipe->timer, next_tick_us(pipe),
                            tick_cb, pipe);
}

void
hr_pipe_admit_on_loop(HrPipe *pipe)
{
    if (atomic_load(&pipe->admitted))
        return;
    if (pipe->riders == NULL)
        pipe->ring = hr_ring_new(pipe->ring_bytes);
    /* The target does not run yet: the first bytes for it are waited for. */
    atomic_store(&pipe->loop_wants, pipe->target.request != NULL);
    atomic_store(&pipe->admitted, true);
    if (pipe->source.request == NULL)
        hr_call_wake(pipe->call);
    hr_loop_arm_on_loop(pipe->loop, &pipe->timer, next_tick_us(pipe), tick_cb,
                        pipe);
}

void
hr_pipe_count_on_loop(HrPipeEnd *end, size_t size)
{
    int64_t now = hr_clock_monotonic_us();

    end->held_until_us = hr_passage_data(&end->send.leg.passage, now, size);
}

static void
held_cb(void *data)
{
    HrPipeEnd *end = data;

    pump(end->pipe);
}

bool
hr_pipe_is_held_on_loop(HrPipeEnd *end)
{
    if (end->held_until_us == 0 ||
        hr_clock_monotonic_us() >= end->held_until_us)
        return false;
    hr_loop_arm_on_loop(end->pipe->loop, &end->send.timer, end->held_until_us,
                        held_cb, end);
    return true;
}

static void
end_chore_cb(void *data)
{
    HrPipeEnd *end = data;
    HrPipe *pipe = end->pipe;

    end->chore_due = false;
    if (!pipe->ended && end->send.leg.passage.waiting)
        hr_pipe_advance_end_on_loop(end);
    hr_pipe_unref(pipe);
}

static void
end_ready_cb(void *data)
{
    HrPipeEnd *end = data;

    if (end->chore_due)
        return;
    end->chore_due = true;
    atomic_fetch_add(&end->pipe->references, 1);
    hr_loop_chore_on_loop(end->pipe->loop, &end->chore, end_chore_cb, end);
}

static void
enter_end(HrPipe *pipe, HrPipeEnd *end, bool (*start)(void *data))
{
    HrOperation *operation = &end->operation;
    HrLeg *leg = &end->send.leg;

    if (end->request == NULL)
        return;
    operation->class = HR_CLASS_BLOB;
    operation->priority = hr_call_priority(pipe->call);
    operation->idempotent = true;
    operation->big = pipe->size >= HR_PIPE_BIG_BYTES;
    operation->tiny = pipe->size <= HR_PIPE_TINY_BYTES;
    operation->parks = hr_call_parks(pipe->call);
    operation->deadline_us = hr_call_deadline_us(pipe->call);
    operation->ready = end_ready_cb;
    operation->subject = end;
    hr_operation_init(operation, end->request->endpoint->guards);
    /* A blob waits nowhere before its leg: it needs places at two ends. */
    hr_passage_advance(&operation->passage, hr_clock_monotonic_us());
    end->send.start = start;
    end->send.owner = pipe;
    hr_leg_init(leg, operation, hr_send_stages);
    leg->ready = end_ready_cb;
    leg->subject = end;
    end->begun = true;
}

void
hr_pipe_enter_source_on_loop(HrPipe *pipe)
{
    enter_end(pipe, &pipe->source, hr_pipe_start_source_cb);
    hr_pipe_advance_end_on_loop(&pipe->source);
}

void
hr_pipe_enter_target_on_loop(HrPipe *pipe)
{
    enter_end(pipe, &pipe->target, hr_pipe_start_target_cb);
    if (pipe->target.begun)
        hr_pipe_advance_end_on_loop(&pipe->target);
}

void
hr_pipe_begin_cb(void *data)
{
    if (!hr_pipe_meet_on_loop(data))
        hr_pipe_begin_alone_on_loop(data);
}

void
hr_pipe_begin_alone_on_loop(HrPipe *pipe)
{
    enter_end(pipe, &pipe->source, hr_pipe_start_source_cb);
    enter_end(pipe, &pipe->target, hr_pipe_start_target_cb);
    if (pipe->source.begun && pipe->target.begun) {
        pipe->source.send.leg.peer = &pipe->target.send.leg;
        pipe->target.send.leg.peer = &pipe->source.send.leg;
    }
    if (pipe->source.begun)
        hr_pipe_advance_end_on_loop(&pipe->source);
    if (pipe->target.begun && !pipe->ended)
        hr_pipe_advance_end_on_loop(&pipe->target);
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
        hr_attempt_set_error(attempt, code, error);
}
