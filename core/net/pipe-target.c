/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The target of a pipe that is an upload. */
#include "net/pipe-state.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "net/byte-range.h"
#include "net/origin.h"
#include "net/query.h"
#include "net/registry-error.h"

#define ANSWER_LIMIT_BYTES (64 * 1024)

static int64_t
sent_bytes(HrPipe *pipe)
{
    return (int64_t)atomic_load(&pipe->moved);
}

/* The bytes of the request under way: all, unless it is one of many. */
static int64_t
part_start(const HrPipe *pipe)
{
    return pipe->upload.used ? pipe->upload.part_start : 0;
}

static int64_t
part_end(const HrPipe *pipe)
{
    return pipe->upload.used ? pipe->upload.part_end : pipe->size;
}

bool
hr_pipe_target_fed(HrPipe *pipe)
{
    return sent_bytes(pipe) == part_end(pipe);
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
    HrPipe *producer = pipe->carrier != NULL ? pipe->carrier : pipe;

    if (pipe->source.request != NULL) {
        if (producer->source.paused && room >= pipe->ring_bytes / 2)
            hr_pipe_pump_later_on_loop(producer);
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
    if (hr_pipe_target_fed(pipe))
        return 0;
    if (hr_pipe_is_held_on_loop(&pipe->target) || !has_bytes(pipe)) {
        pipe->target.paused = true;
        return CURL_READFUNC_PAUSE;
    }
    taken = hr_ring_read(pipe->ring, buffer,
                         MIN(MIN(size * count, hr_pipe_available(pipe)),
                             (size_t)(part_end(pipe) - sent_bytes(pipe))));
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

    return origin == SEEK_SET && offset == 0 &&
                   sent_bytes(pipe) == part_start(pipe)
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
    bool fed = hr_pipe_target_fed(pipe);
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
    } else if (!fed || (whole && !atomic_load(&pipe->verified))) {
        hr_error_set(error, HR_INTEGRITY,
                     "upload: %s answered HTTP %u before it had all bytes",
                     target->send.attempt.host, target->send.response.status);
    }
}

/* ------------------------------------------- an upload in many requests */

/* A server that kept less than it got has to be asked how to go on. */
static bool
check_arrived(HrPipe *pipe, GError **error)
{
    const char *range =
        hr_response_header(&pipe->target.send.response, "Range");
    int64_t arrived;

    /* "0-0" is what some say of any upload: it tells nothing. */
    if (range == NULL || !hr_byte_range_parse_upload(range, &arrived) ||
        arrived == 1 || arrived == sent_bytes(pipe))
        return true;
    return hr_error_set(
        error, HR_CONFLICT,
        "upload: %s has %" PRId64 " of the %" PRId64 " bytes that it got",
        pipe->target.send.attempt.host, arrived, sent_bytes(pipe));
}

/* The answer to a part: the place for the next one, where it names one. */
static bool
take_location(HrPipe *pipe, GError **error)
{
    HrUpload *upload = &pipe->upload;
    const char *given =
        hr_response_header(&pipe->target.send.response, "Location");
    char *location;

    if (given == NULL || *given == '\0')
        return true;
    location = hr_origin_check(upload->location, given, HR_ORIGIN_UPLOAD, NULL,
                               error);
    if (location == NULL)
        return false;
    g_free(upload->location);
    upload->location = location;
    return true;
}

/* The part is stored: the next one takes its place, at both limits too. */
static void
begin_next_part(HrPipe *pipe)
{
    HrPipeEnd *target = &pipe->target;
    HrPassage *leg = &target->send.leg.passage;
    int64_t now = hr_clock_monotonic_us();

    hr_passage_close(leg, now);
    hr_send_set_outcome(&target->send, NULL);
    hr_passage_back(leg, &hr_stage_timeout, now);
    /* Nothing is repeated: it is the first attempt at the next part. */
    target->operation.attempts = 0;
    target->started = false;
    hr_pipe_advance_end_on_loop(target);
}

static void
describe_part(HrPipe *pipe)
{
    HrUpload *upload = &pipe->upload;
    int64_t sent = sent_bytes(pipe);

    upload->last = upload->chunk_bytes == 0 || sent == pipe->size;
    upload->part_start = sent;
    upload->part_end =
        upload->last ? pipe->size
                     : sent + MIN(upload->chunk_bytes, pipe->size - sent);
}

/* What is to go on with: the PUT publishes, and waits for the proof. */
static bool
may_start(const HrPipe *pipe)
{
    bool verified = atomic_load(&pipe->verified);

    if (pipe->upload.used && pipe->upload.last &&
        pipe->upload.part_start == pipe->size)
        return verified;
    return verified || hr_pipe_available(pipe) > 0;
}

/* As may_start; if not, says so to whoever brings the bytes. */
static bool
is_ready(HrPipe *pipe)
{
    atomic_exchange(&pipe->loop_wants, true);
    if (!may_start(pipe))
        return false;
    atomic_exchange(&pipe->loop_wants, false);
    return true;
}

static void
address_part(HrPipe *pipe)
{
    HrUpload *upload = &pipe->upload;
    HrAttempt *attempt = &pipe->target.send.attempt;

    g_free(upload->url);
    if (upload->last) {
        upload->url = hr_query_add(upload->location, "digest", pipe->digest);
        attempt->method = HR_HTTP_PUT;
    } else {
        upload->url = g_strdup(upload->location);
        attempt->method = HR_HTTP_PATCH;
        g_snprintf(upload->range, sizeof upload->range,
                   "Content-Range: %" PRId64 "-%" PRId64, upload->part_start,
                   upload->part_end - 1);
        upload->range_header.data = upload->range;
        upload->range_header.next = attempt->headers;
        attempt->headers = &upload->range_header;
    }
    attempt->url = upload->url;
}

/* ------------------------------------------------------ start and end */

static void
ended_cb(void *data, CURLcode code)
{
    HrPipe *pipe = data;
    GError *error = NULL;

    hr_notes_add(&pipe->notes, HR_LOG_DEBUG,
                 hr_attempt_finish_on_loop(&pipe->target.send.attempt, code));
    judge(pipe, code, &error);
    if (error == NULL && pipe->upload.used && !pipe->upload.last &&
        take_location(pipe, &error) && check_arrived(pipe, &error)) {
        begin_next_part(pipe);
        return;
    }
    pipe->target.through = error == NULL;
    hr_passage_close(&pipe->target.send.leg.passage, hr_clock_monotonic_us());
    hr_pipe_end_on_loop(pipe, error, false);
}

static void
set_body(HrPipe *pipe)
{
    const HrAttempt *attempt = &pipe->target.send.attempt;
    CURL *handle = attempt->handle;

    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE,
                     (curl_off_t)(part_end(pipe) - part_start(pipe)));
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, read_cb);
    curl_easy_setopt(handle, CURLOPT_READDATA, pipe);
    curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, seek_cb);
    curl_easy_setopt(handle, CURLOPT_SEEKDATA, pipe);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, header_cb);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, pipe);
    if (attempt->method != HR_HTTP_PUT)
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST,
                         hr_method_name(attempt->method));
}

bool
hr_pipe_start_target_cb(void *data)
{
    HrPipe *pipe = data;
    HrPipeEnd *target = &pipe->target;

    hr_pipe_admit_on_loop(pipe);
    if (pipe->upload.used)
        describe_part(pipe);
    if (!is_ready(pipe))
        return false;

    target->started = true;
    hr_response_reset(&target->send.response);
    target->send.response.limit_bytes = ANSWER_LIMIT_BYTES;
    hr_pace_restart(&target->pace, sent_bytes(pipe));
    target->send.attempt.timeout_us = target->send.leg.timeout_us;
    if (pipe->upload.used)
        address_part(pipe);
    hr_attempt_prepare_on_loop(&target->send.attempt, ended_cb, pipe);
    set_body(pipe);
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
