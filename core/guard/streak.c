/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streak: stretches retry delays while things go wrong. */
#include "guard/streak.h"

#define FAILURES_TO_STRETCH 3
#define SUCCESSES_TO_SHRINK 20
#define STRETCH 2.0
#define SHRINK 0.8
#define MULTIPLIER_MAXIMUM 8.0
#define MULTIPLIER_MINIMUM 0.5

/* One change has to show what it does before the next. */
#define REST_US INT64_C(5000000)

void
hr_streak_init(HrStreak *streak)
{
    streak->multiplier = 1;
    streak->success_streak = 0;
    streak->failure_streak = 0;
    streak->last_adaptation_us = INT64_MIN;
}

static bool
has_rested(const HrStreak *streak, int64_t now_us)
{
    return streak->last_adaptation_us == INT64_MIN ||
           now_us - streak->last_adaptation_us >= REST_US;
}

static void
adapt(HrStreak *streak, int64_t now_us, double factor)
{
    double changed = streak->multiplier * factor;

    if (!has_rested(streak, now_us))
        return;
    if (changed > MULTIPLIER_MAXIMUM)
        changed = MULTIPLIER_MAXIMUM;
    if (changed < MULTIPLIER_MINIMUM)
        changed = MULTIPLIER_MINIMUM;
    streak->success_streak = 0;
    streak->failure_streak = 0;
    if (changed == streak->multiplier)
        return;
    streak->multiplier = changed;
    streak->last_adaptation_us = now_us;
}

void
hr_streak_record(HrStreak *streak, int64_t now_us, const HrOutcome *outcome)
{
    if (hr_outcome_is_local(outcome) || outcome->status == HR_THROTTLED)
        return;
    if (hr_outcome_is_failure(outcome)) {
        streak->success_streak = 0;
        if (++streak->failure_streak >= FAILURES_TO_STRETCH)
            adapt(streak, now_us, STRETCH);
    } else {
        streak->failure_streak = 0;
        if (++streak->success_streak >= SUCCESSES_TO_SHRINK)
            adapt(streak, now_us, SHRINK);
    }
}
