/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Retry decisions: what is repeated, when, and how often. */
#include "guard/retry.h"

#include <glib.h>

#include "base/clock.h"

#define MS INT64_C(1000)
#define SECOND (1000 * MS)
#define NOW (1000 * SECOND)

static double chance;

static double
given(void *data)
{
    (void)data;
    return chance;
}

static double
draw(void *data)
{
    return g_rand_double(data);
}

static const HrRandom by_hand = {.next = given};

static HrRetryPolicy
make_policy(void)
{
    HrRetryPolicy policy;

    g_assert_true(hr_policy_retry(&policy, "default", HR_PROFILE_PRODUCTION));
    return policy;
}

static HrOutcome
failure(hr_status status, HrEligibility eligibility)
{
    return (HrOutcome){.status = status,
                       .eligibility = eligibility,
                       .idempotent = true,
                       .sent = true};
}

static HrRetryDecision
decide(const HrRetryPolicy *policy, HrRetryState *state,
       const HrOutcome *outcome)
{
    HrRetryDecision decision;

    hr_retry_decide(policy, state, outcome, 0, 1, NOW, HR_TIME_NEVER, &by_hand,
                    &decision);
    return decision;
}

static void
test_eligibility(void)
{
    static const struct {
        HrEligibility eligibility;
        bool idempotent;
        bool sent;
        HrRetryVerdict verdict;
    } table[] = {
        {HR_RETRY_NEVER, true, false, HR_RETRY_GIVE_UP},
        {HR_RETRY_ALWAYS, false, true, HR_RETRY_AGAIN},
        {HR_RETRY_ALWAYS, false, false, HR_RETRY_AGAIN},
        {HR_RETRY_IF_IDEMPOTENT, true, true, HR_RETRY_AGAIN},
        {HR_RETRY_IF_IDEMPOTENT, false, false, HR_RETRY_AGAIN},
        {HR_RETRY_IF_IDEMPOTENT, false, true, HR_RETRY_GIVE_UP},
        {HR_RETRY_AFTER, false, true, HR_RETRY_AGAIN},
        {HR_RETRY_REFETCH, true, false, HR_RETRY_GIVE_UP},
        {HR_RETRY_PARK, false, true, HR_RETRY_LATER},
    };
    HrRetryPolicy policy = make_policy();

    chance = 0.5;
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        HrRetryState state = {0};
        HrOutcome outcome = {.status = HR_TRANSIENT,
                             .eligibility = table[i].eligibility,
                             .idempotent = table[i].idempotent,
                             .sent = table[i].sent};

        g_assert_cmpint(decide(&policy, &state, &outcome).verdict, ==,
                        table[i].verdict);
    }
}

static void
test_nominal(void)
{
    HrRetryPolicy policy = make_policy();

    g_assert_cmpint(hr_retry_nominal_us(&policy, false, 1), ==, 200 * MS);
    g_assert_cmpint(hr_retry_nominal_us(&policy, false, 3), ==, 800 * MS);
    g_assert_cmpint(hr_retry_nominal_us(&policy, true, 2), ==, 2 * SECOND);
    g_assert_cmpint(hr_retry_nominal_us(&policy, false, 60), ==, 20 * SECOND);
    policy.multiplier = 1;
    g_assert_cmpint(hr_retry_nominal_us(&policy, false, 60), ==, 200 * MS);
}

static void
test_attempts(void)
{
    HrRetryPolicy policy = make_policy();
    HrRetryState state = {0};
    HrOutcome outcome = failure(HR_TRANSIENT, HR_RETRY_IF_IDEMPOTENT);
    HrRetryDecision decision;

    chance = 1;
    for (unsigned i = 0; i < 3; i++) {
        decision = decide(&policy, &state, &outcome);
        g_assert_cmpint(decision.verdict, ==, HR_RETRY_AGAIN);
        g_assert_cmpint(decision.delay_us, ==, 200 * MS << i);
    }
    decision = decide(&policy, &state, &outcome);
    g_assert_cmpint(decision.verdict, ==, HR_RETRY_LATER);
    g_assert_cmpstr(decision.reason, ==, "attempts exhausted");
    g_assert_false(decision.waits);
}

static void
test_free_repeats(void)
{
    HrRetryPolicy policy = make_policy();
    HrRetryState state = {0};
    HrOutcome outcome = failure(HR_NETWORK, HR_RETRY_ALWAYS);
    HrRetryDecision decision;

    chance = 0.5;
    outcome.sent = false;
    decision = decide(&policy, &state, &outcome);
    g_assert_true(decision.immediate);
    g_assert_cmpint(decision.at_us, ==, NOW);
    g_assert_cmpuint(state.attempt, ==, 0);
    decision = decide(&policy, &state, &outcome);
    g_assert_false(decision.immediate);
    g_assert_cmpuint(state.attempt, ==, 1);
    outcome = failure(HR_AUTH_EXPIRED, HR_RETRY_REAUTH);
    decision = decide(&policy, &state, &outcome);
    g_assert_true(decision.immediate);
    decision = decide(&policy, &state, &outcome);
    g_assert_cmpint(decision.verdict, ==, HR_RETRY_GIVE_UP);
}

/* A blob may take longer than many tokens last. */
static void
test_relogin(void)
{
    HrRetryPolicy policy;
    HrRetryState state = {0};
    HrOutcome outcome = failure(HR_AUTH_EXPIRED, HR_RETRY_REAUTH);
    HrRetryDecision decision;

    g_assert_true(
        hr_policy_retry(&policy, "blob-transfer", HR_PROFILE_PRODUCTION));
    for (unsigned i = 0; i < 5; i++) {
        hr_retry_decide(&policy, &state, &outcome, 1 << 20, 1, NOW,
                        HR_TIME_NEVER, &by_hand, &decision);
        g_assert_cmpint(decision.verdict, ==, HR_RETRY_AGAIN);
        g_assert_true(decision.immediate);
    }
    hr_retry_decide(&policy, &state, &outcome, 1000, 1, NOW, HR_TIME_NEVER,
                    &by_hand, &decision);
    g_assert_cmpint(decision.verdict, ==, HR_RETRY_GIVE_UP);
}

static void
test_progress(void)
{
    HrRetryPolicy policy;
    HrRetryState state = {0};
    HrOutcome outcome = failure(HR_NETWORK, HR_RETRY_IF_IDEMPOTENT);
    HrRetryDecision decision;

    chance = 0.5;
    g_assert_true(
        hr_policy_retry(&policy, "blob-transfer", HR_PROFILE_PRODUCTION));
    for (unsigned i = 0; i < 100; i++) {
        hr_retry_decide(&policy, &state, &outcome, 1 << 20, 1, NOW,
                        HR_TIME_NEVER, &by_hand, &decision);
        g_assert_cmpint(decision.verdict, ==, HR_RETRY_AGAIN);
    }
    for (unsigned i = 0; i < 5; i++)
        hr_retry_decide(&policy, &state, &outcome, (1 << 20) - 1, 1, NOW,
                        HR_TIME_NEVER, &by_hand, &decision);
    g_assert_cmpint(decision.verdict, ==, HR_RETRY_LATER);
}

static void
test_retry_after(void)
{
    HrRetryPolicy policy = make_policy();
    HrOutcome outcome = failure(HR_THROTTLED, HR_RETRY_AFTER);
    HrRetryState state = {0};
    HrRetryDecision decision;

    /* A lower bound, with up to a tenth on top. */
    chance = 1;
    outcome.retry_after_us = 3 * SECOND;
    decision = decide(&policy, &state, &outcome);
    g_assert_cmpint(decision.delay_us, ==, 3300 * MS);
    chance = 0;
    state = (HrRetryState){0};
    decision = decide(&policy, &state, &outcome);
    g_assert_cmpint(decision.delay_us, ==, 3 * SECOND);
    /* Too long to be sat out, and said so. */
    outcome.retry_after_us = 60 * SECOND;
    decision = decide(&policy, &state, &outcome);
    g_assert_cmpint(decision.verdict, ==, HR_RETRY_LATER);
    g_assert_true(decision.waits);
    g_assert_cmpint(decision.at_us, ==, NOW + 60 * SECOND);
    outcome.retry_after_us = 2 * 3600 * SECOND;
    decision = decide(&policy, &state, &outcome);
    g_assert_false(decision.waits);
    /* Clamped, for who waits at a terminal. */
    hr_policy_retry(&policy, "interactive", HR_PROFILE_PRODUCTION);
    state = (HrRetryState){0};
    chance = 1;
    policy.park_us = 0;
    outcome.retry_after_us = 60 * SECOND;
    decision = decide(&policy, &state, &outcome);
    g_assert_cmpint(decision.delay_us, ==, 5050 * MS);
}

static void
test_factor(void)
{
    HrRetryPolicy policy = make_policy();
    HrRetryState state = {0};
    HrOutcome outcome = failure(HR_TRANSIENT, HR_RETRY_IF_IDEMPOTENT);
    HrRetryDecision decision;

    chance = 1;
    hr_retry_decide(&policy, &state, &outcome, 0, 8, NOW, HR_TIME_NEVER,
                    &by_hand, &decision);
    g_assert_cmpint(decision.delay_us, ==, 1600 * MS);
    /* What the server asked for is not shortened. */
    state = (HrRetryState){0};
    outcome = failure(HR_THROTTLED, HR_RETRY_AFTER);
    outcome.retry_after_us = 2 * SECOND;
    hr_retry_decide(&policy, &state, &outcome, 0, 0.5, NOW, HR_TIME_NEVER,
                    &by_hand, &decision);
    g_assert_cmpint(decision.delay_us, >=, 2 * SECOND);
}

/* Chi-square of 20 equal parts, 19 degrees of freedom: 43.8 is passed by chance
 * once in a thousand; the seed is fixed. */
static void
test_distribution(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20);
    HrRandom random = {draw, rand};
    HrRetryPolicy policy = make_policy();
    HrOutcome outcome = failure(HR_TRANSIENT, HR_RETRY_IF_IDEMPOTENT);
    unsigned parts[20] = {0};
    double chi = 0;

    for (unsigned i = 0; i < 100000; i++) {
        HrRetryState state = {.attempt = 2};
        HrRetryDecision decision;

        hr_retry_decide(&policy, &state, &outcome, 0, 1, NOW, HR_TIME_NEVER,
                        &random, &decision);
        g_assert_cmpint(decision.delay_us, >=, 0);
        g_assert_cmpint(decision.delay_us, <, 800 * MS);
        parts[decision.delay_us / (40 * MS)]++;
    }
    for (unsigned i = 0; i < 20; i++)
        chi += ((double)parts[i] - 5000) * ((double)parts[i] - 5000) / 5000;
    g_test_message("chi-square %.1f", chi);
    g_assert_cmpfloat(chi, <, 43.8);
}

static void
test_jitter_bounds(void)
{
    guint32 seed = g_random_int();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    HrRandom random = {draw, rand};
    HrRetryPolicy policy = make_policy();
    HrRetryState far = {0};

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < 100000; i++) {
        HrOutcome outcome = failure(HR_THROTTLED, HR_RETRY_AFTER);
        HrRetryState state = {0};
        HrRetryDecision decision;

        /* Equal: patience never comes to nothing. */
        policy.throttled_jitter = HR_JITTER_EQUAL;
        hr_retry_decide(&policy, &state, &outcome, 0, 1, NOW, HR_TIME_NEVER,
                        &random, &decision);
        g_assert_cmpint(decision.delay_us, >=, 500 * MS);
        g_assert_cmpint(decision.delay_us, <=, SECOND);
        policy.throttled_jitter = HR_JITTER_DECORRELATED;
        far.attempt = 0;
        hr_retry_decide(&policy, &far, &outcome, 0, 1, NOW, HR_TIME_NEVER,
                        &random, &decision);
        g_assert_cmpint(decision.delay_us, >=, SECOND);
        g_assert_cmpint(decision.delay_us, <=, policy.cap_us);
    }
    policy.throttled_jitter = HR_JITTER_NONE;
    far = (HrRetryState){0};
    {
        HrOutcome outcome = failure(HR_THROTTLED, HR_RETRY_AFTER);

        g_assert_cmpint(decide(&policy, &far, &outcome).delay_us, ==, SECOND);
    }
}

/* No attempt starts at or after the deadline. */
static void
test_deadline(void)
{
    guint32 seed = g_random_int();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    HrRandom random = {draw, rand};
    HrRetryPolicy policy = make_policy();

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < 100000; i++) {
        HrRetryState state = {.attempt = i % 4};
        HrOutcome outcome = failure(HR_TRANSIENT, HR_RETRY_IF_IDEMPOTENT);
        int64_t deadline = NOW + g_rand_int_range(rand, 1, 2000000);
        HrRetryDecision decision;

        outcome.retry_after_us = g_rand_int_range(rand, 0, 1000000);
        hr_retry_decide(&policy, &state, &outcome, 0, 2, NOW, deadline,
                        &random, &decision);
        if (decision.verdict == HR_RETRY_AGAIN)
            g_assert_cmpint(decision.at_us, <, deadline);
    }
}

/* What may not be done twice is repeated only if it was not done. */
static void
test_no_duplicates(void)
{
    guint32 seed = g_random_int();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    HrRandom random = {draw, rand};
    HrRetryPolicy policy = make_policy();

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < 100000; i++) {
        HrRetryState state = {0};
        HrOutcome outcome = {
            .status = g_rand_int_range(rand, HR_TRANSIENT, HR_CONFIG + 1),
            .eligibility =
                (HrEligibility)g_rand_int_range(rand, 0, HR_ELIGIBILITY_COUNT),
            .sent = g_rand_boolean(rand),
        };
        HrRetryDecision decision;

        hr_retry_decide(&policy, &state, &outcome, 0, 1, NOW, HR_TIME_NEVER,
                        &random, &decision);
        if (decision.verdict == HR_RETRY_AGAIN && outcome.sent)
            g_assert_true(outcome.eligibility == HR_RETRY_ALWAYS ||
                          outcome.eligibility == HR_RETRY_AFTER ||
                          outcome.eligibility == HR_RETRY_REAUTH);
    }
}

static void
test_rounds(void)
{
    static const int64_t nominal[] = {30, 120, 600, 1800, 3600, 3600};

    for (unsigned i = 0; i < G_N_ELEMENTS(nominal); i++) {
        chance = 0;
        g_assert_cmpint(hr_retry_round_us(i, &by_hand), ==,
                        nominal[i] * SECOND * 8 / 10);
        chance = 1;
        g_assert_cmpint(hr_retry_round_us(i, &by_hand), <=,
                        nominal[i] * SECOND * 12 / 10 + 1);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/retry/repeats-what-may-be-repeated", test_eligibility);
    g_test_add_func("/retry/waits-longer-each-time-up-to-the-cap",
                    test_nominal);
    g_test_add_func("/retry/ends-with-the-attempts", test_attempts);
    g_test_add_func("/retry/repeats-once-for-free-what-never-left",
                    test_free_repeats);
    g_test_add_func("/retry/counts-anew-after-progress", test_progress);
    g_test_add_func("/retry/logs-in-again-after-progress", test_relogin);
    g_test_add_func("/retry/hears-what-the-server-asks-for", test_retry_after);
    g_test_add_func("/retry/stretches-its-own-delays-only", test_factor);
    g_test_add_func("/retry/spreads-delays-evenly", test_distribution);
    g_test_add_func("/retry/keeps-delays-within-their-jitter",
                    test_jitter_bounds);
    g_test_add_func("/retry/starts-nothing-after-the-deadline", test_deadline);
    g_test_add_func("/retry/does-nothing-twice-that-may-not-be",
                    test_no_duplicates);
    g_test_add_func("/retry/knows-when-a-job-is-due-again", test_rounds);
    return g_test_run();
}
