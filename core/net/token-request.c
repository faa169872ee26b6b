/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Token request: how a token server is asked, and what its answer holds. */
#include "net/token-request.h"

#include <string.h>

#include "guard/classify.h"
#include "model/json.h"

#define CLIENT_ID "harbor-replicator"

/* What a token server that does not say grants (distribution's token
 * specification), and the most that is believed. */
#define LIFE_DEFAULT_S 60
#define LIFE_MOST_S (24 * 3600)

/* A token is not used in the last tenth of its life, at most half a minute. */
#define MARGIN_SHARE 10
#define MARGIN_MOST_S 30

/* ---------------------------------------------------------- the question */

static void
append_field(GString *form, const char *name, const char *value)
{
    char *escaped;

    if (value == NULL || *value == '\0')
        return;
    escaped = g_uri_escape_string(value, NULL, false);
    if (form->len > 0)
        g_string_append_c(form, '&');
    g_string_append(form, name);
    g_string_append_c(form, '=');
    g_string_append(form, escaped);
    hr_secret_wipe(escaped, strlen(escaped));
    g_free(escaped);
}

/* Room for a form that never grows: growing leaves copies of secrets. */
static size_t
most_bytes(const HrTokenNeed *need, const HrSecret *secret)
{
    const char *username = need->principal->username;
    size_t texts = strlen(need->scope) + strlen(hr_secret_reveal(secret)) +
                   (need->service != NULL ? strlen(need->service) : 0) +
                   (username != NULL ? strlen(username) : 0);

    return 256 + 3 * texts;
}

/* Of OAuth 2, as the distribution's token servers take it. */
static GString *
make_form(const HrTokenNeed *need)
{
    const HrPrincipal *principal = need->principal;
    bool refresh = principal->identity_token != NULL;
    const HrSecret *secret =
        refresh ? principal->identity_token : principal->password;
    GString *form = g_string_sized_new(most_bytes(need, secret));

    append_field(form, "grant_type", refresh ? "refresh_token" : "password");
    append_field(form, "service", need->service);
    append_field(form, "client_id", CLIENT_ID);
    append_field(form, "scope", need->scope);
    if (!refresh)
        append_field(form, "username", principal->username);
    append_field(form, refresh ? "refresh_token" : "password",
                 hr_secret_reveal(secret));
    return form;
}

static char *
make_url(const HrTokenNeed *need, const char *username)
{
    g_auto(GStrv) scopes = g_strsplit(need->scope, " ", -1);
    g_autoptr(GString) query = g_string_new(NULL);

    append_field(query, "service", need->service);
    for (char **scope = scopes; *scope != NULL; scope++)
        append_field(query, "scope", *scope);
    append_field(query, "account", username);
    if (query->len == 0)
        return g_strdup(need->realm);
    return g_strdup_printf("%s%c%s", need->realm,
                           strchr(need->realm, '?') != NULL ? '&' : '?',
                           query->str);
}

HrRequest *
hr_token_request_new(HrEndpoint *endpoint, const HrTokenNeed *need)
{
    const HrPrincipal *principal = need->principal;
    bool named = principal != NULL && principal->basic != NULL;
    g_autofree char *url = NULL;
    HrRequest *request;

    if (principal != NULL &&
        (principal->identity_token != NULL || need->by_post)) {
        GString *form = make_form(need);

        request =
            hr_request_new_foreign(endpoint, need->realm, NULL, form->str);
        hr_secret_wipe(form->str, form->len);
        g_string_free(form, true);
        return request;
    }
    url = make_url(need, named ? principal->username : NULL);
    return hr_request_new_foreign(
        endpoint, url, named ? hr_secret_reveal(principal->basic) : NULL,
        NULL);
}

/* ------------------------------------------------------------ the answer */

bool
hr_token_request_wants_post(const HrTokenNeed *need,
                            const HrResponse *response)
{
    return !need->by_post &&
           (response->status == 404 || response->status == 405) &&
           need->principal != NULL && need->principal->password != NULL;
}

static const char *
text_of(HrJson *body, const char *name)
{
    const char *text = hr_json_text(hr_json_get(body, name));

    return text != NULL && *text != '\0' ? text : NULL;
}

static int64_t
life_us(HrJson *body)
{
    int64_t life_s = 0;
    int64_t margin_s;

    if (!hr_json_number(hr_json_get(body, "expires_in"), &life_s) ||
        life_s <= 0)
        life_s = LIFE_DEFAULT_S;
    life_s = MIN(life_s, LIFE_MOST_S);
    margin_s = MIN(life_s / MARGIN_SHARE, MARGIN_MOST_S);
    return (life_s - margin_s) * G_USEC_PER_SEC;
}

bool
hr_token_grant_read(const HrResponse *response, HrTokenGrant *grant)
{
    HrJson *body = NULL;
    const char *text;
    const char *identity;

    *grant = (HrTokenGrant){0};
    if (response->body != NULL)
        body = hr_json_parse(response->body->str, response->body->len, NULL);
    text = text_of(body, "token");
    if (text == NULL)
        text = text_of(body, "access_token");
    if (text != NULL)
        grant->header = hr_principal_bearer(text);
    identity = text_of(body, "refresh_token");
    if (grant->header != NULL && identity != NULL)
        grant->identity = hr_secret_new(identity);
    grant->life_us = life_us(body);
    hr_json_wipe(body);
    return grant->header != NULL;
}

void
hr_token_grant_clear(HrTokenGrant *grant)
{
    g_clear_pointer(&grant->header, hr_secret_unref);
    g_clear_pointer(&grant->identity, hr_secret_unref);
}

hr_status
hr_token_refusal(const HrResponse *response, bool named, char **text)
{
    HrClassification is =
        hr_classify_http(response->status, NULL, false, false, NULL, NULL);
    const char *advice = "";

    if (response->status == 401 || response->status == 403)
        advice = named ? ": credentials refused: check username and password"
                       : ": credentials are needed: set username and "
                         "password, or log in with `docker login` or `podman "
                         "login`";
    *text = g_strdup_printf("HTTP %u%s", response->status, advice);
    if (response->status < 400)
        return HR_INVALID;
    return is.status == HR_NOT_FOUND || is.status == HR_INVALID
               ? HR_AUTH_DENIED
               : is.status;
}
