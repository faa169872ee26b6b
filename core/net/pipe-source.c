/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The source of a pipe that is a GET request, with its redirects. */
#include "net/pipe-state.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "net/byte-range.h"
#include "net/origin.h"
#include "net/registry-error.h"

#define HOP_LIMIT 3

/* Bodies of redirects and errors: for their text, not for the blob. */
#define ERROR_BODY_LIMIT (64 * 1024)

/* Headers for a host that the registry sent us to: no credentials, nothing
 * that the plugin asked for. */
static struct curl_slist foreign_headers = {(char *)"Expect:", NULL};

static bool
is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

/* The part that was asked for, and of the right whole. */
static bool
is_rest(const HrPipe *pipe, const char *text)
{
    HrByteRange range;

    return text != NULL && hr_byte_range_parse(text, &range) &&
           range.first == pipe->resumed_at && range.last == pipe->size - 1 &&
           (range.total == -1 || range.total == pipe->size);
}

/* Before the first byte: a length that is wrong needs no reading.  Who does
 * not know ranges starts anew; what we have is skipped. */
static bool
check_start(HrPipe *pipe)
{
    const HrResponse *response = &pipe->source.send.response;
    const char *text = hr_response_header(response, "Content-Length");
    const char *range = hr_response_header(response, "Content-Range");
    int64_t expected = pipe->size;
    guint64 length;

    if (pipe->source.started_body)
        return true;
    pipe->source.started_body = true;
    if (response->status == 206 && !is_rest(pipe, range)) {
        g_autofree char *shown = hr_text_one_line(range != NULL ? range : "");

        return hr_error_set(
            &pipe->fault, HR_INVALID,
            "%s was asked for the bytes from %" PRId64 " on and sends '%.60s'",
            pipe->source.send.attempt.host, pipe->resumed_at, shown);
    }
    if (response->status == 206)
        expected = pipe->size - pipe->resumed_at;
    else
        pipe->skip = pipe->resumed_at;
    if (text == NULL ||
        !g_ascii_string_to_unsigned(text, 10, 0, INT64_MAX, &length, NULL) ||
        length == (guint64)expected)
        return true;
    return hr_error_set(&pipe->fault, HR_INTEGRITY,
                        "%s announces %" G_GUINT64_FORMAT
                        " bytes instead of %" PRId64,
                        pipe->source.send.attempt.host, length, expected);
}

/* The bytes of the blob, from wherever on. */
static bool
has_blob(const HrPipe *pipe)
{
    unsigned status = pipe->source.send.response.status;

    return status == 200 || (status == 206 && pipe->resumed_at > 0);
}

static bool
has_room(HrPipe *pipe, size_t size)
{
    if (hr_ring_free_space(pipe->ring) >= size)
        return true;
    /* The worker may just have made room: say first that we want it, then
     * look again. */
    atomic_exchange(&pipe->loop_wants, true);
    if (hr_ring_free_space(pipe->ring) < size)
        return false;
    atomic_exchange(&pipe->loop_wants, false);
    return true;
}

static void
tell_consumer(HrPipe *pipe)
{
    if (hr_pipe_available(pipe) < hr_pipe_batch_bytes(pipe))
        return;
    if (pipe->target.request == NULL) {
        if (atomic_exchange(&pipe->worker_wants, false))
            hr_call_wake(pipe->call);
    } else if (!pipe->target.started || pipe->target.paused) {
        hr_pipe_pump_later_on_loop(pipe);
    }
}

static bool
all_have_room(HrPipe *pipe, size_t size)
{
    if (pipe->riders == NULL)
        return has_room(pipe, size);
    for (guint i = 0; i < pipe->riders->len; i++)
        if (!has_room(pipe->riders->pdata[i], size))
            return false;
    return true;
}

static void
tell_consumers(HrPipe *pipe)
{
    if (pipe->riders == NULL)
        tell_consumer(pipe);
    for (guint i = 0; pipe->riders != NULL && i < pipe->riders->len; i++)
        tell_consumer(pipe->riders->pdata[i]);
}

/* Takes bytes into the ring, as far as they are new to the target. */
static bool
take(HrPipe *pipe, const char *bytes, size_t size, GError **error)
{
    size_t known;

    if (!hr_pipe_take(pipe, bytes, size, error))
        return false;
    known = hr_pipe_known_bytes(pipe, size);
    hr_ring_write(pipe->ring, bytes + known, size - known);
    return true;
}

static bool
take_for_all(HrPipe *pipe, const char *bytes, size_t size)
{
    if (pipe->riders == NULL)
        return take(pipe, bytes, size, &pipe->fault);
    for (guint i = 0; i < pipe->riders->len; i++)
        if (!take(pipe->riders->pdata[i], bytes, size, &pipe->fault))
            return false;
    pipe->received += (int64_t)size;
    return true;
}

static size_t
body_cb(char *bytes, size_t size, size_t count, void *data)
{
    HrPipe *pipe = data;
    size_t length = size * count;
    size_t again;

    if (!has_blob(pipe))
        return hr_response_take_body(&pipe->source.send.response, bytes,
                                     length)
                   ? length
                   : 0;
    if (!check_start(pipe))
        return 0;
    if (hr_pipe_is_held_on_loop(&pipe->source)) {
        pipe->source.paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    again = (size_t)MIN(pipe->skip, (int64_t)length);
    /* Too many bytes would never fit; they must not wait for room. */
    if (pipe->received + (int64_t)(length - again) <= pipe->size &&
        !all_have_room(pipe, length - again)) {
        pipe->source.paused = true;
        tell_consumers(pipe);
        return CURL_WRITEFUNC_PAUSE;
    }
    pipe->skip -= (int64_t)again;
    if (!take_for_all(pipe, bytes + again, length - again))
        return 0;
    hr_pipe_count_on_loop(&pipe->source, length);
    tell_consumers(pipe);
    return length;
}

static void
ended_cb(void *data, CURLcode code);

static void
start_attempt(HrPipe *pipe)
{
    HrPipeEnd *source = &pipe->source;

    hr_response_reset(&source->send.response);
    source->send.response.limit_bytes = ERROR_BODY_LIMIT;
    source->started = true;
    source->started_body = false;
    hr_leg_rest(&source->send.leg, false);
    pipe->resumed_at = pipe->received;
    pipe->skip = 0;
    source->send.attempt.timeout_us = source->send.leg.timeout_us;
    hr_pace_restart(&source->pace, pipe->received);
    hr_attempt_prepare_on_loop(&source->send.attempt, ended_cb, pipe);
    curl_easy_setopt(source->send.attempt.handle, CURLOPT_WRITEFUNCTION,
                     body_cb);
    curl_easy_setopt(source->send.attempt.handle, CURLOPT_WRITEDATA, pipe);
    curl_easy_setopt(source->send.attempt.handle, CURLOPT_HEADERFUNCTION,
                     hr_send_header_cb);
    curl_easy_setopt(source->send.attempt.handle, CURLOPT_HEADERDATA,
                     &source->send);
    if (pipe->resumed_at > 0) {
        g_autofree char *range =
            g_strdup_printf("%" PRId64 "-", pipe->resumed_at);

        curl_easy_setopt(source->send.attempt.handle, CURLOPT_RANGE, range);
    }
    hr_attempt_start_on_loop(&source->send.attempt);
}

/* For messages: "host:port" of where the source was sent to. */
static void
name_host(HrPipe *pipe)
{
    const char *host = strstr(pipe->redirect_url, "://") + 3;

    g_free(pipe->redirect_host);
    pipe->redirect_host = g_strndup(host, strcspn(host, "/?#"));
    pipe->source.send.attempt.host = pipe->redirect_host;
}

/* Where a redirect leads, and whether our credentials may go along: only to
 * the registry itself, however many hosts lie between. */
static bool
follow(HrPipe *pipe, GError **error)
{
    HrPipeEnd *source = &pipe->source;
    const HrEndpoint *endpoint = source->request->endpoint;
    const char *location =
        hr_response_header(&source->send.response, "Location");
    g_autofree char *url = NULL;
    g_autofree char *checked = NULL;
    bool same = false;

    if (location == NULL)
        return hr_error_set(error, HR_INVALID, "HTTP %u without a Location",
                            source->send.response.status);
    if (++pipe->hops > HOP_LIMIT)
        return hr_error_set(error, HR_INVALID,
                            "more than %d redirects from %s", HOP_LIMIT,
                            source->request->foreign ? source->request->host
                                                     : endpoint->authority);
    url = hr_origin_check(source->send.attempt.url, location,
                          HR_ORIGIN_REDIRECT, NULL, error);
    if (url == NULL)
        return false;
    checked =
        hr_origin_check(endpoint->url, url, HR_ORIGIN_REDIRECT, &same, error);
    if (checked == NULL)
        return false;
    /* A stranger does not become the registry by naming it. */
    same = same && !source->request->stranger;
    g_free(pipe->redirect_url);
    pipe->redirect_url = g_steal_pointer(&url);
    source->send.attempt.url = pipe->redirect_url;
    source->send.attempt.headers =
        same ? source->send.headers : &foreign_headers;
    source->send.away = !same;
    source->send.attempt.stranger = !same;
    name_host(pipe);
    start_attempt(pipe);
    return true;
}

/* All is right unless an error is set. */
static void
judge(HrPipe *pipe, CURLcode code, GError **error)
{
    HrPipeEnd *source = &pipe->source;
    unsigned status = source->send.response.status;
    bool answered = source->send.response.headers_end;
    if (pipe->fault != NULL) {
        g_propagate_error(error, g_steal_pointer(&pipe->fault));
    } else if (answered && status >= 200 && status < 300 && !has_blob(pipe)) {
        hr_error_set(error, HR_INVALID, "HTTP %u instead of 200", status);
    } else if (answered && !has_blob(pipe)) {
        hr_registry_error_set(&source->send.response, source->request, 1,
                              error);
    } else if (code != CURLE_OK) {
        hr_pipe_connection_error(pipe, &source->send.attempt, code,
                                 pipe->received, error);
    } else if (pipe->riders == NULL || pipe->received != pipe->size) {
        /* Riders are proved one by one. */
        hr_pipe_verify(pipe, error);
    }
}

static void
ended_cb(void *data, CURLcode code)
{
    HrPipe *pipe = data;
    g_autoptr(GError) error = NULL;

    hr_notes_add(&pipe->notes, HR_LOG_DEBUG,
                 hr_attempt_finish_on_loop(&pipe->source.send.attempt, code));
    pipe->source.paused = false;
    if (pipe->source.send.response.headers_end &&
        is_redirect(pipe->source.send.response.status)) {
        if (follow(pipe, &error))
            return;
    } else {
        judge(pipe, code, &error);
    }
    if (error != NULL && hr_pipe_resume_source_later_on_loop(pipe, error)) {
        /* It is the pipe's now, or told already. */
        (void)g_steal_pointer(&error);
        return;
    }
    pipe->source.through = error == NULL;
    /* What it sent may wait in the ring for long. */
    if (error == NULL)
        hr_leg_rest(&pipe->source.send.leg, true);
    hr_passage_close(&pipe->source.send.leg.passage, hr_clock_monotonic_us());
    if (error != NULL)
        hr_pipe_end_on_loop(pipe, g_steal_pointer(&error), true);
    else if (pipe->target.request == NULL)
        hr_pipe_end_on_loop(pipe, NULL, false);
    else
        hr_pipe_pump_later_on_loop(pipe);
}

static void
resume_cb(void *data)
{
    HrPipe *pipe = data;
    HrPipeEnd *source = &pipe->source;

    if (pipe->ended)
        return;
    /* From the registry on, wherever it was sent to. */
    hr_send_aim(&source->send);
    pipe->hops = 0;
    hr_pipe_advance_end_on_loop(source);
}

static double
random_cb(void *data)
{
    return hr_loop_random_on_loop(data);
}

/* What broke off in the middle, and not because the bytes were wrong. */
static bool
may_resume(const HrPipe *pipe, const GError *error)
{
    HrGuardsStats stats;

    if (pipe->ended || pipe->received == 0 || pipe->received >= pipe->size)
        return false;
    hr_guards_stats(pipe->source.request->endpoint->guards, &stats);
    if (stats.breaker[HR_CLASS_BLOB] == HR_BREAKER_OPEN ||
        stats.breaker[HR_CLASS_BLOB] == HR_BREAKER_FORCED_OPEN)
        return false;
    switch (hr_error_status(error)) {
    case HR_NETWORK:
    case HR_TIMEOUT:
    case HR_TRANSIENT:
    case HR_THROTTLED:
    case HR_OVERLOAD:
    case HR_AUTH_EXPIRED:
        return true;
    default:
        return false;
    }
}

bool
hr_pipe_resume_source_later_on_loop(HrPipe *pipe, GError *error)
{
    HrPipeEnd *source = &pipe->source;
    HrEndpoint *endpoint = source->request->endpoint;
    HrRandom random = {.next = random_cb, .data = pipe->loop};
    int64_t now = hr_clock_monotonic_us();
    /* What was skipped has moved, but brought us no further. */
    uint64_t progress = (uint64_t)(pipe->received - pipe->resumed_at);
    HrOutcome outcome;
    HrRetryDecision decision;
    g_autofree char *wait = NULL;

    if (!may_resume(pipe, error))
        return false;
    hr_passage_close(&source->send.leg.passage, now);
    hr_send_set_outcome(&source->send, error);
    outcome = source->send.leg.passage.outcome;
    /* The places at both ends stay ours: who holds one never waits for the
     * other. */
    hr_passage_back(&source->send.leg.passage, &hr_stage_timeout, now);
    hr_guards_repeat(endpoint->guards, &source->retry, &outcome, progress, now,
                     hr_call_deadline_us(pipe->call), &random, &decision);
    if (decision.verdict != HR_RETRY_AGAIN)
        return false;
    hr_endpoint_count_retry(endpoint, source->send.attempt.progress);
    wait = hr_text_format_duration(MAX(decision.at_us - now, 0));
    hr_notes_add(&pipe->notes, HR_LOG_INFO,
                 g_strdup_printf("%s: %s broke off after %" PRId64
                                 " of %" PRId64
                                 " bytes, going on there in %s: %s",
                                 endpoint->name, pipe->label, pipe->received,
                                 pipe->size, wait, error->message));
    g_error_free(error);
    hr_loop_arm_on_loop(pipe->loop, &source->send.timer, decision.at_us,
                        resume_cb, pipe);
    return true;
}

bool
hr_pipe_start_source_cb(void *data)
{
    HrPipe *pipe = data;

    if (pipe->riders != NULL && !atomic_load(&pipe->admitted)) {
        hr_pipe_admit_on_loop(pipe);
        hr_pipe_board_on_loop(pipe);
        /* The last of them may have gone while they boarded. */
        if (pipe->ended)
            return false;
    }
    hr_pipe_admit_on_loop(pipe);
    start_attempt(pipe);
    return true;
}

void
hr_pipe_resume_source_on_loop(HrPipe *pipe)
{
    HrPipeEnd *source = &pipe->source;
    CURLcode code;

    source->paused = false;
    hr_leg_rest(&source->send.leg, false);
    atomic_exchange(&pipe->loop_wants, false);
    hr_pace_restart(&source->pace, pipe->received);
    /* This delivers what was held, through body_cb. */
    code = curl_easy_pause(source->send.attempt.handle, CURLPAUSE_CONT);
    if (code != CURLE_OK) {
        hr_loop_stop_on_loop(pipe->loop, source->send.attempt.handle);
        ended_cb(pipe, code);
    }
}
