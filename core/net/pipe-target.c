/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The target of a pipe that is an upload. */
#include "net/pipe-state.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "net/registry-error.h"

#define ANSWER_LIMIT_BYTES (64 * 1024)

static int64_t
sent_bytes(HrPipe *pipe)
{
    return (int64_t)atomic_load(&pipe->moved);
}

bool
hr_pipe_target_refused(const HrPipe *pipe)
{
    return pipe->target.send.response.headers_end &&
           pipe->target.send.response.status >= 300;
}

static bool
has_bytes(HrPipe *pipe)
{
    if (hr_pipe_available(pipe) > 0)
        return true;
    atomic_exchange(&pipe->loop_wants, true);
    if (hr_pipe_available(pipe) == 0)
        return false;
    atomic_exchange(&pipe->loop_wants, false);
    return true;
}

static void
tell_producer(HrPipe *pipe)
{
    size_t room = hr_ring_free_space(pipe->ring);

    if (pipe->source.request != NULL) {
        if (pipe->source.paused && room >= pipe->ring_bytes / 2)
            hr_pipe_pump_later_on_loop(pipe);
    } else if (room >= hr_pipe_batch_bytes(pipe) &&
               atomic_exchange(&pipe->worker_wants, false)) {
        hr_call_wake(pipe->call);
    }
}

static size_t
read_cb(char *buffer, size_t size, size_t count, void *data)
{
    HrPipe *pipe = data;
    size_t taken;

    if (hr_pipe_target_refused(pipe))
        return CURL_READFUNC_ABORT;
    if (sent_bytes(pipe) == pipe->size)
        return 0;
    if (hr_pipe_is_held_on_loop(&pipe->target) || !has_bytes(pipe)) {
        pipe->target.paused = true;
        return CURL_READFUNC_PAUSE;
    }
    taken = hr_ring_read(pipe->ring, buffer,
                         MIN(size * count, hr_pipe_available(pipe)));
    hr_pipe_count_moved(pipe, taken);
    hr_pipe_count_on_loop(&pipe->target, taken);
    tell_producer(pipe);
    return taken;
}

/* The bytes are gone: what cannot be sent again fails. */
static int
seek_cb(void *data, curl_off_t offset, int origin)
{
    HrPipe *pipe = data;

    return origin == SEEK_SET && offset == 0 && sent_bytes(pipe) == 0
               ? CURL_SEEKFUNC_OK
               : CURL_SEEKFUNC_FAIL;
}

static size_t
header_cb(char *line, size_t size, size_t count, void *data)
{
    HrPipe *pipe = data;
    size_t taken = hr_send_header_cb(line, size, count, &pipe->target.send);

    /* Refused early: a paused upload would sleep on. */
    if (hr_pipe_target_refused(pipe) && pipe->target.paused)
        hr_pipe_pump_later_on_loop(pipe);
    return taken;
}

static void
judge(HrPipe *pipe, CURLcode code, GError **error)
{
    HrPipeEnd *target = &pipe->target;
    bool whole = sent_bytes(pipe) == pipe->size;

    if (hr_pipe_target_refused(pipe)) {
        hr_registry_error_set(&target->send.response, target->request, 1,
                              error);
        g_prefix_error(error, whole ? "upload refused: "
                                    : "upload refused half way: ");
    } else if (code != CURLE_OK) {
        hr_pipe_connection_error(pipe, &target->send.attempt, code,
                                 sent_bytes(pipe), error);
        g_prefix_error(error, "upload: ");
    } else if (!whole || !atomic_load(&pipe->verified)) {
        hr_error_set(error, HR_INTEGRITY,
                     "upload: %s answered HTTP %u before it had all bytes",
                     target->send.attempt.host, target->send.response.status);
    }
}

static void
ended_cb(void *data, CURLcode code)
{
    HrPipe *pipe = data;
    GError *error = NULL;

    hr_notes_add(&pipe->notes, HR_LOG_DEBUG,
                 hr_attempt_finish_on_loop(&pipe->target.send.attempt, code));
    judge(pipe, code, &error);
    pipe->target.through = error == NULL;
    hr_passage_close(&pipe->target.send.leg.passage, hr_clock_monotonic_us());
    hr_pipe_end_on_loop(pipe, error, false);
}

static bool
may_start(const HrPipe *pipe)
{
    return atomic_load(&pipe->verified) || hr_pipe_available(pipe) > 0;
}

bool
hr_pipe_start_target_cb(void *data)
{
    HrPipe *pipe = data;
    HrPipeEnd *target = &pipe->target;
    CURL *handle;

    hr_pipe_admit_on_loop(pipe);
    if (!may_start(pipe))
        return false;

    target->started = true;
    target->send.response.limit_bytes = ANSWER_LIMIT_BYTES;
    atomic_exchange(&pipe->loop_wants, false);
    hr_pace_restart(&target->pace, 0);
    target->send.attempt.timeout_us = target->send.leg.timeout_us;
    hr_attempt_prepare_on_loop(&target->send.attempt, ended_cb, pipe);
    handle = target->send.attempt.handle;
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)pipe->size);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, read_cb);
    curl_easy_setopt(handle, CURLOPT_READDATA, pipe);
    curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, seek_cb);
    curl_easy_setopt(handle, CURLOPT_SEEKDATA, pipe);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, header_cb);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, pipe);
    if (target->request->method != HR_HTTP_PUT)
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST,
                         hr_method_name(target->request->method));
    hr_attempt_start_on_loop(&target->send.attempt);
    return true;
}

void
hr_pipe_resume_target_on_loop(HrPipe *pipe)
{
    HrPipeEnd *target = &pipe->target;
    CURLcode code;

    target->paused = false;
    hr_leg_rest(&target->send.leg, false);
    atomic_exchange(&pipe->loop_wants, false);
    hr_pace_restart(&target->pace, sent_bytes(pipe));
    code = curl_easy_pause(target->send.attempt.handle, CURLPAUSE_CONT);
    if (code != CURLE_OK) {
        hr_loop_stop_on_loop(pipe->loop, target->send.attempt.handle);
        ended_cb(pipe, code);
    }
}
