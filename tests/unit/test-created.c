/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When artifacts were made, by their own word. */
#include "model/created.h"

#include <glib.h>
#include <string.h>

#include "model/manifest.h"

#define SECOND INT64_C(1000000)

static void
test_times(void)
{
    /* Seconds as `date -u -d ... +%s` gives them. */
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"2013-01-01T00:00:00Z", 1356998400 * SECOND},
        {"2024-02-29T12:34:56Z", 1709210096 * SECOND},
        {"2026-11-25T22:30:00.5Z", 1795645800 * SECOND + 500000},
        {"2026-11-25T22:30:00.123456789Z", 1795645800 * SECOND + 123456},
        {"2026-11-25T22:30:00.000000999Z", 1795645800 * SECOND},
        {"2026-11-25t22:30:00z", 1795645800 * SECOND},
        {"2026-11-25 22:30:00Z", 1795645800 * SECOND},
        {"2026-11-26T00:00:00+01:30", 1795645800 * SECOND},
        {"2026-11-25T14:30:00-08:00", 1795645800 * SECOND},
        {"2016-12-31T23:59:60Z", 1483228800 * SECOND},
        {"2000-03-01T00:00:00+00:00", HR_CREATED_UNKNOWN},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799) * SECOND},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(hr_created_parse(cases[i].text), ==, cases[i].us);
}

static void
test_no_times(void)
{
    static const char *const texts[] = {
        /* What writers put there who do not know, or do not tell. */
        "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1980-01-01T00:00:01Z",
        "2012-12-31T23:59:59.999999Z", "2013-01-01T00:00:00+00:01",
        "0000-00-00T00:00:00Z", "",
        /* What is no time. */
        "2026", "2026-11-25", "2026-11-25T22:30Z", "2026-11-25T22:30:00",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-04-31T00:00:00Z",
        "2025-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-11-25T24:00:00Z",
        "2026-11-25T22:60:00Z", "2026-11-25T22:30:61Z",
        "2026-11-25T22:30:00.Z", "2026-11-25T22:30:00+0100",
        "2026-11-25T22:30:00+24:00", "2026-11-25T22:30:00Z ",
        " 2026-11-25T22:30:00Z", "+026-11-25T22:30:00Z",
        "20261-11-25T22:30:00Z",
        "2026-11-25T22:30:00\xe2\x88\x92"
        "01:00",
        "yesterday", "1795645800"};

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        g_assert_cmpint(hr_created_parse(texts[i]), ==, HR_CREATED_UNKNOWN);
    g_assert_cmpint(hr_created_parse(NULL), ==, HR_CREATED_UNKNOWN);
}

/* Against the calendar of GLib, for every day of some centuries. */
static void
test_calendar(void)
{
    g_autoptr(GDateTime) day = g_date_time_new_utc(2013, 1, 1, 0, 0, 0);

    while (g_date_time_get_year(day) < 2413) {
        g_autofree char *text = g_date_time_format(day, "%Y-%m-%dT%H:%M:%SZ");
        GDateTime *next = g_date_time_add_days(day, 1);

        g_assert_cmpint(hr_created_parse(text), ==,
                        g_date_time_to_unix(day) * SECOND);
        g_date_time_unref(day);
        day = next;
    }
}

static int64_t
of_config(const char *text)
{
    return hr_created_of_config(text, strlen(text));
}

static void
test_config(void)
{
    g_assert_cmpint(of_config("{\"os\":\"linux\","
                              "\"created\":\"2013-01-01T00:00:01Z\"}"),
                    ==, 1356998401 * SECOND);
    g_assert_cmpint(of_config("{\"created\":null}"), ==, HR_CREATED_UNKNOWN);
    g_assert_cmpint(of_config("{\"created\":1356998401}"), ==,
                    HR_CREATED_UNKNOWN);
    g_assert_cmpint(of_config("{}"), ==, HR_CREATED_UNKNOWN);
    g_assert_cmpint(of_config("[1]"), ==, HR_CREATED_UNKNOWN);
    g_assert_cmpint(of_config("no JSON"), ==, HR_CREATED_UNKNOWN);
}

static int64_t
of_manifest(const char *annotations)
{
    g_autofree char *text = g_strdup_printf(
        "{\"schemaVersion\":2,\"manifests\":[],\"annotations\":%s}",
        annotations);
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(GError) error = NULL;
    g_autoptr(HrManifest) manifest =
        hr_manifest_parse(bytes, NULL, NULL, &error);

    g_assert_no_error(error);
    return manifest->created_us;
}

static void
test_annotation(void)
{
    g_assert_cmpint(of_manifest("{\"org.opencontainers.image.created\":"
                                "\"2013-01-01T00:00:01Z\"}"),
                    ==, 1356998401 * SECOND);
    g_assert_cmpint(
        of_manifest("{\"org.opencontainers.image.created\":\"soon\"}"), ==,
        HR_CREATED_UNKNOWN);
    g_assert_cmpint(of_manifest("{\"org.opencontainers.image.created\":7}"),
                    ==, HR_CREATED_UNKNOWN);
    g_assert_cmpint(of_manifest("\"none\""), ==, HR_CREATED_UNKNOWN);
    g_assert_cmpint(of_manifest("null"), ==, HR_CREATED_UNKNOWN);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/created/reads-times-with-offsets-and-fractions",
                    test_times);
    g_test_add_func("/created/what-is-no-time-is-not-known", test_no_times);
    g_test_add_func("/created/knows-the-calendar", test_calendar);
    g_test_add_func("/created/reads-the-config-of-an-image", test_config);
    g_test_add_func("/created/reads-annotations", test_annotation);
    return g_test_run();
}
