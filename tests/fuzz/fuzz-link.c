/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Link, and where the next page may be: never elsewhere.  The first line is
 * the header; its target is then checked as an address that a server gave,
 * and so is the second line.
 */
#include "fuzz.h"

#include <string.h>

#include "lib/link-header.h"
#include "net/origin.h"
#include "net/query.h"

#define BASE "https://registry.example:5000"

const char fuzz_noun[] = "link";

static void
check_header(const char *header)
{
    char target[256] = "";
    char again[256] = "";
    g_autofree char *own = NULL;

    if (hr_lib_link_next(header, target, sizeof target) != 1)
        return;
    g_assert_cmpuint(strlen(target), >, 0);
    g_assert_cmpuint(strlen(target), <, sizeof target);
    own = g_strdup_printf("<a>; rel=\"prev\", <%s>; rel=next", target);
    g_assert_cmpint(hr_lib_link_next(own, again, sizeof again), ==, 1);
    g_assert_cmpstr(again, ==, target);
    /* One that just does not fit is refused, not cut. */
    g_assert_cmpint(hr_lib_link_next(own, again, strlen(target)), ==, -1);
}

/* Where a URL leads, read without the help of libcurl. */
static void
check_url(const char *url, bool same)
{
    const char *authority = url + strlen("https://");
    g_autofree char *host = NULL;
    bool here;

    g_assert_true(g_str_has_prefix(url, "https://"));
    host = g_ascii_strdown(authority, (gssize)strcspn(authority, "/?#\\"));
    g_assert_null(strchr(host, '@'));
    here = strcmp(host, "registry.example:5000") == 0;
    g_assert_cmpint(here, ==, same);
}

static void
check_purpose(const char *given, HrOriginPurpose purpose)
{
    g_autoptr(GError) error = NULL;
    bool same = false;
    g_autofree char *url = hr_origin_check(BASE "/v2/a/tags/list?n=9", given,
                                           purpose, &same, &error);
    g_autofree char *again = NULL;

    fuzz_check_error(url == NULL, error);
    if (url == NULL)
        return;
    g_assert_true(same || purpose == HR_ORIGIN_REDIRECT);
    check_url(url, same);
    again = hr_origin_check(BASE "/", url, purpose, NULL, NULL);
    g_assert_cmpstr(again, ==, url);
}

static void
check_address(const char *given)
{
    g_autofree char *longer = hr_query_add(given, "last", "a b&c");

    check_purpose(given, HR_ORIGIN_LINK);
    check_purpose(given, HR_ORIGIN_UPLOAD);
    check_purpose(given, HR_ORIGIN_REDIRECT);
    g_assert_nonnull(strstr(longer, "last=a%20b%26c"));
    g_assert_true(g_str_has_suffix(longer, given + strcspn(given, "#")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_auto(GStrv) lines = fuzz_lines(data, size, 2);
    char target[8192];

    if (lines[0] == NULL)
        return 0;
    check_header(lines[0]);
    if (hr_lib_link_next(lines[0], target, sizeof target) == 1)
        check_address(target);
    if (lines[1] != NULL)
        check_address(lines[1]);
    return 0;
}
