/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Versions and ranges: published cases of the language that skopeo and Harbor
 * use. */
#include "model/semver.h"

#include <jansson.h>
#include <string.h>

static const char *
text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static const char *
at(const json_t *array, size_t index)
{
    return json_string_value(json_array_get(array, index));
}

static bool
truth(const json_t *test, const char *key)
{
    return json_is_true(json_object_get(json_object_get(test, "expect"), key));
}

static bool
check_match(const json_t *test)
{
    const json_t *input = json_object_get(test, "input");
    g_autoptr(HrVersionRange) range =
        hr_version_range_parse(text(input, "range"), NULL);
    HrVersion version;
    bool found;

    if (range == NULL || !hr_version_parse(&version, text(input, "version")))
        return !truth(test, "match");
    found = hr_version_range_holds(
        range, &version,
        json_is_true(json_object_get(input, "include_prerelease")));
    hr_version_clear(&version);
    return found == truth(test, "match");
}

static bool
check_version(const json_t *test)
{
    HrVersion version;
    bool good = hr_version_parse(
        &version, json_string_value(json_object_get(test, "input")));

    if (good)
        hr_version_clear(&version);
    return good == truth(test, "valid");
}

static bool
check_range(const json_t *test)
{
    g_autoptr(HrVersionRange) range = hr_version_range_parse(
        json_string_value(json_object_get(test, "input")), NULL);

    return (range != NULL) == truth(test, "valid");
}

static int
order(const char *one, const char *other)
{
    HrVersion versions[2];
    int found;

    g_assert_true(hr_version_parse(&versions[0], one));
    g_assert_true(hr_version_parse(&versions[1], other));
    found = hr_version_compare(&versions[0], &versions[1]);
    hr_version_clear(&versions[0]);
    hr_version_clear(&versions[1]);
    return (found > 0) - (found < 0);
}

static bool
check_compare(const json_t *test)
{
    const json_t *input = json_object_get(test, "input");

    return order(at(input, 0), at(input, 1)) ==
           json_integer_value(
               json_object_get(json_object_get(test, "expect"), "order"));
}

static bool
check_relation(const json_t *test)
{
    const json_t *input = json_object_get(test, "input");
    const char *relation = at(input, 1);
    int found = order(at(input, 0), at(input, 2));
    bool holds = relation[0] == 'l' ? found < 0 : found > 0;

    if (relation[1] == 'e')
        holds = holds || found == 0;
    return holds == truth(test, "holds");
}

static bool
check_text(const json_t *test)
{
    return order(json_string_value(json_object_get(test, "input")),
                 text(json_object_get(test, "expect"), "text")) == 0;
}

static const struct {
    const char *op;
    bool (*check)(const json_t *test);
} ops[] = {
    {"match", check_match},       {"version_valid", check_version},
    {"range_valid", check_range}, {"comparator_valid", check_range},
    {"compare", check_compare},   {"relation", check_relation},
    {"version_text", check_text},
};

static bool
is_left_out(const json_t *test)
{
    /* Increments and texts of ranges are not made here; strictness is not
     * wanted of tags. */
    static const char *const others[] = {
        "increment",      "range_text",       "sort",
        "metadata_valid", "prerelease_valid", NULL};
    const char *mode = text(test, "mode");

    return strcmp(text(test, "dialect"), "masterminds") != 0 ||
           g_strv_contains(others, text(test, "op")) ||
           (mode != NULL && strcmp(mode, "loose") != 0);
}

static void
test_cases(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path =
        g_build_filename(top != NULL ? top : "../..", "tests", "unit",
                         "vectors", "semver-range.json", NULL);
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);
    unsigned run = 0;
    unsigned left_out = 0;
    unsigned wrong = 0;
    json_t *test;
    size_t i;

    if (file == NULL)
        g_error("%s: %s", path, error.text);
    json_array_foreach (json_object_get(file, "cases"), i, test) {
        bool (*check)(const json_t *one) = NULL;

        if (is_left_out(test)) {
            left_out++;
            continue;
        }
        for (unsigned j = 0; j < G_N_ELEMENTS(ops); j++)
            if (strcmp(ops[j].op, text(test, "op")) == 0)
                check = ops[j].check;
        if (check == NULL)
            g_error("unknown op %s", text(test, "op"));
        run++;
        if (!check(test)) {
            g_autofree char *shown = json_dumps(test, 0);

            g_test_message("%s", shown);
            wrong++;
        }
    }
    g_test_message("%u run, %u left out, %u wrong", run, left_out, wrong);
    g_assert_cmpuint(wrong, ==, 0);
    json_decref(file);
}

static void
test_mistakes(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(hr_version_range_parse(">=1.0 || nonsense", &error));
    g_assert_nonnull(strstr(error->message, "nonsense"));
    g_clear_error(&error);
    g_assert_null(hr_version_range_parse("", &error));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/semver/published-cases", test_cases);
    g_test_add_func("/semver/mistakes", test_mistakes);
    return g_test_run();
}
