/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges of bytes: what is read holds together, and reads back. */
#include "fuzz.h"

#include <inttypes.h>

#include "lib/upload-range.h"
#include "net/byte-range.h"

const char fuzz_noun[] = "byte-range";

static void
check_answer(const char *text)
{
    g_autofree char *own = NULL;
    g_autofree char *total = NULL;
    HrByteRange range;
    HrByteRange again;

    if (!hr_byte_range_parse(text, &range))
        return;
    g_assert_cmpint(range.first, >=, 0);
    g_assert_cmpint(range.first, <=, range.last);
    g_assert_cmpint(range.last, <, INT64_MAX);
    if (range.total != -1)
        g_assert_cmpint(range.last, <, range.total);
    total = range.total == -1 ? g_strdup("*")
                              : g_strdup_printf("%" PRId64, range.total);
    own = g_strdup_printf("bytes %" PRId64 "-%" PRId64 "/%s", range.first,
                          range.last, total);
    g_assert_true(hr_byte_range_parse(own, &again));
    g_assert_cmpint(again.first, ==, range.first);
    g_assert_cmpint(again.last, ==, range.last);
    g_assert_cmpint(again.total, ==, range.total);
}

static void
check_upload(const char *text)
{
    g_autofree char *own = NULL;
    int64_t arrived;
    int64_t again;

    if (!hr_byte_range_parse_upload(text, &arrived)) {
        g_assert_cmpuint(hr_lib_upload_range(text), ==, 0);
        return;
    }
    /* Plugins have a stricter one of their own. */
    if (hr_lib_upload_range(text) != 0)
        g_assert_cmpuint(hr_lib_upload_range(text), ==, (uint64_t)arrived);
    g_assert_cmpint(arrived, >, 0);
    own = g_strdup_printf("0-%" PRId64, arrived - 1);
    g_assert_true(hr_byte_range_parse_upload(own, &again));
    g_assert_cmpint(again, ==, arrived);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);

    check_answer(text);
    check_upload(text);
    return 0;
}
