/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy: presets and profiles, and where their numbers come from. */
#include "guard/policy.h"

#include <string.h>

#define MS INT64_C(1000)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)

const char *const hr_policy_presets[] = {
    "default", "web-service", "database", "critical", "blob-transfer",
    "auth",    "interactive", "none",     "aws-2026", NULL,
};

const char *const hr_policy_profiles[] = {"production", "development", "ci",
                                          NULL};

const char *const hr_policy_classes[] = {"auth", "read", "write", "blob",
                                         NULL};

/*
 * What all presets start from.  Four attempts of 200 ms, 400 ms and 800 ms
 * outlive the restart of one replica behind a load balancer; an outage costs
 * the server at most three requests more for each.  A second after throttling
 * and the cap of 20 s are what the AWS SDKs wait.  Two minutes for everything
 * and 30 s for one attempt are longer than any healthy registry takes for
 * metadata.  Waits over 5 s are worth giving the worker to another job.
 */
static const HrRetryPolicy base_retry = {
    .attempts = 4,
    .multiplier = 2,
    .base_us = 200 * MS,
    .throttled_base_us = SECOND,
    .cap_us = 20 * SECOND,
    .jitter = HR_JITTER_FULL,
    .throttled_jitter = HR_JITTER_EQUAL,
    .deadline_us = 2 * MINUTE,
    .attempt_timeout_us = 30 * SECOND,
    .park_us = 5 * SECOND,
    .retry_after_cap_us = 60 * MINUTE,
    .retry_after_slack_us = -1,
};

typedef struct Preset {
    const char *name;
    void (*change)(HrRetryPolicy *retry);
} Preset;

static void
change_nothing(HrRetryPolicy *retry)
{
    (void)retry;
}

/* A lock is free again in milliseconds; waiting longer than half a second
 * only keeps a transaction open. */
static void
change_to_database(HrRetryPolicy *retry)
{
    retry->attempts = 8;
    retry->base_us = 10 * MS;
    retry->throttled_base_us = 10 * MS;
    retry->cap_us = 500 * MS;
    retry->jitter = HR_JITTER_EQUAL;
}

/* What must get through if it can: a quarter of an hour of patience. */
static void
change_to_critical(HrRetryPolicy *retry)
{
    retry->attempts = 8;
    retry->base_us = 500 * MS;
    retry->cap_us = MINUTE;
    retry->deadline_us = 15 * MINUTE;
}

/* Bodies have no total time: the stall guard watches them, and an attempt
 * that moved a mebibyte was worth its while. */
static void
change_to_blob_transfer(HrRetryPolicy *retry)
{
    retry->attempts = 5;
    retry->deadline_us = 0;
    retry->attempt_timeout_us = 0;
    retry->progress_bytes = 1 << 20;
}

/* A second refusal of credentials is final. */
static void
change_to_auth(HrRetryPolicy *retry)
{
    retry->attempts = 2;
}

/* Somebody waits: an early error is better than a late answer. */
static void
change_to_interactive(HrRetryPolicy *retry)
{
    retry->attempts = 2;
    retry->base_us = 50 * MS;
    retry->throttled_base_us = 50 * MS;
    retry->deadline_us = 10 * SECOND;
    retry->attempt_timeout_us = 10 * SECOND;
    retry->retry_after_slack_us = 5 * SECOND;
}

static void
change_to_none(HrRetryPolicy *retry)
{
    retry->attempts = 1;
}

/* The AWS SDKs' standard mode of 2026. */
static void
change_to_aws_2026(HrRetryPolicy *retry)
{
    retry->attempts = 3;
    retry->base_us = 50 * MS;
    retry->throttled_jitter = HR_JITTER_FULL;
    retry->retry_after_slack_us = 5 * SECOND;
}

static const Preset presets[] = {
    {"default", change_nothing},
    {"web-service", change_nothing},
    {"database", change_to_database},
    {"critical", change_to_critical},
    {"blob-transfer", change_to_blob_transfer},
    {"auth", change_to_auth},
    {"interactive", change_to_interactive},
    {"none", change_to_none},
    {"aws-2026", change_to_aws_2026},
};

static const Preset *
find_preset(const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    return NULL;
}

static int64_t
shorter(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

/* Development: who tries something out wants to see it fail.  CI: a job that
 * hangs costs more than one that fails, but one bad moment must not fail
 * it. */
static void
apply_profile(HrRetryPolicy *retry, HrProfile profile)
{
    if (profile == HR_PROFILE_DEVELOPMENT) {
        retry->attempts = retry->attempts < 2 ? retry->attempts : 2;
        retry->base_us = shorter(retry->base_us, 10 * MS);
        retry->throttled_base_us = shorter(retry->throttled_base_us, 100 * MS);
    } else if (profile == HR_PROFILE_CI) {
        retry->attempts = retry->attempts < 3 ? retry->attempts : 3;
        retry->base_us = shorter(retry->base_us, 100 * MS);
        retry->cap_us = shorter(retry->cap_us, 2 * SECOND);
        retry->deadline_us = shorter(retry->deadline_us, MINUTE);
    }
}

bool
hr_policy_retry(HrRetryPolicy *retry, const char *preset, HrProfile profile)
{
    const Preset *found = find_preset(preset);

    if (found == NULL)
        return false;
    *retry = base_retry;
    found->change(retry);
    apply_profile(retry, profile);
    return true;
}

/*
 * Half of 20 calls or more within half a minute, 20 of them in a row, or eight
 * connections in a row: less would trip on noise.  Open for 5 s first, and
 * never longer than 45 s and its jitter: an endpoint that is back is found out
 * within a minute.
 */
static void
init_breaker(HrBreakerPolicy *breaker, const HrRetryPolicy *retry,
             HrProfile profile)
{
    int64_t timeout_us = retry->attempt_timeout_us;

    *breaker = (HrBreakerPolicy){
        .mode = profile == HR_PROFILE_DEVELOPMENT ? HR_BREAKER_REPORT
                                                  : HR_BREAKER_ON,
        .failure_percent = 50,
        .connect_failures = 8,
        .slow_us = 30 * SECOND,
        .window = HR_WINDOW_TIME,
        .window_us = 30 * SECOND,
        .window_size = 30,
        .minimum_calls = 20,
        .open_us = 5 * SECOND,
        .open_cap_us = 45 * SECOND,
        .open_jitter = 0.2,
        .calm_us = 5 * MINUTE,
        .probes = 3,
        .successes = 3,
        .probe_us = (timeout_us > 0 ? timeout_us : 30 * SECOND) + 5 * SECOND,
    };
}

/* Retries of the endpoint as a whole: the token bucket of the AWS SDKs and the
 * share of concurrent retries of Envoy. */
static const HrBudgetPolicy base_budget = {
    .capacity = 500,
    .transient_cost = 14,
    .throttled_cost = 5,
    .success_refund = 1,
    .concurrent_minimum = 3,
    .concurrent_percent = 20,
};

/* 95 of 100 answers are earlier; at most one request in twenty is sent twice;
 * what is larger than a mebibyte costs more than it gains. */
static const HrHedgePolicy base_hedge = {
    .on = false,
    .delay_minimum_us = 50 * MS,
    .samples = 100,
    .percent = 5,
    .burst = 10,
    .body_limit = 1 << 20,
    .slow_percent = 20,
};

static int64_t
profile_patience_us(HrProfile profile)
{
    switch (profile) {
    case HR_PROFILE_DEVELOPMENT:
        return 10 * SECOND;
    case HR_PROFILE_CI:
        return 30 * SECOND;
    default:
        /* A restart of the registry; longer is the next pass's business. */
        return MINUTE;
    }
}

bool
hr_policy_init(HrPolicy *policy, const char *preset, HrProfile profile)
{
    const Preset *found = find_preset(preset);
    bool plain = strcmp(preset, "default") == 0;

    if (found == NULL)
        return false;
    memset(policy, 0, sizeof *policy);
    policy->preset = found->name;
    for (int which = 0; which < HR_CLASS_COUNT; which++) {
        hr_policy_retry(&policy->retry[which], preset, profile);
        if (which == HR_CLASS_BLOB) {
            policy->retry[which].deadline_us = 0;
            policy->retry[which].attempt_timeout_us = 0;
        }
    }
    if (plain) {
        hr_policy_retry(&policy->retry[HR_CLASS_AUTH], "auth", profile);
        hr_policy_retry(&policy->retry[HR_CLASS_BLOB], "blob-transfer",
                        profile);
    }
    for (int which = 0; which < HR_CLASS_COUNT; which++)
        init_breaker(&policy->breaker[which], &policy->retry[which], profile);
    policy->budget = base_budget;
    policy->rate = (HrRatePolicy){.request_burst = 1, .learn = true};
    /* Sixteen HEADs keep a registry of two cores busy; four blobs fill a
     * link without opening many files. */
    policy->requests = (HrLimitPolicy){true, 1, 16, 16};
    policy->transfers = (HrLimitPolicy){true, 1, 4, 4};
    policy->hedge = base_hedge;
    policy->adapt_delays = true;
    policy->connect_timeout_us = 10 * SECOND;
    policy->stall_us = 30 * SECOND;
    policy->patience_us = profile_patience_us(profile);
    if (strcmp(preset, "none") == 0) {
        policy->budget.capacity = 0;
        policy->patience_us = 0;
        for (int which = 0; which < HR_CLASS_COUNT; which++)
            policy->breaker[which].mode = HR_BREAKER_OFF;
    }
    return true;
}

static int
find_name(const char *const *names, const char *name)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

int
hr_policy_find_profile(const char *name)
{
    return find_name(hr_policy_profiles, name);
}

int
hr_policy_find_class(const char *name)
{
    return find_name(hr_policy_classes, name);
}

const char *
hr_policy_jitter_name(HrJitter jitter)
{
    static const char *const names[] = {"none", "full", "equal",
                                        "decorrelated"};

    return names[jitter];
}

const char *
hr_policy_breaker_mode_name(HrBreakerMode mode)
{
    static const char *const names[] = {"on", "retry-only", "report", "off"};

    return names[mode];
}
