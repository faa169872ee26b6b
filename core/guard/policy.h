/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policy: every number that the guards of one endpoint go by, presets of them
 * by name, and profiles that change the defaults of all.
 *
 *     preset --(profile)--> endpoint's settings --> settings of one class
 *
 * Plain data.  policy.c says where each number comes from.
 */
#ifndef HR_GUARD_POLICY_H
#define HR_GUARD_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard/outcome.h"

typedef enum HrJitter {
    HR_JITTER_NONE,
    HR_JITTER_FULL,        /* [0, d]                                     */
    HR_JITTER_EQUAL,       /* [d/2, d]                                   */
    HR_JITTER_DECORRELATED /* [base, 3 * previous], at most cap          */
} HrJitter;

typedef struct HrRetryPolicy {
    unsigned attempts; /* all in all, at least 1 */
    double multiplier;
    int64_t base_us;
    int64_t throttled_base_us; /* after 429 */
    int64_t cap_us;
    HrJitter jitter;
    HrJitter throttled_jitter;
    int64_t deadline_us;        /* of all attempts; 0 for none              */
    int64_t attempt_timeout_us; /* 0 for none: then only the stall guard    */
    int64_t park_us;            /* longer waits are not sat out             */
    int64_t retry_after_cap_us; /* the longest that a server may ask for    */
    /* Retry-After counts at most so much over the computed delay; below 0 it
     * is a lower bound, whatever it is. */
    int64_t retry_after_slack_us;
    /* An attempt that moved so much starts the count of attempts anew; 0:
     * never. */
    uint64_t progress_bytes;
} HrRetryPolicy;

/* Retries are paid from a bucket; see budget.h. */
typedef struct HrBudgetPolicy {
    unsigned capacity; /* 0: no budget */
    unsigned transient_cost;
    unsigned throttled_cost;
    unsigned success_refund;
    unsigned concurrent_minimum; /* retries under way at once: the larger of
                                    this and the share of what is in flight */
    unsigned concurrent_percent;
} HrBudgetPolicy;

typedef enum HrBreakerMode {
    HR_BREAKER_ON,
    HR_BREAKER_RETRY_ONLY, /* open: first attempts pass, retries do not     */
    HR_BREAKER_REPORT,     /* changes state and tells, refuses nothing      */
    HR_BREAKER_OFF
} HrBreakerMode;

typedef enum HrWindowKind {
    HR_WINDOW_TIME,
    HR_WINDOW_COUNT
} HrWindowKind;

typedef struct HrBreakerPolicy {
    HrBreakerMode mode;
    double failure_percent;    /* opens at so many or more               */
    unsigned connect_failures; /* in a row; 0: does not open for them    */
    double slow_percent;       /* 0: slow calls do not open it           */
    int64_t slow_us;
    HrWindowKind window;
    int64_t window_us;      /* of a time window, in window_buckets parts  */
    unsigned window_size;   /* buckets of a time window, calls of a count
                              window                                     */
    unsigned minimum_calls; /* of the window; so many failures in a row
                               open it too, whatever came before          */
    int64_t open_us;        /* first; half as long again each time         */
    int64_t open_cap_us;
    double open_jitter; /* 0.2: up to a fifth less or more             */
    int64_t calm_us;    /* closed so long: the next opening is a first */
    unsigned probes;    /* let in while half-open                      */
    unsigned successes; /* of them, to close                           */
    int64_t probe_us;   /* half-open without a decision: open again    */
} HrBreakerPolicy;

typedef struct HrRatePolicy {
    double requests_per_s; /* 0: no limit */
    double request_burst;
    double bytes_per_s; /* 0: no limit; both directions together */
    bool learn;         /* slow down when the server says so     */
} HrRatePolicy;

typedef struct HrLimitPolicy {
    bool adaptive; /* false: always `maximum` */
    unsigned minimum;
    unsigned initial;
    unsigned maximum;
} HrLimitPolicy;

typedef struct HrHedgePolicy {
    bool on;
    int64_t delay_minimum_us; /* the delay is the class's p95, or this      */
    unsigned samples;         /* of latency, before the first hedge         */
    double percent;           /* of requests, at most                       */
    unsigned burst;
    uint64_t body_limit; /* larger answers are not asked for twice     */
    double slow_percent; /* everything is slow: no hedges              */
} HrHedgePolicy;

typedef struct HrPolicy {
    const char *preset; /* static */
    HrRetryPolicy retry[HR_CLASS_COUNT];
    HrBudgetPolicy budget;
    HrBreakerPolicy breaker[HR_CLASS_COUNT];
    HrRatePolicy rate;
    HrLimitPolicy requests;  /* metadata in flight */
    HrLimitPolicy transfers; /* blobs in flight    */
    HrHedgePolicy hedge;
    bool adapt_delays; /* the streak multiplier on retry delays */
    int64_t connect_timeout_us;
    int64_t stall_us;    /* a body that moves less than 1 KiB/s that long
                            is given up                                   */
    int64_t patience_us; /* how long a parked job may take, all in all    */
} HrPolicy;

typedef enum HrProfile {
    HR_PROFILE_PRODUCTION,
    HR_PROFILE_DEVELOPMENT,
    HR_PROFILE_CI,
    HR_PROFILE_COUNT
} HrProfile;

/* Names of the presets, ends in NULL: "default", "web-service", ... */
extern const char *const hr_policy_presets[];

/* Names of the profiles in the order of HrProfile, ends in NULL. */
extern const char *const hr_policy_profiles[];

/* "auth", "read", "write", "blob"; ends in NULL. */
extern const char *const hr_policy_classes[];

/* False if there is no such preset. */
bool
hr_policy_init(HrPolicy *policy, const char *preset, HrProfile profile);

/* The retry numbers of a preset alone, for one class of operations; false if
 * there is none. */
bool
hr_policy_retry(HrRetryPolicy *retry, const char *preset, HrProfile profile);

/* -1 if there is none of that name. */
int
hr_policy_find_profile(const char *name);

int
hr_policy_find_class(const char *name);

const char *
hr_policy_jitter_name(HrJitter jitter);

const char *
hr_policy_breaker_mode_name(HrBreakerMode mode);

#endif
