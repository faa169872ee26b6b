/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy fields: which setting of a policy block is which number. */
#include "config/policy-fields.h"

static const char *
jitter_name(unsigned value)
{
    return value <= HR_JITTER_DECORRELATED
               ? hr_policy_jitter_name((HrJitter)value)
               : NULL;
}

static const char *
mode_name(unsigned value)
{
    return value <= HR_BREAKER_OFF
               ? hr_policy_breaker_mode_name((HrBreakerMode)value)
               : NULL;
}

#define POLICY(group, name, type, member)                                     \
    {                                                                         \
        group, name, HR_FIELD_##type, offsetof(HrPolicy, member), NULL        \
    }
#define RETRY(name, type, member)                                             \
    {                                                                         \
        "", name, HR_FIELD_##type, offsetof(HrRetryPolicy, member), NULL      \
    }
#define BREAKER(name, type, member)                                           \
    {                                                                         \
        "breaker", name, HR_FIELD_##type, offsetof(HrBreakerPolicy, member),  \
            NULL                                                              \
    }

const HrPolicyField hr_policy_fields[] = {
    POLICY("", "requests", UNSIGNED, requests.maximum),
    POLICY("", "transfers", UNSIGNED, transfers.maximum),
    POLICY("", "adaptive", BOOLEAN, requests.adaptive),
    POLICY("", "rate", NUMBER, rate.requests_per_s),
    POLICY("", "burst", NUMBER, rate.request_burst),
    POLICY("", "bandwidth", PACE, rate.bytes_per_s),
    POLICY("", "learn", BOOLEAN, rate.learn),
    POLICY("", "adapt_delays", BOOLEAN, adapt_delays),
    POLICY("", "connect_timeout", DURATION, connect_timeout_us),
    POLICY("", "stall", DURATION, stall_us),
    POLICY("", "patience", DURATION, patience_us),
    POLICY("budget", "tokens", UNSIGNED, budget.capacity),
    POLICY("budget", "cost", UNSIGNED, budget.transient_cost),
    POLICY("budget", "throttled_cost", UNSIGNED, budget.throttled_cost),
    POLICY("budget", "refund", UNSIGNED, budget.success_refund),
    POLICY("budget", "concurrent", UNSIGNED, budget.concurrent_minimum),
    POLICY("budget", "concurrent_percent", UNSIGNED,
           budget.concurrent_percent),
    POLICY("hedge", "on", BOOLEAN, hedge.on),
    POLICY("hedge", "delay", DURATION, hedge.delay_minimum_us),
    POLICY("hedge", "samples", UNSIGNED, hedge.samples),
    POLICY("hedge", "percent", NUMBER, hedge.percent),
    POLICY("hedge", "burst", UNSIGNED, hedge.burst),
    POLICY("hedge", "body_limit", SIZE, hedge.body_limit),
    {NULL, NULL, HR_FIELD_UNSIGNED, 0, NULL},
};

const HrPolicyField hr_retry_fields[] = {
    RETRY("attempts", UNSIGNED, attempts),
    RETRY("base", DURATION, base_us),
    RETRY("throttled_base", DURATION, throttled_base_us),
    RETRY("cap", DURATION, cap_us),
    RETRY("multiplier", NUMBER, multiplier),
    {"", "jitter", HR_FIELD_CHOICE, offsetof(HrRetryPolicy, jitter),
     jitter_name},
    {"", "throttled_jitter", HR_FIELD_CHOICE,
     offsetof(HrRetryPolicy, throttled_jitter), jitter_name},
    RETRY("deadline", DURATION, deadline_us),
    RETRY("timeout", DURATION, attempt_timeout_us),
    RETRY("park", DURATION, park_us),
    RETRY("retry_after_cap", DURATION, retry_after_cap_us),
    {NULL, NULL, HR_FIELD_UNSIGNED, 0, NULL},
};

const HrPolicyField hr_breaker_fields[] = {
    {"breaker", "mode", HR_FIELD_CHOICE, offsetof(HrBreakerPolicy, mode),
     mode_name},
    BREAKER("failure_rate", NUMBER, failure_percent),
    BREAKER("connect_failures", UNSIGNED, connect_failures),
    BREAKER("slow_rate", NUMBER, slow_percent),
    BREAKER("slow", DURATION, slow_us),
    BREAKER("window", DURATION, window_us),
    BREAKER("minimum_calls", UNSIGNED, minimum_calls),
    BREAKER("open", DURATION, open_us),
    BREAKER("open_cap", DURATION, open_cap_us),
    BREAKER("open_jitter", NUMBER, open_jitter),
    BREAKER("calm", DURATION, calm_us),
    BREAKER("probes", UNSIGNED, probes),
    BREAKER("successes", UNSIGNED, successes),
    BREAKER("probe_timeout", DURATION, probe_us),
    {NULL, NULL, HR_FIELD_UNSIGNED, 0, NULL},
};
