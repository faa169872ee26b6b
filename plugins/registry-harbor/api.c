/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests to the API.
 *
 * A 500 is often the caller's fault and for good (a name that is taken, a text
 * that is too long), sometimes a deadlock that passes; the transaction is
 * rolled back in any case.  So it is tried three times, whatever the method,
 * says nothing about the server's health, and is not tried again later.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harbor.h"

#define ATTEMPTS 3u

/* Five thousand robots with all their rights. */
#define LIMIT_BYTES (UINT64_C(64) * 1024 * 1024)

static const hr_http_answer answer_500 = {
    .struct_size = sizeof answer_500,
    .status = 500,
    .category = HR_UNKNOWN,
    .eligibility = HR_RETRY_ALWAYS,
};

/* The API's word for read-only mode. */
static const hr_http_answer answer_denied = {
    .struct_size = sizeof answer_denied,
    .status = 403,
    .code = "DENIED",
    .category = HR_IMMUTABLE,
    .eligibility = HR_RETRY_NEVER,
};

static const hr_http_answer *const answers[] = {&answer_500, &answer_denied,
                                                NULL};

/* Whether somebody else may log in is what was asked: no answer to that says
 * anything about the server, and a second try would only lock the name. */
static const hr_http_answer answer_any = {
    .struct_size = sizeof answer_any,
    .category = HR_OK,
};

static const hr_http_answer *const login_answers[] = {&answer_any, NULL};

void
harbor_answer_end(HarborAnswer *answer)
{
    json_decref(answer->body);
    free(answer->location);
    *answer = (HarborAnswer){.total = -1};
}

hr_status
harbor_begin(const HarborAsk *ask, const HarborRequest *given,
             hr_http_exchange **exchange)
{
    static const char *const headers[] = {
        "Accept: application/json", "X-Is-Resource-Name: true",
        "Content-Type: application/json", NULL};
    static const char *const reading[] = {"Accept: application/json",
                                          "X-Is-Resource-Name: true", NULL};
    HARBOR_AUTOFREE char *target = harbor_text("/api/v2.0%s", given->path);
    char *body =
        given->body != NULL ? harbor_json_canonical(given->body) : NULL;
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = given->method,
        /* What a POST makes has a name: there is no second of it. */
        .flags =
            HR_HTTP_IDEMPOTENT | (given->username == NULL ? HR_HTTP_BASIC : 0),
        .attempts = given->username == NULL ? ATTEMPTS : 1,
        .target = target,
        .headers = body != NULL ? headers : reading,
        .body = body,
        .body_size = body != NULL ? strlen(body) : 0,
        .limit_bytes = LIMIT_BYTES,
        .answers = given->username == NULL ? answers : login_answers,
        .username = given->username,
        .password = given->password,
    };
    hr_status status =
        harbor_path_plain(given->path)
            ? dist_host->http->send(dist_module, ask->registry->dist.endpoint,
                                    ask->call, &request, exchange)
            : dist_fail(ask->call, HR_INVALID,
                        "a name in %s is empty, \".\" or \"..\", which "
                        "nothing is called",
                        given->path);

    harbor_text_wipe(body);
    return status;
}

static int64_t
read_total(const hr_http_exchange *exchange)
{
    const char *text =
        dist_host->http->header(dist_module, exchange, "X-Total-Count");
    char *end;
    long long total;

    if (text == NULL || *text < '0' || *text > '9')
        return -1;
    errno = 0;
    total = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' ? (int64_t)total : -1;
}

static hr_status
read_body(const HarborAsk *ask, const hr_http_exchange *exchange,
          const char *what, HarborAnswer *answer)
{
    uint64_t size;
    const char *body = dist_host->http->body(dist_module, exchange, &size);
    const char *location =
        dist_host->http->header(dist_module, exchange, "Location");
    json_error_t problem;

    answer->total = read_total(exchange);
    if (location != NULL)
        answer->location = harbor_text("%s", location);
    if (size == 0)
        return HR_OK;
    answer->body =
        json_loadb(body, (size_t)size, JSON_REJECT_DUPLICATES, &problem);
    if (answer->body != NULL)
        return HR_OK;
    return dist_fail(ask->call, HR_INVALID,
                     "%s: the answer is no JSON: line %d: %s", what,
                     problem.line, problem.text);
}

hr_status
harbor_end(const HarborAsk *ask, hr_http_exchange *exchange, const char *what,
           HarborAnswer *answer)
{
    hr_status status = dist_host->http->wait(dist_module, exchange);

    *answer = (HarborAnswer){.total = -1};
    if (status != HR_OK) {
        status = dist_explain(ask->call, status, "%s", what);
    } else {
        answer->status = dist_host->http->status(dist_module, exchange);
        if (answer->status >= 200 && answer->status < 300)
            status = read_body(ask, exchange, what, answer);
        else
            status = dist_refused(ask->call, exchange, "%s", what);
    }
    if (answer->status == 500)
        dist_host->call->hint(dist_module, ask->call, HR_RETRY_NEVER, 0);
    dist_host->http->free(dist_module, exchange);
    return status;
}

hr_status
harbor_request(const HarborAsk *ask, const HarborRequest *request,
               const char *what, HarborAnswer *answer)
{
    hr_http_exchange *exchange = NULL;
    hr_status status = harbor_begin(ask, request, &exchange);

    *answer = (HarborAnswer){.total = -1};
    return status == HR_OK ? harbor_end(ask, exchange, what, answer)
                           : dist_explain(ask->call, status, "%s", what);
}

hr_status
harbor_get(const HarborAsk *ask, const char *path, const char *what,
           json_t **object)
{
    HarborRequest request = {.method = HR_HTTP_GET, .path = path};
    HarborAnswer answer;
    hr_status status = harbor_request(ask, &request, what, &answer);

    *object = NULL;
    if (status == HR_OK && !json_is_object(answer.body))
        status = dist_fail(ask->call, HR_INVALID,
                           "%s: the answer is no JSON object", what);
    if (status == HR_OK)
        *object = json_incref(answer.body);
    harbor_answer_end(&answer);
    return status;
}

hr_status
harbor_write(const HarborAsk *ask, uint32_t method, const char *path,
             json_t *body, const char *what, int64_t *id)
{
    HarborRequest request = {.method = method, .path = path, .body = body};
    HarborAnswer answer;
    hr_status status = harbor_request(ask, &request, what, &answer);
    const char *last =
        answer.location != NULL ? strrchr(answer.location, '/') : NULL;

    if (id != NULL)
        *id = last != NULL ? strtoll(last + 1, NULL, 10) : 0;
    harbor_answer_end(&answer);
    harbor_secrets_wipe(body);
    return status;
}
