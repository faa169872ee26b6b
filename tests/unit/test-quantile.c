/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Quantiles: beside sorted lists, and as they fade. */
#include <glib.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "guard/quantile.h"

#define S INT64_C(1000000)
#define DAY (24 * 3600 * S)

#define VALUES 200000

/* What the header promises: 1 %, and what rounding costs. */
static void
assert_near(int64_t found, int64_t exact)
{
    g_assert_cmpfloat(fabs((double)(found - exact)), <=,
                      0.01 * (double)exact + 1 + 1e-6);
}

/* ----------------------------------------------------- beside a sorted list */

static double
draw(GRand *random)
{
    return g_rand_double(random);
}

static double
draw_uniform(GRand *random)
{
    return 1 + 2e6 * draw(random);
}

static double
draw_exponential(GRand *random)
{
    return -30e3 * log1p(-draw(random));
}

/* A server with a cache: 2 ms or so, or 800 ms or so. */
static double
draw_bimodal(GRand *random)
{
    return draw(random) < 0.7 ? 1500 + 1000 * draw(random)
                              : 700e3 + 200e3 * draw(random);
}

/* From a microsecond to a day, every order of magnitude alike. */
static double
draw_any(GRand *random)
{
    return exp(draw(random) * log((double)DAY));
}

static int
compare_values(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static void
check_distribution(double (*draw_value)(GRand *), GRand *random)
{
    static const double shares[] = {0,   0.0001, 0.01, 0.1,   0.25,   0.5,
                                    0.7, 0.9,    0.95, 0.999, 0.9999, 1};
    g_autofree int64_t *values = g_new(int64_t, VALUES);
    g_autoptr(HrQuantile) quantile = hr_quantile_new(0);

    for (unsigned i = 0; i < VALUES; i++) {
        values[i] = MAX((int64_t)draw_value(random), 1);
        hr_quantile_record(quantile, 0, values[i]);
    }
    qsort(values, VALUES, sizeof *values, compare_values);
    g_assert_cmpuint(hr_quantile_count(quantile, 0), ==, VALUES);
    for (unsigned i = 0; i < G_N_ELEMENTS(shares); i++) {
        int64_t rank = (int64_t)ceil(shares[i] * VALUES);

        assert_near(hr_quantile_value(quantile, 0, shares[i]),
                    values[MAX(rank, 1) - 1]);
    }
}

static void
test_distributions(void)
{
    double (*const draws[])(GRand *) = {draw_uniform, draw_exponential,
                                        draw_bimodal, draw_any};
    guint32 seed = (guint32)g_test_rand_int();
    GRand *random = g_rand_new_with_seed(seed);

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < G_N_ELEMENTS(draws); i++)
        check_distribution(draws[i], random);
    g_rand_free(random);
}

/* ----------------------------------------------------------- one by one */

static int64_t
told(HrQuantile *quantile, int64_t value_us)
{
    hr_quantile_reset(quantile);
    hr_quantile_record(quantile, 0, value_us);
    return hr_quantile_value(quantile, 0, 0.5);
}

static void
test_every_value(void)
{
    g_autoptr(HrQuantile) quantile = hr_quantile_new(0);

    for (int64_t value = 1; value < 50; value++)
        g_assert_cmpint(told(quantile, value), ==, value);
    for (int64_t value = 50; value < 20000; value++)
        assert_near(told(quantile, value), value);
    for (double value = 20000; value < (double)DAY; value *= 1.0007)
        assert_near(told(quantile, (int64_t)value), (int64_t)value);
}

static void
test_bounds(void)
{
    g_autoptr(HrQuantile) quantile = hr_quantile_new(0);

    g_assert_cmpint(hr_quantile_value(quantile, 0, 0.95), ==, 0);
    g_assert_cmpint(told(quantile, 0), ==, 1);
    g_assert_cmpint(told(quantile, INT64_MIN), ==, 1);
    assert_near(told(quantile, DAY), DAY);
    assert_near(told(quantile, DAY + 1), DAY);
    assert_near(told(quantile, INT64_MAX), DAY);
}

static void
test_ranks(void)
{
    g_autoptr(HrQuantile) quantile = hr_quantile_new(0);

    for (int64_t value = 10; value <= 40; value += 10)
        hr_quantile_record(quantile, 0, value);
    g_assert_cmpint(hr_quantile_value(quantile, 0, -1), ==, 10);
    g_assert_cmpint(hr_quantile_value(quantile, 0, 0), ==, 10);
    g_assert_cmpint(hr_quantile_value(quantile, 0, 0.25), ==, 10);
    g_assert_cmpint(hr_quantile_value(quantile, 0, 0.26), ==, 20);
    g_assert_cmpint(hr_quantile_value(quantile, 0, 0.75), ==, 30);
    g_assert_cmpint(hr_quantile_value(quantile, 0, 0.76), ==, 40);
    g_assert_cmpint(hr_quantile_value(quantile, 0, 1), ==, 40);
    g_assert_cmpint(hr_quantile_value(quantile, 0, 2), ==, 40);
}

/* ---------------------------------------------------------------- fading */

static void
test_fading(void)
{
    g_autoptr(HrQuantile) quantile = hr_quantile_new(60 * S);

    hr_quantile_record(quantile, 100 * S, 10);
    hr_quantile_record(quantile, 159 * S, 20);
    hr_quantile_record(quantile, 160 * S, 30);
    g_assert_cmpuint(hr_quantile_count(quantile, 220 * S - 1), ==, 3);
    g_assert_cmpint(hr_quantile_value(quantile, 220 * S - 1, 0), ==, 10);
    g_assert_cmpuint(hr_quantile_count(quantile, 220 * S), ==, 1);
    g_assert_cmpint(hr_quantile_value(quantile, 220 * S, 0), ==, 30);
    g_assert_cmpuint(hr_quantile_count(quantile, 280 * S), ==, 0);
    g_assert_cmpint(hr_quantile_value(quantile, 280 * S, 1), ==, 0);
}

/* A value is there for one span at least and two at most, whatever happens
 * in between. */
static void
test_lifetime(void)
{
    for (int64_t age = 0; age < 30; age++) {
        for (int64_t begin = 0; begin < 10; begin++) {
            g_autoptr(HrQuantile) quantile = hr_quantile_new(10 * S);

            g_assert_cmpuint(hr_quantile_count(quantile, 0), ==, 0);
            hr_quantile_record(quantile, begin * S, 7);
            g_assert_cmpuint(hr_quantile_count(quantile, (begin + age) * S),
                             ==, begin + age < 20 ? 1 : 0);
        }
    }
}

static void
test_idle(void)
{
    g_autoptr(HrQuantile) quantile = hr_quantile_new(10 * S);

    hr_quantile_record(quantile, 0, 10);
    hr_quantile_record(quantile, 11 * S, 10);
    hr_quantile_record(quantile, 365 * DAY, 20);
    g_assert_cmpuint(hr_quantile_count(quantile, 365 * DAY), ==, 1);
    g_assert_cmpint(hr_quantile_value(quantile, 365 * DAY, 0), ==, 20);
}

static void
test_for_ever(void)
{
    g_autoptr(HrQuantile) quantile = hr_quantile_new(0);

    hr_quantile_record(quantile, 0, 10);
    hr_quantile_record(quantile, 365 * DAY, 20);
    g_assert_cmpuint(hr_quantile_count(quantile, INT64_MAX), ==, 2);
}

static void
test_backwards(void)
{
    g_autoptr(HrQuantile) quantile = hr_quantile_new(10 * S);

    hr_quantile_record(quantile, 1000 * S, 10);
    hr_quantile_record(quantile, 0, 20);
    g_assert_cmpuint(hr_quantile_count(quantile, 0), ==, 2);
    g_assert_cmpuint(hr_quantile_count(quantile, 1019 * S), ==, 2);
    g_assert_cmpuint(hr_quantile_count(quantile, 1020 * S), ==, 0);
}

/* ------------------------------------------------------------------ cost */

static void
test_memory(void)
{
    g_autoptr(HrQuantile) quantile = hr_quantile_new(S);

    g_test_message("%zu bytes", malloc_usable_size(quantile));
    g_assert_cmpuint(malloc_usable_size(quantile), <=, 2 * 12 * 1024);
}

static void
test_speed(void)
{
    g_autoptr(HrQuantile) quantile = hr_quantile_new(S);
    uint64_t random = 88172645463325252;
    int64_t begun_us = hr_clock_monotonic_us();
    int64_t sum = 0;
    int64_t recorded_us;
    int64_t told_us;

    for (int64_t i = 0; i < 1000000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        hr_quantile_record(quantile, i, (int64_t)(random >> 42));
    }
    recorded_us = hr_clock_monotonic_us() - begun_us;
    for (int64_t i = 0; i < 1000; i++)
        sum += hr_quantile_value(quantile, 1000000, 0.95);
    told_us = hr_clock_monotonic_us() - begun_us - recorded_us;
    assert_near(sum / 1000, (int64_t)(0.95 * (1 << 22)));
    g_test_message("a record takes %.1f ns, a look %.0f ns",
                   (double)recorded_us / 1000, (double)told_us);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/quantile/is-within-1-percent-of-the-sorted-list",
                    test_distributions);
    g_test_add_func("/quantile/is-within-1-percent-of-every-value",
                    test_every_value);
    g_test_add_func("/quantile/takes-what-is-outside-for-the-bound",
                    test_bounds);
    g_test_add_func("/quantile/is-the-smallest-that-covers-the-share",
                    test_ranks);
    g_test_add_func("/quantile/drops-the-older-half", test_fading);
    g_test_add_func("/quantile/keeps-a-value-for-one-to-two-spans",
                    test_lifetime);
    g_test_add_func("/quantile/forgets-all-after-a-long-rest", test_idle);
    g_test_add_func("/quantile/without-a-span-forgets-nothing", test_for_ever);
    g_test_add_func("/quantile/takes-time-going-back-for-standing",
                    test_backwards);
    g_test_add_func("/quantile/needs-little-memory", test_memory);
    g_test_add_func("/quantile/records-quickly", test_speed);
    return g_test_run();
}
