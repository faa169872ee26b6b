/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hedge: when an answer is late, ask a second time and take whichever
 * *succeeds* first.  Off by default; only for GET and HEAD of small things.
 *
 *     ask --(p95 of the class, at least 50 ms)--> ask again --> first success
 *
 * Never more than 5 % of the requests (a bucket of 10 tokens that starts empty
 * and that each request fills by 0.05), not before 100 latencies are known,
 * not while the breaker is anything but closed, the limiter is over 80 % full,
 * or more than a fifth of the last 100 calls took more than twice the delay:
 * then everything is late, and hedges would be load.
 */
#ifndef HR_GUARD_HEDGE_H
#define HR_GUARD_HEDGE_H

#include <glib.h>

#include "guard/policy.h"

typedef struct HrHedge HrHedge;

/* What the endpoint looks like when the question is asked. */
typedef struct HrHedgeView {
    bool breaker_closed;
    unsigned in_flight;
    unsigned limit;
    bool safe; /* GET or HEAD of something small */
} HrHedgeView;

HrHedge *
hr_hedge_new(const HrHedgePolicy *policy);

void
hr_hedge_free(HrHedge *hedge);

/* A first attempt starts: fills the budget.  Returns when to hedge it
 * (absolute), or INT64_MAX for never. */
int64_t
hr_hedge_started(HrHedge *hedge, int64_t now_us, const HrHedgeView *view);

/* That time has come and there is no answer yet: true takes a token, and the
 * second request may go. */
bool
hr_hedge_fire(HrHedge *hedge, int64_t now_us, const HrHedgeView *view);

/* A request that was not superseded has its answer. */
void
hr_hedge_ended(HrHedge *hedge, int64_t now_us, int64_t latency_us,
               bool success);

/* The other of two requests won, this one is given up after `elapsed_us`.
 * Were this not told, the latest answers would be missing from what the delay
 * is learned from: each hedge would make the next come sooner. */
void
hr_hedge_superseded(HrHedge *hedge, int64_t now_us, int64_t elapsed_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrHedge, hr_hedge_free)

#endif
