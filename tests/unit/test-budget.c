/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The budget of retries, the streak that stretches their delays, and the
 * presets that all numbers come from. */
#include "guard/budget.h"

#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "guard/streak.h"

#define SECOND INT64_C(1000000)

static HrPolicy
make_policy(void)
{
    HrPolicy policy;

    g_assert_true(hr_policy_init(&policy, "default", HR_PROFILE_PRODUCTION));
    return policy;
}

static void
test_tokens(void)
{
    HrPolicy policy = make_policy();
    HrBudget budget;
    unsigned granted = 0;
    unsigned cost;

    hr_budget_init(&budget, &policy.budget);
    while (hr_budget_acquire(&budget, false, 16, &cost))
        granted++;
    /* An outage costs 35 retries beside the first attempts. */
    g_assert_cmpuint(granted, ==, 35);
    g_assert_cmpuint(hr_budget_tokens(&budget), ==, 10);
    g_assert_true(hr_budget_acquire(&budget, true, 16, &cost));
    g_assert_cmpuint(cost, ==, 5);
    for (unsigned i = 0; i < 1000; i++)
        hr_budget_settle(&budget, 0);
    g_assert_cmpuint(hr_budget_tokens(&budget), ==, 500);
}

static void
test_concurrency(void)
{
    HrPolicy policy = make_policy();
    HrBudget budget;
    unsigned cost;

    hr_budget_init(&budget, &policy.budget);
    for (unsigned i = 0; i < 3; i++)
        hr_budget_begin(&budget);
    g_assert_false(hr_budget_acquire(&budget, false, 10, &cost));
    g_assert_cmpuint(hr_budget_tokens(&budget), ==, 500);
    /* A fifth of what is in flight, where that is more. */
    g_assert_true(hr_budget_acquire(&budget, false, 40, &cost));
    hr_budget_end(&budget);
    g_assert_true(hr_budget_acquire(&budget, false, 10, &cost));
}

static void
test_no_budget(void)
{
    HrPolicy policy = make_policy();
    HrBudget budget;
    unsigned cost;

    policy.budget.capacity = 0;
    hr_budget_init(&budget, &policy.budget);
    for (unsigned i = 0; i < 1000; i++)
        g_assert_true(hr_budget_acquire(&budget, false, 1, &cost));
}

static void *
spend(void *data)
{
    HrBudget *budget = data;

    for (unsigned i = 0; i < 20000; i++) {
        unsigned cost;

        if (hr_budget_acquire(budget, i % 2 == 0, 100, &cost))
            hr_budget_settle(budget, cost);
    }
    return NULL;
}

static void
test_threads(void)
{
    HrPolicy policy = make_policy();
    HrBudget budget;
    pthread_t threads[16];

    hr_budget_init(&budget, &policy.budget);
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, spend, &budget), ==,
                        0);
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpuint(hr_budget_tokens(&budget), ==, 500);
}

static void
test_streak(void)
{
    HrOutcome good = {.status = HR_OK};
    HrOutcome bad = {.status = HR_OVERLOAD};
    HrOutcome gone = {.status = HR_NOT_FOUND};
    HrOutcome local = {.status = HR_CANCELLED};
    HrStreak streak;
    int64_t now = SECOND;

    hr_streak_init(&streak);
    for (unsigned i = 0; i < 2; i++)
        hr_streak_record(&streak, now, &bad);
    hr_streak_record(&streak, now, &local);
    g_assert_cmpfloat(streak.multiplier, ==, 1);
    hr_streak_record(&streak, now, &bad);
    g_assert_cmpfloat(streak.multiplier, ==, 2);
    /* One change at a time. */
    for (unsigned i = 0; i < 30; i++)
        hr_streak_record(&streak, now + 4 * SECOND, &bad);
    g_assert_cmpfloat(streak.multiplier, ==, 2);
    for (unsigned i = 0; i < 30; i++)
        hr_streak_record(&streak, now += 6 * SECOND, &bad);
    g_assert_cmpfloat(streak.multiplier, ==, 8);
    for (unsigned i = 0; i < 20; i++)
        hr_streak_record(&streak, now += 6 * SECOND, i % 2 ? &good : &gone);
    g_assert_cmpfloat(streak.multiplier, ==, 6.4);
    for (unsigned i = 0; i < 1000; i++)
        hr_streak_record(&streak, now += 6 * SECOND, &good);
    g_assert_cmpfloat(streak.multiplier, ==, 0.5);
}

/* What every preset has to be, whoever changes a number. */
static void
test_presets(void)
{
    for (const char *const *name = hr_policy_presets; *name != NULL; name++)
        for (int profile = 0; profile < HR_PROFILE_COUNT; profile++) {
            HrPolicy policy;

            g_assert_true(hr_policy_init(&policy, *name, (HrProfile)profile));
            g_assert_cmpstr(policy.preset, ==, *name);
            for (int i = 0; i < HR_CLASS_COUNT; i++) {
                const HrRetryPolicy *retry = &policy.retry[i];

                g_assert_cmpuint(retry->attempts, >=, 1);
                g_assert_cmpint(retry->base_us, >, 0);
                g_assert_cmpint(retry->base_us, <=, retry->cap_us);
                g_assert_cmpint(retry->throttled_base_us, <=, retry->cap_us);
                g_assert_cmpfloat(retry->multiplier, >=, 1);
                g_assert_cmpuint(policy.breaker[i].successes, <=,
                                 policy.breaker[i].probes);
                g_assert_cmpint(policy.breaker[i].open_us, <=,
                                policy.breaker[i].open_cap_us);
            }
            /* Bodies have no total time. */
            g_assert_cmpint(policy.retry[HR_CLASS_BLOB].deadline_us, ==, 0);
            g_assert_cmpint(policy.retry[HR_CLASS_BLOB].attempt_timeout_us, ==,
                            0);
        }
}

static void
test_names(void)
{
    HrPolicy policy;
    HrRetryPolicy retry;

    g_assert_false(hr_policy_init(&policy, "Default", HR_PROFILE_CI));
    g_assert_false(hr_policy_retry(&retry, "", HR_PROFILE_CI));
    g_assert_cmpint(hr_policy_find_profile("ci"), ==, HR_PROFILE_CI);
    g_assert_cmpint(hr_policy_find_profile("prod"), ==, -1);
    g_assert_cmpint(hr_policy_find_class("blob"), ==, HR_CLASS_BLOB);
    g_assert_cmpint(hr_policy_find_class("blobs"), ==, -1);
    g_assert_true(hr_policy_init(&policy, "default", HR_PROFILE_DEVELOPMENT));
    g_assert_cmpint(policy.breaker[HR_CLASS_READ].mode, ==, HR_BREAKER_REPORT);
    g_assert_cmpuint(policy.retry[HR_CLASS_READ].attempts, ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/budget/pays-for-so-many-retries", test_tokens);
    g_test_add_func("/budget/bounds-retries-at-the-same-time",
                    test_concurrency);
    g_test_add_func("/budget/can-be-switched-off", test_no_budget);
    g_test_add_func("/budget/loses-no-token-among-threads", test_threads);
    g_test_add_func("/streak/stretches-and-shrinks-slowly", test_streak);
    g_test_add_func("/policy/presets-make-sense", test_presets);
    g_test_add_func("/policy/knows-its-names", test_names);
    return g_test_run();
}
