/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Windows: beside raw lists of calls, and with published cases. */
#include <glib.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "guard/window.h"

#define MS INT64_C(1000)
#define S (1000 * MS)

#define OPERATIONS 10000000
#define MEMORY 65536 /* calls that the oracle can remember */

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* --------------------------------------------------------------- oracle */

typedef struct Call {
    int64_t bucket;
    bool failed;
    bool slow;
    int64_t duration_us;
} Call;

/* Remembers whole calls, and adds them all up when asked. */
typedef struct Oracle {
    HrWindowKind kind;
    unsigned size;
    int64_t bucket_us;
    int64_t now_us; /* the latest time it was told */
    size_t first;
    size_t end;
    Call calls[MEMORY];
} Oracle;

static void
tell_time(Oracle *oracle, int64_t now_us)
{
    int64_t oldest;

    oracle->now_us = MAX(oracle->now_us, now_us);
    oldest = oracle->now_us / oracle->bucket_us - oracle->size + 1;
    if (oracle->kind == HR_WINDOW_COUNT)
        return;
    while (oracle->first < oracle->end &&
           oracle->calls[oracle->first % MEMORY].bucket < oldest)
        oracle->first++;
}

static void
tell_call(Oracle *oracle, int64_t now_us, bool failed, bool slow,
          int64_t duration_us)
{
    tell_time(oracle, now_us);
    oracle->calls[oracle->end++ % MEMORY] =
        (Call){oracle->now_us / oracle->bucket_us, failed, slow, duration_us};
    if (oracle->kind == HR_WINDOW_COUNT &&
        oracle->end - oracle->first > oracle->size)
        oracle->first++;
    g_assert_cmpuint(oracle->end - oracle->first, <, MEMORY);
}

static void
compare(const Oracle *oracle, const HrWindowTotals *totals)
{
    HrWindowTotals sum = {.calls = oracle->end - oracle->first};

    for (size_t i = oracle->first; i < oracle->end; i++) {
        const Call *call = &oracle->calls[i % MEMORY];

        sum.failures += call->failed;
        sum.slow += call->slow;
        sum.duration_us += (uint64_t)call->duration_us;
        sum.longest_us = MAX(sum.longest_us, call->duration_us);
    }
    g_assert_cmpuint(totals->calls, ==, sum.calls);
    g_assert_cmpuint(totals->failures, ==, sum.failures);
    g_assert_cmpuint(totals->slow, ==, sum.slow);
    g_assert_cmpuint(totals->duration_us, ==, sum.duration_us);
    g_assert_cmpint(totals->longest_us, ==, sum.longest_us);
}

/* Mostly a step that stays in the bucket or leaves it; at times a rest of up
 * to three windows, a year, or a jump back. */
static int64_t
next_time(uint64_t *random, int64_t now_us, int64_t bucket_us, int64_t span_us)
{
    uint64_t draw = next_random(random);
    unsigned kind = draw % 1024;

    draw >>= 10;
    if (kind == 0)
        return now_us + 365 * 24 * 3600 * S;
    if (kind < 4)
        return now_us + (int64_t)(draw % (3 * (uint64_t)span_us));
    if (kind < 8)
        return MAX(now_us - (int64_t)(draw % (uint64_t)span_us), 0);
    if (kind < 10)
        return now_us / bucket_us * bucket_us + span_us;
    return now_us + (int64_t)(draw % (uint64_t)bucket_us);
}

static void
run_operations(HrWindowKind kind, unsigned size, int64_t span_us,
               unsigned operations, uint64_t *random)
{
    g_autoptr(HrWindow) window = hr_window_new(kind, size, span_us);
    g_autofree Oracle *oracle = g_new0(Oracle, 1);
    int64_t now_us = 5 * S;
    HrWindowTotals totals;

    oracle->kind = kind;
    oracle->size = size;
    oracle->bucket_us = (span_us + size - 1) / size;
    for (unsigned i = 0; i < operations; i++) {
        uint64_t draw = next_random(random);

        now_us = next_time(random, now_us, oracle->bucket_us, span_us);
        if (draw % 4 == 0) {
            hr_window_totals(window, now_us, &totals);
            tell_time(oracle, now_us);
            compare(oracle, &totals);
        } else if (draw % 65536 == 1) {
            hr_window_reset(window);
            oracle->first = oracle->end;
        } else {
            bool failed = draw >> 20 & 1;
            bool slow = draw >> 21 & 1;
            int64_t duration_us = (int64_t)(draw >> 22) % 1000;

            hr_window_record(window, now_us, failed, slow, duration_us);
            tell_call(oracle, now_us, failed, slow, duration_us);
        }
    }
    hr_window_totals(window, now_us, &totals);
    tell_time(oracle, now_us);
    compare(oracle, &totals);
}

static void
test_oracle(void)
{
    static const struct {
        HrWindowKind kind;
        unsigned size;
        int64_t span_us;
    } windows[] = {
        {HR_WINDOW_TIME, 1, 1},     {HR_WINDOW_TIME, 1, S},
        {HR_WINDOW_TIME, 2, 7},     {HR_WINDOW_TIME, 3, 10 * MS + 1},
        {HR_WINDOW_TIME, 10, S},    {HR_WINDOW_TIME, 30, 30 * S},
        {HR_WINDOW_COUNT, 1, 1000}, {HR_WINDOW_COUNT, 2, 1000},
        {HR_WINDOW_COUNT, 7, 1000}, {HR_WINDOW_COUNT, 100, 1000},
    };
    uint64_t seed = (uint64_t)g_test_rand_int() << 1 | 1;

    g_test_message("seed %" G_GUINT64_FORMAT, seed);
    for (unsigned i = 0; i < G_N_ELEMENTS(windows); i++)
        run_operations(windows[i].kind, windows[i].size, windows[i].span_us,
                       OPERATIONS / G_N_ELEMENTS(windows), &seed);
}

/* ----------------------------------------------------------- by example */

static void
assert_totals(HrWindow *window, int64_t now_us, uint64_t calls,
              uint64_t failures, int64_t longest_us)
{
    HrWindowTotals totals;

    hr_window_totals(window, now_us, &totals);
    g_assert_cmpuint(totals.calls, ==, calls);
    g_assert_cmpuint(totals.failures, ==, failures);
    g_assert_cmpint(totals.longest_us, ==, longest_us);
}

static void
test_idle(void)
{
    g_autoptr(HrWindow) window = hr_window_new(HR_WINDOW_TIME, 3, 3 * S);

    assert_totals(window, 0, 0, 0, 0);
    hr_window_record(window, 0, true, false, 9);
    hr_window_record(window, S, false, false, 5);
    assert_totals(window, 3 * S - 1, 2, 1, 9);
    assert_totals(window, 3 * S, 1, 0, 5);
    assert_totals(window, 4 * S, 0, 0, 0);
    hr_window_record(window, 4 * S, false, false, 1);
    assert_totals(window, INT64_MAX, 0, 0, 0);
    hr_window_record(window, INT64_MAX, true, false, 2);
    assert_totals(window, INT64_MAX, 1, 1, 2);
}

static void
test_backwards(void)
{
    g_autoptr(HrWindow) window = hr_window_new(HR_WINDOW_TIME, 2, 2 * S);

    hr_window_record(window, 10 * S, false, false, 3);
    hr_window_record(window, 2 * S, true, false, 7);
    assert_totals(window, 0, 2, 1, 7);
    /* Both were taken to be of second 10. */
    assert_totals(window, 12 * S - 1, 2, 1, 7);
    assert_totals(window, 12 * S, 0, 0, 0);
}

static void
test_negative_time(void)
{
    g_autoptr(HrWindow) window = hr_window_new(HR_WINDOW_TIME, 3, 3 * S);

    hr_window_record(window, -S - 1, true, false, 1);
    hr_window_record(window, -1, false, false, 2);
    hr_window_record(window, 0, false, false, 3);
    assert_totals(window, S - 1, 3, 1, 3);
    assert_totals(window, S, 2, 0, 3);
    assert_totals(window, 2 * S, 1, 0, 3);
    assert_totals(window, 3 * S, 0, 0, 0);
}

static void
test_one(void)
{
    g_autoptr(HrWindow) last = hr_window_new(HR_WINDOW_COUNT, 1, 0);
    g_autoptr(HrWindow) part = hr_window_new(HR_WINDOW_TIME, 1, S);

    hr_window_record(last, 0, true, true, 50);
    assert_totals(last, 0, 1, 1, 50);
    hr_window_record(last, 0, false, true, 5);
    assert_totals(last, 0, 1, 0, 5);
    /* Calls that are counted do not age. */
    assert_totals(last, INT64_MAX, 1, 0, 5);

    hr_window_record(part, 0, true, false, 50);
    hr_window_record(part, S - 1, true, false, 5);
    assert_totals(part, S - 1, 2, 2, 50);
    assert_totals(part, S, 0, 0, 0);
}

static void
test_reset(void)
{
    g_autoptr(HrWindow) window = hr_window_new(HR_WINDOW_COUNT, 3, 0);
    HrWindowTotals totals;

    for (unsigned i = 0; i < 5; i++)
        hr_window_record(window, 0, true, true, 50 - i);
    hr_window_reset(window);
    hr_window_totals(window, 0, &totals);
    g_assert_cmpuint(totals.calls + totals.failures + totals.slow, ==, 0);
    g_assert_cmpuint(totals.duration_us, ==, 0);
    g_assert_cmpint(totals.longest_us, ==, 0);
    hr_window_record(window, 0, false, false, 4);
    assert_totals(window, 0, 1, 0, 4);
}

static void
test_speed(void)
{
    g_autoptr(HrWindow) window = hr_window_new(HR_WINDOW_TIME, 30, 30 * S);
    uint64_t random = 88172645463325252;
    HrWindowTotals totals;
    int64_t begun_us = hr_clock_monotonic_us();
    int64_t now_us = 0;
    int64_t took_us;

    for (unsigned i = 0; i < 1000000; i++) {
        now_us += (int64_t)(next_random(&random) % 1000);
        hr_window_record(window, now_us, random >> 20 & 1, random >> 21 & 1,
                         (int64_t)(random >> 44));
    }
    took_us = hr_clock_monotonic_us() - begun_us;
    hr_window_totals(window, now_us, &totals);
    g_assert_cmpuint(totals.calls, >, 0);
    g_test_message("a record takes %.1f ns", (double)took_us / 1000);
}

/* ------------------------------------------------------ published cases */

typedef struct Skipped {
    unsigned breakers;
    unsigned limiters;
    unsigned fields;
} Skipped;

static double
number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* A share of calls; none of none. */
static double
share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static double
two_digits(double value)
{
    return round(value * 100) / 100;
}

/* What the published cases call `key`; false if our windows do not tell. */
static bool
look_up(const HrWindowTotals *totals, const char *key, double *value)
{
    uint64_t calls = totals->calls;
    const struct {
        const char *key;
        double value;
    } known[] = {
        {"total", (double)calls},
        {"successes", (double)(calls - totals->failures)},
        {"failures", (double)totals->failures},
        {"slow", (double)totals->slow},
        {"total_ms", (double)totals->duration_us / MS},
        {"average_ms", share(totals->duration_us, calls) / MS},
        {"failure_rate", 100 * share(totals->failures, calls)},
        {"slow_rate", 100 * share(totals->slow, calls)},
        {"failure_rate_2", two_digits(share(totals->failures, calls))},
        {"success_rate", two_digits(share(calls - totals->failures, calls))},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(known); i++) {
        if (strcmp(known[i].key, key) == 0) {
            *value = known[i].value;
            return true;
        }
    }
    return false;
}

static void
check_totals(const HrWindowTotals *totals, json_t *expect, Skipped *skipped)
{
    const char *key;
    json_t *expected;

    if (json_object_get(expect, "slow_successes") != NULL)
        g_assert_cmpuint(totals->slow, ==,
                         (uint64_t)(number(expect, "slow_successes") +
                                    number(expect, "slow_failures")));
    json_object_foreach (expect, key, expected) {
        double value;

        if (look_up(totals, key, &value))
            g_assert_cmpfloat_with_epsilon(value, json_number_value(expected),
                                           1e-5);
        else if (strcmp(key, "slow_successes") == 0 ||
                 strcmp(key, "slow_failures") == 0)
            skipped->fields++;
        else
            g_error("unknown field %s", key);
    }
}

static void
record_many(HrWindow *window, int64_t now_us, const char *outcomes)
{
    for (const char *p = outcomes; *p != '\0'; p++)
        hr_window_record(window, now_us, *p == 'f', false, 0);
}

static void
take_step(HrWindow *window, int64_t *now_us, const json_t *step)
{
    const char *verb = json_string_value(json_array_get(step, 0));
    const json_t *argument = json_array_get(step, 1);
    const char *outcome = json_string_value(argument);

    if (strcmp(verb, "advance_ms") == 0)
        *now_us += json_integer_value(argument) * MS;
    else if (strcmp(verb, "record_many") == 0)
        record_many(window, *now_us, outcome);
    else if (strcmp(verb, "record") == 0)
        hr_window_record(window, *now_us, g_str_has_suffix(outcome, "error"),
                         g_str_has_prefix(outcome, "slow"),
                         json_integer_value(json_array_get(step, 2)) * MS);
    else if (strcmp(verb, "check") != 0)
        g_error("unknown step %s", verb);
}

static HrWindow *
make_window(const json_t *input, int64_t *now_us)
{
    const char *kind = json_string_value(json_object_get(input, "kind"));
    const json_t *size = json_object_get(input, "size");
    unsigned plain = (unsigned)json_integer_value(size);
    unsigned buckets = (unsigned)number(size, "buckets");

    *now_us = 0;
    if (strcmp(kind, "count") == 0)
        return hr_window_new(HR_WINDOW_COUNT, plain, 0);
    if (strcmp(kind, "time") == 0)
        return hr_window_new(HR_WINDOW_TIME, plain, plain * S);
    g_assert_cmpstr(kind, ==, "time_buckets");
    *now_us = (int64_t)number(size, "start_ms") * MS;
    return hr_window_new(HR_WINDOW_TIME, buckets,
                         buckets * (int64_t)number(size, "bucket_ms") * MS);
}

static void
check_window(const json_t *one, Skipped *skipped)
{
    const json_t *input = json_object_get(one, "input");
    const json_t *steps = json_object_get(input, "steps");
    const json_t *expect = json_object_get(one, "expect");
    int64_t now_us;
    g_autoptr(HrWindow) window = make_window(input, &now_us);

    g_assert_cmpuint(json_array_size(steps), ==, json_array_size(expect));
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_t *expected = json_array_get(expect, i);
        HrWindowTotals totals;

        take_step(window, &now_us, json_array_get(steps, i));
        if (json_is_null(expected))
            continue;
        hr_window_totals(window, now_us, &totals);
        check_totals(&totals, expected, skipped);
    }
}

/* In buckets of a second, which all times of these cases are multiples of. */
static void
check_max_window(const json_t *one)
{
    const json_t *input = json_object_get(one, "input");
    const json_t *add = json_object_get(input, "add");
    const json_t *max = json_object_get(json_object_get(one, "expect"), "max");
    int64_t span_us = (int64_t)number(input, "window_ms") * MS;
    g_autoptr(HrWindow) window =
        hr_window_new(HR_WINDOW_TIME, (unsigned)(span_us / S), span_us);

    for (size_t i = 0; i < json_array_size(add); i++) {
        const json_t *pair = json_array_get(add, i);
        int64_t value = json_integer_value(json_array_get(pair, 0));
        int64_t now_us = json_integer_value(json_array_get(pair, 1)) * MS;
        HrWindowTotals totals;

        hr_window_record(window, now_us, false, false, value);
        hr_window_totals(window, now_us, &totals);
        g_assert_cmpint(totals.longest_us, ==,
                        json_integer_value(json_array_get(max, i)));
    }
}

/* True if the case was checked. */
static bool
check_case(const json_t *one, Skipped *skipped)
{
    const char *op = json_string_value(json_object_get(one, "op"));

    g_test_message("%s", json_string_value(json_object_get(one, "id")));
    if (strcmp(op, "window") == 0)
        check_window(one, skipped);
    else if (strcmp(op, "max_window") == 0)
        check_max_window(one);
    else if (g_str_has_prefix(op, "breaker"))
        skipped->breakers++;
    else if (g_str_has_suffix(op, "_limiter"))
        skipped->limiters++;
    else
        g_error("unknown op %s", op);
    return strstr(op, "window") != NULL;
}

static void
test_vectors(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path =
        g_build_filename(top != NULL ? top : ".",
                         "tests/unit/vectors/breaker-window.json", NULL);
    json_error_t problem;
    json_t *root = json_load_file(path, 0, &problem);
    const json_t *cases = json_object_get(root, "cases");
    Skipped skipped = {0};
    unsigned checked = 0;

    if (root == NULL)
        g_error("%s: %s", path, problem.text);
    for (size_t i = 0; i < json_array_size(cases); i++)
        checked += check_case(json_array_get(cases, i), &skipped);
    g_test_message("checked %u; skipped %u of breakers and %u of limiters, "
                   "which are no windows, and %u fields, since slow calls are "
                   "not told apart by success",
                   checked, skipped.breakers, skipped.limiters,
                   skipped.fields);
    g_assert_cmpuint(checked, ==, 12);
    json_decref(root);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/window/agrees-with-a-list-of-calls", test_oracle);
    g_test_add_func("/window/empties-while-idle", test_idle);
    g_test_add_func("/window/takes-time-going-back-for-standing",
                    test_backwards);
    g_test_add_func("/window/passes-the-clocks-zero", test_negative_time);
    g_test_add_func("/window/of-one-holds-one", test_one);
    g_test_add_func("/window/is-empty-after-a-reset", test_reset);
    g_test_add_func("/window/records-quickly", test_speed);
    g_test_add_func("/window/agrees-with-published-cases", test_vectors);
    return g_test_run();
}
