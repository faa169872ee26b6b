/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stages that every attempt passes: breaker, rate, limit, timeout. */
#include "base/clock.h"
#include "guard/guards-state.h"

void
hr_leg_init(HrLeg *leg, HrOperation *operation, const HrStage *const *stages)
{
    hr_passage_init(&leg->passage, stages);
    leg->operation = operation;
    leg->superseded = false;
    leg->ticket = (HrBreakerTicket){0};
    leg->leader = NULL;
    leg->holders = 0;
    leg->arrived = false;
    leg->granted = false;
    leg->rate = (HrRateTicket){0};
    leg->timeout_us = 0;
}

/* The last seven in a row, or most of some more. */
#define FAILING_WEIGHT 0.1
#define FAILING_SHARE 0.5

static HrClassGuards *
class_of(const HrLeg *leg)
{
    return &leg->operation->guards->classes[leg->operation->class];
}

static HrStep
refuse(HrPassage *passage, int64_t retry_at_us, int64_t now_us)
{
    passage->outcome = (HrOutcome){
        .status = HR_LOCAL_REJECT,
        .eligibility = HR_RETRY_PARK,
        .retry_after_us = retry_at_us > now_us ? retry_at_us - now_us : 0,
    };
    return HR_STEP_STOP;
}

/* -------------------------------------------------------------- breaker */

static HrStep
breaker_enter(HrPassage *passage, int64_t now_us)
{
    HrLeg *leg = (HrLeg *)passage;
    bool first = leg->operation->retry.attempt == 0;
    int64_t retry_at_us;

    if (hr_breaker_enter(class_of(leg)->breaker, now_us, first, &leg->ticket,
                         &retry_at_us))
        return HR_STEP_ON;
    atomic_fetch_add(&leg->operation->guards->counters.rejected, 1);
    return refuse(passage, retry_at_us, now_us);
}

static HrStep
breaker_exit(HrPassage *passage, int64_t now_us)
{
    HrLeg *leg = (HrLeg *)passage;
    HrOutcome outcome = passage->outcome;

    if (leg->superseded)
        outcome.status = HR_CANCELLED;
    hr_breaker_exit(class_of(leg)->breaker, now_us, &leg->ticket, &outcome);
    /* It may have closed: before anybody else goes in. */
    hr_guards_set_pace(leg->operation->guards, now_us);
    return HR_STEP_ON;
}

const HrStage hr_stage_breaker = {
    .name = "breaker",
    .enter = breaker_enter,
    .exit = breaker_exit,
};

/* ----------------------------------------------------------------- rate */

/* How long a leg may be made to wait here: not beyond its deadline, and, if
 * its job can be parked, not beyond the threshold for that. */
static int64_t
latest_us(const HrLeg *leg, int64_t now_us)
{
    const HrOperation *operation = leg->operation;
    const HrPolicy *policy = &operation->guards->policy;
    int64_t park_us = policy->retry[operation->class].park_us;
    int64_t latest = operation->until_us;

    if (operation->parks && park_us > 0 && latest - now_us > park_us)
        latest = now_us + park_us;
    return latest;
}

static HrStep
rate_enter(HrPassage *passage, int64_t now_us)
{
    HrLeg *leg = (HrLeg *)passage;
    HrGuards *guards = leg->operation->guards;
    HrRate *rate = &guards->requests;
    int64_t pause_us = atomic_load(&rate->paused_until_us);

    if (!leg->rate.reserved) {
        leg->rate_at_us = hr_rate_reserve(rate, now_us, 1,
                                          latest_us(leg, now_us), &leg->rate);
        if (!leg->rate.reserved)
            return refuse(passage, leg->rate_at_us, now_us);
        if (leg->rate_at_us > now_us)
            atomic_fetch_add(&guards->counters.rate_waits, 1);
    }
    /* A pause may have come since the place was taken. */
    passage->at_us = MAX(leg->rate_at_us, pause_us);
    if (passage->at_us <= now_us)
        return HR_STEP_ON;
    if (passage->at_us > latest_us(leg, now_us)) {
        hr_rate_refund(rate, &leg->rate, 1);
        return refuse(passage, passage->at_us, now_us);
    }
    return HR_STEP_WAIT;
}

static void
rate_abandon(HrPassage *passage, int64_t now_us)
{
    HrLeg *leg = (HrLeg *)passage;

    (void)now_us;
    if (leg->rate.reserved)
        hr_rate_refund(&leg->operation->guards->requests, &leg->rate, 1);
}

/* Bytes that have moved are paid for afterwards, by pausing the stream. */
static int64_t
rate_data(HrPassage *passage, int64_t now_us, uint64_t bytes)
{
    HrGuards *guards = ((HrLeg *)passage)->operation->guards;
    HrRateTicket ticket;
    int64_t own =
        hr_rate_reserve(&guards->bytes, now_us, bytes, HR_TIME_NEVER, &ticket);
    int64_t all = 0;

    if (guards->host.global_bytes != NULL)
        all = hr_rate_reserve(guards->host.global_bytes, now_us, bytes,
                              HR_TIME_NEVER, &ticket);
    return MAX(own, all) > now_us ? MAX(own, all) : 0;
}

const HrStage hr_stage_rate = {
    .name = "rate",
    .enter = rate_enter,
    .abandon = rate_abandon,
    .data = rate_data,
};

/* ---------------------------------------------------------------- limit */

/* From here on the leg is in flight. */
static void
grant(HrLeg *leg, HrLeg *leader)
{
    HrOperation *operation = leg->operation;
    HrGuards *guards = operation->guards;

    leg->leader = leader;
    leg->granted = true;
    leg->arrived = false;
    leader->holders++;
    if (operation->coming)
        guards->classes[operation->class].coming--;
    operation->coming = false;
    atomic_fetch_add(&guards->counters.acquired, 1);
    atomic_fetch_add(&guards->counters.in_flight[operation->class], 1);
}

/* The line lets the leader's waiter in, and with it its peer. */
static void
places_cb(void *data)
{
    HrLeg *leader = data;
    HrLeg *peer = leader->peer;

    grant(leader, leader);
    if (peer != NULL)
        grant(peer, leader);
    if (!leader->entering)
        leader->ready(leader->subject);
    if (peer != NULL && !peer->entering)
        peer->ready(peer->subject);
}

static void
join_line(HrLeg *leg)
{
    HrOperation *operation = leg->operation;
    HrGuards *guards = operation->guards;
    HrClassGuards *own = class_of(leg);
    HrWaiter *waiter = &leg->waiter;

    waiter->gates[0] = &own->gate;
    waiter->gates[1] =
        operation->class == HR_CLASS_READ || operation->class == HR_CLASS_WRITE
            ? &guards->all
            : NULL;
    if (leg->peer != NULL && &class_of(leg->peer)->gate != &own->gate)
        waiter->gates[1] = &class_of(leg->peer)->gate;
    waiter->rank = operation->priority;
    waiter->parts = operation->tiny ? 1 : hr_place_parts(operation->class);
    waiter->big = operation->big;
    waiter->enter = places_cb;
    waiter->data = leg;
    hr_line_join(hr_guards_line(guards, operation->class), waiter);
}

static HrStep
limit_enter(HrPassage *passage, int64_t now_us)
{
    HrLeg *leg = (HrLeg *)passage;
    HrGuards *guards = leg->operation->guards;
    HrOperationClass class = leg->operation->class;

    if (!leg->granted && !leg->arrived) {
        hr_guards_refresh_limit(guards, class, now_us);
        leg->arrived = true;
        /* Of two ends the second to arrive asks for both. */
        leg->entering = true;
        if (leg->peer == NULL || leg->peer->arrived)
            join_line(leg);
        leg->entering = false;
    }
    if (!leg->granted)
        return HR_STEP_WAIT;
    if (class_of(leg)->limit != NULL)
        hr_limit_started(class_of(leg)->limit, now_us,
                         class_of(leg)->gate.taken,
                         hr_priority_length(&class_of(leg)->queue));
    /* Its place on the way up to here is free. */
    hr_guards_pull(guards, now_us);
    return HR_STEP_ON;
}

static void
give_back(HrLeg *leg)
{
    HrLeg *leader = leg->leader;
    HrOperation *operation = leg->operation;
    HrGuards *guards = operation->guards;

    leg->leader = NULL;
    leg->granted = false;
    atomic_fetch_add(&guards->counters.released, 1);
    atomic_fetch_sub(&guards->counters.in_flight[operation->class], 1);
    if (--leader->holders == 0)
        hr_line_leave(hr_guards_line(guards, operation->class),
                      &leader->waiter);
}

void
hr_leg_rest(HrLeg *leg, bool resting)
{
    HrLeg *peer = leg->peer;
    HrGate *gate = &class_of(leg)->gate;

    /* Two ends at one gate have one permit there. */
    if (!leg->granted || (peer != NULL && &class_of(peer)->gate == gate))
        return;
    hr_line_lend(hr_guards_line(leg->operation->guards, leg->operation->class),
                 &leg->leader->waiter, gate, resting);
}

static void
limit_abandon(HrPassage *passage, int64_t now_us)
{
    HrLeg *leg = (HrLeg *)passage;
    HrLine *line =
        hr_guards_line(leg->operation->guards, leg->operation->class);
    HrLeg *peer = leg->peer;

    if (leg->granted) {
        give_back(leg);
    } else {
        leg->arrived = false;
        /* Whoever leads: without us there is no pair. */
        hr_line_leave(line, &leg->waiter);
        if (peer != NULL && !peer->granted)
            hr_line_leave(line, &peer->waiter);
    }
    hr_guards_pull(leg->operation->guards, now_us);
}

static HrStep
limit_exit(HrPassage *passage, int64_t now_us)
{
    HrLeg *leg = (HrLeg *)passage;
    HrGuards *guards = leg->operation->guards;
    HrOperationClass class = leg->operation->class;
    HrOutcome outcome = passage->outcome;
    unsigned taken = class_of(leg)->gate.taken;

    if (leg->superseded)
        outcome.status = HR_CANCELLED;
    if (class == HR_CLASS_BLOB)
        hr_climb_ended(guards->climb, now_us, &outcome);
    else
        hr_limit_ended(class_of(leg)->limit, now_us, &outcome, taken);
    give_back(leg);
    hr_guards_refresh_limit(guards, class, now_us);
    hr_guards_pull(guards, now_us);
    return HR_STEP_ON;
}

static int64_t
limit_data(HrPassage *passage, int64_t now_us, uint64_t bytes)
{
    HrLeg *leg = (HrLeg *)passage;
    HrGuards *guards = leg->operation->guards;

    if (leg->operation->class == HR_CLASS_BLOB) {
        bool crowded = guards->host.transfer_line->first != NULL;
        unsigned parts = class_of(leg)->gate.taken;

        hr_climb_moved(guards->climb, now_us, bytes,
                       (parts + HR_PLACE_PARTS - 1) / HR_PLACE_PARTS,
                       crowded ? 1 : 0);
    }
    return 0;
}

const HrStage hr_stage_limit = {
    .name = "limit",
    .enter = limit_enter,
    .abandon = limit_abandon,
    .exit = limit_exit,
    .data = limit_data,
};

/* -------------------------------------------------------------- timeout */

static HrStep
timeout_enter(HrPassage *passage, int64_t now_us)
{
    HrLeg *leg = (HrLeg *)passage;
    const HrOperation *operation = leg->operation;
    const HrRetryPolicy *policy =
        &operation->guards->policy.retry[operation->class];
    int64_t left_us = operation->until_us == HR_TIME_NEVER
                          ? 0
                          : MAX(operation->until_us - now_us, 1);

    leg->timeout_us = policy->attempt_timeout_us;
    if (left_us > 0 && (leg->timeout_us == 0 || left_us < leg->timeout_us))
        leg->timeout_us = left_us;
    return HR_STEP_ON;
}

const HrStage hr_stage_timeout = {
    .name = "timeout",
    .enter = timeout_enter,
};

/* -------------------------------------------------------------- attempt */

static HrStep
attempt_enter(HrPassage *passage, int64_t now_us)
{
    HrLeg *leg = (HrLeg *)passage;

    leg->started_us = now_us;
    leg->retry = leg->operation->attempts > 0 && !leg->hedge;
    if (leg->retry)
        hr_budget_begin(&leg->operation->guards->budget);
    leg->operation->attempts++;
    return HR_STEP_ON;
}

/* A server that fails most of what it is asked may fail because of that: then
 * asking less is what helps, and if it is ill for another reason it costs
 * little.  Probes are few and far between, and say nothing about that. */
static bool
is_congested(HrGuards *guards, const HrLeg *leg, const HrOutcome *outcome)
{
    bool failed = hr_outcome_is_failure(outcome);

    if (leg->ticket.probe)
        return false;
    guards->failing += FAILING_WEIGHT * ((failed ? 1 : 0) - guards->failing);
    return failed && guards->failing >= FAILING_SHARE;
}

/* What an answer says to all that is asked of the endpoint from now on. */
static void
learn(HrGuards *guards, const HrLeg *leg, const HrOutcome *outcome,
      int64_t now_us)
{
    bool throttled = outcome->status == HR_THROTTLED;
    bool congested = is_congested(guards, leg, outcome);
    int64_t longest = guards->policy.retry[HR_CLASS_READ].retry_after_cap_us;

    if (throttled)
        atomic_fetch_add(&guards->counters.throttled, 1);
    if (!throttled && !hr_outcome_is_failure(outcome))
        hr_resume_answered(&guards->resume, now_us);
    if (!guards->policy.rate.learn)
        return;
    /* Who asks for ages is not obeyed by everybody. */
    if (outcome->retry_after_us > 0 && outcome->retry_after_us <= longest &&
        (throttled || outcome->status == HR_OVERLOAD))
        hr_rate_pause(&guards->requests, now_us + outcome->retry_after_us);
    hr_cubic_update(&guards->cubic, now_us, throttled || congested);
}

static HrStep
attempt_exit(HrPassage *passage, int64_t now_us)
{
    HrLeg *leg = (HrLeg *)passage;
    HrGuards *guards = leg->operation->guards;
    const HrOutcome *outcome = &passage->outcome;

    if (leg->retry)
        hr_budget_end(&guards->budget);
    leg->retry = false;
    if (leg->superseded && !leg->hedge && guards->policy.hedge.on)
        hr_hedge_superseded(guards->hedge, now_us, now_us - leg->started_us);
    if (leg->superseded || hr_outcome_is_local(outcome))
        return HR_STEP_ON;
    learn(guards, leg, outcome, now_us);
    hr_streak_record(&guards->streak, now_us, outcome);
    atomic_store(&guards->counters.multiplier_percent,
                 (unsigned)(guards->streak.multiplier * 100 + 0.5));
    if (guards->policy.hedge.on && leg->operation->class == HR_CLASS_READ)
        hr_hedge_ended(guards->hedge, now_us, now_us - leg->started_us,
                       outcome->status == HR_OK);
    if (leg->hedge && outcome->status == HR_OK)
        atomic_fetch_add(&guards->counters.hedges_won, 1);
    return HR_STEP_ON;
}

const HrStage hr_stage_attempt = {
    .name = "attempt",
    .enter = attempt_enter,
    .exit = attempt_exit,
};
