/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One attempt of an exchange on the loop, and its hedge. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "net/exchange-state.h"

static void
set_excess_error(const HrExchangeLeg *leg, GError **error)
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

static HrExchangeLeg *
other_leg(const HrExchangeLeg *leg)
{
    HrExchange *exchange = leg->exchange;

    return leg == &exchange->first ? exchange->second : &exchange->first;
}

void
hr_exchange_leg_supersede_on_loop(HrExchangeLeg *leg)
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
take_result(HrExchangeLeg *leg)
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
end_leg(HrExchangeLeg *leg)
{
    HrExchange *exchange = leg->exchange;
    HrExchangeLeg *other = other_leg(leg);
    bool good;

    leg->active = false;
    hr_loop_disarm_on_loop(exchange->endpoint->loop, &leg->send.timer);
    hr_passage_leave(&leg->send.leg.passage, hr_clock_monotonic_us());
    good = leg->send.leg.passage.outcome.status == HR_OK;
    if (other != NULL && other->active) {
        /* The first success counts; a failure waits for the other. */
        if (!good)
            return;
        hr_exchange_leg_supersede_on_loop(other);
    }
    exchange->operation.passage.outcome = leg->send.leg.passage.outcome;
    hr_loop_disarm_on_loop(exchange->endpoint->loop, &exchange->hedge_timer);
    take_result(leg);
    hr_exchange_leave_on_loop(exchange);
}

static void
attempt_ended_cb(void *data, CURLcode code)
{
    HrExchangeLeg *leg = data;
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
    HrExchangeLeg *leg = data;
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
advance_leg(HrExchangeLeg *leg);

static void
advance_leg_cb(void *data)
{
    advance_leg(data);
}

static void
advance_leg(HrExchangeLeg *leg)
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
    HrExchangeLeg *leg = data;
    HrExchange *exchange = leg->exchange;

    leg->chore_due = false;
    if (leg->active && leg->send.leg.passage.waiting)
        advance_leg(leg);
    hr_exchange_unref(exchange);
}

static void
leg_ready_cb(void *data)
{
    HrExchangeLeg *leg = data;

    if (leg->chore_due)
        return;
    leg->chore_due = true;
    atomic_fetch_add(&leg->exchange->references, 1);
    hr_loop_chore_on_loop(leg->exchange->endpoint->loop, &leg->chore,
                          leg_chore_cb, leg);
}

void
hr_exchange_leg_start_on_loop(HrExchange *exchange, HrExchangeLeg *leg,
                              bool hedge)
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
