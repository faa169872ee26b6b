/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of lists of names, as registries answer them. */
#include <glib.h>
#include <jansson.h>
#include <string.h>

#include "lib/json-names.h"

static int
append(void *data, const char *name)
{
    g_string_append_printf(data, "%s ", name);
    return strcmp(name, "stop") == 0 ? 7 : 0;
}

static int
read_tags(const char *text, GString *names, char problem[256])
{
    problem[0] = '\0';
    return hr_lib_json_names(text, strlen(text), "tags", append, names,
                             problem, 256);
}

static void
test_reads_names(void)
{
    static const struct {
        const char *text;
        int result;
        const char *names;
    } cases[] = {
        {"{\"tags\":[\"a\",\"b\"]}", 0, "a b "},
        {" {\"name\": \"x\", \"tags\": [ \"a\" ], \"more\": {} }\n", 0, "a "},
        {"{\"tags\":[]}", 0, ""},
        {"{\"tags\":null}", 0, ""},
        {"{\"name\":\"x\"}", 0, ""},
        {"{\"tags\":[\"a\",\"stop\",\"b\"]}", 7, "a stop "},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) names = g_string_new(NULL);
        char problem[256];

        g_assert_cmpint(read_tags(cases[i].text, names, problem), ==,
                        cases[i].result);
        g_assert_cmpstr(names->str, ==, cases[i].names);
        g_assert_cmpstr(problem, ==, "");
    }
}

static void
test_says_what_is_no_list(void)
{
    static const struct {
        const char *text;
        const char *problem;
    } cases[] = {
        {"", "malformed JSON at line 1"},
        {"<html>", "malformed JSON at line 1"},
        {"{\"tags\":[\"a\"]", "malformed JSON"},
        {"{\"tags\":[\"a\"]} x", "malformed JSON"},
        {"{\"tags\":[],\"tags\":[]}", "malformed JSON"},
        {"{\"tags\":[\"\\u0000\"]}", "malformed JSON"},
        {"[]", "there is no list 'tags'"},
        {"[\"a\"]", "there is no list 'tags'"},
        {"{\"tags\":\"a\"}", "there is no list 'tags'"},
        {"{\"tags\":{}}", "there is no list 'tags'"},
        {"{\"tags\":[\"a\",1]}", "entry 1 is no text"},
        {"{\"tags\":[null]}", "entry 0 is no text"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) names = g_string_new(NULL);
        char problem[256];

        g_assert_cmpint(read_tags(cases[i].text, names, problem), ==, -1);
        g_test_message("%s", problem);
        g_assert_true(g_str_has_prefix(problem, cases[i].problem));
    }
}

/* Behind a number jansson does not see it. */
static void
test_refuses_zero_bytes(void)
{
    static const char text[] = "{\"n\":1\0,\"tags\":[]}";
    g_autoptr(GString) names = g_string_new(NULL);
    char problem[256] = "";

    g_assert_cmpint(hr_lib_json_names(text, sizeof text - 1, "tags", append,
                                      names, problem, sizeof problem),
                    ==, -1);
    g_assert_cmpstr(problem, ==, "malformed JSON: byte 6 is zero");
}

/* An object with `depth` brackets open at its deepest place. */
static char *
nest(unsigned depth)
{
    g_autofree char *opening = g_strnfill(depth - 1, '[');
    g_autofree char *closing = g_strnfill(depth - 1, ']');

    return g_strconcat("{\"x\":", opening, closing, ",\"tags\":[]}", NULL);
}

static void
test_refuses_deep_nesting(void)
{
    g_autofree char *good = nest(HR_LIB_JSON_DEPTH);
    g_autofree char *bad = nest(HR_LIB_JSON_DEPTH + 1);
    g_autofree char *worse = nest(1000000);
    g_autoptr(GString) names = g_string_new(NULL);
    char problem[256];

    g_assert_cmpint(read_tags(good, names, problem), ==, 0);
    g_assert_cmpint(read_tags(bad, names, problem), ==, -1);
    g_assert_cmpstr(problem, ==, "JSON is nested more than 64 deep");
    g_assert_cmpint(read_tags(worse, names, problem), ==, -1);
}

static void
test_brackets_in_texts_do_not_nest(void)
{
    g_autofree char *brackets = g_strnfill(1000, '[');
    g_autofree char *text =
        g_strconcat("{\"x\":\"\\\"", brackets, "\",\"tags\":[\"a\"]}", NULL);
    g_autoptr(GString) names = g_string_new(NULL);
    char problem[256];

    g_assert_cmpint(read_tags(text, names, problem), ==, 0);
    g_assert_cmpstr(names->str, ==, "a ");
}

/* The bodies of tag lists among the published cases. */
static void
test_vectors(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path = g_build_filename(
        top != NULL ? top : ".", "tests/unit/data/link-header.json", NULL);
    json_t *root = json_load_file(path, 0, NULL);
    const json_t *cases = json_object_get(root, "cases");
    unsigned checked = 0;

    g_assert_nonnull(root);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        const json_t *tags =
            json_object_get(json_object_get(one, "expect"), "tags");
        g_autoptr(GString) names = g_string_new(NULL);
        g_autoptr(GString) expected = g_string_new(NULL);
        char problem[256];

        if (strcmp(json_string_value(json_object_get(one, "op")),
                   "tags_body") != 0)
            continue;
        for (size_t j = 0; j < json_array_size(tags); j++)
            g_string_append_printf(expected, "%s ",
                                   json_string_value(json_array_get(tags, j)));
        g_assert_cmpint(
            read_tags(json_string_value(json_object_get(one, "input")), names,
                      problem),
            ==, 0);
        g_assert_cmpstr(names->str, ==, expected->str);
        checked++;
    }
    g_assert_cmpuint(checked, ==, 4);
    json_decref(root);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-names/reads-names", test_reads_names);
    g_test_add_func("/json-names/says-what-is-no-list",
                    test_says_what_is_no_list);
    g_test_add_func("/json-names/refuses-zero-bytes", test_refuses_zero_bytes);
    g_test_add_func("/json-names/refuses-deep-nesting",
                    test_refuses_deep_nesting);
    g_test_add_func("/json-names/brackets-in-texts-do-not-nest",
                    test_brackets_in_texts_do_not_nest);
    g_test_add_func("/json-names/reads-published-cases", test_vectors);
    return g_test_run();
}
