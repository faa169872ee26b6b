/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets: kept apart, left out of dumps, wiped. */
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"

/* True if the mapping that holds `address` has the flag in its VmFlags, false
 * too if the kernel tells nothing. */
static bool
mapping_has_flag(const void *address, const char *flag, bool *known)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    bool inside = false;

    *known = false;
    if (!g_file_get_contents("/proc/self/smaps", &text, NULL, NULL))
        return false;
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        guint64 start;
        guint64 end;

        if (sscanf(*line, "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x ",
                   &start, &end) == 2)
            inside = (guint64)(guintptr)address >= start &&
                     (guint64)(guintptr)address < end;
        if (!inside || !g_str_has_prefix(*line, "VmFlags:"))
            continue;
        *known = true;
        return strstr(*line, flag) != NULL;
    }
    return false;
}

static void
test_reveals(void)
{
    char typed[] = "correct horse";
    g_autoptr(HrSecret) secret = hr_secret_new(typed);
    g_autoptr(HrSecret) empty = hr_secret_new("");

    hr_secret_wipe(typed, sizeof typed);
    g_assert_cmpstr(hr_secret_reveal(secret), ==, "correct horse");
    g_assert_cmpstr(hr_secret_reveal(empty), ==, "");
}

static void
test_long(void)
{
    g_autofree char *text = g_strnfill(10000, 'k');
    g_autoptr(HrSecret) secret = hr_secret_new(text);

    g_assert_cmpstr(hr_secret_reveal(secret), ==, text);
}

static void
test_references(void)
{
    HrSecret *secret = hr_secret_new("shared");
    HrSecret *same = hr_secret_ref(secret);

    g_assert_true(same == secret);
    hr_secret_unref(secret);
    g_assert_cmpstr(hr_secret_reveal(same), ==, "shared");
    hr_secret_unref(same);
    hr_secret_unref(NULL);
}

static void
test_dump(void)
{
    g_autoptr(HrSecret) secret = hr_secret_new("not for a core dump");
    bool known;
    bool kept_out = mapping_has_flag(hr_secret_reveal(secret), " dd", &known);

    if (!known) {
        g_test_skip("the kernel does not show the flags of mappings");
        return;
    }
    g_assert_true(kept_out);
    /* And the question can be answered with no: */
    g_assert_false(mapping_has_flag(&known, " dd", &known));
    g_assert_true(known);
}

static void
test_wipe(void)
{
    char text[] = "password";
    static const char nothing[sizeof text];

    hr_secret_wipe(text, sizeof text);
    g_assert_cmpmem(text, sizeof text, nothing, sizeof nothing);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/secret/reveals-what-it-was-given", test_reveals);
    g_test_add_func("/secret/may-be-longer-than-a-page", test_long);
    g_test_add_func("/secret/lives-until-the-last-reference", test_references);
    g_test_add_func("/secret/is-left-out-of-core-dumps", test_dump);
    g_test_add_func("/secret/wiping-leaves-zeros", test_wipe);
    return g_test_run();
}
