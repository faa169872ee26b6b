/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Retry: whether and when to try again.  Pure: outcome and time in, decision
 * out.  The only layer that repeats anything.
 *
 *     attempt 1 --fails--> wait d1 --> attempt 2 --fails--> wait d2 ... stop
 *
 * The nominal d(n) is base * multiplier^(n-1), at most cap; after throttling
 * the base is throttled_base.  Jitter draws the delay from it.  What
 * Retry-After asks for is a lower bound, with up to a tenth on top, or is
 * clamped, as the policy says.
 */
#ifndef HR_GUARD_RETRY_H
#define HR_GUARD_RETRY_H

#include "guard/policy.h"

/* How long to leave alone what needs somebody to act, a quota for one, when
 * nothing else is known. */
#define HR_RETRY_PARKED_US (15 * 60 * INT64_C(1000000))

typedef enum HrRetryVerdict {
    HR_RETRY_GIVE_UP, /* for good: never eligible                           */
    HR_RETRY_AGAIN,   /* at `at_us`, by who asked                           */
    HR_RETRY_LATER    /* eligible, but not to be sat out: attempts or budget
                         exhausted, the wait too long, or past the
                         deadline; `at_us` is the earliest sensible time    */
} HrRetryVerdict;

/* What retry knows of one operation between its attempts. */
typedef struct HrRetryState {
    unsigned attempt;          /* failed so far, since the last progress     */
    unsigned free_repeats;     /* transparent ones taken (HR_RETRY_ALWAYS,
                                  nothing sent): the first costs no attempt  */
    unsigned reauthenticated;  /* REAUTH is granted once                     */
    int64_t previous_delay_us; /* for decorrelated jitter                    */
} HrRetryState;

typedef struct HrRetryDecision {
    HrRetryVerdict verdict;
    int64_t at_us;
    int64_t delay_us;
    bool immediate; /* transparent repeat: costs neither attempt nor budget */
    bool exhausted; /* LATER since it was tried as often as it may be       */
    bool waits;     /* LATER only since the wait is longer than park_us     */
    const char *reason; /* static words for logs: "attempts exhausted"      */
} HrRetryDecision;

/* Decides after a failed attempt and counts it in `state`.  `moved_bytes` is
 * what the attempt moved; `factor` stretches computed delays (streak.h; 1 for
 * none) but never a Retry-After.  A wait beyond policy->park_us or at/after
 * `deadline_us` (monotonic, HR_TIME_NEVER for none) is HR_RETRY_LATER. The
 * budget is not looked at here. */
void
hr_retry_decide(const HrRetryPolicy *policy, HrRetryState *state,
                const HrOutcome *outcome, uint64_t moved_bytes, double factor,
                int64_t now_us, int64_t deadline_us, const HrRandom *random,
                HrRetryDecision *decision);

/* d(n) without jitter, n from 1: what `policy show` prints. */
int64_t
hr_retry_nominal_us(const HrRetryPolicy *policy, bool throttled, unsigned n);

/* When a job whose attempts were exhausted is due again: 30 s, 2 min, 10 min,
 * 30 min, then 1 h, a fifth less or more; `round` from 0. */
int64_t
hr_retry_round_us(unsigned round, const HrRandom *random);

#endif
