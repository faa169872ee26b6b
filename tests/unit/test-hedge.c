/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hedges, against a simulated server with stragglers. */
#include "guard/hedge.h"

#include <stdlib.h>

#define MS INT64_C(1000)
#define SECOND (1000 * MS)

static HrHedgePolicy
make_policy(void)
{
    return (HrHedgePolicy){
        .on = true,
        .delay_minimum_us = 50 * MS,
        .samples = 100,
        .percent = 5,
        .burst = 10,
        .body_limit = 1 << 20,
        .slow_percent = 20,
    };
}

static const HrHedgeView well = {
    .breaker_closed = true, .in_flight = 4, .limit = 16, .safe = true};

static int64_t
draw_latency(GRand *rand, double stragglers)
{
    if (g_rand_double(rand) < stragglers)
        return SECOND + (int64_t)(g_rand_double(rand) * 2 * SECOND);
    return 20 * MS + (int64_t)(g_rand_double(rand) * 80 * MS);
}

static int
compare_times(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one;
    int64_t b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

#define CALLS 100000

/* Calls, one after the other; `extra` is what the server got beside them. */
static int64_t
run(HrHedge *hedge, double stragglers, unsigned *extra)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    g_autofree int64_t *times = g_new(int64_t, CALLS);
    int64_t now = SECOND;

    *extra = 0;
    for (unsigned i = 0; i < CALLS; i++) {
        int64_t took = draw_latency(rand, stragglers);
        int64_t at =
            hedge != NULL ? hr_hedge_started(hedge, now, &well) : INT64_MAX;

        if (at < now + took && hr_hedge_fire(hedge, at, &well)) {
            int64_t second = at - now + draw_latency(rand, stragglers);

            (*extra)++;
            if (second < took) {
                hr_hedge_superseded(hedge, now + second, second);
                took = second;
            }
        }
        if (hedge != NULL)
            hr_hedge_ended(hedge, now + took, took, true);
        times[i] = took;
        now += took;
        /* On no prefix are there more than the share. */
        g_assert_cmpuint(*extra * 20, <=, i + 1);
    }
    qsort(times, CALLS, sizeof *times, compare_times);
    return times[CALLS * 99 / 100];
}

static void
test_stragglers(void)
{
    HrHedgePolicy policy = make_policy();
    g_autoptr(HrHedge) hedge = hr_hedge_new(&policy);
    unsigned extra;
    int64_t before = run(NULL, 0.03, &extra);
    int64_t after = run(hedge, 0.03, &extra);

    g_test_message("p99 %.0f -> %.0f ms with %.2f %% more requests",
                   (double)before / MS, (double)after / MS,
                   100.0 * extra / CALLS);
    g_assert_cmpint(after * 10, <=, before * 3);
    g_assert_cmpuint(extra * 20, <=, CALLS);
}

static void
test_slow_server(void)
{
    HrHedgePolicy policy = make_policy();
    g_autoptr(HrHedge) half = hr_hedge_new(&policy);
    g_autoptr(HrHedge) all = hr_hedge_new(&policy);
    unsigned extra;

    run(half, 0.5, &extra);
    g_test_message("half of it slow: %.2f %% more", 100.0 * extra / CALLS);
    g_assert_cmpuint(extra * 20, <=, CALLS);
    run(all, 1, &extra);
    g_test_message("all of it slow: %.2f %% more", 100.0 * extra / CALLS);
    g_assert_cmpuint(extra * 20, <=, CALLS);
}

/* What may not be asked twice is not, whatever else happens. */
static void
test_unsafe(void)
{
    guint32 seed = g_random_int();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    HrHedgePolicy policy = make_policy();
    g_autoptr(HrHedge) hedge = hr_hedge_new(&policy);
    int64_t now = SECOND;
    unsigned hedged = 0;

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < 1000000; i++) {
        HrHedgeView view = well;
        int64_t took = draw_latency(rand, 0.03);
        int64_t at;

        view.safe = g_rand_boolean(rand);
        at = hr_hedge_started(hedge, now, &view);
        if (!view.safe)
            g_assert_false(at < INT64_MAX && hr_hedge_fire(hedge, at, &view));
        else if (at < now + took)
            hedged += hr_hedge_fire(hedge, at, &view);
        now += 10 * MS;
        hr_hedge_ended(hedge, now, took, true);
    }
    g_assert_cmpuint(hedged, >, 0);
}

static void
test_conditions(void)
{
    static const HrHedgeView views[] = {
        {.breaker_closed = false, .in_flight = 4, .limit = 16, .safe = true},
        {.breaker_closed = true, .in_flight = 14, .limit = 16, .safe = true},
        {.breaker_closed = true, .in_flight = 4, .limit = 16, .safe = false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(views); i++) {
        HrHedgePolicy policy = make_policy();
        g_autoptr(HrHedge) hedge = hr_hedge_new(&policy);
        int64_t now = SECOND;

        for (unsigned j = 0; j < 1000; j++) {
            hr_hedge_started(hedge, now, &well);
            hr_hedge_ended(hedge, now, 30 * MS, true);
        }
        g_assert_cmpint(hr_hedge_started(hedge, now, &well), ==,
                        now + 50 * MS);
        g_assert_false(hr_hedge_fire(hedge, now, &views[i]));
        g_assert_true(hr_hedge_fire(hedge, now, &well));
    }
}

static void
test_learning(void)
{
    HrHedgePolicy policy = make_policy();
    g_autoptr(HrHedge) hedge = hr_hedge_new(&policy);

    for (unsigned i = 0; i < 99; i++) {
        g_assert_cmpint(hr_hedge_started(hedge, SECOND, &well), ==, INT64_MAX);
        hr_hedge_ended(hedge, SECOND, 200 * MS, true);
    }
    hr_hedge_ended(hedge, SECOND, 200 * MS, true);
    /* Later than what 19 of 20 take, to within a hundredth. */
    g_assert_cmpint(hr_hedge_started(hedge, SECOND, &well), >=,
                    SECOND + 198 * MS);
    g_assert_cmpint(hr_hedge_started(hedge, SECOND, &well), <=,
                    SECOND + 203 * MS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hedge/cuts-the-tail-off", test_stragglers);
    g_test_add_func("/hedge/keeps-to-its-share-when-all-is-slow",
                    test_slow_server);
    g_test_add_func("/hedge/asks-nothing-twice-that-may-not-be", test_unsafe);
    g_test_add_func("/hedge/asks-twice-only-while-all-is-well",
                    test_conditions);
    g_test_add_func("/hedge/learns-before-it-asks-twice", test_learning);
    return g_test_run();
}
