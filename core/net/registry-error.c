/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registry error: {"errors":[{"code":"DENIED","message":"...",...}]} */
#include "net/registry-error.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "model/json.h"
#include "net/challenge.h"
#include "net/login.h"

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

/* The body as JSON, and in it the first error; NULL if it has none. */
static HrJson *
parse_body(const HrResponse *response, HrJson **first)
{
    g_autoptr(HrJson) body = NULL;
    HrJson *errors;

    if (response->body == NULL || response->body->len > BODY_LIMIT)
        return NULL;
    body = hr_json_parse(response->body->str, response->body->len, NULL);
    errors = hr_json_get(body, "errors");
    if (hr_json_length(errors) == 0)
        return NULL;
    *first = hr_json_at(errors, 0);
    return g_steal_pointer(&body);
}

static char *
own_words(const HrResponse *response)
{
    g_autoptr(GString) text = g_string_new(NULL);
    HrJson *first = NULL;
    g_autoptr(HrJson) body = parse_body(response, &first);

    if (body == NULL)
        return g_strdup("");
    append_part(text, hr_json_text(hr_json_get(first, "code")));
    append_part(text, hr_json_text(hr_json_get(first, "message")));
    append_part(text, hr_json_text(hr_json_get(first, "detail")));
    bound_text(text);
    return hr_text_one_line(text->str);
}

static const char *
advise_login(bool has_account)
{
    if (has_account)
        return ": credentials refused: check username and password";
    return ": credentials are needed: set username and password, or log in "
           "with `docker login` or `podman login`";
}

/* Some registries make no repository by themselves when something is put into
 * it. */
static bool
lacks_repository(const HrResponse *response, unsigned method)
{
    HrJson *first = NULL;
    g_autoptr(HrJson) body = NULL;

    if (response->status != 404 ||
        (method != HR_HTTP_POST && method != HR_HTTP_PUT))
        return false;
    body = parse_body(response, &first);
    return body != NULL && g_strcmp0(hr_json_text(hr_json_get(first, "code")),
                                     "NAME_UNKNOWN") == 0;
}

static const char *
advice(const HrResponse *response, unsigned method, bool has_account)
{
    if (response->status >= 300 && response->status < 400)
        return ": it redirects, which is not followed here: check the url";
    switch (response->status) {
    case 401:
        return advise_login(has_account);
    case 403:
        return ": the account may not do that";
    case 404:
        return lacks_repository(response, method)
                   ? ": the repository has to be created there first"
                   : "";
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

static bool
has_bearer_challenge(const HrResponse *response)
{
    g_autoptr(GPtrArray) challenges = NULL;
    const HrChallenge *picked;

    if (response->status != 401 && response->status != 403)
        return false;
    challenges = hr_response_challenges(response);
    picked = hr_challenges_pick(challenges);
    return picked != NULL && strcmp(picked->scheme, "bearer") == 0 &&
           (response->status == 401 || hr_challenge_wants_more(picked));
}

static HrClassification
classify(const HrResponse *response, const HrErrorRules *rules,
         const HrErrorRules *hints)
{
    HrJson *first = NULL;
    g_autoptr(HrJson) body = NULL;
    const char *code = NULL;

    if (response->status >= 100 && response->status < 400)
        return (HrClassification){HR_OK, HR_RETRY_NEVER};
    body = parse_body(response, &first);
    if (body != NULL)
        code = hr_json_text(hr_json_get(first, "code"));
    return hr_classify_http(response->status, code,
                            hr_response_header(response, "Retry-After") !=
                                NULL,
                            has_bearer_challenge(response), rules, hints);
}

HrClassification
hr_registry_error_classify(const HrResponse *response,
                           const HrRequest *request)
{
    return classify(response, request->endpoint->rules, &request->hints);
}

void
hr_registry_error_set(const HrResponse *response, const HrRequest *request,
                      unsigned attempts, GError **error)
{
    bool has_account = hr_login_has_account(request->endpoint->login, request);
    /* No login of ours was shown there. */
    bool is_strange = request->stranger && !request->own_trust;
    HrClassification is = hr_registry_error_classify(response, request);
    g_autofree char *words = own_words(response);
    g_autofree char *count = NULL;
    g_autoptr(GError) made = NULL;
    HrErrorDetails *details;

    /* Whoever takes it for a failure after all means what it is in general. */
    if (is.status == HR_OK)
        is = classify(response, NULL, NULL);
    if (is.status == HR_OK)
        is.status = HR_INVALID;
    /* A new token was no better: whoever does it all again is not either. */
    if (attempts > 1 && is.eligibility == HR_RETRY_REAUTH)
        is = (HrClassification){HR_AUTH_DENIED, HR_RETRY_NEVER};
    if (attempts > 1)
        count = g_strdup_printf(" after %u attempts", attempts);
    hr_error_set(&made, is.status, "HTTP %u%s%s%s", response->status,
                 count != NULL ? count : "",
                 is_strange ? ""
                            : advice(response, request->method, has_account),
                 words);
    details = hr_error_details(made);
    details->eligibility = is.eligibility;
    details->classified = true;
    g_propagate_error(error, g_steal_pointer(&made));
}
