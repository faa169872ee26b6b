/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The origin check, case by case. */
#include "net/origin.h"

#include <string.h>

#include "base/error.h"

typedef struct Case {
    const char *base;
    const char *given;
    HrOriginPurpose purpose;
    const char *expected; /* NULL: refused */
    bool same;
} Case;

static const Case cases[] = {
    /* Relative addresses stay where they came from. */
    {"https://a.example/v2/x/uploads/1", "/v2/x/uploads/2?s=t",
     HR_ORIGIN_UPLOAD, "https://a.example/v2/x/uploads/2?s=t", true},
    {"https://a.example/v2/_catalog?n=1", "?n=1&last=b", HR_ORIGIN_LINK,
     "https://a.example/v2/_catalog?n=1&last=b", true},
    {"http://a.example:5000/v2/x", "y", HR_ORIGIN_LINK,
     "http://a.example:5000/v2/y", true},
    /* The same origin has many spellings. */
    {"https://a.example/v2/", "https://A.Example:443/v2/u?s=1",
     HR_ORIGIN_UPLOAD, "", true},
    {"http://a.example:80/v2/", "http://a.example/v2/u", HR_ORIGIN_UPLOAD, "",
     true},
    /* Another host, or port, is another origin. */
    {"https://a.example/", "https://b.example/u", HR_ORIGIN_UPLOAD, NULL,
     false},
    {"https://a.example/", "https://a.example:8443/u", HR_ORIGIN_LINK, NULL,
     false},
    {"https://a.example/", "//b.example/u", HR_ORIGIN_LINK, NULL, false},
    {"https://a.example/", "https://a.example.b.example/", HR_ORIGIN_LINK,
     NULL, false},
    {"https://a.example/", "https://b.example/u", HR_ORIGIN_REDIRECT,
     "https://b.example/u", false},
    {"http://a.example/", "https://a.example/u", HR_ORIGIN_REDIRECT,
     "https://a.example/u", false},
    {"http://a.example/", "https://a.example/u", HR_ORIGIN_UPLOAD, NULL,
     false},
    /* Never from https to http. */
    {"https://a.example/", "http://a.example/u", HR_ORIGIN_REDIRECT, NULL,
     false},
    {"https://a.example/", "http://b.example/u", HR_ORIGIN_REDIRECT, NULL,
     false},
    /* Credentials in an address are a trap. */
    {"https://a.example/", "https://u:p@a.example/", HR_ORIGIN_LINK, NULL,
     false},
    {"https://a.example/", "https://a.example@b.example/", HR_ORIGIN_REDIRECT,
     NULL, false},
    {"https://a.example/", "https://@a.example/u", HR_ORIGIN_UPLOAD, NULL,
     false},
    /* Other schemes. */
    {"https://a.example/", "file:///etc/passwd", HR_ORIGIN_REDIRECT, NULL,
     false},
    {"https://a.example/", "ftp://a.example/u", HR_ORIGIN_REDIRECT, NULL,
     false},
    {"https://a.example/", "javascript:alert(1)", HR_ORIGIN_REDIRECT, NULL,
     false},
    /* Letters that a resolver may take for others, or for none. */
    {"https://a.example/", "https://\xef\xbd\x81.example/u",
     HR_ORIGIN_REDIRECT, NULL, false},
    {"https://a.example/", "https://b\xcd\xff.example/u", HR_ORIGIN_REDIRECT,
     NULL, false},
    {"https://b\xc3\xbc.example/v2/", "u?s=1", HR_ORIGIN_UPLOAD,
     "https://b\xc3\xbc.example/v2/u?s=1", true},
    /* Malformed. */
    {"https://a.example/", "https://", HR_ORIGIN_REDIRECT, NULL, false},
    {"https://a.example/", "https://a.example:99999/", HR_ORIGIN_LINK, NULL,
     false},
    {"https://a.example/", "/v2/a\r\nHost: b", HR_ORIGIN_LINK, NULL, false},
    {"https://a.example/", "/v2/a b", HR_ORIGIN_LINK, NULL, false},
};

static void
test_table(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *one = &cases[i];
        g_autoptr(GError) error = NULL;
        bool same = !one->same;
        g_autofree char *url = hr_origin_check(one->base, one->given,
                                               one->purpose, &same, &error);

        g_test_message("%s from %s", one->given, one->base);
        if (one->expected == NULL) {
            g_assert_null(url);
            g_assert_error(error, HR_ERROR, HR_INVALID);
            g_assert_nonnull(strstr(error->message, "not used"));
            continue;
        }
        g_assert_no_error(error);
        g_assert_nonnull(url);
        if (*one->expected != '\0')
            g_assert_cmpstr(url, ==, one->expected);
        g_assert_cmpint(same, ==, one->same);
    }
}

static void
test_secrets(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(hr_origin_check("https://a.example/",
                                  "https://b.example/u?token=s3cret",
                                  HR_ORIGIN_UPLOAD, NULL, &error));
    g_assert_null(strstr(error->message, "s3cret"));
}

static void
test_length(void)
{
    g_autofree char *filler = g_strnfill(100000, 'a');
    g_autofree char *given = g_strconcat("/v2/", filler, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(hr_origin_check("https://a.example/", given, HR_ORIGIN_LINK,
                                  NULL, &error));
    g_assert_error(error, HR_ERROR, HR_INVALID);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/origin/allows-and-refuses-as-the-table-says",
                    test_table);
    g_test_add_func("/origin/does-not-print-query-values", test_secrets);
    g_test_add_func("/origin/bounds-the-length-of-an-address", test_length);
    return g_test_run();
}
