/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stages that a logical request passes once: deadline, retry, hedge. */
#include "base/clock.h"
#include "guard/guards-state.h"

void
hr_operation_init(HrOperation *operation, HrGuards *guards)
{
    hr_passage_init(&operation->passage, hr_operation_stages);
    operation->guards = guards;
    operation->hedge_at_us = INT64_MAX;
    operation->until_us = operation->deadline_us;
}

static HrStep
refuse(HrPassage *passage, hr_status status, HrEligibility eligibility)
{
    passage->outcome =
        (HrOutcome){.status = status, .eligibility = eligibility};
    return HR_STEP_STOP;
}

/* ------------------------------------------------------------ operation */

static HrStep
operation_enter(HrPassage *passage, int64_t now_us)
{
    HrOperation *operation = (HrOperation *)passage;

    (void)now_us;
    atomic_fetch_add(&operation->guards->counters.operations, 1);
    return HR_STEP_ON;
}

static const HrStage stage_operation = {
    .name = "operation",
    .enter = operation_enter,
};

/* ------------------------------------------------------------- deadline */

static HrStep
deadline_enter(HrPassage *passage, int64_t now_us)
{
    const HrOperation *operation = (HrOperation *)passage;

    if (now_us >= operation->deadline_us)
        return refuse(passage, HR_TIMEOUT, HR_RETRY_NEVER);
    return HR_STEP_ON;
}

static const HrStage stage_deadline = {
    .name = "deadline",
    .enter = deadline_enter,
};

/* ---------------------------------------------------------------- retry */

static const HrRetryPolicy *
retry_policy(const HrOperation *operation)
{
    return &operation->guards->policy.retry[operation->class];
}

/* The policy's own total deadline starts when the operation is let in: how
 * long it had to queue behind others is no reason to fail it. */
static HrStep
retry_enter(HrPassage *passage, int64_t now_us)
{
    HrOperation *operation = (HrOperation *)passage;
    int64_t deadline_us = retry_policy(operation)->deadline_us;

    operation->until_us = operation->deadline_us;
    if (deadline_us > 0 && operation->deadline_us - now_us > deadline_us)
        operation->until_us = now_us + deadline_us;
    return HR_STEP_ON;
}

/* What was refused here costs nothing: neither attempt nor budget. */
static void
decide_about_refusal(const HrOperation *operation, const HrOutcome *outcome,
                     int64_t now_us, HrRetryDecision *decision)
{
    decision->at_us = now_us + outcome->retry_after_us;
    decision->delay_us = outcome->retry_after_us;
    decision->immediate = true;
    decision->verdict = HR_RETRY_LATER;
    decision->reason = "not asked for now";
    if (decision->at_us < operation->until_us &&
        outcome->retry_after_us <= retry_policy(operation)->park_us)
        decision->verdict = HR_RETRY_AGAIN;
}

static unsigned
in_flight(HrGuards *guards)
{
    return guards->all.taken +
           atomic_load(&guards->counters.in_flight[HR_CLASS_BLOB]);
}

/* What a retry is paid for with, and by. */
typedef struct Payment {
    HrOperationClass class;
    unsigned flying; /* requests under way, of which retries are a share */
    int64_t until_us;
    unsigned cost; /* result: tokens taken */
} Payment;

/* Too many retries at once: this one lets the others go first, and waits a
 * second time.  Without tokens it is put off. */
static void
pay(HrGuards *guards, Payment *payment, const HrOutcome *outcome,
    HrRetryDecision *decision)
{
    bool throttled = outcome->status == HR_THROTTLED;
    int64_t base_us = guards->policy.retry[payment->class].base_us;

    if (decision->immediate ||
        hr_budget_acquire(&guards->budget, throttled, payment->flying,
                          &payment->cost))
        return;
    decision->at_us += MAX(decision->delay_us, base_us);
    if (decision->at_us < payment->until_us &&
        hr_budget_acquire(&guards->budget, throttled, HR_BUDGET_UNCROWDED,
                          &payment->cost))
        return;
    decision->verdict = HR_RETRY_LATER;
    decision->exhausted = true;
    decision->reason = "the endpoint's budget of retries is spent";
}

static void
pay_for_operation(HrOperation *operation)
{
    Payment payment = {.class = operation->class,
                       .flying = in_flight(operation->guards),
                       .until_us = operation->until_us,
                       .cost = operation->cost};

    pay(operation->guards, &payment, &operation->passage.outcome,
        &operation->decision);
    operation->cost = payment.cost;
}

static void
decide(HrOperation *operation, int64_t now_us)
{
    HrGuards *guards = operation->guards;
    HrRetryPolicy policy = *retry_policy(operation);
    const HrOutcome *outcome = &operation->passage.outcome;
    HrRetryDecision *decision = &operation->decision;
    double factor =
        guards->policy.adapt_delays ? guards->streak.multiplier : 1;

    if (operation->most > 0)
        policy.attempts = MIN(policy.attempts, operation->most);
    if (outcome->status == HR_LOCAL_REJECT) {
        decide_about_refusal(operation, outcome, now_us, decision);
    } else if (outcome->eligibility == HR_RETRY_REAUTH &&
               !operation->renewable) {
        *decision = (HrRetryDecision){.verdict = HR_RETRY_GIVE_UP,
                                      .at_us = now_us,
                                      .reason = "credentials refused"};
        return;
    } else {
        hr_retry_decide(&policy, &operation->retry, outcome, outcome->bytes,
                        factor, now_us, operation->until_us,
                        &guards->host.random, decision);
    }
    /* Nobody else can wait for it: sit it out. */
    if (decision->verdict == HR_RETRY_LATER && !operation->parks &&
        decision->waits && decision->at_us < operation->until_us)
        decision->verdict = HR_RETRY_AGAIN;
    if (decision->verdict == HR_RETRY_AGAIN)
        pay_for_operation(operation);
}

static HrStep
retry_exit(HrPassage *passage, int64_t now_us)
{
    HrOperation *operation = (HrOperation *)passage;
    HrGuards *guards = operation->guards;

    if (passage->outcome.status == HR_OK) {
        hr_budget_settle(&guards->budget, operation->cost);
        return HR_STEP_ON;
    }
    operation->decision = (HrRetryDecision){.verdict = HR_RETRY_GIVE_UP};
    if (passage->cancelled || !operation->repeats)
        return HR_STEP_ON;
    decide(operation, now_us);
    if (operation->decision.verdict == HR_RETRY_LATER)
        atomic_fetch_add(&guards->counters.parked, 1);
    if (operation->decision.verdict != HR_RETRY_AGAIN)
        return HR_STEP_ON;
    if (!operation->decision.immediate)
        atomic_fetch_add(&guards->counters.retries, 1);
    passage->at_us = operation->decision.at_us;
    return HR_STEP_WAIT;
}

static const HrStage stage_retry = {
    .name = "retry",
    .enter = retry_enter,
    .exit = retry_exit,
};

void
hr_guards_repeat(HrGuards *guards, HrRetryState *state,
                 const HrOutcome *outcome, uint64_t moved_bytes,
                 int64_t now_us, int64_t deadline_us, const HrRandom *random,
                 HrRetryDecision *decision)
{
    const HrRetryPolicy *policy = &guards->policy.retry[HR_CLASS_BLOB];
    unsigned percent = atomic_load(&guards->counters.multiplier_percent);
    unsigned blobs = atomic_load(&guards->counters.in_flight[HR_CLASS_BLOB]);
    unsigned reads = atomic_load(&guards->counters.in_flight[HR_CLASS_READ]);
    Payment payment = {.class = HR_CLASS_BLOB,
                       .flying = blobs + reads,
                       .until_us = deadline_us};

    hr_retry_decide(policy, state, outcome, moved_bytes, (double)percent / 100,
                    now_us, deadline_us, random, decision);
    if (decision->verdict == HR_RETRY_AGAIN)
        pay(guards, &payment, outcome, decision);
    if (decision->verdict == HR_RETRY_AGAIN)
        atomic_fetch_add(&guards->counters.retries, 1);
}

/* ---------------------------------------------------------------- hedge */

static void
look(const HrOperation *operation, int64_t now_us, HrHedgeView *view)
{
    HrGuards *guards = operation->guards;
    const HrClassGuards *own = &guards->classes[operation->class];

    *view = (HrHedgeView){
        .breaker_closed =
            hr_breaker_state_at(own->breaker, now_us) == HR_BREAKER_CLOSED,
        .in_flight = own->gate.taken,
        .limit = own->gate.limit,
        .safe = operation->small && operation->idempotent &&
                operation->class == HR_CLASS_READ,
    };
}

static HrStep
hedge_enter(HrPassage *passage, int64_t now_us)
{
    HrOperation *operation = (HrOperation *)passage;
    HrHedgeView view;

    operation->hedge_at_us = INT64_MAX;
    if (!operation->guards->policy.hedge.on || operation->attempts > 0)
        return HR_STEP_ON;
    look(operation, now_us, &view);
    operation->hedge_at_us =
        hr_hedge_started(operation->guards->hedge, now_us, &view);
    return HR_STEP_ON;
}

bool
hr_operation_hedge(HrOperation *operation, int64_t now_us)
{
    HrHedgeView view;

    operation->hedge_at_us = INT64_MAX;
    look(operation, now_us, &view);
    if (!hr_hedge_fire(operation->guards->hedge, now_us, &view))
        return false;
    atomic_fetch_add(&operation->guards->counters.hedges, 1);
    return true;
}

static const HrStage stage_hedge = {
    .name = "hedge",
    .enter = hedge_enter,
};

extern const HrStage hr_stage_admission;

const HrStage *const hr_operation_stages[] = {
    &stage_operation, &stage_deadline, &hr_stage_admission,
    &stage_retry,     &stage_hedge,    NULL,
};
