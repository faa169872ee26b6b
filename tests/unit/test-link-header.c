/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the Link header, with published cases and some of our own. */
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "lib/link-header.h"

/* The values of a header that is there several times are one list. */
static char *
join_headers(const json_t *input)
{
    const json_t *headers = json_object_get(input, "headers");
    GString *joined = g_string_new(NULL);

    for (size_t i = 0; i < json_array_size(headers); i++)
        g_string_append_printf(joined, "%s%s", i > 0 ? ", " : "",
                               json_string_value(json_array_get(headers, i)));
    return g_string_free(joined, false);
}

/* The last part of an address that is what the header names: resolving it is
 * the host's. */
static void
check_next_url(const char *header, const json_t *expect)
{
    const char *url = json_string_value(json_object_get(expect, "url"));
    char target[1024];
    int found = hr_lib_link_next(header, target, sizeof target);

    if (url != NULL) {
        g_assert_cmpint(found, ==, 1);
        g_assert_true(g_str_has_suffix(url, target));
    } else if (json_object_get(expect, "error_or_none") != NULL) {
        g_assert_cmpint(found, <=, 0);
    } else if (strstr(header, "http://") == NULL) {
        g_assert_cmpint(found, ==, -1);
    }
}

static bool
asks_for_next(const json_t *input)
{
    const char *param = json_string_value(json_object_get(input, "param"));
    const char *value = json_string_value(json_object_get(input, "value"));

    return g_strcmp0(param, "rel") == 0 && g_strcmp0(value, "next") == 0;
}

/* False if the case is not one of paging. */
static bool
check_find(const char *header, const json_t *input, const json_t *expect)
{
    const char *uri = json_string_value(json_object_get(expect, "uri"));
    char target[1024];
    int found = hr_lib_link_next(header, target, sizeof target);

    /* Malformed to those who published it; where we differ (a "&" may stand
     * in a name), it is no next page at least. */
    if (json_object_get(expect, "error") != NULL) {
        g_assert_cmpint(found, <=, 0);
        return true;
    }
    if (!asks_for_next(input))
        return false;
    g_assert_cmpint(found, ==, uri != NULL ? 1 : 0);
    if (uri != NULL)
        g_assert_cmpstr(target, ==, uri);
    return true;
}

static const char *
find_listed(const json_t *links)
{
    for (size_t i = 0; i < json_array_size(links); i++) {
        const json_t *link = json_array_get(links, i);
        const json_t *params = json_object_get(link, "params");

        if (g_strcmp0(json_string_value(json_object_get(params, "rel")),
                      "next") == 0)
            return json_string_value(json_object_get(link, "uri"));
    }
    return NULL;
}

static void
check_list(const char *header, const json_t *expect)
{
    const char *uri = find_listed(json_object_get(expect, "links"));
    char target[1024];

    g_assert_cmpint(hr_lib_link_next(header, target, sizeof target), ==,
                    uri != NULL ? 1 : 0);
    if (uri != NULL)
        g_assert_cmpstr(target, ==, uri);
}

static bool
check_case(const json_t *one)
{
    const char *op = json_string_value(json_object_get(one, "op"));
    const json_t *input = json_object_get(one, "input");
    const json_t *expect = json_object_get(one, "expect");
    g_autofree char *header =
        json_is_object(input) ? join_headers(input) : g_strdup("");

    g_test_message("%s: %s", json_string_value(json_object_get(one, "id")),
                   header);
    if (strcmp(op, "find") == 0)
        return check_find(header, input, expect);
    if (strcmp(op, "next_url") == 0)
        check_next_url(header, expect);
    else if (strcmp(op, "list") == 0)
        check_list(header, expect);
    else
        return false;
    return true;
}

static void
test_vectors(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path = g_build_filename(
        top != NULL ? top : ".", "tests/unit/data/link-header.json", NULL);
    json_error_t problem;
    json_t *root = json_load_file(path, 0, &problem);
    const json_t *cases = json_object_get(root, "cases");
    unsigned checked = 0;

    if (root == NULL)
        g_error("%s: %s", path, problem.text);
    for (size_t i = 0; i < json_array_size(cases); i++)
        checked += check_case(json_array_get(cases, i));
    g_assert_cmpuint(checked, >=, 20);
    json_decref(root);
}

static void
test_finds_the_next_page(void)
{
    static const struct {
        const char *header;
        int found;
        const char *target;
    } cases[] = {
        {"</a>; rel=\"next\"", 1, "/a"},
        {"</a>;rel=next", 1, "/a"},
        {"</a> ; REL = \"NEXT\"", 1, "/a"},
        {"</a>; rel=\"prev next\"", 1, "/a"},
        {"</a>; rel=\"prev\tnext\"", 1, "/a"},
        {"</a>; rel=\"nexts\"", 0, NULL},
        {"</a>; rel=\"prev\"; rel=\"next\"", 0, NULL},
        {"</a>; rel=prev, </b>; rel=next", 1, "/b"},
        {", ,</a>; rel=next,", 1, "/a"},
        {"</a,b;c>; rel=next", 1, "/a,b;c"},
        {"</a>; title=\"x\\\"; rel=next\"; rel=next", 1, "/a"},
        {"</a>; title=\"rel=next, <b>\"", 0, NULL},
        {"</a>; rel=next;", 1, "/a"},
        {"</a>; type=text/html; rel=next", 1, "/a"},
        {"</a>", 0, NULL},
        {"", 0, NULL},
        {"  ", 0, NULL},
        {"</a> rel=next", -1, NULL},
        {"</a>; =next", -1, NULL},
        {"</a>; rel=\"next", -1, NULL},
        {"</a>; rel=\"next\\", -1, NULL},
        {"<>; rel=next", -1, NULL},
        {"</a; rel=next", -1, NULL},
        {"</a>; rel=a\\b", -1, NULL},
        {"</a>; rel=\"next\" media=\"print\"", -1, NULL},
        {"</a>; r&d=x; rel=next", 1, "/a"},
        {"/a; rel=next", -1, NULL},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        char target[64];

        g_test_message("%s", cases[i].header);
        g_assert_cmpint(
            hr_lib_link_next(cases[i].header, target, sizeof target), ==,
            cases[i].found);
        if (cases[i].target != NULL)
            g_assert_cmpstr(target, ==, cases[i].target);
    }
}

static void
test_refuses_a_target_that_does_not_fit(void)
{
    char target[4];

    g_assert_cmpint(hr_lib_link_next("</ab>; rel=next", target, 4), ==, 1);
    g_assert_cmpstr(target, ==, "/ab");
    g_assert_cmpint(hr_lib_link_next("</abc>; rel=next", target, 4), ==, -1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/link-header/reads-published-cases", test_vectors);
    g_test_add_func("/link-header/finds-the-next-page",
                    test_finds_the_next_page);
    g_test_add_func("/link-header/refuses-a-target-that-does-not-fit",
                    test_refuses_a_target_that_does_not_fit);
    return g_test_run();
}
