/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON: what is refused and where, and the one canonical spelling. */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "model/json.h"

#define MUTATIONS 100000

static void
refuse(const char *text, const char *words)
{
    g_autoptr(GError) error = NULL;

    g_test_message("%s", text);
    g_assert_null(hr_json_parse(text, strlen(text), &error));
    g_assert_cmpint(hr_error_status(error), ==, HR_INVALID);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, words));
}

static HrJson *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    HrJson *json = hr_json_parse(text, strlen(text), &error);

    g_assert_no_error(error);
    return json;
}

/* `depth` brackets, each closed again. */
static char *
nest(unsigned depth)
{
    GString *text = g_string_new("\n");

    for (unsigned i = 0; i < depth; i++)
        g_string_append(text, i % 2 == 0 ? "[" : "{\"a\":");
    g_string_append(text, "\"[[[[{{{{\\\"[[[[\"");
    for (unsigned i = depth; i > 0; i--)
        g_string_append_c(text, i % 2 == 1 ? ']' : '}');
    return g_string_free(text, false);
}

static void
test_depth(void)
{
    g_autofree char *deepest = nest(HR_JSON_DEPTH_LIMIT);
    g_autofree char *deeper = nest(HR_JSON_DEPTH_LIMIT + 1);
    g_autofree char *deep = g_strnfill(10000000, '[');
    g_autoptr(HrJson) json = parse(deepest);

    g_assert_true(hr_json_is_array(json));
    /* 32 times "[" and 32 times {"a": come before it. */
    refuse(deeper, "nested more than 64 deep at line 2, column 193");
    refuse(deep, "nested more than 64 deep at line 1, column 65");
}

static void
test_brackets_in_strings(void)
{
    g_autoptr(GString) text = g_string_new("[\"");
    g_autoptr(HrJson) json = NULL;

    for (unsigned i = 0; i < 100; i++)
        g_string_append(text, "[{\\\"\\\\");
    g_string_append(text, "\"]");
    json = parse(text->str);
    g_assert_cmpuint(hr_json_length(json), ==, 1);
    g_assert_cmpuint(strlen(hr_json_text(hr_json_at(json, 0))), ==, 400);
}

static void
test_malformed(void)
{
    g_autoptr(GError) error = NULL;
    static const char invalid[] = "[\"\xff\"]";
    static const char zero[] = "{\"a\":1}\0{}";
    static const char hidden[] = "[1,\n2\0]";

    refuse("", "line 1, column 0: it is empty");
    refuse("{\n  \"a\": 1,\n  \"b\" 2\n}", "line 3, column 7");
    refuse("{\"a\":1", "near end of file");
    refuse("{\"a\":1} x", "line 1, column 9");
    refuse("{\"a\":1}{\"b\":2}", "line 1");
    refuse("{\"a\":1,\n\"b\":2,\n\"a\":3}", "line 3, column 3: duplicate");
    refuse("{'a':1}", "column 2");
    refuse("[1,]", "column 4");
    refuse("[01]", "column");
    refuse("[NaN]", "column");
    refuse("[\"\\u0000\"]", "column");
    refuse("[\"\\ud800\"]", "column");
    refuse("[99999999999999999999]", "too big");
    refuse("[1e999]", "overflow");
    refuse("// no\n{}", "line 1");
    refuse("\xef\xbb\xbf{}", "line 1");
    refuse(invalid, "decode");
    g_assert_null(hr_json_parse(zero, sizeof zero - 1, &error));
    g_assert_nonnull(strstr(error->message, "column 8"));
    g_clear_error(&error);
    g_assert_null(hr_json_parse(hidden, sizeof hidden - 1, &error));
    g_assert_nonnull(strstr(error->message, "line 2, column 2"));
}

static void
test_no_excerpt(void)
{
    g_autoptr(GError) error = NULL;
    const char *text = "{\"auth\":c2VjcmV0}";

    g_assert_null(hr_json_parse(text, strlen(text), &error));
    g_assert_null(strstr(error->message, "c2V"));
    g_assert_nonnull(strstr(error->message, "line 1, column"));
    g_clear_error(&error);
    text = "{\"hunter2\":1,\"hunter2\":1}";
    g_assert_null(hr_json_parse(text, strlen(text), &error));
    g_assert_null(strstr(error->message, "hunter2"));
}

static void
test_access(void)
{
    g_autoptr(HrJson) json = parse("{\"text\":\"\\u00e4\",\"number\":-5,"
                                   "\"real\":5.0,\"yes\":true,\"no\":false,"
                                   "\"null\":null,\"list\":[1,\"x\"]}");
    const HrJson *list = hr_json_get(json, "list");
    int64_t number = 77;
    bool value = false;

    g_assert_true(hr_json_is_object(json));
    g_assert_false(hr_json_is_array(json));
    g_assert_cmpstr(hr_json_text(hr_json_get(json, "text")), ==, "\xc3\xa4");
    g_assert_true(hr_json_number(hr_json_get(json, "number"), &number));
    g_assert_cmpint(number, ==, -5);
    g_assert_false(hr_json_number(hr_json_get(json, "real"), &number));
    g_assert_false(hr_json_number(hr_json_get(json, "text"), &number));
    g_assert_false(hr_json_number(NULL, &number));
    g_assert_cmpint(number, ==, -5);
    g_assert_true(hr_json_boolean(hr_json_get(json, "yes"), &value) && value);
    g_assert_true(hr_json_boolean(hr_json_get(json, "no"), &value) && !value);
    g_assert_false(hr_json_boolean(hr_json_get(json, "null"), &value));
    g_assert_true(hr_json_is_null(hr_json_get(json, "null")));
    g_assert_false(hr_json_is_null(hr_json_get(json, "absent")));
    g_assert_cmpuint(hr_json_length(list), ==, 2);
    g_assert_cmpstr(hr_json_text(hr_json_at(list, 1)), ==, "x");
    g_assert_null(hr_json_at(list, 2));
    g_assert_null(hr_json_get(list, "text"));
    g_assert_null(hr_json_get(NULL, "text"));
    g_assert_null(hr_json_text(NULL));
    g_assert_cmpuint(hr_json_length(json), ==, 0);
}

static void
test_canonical(void)
{
    g_autoptr(HrJson) one =
        parse(" { \"b\" : [ 1, {\"z\":null,\"a\":true} ],\n\"a\":\"\\u00e4\","
              "\"B\":9007199254740993 } ");
    g_autoptr(HrJson) other = parse("{\"B\":9007199254740993,\"a\":\"\xc3\xa4"
                                    "\",\"b\":[1,{\"a\":true,\"z\":null}]}");
    g_autofree char *first = hr_json_canonical(one);
    g_autofree char *second = hr_json_canonical(other);
    g_autoptr(HrJson) again = parse(first);
    g_autofree char *third = hr_json_canonical(again);

    g_assert_cmpstr(first, ==,
                    "{\"B\":9007199254740993,\"a\":\"\xc3\xa4\","
                    "\"b\":[1,{\"a\":true,\"z\":null}]}");
    g_assert_cmpstr(second, ==, first);
    g_assert_cmpstr(third, ==, first);
}

static void
test_building(void)
{
    g_autoptr(HrJson) object = hr_json_new_object();
    HrJson *list = hr_json_new_array();
    g_autofree char *canonical = NULL;
    g_autofree char *pretty = NULL;

    hr_json_set_text(object, "z", "first");
    hr_json_set_text(object, "none", NULL);
    hr_json_set_text(object, "broken", "a\xff");
    hr_json_set_number(object, "n", INT64_MIN);
    hr_json_set_boolean(object, "t", true);
    hr_json_append_text(list, "\n\"");
    hr_json_append(list, hr_json_new_object());
    hr_json_set(object, "list", list);
    canonical = hr_json_canonical(object);
    g_assert_cmpstr(canonical, ==,
                    "{\"broken\":\"a\xef\xbf\xbd\",\"list\":[\"\\n\\\"\",{}],"
                    "\"n\":-9223372036854775808,\"t\":true,\"z\":\"first\"}");
    pretty = hr_json_pretty(object);
    g_assert_true(g_str_has_prefix(pretty, "{\n  \"z\": \"first\",\n"));
    g_assert_true(g_str_has_suffix(pretty, "}\n"));
}

/* Whatever is done to a document, it is refused with a place, or it has a
 * canonical form that stays the same. */
static void
check_mutation(const char *text, size_t size, unsigned *taken)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrJson) json = hr_json_parse(text, size, &error);
    g_autoptr(HrJson) again = NULL;
    g_autofree char *canonical = NULL;
    g_autofree char *twice = NULL;

    if (json == NULL) {
        g_assert_cmpint(hr_error_status(error), ==, HR_INVALID);
        g_assert_nonnull(strstr(error->message, "line "));
        return;
    }
    (*taken)++;
    canonical = hr_json_canonical(json);
    again = parse(canonical);
    twice = hr_json_canonical(again);
    g_assert_cmpstr(canonical, ==, twice);
}

static void
test_mutations(void)
{
    static const char seed_text[] =
        "{\"a\":[1,-2.5e3,\"x\\u00e4\\\\\",{\"b\":null,\"c\":[true,false]}],"
        "\"d\":\"[{\"}";
    static const char alphabet[] = "{}[]\",:\\0123e.-tfn \n\xc3\xff";
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    unsigned taken = 0;

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        char text[sizeof seed_text];
        size_t size = sizeof seed_text - 1;
        int changes = g_rand_int_range(random, 0, 4);

        memcpy(text, seed_text, sizeof seed_text);
        for (int j = 0; j < changes; j++)
            text[g_rand_int_range(random, 0, (gint32)size)] =
                alphabet[g_rand_int_range(random, 0, sizeof alphabet - 1)];
        if (g_rand_int_range(random, 0, 8) == 0)
            size = (size_t)g_rand_int_range(random, 0, (gint32)size);
        check_mutation(text, size, &taken);
    }
    /* Some get through, most do not. */
    g_assert_cmpuint(taken, >, MUTATIONS / 10);
    g_assert_cmpuint(taken, <, MUTATIONS * 9 / 10);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json/refuses-what-is-too-deep", test_depth);
    g_test_add_func("/json/brackets-in-strings-are-no-nesting",
                    test_brackets_in_strings);
    g_test_add_func("/json/says-where-it-is-malformed", test_malformed);
    g_test_add_func("/json/quotes-nothing-of-the-document", test_no_excerpt);
    g_test_add_func("/json/gives-values-of-the-right-type", test_access);
    g_test_add_func("/json/equal-documents-have-one-spelling", test_canonical);
    g_test_add_func("/json/builds-what-was-set", test_building);
    g_test_add_func("/json/withstands-mutations", test_mutations);
    return g_test_run();
}
