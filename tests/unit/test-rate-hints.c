/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rate hints: what servers send, what they should not, and the pace. */
#include <glib.h>

#include "guard/rate-hints.h"
#include "guard/structured-field.h"

#define WALL_S 1700000000
#define SECOND 1000000

/* One answer's fields, up to four, and what they say. */
typedef struct Case {
    const char *fields[8]; /* name, value, name, ... */
    double limit;
    double remaining;
    double reset_s;
    double window_s;
} Case;

static void
take_all(HrRateHints *hints, const char *const *fields, bool backwards)
{
    size_t count = 0;

    while (count < 8 && fields[count] != NULL)
        count += 2;
    hr_rate_hints_init(hints);
    for (size_t i = 0; i < count; i += 2) {
        size_t at = backwards ? count - 2 - i : i;

        hr_rate_hints_take(hints, fields[at], fields[at + 1], WALL_S);
    }
}

static void
check_case(const Case *expected)
{
    for (unsigned backwards = 0; backwards < 2; backwards++) {
        HrRateHints hints;

        take_all(&hints, expected->fields, backwards);
        g_assert_cmpfloat(hints.limit, ==, expected->limit);
        g_assert_cmpfloat(hints.remaining, ==, expected->remaining);
        g_assert_cmpfloat(hints.reset_s, ==, expected->reset_s);
        g_assert_cmpfloat(hints.window_s, ==, expected->window_s);
    }
}

static void
check_cases(const Case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_case(&cases[i]);
}

static void
structured(void)
{
    static const Case cases[] = {
        {{"RateLimit", "\"default\";r=50;t=30", "RateLimit-Policy",
          "\"default\";q=100;w=60"},
         100,
         50,
         30,
         60},
        {{"RateLimit", "default;r=50;t=30", "RateLimit-Policy",
          "default;q=100;w=60"},
         100,
         50,
         30,
         60},
        {{"RateLimit", "\"a b\\\"c\";r=5"}, -1, 5, -1, -1},
        {{"RateLimit-Policy", "\"default\";q=100;w=60"}, 100, -1, -1, 60},
        {{"RateLimit", " \"default\"; r=50; t=30 ,\t\"b\";r=60\t",
          "RateLimit-Policy", "\"default\";q=100;w=60, \"b\";q=90;w=5"},
         100,
         50,
         30,
         60},
        {{"RateLimit", "\"default\";r=50;t=30;pk=:cHNl:;x;y=?1;z=tok/en:*",
          "RateLimit-Policy", "\"default\";q=100;qu=\"requests\";w=60"},
         100,
         50,
         30,
         60},
        /* The last of equal parameters counts. */
        {{"RateLimit", "\"default\";r=50;r=40;t=30"}, -1, 40, 30, -1},
    };

    check_cases(cases, G_N_ELEMENTS(cases));
}

static void
tightest(void)
{
    static const Case cases[] = {
        {{"RateLimit", "\"second\";r=9;t=1, \"day\";r=50;t=3600",
          "RateLimit-Policy", "\"second\";q=10;w=1, \"day\";q=1000;w=86400"},
         1000,
         50,
         3600,
         86400},
        /* Nothing left is tight, whatever the limit. */
        {{"RateLimit", "\"a\";r=0;t=7, \"b\";r=1;t=3600", "RateLimit-Policy",
          "\"b\";q=1000;w=86400"},
         -1,
         0,
         7,
         -1},
        /* Of equals the one that lasts longer. */
        {{"RateLimit", "\"a\";r=0;t=7, \"b\";r=0;t=60, \"c\";r=0;t=1"},
         -1,
         0,
         60,
         -1},
        {{"RateLimit-Limit", "10;w=1, 500;w=3600", "RateLimit-Remaining",
          "9;w=1, 20;w=3600"},
         500,
         20,
         -1,
         3600},
        {{"X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "5",
          "RateLimit", "limit=10, remaining=9, reset=1"},
         100,
         5,
         -1,
         -1},
    };

    check_cases(cases, G_N_ELEMENTS(cases));
}

static void
other_units(void)
{
    static const Case cases[] = {
        {{"RateLimit", "\"bytes\";r=1;t=9, \"calls\";r=50;t=30",
          "RateLimit-Policy",
          "\"bytes\";q=1000;qu=\"content-bytes\";w=60, \"calls\";q=100;w=60"},
         100,
         50,
         30,
         60},
        {{"RateLimit", "\"bytes\";r=1;t=9", "RateLimit-Policy",
          "\"bytes\";q=1000;qu=\"content-bytes\";w=60"},
         -1,
         -1,
         -1,
         -1},
    };

    check_cases(cases, G_N_ELEMENTS(cases));
}

static void
earlier_forms(void)
{
    static const Case cases[] = {
        {{"RateLimit", "limit=100, remaining=50, reset=30"}, 100, 50, 30, -1},
        {{"RateLimit", "limit=100, remaining=50, reset=30", "RateLimit-Policy",
          "10;w=1, 100;w=60"},
         100,
         50,
         30,
         60},
        {{"RateLimit-Limit", "100", "RateLimit-Remaining", "50",
          "RateLimit-Reset", "30"},
         100,
         50,
         30,
         -1},
        {{"RateLimit-Limit", "10, 10;w=1, 50;w=60", "RateLimit-Remaining", "9",
          "RateLimit-Reset", "1"},
         10,
         9,
         1,
         1},
        {{"RateLimit-Limit", "100;w=60;comment=\"a, b\"",
          "RateLimit-Remaining", "50", "RateLimit-Reset", "30"},
         100,
         50,
         30,
         60},
    };

    check_cases(cases, G_N_ELEMENTS(cases));
}

static void
docker_hub(void)
{
    static const Case cases[] = {
        {{"ratelimit-limit", "100;w=21600", "ratelimit-remaining",
          "76;w=21600", "docker-ratelimit-source", "192.0.2.1"},
         100,
         76,
         -1,
         21600},
    };

    check_cases(cases, G_N_ELEMENTS(cases));
}

static void
x_fields(void)
{
    static const Case cases[] = {
        {{"X-RateLimit-Limit", "60", "X-RateLimit-Remaining", "56",
          "X-RateLimit-Reset", "30"},
         60,
         56,
         30,
         -1},
        {{"X-RATELIMIT-LIMIT", "60", "x-ratelimit-remaining", "56",
          "x-RateLimit-rEset", "1700000090"},
         60,
         56,
         90,
         -1},
        {{"X-RateLimit-Limit", "60", "X-RateLimit-Remaining", "56",
          "X-RateLimit-Reset", "1700000090500"},
         60,
         56,
         90.5,
         -1},
        /* A time that has passed. */
        {{"X-RateLimit-Limit", "60", "X-RateLimit-Remaining", "56",
          "X-RateLimit-Reset", "1699990000"},
         60,
         56,
         0,
         -1},
        {{"X-Ratelimit-Limit", "100", "X-Ratelimit-Remaining", "599.5",
          "X-Ratelimit-Reset", "12"},
         100,
         599.5,
         12,
         -1},
    };

    check_cases(cases, G_N_ELEMENTS(cases));
}

static void
malformed(void)
{
    static const char *const values[] = {
        "",
        " ",
        ",",
        "100,",
        ",100",
        "100 200",
        "-1",
        "+1",
        "1e3",
        "0x10",
        "1.",
        ".5",
        "1.2.3",
        "1234567890123456",
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "2023-11-14T22:13:20Z",
        "100;",
        "100;w",
        "100;w=",
        "100;w=-1",
        "100;w=x",
        "100;w=\"60\"",
        "100;W=60",
        "100;1w=60",
        "100;w=60;",
        "100;x=\"",
        "100;x=\"\\",
        "100;x=\"\\n\"",
        "100;x=:a",
        "100;x=?",
        "100;x=?2",
        "100, abc",
        "100, \"abc\"",
        "\"abc",
        "\"abc\\",
        "\"abc\";r=-1",
        "\"abc\";t=30",
        "\"abc\";r=abc;t=30",
        "\"abc\";r=5;t=30 \"def\";r=5",
        "limit=100; remaining=50; reset=30",
        "limit=100, remaining=-50, reset=30",
        "limit=100, remaining, reset=30",
        "limit=",
        "?1",
        ":YQ==:",
        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
        "\xff\xfe",
    };
    static const char *const names[] = {
        "RateLimit", "RateLimit-Limit", "RateLimit-Remaining",
        "RateLimit-Reset", "X-RateLimit-Reset"};

    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(names); j++) {
            HrRateHints hints;

            hr_rate_hints_init(&hints);
            hr_rate_hints_take(&hints, names[j], values[i], WALL_S);
            g_assert_cmpuint(hints.count, ==, 0);
            g_assert_cmpfloat(hints.limit, ==, -1);
            g_assert_cmpfloat(hints.remaining, ==, -1);
            g_assert_cmpfloat(hints.reset_s, ==, -1);
        }
    }
}

/* Each is right somewhere else. */
static void
misplaced(void)
{
    static const char *const fields[][2] = {
        {"RateLimit", "100"},
        {"RateLimit", "100;w=60"},
        {"RateLimit", "\"a\";q=100;w=60"},
        {"RateLimit-Policy", "\"a\";r=100;t=60"},
        {"RateLimit-Policy", "limit=100"},
        {"RateLimit-Limit", "limit=100"},
        {"RateLimit-Limit", "\"a\";q=100"},
        {"X-RateLimit-Remaining", "\"a\";r=100"},
        {"Retry-After", "100"},
        {"RateLimit-", "100"},
        {"RateLimit-Limits", "100"},
        {"", "100"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        HrRateHints hints;

        hr_rate_hints_init(&hints);
        hr_rate_hints_take(&hints, fields[i][0], fields[i][1], WALL_S);
        g_assert_cmpuint(hints.count, ==, 0);
        g_assert_cmpfloat(hints.limit, ==, -1);
        g_assert_cmpfloat(hints.remaining, ==, -1);
    }
}

static void
malformed_spoils_nothing(void)
{
    HrRateHints hints;

    hr_rate_hints_init(&hints);
    hr_rate_hints_take(&hints, "RateLimit", "\"a\";r=5;t=30", WALL_S);
    hr_rate_hints_take(&hints, "RateLimit", "\"a\";r=7;t=90, \"b\";r=x",
                       WALL_S);
    g_assert_cmpfloat(hints.remaining, ==, 5);
    g_assert_cmpfloat(hints.reset_s, ==, 30);
}

static void
too_many_policies(void)
{
    HrRateHints hints;

    hr_rate_hints_init(&hints);
    for (unsigned i = 0; i < 100; i++) {
        g_autofree char *value = g_strdup_printf("\"p%u\";r=%u", i, 100 - i);

        hr_rate_hints_take(&hints, "RateLimit", value, WALL_S);
    }
    g_assert_cmpuint(hints.count, ==, HR_RATE_HINTS_POLICIES);
}

static void
unknown_wall_clock(void)
{
    HrRateHints hints;

    hr_rate_hints_init(&hints);
    hr_rate_hints_take(&hints, "X-RateLimit-Reset", "1700000090", 0);
    g_assert_cmpfloat(hints.reset_s, ==, -1);
    hr_rate_hints_take(&hints, "X-RateLimit-Reset", "90", 0);
    g_assert_cmpfloat(hints.reset_s, ==, 90);
}

static bool
pace(double limit, double remaining, double reset_s, double window_s,
     double *per_s, int64_t *until_us)
{
    HrRateHints hints;

    hr_rate_hints_init(&hints);
    hints.limit = limit;
    hints.remaining = remaining;
    hints.reset_s = reset_s;
    hints.window_s = window_s;
    return hr_rate_hints_pace(&hints, 5 * SECOND, per_s, until_us);
}

static void
paces_when_scarce(void)
{
    int64_t until_us = 0;
    double per_s = 0;

    g_assert_false(pace(100, 100, 30, 60, &per_s, &until_us));
    g_assert_false(pace(100, 10, 30, 60, &per_s, &until_us));
    g_assert_true(pace(100, 9, 30, 60, &per_s, &until_us));
    g_assert_cmpfloat(per_s, ==, 0.3);
    g_assert_cmpint(until_us, ==, 35 * SECOND);

    /* Never 0: the last of them finds out whether it goes on. */
    g_assert_true(pace(100, 0, 20, 60, &per_s, &until_us));
    g_assert_cmpfloat(per_s, ==, 0.05);
    g_assert_cmpint(until_us, ==, 25 * SECOND);
    g_assert_true(pace(10, 0.5, 20, 60, &per_s, &until_us));
    g_assert_cmpfloat(per_s, ==, 0.05);

    /* Without a reset the whole window may still be ahead. */
    g_assert_true(pace(100, 5, -1, 21600, &per_s, &until_us));
    g_assert_cmpfloat(per_s, ==, 5.0 / 21600);

    /* Nothing left is scarce even of an unknown limit. */
    g_assert_true(pace(-1, 0, 10, -1, &per_s, &until_us));
    g_assert_cmpfloat(per_s, ==, 0.1);
}

static void
no_pace_without_knowledge(void)
{
    int64_t until_us = -7;
    double per_s = -7;

    g_assert_false(pace(-1, -1, -1, -1, &per_s, &until_us));
    g_assert_false(pace(100, -1, 30, 60, &per_s, &until_us));
    g_assert_false(pace(-1, 5, 30, 60, &per_s, &until_us));
    g_assert_false(pace(100, 5, -1, -1, &per_s, &until_us));
    /* It is over. */
    g_assert_false(pace(100, 5, 0, 60, &per_s, &until_us));
    g_assert_cmpfloat(per_s, ==, -7);
    g_assert_cmpint(until_us, ==, -7);
}

static void
absurd_resets_do_not_overflow(void)
{
    int64_t until_us = 0;
    double per_s = 0;

    g_assert_true(pace(100, 5, 999999999999999.0, -1, &per_s, &until_us));
    g_assert_cmpint(until_us, >, 0);
    g_assert_cmpint(until_us, <, 400 * (int64_t)86400 * SECOND);
    g_assert_cmpfloat(per_s, >, 0);
}

/* Whatever is read lies within the text, and is what the grammar allows. */
static void
garbage_is_survived(void)
{
    static const char signs[] = "\"\\;=,: ?ab1290.-rtqw*\t\x80";
    guint32 seed = g_random_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    HrFieldPart parts[HR_FIELD_PARTS];
    unsigned accepted = 0;

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < 300000; i++) {
        gint32 length = g_rand_int_range(random, 0, 12);
        g_autofree char *value = g_malloc0((gsize)length + 1);
        unsigned count;

        for (gint32 j = 0; j < length; j++)
            value[j] = signs[g_rand_int_range(random, 0, sizeof signs - 1)];
        count = hr_field_read(value, parts);
        accepted += count > 0;
        for (unsigned j = 0; j < count; j++) {
            const HrFieldPart *part = &parts[j];

            if (part->kind != HR_FIELD_NAME)
                g_assert_cmpfloat(part->number, >=, 0);
            if (part->kind == HR_FIELD_NUMBER)
                continue;
            g_assert_true(part->name.at >= value &&
                          part->name.at + part->name.length <= value + length);
        }
    }
    g_test_message("%u accepted", accepted);
    g_assert_cmpuint(accepted, >, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rate-hints/structured-fields-are-read", structured);
    g_test_add_func("/rate-hints/tightest-policy-counts", tightest);
    g_test_add_func("/rate-hints/other-units-are-left-out", other_units);
    g_test_add_func("/rate-hints/earlier-forms-are-read", earlier_forms);
    g_test_add_func("/rate-hints/docker-hub-is-read", docker_hub);
    g_test_add_func("/rate-hints/x-fields-are-read", x_fields);
    g_test_add_func("/rate-hints/malformed-is-ignored-whole", malformed);
    g_test_add_func("/rate-hints/misplaced-is-ignored", misplaced);
    g_test_add_func("/rate-hints/malformed-spoils-nothing",
                    malformed_spoils_nothing);
    g_test_add_func("/rate-hints/many-policies-are-bounded",
                    too_many_policies);
    g_test_add_func("/rate-hints/points-in-time-need-a-clock",
                    unknown_wall_clock);
    g_test_add_func("/rate-hints/paces-when-scarce", paces_when_scarce);
    g_test_add_func("/rate-hints/no-pace-without-knowledge",
                    no_pace_without_knowledge);
    g_test_add_func("/rate-hints/absurd-resets-do-not-overflow",
                    absurd_resets_do_not_overflow);
    g_test_add_func("/rate-hints/garbage-is-survived", garbage_is_survived);
    return g_test_run();
}
