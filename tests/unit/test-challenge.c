/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What servers ask for, and what tokens are asked for: published cases. */
#include <harbor-replicator/hr-host.h>
#include <jansson.h>
#include <string.h>

#include "net/challenge.h"
#include "net/scope.h"

static const char *
text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static GPtrArray *
parse(const json_t *values)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new();
    json_t *value;
    size_t i;

    json_array_foreach (values, i, value)
        g_ptr_array_add(texts, (char *)json_string_value(value));
    return hr_challenges_parse((const char *const *)texts->pdata, texts->len);
}

static void
check_parse(const char *id, const json_t *input, const json_t *wanted)
{
    g_autoptr(GPtrArray) found = parse(input);
    json_t *one;
    size_t i;

    if (json_array_size(wanted) != found->len)
        g_error("%s: %u challenges", id, found->len);
    json_array_foreach (wanted, i, one) {
        const HrChallenge *challenge = found->pdata[i];
        json_t *parameters = json_object_get(one, "params");
        const char *name;
        json_t *value;

        g_assert_cmpstr(challenge->scheme, ==, text(one, "scheme"));
        if (parameters == NULL)
            continue;
        g_assert_cmpuint(challenge->parameters->len, ==,
                         2 * json_object_size(parameters));
        json_object_foreach (parameters, name, value)
            g_assert_cmpstr(hr_challenge_parameter(challenge, name), ==,
                            json_string_value(value));
    }
}

static void
check_pick(const json_t *input, const json_t *expect)
{
    g_autoptr(GPtrArray) found = parse(input);
    const HrChallenge *picked = hr_challenges_pick(found);
    const char *scheme = text(expect, "scheme");
    json_t *count = json_object_get(expect, "params_count");

    if (strcmp(scheme, "basic") != 0 && strcmp(scheme, "bearer") != 0) {
        g_assert_null(picked);
        return;
    }
    g_assert_nonnull(picked);
    g_assert_cmpstr(picked->scheme, ==, scheme);
    if (count != NULL)
        g_assert_cmpint(picked->parameters->len, ==,
                        2 * json_integer_value(count));
}

static void
check_unquote(const json_t *input, const json_t *expect)
{
    g_autofree char *found = hr_challenge_unquote(json_string_value(input));

    g_assert_cmpstr(found, ==, text(expect, "value"));
}

static void
check_clean(const json_t *input, const json_t *wanted)
{
    GString *all = g_string_new(NULL);
    GString *sorted = g_string_new(NULL);
    g_autofree char *joined = NULL;
    g_autofree char *expected = NULL;
    g_autofree char *found = NULL;
    json_t *one;
    size_t i;

    json_array_foreach (input, i, one)
        g_string_append_printf(all, "%s%s", i > 0 ? " " : "",
                               json_string_value(one));
    json_array_foreach (wanted, i, one)
        g_string_append_printf(sorted, "%s%s", i > 0 ? " " : "",
                               json_string_value(one));
    joined = g_string_free(all, false);
    expected = g_string_free(sorted, false);
    found = hr_scope_clean(joined);
    g_assert_cmpstr(found, ==, expected);
}

/* Actions of a scope are cleaned as those of one that has only them. */
static void
check_actions(const char *repository, const json_t *actions,
              const char *wanted)
{
    GString *scope = g_string_new(NULL);
    g_autofree char *given = NULL;
    g_autofree char *found = NULL;
    json_t *one;
    size_t i;

    g_string_append_printf(scope, "repository:%s:", repository);
    json_array_foreach (actions, i, one)
        g_string_append_printf(scope, "%s%s", i > 0 ? "," : "",
                               json_string_value(one));
    given = g_string_free(scope, false);
    found = hr_scope_clean(given);
    g_assert_cmpstr(found, ==, wanted);
}

static void
check_actions_clean(const json_t *input, const json_t *wanted)
{
    GString *scope = g_string_new(NULL);
    g_autofree char *expected = NULL;
    json_t *one;
    size_t i;

    json_array_foreach (wanted, i, one)
        g_string_append_printf(scope, "%s%s", i > 0 ? "," : "repository:x:",
                               json_string_value(one));
    expected = g_string_free(scope, false);
    check_actions("x", input, expected);
}

static void
test_cases(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path =
        g_build_filename(top != NULL ? top : "../..", "tests", "unit",
                         "vectors", "www-authenticate.json", NULL);
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);
    unsigned strict = 0;
    unsigned addresses = 0;
    json_t *test;
    size_t i;

    if (file == NULL)
        g_error("%s: %s", path, error.text);
    json_array_foreach (json_object_get(file, "cases"), i, test) {
        const char *op = text(test, "op");
        const json_t *input = json_object_get(test, "input");
        const json_t *expect = json_object_get(test, "expect");

        g_test_message("%s", text(test, "id"));
        if (strcmp(op, "parse") == 0 &&
            strcmp(text(test, "reading"), "strict") == 0) {
            strict++;
        } else if (strcmp(op, "parse") == 0) {
            check_parse(text(test, "id"), input,
                        json_object_get(expect, "challenges"));
        } else if (strcmp(op, "pick") == 0) {
            check_pick(input, expect);
        } else if (strcmp(op, "unquote") == 0) {
            check_unquote(input, expect);
        } else if (strcmp(op, "rescope") == 0) {
            g_autoptr(GPtrArray) found = parse(input);

            g_assert_cmpuint(found->len, >, 0);
            g_assert_cmpint(hr_challenge_wants_more(found->pdata[0]), ==,
                            json_is_true(json_object_get(expect, "retry")));
        } else if (strcmp(op, "scope_clean") == 0) {
            check_clean(input, json_object_get(expect, "scopes"));
        } else if (strcmp(op, "scope_build") == 0) {
            check_actions(text(input, "repository"),
                          json_object_get(input, "actions"),
                          text(expect, "scope"));
        } else if (strcmp(op, "actions_clean") == 0) {
            check_actions_clean(input, json_object_get(expect, "actions"));
        } else {
            /* Where tokens may come from: test-origin. */
            g_assert_true(strcmp(op, "realm_allowed") == 0 ||
                          strcmp(op, "canonical_address") == 0);
            addresses++;
        }
    }
    /* Malformed ones are read as far as they go. */
    g_test_message("%u strict readings left out, %u of addresses", strict,
                   addresses);
    g_assert_cmpuint(strict, ==, 3);
    g_assert_cmpuint(addresses, ==, 14);
    json_decref(file);
}

static void
test_wants_more(void)
{
    static const char *const values[] = {
        "Bearer realm=\"https://a/t\",scope=\"repository:x:push\","
        "error=\"insufficient_scope\""};
    g_autoptr(GPtrArray) found = hr_challenges_parse(values, 1);

    g_assert_true(hr_challenge_wants_more(found->pdata[0]));
}

/* As many as fit into a header, several times. */
static void
test_many_scopes(void)
{
    GString *given = g_string_new(NULL);
    GString *wanted = g_string_new("a:b:");
    g_autofree char *text = NULL;
    g_autofree char *expected = NULL;
    g_autofree char *found = NULL;

    for (unsigned i = 0; i < 20000; i++)
        g_string_append_printf(given, "%sa:b:%04x,%04x", i > 0 ? " " : "",
                               19999 - i, i);
    for (unsigned i = 0; i < 20000; i++)
        g_string_append_printf(wanted, "%s%04x", i > 0 ? "," : "", i);
    text = g_string_free(given, false);
    expected = g_string_free(wanted, false);
    found = hr_scope_clean(text);
    g_assert_cmpstr(found, ==, expected);
}

static void
test_requests(void)
{
    static const struct {
        unsigned method;
        const char *path;
        const char *scope;
    } cases[] = {
        {HR_HTTP_GET, "/v2/", ""},
        {HR_HTTP_GET, "/v2/_catalog?n=100", "registry:catalog:*"},
        {HR_HTTP_GET, "/v2/a/b/tags/list?n=10", "repository:a/b:pull"},
        {HR_HTTP_HEAD, "/v2/nginx/manifests/latest", "repository:nginx:pull"},
        {HR_HTTP_GET, "/v2/blobs/manifests/x", "repository:blobs:pull"},
        {HR_HTTP_GET, "/v2/a/manifests/b/blobs/sha256:ab",
         "repository:a/manifests/b:pull"},
        {HR_HTTP_GET, "/v2/x/referrers/sha256:ab?artifactType=y",
         "repository:x:pull"},
        {HR_HTTP_PUT, "/v2/x/manifests/1", "repository:x:pull,push"},
        {HR_HTTP_PUT, "/v2/x/blobs/uploads/a-b/c?digest=d",
         "repository:x:pull,push"},
        {HR_HTTP_POST, "/v2/x/blobs/uploads/?mount=sha256:ab&from=o/p%2fq",
         "repository:o/p/q:pull repository:x:pull,push"},
        {HR_HTTP_POST, "/v2/x/blobs/uploads/", "repository:x:pull,push"},
        {HR_HTTP_DELETE, "/v2/x/manifests/sha256:ab",
         "repository:x:delete,pull,push"},
        {HR_HTTP_GET, "/api/v2.0/projects", ""},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *found = NULL;
        HrScope scope;

        hr_scope_of_request(&scope, cases[i].method, cases[i].path);
        found = hr_scope_text(&scope);
        g_assert_cmpstr(found, ==, cases[i].scope);
        hr_scope_clear(&scope);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/challenge/published-cases", test_cases);
    g_test_add_func("/challenge/knows-a-wish-for-more", test_wants_more);
    g_test_add_func("/challenge/many-scopes-are-merged", test_many_scopes);
    g_test_add_func("/challenge/requests-need-scopes", test_requests);
    return g_test_run();
}
