/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logins that other tools saved: published cases. */
#include <glib/gstdio.h>
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "config/auth-file.h"

static const char *
text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* As the login of a repository is found: the longest prefix. */
static const HrSavedLogin *
find_login(const GPtrArray *logins, const char *repository)
{
    const HrSavedLogin *best = NULL;

    for (guint i = 0; i < logins->len; i++) {
        const HrSavedLogin *one = logins->pdata[i];
        size_t length = strlen(one->prefix);

        if (length > 0 &&
            (strncmp(repository, one->prefix, length) != 0 ||
             (repository[length] != '\0' && repository[length] != '/')))
            continue;
        if (best == NULL || length > strlen(best->prefix))
            best = one;
    }
    return best;
}

static void
expect_secret(const HrSecret *found, const json_t *expect, const char *key)
{
    json_t *wanted = json_object_get(expect, key);

    if (wanted == NULL)
        return;
    g_assert_cmpstr(found != NULL ? hr_secret_reveal(found) : "", ==,
                    json_string_value(wanted));
}

static void
expect_login(const HrSavedLogin *login, const json_t *expect)
{
    const char *username = text(expect, "username");

    if (json_is_true(json_object_get(expect, "anonymous"))) {
        g_assert_null(login);
        return;
    }
    g_assert_nonnull(login);
    if (username != NULL && *username != '\0')
        g_assert_cmpstr(login->username, ==, username);
    expect_secret(login->password, expect, "password");
    expect_secret(login->identity_token, expect, "identitytoken");
    expect_secret(login->registry_token, expect, "registrytoken");
}

static void
check_lookup(const json_t *test)
{
    const json_t *input = json_object_get(test, "input");
    const json_t *expect = json_object_get(test, "expect");
    const char *config = text(input, "config");
    const char *asked = text(input, "registry");
    const char *slash;
    g_autofree char *host = NULL;
    g_autoptr(GPtrArray) logins = NULL;
    g_autoptr(GError) error = NULL;

    /* Some ask with the key. */
    if (strstr(asked, "://") != NULL)
        asked = strstr(asked, "://") + 3;
    slash = strchr(asked, '/');
    host = g_strndup(asked, strcspn(asked, "/"));
    logins = hr_auth_file_read(config != NULL ? config : "", host, &error);
    if (json_is_true(json_object_get(expect, "error"))) {
        g_assert_null(logins);
        g_assert_error(error, HR_ERROR, hr_error_status(error));
        return;
    }
    g_assert_no_error(error);
    expect_login(find_login(logins, slash != NULL ? slash + 1 : ""), expect);
}

static void
check_entry(const json_t *test)
{
    const json_t *expect = json_object_get(test, "expect");
    g_autofree char *file =
        g_strdup_printf("{\"auths\":{\"x\":%s}}",
                        json_string_value(json_object_get(test, "input")));
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) logins = hr_auth_file_read(file, "x", &error);

    if (json_is_true(json_object_get(expect, "error"))) {
        g_assert_null(logins);
        return;
    }
    g_assert_no_error(error);
    expect_login(find_login(logins, ""), expect);
}

static void
check_helper(const json_t *test)
{
    const json_t *input = json_object_get(test, "input");
    g_autofree char *found = hr_auth_file_helper(
        text(input, "config"), text(input, "registry"), NULL);

    g_assert_cmpstr(found, ==,
                    text(json_object_get(test, "expect"), "helper"));
}

static void
check_load(const json_t *test)
{
    g_autoptr(GPtrArray) logins = hr_auth_file_read(
        json_string_value(json_object_get(test, "input")), "x", NULL);

    g_assert_cmpint(
        logins != NULL, ==,
        json_is_true(json_object_get(json_object_get(test, "expect"), "ok")));
}

/* A key and what it stands for are one. */
static void
check_hostname(const json_t *test)
{
    const char *key = json_string_value(json_object_get(test, "input"));
    g_autofree char *file =
        g_strdup_printf("{\"auths\":{\"%s\":{\"username\":\"u\"}}}", key);
    g_autoptr(GPtrArray) logins = hr_auth_file_read(
        file, text(json_object_get(test, "expect"), "host"), NULL);

    g_assert_cmpuint(logins->len, ==, 1);
}

static const char *
reason_to_skip(const json_t *test)
{
    static const char *const written[] = {
        "encode_auth",     "encode_entry",   "put",       "remove",
        "write_path",      "server_address", "effective", "env_config",
        "auth_configured", "key_valid",      "file_used", "decode_auth",
        "host_match",      "helper_answer",  "key_order", NULL};
    const char *input = json_string_value(json_object_get(test, "input"));
    const char *op = text(test, "op");

    if (g_strv_contains(written, op))
        return "nothing is written, and other parts of it are tested "
               "elsewhere";
    if (g_strcmp0(text(test, "file"), ".dockercfg") == 0)
        return "the format before 2015";
    if (strcmp(op, "lookup") == 0 &&
        strcmp(text(test, "rules"), "oras") == 0 &&
        strstr(text(json_object_get(test, "input"), "registry"), "://") !=
            NULL)
        return "asked with the key: hosts are asked for here";
    if (strcmp(op, "hostname") == 0 &&
        (strstr(input, "unix:") != NULL || strstr(input, "::1:6555") != NULL))
        return "no registry";
    return NULL;
}

static void
test_cases(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path =
        g_build_filename(top != NULL ? top : "../..", "tests", "unit",
                         "vectors", "docker-auth-config.json", NULL);
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);
    unsigned run = 0;
    unsigned skipped = 0;
    json_t *test;
    size_t i;

    if (file == NULL)
        g_error("%s: %s", path, error.text);
    json_array_foreach (json_object_get(file, "cases"), i, test) {
        const char *op = text(test, "op");

        g_test_message("%s %s", text(test, "id"), op);
        if (reason_to_skip(test) != NULL) {
            skipped++;
            continue;
        }
        run++;
        if (strcmp(op, "lookup") == 0)
            check_lookup(test);
        else if (strcmp(op, "decode_entry") == 0)
            check_entry(test);
        else if (strcmp(op, "helper_for") == 0)
            check_helper(test);
        else if (strcmp(op, "load") == 0)
            check_load(test);
        else if (strcmp(op, "hostname") == 0)
            check_hostname(test);
        else
            g_error("unknown op %s", op);
    }
    g_test_message("%u run, %u left out", run, skipped);
    g_assert_cmpuint(run, >, 55);
    json_decref(file);
}

static void
test_paths(void)
{
    g_auto(GStrv) chosen = hr_auth_file_paths("/x");
    g_auto(GStrv) none = hr_auth_file_paths("");
    g_auto(GStrv) usual = NULL;

    g_assert_cmpstr(chosen[0], ==, "/x");
    g_assert_null(chosen[1]);
    g_assert_null(none[0]);
    g_setenv("XDG_RUNTIME_DIR", "/run/user/1", true);
    g_setenv("DOCKER_CONFIG", "/d", true);
    g_setenv("HOME", "/home/x", true);
    g_unsetenv("XDG_CONFIG_HOME");
    g_unsetenv("REGISTRY_AUTH_FILE");
    usual = hr_auth_file_paths(NULL);
    g_assert_cmpstr(usual[0], ==, "/run/user/1/containers/auth.json");
    g_assert_cmpstr(usual[1], ==, "/home/x/.config/containers/auth.json");
    g_assert_cmpstr(usual[2], ==, "/d/config.json");
    g_assert_null(usual[3]);
}

/* Who broke a file that is theirs made a mistake in their configuration, and
 * not the registry one in an answer. */
static void
test_broken(void)
{
    static const char *const texts[] = {
        "{\"auths\":{\"a\":{\"password\":\"hunter2",
        "}{",
        "[]",
        "{\"auths\":[]}",
        "{\"auths\":{\"a\":5}}",
        "{\"auths\":{\"a\":{\"auth\":\"hunter2!\"}}}",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", texts[i]);
        g_assert_null(hr_auth_file_read(texts[i], "a", &error));
        g_assert_error(error, HR_ERROR, HR_CONFIG);
        g_assert_null(strstr(error->message, "hunter2"));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/auth-file/published-cases", test_cases);
    g_test_add_func("/auth-file/broken-ones-are-a-mistake-of-configuration",
                    test_broken);
    g_test_add_func("/auth-file/places", test_paths);
    return g_test_run();
}
