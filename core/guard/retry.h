/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Retry: whether and when to try again.  Pure: outcome and time in, decision
 * out.  The only layer that repeats anything.
 *
 *     attempt 1 --fails--> wait d1 --> attempt 2 --fails--> wait d2 ... stop
 *
 * d(n) is drawn from [0, base * 2^(n-1)], at most cap (full jitter).  After
 * throttling the base is at least 1 s and d(n) is drawn from the upper half of
 * that range (equal jitter), so that patience never comes to nothing.  What
 * Retry-After asks for is a lower bound, with up to a tenth on top.
 *
 * Defaults: 4 attempts, base 200 ms, cap 20 s; retry.c says why.
 */
#ifndef HR_GUARD_RETRY_H
#define HR_GUARD_RETRY_H

#include <harbor-replicator/hr-abi.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct HrRetryPolicy {
    unsigned attempts; /* all in all, at least 1 */
    int64_t base_us;
    int64_t cap_us;
} HrRetryPolicy;

extern const HrRetryPolicy hr_retry_default;

/* What is known of a failed attempt. */
typedef struct HrRetryOutcome {
    hr_status status;
    bool idempotent;        /* the operation may be done twice            */
    bool sent;              /* anything of it may have reached the server */
    int64_t retry_after_us; /* what the server asked for, 0 for nothing   */
} HrRetryOutcome;

/* Decides after failed attempt number `attempt` (from 1).  `random` is
 * uniform in [0, 1).  True: try again at *at_us.  False: give up, also when
 * the next attempt would start after `deadline_us`, or the server asks for a
 * wait of more than a minute. */
bool
hr_retry_decide(const HrRetryPolicy *policy, unsigned attempt,
                const HrRetryOutcome *outcome, int64_t now_us,
                int64_t deadline_us, double random, int64_t *at_us);

/* The class of an HTTP status code; HR_OK for 1xx, 2xx and 3xx, HR_UNKNOWN
 * for what is no HTTP status code. */
hr_status
hr_status_from_http(unsigned code);

#endif
