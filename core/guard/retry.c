/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Retry: whether and when to try again. */
#include "guard/retry.h"

#define SECOND_US INT64_C(1000000)

/* Throttling is answered slower than failures: the server is well, and asks
 * for patience.  A second is what the AWS SDKs wait first after a 429. */
#define THROTTLED_BASE_US SECOND_US

/* A server that asks for more patience than this gets it from the next pass:
 * nobody sits an hour out in the middle of one. */
#define RETRY_AFTER_LIMIT_US (60 * SECOND_US)

/* What the server asked for gets up to a tenth on top, so that its clients do
 * not all come back at once. */
#define RETRY_AFTER_SPREAD 0.1

/*
 * Four attempts and 200 ms: with nominal waits of 0.2, 0.4 and 0.8 s a request
 * outlives the restart of one replica behind a load balancer, and an outage
 * costs the server at most three requests more for each.  20 s is the cap that
 * the AWS SDKs have kept for years; with four attempts only a throttled policy
 * with a larger base comes near it.
 */
const HrRetryPolicy hr_retry_default = {
    .attempts = 4,
    .base_us = 200000,
    .cap_us = 20 * SECOND_US,
};

static bool
may_repeat(const HrRetryOutcome *outcome)
{
    switch (outcome->status) {
    case HR_TRANSIENT:
    case HR_OVERLOAD:
    case HR_TIMEOUT:
    case HR_NETWORK:
        return outcome->idempotent || !outcome->sent;
    case HR_THROTTLED:
        /* A request that was throttled was not carried out. */
        return true;
    default:
        return false;
    }
}

/* base * 2^(attempt-1), at most cap. */
static int64_t
nominal_delay(int64_t base_us, int64_t cap_us, unsigned attempt)
{
    int64_t delay = base_us;

    for (unsigned i = 1; i < attempt && delay < cap_us; i++)
        delay = delay > cap_us / 2 ? cap_us : delay * 2;
    return delay < cap_us ? delay : cap_us;
}

bool
hr_retry_decide(const HrRetryPolicy *policy, unsigned attempt,
                const HrRetryOutcome *outcome, int64_t now_us,
                int64_t deadline_us, double random, int64_t *at_us)
{
    bool throttled = outcome->status == HR_THROTTLED;
    int64_t base = policy->base_us;
    double delay;

    if (attempt >= policy->attempts || !may_repeat(outcome))
        return false;
    if (throttled && base < THROTTLED_BASE_US)
        base = THROTTLED_BASE_US;
    delay = (double)nominal_delay(base, policy->cap_us, attempt);
    /* Full jitter spreads best, but may come to nothing; after throttling at
     * least half of the delay is kept. */
    delay = throttled ? delay / 2 + random * delay / 2 : random * delay;
    if (outcome->retry_after_us > RETRY_AFTER_LIMIT_US)
        return false;
    if (delay < (double)outcome->retry_after_us)
        delay = (double)outcome->retry_after_us *
                (1 + RETRY_AFTER_SPREAD * random);
    if (delay >= (double)(deadline_us - now_us))
        return false;
    *at_us = now_us + (int64_t)delay;
    return true;
}

hr_status
hr_status_from_http(unsigned code)
{
    if (code < 100)
        return HR_UNKNOWN;
    if (code < 400)
        return HR_OK;
    switch (code) {
    case 401:
    case 403:
        return HR_AUTH_DENIED;
    case 404:
        return HR_NOT_FOUND;
    case 405:
    case 415:
    case 501:
    case 505:
        return HR_UNSUPPORTED;
    case 408:
        return HR_TIMEOUT;
    case 409:
        return HR_CONFLICT;
    case 412:
        return HR_PRECONDITION;
    case 425:
        return HR_TRANSIENT;
    case 429:
        return HR_THROTTLED;
    case 503:
        return HR_OVERLOAD;
    case 507:
        return HR_QUOTA;
    default:
        break;
    }
    if (code >= 600)
        return HR_UNKNOWN;
    return code < 500 ? HR_INVALID : HR_TRANSIENT;
}
