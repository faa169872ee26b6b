/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exchange: one request until its final answer, attempt by attempt.
 *
 *     send --> operation's stages --> leg's stages --> answer --> done
 *                ^        |             (a second leg, if hedged)
 *                '- timer-+-- failed, and may be repeated
 */
#include "net/exchange.h"

#include "base/error.h"
#include "net/exchange-state.h"
#include "net/registry-error.h"

static void
clear_leg(HrExchangeLeg *leg)
{
    hr_response_clear(&leg->send.response);
    g_clear_error(&leg->error);
}

void
hr_exchange_unref(HrExchange *exchange)
{
    if (atomic_fetch_sub(&exchange->references, 1) != 1)
        return;
    clear_leg(&exchange->first);
    if (exchange->second != NULL)
        clear_leg(exchange->second);
    g_free(exchange->second);
    hr_response_clear(&exchange->response);
    hr_request_free(exchange->request);
    g_clear_error(&exchange->error);
    hr_notes_clear(&exchange->notes);
    g_free(exchange);
}

static void
fill_operation(HrExchange *exchange)
{
    HrOperation *operation = &exchange->operation;
    const HrRequest *request = exchange->request;
    bool reads =
        request->method == HR_HTTP_GET || request->method == HR_HTTP_HEAD;
    uint64_t small = hr_endpoint_policy(exchange->endpoint)->hedge.body_limit;

    operation->class = reads ? HR_CLASS_READ : HR_CLASS_WRITE;
    operation->priority = hr_call_priority(exchange->call);
    operation->idempotent = request->idempotent;
    operation->most = request->attempts;
    operation->repeats = true;
    operation->parks = hr_call_parks(exchange->call);
    operation->small = reads && (request->method == HR_HTTP_HEAD ||
                                 request->limit_bytes <= small);
    operation->deadline_us = hr_call_deadline_us(exchange->call);
    operation->ready = hr_exchange_ready_cb;
    operation->subject = exchange;
}

HrExchange *
hr_exchange_new(HrCall *call, HrRequest *request)
{
    HrExchange *exchange = g_new0(HrExchange, 1);

    hr_request_set_id(request, hr_call_correlation(call));
    atomic_init(&exchange->references, 1);
    exchange->endpoint = request->endpoint;
    exchange->call = call;
    exchange->request = request;
    fill_operation(exchange);
    return exchange;
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
    exchange = hr_exchange_new(call, g_steal_pointer(&request));
    hr_loop_post(endpoint->loop, &exchange->begin, hr_exchange_begin_cb,
                 exchange);
    return exchange;
}

static void
stop_exchange(HrExchange *exchange)
{
    if (hr_call_raised(exchange->call, &exchange->done))
        return;
    atomic_fetch_add(&exchange->references, 1);
    hr_loop_post(exchange->endpoint->loop, &exchange->stop,
                 hr_exchange_stop_cb, exchange);
    hr_call_await_raised(exchange->call, &exchange->done);
}

bool
hr_exchange_wait(HrExchange *exchange, GError **error)
{
    bool in_time = hr_call_wait_raised(exchange->call, &exchange->done);

    if (!in_time)
        stop_exchange(exchange);
    hr_notes_write(&exchange->notes, hr_call_correlation(exchange->call));
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

static void
deny(GError *error)
{
    HrErrorDetails *details = hr_error_details(error);

    error->code = HR_AUTH_DENIED;
    details->eligibility = HR_RETRY_NEVER;
    details->classified = true;
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
        hr_registry_error_set(&exchange->response, exchange->request,
                              exchange->operation.attempts, &failure);
    /* What new credentials were good for has been tried. */
    if (hr_error_status(failure) == HR_AUTH_EXPIRED)
        deny(failure);
    hr_endpoint_describe_error(exchange->endpoint, failure,
                               exchange->request->method,
                               exchange->request->url, &exchange->operation,
                               hr_call_correlation(exchange->call));
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
    hr_notes_write(&exchange->notes, hr_call_correlation(exchange->call));
    hr_exchange_unref(exchange);
}
