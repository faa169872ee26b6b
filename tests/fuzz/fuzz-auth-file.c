/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Auth files: one login a prefix, and no secret in what is said of mistakes.
 * Looked at for the hosts that the file itself names, and for Docker Hub. */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "config/auth-file.h"
#include "model/json.h"

#define HOST_LIMIT 8

/* What stands for a secret in the corpus. */
#define SECRET "hunter2"

const char fuzz_noun[] = "auth-file";

static void
check_login(const HrSavedLogin *login)
{
    g_assert_nonnull(login->prefix);
    g_assert_false(g_str_has_suffix(login->prefix, "/"));
    g_assert_true(login->username != NULL || login->identity_token != NULL ||
                  login->registry_token != NULL);
    g_assert_cmpint(login->username != NULL, ==, login->password != NULL);
    if (login->password != NULL)
        g_assert_nonnull(hr_secret_reveal(login->password));
}

static void
check_logins(const GPtrArray *logins)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < logins->len; i++) {
        const HrSavedLogin *login = logins->pdata[i];

        check_login(login);
        g_assert_true(g_hash_table_add(seen, login->prefix));
    }
}

static void
check_host(const char *text, const char *host, bool quiet)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) logins = hr_auth_file_read(text, host, &error);
    bool for_host;
    g_autofree char *helper = hr_auth_file_helper(text, host, &for_host);

    g_assert_nonnull(helper);
    fuzz_check_error(logins == NULL, error);
    if (logins != NULL) {
        check_logins(logins);
        return;
    }
    g_assert_cmpint(hr_error_status(error), ==, HR_CONFIG);
    if (quiet)
        g_assert_null(strstr(error->message, SECRET));
}

static void
add_key(const char *name, HrJson *value, void *data)
{
    (void)value;
    g_ptr_array_add(data, g_strdup(name));
}

/* The host of a key, as far as it takes to find its entry. */
static char *
host_of(const char *key)
{
    const char *scheme = strstr(key, "://");

    if (scheme != NULL)
        key = scheme + 3;
    return g_strndup(key, strcspn(key, "/"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    g_autoptr(HrJson) json = hr_json_parse(text, strlen(text), NULL);
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    bool quiet = true;

    hr_json_foreach(hr_json_get(json, "auths"), add_key, keys);
    /* Keys are shown: they are no secret. */
    for (guint i = 0; i < keys->len; i++)
        quiet = quiet && strstr(keys->pdata[i], SECRET) == NULL;
    check_host(text, "docker.io", quiet);
    for (guint i = 0; i < MIN(keys->len, HOST_LIMIT); i++) {
        g_autofree char *host = host_of(keys->pdata[i]);

        check_host(text, host, quiet);
    }
    return 0;
}
