/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of adding to the query of an address that a server gave. */
#include <glib.h>

#include "net/query.h"

static void
test_adds(gconstpointer data)
{
    const char *const *expected = data;
    char *out = hr_query_add(expected[1], expected[2], expected[3]);

    g_assert_cmpstr(out, ==, expected[4]);
    g_free(out);
}

static const char *const cases[][5] = {
    {"begins-a-query", "/v2/a/blobs/uploads/1", "digest", "sha256:ab",
     "/v2/a/blobs/uploads/1?digest=sha256:ab"},
    {"goes-on-with-a-query", "/u?_state=x%2Fy%3D", "digest", "sha256:ab",
     "/u?_state=x%2Fy%3D&digest=sha256:ab"},
    {"fills-an-empty-query", "/u?", "d", "v", "/u?d=v"},
    {"does-not-double-the-separator", "/u?a=b&", "d", "v", "/u?a=b&d=v"},
    {"stays-before-a-fragment", "/u#top?x", "d", "v", "/u?d=v#top?x"},
    {"takes-an-absolute-address", "https://h:5000/u?s=1", "d", "v",
     "https://h:5000/u?s=1&d=v"},
    {"takes-a-query-alone", "?s=1", "d", "v", "?s=1&d=v"},
    {"takes-nothing", "", "d", "v", "?d=v"},
    {"takes-an-empty-value", "/u", "d", "", "/u?d="},
    {"encodes-what-would-be-read-otherwise", "/u", "d", "a+b&c=d#e f%\xc3\xa9",
     "/u?d=a%2Bb%26c%3Dd%23e%20f%25%C3%A9"},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = g_strconcat("/query/", cases[i][0], NULL);

        g_test_add_data_func(name, cases[i], test_adds);
    }
    return g_test_run();
}
