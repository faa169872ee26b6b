/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the options of a provider. */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "config/settings.h"

static bool
set(HrSettings *settings, uint32_t type, const char *text, GError **error)
{
    hr_option option = {
        .struct_size = sizeof option,
        .type = type,
        .name = "key",
    };

    return hr_settings_set(settings, &option, text, "/base", error);
}

static void
test_reads_each_type(void)
{
    static const struct {
        uint32_t type;
        const char *text;
        const char *kept;
        int64_t number;
    } cases[] = {
        {HR_OPTION_STRING, "", "", 0},
        {HR_OPTION_STRING, "12", "12", 0},
        {HR_OPTION_INTEGER, "12", "12", 12},
        {HR_OPTION_INTEGER, "-12", "-12", -12},
        {HR_OPTION_INTEGER, "5000000000", "5000000000", INT64_C(5000000000)},
        {HR_OPTION_BOOLEAN, "true", "true", 1},
        {HR_OPTION_BOOLEAN, "false", "false", 0},
        {HR_OPTION_SIZE, "5GiB", "5GiB", INT64_C(5) << 30},
        {HR_OPTION_DURATION, "1h30m", "1h30m", 5400000},
        {HR_OPTION_PATH, "/a/b", "/a/b", 0},
        {HR_OPTION_PATH, "a/b", "/base/a/b", 0},
        {HR_OPTION_PATH, "../b", "/b", 0},
        {HR_OPTION_PATH, "-", "-", 0},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(HrSettings) settings = hr_settings_new();
        g_autoptr(GError) error = NULL;

        g_assert_true(set(settings, cases[i].type, cases[i].text, &error));
        g_assert_no_error(error);
        g_assert_cmpstr(hr_settings_text(settings, "key"), ==, cases[i].kept);
        g_assert_cmpint(hr_settings_number(settings, "key"), ==,
                        cases[i].number);
    }
}

static void
test_refuses_what_does_not_fit(void)
{
    static const struct {
        uint32_t type;
        const char *text;
    } cases[] = {
        {HR_OPTION_INTEGER, ""},
        {HR_OPTION_INTEGER, "1x"},
        {HR_OPTION_INTEGER, " 1"},
        {HR_OPTION_INTEGER, "1.0"},
        {HR_OPTION_BOOLEAN, "yes"},
        {HR_OPTION_BOOLEAN, ""},
        {HR_OPTION_SIZE, "5 apples"},
        {HR_OPTION_SIZE, "-1B"},
        {HR_OPTION_DURATION, "30"},
        {HR_OPTION_DURATION, ""},
        {HR_OPTION_PATH, ""},
        {HR_OPTION_INTEGER, "99999999999999999999"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(HrSettings) settings = hr_settings_new();
        g_autoptr(GError) error = NULL;

        g_assert_false(set(settings, cases[i].type, cases[i].text, &error));
        g_assert_error(error, HR_ERROR, HR_CONFIG);
        g_assert_null(hr_settings_text(settings, "key"));
    }
}

static void
test_what_is_not_set_is_nothing(void)
{
    g_autoptr(HrSettings) settings = hr_settings_new();

    g_assert_null(hr_settings_text(settings, "key"));
    g_assert_cmpint(hr_settings_number(settings, "key"), ==, 0);
}

static void
test_the_last_value_counts(void)
{
    g_autoptr(HrSettings) settings = hr_settings_new();

    g_assert_true(set(settings, HR_OPTION_INTEGER, "1", NULL));
    g_assert_true(set(settings, HR_OPTION_INTEGER, "2", NULL));
    g_assert_cmpint(hr_settings_number(settings, "key"), ==, 2);
}

static void
append(const char *name, uint32_t type, const char *text, void *data)
{
    g_string_append_printf(data, "%s/%u/%s ", name, type, text);
}

static void
test_are_walked_in_order(void)
{
    static const char *const names[] = {"c", "a", "b"};
    g_autoptr(HrSettings) settings = hr_settings_new();
    g_autoptr(GString) seen = g_string_new(NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        hr_option option = {
            .struct_size = sizeof option,
            .type = HR_OPTION_STRING,
            .name = names[i],
        };

        g_assert_true(hr_settings_set(settings, &option, "x", "/base", NULL));
    }
    hr_settings_foreach(settings, append, seen);
    g_assert_cmpstr(seen->str, ==, "a/1/x b/1/x c/1/x ");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings/reads-each-type", test_reads_each_type);
    g_test_add_func("/settings/refuses-what-does-not-fit",
                    test_refuses_what_does_not_fit);
    g_test_add_func("/settings/what-is-not-set-is-nothing",
                    test_what_is_not_set_is_nothing);
    g_test_add_func("/settings/the-last-value-counts",
                    test_the_last_value_counts);
    g_test_add_func("/settings/are-walked-in-order", test_are_walked_in_order);
    return g_test_run();
}
