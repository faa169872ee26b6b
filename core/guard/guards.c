/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guards: everything that watches over one endpoint. */
#include "guard/guards.h"

#include <math.h>

#include "base/clock.h"
#include "guard/guards-state.h"

/* Token requests at once: there are few, and each is for many. */
#define AUTH_LIMIT 4u

static void
breaker_changed_cb(void *data, HrBreakerState from, HrBreakerState to,
                   int64_t now_us)
{
    HrClassGuards *own = data;
    HrGuards *guards = own->guards;

    if (to == HR_BREAKER_OPEN)
        atomic_fetch_add(&guards->counters.breaker_opened, 1);
    else if (to == HR_BREAKER_CLOSED)
        atomic_store(&guards->back, true);
    if (guards->host.changed != NULL)
        guards->host.changed(guards->host.data, own->class, from, to, now_us);
}

static HrLimitPolicy
limit_policy(const HrPolicy *policy, HrOperationClass which)
{
    HrLimitPolicy limit = policy->requests;

    if (which != HR_CLASS_AUTH)
        return limit;
    limit.maximum = MIN(limit.maximum, AUTH_LIMIT);
    limit.initial = MIN(limit.initial, limit.maximum);
    limit.minimum = MIN(limit.minimum, limit.maximum);
    return limit;
}

static unsigned
limit_of(HrClassGuards *own, int64_t now_us)
{
    return own->class == HR_CLASS_BLOB
               ? hr_climb_value(own->guards->climb, now_us)
               : hr_limit_value(own->limit, now_us);
}

static void
init_class(HrGuards *guards, HrOperationClass which, int64_t now_us)
{
    HrClassGuards *own = &guards->classes[which];
    HrLimitPolicy policy = limit_policy(&guards->policy, which);

    own->guards = guards;
    own->class = which;
    own->breaker =
        hr_breaker_new(&guards->policy.breaker[which], &guards->host.random,
                       breaker_changed_cb, own);
    hr_priority_init(&own->queue);
    if (which != HR_CLASS_BLOB)
        own->limit = hr_limit_new(&policy, &guards->host.random, now_us);
    own->gate.limit = limit_of(own, now_us) * hr_place_parts(which);
    atomic_init(&guards->counters.limit[which], limit_of(own, now_us));
}

HrGuards *
hr_guards_new(const HrPolicy *policy, const HrGuardsHost *host, int64_t now_us)
{
    HrGuards *guards = g_new0(HrGuards, 1);

    guards->policy = *policy;
    guards->host = *host;
    guards->alarm_us = INT64_MAX;
    guards->all.limit = MAX(policy->requests.maximum, 1);
    guards->climb = hr_climb_new(&policy->transfers, now_us);
    guards->hedge = hr_hedge_new(&policy->hedge);
    hr_budget_init(&guards->budget, &policy->budget);
    hr_rate_init(&guards->requests, policy->rate.requests_per_s,
                 policy->rate.request_burst);
    /* A second's worth at once: pacing finer than that costs more wake-ups
     * than it saves a link. */
    hr_rate_init(&guards->bytes, policy->rate.bytes_per_s,
                 MAX(policy->rate.bytes_per_s, 1));
    guards->pace_per_s = policy->rate.requests_per_s;
    hr_cubic_init(&guards->cubic, now_us);
    hr_resume_init(&guards->resume, now_us);
    atomic_init(&guards->back, false);
    hr_streak_init(&guards->streak);
    atomic_init(&guards->counters.multiplier_percent, 100);
    atomic_init(&guards->counters.rate_milli,
                (uint_fast64_t)(policy->rate.requests_per_s * 1000));
    for (int which = 0; which < HR_CLASS_COUNT; which++)
        init_class(guards, (HrOperationClass)which, now_us);
    return guards;
}

void
hr_guards_free(HrGuards *guards)
{
    if (guards == NULL)
        return;
    for (int which = 0; which < HR_CLASS_COUNT; which++) {
        hr_breaker_free(guards->classes[which].breaker);
        hr_limit_free(guards->classes[which].limit);
    }
    hr_climb_free(guards->climb);
    hr_hedge_free(guards->hedge);
    g_free(guards);
}

const HrPolicy *
hr_guards_policy(const HrGuards *guards)
{
    return &guards->policy;
}

void
hr_guards_set_alarm(HrGuards *guards, int64_t at_us)
{
    if (guards->alarm_us == at_us)
        return;
    guards->alarm_us = at_us;
    guards->host.alarm(guards->host.data, at_us);
}

void
hr_guards_refresh_limit(HrGuards *guards, HrOperationClass which,
                        int64_t now_us)
{
    HrClassGuards *own = &guards->classes[which];
    unsigned value = limit_of(own, now_us);
    unsigned parts = value * hr_place_parts(which);
    bool grown = parts > own->gate.limit;

    own->gate.limit = parts;
    atomic_store(&guards->counters.limit[which], value);
    if (grown)
        hr_line_look(hr_guards_line(guards, which));
}

/* ------------------------------------------------------------ admission */

/* True if an operation of the class would find its way free up to the limit:
 * only then it is taken from the queue, so that whoever is more urgent can
 * still overtake it. */
static bool
has_room(HrGuards *guards, const HrClassGuards *own)
{
    unsigned coming = guards->classes[HR_CLASS_READ].coming +
                      guards->classes[HR_CLASS_WRITE].coming;

    return hr_guards_line(guards, own->class)->first == NULL &&
           (own->class == HR_CLASS_AUTH ||
            guards->all.taken + coming < guards->all.limit) &&
           own->gate.taken + own->coming < own->gate.limit;
}

static void
admit(HrOperation *operation, int64_t now_us)
{
    HrGuards *guards = operation->guards;

    operation->admitted = true;
    operation->admitted_us = now_us;
    operation->coming = true;
    guards->classes[operation->class].coming++;
}

static void
pull_class(HrGuards *guards, HrClassGuards *own, int64_t now_us)
{
    while (hr_priority_length(&own->queue) > 0 && has_room(guards, own)) {
        int64_t ready_us = hr_rate_ready_at_us(&guards->requests, now_us);
        HrOperation *operation;

        if (ready_us > now_us) {
            hr_guards_set_alarm(guards, ready_us);
            return;
        }
        operation =
            hr_operation_of_entry(hr_priority_pop(&own->queue, now_us));
        atomic_fetch_sub(&guards->counters.waiting, 1);
        admit(operation, now_us);
        if (!operation->entering)
            operation->ready(operation->subject);
        /* It takes its unit of the rate when it gets there. */
        if (guards->pace_per_s > 0)
            return;
    }
}

void
hr_guards_pull(HrGuards *guards, int64_t now_us)
{
    /* Writes finish what was begun; they go before reads. */
    static const HrOperationClass order[] = {HR_CLASS_AUTH, HR_CLASS_WRITE,
                                             HR_CLASS_READ};

    if (guards->pulling)
        return;
    guards->pulling = true;
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++)
        pull_class(guards, &guards->classes[order[i]], now_us);
    guards->pulling = false;
}

void
hr_guards_tick(HrGuards *guards, int64_t now_us)
{
    guards->alarm_us = INT64_MAX;
    hr_guards_set_pace(guards, now_us);
    hr_guards_pull(guards, now_us);
}

static HrStep
admission_enter(HrPassage *passage, int64_t now_us)
{
    HrOperation *operation = (HrOperation *)passage;
    HrGuards *guards = operation->guards;
    HrClassGuards *own = &guards->classes[operation->class];

    /* Blobs need places at two ends, and wait for both in one line. */
    if (operation->class == HR_CLASS_BLOB || operation->admitted)
        return HR_STEP_ON;
    if (operation->entry.queued)
        return HR_STEP_WAIT;
    if (hr_priority_length(&own->queue) == 0 && has_room(guards, own) &&
        hr_rate_ready_at_us(&guards->requests, now_us) <= now_us) {
        admit(operation, now_us);
        return HR_STEP_ON;
    }
    hr_priority_push(&own->queue, &operation->entry, operation->priority,
                     now_us);
    atomic_fetch_add(&guards->counters.waiting, 1);
    operation->entering = true;
    hr_guards_pull(guards, now_us);
    operation->entering = false;
    return operation->admitted ? HR_STEP_ON : HR_STEP_WAIT;
}

static void
admission_abandon(HrPassage *passage, int64_t now_us)
{
    HrOperation *operation = (HrOperation *)passage;
    HrGuards *guards = operation->guards;

    (void)now_us;
    if (!operation->entry.queued)
        return;
    hr_priority_remove(&guards->classes[operation->class].queue,
                       &operation->entry);
    atomic_fetch_sub(&guards->counters.waiting, 1);
}

static HrStep
admission_exit(HrPassage *passage, int64_t now_us)
{
    HrOperation *operation = (HrOperation *)passage;
    HrGuards *guards = operation->guards;

    if (operation->coming)
        guards->classes[operation->class].coming--;
    operation->coming = false;
    operation->admitted = false;
    hr_guards_pull(guards, now_us);
    return HR_STEP_ON;
}

const HrStage hr_stage_admission = {
    .name = "admission",
    .enter = admission_enter,
    .abandon = admission_abandon,
    .exit = admission_exit,
};

/* ------------------------------------------------------------- learning */

void
hr_guards_hint(HrGuards *guards, int64_t now_us, const HrRateHints *hints)
{
    const HrRatePolicy *policy = &guards->policy.rate;
    double per_s;
    int64_t until_us;

    if (!policy->learn || guards->cubic.on ||
        !hr_rate_hints_pace(hints, now_us, &per_s, &until_us))
        return;
    guards->announced_per_s = per_s;
    guards->announced_until_us = until_us;
    hr_guards_set_pace(guards, now_us);
    hr_guards_set_alarm(guards, until_us);
}

static double
slower(double one_per_s, double other_per_s)
{
    if (one_per_s <= 0)
        return other_per_s;
    return other_per_s > 0 ? MIN(one_per_s, other_per_s) : one_per_s;
}

void
hr_guards_set_pace(HrGuards *guards, int64_t now_us)
{
    const HrRatePolicy *policy = &guards->policy.rate;
    double per_s = policy->requests_per_s;

    if (atomic_exchange(&guards->back, false))
        hr_resume_back(&guards->resume, now_us);
    per_s = slower(per_s, hr_resume_pace(&guards->resume, now_us));
    if (guards->cubic.on)
        per_s = slower(per_s, guards->cubic.rate);
    else if (now_us < guards->announced_until_us)
        per_s = slower(per_s, guards->announced_per_s);
    if (per_s == guards->pace_per_s)
        return;
    guards->pace_per_s = per_s;
    hr_rate_set(&guards->requests, now_us, per_s,
                per_s == policy->requests_per_s ? policy->request_burst : 1);
    atomic_store(&guards->counters.rate_milli, (uint_fast64_t)(per_s * 1000));
}

/* ---------------------------------------------------------------- stats */

void
hr_guards_force(HrGuards *guards, HrOperationClass which, HrBreakerState state,
                int64_t now_us)
{
    hr_breaker_force(guards->classes[which].breaker, state, now_us);
}

void
hr_guards_stats(const HrGuards *guards, HrGuardsStats *stats)
{
    const HrGuardCounters *counters = &guards->counters;

    for (int which = 0; which < HR_CLASS_COUNT; which++) {
        stats->breaker[which] =
            hr_breaker_state(guards->classes[which].breaker);
        stats->limit[which] = atomic_load(&counters->limit[which]);
        stats->in_flight[which] = atomic_load(&counters->in_flight[which]);
    }
    stats->waiting = atomic_load(&counters->waiting);
    stats->budget_tokens = hr_budget_tokens(&guards->budget);
    stats->rate = (double)atomic_load(&counters->rate_milli) / 1000;
    stats->delay_multiplier =
        (double)atomic_load(&counters->multiplier_percent) / 100;
    stats->operations = atomic_load(&counters->operations);
    stats->retries = atomic_load(&counters->retries);
    stats->retries_refused = atomic_load(&guards->budget.refused);
    stats->throttled = atomic_load(&counters->throttled);
    stats->rejected = atomic_load(&counters->rejected);
    stats->rate_waits = atomic_load(&counters->rate_waits);
    stats->hedges = atomic_load(&counters->hedges);
    stats->hedges_won = atomic_load(&counters->hedges_won);
    stats->parked = atomic_load(&counters->parked);
    stats->breaker_opened = atomic_load(&counters->breaker_opened);
    stats->permits_acquired = atomic_load(&counters->acquired);
    stats->permits_released = atomic_load(&counters->released);
}
