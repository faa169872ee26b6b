/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hedge: a delay learned from latencies, and a bucket that pays.
 *
 *     request ---(+ percent/100)---> bucket (at most burst) ---(- 1)---> hedge
 *
 * The bucket starts empty and is counted in whole billionths, so that after
 * any number of requests, hedges * 100 <= requests * percent: not about, and
 * not on average.  Of any part of them no more than burst is hedged beyond
 * that share.
 */
#include "guard/hedge.h"

#include "guard/quantile.h"
#include "guard/window.h"

/* One token. */
#define TOKEN UINT64_C(1000000000)
#define PERCENT (TOKEN / 100)

/* A later answer than this share of all is late. */
#define LATE 0.95

/* Latencies count for five to ten minutes: long enough for 100 of them at one
 * request in three seconds, short enough to follow the time of day. */
#define SPAN_US (INT64_C(300) * 1000000)

/* The delay is looked up once a second: a look costs as much as dozens of
 * records. */
#define REFRESH_US INT64_C(1000000)

/* Slow is what takes more than twice the delay.  Few calls do when stragglers
 * are rare, nearly all do when the server has become slow and the delay does
 * not know it yet; later it does, and hedges come as late as the answers.
 * Judged by the last 100 calls, whenever they were, so that a quiet endpoint
 * is judged by as many as a busy one. */
#define SLOW_FACTOR 2
#define SLOW_CALLS 100

/* The limiter is too full for second questions over so many percent. */
#define FULL_PERCENT 80

struct HrHedge {
    HrHedgePolicy policy;
    uint64_t tokens; /* in billionths */
    uint64_t fill;   /* by one request */
    uint64_t capacity;
    int64_t delay_us; /* in force; 0: too few latencies are known */
    int64_t delay_at_us;
    HrQuantile *latencies;
    HrWindow *calls;
};

HrHedge *
hr_hedge_new(const HrHedgePolicy *policy)
{
    HrHedge *hedge = g_new0(HrHedge, 1);

    hedge->policy = *policy;
    if (!policy->on)
        return hedge;
    hedge->fill = (uint64_t)(CLAMP(policy->percent, 0, 100) * PERCENT);
    hedge->capacity = policy->burst * TOKEN;
    hedge->latencies = hr_quantile_new(SPAN_US);
    hedge->calls = hr_window_new(HR_WINDOW_COUNT, SLOW_CALLS, 0);
    return hedge;
}

void
hr_hedge_free(HrHedge *hedge)
{
    if (hedge == NULL)
        return;
    hr_quantile_free(hedge->latencies);
    hr_window_free(hedge->calls);
    g_free(hedge);
}

/* Sets the delay in force. */
static void
refresh(HrHedge *hedge, int64_t now_us)
{
    int64_t late;

    if (hr_quantile_count(hedge->latencies, now_us) <
        MAX(hedge->policy.samples, 1)) {
        hedge->delay_us = 0;
        return;
    }
    if (hedge->delay_us > 0 && now_us - hedge->delay_at_us < REFRESH_US)
        return;
    late = hr_quantile_value(hedge->latencies, now_us, LATE);
    hedge->delay_us = MAX(late, hedge->policy.delay_minimum_us);
    hedge->delay_at_us = now_us;
}

int64_t
hr_hedge_started(HrHedge *hedge, int64_t now_us, const HrHedgeView *view)
{
    if (!hedge->policy.on)
        return INT64_MAX;
    hedge->tokens = MIN(hedge->tokens + hedge->fill, hedge->capacity);
    refresh(hedge, now_us);
    if (hedge->delay_us == 0 || !view->safe || !view->breaker_closed)
        return INT64_MAX;
    return now_us + hedge->delay_us;
}

static bool
is_full(const HrHedgeView *view)
{
    return (uint64_t)view->in_flight * 100 >
           (uint64_t)view->limit * FULL_PERCENT;
}

static bool
is_slow(HrHedge *hedge, int64_t now_us)
{
    HrWindowTotals totals;

    hr_window_totals(hedge->calls, now_us, &totals);
    return (double)totals.slow * 100 >
           hedge->policy.slow_percent * (double)totals.calls;
}

bool
hr_hedge_fire(HrHedge *hedge, int64_t now_us, const HrHedgeView *view)
{
    if (!hedge->policy.on || hedge->delay_us == 0)
        return false;
    if (!view->safe || !view->breaker_closed || is_full(view))
        return false;
    if (is_slow(hedge, now_us) || hedge->tokens < TOKEN)
        return false;
    hedge->tokens -= TOKEN;
    return true;
}

void
hr_hedge_ended(HrHedge *hedge, int64_t now_us, int64_t latency_us,
               bool success)
{
    bool slow = latency_us > SLOW_FACTOR * hedge->delay_us;

    if (!hedge->policy.on)
        return;
    /* What fails at once says nothing of the server's speed. */
    if (hedge->delay_us > 0 && (success || slow))
        hr_window_record(hedge->calls, now_us, !success, slow, latency_us);
    if (success)
        hr_quantile_record(hedge->latencies, now_us, latency_us);
}

void
hr_hedge_superseded(HrHedge *hedge, int64_t now_us, int64_t elapsed_us)
{
    /* One that had hardly begun could have become anything. */
    if (!hedge->policy.on || hedge->delay_us == 0 ||
        elapsed_us < hedge->delay_us)
        return;
    /* Slow, however long it would have taken: a later question was answered
     * before it. */
    hr_window_record(hedge->calls, now_us, false, true, elapsed_us);
    hr_quantile_record(hedge->latencies, now_us, elapsed_us);
}
