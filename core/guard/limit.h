/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limit: how many requests an endpoint gets at once, found out.
 *
 * The latency of now is compared with the latency that the endpoint has when
 * it is not busy (minRTT).  That base is pinned: measured anew only with two
 * to five requests in flight, every 60 s (15 % less or more; sooner at first)
 * while there is a backlog, or taken from natural quiet; it never drifts with
 * the load.
 *
 *     gradient = minRTT * tolerance / latency, within [0.5, 1]
 *     limit    = limit * gradient + headroom
 *
 * A drop (timeout, 5xx, throttled) shrinks it by a tenth.  What did not use
 * its limit does not raise it.
 */
#ifndef HR_GUARD_LIMIT_H
#define HR_GUARD_LIMIT_H

#include <glib.h>

#include "guard/policy.h"

typedef struct HrLimit HrLimit;

HrLimit *
hr_limit_new(const HrLimitPolicy *policy, const HrRandom *random,
             int64_t now_us);

void
hr_limit_free(HrLimit *limit);

/* How many may be under way now. */
unsigned
hr_limit_value(HrLimit *limit, int64_t now_us);

/* One request started; `waiting` more would like to. */
void
hr_limit_started(HrLimit *limit, int64_t now_us, unsigned in_flight,
                 unsigned waiting);

/* One request ended; `in_flight` is the number before it ended.  Local
 * outcomes are not looked at. */
void
hr_limit_ended(HrLimit *limit, int64_t now_us, const HrOutcome *outcome,
               unsigned in_flight);

/* The pinned base, 0 while unknown. */
int64_t
hr_limit_base_us(const HrLimit *limit);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrLimit, hr_limit_free)

#endif
