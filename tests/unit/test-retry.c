/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Retry decisions, and the classes of HTTP's status codes. */
#include <glib.h>
#include <limits.h>

#include "base/clock.h"
#include "base/error.h"
#include "guard/retry.h"

#define MS INT64_C(1000)
#define S (1000 * MS)
#define NOW (100 * S)
#define DECISIONS 1000000

typedef struct Case {
    hr_status status;
    bool idempotent;
    bool sent;
    bool again;
} Case;

static void
test_eligible(void)
{
    static const Case cases[] = {
        {HR_TRANSIENT, true, true, true},   {HR_TRANSIENT, false, true, false},
        {HR_TRANSIENT, false, false, true}, {HR_OVERLOAD, true, true, true},
        {HR_OVERLOAD, false, true, false},  {HR_TIMEOUT, true, true, true},
        {HR_TIMEOUT, false, true, false},   {HR_TIMEOUT, false, false, true},
        {HR_NETWORK, true, true, true},     {HR_NETWORK, false, true, false},
        {HR_NETWORK, false, false, true},   {HR_THROTTLED, true, true, true},
        {HR_THROTTLED, false, true, true},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        HrRetryOutcome outcome = {.status = cases[i].status,
                                  .idempotent = cases[i].idempotent,
                                  .sent = cases[i].sent};
        int64_t at = -1;

        g_assert_true(hr_retry_decide(&hr_retry_default, 1, &outcome, NOW,
                                      HR_TIME_NEVER, 0.5,
                                      &at) == cases[i].again);
        g_assert_true((at == -1) == !cases[i].again);
    }
}

static void
test_never(void)
{
    static const hr_status statuses[] = {
        HR_OK,           HR_TLS,
        HR_AUTH_EXPIRED, HR_AUTH_DENIED,
        HR_NOT_FOUND,    HR_CONFLICT,
        HR_PRECONDITION, HR_INVALID,
        HR_QUOTA,        HR_IMMUTABLE,
        HR_INTEGRITY,    HR_UNSUPPORTED,
        HR_LOCAL_REJECT, HR_LOCAL_RESOURCE,
        HR_CANCELLED,    HR_BUG,
        HR_UNKNOWN,      HR_CONFIG,
        HR_CONFIG + 1,   -1,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(statuses); i++) {
        HrRetryOutcome outcome = {.status = statuses[i], .idempotent = true};
        int64_t at;

        g_assert_false(hr_retry_decide(&hr_retry_default, 1, &outcome, NOW,
                                       HR_TIME_NEVER, 0, &at));
    }
}

typedef struct Delay {
    hr_status status;
    unsigned attempt;
    int64_t retry_after_us;
    double random;
    int64_t delay_us;
} Delay;

static void
test_delays(void)
{
    static const Delay cases[] = {
        /* full jitter */
        {HR_TRANSIENT, 1, 0, 0, 0},
        {HR_TRANSIENT, 1, 0, 0.5, 100 * MS},
        {HR_TRANSIENT, 2, 0, 0.5, 200 * MS},
        {HR_TRANSIENT, 3, 0, 0.5, 400 * MS},
        {HR_TRANSIENT, 3, 0, 0.75, 600 * MS},
        {HR_TRANSIENT, 8, 0, 0.5, 10 * S},
        {HR_TRANSIENT, 60, 0, 0.5, 10 * S},
        /* equal jitter from a second on */
        {HR_THROTTLED, 1, 0, 0, 500 * MS},
        {HR_THROTTLED, 1, 0, 0.5, 750 * MS},
        {HR_THROTTLED, 2, 0, 0.5, 1500 * MS},
        {HR_THROTTLED, 60, 0, 0, 10 * S},
        /* what the server asks for, and a tenth at most */
        {HR_OVERLOAD, 1, 7 * S, 0, 7 * S},
        {HR_OVERLOAD, 1, 10 * S, 0.5, 10 * S + 500 * MS},
        {HR_THROTTLED, 1, 60 * S, 0.5, 63 * S},
        /* less than we would wait anyway */
        {HR_THROTTLED, 1, 100 * MS, 0.5, 750 * MS},
    };
    HrRetryPolicy policy = hr_retry_default;

    policy.attempts = 100;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        HrRetryOutcome outcome = {.status = cases[i].status,
                                  .idempotent = true,
                                  .sent = true,
                                  .retry_after_us = cases[i].retry_after_us};
        int64_t at;

        g_assert_true(hr_retry_decide(&policy, cases[i].attempt, &outcome, NOW,
                                      HR_TIME_NEVER, cases[i].random, &at));
        g_assert_cmpint(at - NOW, ==, cases[i].delay_us);
    }
}

static void
test_attempts(void)
{
    HrRetryOutcome outcome = {.status = HR_TRANSIENT, .idempotent = true};
    HrRetryPolicy once = {.attempts = 1, .base_us = S, .cap_us = S};
    int64_t at;

    g_assert_cmpuint(hr_retry_default.attempts, ==, 4);
    for (unsigned attempt = 1; attempt < 10; attempt++)
        g_assert_true(hr_retry_decide(&hr_retry_default, attempt, &outcome,
                                      NOW, HR_TIME_NEVER, 0,
                                      &at) == (attempt < 4));
    g_assert_false(
        hr_retry_decide(&once, 1, &outcome, NOW, HR_TIME_NEVER, 0, &at));
}

static void
test_deadline(void)
{
    HrRetryOutcome outcome = {
        .status = HR_THROTTLED, .retry_after_us = 5 * S, .sent = true};
    int64_t at;

    g_assert_true(hr_retry_decide(&hr_retry_default, 1, &outcome, NOW,
                                  NOW + 5 * S + 1, 0, &at));
    g_assert_cmpint(at, ==, NOW + 5 * S);
    g_assert_false(hr_retry_decide(&hr_retry_default, 1, &outcome, NOW,
                                   NOW + 5 * S, 0, &at));
    outcome.retry_after_us = 0;
    g_assert_false(
        hr_retry_decide(&hr_retry_default, 1, &outcome, NOW, NOW, 0, &at));
    g_assert_false(
        hr_retry_decide(&hr_retry_default, 1, &outcome, NOW, NOW - S, 0, &at));
    /* A server that asks for eternity. */
    outcome.retry_after_us = INT64_MAX;
    g_assert_false(hr_retry_decide(&hr_retry_default, 1, &outcome, NOW,
                                   HR_TIME_NEVER, 0.5, &at));
    outcome.retry_after_us = 60 * S;
    g_assert_true(hr_retry_decide(&hr_retry_default, 1, &outcome, NOW,
                                  HR_TIME_NEVER, 0.5, &at));
    outcome.retry_after_us = 60 * S + 1;
    g_assert_false(hr_retry_decide(&hr_retry_default, 1, &outcome, NOW,
                                   HR_TIME_NEVER, 0.5, &at));
}

/* min(base * 2^(attempt - 1), cap), in a way that cannot be wrong. */
static double
nominal(double base, double cap, unsigned attempt)
{
    for (unsigned i = 1; i < attempt; i++)
        base *= 2;
    return MIN(base, cap);
}

static void
check_decision(GRand *random)
{
    HrRetryPolicy policy = {
        .attempts = (unsigned)g_rand_int_range(random, 1, 80),
        .base_us = g_rand_int_range(random, 1, 5000000),
        .cap_us = g_rand_int_range(random, 0, 100) == 0
                      ? INT64_MAX
                      : g_rand_int_range(random, 1, 100000000),
    };
    HrRetryOutcome outcome = {
        .status = g_rand_int_range(random, HR_TRANSIENT, HR_TLS),
        .idempotent = g_rand_boolean(random),
        .sent = g_rand_boolean(random),
        .retry_after_us =
            g_rand_boolean(random) ? 0 : g_rand_int_range(random, 0, 50000000),
    };
    unsigned attempt = (unsigned)g_rand_int_range(random, 1, 100);
    int64_t now = g_rand_int(random);
    int64_t deadline =
        g_rand_boolean(random) ? HR_TIME_NEVER : now + g_rand_int(random) / 64;
    bool throttled = outcome.status == HR_THROTTLED;
    double d =
        nominal((double)(throttled ? MAX(policy.base_us, S) : policy.base_us),
                (double)policy.cap_us, attempt);
    double least = MAX(throttled ? d / 2 : 0, (double)outcome.retry_after_us);
    double most = MAX(d, (double)outcome.retry_after_us * 1.1);
    int64_t at = -1;
    bool again = hr_retry_decide(&policy, attempt, &outcome, now, deadline,
                                 g_rand_double(random), &at);

    if (attempt >= policy.attempts ||
        (!throttled && outcome.sent && !outcome.idempotent) ||
        (double)(deadline - now) <= least) {
        g_assert_false(again);
        return;
    }
    if (!again) {
        g_assert_cmpfloat((double)(deadline - now), <=, most);
        return;
    }
    g_assert_cmpint(at, <, deadline);
    g_assert_cmpfloat((double)(at - now), >=, least - 1);
    g_assert_cmpfloat((double)(at - now), <=, most + 1);
}

static void
test_random(void)
{
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < DECISIONS; i++)
        check_decision(random);
}

/* Waits of many clients are spread over the whole range, not bunched. */
static void
test_spread(void)
{
    enum {
        BINS = 20,
        DRAWS = 20000
    };
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    HrRetryOutcome outcome = {.status = HR_TRANSIENT, .idempotent = true};
    unsigned bins[BINS] = {0};
    double deviation = 0;

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < DRAWS; i++) {
        int64_t at;

        g_assert_true(hr_retry_decide(&hr_retry_default, 3, &outcome, NOW,
                                      HR_TIME_NEVER, g_rand_double(random),
                                      &at));
        bins[(at - NOW) * BINS / (800 * MS)]++;
    }
    for (unsigned i = 0; i < BINS; i++) {
        double difference = bins[i] - (double)DRAWS / BINS;

        deviation += difference * difference / ((double)DRAWS / BINS);
    }
    /* Chi-square of 19 degrees; 60 is passed by chance once in 10^5. */
    g_assert_cmpfloat(deviation, <, 60);
}

/* The class that a code of the 4xx and 5xx range should have. */
static hr_status
expect_class(unsigned code)
{
    static const struct {
        unsigned code;
        hr_status status;
    } special[] = {
        {401, HR_AUTH_DENIED},  {403, HR_AUTH_DENIED}, {404, HR_NOT_FOUND},
        {405, HR_UNSUPPORTED},  {408, HR_TIMEOUT},     {409, HR_CONFLICT},
        {412, HR_PRECONDITION}, {415, HR_UNSUPPORTED}, {425, HR_TRANSIENT},
        {429, HR_THROTTLED},    {501, HR_UNSUPPORTED}, {503, HR_OVERLOAD},
        {505, HR_UNSUPPORTED},  {507, HR_QUOTA},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(special); i++)
        if (special[i].code == code)
            return special[i].status;
    return code < 500 ? HR_INVALID : HR_TRANSIENT;
}

static void
test_http(void)
{
    static const unsigned none[] = {0, 1, 99, 600, 999, UINT_MAX};

    for (unsigned code = 100; code < 400; code++)
        g_assert_cmpint(hr_status_from_http(code), ==, HR_OK);
    for (unsigned code = 400; code < 600; code++) {
        g_test_message("%u", code);
        g_assert_cmpint(hr_status_from_http(code), ==, expect_class(code));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(none); i++)
        g_assert_cmpint(hr_status_from_http(none[i]), ==, HR_UNKNOWN);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/retry/repeats-what-may-be-repeated", test_eligible);
    g_test_add_func("/retry/never-repeats-the-rest", test_never);
    g_test_add_func("/retry/delays-are-as-written", test_delays);
    g_test_add_func("/retry/stops-after-the-last-attempt", test_attempts);
    g_test_add_func("/retry/stops-before-the-deadline", test_deadline);
    g_test_add_func("/retry/random-decisions-are-within-bounds", test_random);
    g_test_add_func("/retry/waits-are-spread", test_spread);
    g_test_add_func("/retry/every-http-status-has-its-class", test_http);
    return g_test_run();
}
