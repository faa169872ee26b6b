/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Principal: who asks. */
#include "net/principal.h"

#include <string.h>

#include "base/error.h"

/* Longer ones would not be taken by any server. */
#define TOKEN_LIMIT ((size_t)64 * 1024)

void
hr_principal_free(HrPrincipal *principal)
{
    if (principal == NULL)
        return;
    g_free(principal->prefix);
    g_free(principal->username);
    hr_secret_unref(principal->password);
    hr_secret_unref(principal->basic);
    hr_secret_unref(principal->registry_token);
    hr_secret_unref(principal->identity_token);
    g_free(principal);
}

/* A text that is a secret already, behind a word that is none. */
static HrSecret *
make_secret(const char *before, const char *text)
{
    char *line = g_strconcat(before, text, NULL);
    HrSecret *secret = hr_secret_new(line);

    hr_secret_wipe(line, strlen(line));
    g_free(line);
    return secret;
}

HrSecret *
hr_principal_basic(const char *username, const char *password)
{
    char *pair = g_strconcat(username, ":", password, NULL);
    size_t size = strlen(pair);
    char *code = g_base64_encode((const guchar *)pair, size);
    HrSecret *secret = make_secret("Authorization: Basic ", code);

    hr_secret_wipe(pair, size);
    hr_secret_wipe(code, strlen(code));
    g_free(pair);
    g_free(code);
    return secret;
}

HrSecret *
hr_principal_bearer(const char *token)
{
    size_t size = 0;

    for (; token[size] != '\0'; size++)
        if (token[size] <= ' ' || token[size] > '~' || size == TOKEN_LIMIT)
            return NULL;
    return size > 0 ? make_secret("Authorization: Bearer ", token) : NULL;
}

HrPrincipal *
hr_principal_new(const HrAccount *given, GError **error)
{
    g_autoptr(HrPrincipal) principal = g_new0(HrPrincipal, 1);

    principal->prefix = g_strdup(given->prefix != NULL ? given->prefix : "");
    principal->username = g_strdup(given->username);
    if (given->username != NULL && strchr(given->username, ':') != NULL) {
        hr_error_set(error, HR_CONFIG, "a username cannot have a \":\"");
        return NULL;
    }
    if (given->password != NULL)
        principal->password = hr_secret_ref(given->password);
    if (given->username != NULL && given->password != NULL)
        principal->basic = hr_principal_basic(
            given->username, hr_secret_reveal(given->password));
    if (given->registry_token != NULL) {
        principal->registry_token =
            hr_principal_bearer(hr_secret_reveal(given->registry_token));
        if (principal->registry_token == NULL) {
            hr_error_set(error, HR_CONFIG,
                         "the saved token is none: log in again");
            return NULL;
        }
    }
    if (given->identity_token != NULL)
        principal->identity_token = hr_secret_ref(given->identity_token);
    return g_steal_pointer(&principal);
}

static gint
order_principals(gconstpointer left, gconstpointer right)
{
    const HrPrincipal *one = *(const HrPrincipal *const *)left;
    const HrPrincipal *other = *(const HrPrincipal *const *)right;
    size_t mine = strlen(one->prefix);
    size_t theirs = strlen(other->prefix);

    return (theirs > mine) - (theirs < mine);
}

void
hr_principals_sort(GPtrArray *principals)
{
    g_ptr_array_sort(principals, order_principals);
}

HrPrincipal *
hr_principals_find(const GPtrArray *principals, const char *repository)
{
    for (guint i = 0; i < principals->len; i++) {
        HrPrincipal *principal = principals->pdata[i];
        size_t length = strlen(principal->prefix);

        if (length == 0)
            return principal;
        if (repository != NULL &&
            strncmp(repository, principal->prefix, length) == 0 &&
            (repository[length] == '\0' || repository[length] == '/'))
            return principal;
    }
    return NULL;
}
