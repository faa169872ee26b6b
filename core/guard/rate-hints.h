/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rate hints: what a server's headers say about how much more it will take.
 *
 *     RateLimit: "default";r=50;t=30   RateLimit-Policy: "default";q=100;w=60
 *     RateLimit: limit=100, remaining=50, reset=30    (an earlier draft)
 *     RateLimit-Limit / -Remaining / -Reset           (and still earlier)
 *     ratelimit-limit: 100;w=21600        ratelimit-remaining: 76;w=21600
 *     X-RateLimit-Limit / -Remaining / -Reset
 *
 * The fields of one answer may come in any order, and may tell of several
 * policies; the one with the smallest share left counts.
 */
#ifndef HR_GUARD_RATE_HINTS_H
#define HR_GUARD_RATE_HINTS_H

#include <stdbool.h>
#include <stdint.h>

/* More policies than that are not looked at. */
#define HR_RATE_HINTS_POLICIES 8

/* One policy, as far as it is known; what is not is negative. */
typedef struct HrRateQuota {
    uint64_t key; /* what its fields have in common */
    bool other;   /* counts something else than requests */
    double limit;
    double remaining;
    double reset_s;
    double window_s;
} HrRateQuota;

/* The fields that were not given are negative. */
typedef struct HrRateHints {
    double limit;
    double remaining;
    double reset_s; /* until the window starts anew */
    double window_s;
    unsigned count;
    HrRateQuota quotas[HR_RATE_HINTS_POLICIES];
} HrRateHints;

void
hr_rate_hints_init(HrRateHints *hints);

/* Takes one header field; ignores what is no such field or is malformed.
 * `wall_s` is needed for resets given as a point in time. */
void
hr_rate_hints_take(HrRateHints *hints, const char *name, const char *value,
                   int64_t wall_s);

/* True if the server is nearly through with us (less than a tenth remains):
 * *per_s is the pace that lasts until the reset (until the end of a whole
 * window if no reset was given), *until_us how long to keep it.  The pace is
 * never 0: one request in the time left, at the least. */
bool
hr_rate_hints_pace(const HrRateHints *hints, int64_t now_us, double *per_s,
                   int64_t *until_us);

#endif
