/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors, and what becomes of the system's numbers. */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "base/error.h"

static void
test_set(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(hr_error_set(&error, HR_QUOTA, "%s: %d", "full", 7));
    g_assert_error(error, HR_ERROR, HR_QUOTA);
    g_assert_cmpstr(error->message, ==, "full: 7");
    g_assert_false(hr_error_set(NULL, HR_QUOTA, "nobody listens"));
}

/* A better error may be made of a worse one. */
static void
test_set_again(void)
{
    g_autoptr(GError) error = NULL;

    hr_error_set(&error, HR_NETWORK, "inner");
    hr_error_set(&error, HR_CONFIG, "outer: %s", error->message);
    g_assert_error(error, HR_ERROR, HR_CONFIG);
    g_assert_cmpstr(error->message, ==, "outer: inner");
}

static void
test_status(void)
{
    g_autoptr(GError) ours = NULL;
    g_autoptr(GError) other =
        g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_NOENT, "gone");

    hr_error_set(&ours, HR_INTEGRITY, "wrong");
    g_assert_cmpint(hr_error_status(ours), ==, HR_INTEGRITY);
    g_assert_cmpint(hr_error_status(other), ==, HR_UNKNOWN);
    g_assert_cmpint(hr_error_status(NULL), ==, HR_OK);
}

static void
test_names(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (hr_status i = HR_OK; i <= HR_CONFIG; i++) {
        const char *name = hr_status_name(i);

        g_assert_cmpuint(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), ==,
                         strlen(name));
        g_assert_true(g_hash_table_add(seen, (void *)name));
    }
    g_assert_cmpstr(hr_status_name(HR_AUTH_DENIED), ==, "auth-denied");
    g_assert_cmpstr(hr_status_name(HR_CONFIG + 1), ==, "unknown");
    g_assert_cmpstr(hr_status_name(-1), ==, "unknown");
}

static void
test_errno(void)
{
    static const int cases[][2] = {
        {0, HR_OK},
        {ENOSPC, HR_LOCAL_RESOURCE},
        {EDQUOT, HR_LOCAL_RESOURCE},
        {EMFILE, HR_LOCAL_RESOURCE},
        {ENOMEM, HR_LOCAL_RESOURCE},
        {EIO, HR_LOCAL_RESOURCE},
        {EACCES, HR_AUTH_DENIED},
        {EPERM, HR_AUTH_DENIED},
        {EROFS, HR_AUTH_DENIED},
        {ENOENT, HR_NOT_FOUND},
        {ENOTDIR, HR_NOT_FOUND},
        {EEXIST, HR_CONFLICT},
        {ENOTEMPTY, HR_CONFLICT},
        {EISDIR, HR_INVALID},
        {ELOOP, HR_INVALID},
        {ETIMEDOUT, HR_TIMEOUT},
        {ECONNREFUSED, HR_NETWORK},
        {EXDEV, HR_UNKNOWN},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(hr_status_from_errno(cases[i][0]), ==, cases[i][1]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/has-its-class-and-sentence", test_set);
    g_test_add_func("/error/may-be-made-of-itself", test_set_again);
    g_test_add_func("/error/tells-its-class", test_status);
    g_test_add_func("/error/every-class-has-its-own-name", test_names);
    g_test_add_func("/error/numbers-of-the-system-have-a-class", test_errno);
    return g_test_run();
}
