/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registry error: {"errors":[{"code":"DENIED","message":"...",...}]} */
#include "net/registry-error.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "guard/retry.h"
#include "model/json.h"

/* A registry's own words: no more of them than fit a message. */
#define TEXT_LIMIT 300

/* Larger bodies are pages for browsers, not errors. */
#define BODY_LIMIT (64 * 1024)

static void
append_part(GString *text, const char *part)
{
    if (part != NULL && *part != '\0')
        g_string_append_printf(text, ": %s", part);
}

/* Cut at a character, so that what is left is UTF-8. */
static void
bound_text(GString *text)
{
    if (text->len <= TEXT_LIMIT)
        return;
    g_string_truncate(text, TEXT_LIMIT - 3);
    while (!g_utf8_validate(text->str, (gssize)text->len, NULL))
        g_string_truncate(text, text->len - 1);
    g_string_append(text, "...");
}

static char *
own_words(const HrResponse *response)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(HrJson) body = NULL;
    HrJson *errors;
    HrJson *first;

    if (response->body == NULL || response->body->len > BODY_LIMIT)
        return g_strdup("");
    body = hr_json_parse(response->body->str, response->body->len, NULL);
    errors = hr_json_get(body, "errors");
    if (hr_json_length(errors) == 0)
        return g_strdup("");
    first = hr_json_at(errors, 0);
    append_part(text, hr_json_text(hr_json_get(first, "code")));
    append_part(text, hr_json_text(hr_json_get(first, "message")));
    append_part(text, hr_json_text(hr_json_get(first, "detail")));
    bound_text(text);
    return hr_text_one_line(text->str);
}

static bool
wants_only_tokens(const HrResponse *response)
{
    const char *name = "WWW-Authenticate";
    const char *value = hr_response_header(response, name);
    bool bearer = false;

    for (; value != NULL;
         value = hr_response_next_header(response, name, value)) {
        if (g_ascii_strncasecmp(value, "Basic", 5) == 0)
            return false;
        bearer = bearer || g_ascii_strncasecmp(value, "Bearer", 6) == 0;
    }
    return bearer;
}

static const char *
advise_login(const HrResponse *response, bool has_credentials)
{
    if (wants_only_tokens(response))
        return ": the registry takes only tokens (Bearer), which this "
               "version cannot get: use an address of it that takes a user "
               "name and password";
    if (has_credentials)
        return ": credentials refused: check username and password";
    return ": credentials are needed: set username and password";
}

static const char *
advice(const HrResponse *response, bool has_credentials)
{
    if (response->status >= 300 && response->status < 400)
        return ": it redirects, which is not followed here: check the url";
    switch (response->status) {
    case 401:
        return advise_login(response, has_credentials);
    case 403:
        return ": the account may not do that";
    case 405:
        return ": not allowed there: the registry may be read-only";
    case 413:
        return ": too large for the server: look for a limit in a proxy "
               "before it";
    case 507:
        return ": the server has no room left";
    default:
        return "";
    }
}

void
hr_registry_error_set(const HrResponse *response, unsigned attempts,
                      bool has_credentials, GError **error)
{
    g_autofree char *words = own_words(response);
    g_autofree char *count = NULL;
    hr_status status = hr_status_from_http(response->status);

    if (status == HR_OK)
        status = HR_INVALID;
    if (attempts > 1)
        count = g_strdup_printf(" after %u attempts", attempts);
    hr_error_set(error, status, "HTTP %u%s%s%s", response->status,
                 count != NULL ? count : "", advice(response, has_credentials),
                 words);
}
