/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operation of an exchange on the loop, from its begin to its end. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "net/exchange-state.h"

static void
over_cb(void *data)
{
    HrExchange *exchange = data;

    if (exchange->over != NULL)
        exchange->over(exchange->over_data);
    hr_exchange_unref(exchange);
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

void
hr_exchange_leave_on_loop(HrExchange *exchange)
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
hedge_cb(void *data)
{
    HrExchange *exchange = data;

    if (!exchange->first.active ||
        !hr_operation_hedge(&exchange->operation, hr_clock_monotonic_us()))
        return;
    if (exchange->second == NULL)
        exchange->second = g_new0(HrExchangeLeg, 1);
    hr_exchange_leg_start_on_loop(exchange, exchange->second, true);
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
    hr_exchange_leave_on_loop(exchange);
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
        hr_exchange_leg_start_on_loop(exchange, &exchange->first, false);
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
    hr_exchange_unref(exchange);
}

void
hr_exchange_ready_cb(void *data)
{
    HrExchange *exchange = data;

    if (exchange->chore_due)
        return;
    exchange->chore_due = true;
    atomic_fetch_add(&exchange->references, 1);
    hr_loop_chore_on_loop(exchange->endpoint->loop, &exchange->chore,
                          operation_chore_cb, exchange);
}

void
hr_exchange_begin_cb(void *data)
{
    HrExchange *exchange = data;

    hr_operation_init(&exchange->operation, exchange->endpoint->guards);
    advance_operation(exchange);
}

void
hr_exchange_stop_cb(void *data)
{
    HrExchange *exchange = data;

    if (!exchange->ended) {
        if (exchange->first.active)
            hr_exchange_leg_supersede_on_loop(&exchange->first);
        if (exchange->second != NULL && exchange->second->active)
            hr_exchange_leg_supersede_on_loop(exchange->second);
        hr_passage_cancel(&exchange->operation.passage,
                          hr_clock_monotonic_us());
        if (exchange->error == NULL)
            hr_error_set(&exchange->error, HR_CANCELLED, "interrupted");
        end_on_loop(exchange);
    }
    hr_exchange_unref(exchange);
}

HrExchange *
hr_exchange_begin_on_loop(HrCall *call, HrRequest *request,
                          HrOperationClass class, void (*over)(void *data),
                          void *data)
{
    HrExchange *exchange = hr_exchange_new(call, request);

    exchange->operation.class = class;
    exchange->over = over;
    exchange->over_data = data;
    hr_exchange_begin_cb(exchange);
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
    hr_exchange_stop_cb(exchange);
}
