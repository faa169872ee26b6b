/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CUBIC: against published cases, and against a server with a limit. */
#include <glib.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "guard/cubic.h"
#include "guard/rate.h"

#define SECOND 1000000

/* What a published event is called, and whether it is a refusal. */
static bool
is_throttle(const json_t *event)
{
    const char *kind = json_string_value(json_array_get(event, 0));

    g_assert_true(strcmp(kind, "success") == 0 ||
                  strcmp(kind, "throttle") == 0);
    return kind[0] == 't';
}

static double
number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    g_assert_true(json_is_number(value));
    return json_number_value(value);
}

static void
assert_near(double is, double should_be)
{
    g_assert_cmpfloat_with_epsilon(is, should_be, 1e-9);
}

/* In the middle of a bucket, with so much measured that only the curve
 * counts. */
static void
isolate_curve(HrCubic *cubic, int64_t now_us)
{
    cubic->measured = 1e12;
    cubic->bucket_us = now_us;
}

static void
check_cubic(const json_t *input, const json_t *expect)
{
    HrCubic cubic;
    json_t *event;
    size_t i;

    hr_cubic_init(&cubic, 0);
    cubic.on = true;
    cubic.last_maximum_rate = number(input, "last_max_rate");
    cubic.last_throttled_us =
        (int64_t)(number(input, "last_throttle_s") * SECOND);
    json_array_foreach (json_object_get(input, "events"), i, event) {
        int64_t now_us =
            (int64_t)(json_number_value(json_array_get(event, 1)) * SECOND);

        isolate_curve(&cubic, now_us);
        hr_cubic_update(&cubic, now_us, is_throttle(event));
        assert_near(cubic.rate, json_number_value(json_array_get(
                                    json_object_get(expect, "rate"), i)));
        /* The source's test sets what it calls the last maximum itself. */
        if (is_throttle(event))
            cubic.last_maximum_rate = cubic.rate;
    }
    g_assert_cmpuint(i, >, 0);
}

static void
check_adaptive(const json_t *input, const json_t *expect)
{
    const json_t *measured = json_object_get(expect, "measured_tx_rate");
    const json_t *rates = json_object_get(expect, "fill_rate");
    HrCubic cubic;
    json_t *event;
    size_t i;

    hr_cubic_init(&cubic, (int64_t)(number(input, "start_ms") * 1000));
    json_array_foreach (json_object_get(input, "events"), i, event) {
        int64_t now_us = 1000 * json_integer_value(json_array_get(event, 1));

        hr_cubic_update(&cubic, now_us, is_throttle(event));
        assert_near(cubic.measured,
                    json_number_value(json_array_get(measured, i)));
        assert_near(cubic.rate, json_number_value(json_array_get(rates, i)));
    }
    g_assert_cmpuint(i, >, 0);
}

static void
check_window(const json_t *input, const json_t *expect)
{
    HrCubic cubic;

    hr_cubic_init(&cubic, 0);
    cubic.last_maximum_rate = number(input, "starting_max_rate");
    isolate_curve(&cubic, 0);
    hr_cubic_update(&cubic, 0, false);
    assert_near(cubic.window_s, number(expect, "k"));
}

static void
check_error(const json_t *input, const json_t *expect)
{
    int64_t now_us = (int64_t)(number(input, "at_s") * SECOND);
    HrCubic cubic;

    hr_cubic_init(&cubic, 0);
    cubic.on = true;
    cubic.last_maximum_rate = number(input, "starting_max_rate");
    cubic.rate = number(input, "rate_when_throttled");
    isolate_curve(&cubic, now_us);
    g_assert_true(hr_cubic_update(&cubic, now_us, true));
    assert_near(cubic.rate, number(expect, "new_rate"));
    assert_near(cubic.last_maximum_rate, number(expect, "w_max"));
    assert_near(cubic.window_s, number(expect, "k"));
    /* No time has passed: the curve begins where the rate fell to. */
    hr_cubic_update(&cubic, now_us, false);
    assert_near(cubic.rate, number(expect, "new_rate"));
}

static void
check_measure(const json_t *input, const json_t *expect)
{
    const json_t *rates = json_object_get(expect, "rate");
    HrCubic cubic;
    json_t *at;
    size_t i;

    hr_cubic_init(&cubic, (int64_t)(number(input, "start_s") * SECOND));
    json_array_foreach (json_object_get(input, "at_s"), i, at) {
        hr_cubic_update(&cubic, (int64_t)round(json_number_value(at) * SECOND),
                        false);
        if (rates != NULL)
            assert_near(cubic.measured,
                        json_number_value(json_array_get(rates, i)));
    }
    if (rates == NULL)
        assert_near(cubic.measured, number(expect, "final_rate_about"));
}

static bool
is_skipped(const char *op, const json_t *input)
{
    /* The retry policy's and the budget's, and a bucket that starts empty. */
    static const char *const others[] = {
        "attempts",   "backoff", "backoff_bound", "classify",    "cost",
        "header_max", "quota",   "sequence",      "token_bucket"};

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (strcmp(op, others[i]) == 0)
            return true;
    return json_is_number(json_object_get(input, "beta")) &&
           number(input, "beta") != 0.7;
}

static void
check_case(const json_t *vector)
{
    const char *op = json_string_value(json_object_get(vector, "op"));
    const json_t *input = json_object_get(vector, "input");
    const json_t *expect = json_object_get(vector, "expect");

    if (strcmp(op, "cubic") == 0)
        check_cubic(input, expect);
    else if (strcmp(op, "adaptive_update") == 0)
        check_adaptive(input, expect);
    else if (strcmp(op, "cubic_k") == 0)
        check_window(input, expect);
    else if (strcmp(op, "cubic_error") == 0)
        check_error(input, expect);
    else if (strcmp(op, "rate_measure") == 0)
        check_measure(input, expect);
    else
        g_error("unknown kind of case: %s", op);
}

static void
published_cases(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path =
        g_build_filename(top != NULL ? top : ".",
                         "tests/unit/vectors/retry-aws-2026.json", NULL);
    json_error_t error;
    json_t *all = json_load_file(path, 0, &error);
    unsigned skipped = 0;
    unsigned run = 0;
    json_t *vector;
    size_t i;

    if (all == NULL)
        g_error("%s: %s", path, error.text);
    json_array_foreach (json_object_get(all, "cases"), i, vector) {
        const char *op = json_string_value(json_object_get(vector, "op"));

        if (is_skipped(op, json_object_get(vector, "input"))) {
            skipped++;
            continue;
        }
        check_case(vector);
        run++;
    }
    g_test_message("%u cases run, %u skipped: about retries, another beta, "
                   "or another bucket",
                   run, skipped);
    g_assert_cmpuint(run, ==, 7);
    json_decref(all);
}

static void
off_until_throttled(void)
{
    HrCubic cubic;

    hr_cubic_init(&cubic, 0);
    for (unsigned i = 0; i < 100; i++)
        g_assert_false(hr_cubic_update(&cubic, i * 10000, false));
    g_assert_false(cubic.on);
    g_assert_true(hr_cubic_update(&cubic, SECOND, true));
    g_assert_true(cubic.on);
    g_assert_cmpfloat(cubic.rate, <, cubic.measured);
}

static void
rate_has_a_floor(void)
{
    HrCubic cubic;

    hr_cubic_init(&cubic, 0);
    for (unsigned i = 0; i < 1000; i++) {
        hr_cubic_update(&cubic, i * (int64_t)10 * SECOND, true);
        g_assert_cmpfloat(cubic.rate, >=, 0.5);
    }
    assert_near(cubic.rate, 0.5);
}

static void
rate_stays_below_twice_the_measured(void)
{
    HrCubic cubic;

    hr_cubic_init(&cubic, 0);
    hr_cubic_update(&cubic, SECOND, true);
    for (unsigned i = 0; i < 1000; i++) {
        hr_cubic_update(&cubic, (2 + i) * (int64_t)SECOND, false);
        g_assert_cmpfloat(cubic.rate, <=, MAX(2 * cubic.measured, 0.5));
    }
    /* The curve alone would be at millions. */
    g_assert_cmpfloat(cubic.rate, <, 3);
}

static void
clock_that_goes_back_is_harmless(void)
{
    HrCubic cubic;

    hr_cubic_init(&cubic, 100 * (int64_t)SECOND);
    hr_cubic_update(&cubic, 101 * (int64_t)SECOND, true);
    hr_cubic_update(&cubic, 0, false);
    hr_cubic_update(&cubic, 0, true);
    g_assert_true(isfinite(cubic.rate));
    g_assert_cmpfloat(cubic.rate, >=, 0.5);
}

/* A server that takes so many requests a second and refuses the others, and
 * a client with more to do than it may: a request goes when the limiter lets
 * it, with at most `places` under way, each answered after `rtt_us`. */
typedef struct Refuser {
    double limit;
    double burst;
    double level;
    int64_t at_us;
} Refuser;

typedef struct Share {
    double offered;
    double taken;
    double throttled;
} Share;

static bool
refuses(Refuser *server, int64_t now_us)
{
    server->level -= server->limit * (double)(now_us - server->at_us) / SECOND;
    server->level = fmax(server->level, 0);
    server->at_us = now_us;
    if (server->level + 1 > server->burst)
        return true;
    server->level += 1;
    return false;
}

#define PLACES 64

typedef struct Flight {
    int64_t answer_us;
    bool refused;
} Flight;

static Share
simulate(double limit, double burst, int64_t rtt_us, int64_t from_us,
         int64_t until_us)
{
    Refuser server = {.limit = limit, .burst = burst};
    Flight flights[PLACES]; /* a queue: answers come in order */
    unsigned first = 0;
    unsigned count = 0;
    Share share = {0};
    HrCubic cubic;
    HrRate rate;

    hr_cubic_init(&cubic, 0);
    hr_rate_init(&rate, 0, 1);
    for (int64_t now_us = 0; now_us < until_us;) {
        int64_t go_us = INT64_MAX;
        HrRateTicket ticket;

        while (count > 0 && flights[first].answer_us <= now_us) {
            if (hr_cubic_update(&cubic, now_us, flights[first].refused))
                hr_rate_set(&rate, now_us, cubic.rate, 1);
            first = (first + 1) % PLACES;
            count--;
        }
        if (count < PLACES)
            go_us = hr_rate_reserve(&rate, now_us, 1, now_us, &ticket);
        if (go_us <= now_us) {
            bool refused = refuses(&server, now_us);

            flights[(first + count++) % PLACES] =
                (Flight){now_us + rtt_us, refused};
            if (now_us >= from_us) {
                share.offered += 1;
                share.throttled += refused;
                share.taken += !refused;
            }
            continue;
        }
        if (count > 0)
            go_us = MIN(go_us, flights[first].answer_us);
        now_us = go_us;
    }
    return share;
}

static void
check_limit(double limit, double burst, int64_t rtt_us, double most_refused)
{
    const int64_t from_us = 60 * (int64_t)SECOND;
    const int64_t until_us = 660 * (int64_t)SECOND;
    Share share = simulate(limit, burst, rtt_us, from_us, until_us);
    double goodput = share.taken / (double)(until_us - from_us) * SECOND;
    double refused = share.throttled / share.offered;

    g_test_message("limit %g/s, burst %g, round trip %d ms: goodput %.1f %%, "
                   "throttled %.2f %%",
                   limit, burst, (int)(rtt_us / 1000), 100 * goodput / limit,
                   100 * refused);
    g_assert_cmpfloat(refused, <, most_refused);
    g_assert_cmpfloat(goodput, >=, 0.9 * limit);
}

static void
server_with_a_limit(void)
{
    static const double limits[] = {50, 100, 300};

    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        check_limit(limits[i], 1.5, 30000, 0.01);
        check_limit(limits[i], 1 + limits[i] / 10, 30000, 0.01);
        check_limit(limits[i], 1 + limits[i] / 10, 200000, 0.01);
        check_limit(limits[i], limits[i], 200000, 0.01);
    }
    check_limit(1000, 100, 30000, 0.01);
}

/* The curve is back at the limit after 2 to 3 seconds, however slow that is:
 * one refusal in so long a time is more than 1 % of few requests. */
static void
server_with_a_low_limit(void)
{
    static const double limits[] = {10, 20};

    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        check_limit(limits[i], 3, 30000, 1 / (2 * limits[i]));
        check_limit(limits[i], 3, 200000, 1 / (2 * limits[i]));
    }
}

/* Ten refusals of what was under way at once count as one. */
static void
echoes_count_once(void)
{
    HrCubic cubic;
    double fallen;

    hr_cubic_init(&cubic, 0);
    for (unsigned i = 0; i <= 200; i++)
        hr_cubic_update(&cubic, i * 10000, false);
    g_assert_true(hr_cubic_update(&cubic, 2 * SECOND, true));
    fallen = cubic.rate;
    for (unsigned i = 0; i < 10; i++)
        g_assert_false(hr_cubic_update(&cubic, 2 * SECOND + i * 20000, true));
    assert_near(cubic.rate, fallen);
    g_assert_true(hr_cubic_update(&cubic, 2 * SECOND + SECOND / 2, true));
    g_assert_cmpfloat(cubic.rate, <=, 0.7 * fallen);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cubic/agrees-with-published-cases", published_cases);
    g_test_add_func("/cubic/is-off-until-throttled", off_until_throttled);
    g_test_add_func("/cubic/rate-has-a-floor", rate_has_a_floor);
    g_test_add_func("/cubic/rate-stays-below-twice-the-measured",
                    rate_stays_below_twice_the_measured);
    g_test_add_func("/cubic/clock-that-goes-back-is-harmless",
                    clock_that_goes_back_is_harmless);
    g_test_add_func("/cubic/finds-the-limit-of-a-server", server_with_a_limit);
    g_test_add_func("/cubic/finds-a-low-limit-too", server_with_a_low_limit);
    g_test_add_func("/cubic/echoes-of-one-excess-count-once",
                    echoes_count_once);
    return g_test_run();
}
