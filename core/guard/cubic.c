/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CUBIC: the rate curve of the AWS SDKs' adaptive mode, which published cases
 * pin down to the last digit.
 *
 *     window = cbrt(maximum * (1 - beta) / scale)
 *     rate   = scale * (t - window)^3 + maximum      t since the last 429
 *
 * At t = 0 that is beta * maximum, at t = window the maximum.
 */
#include "guard/cubic.h"

#include <math.h>

#define BETA 0.7
#define SCALE 0.4
#define SMOOTHING 0.8
#define BUCKET_US 500000
#define MINIMUM_RATE 0.5 /* so that the end of the trouble is noticed */
#define HEADROOM 2.0     /* over what is sent: an idle client saves up none */

void
hr_cubic_init(HrCubic *cubic, int64_t now_us)
{
    *cubic = (HrCubic){.rate = MINIMUM_RATE,
                       .last_throttled_us = now_us,
                       .bucket_us = now_us};
}

static double
seconds(int64_t us)
{
    return (double)us / 1e6;
}

/* A bucket counts with the first answer after it. */
static void
measure(HrCubic *cubic, int64_t now_us)
{
    int64_t full_us = (now_us - cubic->bucket_us) / BUCKET_US * BUCKET_US;

    cubic->bucket_count += 1;
    if (full_us <= 0)
        return;
    cubic->measured = SMOOTHING * cubic->bucket_count / seconds(full_us) +
                      (1 - SMOOTHING) * cubic->measured;
    cubic->bucket_count = 0;
    cubic->bucket_us += full_us;
}

static double
curve(HrCubic *cubic, int64_t now_us)
{
    double since = seconds(now_us - cubic->last_throttled_us);

    cubic->window_s = cbrt(cubic->last_maximum_rate * (1 - BETA) / SCALE);
    return SCALE * pow(since - cubic->window_s, 3) + cubic->last_maximum_rate;
}

/* What was under way when the rate fell is refused for the old rate: falling
 * again for each of it would end at a fraction of what the server takes. */
static bool
is_echo(const HrCubic *cubic, int64_t now_us)
{
    return cubic->on && now_us - cubic->last_throttled_us < BUCKET_US;
}

static double
fall(HrCubic *cubic, int64_t now_us)
{
    double rate = cubic->measured;

    if (cubic->on)
        rate = fmin(rate, cubic->rate);
    cubic->last_maximum_rate = rate;
    cubic->last_throttled_us = now_us;
    cubic->window_s = cbrt(rate * (1 - BETA) / SCALE);
    cubic->on = true;
    return BETA * rate;
}

bool
hr_cubic_update(HrCubic *cubic, int64_t now_us, bool throttled)
{
    bool was_on = cubic->on;
    double before = cubic->rate;
    double rate;

    measure(cubic, now_us);
    if (throttled && is_echo(cubic, now_us))
        return false;
    rate = throttled ? fall(cubic, now_us) : curve(cubic, now_us);
    cubic->rate = fmax(fmin(rate, HEADROOM * cubic->measured), MINIMUM_RATE);
    return cubic->on && (!was_on || cubic->rate != before);
}
