/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CUBIC: the send rate after throttling.  Off until the first 429; then the
 * rate falls to 0.7 of what was measured and grows back along a cubic curve:
 * steep, flat around the rate that was too much, steep again.  Refusals
 * within half a second are echoes of one excess and count once.
 *
 * The rate is between 0.5/s and twice what is measured.  Servers that take 30
 * and more a second are found out with less than 1 % refused; below, the way
 * back up takes 2 to 3 s, each of which ends in a refusal.
 */
#ifndef HR_GUARD_CUBIC_H
#define HR_GUARD_CUBIC_H

#include <stdbool.h>
#include <stdint.h>

typedef struct HrCubic {
    bool on;
    double rate; /* requests a second now allowed */
    double last_maximum_rate;
    int64_t last_throttled_us;
    double window_s;
    double measured; /* requests a second, smoothed */
    double bucket_count;
    int64_t bucket_us; /* start of the bucket being filled */
} HrCubic;

void
hr_cubic_init(HrCubic *cubic, int64_t now_us);

/* One answer.  True if `rate` changed: give it to hr_rate_set.  Until the
 * first refusal `rate` is not to be used. */
bool
hr_cubic_update(HrCubic *cubic, int64_t now_us, bool throttled);

#endif
