/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exchange: one request until its final answer, attempt by attempt.
 *
 *     send --> waits for a permit --> attempt --answer--> done
 *                    ^                   |
 *                    '--- timer <--------' failed, and may be repeated
 *
 * The worker makes it, waits and frees it; in between it is the loop's.  The
 * references are the worker's and that of a message that asks to stop.
 */
#include "net/net.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "guard/retry.h"
#include "net/attempt.h"
#include "net/endpoint.h"
#include "net/registry-error.h"
#include "net/request.h"
#include "net/response.h"

struct hr_http_exchange {
    atomic_int references;
    HrEndpoint *endpoint;
    HrCall *call;
    HrRequest *request;
    HrPost begin;
    HrPost stop;
    HrWaiter waiter;
    HrTimer timer;
    HrAttempt attempt;
    HrResponse response;
    unsigned attempts;
    bool ended; /* the loop's: nothing more will happen */
    GError *error;
    GPtrArray *notes; /* lines for the debug log, written by the worker */
    atomic_bool done; /* raised through the call: all is the worker's   */
};

static void
unref_exchange(HrExchange *exchange)
{
    if (atomic_fetch_sub(&exchange->references, 1) != 1)
        return;
    hr_response_clear(&exchange->response);
    hr_request_free(exchange->request);
    g_clear_error(&exchange->error);
    g_clear_pointer(&exchange->notes, g_ptr_array_unref);
    g_free(exchange);
}

static void
note_on_loop(HrExchange *exchange, char *line)
{
    if (line == NULL)
        return;
    if (exchange->notes == NULL)
        exchange->notes = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(exchange->notes, line);
}

/* The last thing that the loop does with it. */
static void
end_on_loop(HrExchange *exchange)
{
    exchange->ended = true;
    hr_line_leave_on_loop(&exchange->endpoint->request_line,
                          &exchange->waiter);
    hr_call_raise(exchange->call, &exchange->done);
}

static void
join_line_cb(void *data)
{
    HrExchange *exchange = data;

    hr_line_join_on_loop(&exchange->endpoint->request_line, &exchange->waiter);
}

/* True if the attempt failed in a way that allows another one, which is then
 * on its way. */
static bool
repeat_on_loop(HrExchange *exchange, hr_status status, bool sent)
{
    HrEndpoint *endpoint = exchange->endpoint;
    HrRetryOutcome outcome = {
        .status = status,
        .idempotent = exchange->request->idempotent,
        .sent = sent,
        .retry_after_us = hr_response_retry_after_us(&exchange->response),
    };
    int64_t at_us;

    if (!hr_retry_decide(&endpoint->retry, exchange->attempts, &outcome,
                         hr_clock_monotonic_us(),
                         hr_call_deadline_us(exchange->call),
                         hr_loop_random_on_loop(endpoint->loop), &at_us))
        return false;
    g_clear_error(&exchange->error);
    /* Others may go on while this one waits. */
    hr_line_leave_on_loop(&endpoint->request_line, &exchange->waiter);
    hr_loop_arm_on_loop(endpoint->loop, &exchange->timer, at_us, join_line_cb,
                        exchange);
    return true;
}

static void
set_excess_error(HrExchange *exchange)
{
    g_autofree char *limit =
        hr_text_format_size((int64_t)exchange->response.limit_bytes);

    if (exchange->response.excess == HR_RESPONSE_BODY)
        hr_error_set(&exchange->error, HR_INVALID,
                     "the response of %s is larger than %s",
                     exchange->endpoint->authority, limit);
    else
        hr_error_set(&exchange->error, HR_INVALID,
                     "the response of %s has too many or too long headers",
                     exchange->endpoint->authority);
}

static void
attempt_ended_cb(void *data, CURLcode code)
{
    HrExchange *exchange = data;
    hr_status status;

    note_on_loop(exchange,
                 hr_attempt_finish_on_loop(&exchange->attempt, code));
    if (code == CURLE_OK) {
        status = hr_status_from_http(exchange->response.status);
        /* A server that failed has at least seen the request. */
        if (status == HR_OK || !repeat_on_loop(exchange, status, true))
            end_on_loop(exchange);
        return;
    }
    if (exchange->response.excess != HR_RESPONSE_FITS) {
        set_excess_error(exchange);
        end_on_loop(exchange);
        return;
    }
    status = hr_attempt_failure(&exchange->attempt, code, &exchange->error);
    /* Half a response is none. */
    hr_response_reset(&exchange->response);
    if (repeat_on_loop(exchange, status, exchange->attempt.sent))
        return;
    if (exchange->attempts > 1)
        g_prefix_error(&exchange->error,
                       "after %u attempts: ", exchange->attempts);
    end_on_loop(exchange);
}

static void
set_method(CURL *handle, const HrRequest *request)
{
    bool body = request->body_size > 0 || (request->method != HR_HTTP_GET &&
                                           request->method != HR_HTTP_HEAD &&
                                           request->method != HR_HTTP_DELETE);

    if (request->method == HR_HTTP_HEAD) {
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
        return;
    }
    if (body) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)request->body_size);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS,
                         request->body != NULL ? request->body : "");
    }
    if (request->method != HR_HTTP_GET && request->method != HR_HTTP_POST)
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST,
                         hr_method_name(request->method));
}

static int64_t
attempt_timeout_us(const HrExchange *exchange, int64_t now_us)
{
    int64_t deadline_us = hr_call_deadline_us(exchange->call);
    int64_t timeout_us = exchange->endpoint->timeout_us;

    if (deadline_us == HR_TIME_NEVER)
        return timeout_us;
    return MIN(timeout_us, MAX(deadline_us - now_us, 1));
}

/* A permit is there. */
static void
enter_cb(void *data)
{
    HrExchange *exchange = data;
    HrAttempt *attempt = &exchange->attempt;

    /* Nobody waits for it any more: the next in line may go. */
    if (hr_call_over(exchange->call)) {
        hr_call_set_over_error(exchange->call, &exchange->error);
        end_on_loop(exchange);
        return;
    }
    if (++exchange->attempts > 1)
        hr_endpoint_count_retry_on_loop(exchange->endpoint);
    hr_response_reset(&exchange->response);
    attempt->timeout_us =
        attempt_timeout_us(exchange, hr_clock_monotonic_us());
    hr_attempt_prepare_on_loop(attempt, attempt_ended_cb, exchange);
    set_method(attempt->handle, exchange->request);
    hr_attempt_start_on_loop(attempt);
}

static void
stop_cb(void *data)
{
    HrExchange *exchange = data;

    if (!exchange->ended) {
        note_on_loop(exchange, hr_attempt_stop_on_loop(&exchange->attempt));
        hr_loop_disarm_on_loop(exchange->endpoint->loop, &exchange->timer);
        if (exchange->error == NULL)
            hr_error_set(&exchange->error, HR_CANCELLED, "interrupted");
        end_on_loop(exchange);
    }
    unref_exchange(exchange);
}

static void
init_attempt(HrExchange *exchange)
{
    HrAttempt *attempt = &exchange->attempt;

    attempt->endpoint = exchange->endpoint;
    attempt->method = exchange->request->method;
    attempt->url = exchange->request->url;
    attempt->headers = exchange->request->headers;
    attempt->host = exchange->endpoint->authority;
    attempt->response = &exchange->response;
}

HrExchange *
hr_exchange_send(HrEndpoint *endpoint, HrCall *call,
                 const hr_http_request *given, GError **error)
{
    g_autoptr(HrRequest) request = NULL;
    HrExchange *exchange;

    if (hr_call_over(call)) {
        hr_call_set_over_error(call, error);
        return NULL;
    }
    request = hr_request_new(endpoint, given, true, error);
    if (request == NULL)
        return NULL;
    hr_request_set_id(request, hr_call_correlation(call));
    exchange = g_new0(HrExchange, 1);
    atomic_init(&exchange->references, 1);
    exchange->endpoint = endpoint;
    exchange->call = call;
    exchange->request = g_steal_pointer(&request);
    exchange->response.limit_bytes = exchange->request->limit_bytes;
    exchange->waiter.gates[0] = &endpoint->requests;
    exchange->waiter.enter = enter_cb;
    exchange->waiter.data = exchange;
    init_attempt(exchange);
    hr_loop_post(endpoint->loop, &exchange->begin, join_line_cb, exchange);
    return exchange;
}

static void
stop_exchange(HrExchange *exchange)
{
    if (hr_call_raised(exchange->call, &exchange->done))
        return;
    atomic_fetch_add(&exchange->references, 1);
    hr_loop_post(exchange->endpoint->loop, &exchange->stop, stop_cb, exchange);
    hr_call_await_raised(exchange->call, &exchange->done);
}

static void
write_notes(HrExchange *exchange)
{
    for (guint i = 0; exchange->notes != NULL && i < exchange->notes->len; i++)
        hr_log_call(HR_LOG_DEBUG, hr_call_correlation(exchange->call), "%s",
                    (const char *)exchange->notes->pdata[i]);
    g_clear_pointer(&exchange->notes, g_ptr_array_unref);
}

bool
hr_exchange_wait(HrExchange *exchange, GError **error)
{
    bool in_time = hr_call_wait_raised(exchange->call, &exchange->done);

    if (!in_time)
        stop_exchange(exchange);
    write_notes(exchange);
    if (!in_time)
        return hr_call_set_over_error(exchange->call, error);
    if (exchange->error == NULL)
        return true;
    if (error != NULL)
        *error = g_error_copy(exchange->error);
    return false;
}

unsigned
hr_exchange_status(const HrExchange *exchange)
{
    /* Before that everything is the loop's. */
    if (!atomic_load(&exchange->done) || exchange->error != NULL)
        return 0;
    return exchange->response.status;
}

const char *
hr_exchange_header(const HrExchange *exchange, const char *name)
{
    if (!atomic_load(&exchange->done))
        return NULL;
    return hr_response_header(&exchange->response, name);
}

const char *
hr_exchange_body(const HrExchange *exchange, size_t *size)
{
    bool empty =
        !atomic_load(&exchange->done) || exchange->response.body == NULL;

    *size = empty ? 0 : exchange->response.body->len;
    return empty ? "" : exchange->response.body->str;
}

void
hr_exchange_set_error(const HrExchange *exchange, const char *what,
                      GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (!atomic_load(&exchange->done))
        hr_error_set(&failure, HR_BUG, "a response that was not waited for");
    else if (exchange->error != NULL)
        failure = g_error_copy(exchange->error);
    else
        hr_registry_error_set(&exchange->response, exchange->attempts,
                              exchange->endpoint->authorization != NULL,
                              &failure);
    g_prefix_error(&failure, "%s: ", what);
    g_propagate_error(error, g_steal_pointer(&failure));
}

HrCall *
hr_exchange_call(const HrExchange *exchange)
{
    return exchange->call;
}

void
hr_exchange_free(HrExchange *exchange)
{
    if (exchange == NULL)
        return;
    stop_exchange(exchange);
    write_notes(exchange);
    unref_exchange(exchange);
}
