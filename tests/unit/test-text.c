/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts that people write and read. */
#include <glib.h>
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

typedef bool (*Parse)(const char *text, int64_t *value, GError **error);

typedef struct Number {
    const char *text;
    int64_t value;
} Number;

static void
assert_parses(Parse parse, const Number *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_autoptr(GError) error = NULL;
        int64_t value = -1;

        g_test_message("%s", cases[i].text);
        g_assert_true(parse(cases[i].text, &value, &error));
        g_assert_no_error(error);
        g_assert_cmpint(value, ==, cases[i].value);
    }
}

static void
assert_refuses(Parse parse, const char *const *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_autoptr(GError) error = NULL;
        int64_t value = -1;

        g_test_message("%s", cases[i]);
        g_assert_false(parse(cases[i], &value, &error));
        g_assert_error(error, HR_ERROR, HR_INVALID);
        /* Says what it was given, and leaves the value alone. */
        g_assert_nonnull(strstr(error->message, cases[i]));
        g_assert_cmpint(value, ==, -1);
    }
}

static void
test_sizes(void)
{
    static const Number good[] = {
        {"0", 0},
        {"512", 512},
        {"512B", 512},
        {"64KiB", 65536},
        {"5GiB", INT64_C(5368709120)},
        {"5000000000", INT64_C(5000000000)},
        {"1.5GiB", INT64_C(1610612736)},
        {"1.5MB", 1500000},
        {"0.29MB", 290000},
        {"0.1kB", 100},
        {"1kB", 1000},
        {"2TB", INT64_C(2000000000000)},
        {"1TiB", INT64_C(1) << 40},
        {"0.5", 0},
        {"007", 7},
        {"0.333333333333333333333333333kB", 333},
        {"9007199254740993", INT64_C(9007199254740993)},
        {"9223372036854775807", INT64_MAX},
        {"8388607TiB", INT64_C(8388607) << 40},
        {"8388607.999999999TiB", INT64_C(9223372036854774708)},
    };
    static const char *const bad[] = {
        "",
        " ",
        "-1",
        "+1",
        "1 GiB",
        " 1",
        "1 ",
        "GiB",
        "1gib",
        "1K",
        "1Gb",
        "1.GiB",
        ".5GiB",
        "1e3",
        "0x10",
        "1,5GiB",
        "1.5.5",
        "1GiB2",
        "nan",
        "inf",
        "9223372036854775808",
        "8388608TiB",
        "99999999999999999999999999999999999999",
        "9223372036854775807.9kB",
    };

    assert_parses(hr_text_parse_size, good, G_N_ELEMENTS(good));
    assert_refuses(hr_text_parse_size, bad, G_N_ELEMENTS(bad));
}

static void
test_durations(void)
{
    static const Number good[] = {
        {"0", 0},          {"0s", 0},
        {"250ms", 250},    {"10s", 10000},
        {"5m", 300000},    {"1h30m", 5400000},
        {"2d", 172800000}, {"1d2h3m4s5ms", 93784005},
        {"1.5h", 5400000}, {"0.29s", 290},
        {"0.0001s", 0},    {"36500d", INT64_C(36500) * 86400000},
    };
    static const char *const bad[] = {
        "",
        "5",
        "00",
        "-5s",
        "5 s",
        "s",
        "1h30",
        "5S",
        "5min",
        "5us",
        "1h-5m",
        "1.s",
        "36500d1ms",
        "9223372036854775807d",
        "99999999999999999999999999ms",
        "9223372036854775807ms9223372036854775807ms",
    };

    assert_parses(hr_text_parse_duration, good, G_N_ELEMENTS(good));
    assert_refuses(hr_text_parse_duration, bad, G_N_ELEMENTS(bad));
}

static void
test_format_size(void)
{
    static const Number cases[] = {
        {"0 B", 0},
        {"312 B", 312},
        {"999 B", 999},
        {"1.0 KiB", 1000},
        {"1.5 KiB", 1536},
        {"9.9 KiB", 10188},
        {"10 KiB", 10189},
        {"999 KiB", 1023487},
        {"1.0 MiB", 1023488},
        {"1.5 GiB", INT64_C(1610612736)},
        {"5.0 TiB", INT64_C(5) << 40},
        {"8.0 EiB", INT64_MAX},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = hr_text_format_size(cases[i].value);

        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

/* No more than three digits in a row, whatever the size. */
static void
test_format_size_width(void)
{
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t bits =
            (uint64_t)g_rand_int(random) << 32 | g_rand_int(random);
        int64_t bytes = (int64_t)(bits >> g_rand_int_range(random, 1, 64));
        g_autofree char *text = hr_text_format_size(bytes);

        if (strspn(text, "0123456789") > 3 || strlen(text) > 7)
            g_error("%" G_GINT64_FORMAT " became %s", bytes, text);
    }
}

static void
test_format_duration(void)
{
    static const Number cases[] = {
        {"0 ms", 0},
        {"1 ms", 900},
        {"40 ms", 40000},
        {"99 ms", 99499},
        {"0.1 s", 99500},
        {"0.8 s", 800000},
        {"59.9 s", 59949999},
        {"1 min 0 s", 59950000},
        {"3 min 20 s", 200000000},
        {"59 min 59 s", INT64_C(3599999999)},
        {"1 h 0 min", INT64_C(3600000000)},
        {"26 h 5 min", INT64_C(93900000000)},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = hr_text_format_duration(cases[i].value);

        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void
test_nearest(void)
{
    static const char *const keys[] = {"endpoints",  "source", "target",
                                       "tls_verify", "tags",   "ca_file",
                                       "log_level",  NULL};
    static const char *const nothing[] = {NULL};
    static const char *const cases[][2] = {
        {"endpoint", "endpoints"},
        {"sorce", "source"},
        {"suorce", "source"},
        {"traget", "target"},
        {"SOURCE", "source"},
        {"tls-verify", "tls_verify"},
        {"Tls-Verfiy", "tls_verify"},
        {"loglevel", "log_level"},
        {"tag", "tags"},
        {"cafile", "ca_file"},
        {"password", NULL},
        {"sauce pan", NULL},
        {"x", NULL},
        {"", NULL},
        /* a third of its length, and no more */
        {"tgas", "tags"},
        {"tgsa", NULL},
    };
    g_autofree char *longer = g_strnfill(500, 's');

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i][0]);
        g_assert_cmpstr(hr_text_nearest(cases[i][0], keys), ==, cases[i][1]);
    }
    g_assert_null(hr_text_nearest("source", nothing));
    g_assert_null(hr_text_nearest(longer, keys));
}

static void
test_nearest_of_several(void)
{
    static const char *const keys[] = {"retries_max", "retry_mex", "retry_max",
                                       "retry_may", NULL};

    g_assert_cmpstr(hr_text_nearest("retry-max", keys), ==, "retry_max");
    /* The first of equals. */
    g_assert_cmpstr(hr_text_nearest("retry_mix", keys), ==, "retry_mex");
}

static void
test_redact(void)
{
    static const char *const cases[][2] = {
        {"https://host/v2/a/b", "https://host/v2/a/b"},
        {"https://u:secret@host:5000/v2/", "https://***@host:5000/v2/"},
        {"https://secret@host", "https://***@host"},
        {"https://u:se@cret@host/p", "https://***@host/p"},
        {"https://u:se/cret@host/p", "https://***@host/p"},
        {"https://u:se?cret@host/p", "https://***@host/p"},
        {"https://u:se#cret@host/p", "https://***@host/p"},
        {"https://host/p@th", "https://host/p@th"},
        {"https://host:5000/a@sha256:12", "https://host:5000/a@sha256:12"},
        {"https://[::1]:5000/a@b", "https://[::1]:5000/a@b"},
        {"https://u:secret@[::1]/", "https://***@[::1]/"},
        {"https://host?sig=secret", "https://host?sig=***"},
        {"/v2/x/blobs/uploads/1?_state=secret&digest=sha256:secret",
         "/v2/x/blobs/uploads/1?_state=***&digest=***"},
        {"https://host/p?secret", "https://host/p?***"},
        {"https://host/p?a=secret=secret&b&c=",
         "https://host/p?a=***&***&c=***"},
        {"https://host/p?a=1#token=secret", "https://host/p?a=***"},
        {"https://host/p#secret", "https://host/p"},
        {"https://host?u=https://u:secret@h", "https://host?u=***"},
        {"/go?u=https://u:secret@h", "/go?u=***"},
        {"//u:secret@host/p", "//***@host/p"},
        {"u:secret@host/p", "***@host/p"},
        {"/v2/a:b@c", "/v2/a:b@c"},
        {"", ""},
        {"?", ""},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = hr_text_redact_url(cases[i][0]);

        g_test_message("%s", cases[i][0]);
        g_assert_cmpstr(text, ==, cases[i][1]);
        g_assert_null(strstr(text, "secret"));
    }
}

/* Whatever bytes go in, a JSON parser takes out the same text. */
static void
test_json(void)
{
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < 20000; i++) {
        char text[24] = {0};
        g_autofree char *valid = NULL;
        g_autoptr(GString) out = g_string_new("[");
        json_t *parsed;

        for (size_t j = 0; j < (size_t)g_rand_int_range(random, 0, 23); j++)
            text[j] = (char)g_rand_int_range(random, 1, 256);
        valid = g_utf8_make_valid(text, -1);
        hr_text_append_json(out, text);
        g_string_append_c(out, ']');
        g_assert_null(strpbrk(out->str, "\n\r\t\x1b\x7f"));
        parsed = json_loadb(out->str, out->len, 0, NULL);
        g_assert_nonnull(parsed);
        g_assert_cmpstr(json_string_value(json_array_get(parsed, 0)), ==,
                        valid);
        json_decref(parsed);
    }
}

static void
test_json_known(void)
{
    g_autoptr(GString) out = g_string_new(NULL);

    hr_text_append_json(out, "a\"b\\c\nd\te\x01\xff/\xc3\xa4");
    g_assert_cmpstr(out->str, ==,
                    "\"a\\\"b\\\\c\\nd\\u0009e\\u0001\xef\xbf\xbd/\xc3\xa4\"");
}

static void
test_one_line(void)
{
    static const char *const cases[][2] = {
        {"plain", "plain"},
        {"", ""},
        {"a\nb\r\tc", "a?b??c"},
        {"\033[31mred\x7f", "?[31mred?"},
        {"\xc2\x9b"
         "31m",
         "?31m"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"\xe2\x80\xa8x\xe2\x80\xae", "?x?"},
        {"\xff", "\xef\xbf\xbd"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = hr_text_one_line(cases[i][0]);

        g_assert_cmpstr(text, ==, cases[i][1]);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text/reads-sizes", test_sizes);
    g_test_add_func("/text/reads-durations", test_durations);
    g_test_add_func("/text/writes-sizes", test_format_size);
    g_test_add_func("/text/sizes-have-three-digits", test_format_size_width);
    g_test_add_func("/text/writes-durations", test_format_duration);
    g_test_add_func("/text/finds-what-was-meant", test_nearest);
    g_test_add_func("/text/finds-the-nearest-of-several",
                    test_nearest_of_several);
    g_test_add_func("/text/hides-the-secrets-of-a-url", test_redact);
    g_test_add_func("/text/json-strings-parse-back", test_json);
    g_test_add_func("/text/json-strings-are-escaped", test_json_known);
    g_test_add_func("/text/one-line-is-harmless", test_one_line);
    return g_test_run();
}
