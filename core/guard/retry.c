/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Retry: whether and when to try again. */
#include "guard/retry.h"

#include "base/clock.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)

/* What the server asked for gets up to a tenth on top, so that its clients do
 * not all come back at once. */
#define RETRY_AFTER_SPREAD 0.1

static bool
is_throttled(const HrOutcome *outcome)
{
    return outcome->status == HR_THROTTLED;
}

/* base * multiplier^(n-1), at most cap. */
int64_t
hr_retry_nominal_us(const HrRetryPolicy *policy, bool throttled, unsigned n)
{
    double delay =
        (double)(throttled ? policy->throttled_base_us : policy->base_us);
    double cap = (double)policy->cap_us;

    for (unsigned i = 1; i < n && delay < cap; i++)
        delay *= policy->multiplier;
    return delay < cap ? (int64_t)delay : policy->cap_us;
}

static double
decorrelate(const HrRetryPolicy *policy, const HrRetryState *state,
            double base, double random)
{
    double previous = (double)state->previous_delay_us;
    double upper = 3 * (previous > base ? previous : base);
    double delay = base + random * (upper - base);

    return delay < (double)policy->cap_us ? delay : (double)policy->cap_us;
}

static double
compute_delay(const HrRetryPolicy *policy, const HrRetryState *state,
              bool throttled, double factor, double random)
{
    HrJitter jitter = throttled ? policy->throttled_jitter : policy->jitter;
    double delay =
        (double)hr_retry_nominal_us(policy, throttled, state->attempt);

    switch (jitter) {
    case HR_JITTER_NONE:
        break;
    case HR_JITTER_FULL:
        delay *= random;
        break;
    case HR_JITTER_EQUAL:
        delay = delay / 2 + random * delay / 2;
        break;
    case HR_JITTER_DECORRELATED:
        delay = decorrelate(policy, state,
                            (double)hr_retry_nominal_us(policy, throttled, 1),
                            random);
        break;
    }
    delay *= factor;
    return delay < (double)policy->cap_us ? delay : (double)policy->cap_us;
}

/* What the server asked for bounds what was computed. */
static double
heed_server(const HrRetryPolicy *policy, const HrOutcome *outcome,
            double delay, const HrRandom *random)
{
    double asked = (double)outcome->retry_after_us;
    double slack = (double)policy->retry_after_slack_us;

    if (asked <= 0 || asked <= delay)
        return delay;
    if (slack < 0)
        return asked * (1 + RETRY_AFTER_SPREAD * hr_random_next(random));
    return asked < delay + slack ? asked : delay + slack;
}

static bool
may_repeat(const HrOutcome *outcome)
{
    switch (outcome->eligibility) {
    case HR_RETRY_ALWAYS:
    case HR_RETRY_AFTER:
        return true;
    case HR_RETRY_IF_IDEMPOTENT:
        return outcome->idempotent || !outcome->sent;
    default:
        return false;
    }
}

static void
decide(HrRetryDecision *decision, HrRetryVerdict verdict, int64_t delay_us,
       int64_t now_us, const char *reason)
{
    decision->verdict = verdict;
    decision->delay_us = delay_us;
    decision->at_us = now_us + delay_us;
    decision->reason = reason;
}

/* Those that cost nothing: a connection that never stood, once, and new
 * credentials, once. */
static bool
repeat_for_free(HrRetryState *state, const HrOutcome *outcome, int64_t now_us,
                HrRetryDecision *decision)
{
    if (outcome->eligibility == HR_RETRY_REAUTH &&
        state->reauthenticated == 0) {
        state->reauthenticated++;
        decide(decision, HR_RETRY_AGAIN, 0, now_us, "new credentials");
        decision->immediate = true;
        return true;
    }
    if (outcome->eligibility == HR_RETRY_ALWAYS && !outcome->sent &&
        !outcome->connect_failed && state->free_repeats == 0) {
        state->free_repeats++;
        decide(decision, HR_RETRY_AGAIN, 0, now_us, "nothing was sent");
        decision->immediate = true;
        return true;
    }
    return false;
}

static void
decide_wait(const HrRetryPolicy *policy, const HrOutcome *outcome,
            int64_t delay_us, int64_t now_us, int64_t deadline_us,
            HrRetryDecision *decision)
{
    if (outcome->retry_after_us > policy->retry_after_cap_us) {
        decide(decision, HR_RETRY_LATER, delay_us, now_us,
               "the server wants more time than it is given");
    } else if (deadline_us != HR_TIME_NEVER &&
               delay_us >= deadline_us - now_us) {
        decide(decision, HR_RETRY_LATER, delay_us, now_us,
               "the deadline comes first");
    } else if (policy->park_us > 0 && delay_us > policy->park_us) {
        decide(decision, HR_RETRY_LATER, delay_us, now_us,
               "too long a wait to sit out");
        decision->waits = true;
    } else {
        decide(decision, HR_RETRY_AGAIN, delay_us, now_us, "");
    }
}

void
hr_retry_decide(const HrRetryPolicy *policy, HrRetryState *state,
                const HrOutcome *outcome, uint64_t moved_bytes, double factor,
                int64_t now_us, int64_t deadline_us, const HrRandom *random,
                HrRetryDecision *decision)
{
    double delay;

    *decision = (HrRetryDecision){.reason = ""};
    if (policy->progress_bytes > 0 && moved_bytes >= policy->progress_bytes) {
        state->attempt = 0;
        /* Credentials that were good for that much have only expired. */
        state->reauthenticated = 0;
    }
    if (repeat_for_free(state, outcome, now_us, decision))
        return;
    state->attempt++;
    if (outcome->eligibility == HR_RETRY_PARK) {
        decide(decision, HR_RETRY_LATER,
               outcome->retry_after_us > 0 ? outcome->retry_after_us
                                           : HR_RETRY_PARKED_US,
               now_us, "nothing to be done now");
        return;
    }
    if (!may_repeat(outcome)) {
        decide(decision, HR_RETRY_GIVE_UP, 0, now_us, "not to be repeated");
        return;
    }
    delay = compute_delay(policy, state, is_throttled(outcome), factor,
                          hr_random_next(random));
    delay = heed_server(policy, outcome, delay, random);
    state->previous_delay_us = (int64_t)delay;
    if (state->attempt < policy->attempts) {
        decide_wait(policy, outcome, (int64_t)delay, now_us, deadline_us,
                    decision);
        return;
    }
    decide(decision, HR_RETRY_LATER, (int64_t)delay, now_us,
           "attempts exhausted");
    decision->exhausted = true;
}

int64_t
hr_retry_round_us(unsigned round, const HrRandom *random)
{
    static const int64_t rounds[] = {30 * SECOND, 2 * MINUTE, 10 * MINUTE,
                                     30 * MINUTE, 60 * MINUTE};
    unsigned last = sizeof rounds / sizeof *rounds - 1;
    double wait = (double)rounds[round < last ? round : last];

    return (int64_t)(wait * (0.8 + 0.4 * hr_random_next(random)));
}
