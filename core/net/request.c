/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Request: a copy of what is to be sent, checked. */
#include "net/request.h"

#include <string.h>

#include "base/error.h"
#include "net/origin.h"
#include "net/principal.h"

#define DEFAULT_LIMIT_BYTES (UINT64_C(4) * 1024 * 1024)

/* A token or three. */
#define TOKEN_ANSWER_LIMIT_BYTES (UINT64_C(256) * 1024)

/* Headers that we add ourselves, at most. */
#define OWN_HEADERS 4

static const char no_expect[] = "Expect:";
static const char no_content_type[] = "Content-Type:";

/* No blanks, controls or other bytes that do not belong into a URL; a line
 * break would end the request line. */
static bool
is_clean(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= 0x20 || *text == 0x7f)
            return false;
    return true;
}

static char *
resolve_given(const HrEndpoint *endpoint, const hr_http_request *given,
              GError **error)
{
    HrOriginPurpose purpose =
        given->method == HR_HTTP_GET || given->method == HR_HTTP_HEAD
            ? HR_ORIGIN_LINK
            : HR_ORIGIN_UPLOAD;
    const char *base_target = given->base != NULL ? given->base : "";
    g_autofree char *base = NULL;

    /* A base that is an address itself came from the server as well. */
    if (*base_target == '/' || *base_target == '\0')
        base = g_strconcat(endpoint->url, base_target, NULL);
    else
        base =
            hr_origin_check(endpoint->url, base_target, purpose, NULL, error);
    if (base == NULL)
        return NULL;
    return hr_origin_check(base, given->target, purpose, NULL, error);
}

static char *
make_url(const HrEndpoint *endpoint, const hr_http_request *given,
         GError **error)
{
    g_autofree char *url = NULL;

    if (given->target == NULL) {
        hr_error_set(error, HR_BUG, "a request without a target");
        return NULL;
    }
    if ((given->flags & HR_HTTP_SERVER_GIVEN) != 0) {
        url = resolve_given(endpoint, given, error);
        if (url == NULL)
            return NULL;
    } else if (given->target[0] == '/') {
        url = g_strconcat(endpoint->url, given->target, NULL);
    } else {
        hr_error_set(error, HR_BUG,
                     "the target of a request does not start with \"/\"");
        return NULL;
    }
    if (!is_clean(url)) {
        hr_error_set(error, HR_INVALID,
                     "an address with blanks or control characters");
        return NULL;
    }
    return g_steal_pointer(&url);
}

/* What a request needs in memory, and what of ours it has already. */
typedef struct Needs {
    size_t text_bytes;
    size_t headers;
    unsigned hints;
    size_t body_bytes;
    bool has_type;
    bool has_authorization;
    HrSecret *login; /* header of who asks, if that is somebody else; or
                        NULL */
} Needs;

static bool
measure(const hr_http_request *given, Needs *needs)
{
    for (const char *const *header = given->headers;
         header != NULL && *header != NULL; header++) {
        const char *colon = strchr(*header, ':');

        if (colon == NULL || colon == *header ||
            strpbrk(*header, "\r\n") != NULL)
            return false;
        needs->text_bytes += strlen(*header) + 1;
        needs->headers++;
        if (g_ascii_strncasecmp(*header, no_content_type,
                                strlen(no_content_type)) == 0)
            needs->has_type = true;
        if (g_ascii_strncasecmp(*header, "Authorization:", 14) == 0)
            needs->has_authorization = true;
    }
    return true;
}

/* Somebody else's name and password go to the endpoint itself and nowhere
 * else: not to an address from a server, nor along with a blob, which may be
 * sent on. */
static bool
measure_login(const hr_http_request *given, bool with_body, Needs *needs,
              GError **error)
{
    if (!HR_HAS(given, hr_http_request, password) || given->username == NULL)
        return true;
    if (!with_body || given->password == NULL || needs->has_authorization ||
        (given->flags & (HR_HTTP_SERVER_GIVEN | HR_HTTP_BASIC)) != 0) {
        hr_error_set(error, HR_BUG,
                     "a request as somebody else that is not for the "
                     "endpoint alone");
        return false;
    }
    if (strchr(given->username, ':') != NULL) {
        hr_error_set(error, HR_INVALID, "a username cannot have a \":\"");
        return false;
    }
    needs->login = hr_principal_basic(given->username, given->password);
    needs->text_bytes += strlen(hr_secret_reveal(needs->login)) + 1;
    needs->has_authorization = true;
    return true;
}

static bool
measure_hints(const hr_http_request *given, Needs *needs)
{
    if (!HR_HAS(given, hr_http_request, answers) || given->answers == NULL)
        return true;
    for (; given->answers[needs->hints] != NULL; needs->hints++) {
        const hr_http_answer *answer = given->answers[needs->hints];

        if (!HR_HAS(answer, hr_http_answer, eligibility) ||
            answer->category < HR_OK || answer->category > HR_CONFIG ||
            answer->eligibility < 0 ||
            answer->eligibility >= HR_ELIGIBILITY_COUNT)
            return false;
        if (answer->code != NULL)
            needs->text_bytes += strlen(answer->code) + 1;
    }
    return true;
}

static char *
append_text(char **cursor, const char *text)
{
    char *copy = *cursor;
    size_t size = strlen(text) + 1;

    memcpy(copy, text, size);
    *cursor += size;
    return copy;
}

/* libcurl only reads the texts. */
static void
add_header(HrRequest *request, struct curl_slist **node, const char *text)
{
    (*node)->data = (char *)text;
    (*node)->next = request->headers;
    request->headers = *node;
    (*node)++;
}

static bool
is_idempotent(const hr_http_request *given)
{
    return (given->method != HR_HTTP_POST && given->method != HR_HTTP_PATCH) ||
           (given->flags & HR_HTTP_IDEMPOTENT) != 0;
}

static void
fill_headers(HrRequest *request, const hr_http_request *given,
             const Needs *needs, struct curl_slist *node, char **text)
{
    for (const char *const *header = given->headers;
         header != NULL && *header != NULL; header++)
        add_header(request, &node, append_text(text, *header));
    add_header(request, &node, no_expect);
    /* libcurl would call every body a form. */
    if (!needs->has_type && given->method >= HR_HTTP_POST)
        add_header(request, &node, no_content_type);
    if (needs->login != NULL)
        add_header(request, &node,
                   append_text(text, hr_secret_reveal(needs->login)));
    add_header(request, &node, request->id);
    request->own_login = needs->has_authorization;
}

static void
fill_hints(HrRequest *request, const hr_http_request *given,
           const Needs *needs, HrErrorRule *rules, char **text)
{
    request->hints = (HrErrorRules){rules, needs->hints};
    for (unsigned i = 0; i < needs->hints; i++) {
        const hr_http_answer *answer = given->answers[i];

        rules[i] = (HrErrorRule){
            .status = answer->status,
            .code =
                answer->code != NULL ? append_text(text, answer->code) : NULL,
            .category = answer->category,
            .eligibility = answer->eligibility,
        };
    }
}

static HrRequest *
copy_request(HrEndpoint *endpoint, const hr_http_request *given,
             const char *url, const Needs *needs)
{
    size_t nodes_bytes = needs->headers * sizeof(struct curl_slist);
    size_t hints_bytes = needs->hints * sizeof(HrErrorRule);
    size_t block_bytes = sizeof(HrRequest) + nodes_bytes + hints_bytes +
                         strlen(url) + 1 + needs->text_bytes +
                         needs->body_bytes;
    HrRequest *request = g_malloc(block_bytes);
    struct curl_slist *nodes = (struct curl_slist *)(request + 1);
    HrErrorRule *hints = (HrErrorRule *)((char *)nodes + nodes_bytes);
    char *text = (char *)hints + hints_bytes;

    memset(request, 0, sizeof *request);
    request->block_bytes = block_bytes;
    request->endpoint = endpoint;
    request->method = given->method;
    request->idempotent = is_idempotent(given);
    request->attempts = given->attempts;
    request->basic = (given->flags & HR_HTTP_BASIC) != 0;
    request->limit_bytes =
        given->limit_bytes > 0 ? given->limit_bytes : DEFAULT_LIMIT_BYTES;
    request->url = append_text(&text, url);
    fill_headers(request, given, needs, nodes, &text);
    fill_hints(request, given, needs, hints, &text);
    if (needs->body_bytes > 0)
        request->body = memcpy(text, given->body, needs->body_bytes);
    request->body_size = needs->body_bytes;
    hr_request_set_id(request, "");
    return request;
}

/* Where the path of an address of the endpoint starts. */
static const char *
path_of(const HrEndpoint *endpoint, const char *url)
{
    if (g_str_has_prefix(url, endpoint->url))
        return url + strlen(endpoint->url);
    return "";
}

/* An address that the server gave may be of any form: then the request that
 * it came in answer to is for the same repository. */
static void
find_scope(HrRequest *request, const hr_http_request *given)
{
    hr_scope_of_request(&request->scope, request->method,
                        path_of(request->endpoint, request->url));
    if (request->scope.repository == NULL && given->base != NULL &&
        *given->base == '/')
        hr_scope_of_request(&request->scope, request->method, given->base);
}

HrRequest *
hr_request_new(HrEndpoint *endpoint, const hr_http_request *given,
               bool with_body, GError **error)
{
    g_autofree char *url = NULL;
    Needs needs = {.headers = OWN_HEADERS};
    HrRequest *request;

    if (endpoint->url == NULL) {
        hr_error_set(error, HR_BUG, "a request to an endpoint without a url");
        return NULL;
    }
    if (hr_method_name(given->method) == NULL || !measure(given, &needs)) {
        hr_error_set(error, HR_BUG,
                     "a request with an unknown method or a header that is "
                     "none");
        return NULL;
    }
    if (with_body && given->body_size > 0 && given->method <= HR_HTTP_HEAD) {
        hr_error_set(error, HR_BUG, "a request that reads has no body");
        return NULL;
    }
    if (!measure_hints(given, &needs)) {
        hr_error_set(error, HR_BUG,
                     "a request that hints at answers in an unknown way");
        return NULL;
    }
    if (with_body && given->body != NULL)
        needs.body_bytes = (size_t)given->body_size;
    url = make_url(endpoint, given, error);
    if (url == NULL || !measure_login(given, with_body, &needs, error))
        return NULL;
    request = copy_request(endpoint, given, url, &needs);
    hr_secret_unref(needs.login);
    find_scope(request, given);
    return request;
}

static void
set_foreign(HrRequest *request, const char *url)
{
    const char *host = strstr(url, "://") + 3;

    request->foreign = true;
    request->host = g_strndup(host, strcspn(host, "/?#"));
}

HrRequest *
hr_request_new_foreign(HrEndpoint *endpoint, const char *url,
                       const char *authorization, const char *form)
{
    static const char type[] =
        "Content-Type: application/x-www-form-urlencoded";
    const char *headers[3] = {"Accept: application/json"};
    hr_http_request given = {
        .struct_size = sizeof given,
        .method = form != NULL ? HR_HTTP_POST : HR_HTTP_GET,
        .flags = HR_HTTP_IDEMPOTENT,
        .headers = headers,
        .body = form,
        .body_size = form != NULL ? strlen(form) : 0,
        .limit_bytes = TOKEN_ANSWER_LIMIT_BYTES,
    };
    Needs needs = {.headers = OWN_HEADERS, .body_bytes = given.body_size};
    HrRequest *request;
    bool same = false;

    /* Either stands in the place of the other. */
    headers[1] = form != NULL ? type : authorization;
    measure(&given, &needs);
    request = copy_request(endpoint, &given, url, &needs);
    g_free(
        hr_origin_check(endpoint->url, url, HR_ORIGIN_REDIRECT, &same, NULL));
    request->stranger = !same;
    request->own_trust = true;
    set_foreign(request, url);
    return request;
}

HrRequest *
hr_request_new_stranger(HrEndpoint *endpoint, const char *url, GError **error)
{
    const hr_http_request given = {
        .struct_size = sizeof given,
        .method = HR_HTTP_GET,
    };
    const Needs needs = {.headers = OWN_HEADERS};
    g_autofree char *checked = NULL;
    HrRequest *request;

    if (endpoint->url == NULL) {
        hr_error_set(error, HR_UNSUPPORTED,
                     "%s is no registry that requests go to", endpoint->name);
        return NULL;
    }
    /* As if a server that speaks TLS had sent us there: never without. */
    checked = hr_origin_check("https://localhost/", url, HR_ORIGIN_REDIRECT,
                              NULL, error);
    if (checked == NULL)
        return NULL;
    request = copy_request(endpoint, &given, checked, &needs);
    /* Without the id, which stands before the others: it is between us and
     * the registry. */
    request->headers = request->headers->next;
    request->stranger = true;
    set_foreign(request, checked);
    return request;
}

void
hr_request_set_id(HrRequest *request, const char *correlation)
{
    g_snprintf(request->id, sizeof request->id, "X-Request-Id: %s",
               correlation);
}

void
hr_request_free(HrRequest *request)
{
    if (request == NULL)
        return;
    hr_scope_clear(&request->scope);
    g_free(request->host);
    /* A body may hold a secret that is being set. */
    if (request->foreign || request->own_login || request->body_size > 0)
        hr_secret_wipe(request, request->block_bytes);
    g_free(request);
}
