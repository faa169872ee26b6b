/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exchange: one request until its final answer, attempt by attempt.
 *
 *     send --> operation's stages --> leg's stages --> answer --> done
 *                ^        |             (a second leg, if hedged)
 *                '- timer-+-- failed, and may be repeated
 *
 * The worker makes it, waits and frees it; in between it is the loop's.  The
 * references are the worker's, and those of messages and chores on their way.
 */
#include "net/exchange.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "net/attempt.h"
#include "net/endpoint.h"
#include "net/registry-error.h"
#include "net/request.h"
#include "net/response.h"
#include "net/send.h"

/* One attempt under way. */
typedef struct Leg {
    HrSend send; /* first */
    HrExchange *exchange;
    HrPost chore;
    bool chore_due;
    bool active; /* on its way through the stages, or on the wire */
    GError *error;
} Leg;

struct hr_http_exchange {
    atomic_int references;
    HrEndpoint *endpoint;
    HrCall *call;
    HrRequest *request;
    HrPost begin;
    HrPost stop;
    HrPost chore;
    bool chore_due;
    HrOperation operation;
    HrTimer timer;
    Leg first;
    Leg *second; /* the hedge; NULL until there is one */
    HrTimer hedge_timer;
    HrResponse response; /* the last that counted */
    bool ended;          /* the loop's: nothing more will happen */
    GError *error;
    HrNotes notes;    /* for the log, written by the worker */
    atomic_bool done; /* raised through the call: all is the worker's   */

    /* Of one that the loop made for itself: */
    void (*over)(void *data);
    void *over_data;
    HrPost over_post;
};

static void
clear_leg(Leg *leg)
{
    hr_response_clear(&leg->send.response);
    g_clear_error(&leg->error);
}

static void
unref_exchange(HrExchange *exchange)
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
over_cb(void *data)
{
    HrExchange *exchange = data;

    if (exchange->over != NULL)
        exchange->over(exchange->over_data);
    unref_exchange(exchange);
}

static void
end_on_loop(HrExchange *exchange)
{
    HrLoop *loop = exchange->endpoint->loop;

    exchange->ended = true;
    hr_loop_disarm_on_loop(loop, &exchange->timer);
    hr_loop_disarm_on_loop(loop, &exchange->hedge_timer);
    if (exchange->error != NULL)
        hr_endpoint_describe_error(
            exchange->endpoint, exchange->error, exchange->request->method,
            exchange->request->url, &exchange->operation,
            hr_call_correlation(exchange->call));
    if (exchange->operation.decision.verdict == HR_RETRY_LATER)
        hr_call_put_off(exchange->call, exchange->operation.decision.at_us,
                        exchange->operation.decision.exhausted);
    if (exchange->over != NULL) {
        hr_notes_move(&exchange->endpoint->notes, &exchange->notes);
        atomic_fetch_add(&exchange->references, 1);
        hr_loop_chore_on_loop(loop, &exchange->over_post, over_cb, exchange);
    } else {
        hr_endpoint_publish_on_loop(exchange->endpoint, &exchange->notes);
    }
    hr_call_raise(exchange->call, &exchange->done);
}

static void
advance_operation(HrExchange *exchange);

static void
advance_cb(void *data)
{
    advance_operation(data);
}

static void
note_retry(HrExchange *exchange, int64_t wait_us)
{
    const HrOperation *operation = &exchange->operation;
    g_autofree char *url = hr_text_redact_url(exchange->request->url);
    g_autofree char *wait = hr_text_format_duration(MAX(wait_us, 0));
    g_autofree char *what =
        exchange->error != NULL
            ? g_strdup(exchange->error->message)
            : g_strdup_printf("HTTP %u", exchange->response.status);

    /* Being asked who one is, is how it begins. */
    hr_notes_add(&exchange->notes,
                 operation->decision.immediate ? HR_LOG_DEBUG : HR_LOG_INFO,
                 g_strdup_printf("%s: %s %s: attempt %u failed, again in %s: "
                                 "%s",
                                 exchange->endpoint->name,
                                 hr_method_name(exchange->request->method),
                                 url, operation->attempts, wait, what));
}

/* The attempt, or all of them, came to nothing, or to an answer. */
static void
leave_operation(HrExchange *exchange)
{
    HrOperation *operation = &exchange->operation;
    int64_t now = hr_clock_monotonic_us();

    if (hr_passage_leave(&operation->passage, now) == HR_STEP_ON) {
        if (exchange->error != NULL && operation->attempts > 1)
            g_prefix_error(&exchange->error,
                           "after %u attempts: ", operation->attempts);
        end_on_loop(exchange);
        return;
    }
    note_retry(exchange, operation->passage.at_us - now);
    hr_loop_arm_on_loop(exchange->endpoint->loop, &exchange->timer,
                        operation->passage.at_us, advance_cb, exchange);
}

static void
set_excess_error(const Leg *leg, GError **error)
{
    const HrResponse *response = &leg->send.response;
    g_autofree char *limit =
        hr_text_format_size((int64_t)response->limit_bytes);

    if (response->excess == HR_RESPONSE_BODY)
        hr_error_set(error, HR_INVALID, "the response of %s is larger than %s",
                     leg->exchange->endpoint->authority, limit);
    else
        hr_error_set(error, HR_INVALID,
                     "the response of %s has too many or too long headers",
                     leg->exchange->endpoint->authority);
}

static Leg *
other_leg(const Leg *leg)
{
    HrExchange *exchange = leg->exchange;

    return leg == &exchange->first ? exchange->second : &exchange->first;
}

/* Takes a leg away whose answer nobody needs any more. */
static void
supersede(Leg *leg)
{
    HrExchange *exchange = leg->exchange;

    leg->active = false;
    leg->send.leg.superseded = true;
    hr_notes_add(&exchange->notes, HR_LOG_DEBUG,
                 hr_attempt_stop_on_loop(&leg->send.attempt));
    hr_loop_disarm_on_loop(exchange->endpoint->loop, &leg->send.timer);
    hr_passage_cancel(&leg->send.leg.passage, hr_clock_monotonic_us());
}

/* The answer of this leg is the exchange's. */
static void
take_result(Leg *leg)
{
    HrExchange *exchange = leg->exchange;
    bool refused = leg->send.leg.passage.outcome.status == HR_LOCAL_REJECT;

    /* What the server said last tells more than that it was not asked
     * again. */
    if (refused &&
        (exchange->error != NULL || exchange->response.status != 0)) {
        g_clear_error(&leg->error);
        return;
    }
    g_clear_error(&exchange->error);
    exchange->error = g_steal_pointer(&leg->error);
    hr_response_clear(&exchange->response);
    /* Half a response is none. */
    if (exchange->error == NULL) {
        exchange->response = leg->send.response;
        memset(&leg->send.response, 0, sizeof leg->send.response);
    }
}

/* A leg is through, with its outcome set. */
static void
end_leg(Leg *leg)
{
    HrExchange *exchange = leg->exchange;
    Leg *other = other_leg(leg);
    bool good;

    leg->active = false;
    hr_loop_disarm_on_loop(exchange->endpoint->loop, &leg->send.timer);
    hr_passage_leave(&leg->send.leg.passage, hr_clock_monotonic_us());
    good = leg->send.leg.passage.outcome.status == HR_OK;
    if (other != NULL && other->active) {
        /* The first success counts; a failure waits for the other. */
        if (!good)
            return;
        supersede(other);
    }
    exchange->operation.passage.outcome = leg->send.leg.passage.outcome;
    hr_loop_disarm_on_loop(exchange->endpoint->loop, &exchange->hedge_timer);
    take_result(leg);
    leave_operation(exchange);
}

static void
attempt_ended_cb(void *data, CURLcode code)
{
    Leg *leg = data;
    HrSend *send = &leg->send;

    hr_notes_add(&leg->exchange->notes, HR_LOG_DEBUG,
                 hr_attempt_finish_on_loop(&send->attempt, code));
    if (code != CURLE_OK && send->response.excess != HR_RESPONSE_FITS)
        set_excess_error(leg, &leg->error);
    else if (code != CURLE_OK)
        hr_attempt_set_error(&send->attempt, code, &leg->error);
    hr_passage_close(&send->leg.passage, hr_clock_monotonic_us());
    hr_send_set_outcome(send, leg->error);
    end_leg(leg);
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

/* The transport: all stages are passed. */
static bool
start_cb(void *data)
{
    Leg *leg = data;
    HrExchange *exchange = leg->exchange;
    HrAttempt *attempt = &leg->send.attempt;

    if (exchange->operation.attempts > 1 && !leg->send.leg.hedge)
        hr_endpoint_count_retry(exchange->endpoint, attempt->progress);
    attempt->timeout_us = leg->send.leg.timeout_us;
    hr_attempt_prepare_on_loop(attempt, attempt_ended_cb, leg);
    curl_easy_setopt(attempt->handle, CURLOPT_HEADERFUNCTION,
                     hr_send_header_cb);
    curl_easy_setopt(attempt->handle, CURLOPT_HEADERDATA, &leg->send);
    set_method(attempt->handle, exchange->request);
    hr_attempt_start_on_loop(attempt);
    return true;
}

static void
advance_leg(Leg *leg);

static void
advance_leg_cb(void *data)
{
    advance_leg(data);
}

static void
advance_leg(Leg *leg)
{
    HrPassage *passage = &leg->send.leg.passage;
    HrStep step = hr_passage_advance(passage, hr_clock_monotonic_us());

    if (step == HR_STEP_WAIT) {
        if (passage->at_us != INT64_MAX)
            hr_loop_arm_on_loop(leg->exchange->endpoint->loop,
                                &leg->send.timer, passage->at_us,
                                advance_leg_cb, leg);
    } else if (step == HR_STEP_STOP) {
        hr_send_refused_error(&leg->send, &leg->error);
        end_leg(leg);
    }
}

static void
leg_chore_cb(void *data)
{
    Leg *leg = data;
    HrExchange *exchange = leg->exchange;

    leg->chore_due = false;
    if (leg->active && leg->send.leg.passage.waiting)
        advance_leg(leg);
    unref_exchange(exchange);
}

static void
leg_ready_cb(void *data)
{
    Leg *leg = data;

    if (leg->chore_due)
        return;
    leg->chore_due = true;
    atomic_fetch_add(&leg->exchange->references, 1);
    hr_loop_chore_on_loop(leg->exchange->endpoint->loop, &leg->chore,
                          leg_chore_cb, leg);
}

static void
start_leg(HrExchange *exchange, Leg *leg, bool hedge)
{
    HrSend *send = &leg->send;

    leg->exchange = exchange;
    leg->active = true;
    g_clear_error(&leg->error);
    hr_response_reset(&send->response);
    hr_send_init(send, exchange->request, false);
    send->attempt.fresh = hedge;
    send->attempt.progress = hr_call_progress(exchange->call);
    send->start = start_cb;
    send->owner = leg;
    hr_leg_init(&send->leg, &exchange->operation, hr_send_stages);
    send->leg.hedge = hedge;
    send->leg.ready = leg_ready_cb;
    send->leg.subject = leg;
    advance_leg(leg);
}

static void
hedge_cb(void *data)
{
    HrExchange *exchange = data;

    if (!exchange->first.active ||
        !hr_operation_hedge(&exchange->operation, hr_clock_monotonic_us()))
        return;
    if (exchange->second == NULL)
        exchange->second = g_new0(Leg, 1);
    start_leg(exchange, exchange->second, true);
}

/* Nobody waits for it any more: the next may go. */
static void
give_up(HrExchange *exchange)
{
    hr_passage_cancel(&exchange->operation.passage, hr_clock_monotonic_us());
    g_clear_error(&exchange->error);
    hr_call_set_over_error(exchange->call, &exchange->error);
    end_on_loop(exchange);
}

static void
refuse_operation(HrExchange *exchange)
{
    hr_status status = exchange->operation.passage.outcome.status;

    if (exchange->error == NULL)
        hr_error_set(&exchange->error, status, "not done by its deadline");
    leave_operation(exchange);
}

static void
advance_operation(HrExchange *exchange)
{
    HrOperation *operation = &exchange->operation;
    HrLoop *loop = exchange->endpoint->loop;
    HrStep step;

    if (hr_call_over(exchange->call)) {
        give_up(exchange);
        return;
    }
    step = hr_passage_advance(&operation->passage, hr_clock_monotonic_us());
    switch (step) {
    case HR_STEP_WAIT:
        if (operation->passage.at_us != INT64_MAX)
            hr_loop_arm_on_loop(loop, &exchange->timer,
                                operation->passage.at_us, advance_cb,
                                exchange);
        break;
    case HR_STEP_STOP:
        refuse_operation(exchange);
        break;
    case HR_STEP_ON:
        if (operation->hedge_at_us != INT64_MAX)
            hr_loop_arm_on_loop(loop, &exchange->hedge_timer,
                                operation->hedge_at_us, hedge_cb, exchange);
        start_leg(exchange, &exchange->first, false);
        break;
    }
}

static void
operation_chore_cb(void *data)
{
    HrExchange *exchange = data;

    exchange->chore_due = false;
    if (!exchange->ended && exchange->operation.passage.waiting)
        advance_operation(exchange);
    unref_exchange(exchange);
}

static void
operation_ready_cb(void *data)
{
    HrExchange *exchange = data;

    if (exchange->chore_due)
        return;
    exchange->chore_due = true;
    atomic_fetch_add(&exchange->references, 1);
    hr_loop_chore_on_loop(exchange->endpoint->loop, &exchange->chore,
                          operation_chore_cb, exchange);
}

static void
begin_cb(void *data)
{
    HrExchange *exchange = data;

    hr_operation_init(&exchange->operation, exchange->endpoint->guards);
    advance_operation(exchange);
}

static void
stop_cb(void *data)
{
    HrExchange *exchange = data;

    if (!exchange->ended) {
        if (exchange->first.active)
            supersede(&exchange->first);
        if (exchange->second != NULL && exchange->second->active)
            supersede(exchange->second);
        hr_passage_cancel(&exchange->operation.passage,
                          hr_clock_monotonic_us());
        if (exchange->error == NULL)
            hr_error_set(&exchange->error, HR_CANCELLED, "interrupted");
        end_on_loop(exchange);
    }
    unref_exchange(exchange);
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
    operation->repeats = true;
    operation->parks = hr_call_parks(exchange->call);
    operation->small = reads && (request->method == HR_HTTP_HEAD ||
                                 request->limit_bytes <= small);
    operation->deadline_us = hr_call_deadline_us(exchange->call);
    operation->ready = operation_ready_cb;
    operation->subject = exchange;
}

static HrExchange *
new_exchange(HrCall *call, HrRequest *request)
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
hr_exchange_begin_on_loop(HrCall *call, HrRequest *request,
                          HrOperationClass class, void (*over)(void *data),
                          void *data)
{
    HrExchange *exchange = new_exchange(call, request);

    exchange->operation.class = class;
    exchange->over = over;
    exchange->over_data = data;
    begin_cb(exchange);
    return exchange;
}

const HrResponse *
hr_exchange_answer_on_loop(const HrExchange *exchange, const GError **error)
{
    *error = exchange->error;
    return exchange->error == NULL ? &exchange->response : NULL;
}

void
hr_exchange_drop_on_loop(HrExchange *exchange)
{
    exchange->over = NULL;
    /* It lets go of one reference. */
    stop_cb(exchange);
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
    exchange = new_exchange(call, g_steal_pointer(&request));
    hr_loop_post(endpoint->loop, &exchange->begin, begin_cb, exchange);
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
    unref_exchange(exchange);
}
