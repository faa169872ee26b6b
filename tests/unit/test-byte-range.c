/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What servers say of the bytes that they send, and of those they have. */
#include <glib.h>

#include "net/byte-range.h"

static void
test_answers(void)
{
    static const struct {
        const char *text;
        HrByteRange range;
    } cases[] = {
        {"bytes 100-199/200", {100, 199, 200}},
        {"bytes 0-0/1", {0, 0, 1}},
        {"bytes 0-0/*", {0, 0, -1}},
        {"Bytes 5-9/*", {5, 9, -1}},
        {" bytes \t5-9/10 ", {5, 9, 10}},
        {"bytes 007-008/009", {7, 8, 9}},
        {"bytes 0-9223372036854775806/9223372036854775807",
         {0, INT64_MAX - 1, INT64_MAX}},
        {"bytes 9223372036854775806-9223372036854775806/*",
         {INT64_MAX - 1, INT64_MAX - 1, -1}},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        HrByteRange range;

        g_test_message("%s", cases[i].text);
        g_assert_true(hr_byte_range_parse(cases[i].text, &range));
        g_assert_cmpint(range.first, ==, cases[i].range.first);
        g_assert_cmpint(range.last, ==, cases[i].range.last);
        g_assert_cmpint(range.total, ==, cases[i].range.total);
    }
}

static void
test_bad_answers(void)
{
    static const char *const texts[] = {
        "",
        "bytes",
        "bytes ",
        "bytes=0-9/10",
        "bytes0-9/10",
        "byte 0-9/10",
        "items 0-9/10",
        "bytes */10",
        "bytes -9/10",
        "bytes 0-/10",
        "bytes 0-9",
        "bytes 0-9/",
        "bytes 0-9/x",
        "bytes 0-9/10x",
        "bytes 0-9/10,",
        "bytes 0-9/**",
        "bytes 0 -9/10",
        "bytes 0- 9/10",
        "bytes +0-9/10",
        "bytes 0-+9/10",
        "bytes 0--9/10",
        "bytes 9-8/10",
        "bytes 0-10/10",
        "bytes 0-9/-1",
        "bytes 0-9223372036854775807/*",
        "bytes 0-9223372036854775808/*",
        "bytes 0-9/9223372036854775808",
        "bytes 18446744073709551616-18446744073709551617/*",
        "bytes 99999999999999999999999999-1/*",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        HrByteRange range = {-7, -7, -7};

        g_test_message("%s", texts[i]);
        g_assert_false(hr_byte_range_parse(texts[i], &range));
        g_assert_cmpint(range.first, ==, -7);
        g_assert_cmpint(range.last, ==, -7);
        g_assert_cmpint(range.total, ==, -7);
    }
}

static void
test_uploads(void)
{
    static const struct {
        const char *text;
        int64_t arrived_bytes;
    } cases[] = {
        {"0-0", 1},
        {"0-99", 100},
        {" 0-99\t", 100},
        {"bytes=0-99", 100},
        {"bytes 0-99", 100},
        {"BYTES=0-99", 100},
        {"0-9223372036854775806", INT64_MAX},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t arrived = -7;

        g_test_message("%s", cases[i].text);
        g_assert_true(hr_byte_range_parse_upload(cases[i].text, &arrived));
        g_assert_cmpint(arrived, ==, cases[i].arrived_bytes);
    }
}

static void
test_bad_uploads(void)
{
    static const char *const texts[] = {
        "",      "0",         "0-",     "-9",          "1-9",
        "0--1",  "0-9/10",    "0-9x",   "0-9,10-19",   "bytes",
        "Range", "bytes0-9",  "bytes=", "bytes= 0-9",  "items=0-9",
        "0 - 9", "bytes==0-", "+0-9",   "bytes=*/100", "0-9223372036854775807",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        int64_t arrived = -7;

        g_test_message("%s", texts[i]);
        g_assert_false(hr_byte_range_parse_upload(texts[i], &arrived));
        g_assert_cmpint(arrived, ==, -7);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/byte-range/answers-say-which-part-they-are",
                    test_answers);
    g_test_add_func("/byte-range/what-does-not-hold-together-is-refused",
                    test_bad_answers);
    g_test_add_func("/byte-range/uploads-say-what-has-arrived", test_uploads);
    g_test_add_func("/byte-range/uploads-without-a-beginning-are-refused",
                    test_bad_uploads);
    return g_test_run();
}
