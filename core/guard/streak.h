/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streak: stretches retry delays while things go wrong and shortens them while
 * they go well.  x2 (at most 8) after 3 failures in a row, x0.8 (at least 0.5)
 * after 20 successes in a row, at most one change in 5 s.
 */
#ifndef HR_GUARD_STREAK_H
#define HR_GUARD_STREAK_H

#include "guard/outcome.h"

typedef struct HrStreak {
    double multiplier;
    unsigned success_streak;
    unsigned failure_streak;
    int64_t last_adaptation_us; /* INT64_MIN: never */
} HrStreak;

void
hr_streak_init(HrStreak *streak);

/* Local outcomes count nowhere; a refusal is an answer of a healthy server,
 * hence a success. */
void
hr_streak_record(HrStreak *streak, int64_t now_us, const HrOutcome *outcome);

#endif
