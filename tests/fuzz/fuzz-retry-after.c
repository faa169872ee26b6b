/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Retry-After and dates: the first line is the value, the second the Date of
 * the same answer.  Waits are bounded, and dates are written as they read. */
#include "fuzz.h"

#include "guard/retry-after.h"

#define WALL_S 1700000000
#define CENTURY_US (INT64_C(100) * 366 * 86400 * 1000000)

/* The last second that a date of four digits can name. */
#define LAST_S INT64_C(253402300799)

const char fuzz_noun[] = "retry-after";

static void
check_date(const char *text)
{
    g_autofree char *own = NULL;
    int64_t unix_s;
    int64_t again;

    if (!hr_http_date_parse(text, &unix_s))
        return;
    /* A leap second may be the first of the year 10000. */
    g_assert_cmpint(unix_s, <=, LAST_S + 1);
    own = hr_http_date_format(unix_s);
    if (unix_s > LAST_S)
        return;
    g_assert_nonnull(own);
    g_assert_true(hr_http_date_parse(own, &again));
    g_assert_cmpint(again, ==, unix_s);
}

static void
check_wait(const char *value, const char *date)
{
    int64_t wait_us;

    if (!hr_retry_after_parse(value, date, WALL_S, &wait_us))
        return;
    g_assert_cmpint(wait_us, >=, 0);
    g_assert_cmpint(wait_us, <=, CENTURY_US);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_auto(GStrv) lines = fuzz_lines(data, size, 2);

    if (lines[0] == NULL)
        return 0;
    check_date(lines[0]);
    check_wait(lines[0], NULL);
    if (lines[1] != NULL) {
        check_date(lines[1]);
        check_wait(lines[0], lines[1]);
    }
    return 0;
}
