/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limit: how many requests an endpoint gets at once, found out. */
#include "guard/limit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000)
#define SECOND (1000 * MS)

/* The base is measured with so many in flight or a few more, over so many
 * answers, so often; 15 % less or more, so that two clients do not do it
 * together. */
#define PIN_LIMIT 2u
#define PIN_SAMPLES 50u
#define PIN_INTERVAL_US (60 * SECOND)
#define PIN_SPREAD 0.15

/* At first more often, twice as long after each: one measure errs by a
 * seventh. */
#define PIN_FIRST_US (5 * SECOND)

/* A pin that gets no answers is given up. */
#define PIN_PATIENCE_US (60 * SECOND)

/* Of a slow server pins take long: at most a fortieth of the time. */
#define PIN_REST 40

/* A fifth over the base is noise.  With the headroom, which lets the limit
 * find out that more would do, a server of C places settles at 1.2 C and a
 * little: 3 for 2, 26 for 20 (tests/unit/test-limit.c). */
#define TOLERANCE 1.2
#define HEADROOM_ROOT 0.35

/* Never more than halved at once. */
#define GRADIENT_MINIMUM 0.5

/* Each window moves the limit half the way. */
#define SMOOTHING 0.5

#define STRAGGLER 5

/* What is lower by so much, or twice as high, is no noise: the server is
 * another one. */
#define FALL 1.7
#define RISE 2
#define BASE_SMOOTHING 0.15

#define WINDOW_MINIMUM 30u
#define DROP_FACTOR 0.9

/* Queueing that short hurts nobody, and on a registry that answers within
 * milliseconds it is what keeps its processors busy. */
#define HARMLESS_US (10 * MS)

struct HrLimit {
    HrLimitPolicy policy;
    HrRandom random;
    double value;
    int64_t base_us;
    unsigned measures; /* that `base_us` is the mean of */
    int64_t next_pin_us;
    int64_t pinned_at_us;       /* 0: not pinned */
    int64_t busy_us;            /* when there was load last */
    int64_t quiet[PIN_SAMPLES]; /* latencies without load, a ring */
    unsigned quiet_count;
    unsigned quiet_next;
    /* The window being filled: */
    double sum_us;
    unsigned samples;
    unsigned busiest;
    bool backlog;
    int64_t dropped_at_us;
    double last_us; /* mean latency of the last window */
};

static int64_t
draw_pin_us(const HrLimit *limit, int64_t now_us)
{
    double spread = 1 + PIN_SPREAD * (2 * hr_random_next(&limit->random) - 1);
    int64_t took_us =
        limit->pinned_at_us != 0 ? now_us - limit->pinned_at_us : 0;
    unsigned doublings = MIN(limit->measures, 6) - (limit->measures > 0);
    int64_t interval_us = MIN(PIN_FIRST_US << doublings, PIN_INTERVAL_US);

    return now_us +
           (int64_t)((double)MAX(interval_us, PIN_REST * took_us) * spread);
}

HrLimit *
hr_limit_new(const HrLimitPolicy *policy, const HrRandom *random,
             int64_t now_us)
{
    HrLimit *limit = g_new0(HrLimit, 1);

    limit->policy = *policy;
    limit->random = *random;
    limit->policy.maximum = MAX(policy->maximum, 1);
    limit->policy.minimum = CLAMP(policy->minimum, 1, limit->policy.maximum);
    limit->value =
        CLAMP(policy->initial, limit->policy.minimum, limit->policy.maximum);
    limit->next_pin_us = now_us;
    limit->dropped_at_us = INT64_MIN;
    limit->busy_us = now_us;
    return limit;
}

void
hr_limit_free(HrLimit *limit)
{
    g_free(limit);
}

/* So many in flight meet no queue at a server for which the limit is right,
 * and it is not left idle more than it must.  At the first guess of 16 they
 * are two. */
static unsigned
pin_limit(const HrLimit *limit)
{
    unsigned few = MAX(PIN_LIMIT, (unsigned)sqrt(limit->value / 2));

    return MIN(few, (unsigned)limit->value);
}

static void
restart_window(HrLimit *limit)
{
    limit->sum_us = 0;
    limit->samples = 0;
    limit->busiest = 0;
    limit->backlog = false;
}

static void
end_pin(HrLimit *limit, int64_t now_us)
{
    limit->next_pin_us = draw_pin_us(limit, now_us);
    limit->pinned_at_us = 0;
    restart_window(limit);
}

unsigned
hr_limit_value(HrLimit *limit, int64_t now_us)
{
    if (!limit->policy.adaptive)
        return limit->policy.maximum;
    if (limit->pinned_at_us != 0 &&
        now_us - limit->pinned_at_us > PIN_PATIENCE_US)
        end_pin(limit, now_us);
    if (limit->pinned_at_us != 0)
        return pin_limit(limit);
    return (unsigned)limit->value;
}

static int
compare_times(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one;
    int64_t b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

/* The mean, of stragglers only five times the median.  Without them it would
 * be lower than the mean of what comes later, which has them. */
static int64_t
robust_mean(const int64_t *times, unsigned count)
{
    int64_t sorted[PIN_SAMPLES];
    int64_t sum = 0;

    memcpy(sorted, times, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_times);
    for (unsigned i = 0; i < count; i++)
        sum += MIN(sorted[i], STRAGGLER * sorted[count / 2]);
    return MAX(sum / count, 1);
}

/* Fifty answers still err by a seventh: what was known before counts more,
 * unless it is plainly no longer so. */
static void
set_base(HrLimit *limit, int64_t measured_us)
{
    double known = (double)limit->base_us;
    double measured = (double)measured_us;
    double weight;

    if (limit->measures > 0 &&
        (measured > RISE * known || measured < known / FALL))
        limit->measures = 0;
    limit->measures++;
    weight = MAX(BASE_SMOOTHING, 1.0 / limit->measures);
    limit->base_us =
        MAX((int64_t)((1 - weight) * known + weight * measured), 1);
}

/* An answer that had the server nearly to itself. */
static void
note_quiet(HrLimit *limit, int64_t now_us, int64_t latency_us)
{
    limit->quiet[limit->quiet_next] = latency_us;
    limit->quiet_next = (limit->quiet_next + 1) % PIN_SAMPLES;
    if (limit->quiet_count < PIN_SAMPLES)
        limit->quiet_count++;
    if (limit->quiet_count < PIN_SAMPLES)
        return;
    /* Those still under way are the slower ones. */
    set_base(limit, robust_mean(limit->quiet, PIN_SAMPLES) *
                        (PIN_SAMPLES + pin_limit(limit)) / PIN_SAMPLES);
    /* Natural quiet spares the pin. */
    if (limit->pinned_at_us != 0)
        end_pin(limit, now_us);
    else
        limit->next_pin_us = draw_pin_us(limit, now_us);
    limit->quiet_count = 0;
}

void
hr_limit_started(HrLimit *limit, int64_t now_us, unsigned in_flight,
                 unsigned waiting)
{
    if (!limit->policy.adaptive)
        return;
    limit->busiest = MAX(limit->busiest, in_flight);
    if (in_flight > pin_limit(limit))
        limit->busy_us = now_us;
    limit->backlog = limit->backlog || waiting > 0;
    /* Only with a backlog is there a limit to be found; and where answers
     * are quick nothing has to be known. */
    if (limit->pinned_at_us == 0 && waiting > 0 &&
        now_us >= limit->next_pin_us && limit->last_us > (double)HARMLESS_US) {
        limit->pinned_at_us = MAX(now_us, 1);
        limit->quiet_count = 0;
        limit->quiet_next = 0;
    }
}

static void
set_value(HrLimit *limit, double value)
{
    limit->value = CLAMP(value, (double)limit->policy.minimum,
                         (double)limit->policy.maximum);
}

/* Timeouts, failures and throttling: less at once, though not for each of
 * those that were under way together. */
static void
note_drop(HrLimit *limit, int64_t now_us)
{
    int64_t rest_us = MAX((int64_t)limit->last_us, 100 * MS);

    if (limit->dropped_at_us != INT64_MIN &&
        now_us - limit->dropped_at_us < rest_us)
        return;
    limit->dropped_at_us = now_us;
    set_value(limit, limit->value * DROP_FACTOR);
}

static void
end_window(HrLimit *limit)
{
    double latency = limit->sum_us / limit->samples;
    double headroom = HEADROOM_ROOT * sqrt(limit->value);
    double gradient = 1;
    bool used = limit->busiest * 2 >= (unsigned)limit->value;
    double next;

    /* Half of the noise of one window. */
    if (limit->last_us > 0)
        latency = (latency + limit->last_us) / 2;
    limit->last_us = latency;
    if (limit->base_us > 0 && latency > (double)HARMLESS_US)
        gradient = CLAMP((double)limit->base_us * TOLERANCE / latency,
                         GRADIENT_MINIMUM, 1);
    next = limit->value * gradient + headroom;
    next = limit->value + SMOOTHING * (next - limit->value);
    /* What was not used says nothing about the limit. */
    if (used && (next < limit->value || limit->backlog))
        set_value(limit, next);
    restart_window(limit);
}

void
hr_limit_ended(HrLimit *limit, int64_t now_us, const HrOutcome *outcome,
               unsigned in_flight)
{
    if (!limit->policy.adaptive || hr_outcome_is_local(outcome))
        return;
    if (hr_outcome_is_failure(outcome) || outcome->status == HR_THROTTLED ||
        outcome->status == HR_OVERLOAD) {
        note_drop(limit, now_us);
        return;
    }
    if (outcome->latency_us <= 0)
        return;
    if (in_flight > pin_limit(limit))
        limit->busy_us = now_us;
    else if (now_us - outcome->latency_us >= limit->busy_us)
        note_quiet(limit, now_us, outcome->latency_us);
    if (limit->pinned_at_us != 0)
        return;
    limit->sum_us += (double)outcome->latency_us;
    limit->samples++;
    if (limit->samples >= MAX(WINDOW_MINIMUM, (unsigned)limit->value))
        end_window(limit);
}

int64_t
hr_limit_base_us(const HrLimit *limit)
{
    return limit->base_us;
}
