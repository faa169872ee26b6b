/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When an image was made: as GLib reads the same time, but for what it rounds
 * and for leap seconds, and as it is written again.  The input is read as a
 * time, and as the config of an image. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "model/created.h"

/* 2013 to 9999, and the hours that are added far west. */
#define FIRST_US INT64_C(1356998400000000)
#define LAST_US (INT64_C(253402387199) * 1000000)

const char fuzz_noun[] = "created";

static int64_t
read_time(GDateTime *time)
{
    return g_date_time_to_unix(time) * 1000000 +
           g_date_time_get_microsecond(time);
}

static void
check_time(const char *text, int64_t created_us)
{
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) other = g_date_time_new_from_iso8601(text, utc);
    g_autoptr(GDateTime) own = NULL;
    g_autoptr(GDateTime) whole = NULL;
    g_autofree char *again = NULL;
    int64_t apart_us = strstr(text, ":60") != NULL ? 1000001 : 1;

    if (created_us == HR_CREATED_UNKNOWN)
        return;
    g_assert_cmpint(created_us, >=, FIRST_US);
    g_assert_cmpint(created_us, <=, LAST_US);
    if (other != NULL)
        g_assert_cmpint(llabs(read_time(other) - created_us), <=, apart_us);
    own = g_date_time_new_from_unix_utc(created_us / 1000000);
    if (own == NULL)
        return; /* the first hours of the year 10000 */
    whole = g_date_time_add(own, created_us % 1000000);
    again = g_date_time_format(whole, "%FT%T.%fZ");
    g_assert_cmpint(hr_created_parse(again), ==, created_us);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    int64_t of_config = hr_created_of_config((const char *)data, size);

    check_time(text, hr_created_parse(text));
    if (of_config != HR_CREATED_UNKNOWN)
        g_assert_cmpint(of_config, >=, FIRST_US);
    return 0;
}
