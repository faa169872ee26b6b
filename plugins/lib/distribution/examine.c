/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Examining: what a registry can do, found out with a dozen small requests.
 *
 *     catalog -> a repository -> a tag -> HEAD, GET -> a blob -> Range
 *                     |                        '----> referrers
 *                     '-- with leave to write: an upload of four bytes, in
 *                         two parts, asked for and cancelled; a mount
 *
 * What the one does not find, the next cannot ask about: then it is unknown.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../json-names.h"
#include "../upload-range.h"
#include "distribution.h"

#define NAME_CAPACITY 256
#define DETAIL_CAPACITY 512

typedef struct Examining {
    hr_registry *registry;
    hr_call *call;
    const hr_examination *examination;
    char repository[NAME_CAPACITY]; /* that is looked at; "" for none */
    char tag[NAME_CAPACITY];
    char manifest[HR_DIGEST_CAPACITY];
    char blob[HR_DIGEST_CAPACITY];
} Examining;

static void
tell(const Examining *examining, const char *name, int state,
     const char *detail)
{
    hr_ability_sink *sink = examining->examination->sink;
    hr_ability ability = {
        .struct_size = sizeof ability,
        .state = state,
        .name = name,
        .detail = detail,
    };

    sink->take(sink, &ability);
}

__attribute__((format(printf, 4, 5))) static void
tell_how(const Examining *examining, const char *name, int state,
         const char *format, ...)
{
    char detail[DETAIL_CAPACITY];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    tell(examining, name, state, detail);
}

#define ANSWER_CAPACITY 16

/* What a request came to, for sentences. */
static const char *
name_answer(uint32_t code, char text[ANSWER_CAPACITY])
{
    if (code == 0)
        return "no answer";
    snprintf(text, ANSWER_CAPACITY, "HTTP %u", code);
    return text;
}

/* What an answer that is not the one hoped for shows. */
static int
state_without(uint32_t code)
{
    return code == 0 ? HR_ABILITY_UNKNOWN : HR_ABILITY_NO;
}

/* A request that answers a question: its status code, or 0 if there is no
 * answer.  *exchange is the caller's. */
static uint32_t
ask(const Examining *examining, uint32_t method, const char *target,
    const char *base, const char *const *headers, const char *body,
    hr_http_exchange **exchange)
{
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = method,
        .flags = HR_HTTP_IDEMPOTENT |
                 (base != NULL ? (uint32_t)HR_HTTP_SERVER_GIVEN : 0u),
        .target = target,
        .base = base,
        .headers = headers,
        .body = body,
        .body_size = body != NULL ? strlen(body) : 0,
    };

    *exchange = NULL;
    if (target == NULL || dist_ask(examining->registry, examining->call,
                                   &request, exchange) != HR_OK) {
        dist_host->call->forgive(dist_module, examining->call);
        return 0;
    }
    return dist_host->http->status(dist_module, *exchange);
}

/* What a server names becomes part of an address. */
static int
is_name(const char *text)
{
    size_t length = strlen(text);

    return length > 0 && length < NAME_CAPACITY &&
           strstr(text, "..") == NULL && *text != '/' &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789._/-") == length;
}

/* Takes the first good name of a list and ends the reading. */
static int
take_first(void *data, const char *name)
{
    if (!is_name(name))
        return 0;
    strcpy(data, name);
    return 1;
}

static void
read_first(const hr_http_exchange *exchange, const char *member,
           char name[NAME_CAPACITY])
{
    char problem[128];
    uint64_t size;
    const char *body = dist_host->http->body(dist_module, exchange, &size);

    hr_lib_json_names(body, (size_t)size, member, take_first, name, problem,
                      sizeof problem);
}

static void
examine_catalog(Examining *examining)
{
    char text[ANSWER_CAPACITY];
    hr_http_exchange *exchange;
    uint32_t code = ask(examining, HR_HTTP_GET, "/v2/_catalog?n=100", NULL,
                        NULL, NULL, &exchange);

    if (code == 200) {
        tell(examining, "catalog", HR_ABILITY_YES,
             "repositories can be selected by patterns");
        if (examining->repository[0] == '\0')
            read_first(exchange, "repositories", examining->repository);
    } else {
        tell_how(examining, "catalog", state_without(code),
                 "%s; give select.repositories.names",
                 name_answer(code, text));
    }
    dist_host->http->free(dist_module, exchange);
}

static void
find_tag(Examining *examining)
{
    hr_http_exchange *exchange;
    char *target;

    if (examining->repository[0] == '\0')
        return;
    target = dist_format("/v2/%s/tags/list?n=100", examining->repository);
    if (ask(examining, HR_HTTP_GET, target, NULL, NULL, NULL, &exchange) ==
        200)
        read_first(exchange, "tags", examining->tag);
    dist_host->http->free(dist_module, exchange);
    free(target);
}

static void
examine_head(Examining *examining)
{
    char text[ANSWER_CAPACITY];
    hr_http_exchange *exchange;
    const char *digest = NULL;
    char *target;
    uint32_t code;

    if (examining->tag[0] == '\0') {
        tell(examining, "head", HR_ABILITY_UNKNOWN, "there is no tag to ask");
        return;
    }
    target = dist_format("/v2/%s/manifests/%s", examining->repository,
                         examining->tag);
    code = ask(examining, HR_HTTP_HEAD, target, NULL, dist_accept, NULL,
               &exchange);
    if (code == 200)
        digest = dist_host->http->header(dist_module, exchange,
                                         "Docker-Content-Digest");
    if (digest != NULL && dist_host->digest->valid(dist_module, digest))
        tell_how(examining, "head", HR_ABILITY_YES, "asked for %s:%s",
                 examining->repository, examining->tag);
    else
        tell_how(examining, "head", state_without(code),
                 "%s%s; unchanged tags cost a GET each",
                 name_answer(code, text),
                 code == 200 ? " without a digest" : "");
    dist_host->http->free(dist_module, exchange);
    free(target);
}

/* A digest that a manifest names: its config, or its first manifest. */
static void
read_part(const char *body, size_t size, const char **member,
          char digest[HR_DIGEST_CAPACITY])
{
    json_t *root = hr_lib_json_shallow(body, size)
                       ? json_loadb(body, size, 0, NULL)
                       : NULL;
    json_t *config = json_object_get(root, "config");
    json_t *child = json_array_get(json_object_get(root, "manifests"), 0);
    const char *text = json_string_value(
        json_object_get(config != NULL ? config : child, "digest"));

    *member = config != NULL ? "config" : "manifests";
    digest[0] = '\0';
    if (text != NULL && dist_host->digest->valid(dist_module, text))
        snprintf(digest, HR_DIGEST_CAPACITY, "%s", text);
    json_decref(root);
}

/* Goes down from the tag to an image, and to its config. */
static void
find_blob(Examining *examining)
{
    char reference[NAME_CAPACITY];

    snprintf(reference, sizeof reference, "%s", examining->tag);
    for (unsigned depth = 0; depth < 4 && reference[0] != '\0'; depth++) {
        hr_http_exchange *exchange;
        char *target = dist_format("/v2/%s/manifests/%s",
                                   examining->repository, reference);
        char digest[HR_DIGEST_CAPACITY] = "";
        const char *member = "";
        uint32_t code = ask(examining, HR_HTTP_GET, target, NULL, dist_accept,
                            NULL, &exchange);

        free(target);
        if (code == 200) {
            uint64_t size;
            const char *body =
                dist_host->http->body(dist_module, exchange, &size);

            dist_digest_of(body, size, examining->manifest);
            read_part(body, (size_t)size, &member, digest);
        }
        dist_host->http->free(dist_module, exchange);
        if (strcmp(member, "config") == 0) {
            strcpy(examining->blob, digest);
            return;
        }
        snprintf(reference, sizeof reference, "%s", digest);
    }
}

static void
examine_ranges(Examining *examining)
{
    static const char *const headers[] = {"Range: bytes=0-0", NULL};
    char text[ANSWER_CAPACITY];
    hr_http_exchange *exchange;
    char *target;
    uint32_t code;

    if (examining->blob[0] == '\0') {
        tell(examining, "ranges", HR_ABILITY_UNKNOWN,
             "there is no blob to ask for");
        return;
    }
    target =
        dist_format("/v2/%s/blobs/%s", examining->repository, examining->blob);
    code = ask(examining, HR_HTTP_GET, target, NULL, headers, NULL, &exchange);
    if (code == 206)
        tell(examining, "ranges", HR_ABILITY_YES,
             "downloads that break off go on from there");
    else if (code >= 300 && code < 400)
        tell(examining, "ranges", HR_ABILITY_UNKNOWN,
             "blobs are kept on another host, which is asked when it comes "
             "to it");
    else
        tell_how(examining, "ranges",
                 code == 200 ? HR_ABILITY_NO : HR_ABILITY_UNKNOWN, "%s%s",
                 name_answer(code, text),
                 code == 200 ? "; downloads that break off are read again"
                             : "");
    dist_host->http->free(dist_module, exchange);
    free(target);
}

static void
take_nothing(hr_manifest_sink *sink, const char *media_type, const void *bytes,
             uint64_t size_bytes)
{
    (void)sink;
    (void)media_type;
    (void)bytes;
    (void)size_bytes;
}

static void
examine_referrers(Examining *examining)
{
    hr_manifest_sink sink = {.struct_size = sizeof sink, .take = take_nothing};
    hr_referrers_query query = {
        .struct_size = sizeof query,
        .repository = examining->repository,
        .digest = examining->manifest,
        .sink = &sink,
    };
    hr_referrers_query *const queries[] = {&query};

    if (examining->manifest[0] == '\0') {
        tell(examining, "referrers", HR_ABILITY_UNKNOWN,
             "there is no manifest to ask about");
        return;
    }
    if (!dist_of(examining->registry)->referrers) {
        tell(examining, "referrers", HR_ABILITY_UNKNOWN,
             "the configuration says that they are not asked for");
        return;
    }
    if (dist_list_referrers(examining->registry, examining->call, queries,
                            1) != HR_OK) {
        dist_take_reason(examining->call, query.message);
        query.status = HR_UNKNOWN;
    }
    if (query.status == HR_OK)
        tell(examining, "referrers", HR_ABILITY_YES,
             "signatures and SBOMs are listed by the registry");
    else if (query.status == HR_UNSUPPORTED)
        tell(examining, "referrers", HR_ABILITY_NO,
             "signatures and SBOMs are listed in tags: sha256-...");
    else
        tell(examining, "referrers", HR_ABILITY_UNKNOWN, query.message);
}

/* ------------------------------------------------------------- writing */

/* Keeps up with where a session is: every answer may move it. */
static void
follow(const hr_http_exchange *exchange, char **location)
{
    const char *given =
        exchange != NULL
            ? dist_host->http->header(dist_module, exchange, "Location")
            : NULL;
    char *copy = given != NULL ? strdup(given) : NULL;

    if (copy == NULL)
        return;
    free(*location);
    *location = copy;
}

static uint32_t
patch(const Examining *examining, const char *base, const char *range,
      const char *bytes, char **location)
{
    const char *headers[] = {"Content-Type: application/octet-stream", range,
                             NULL};
    hr_http_exchange *exchange;
    uint32_t code = ask(examining, HR_HTTP_PATCH, *location, base, headers,
                        bytes, &exchange);

    follow(exchange, location);
    dist_host->http->free(dist_module, exchange);
    return code;
}

static void
cancel(const Examining *examining, const char *base, const char *location)
{
    hr_http_exchange *exchange;

    ask(examining, HR_HTTP_DELETE, location, base, NULL, NULL, &exchange);
    dist_host->http->free(dist_module, exchange);
}

/* How much of an upload is there, of which some must be. */
static void
ask_kept(const Examining *examining, const char *base, const char *location)
{
    char text[ANSWER_CAPACITY];
    hr_http_exchange *exchange;
    uint32_t code =
        ask(examining, HR_HTTP_GET, location, base, NULL, NULL, &exchange);
    uint64_t kept = 0;

    if (code / 100 == 2)
        kept = hr_lib_upload_range(
            dist_host->http->header(dist_module, exchange, "Range"));
    dist_host->http->free(dist_module, exchange);
    tell_how(examining, "upload-status",
             kept > 0 ? HR_ABILITY_YES : state_without(code),
             kept > 0 ? "an upload tells how much of it is there (%s): one "
                        "that breaks off goes on, unless it is forgotten then"
                      : "an upload does not tell how much of it is there (%s)",
             name_answer(code, text));
}

/* Two parts of two bytes each; then how much of that is there. */
static void
try_parts(const Examining *examining, const char *base, char **location)
{
    uint32_t first =
        patch(examining, base, "Content-Range: 0-1", "ab", location);
    char text[ANSWER_CAPACITY];
    uint32_t second;

    if (first / 100 != 2) {
        tell_how(examining, "chunks", state_without(first),
                 "%s; each blob goes in one PUT", name_answer(first, text));
        tell(examining, "upload-status", state_without(first),
             "uploads that break off are sent again");
        return;
    }
    second = patch(examining, base, "Content-Range: 2-3", "cd", location);
    tell_how(examining, "chunks",
             second / 100 == 2 ? HR_ABILITY_YES : state_without(second),
             "%s for a second PATCH", name_answer(second, text));
    ask_kept(examining, base, *location);
}

static void
examine_upload(const Examining *examining)
{
    char *base = dist_format("/v2/%s/blobs/uploads/", examining->repository);
    char *location = NULL;
    char text[ANSWER_CAPACITY];
    hr_http_exchange *exchange;
    uint32_t code =
        ask(examining, HR_HTTP_POST, base, NULL, NULL, NULL, &exchange);

    if (code == 202)
        follow(exchange, &location);
    dist_host->http->free(dist_module, exchange);
    tell_how(examining, "write",
             location != NULL ? HR_ABILITY_YES : state_without(code),
             "%s for an upload to %s", name_answer(code, text),
             examining->repository);
    if (location != NULL) {
        try_parts(examining, base, &location);
        cancel(examining, base, location);
    }
    free(location);
    free(base);
}

/* From the repository where the blob is into itself: nothing new comes of
 * it. */
static void
examine_mount(const Examining *examining)
{
    char *target;
    char *location = NULL;
    char text[ANSWER_CAPACITY];
    hr_http_exchange *exchange;
    uint32_t code;

    if (examining->blob[0] == '\0') {
        tell(examining, "mount", HR_ABILITY_UNKNOWN,
             "there is no blob to take over");
        return;
    }
    target = dist_format("/v2/%s/blobs/uploads/?mount=%s&from=%s",
                         examining->repository, examining->blob,
                         examining->repository);
    code = ask(examining, HR_HTTP_POST, target, NULL, NULL, NULL, &exchange);
    if (code == 202)
        follow(exchange, &location);
    dist_host->http->free(dist_module, exchange);
    tell_how(examining, "mount",
             code == 201   ? HR_ABILITY_YES
             : code == 202 ? HR_ABILITY_NO
                           : HR_ABILITY_UNKNOWN,
             "%s%s", name_answer(code, text),
             code == 202 ? "; blobs are sent to each repository" : "");
    if (location != NULL)
        cancel(examining, target, location);
    free(location);
    free(target);
}

static void
examine_writing(Examining *examining)
{
    static const char *const names[] = {"write", "chunks", "upload-status",
                                        "mount"};

    if ((examining->examination->flags & HR_EXAMINE_WRITE) == 0) {
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
            tell(examining, names[i], HR_ABILITY_UNKNOWN,
                 "found out with --write only");
        return;
    }
    examine_upload(examining);
    examine_mount(examining);
}

hr_status
dist_examine(hr_registry *registry, hr_call *call,
             const hr_examination *examination)
{
    Examining examining = {
        .registry = registry,
        .call = call,
        .examination = examination,
    };
    hr_status status = dist_probe(registry, call);

    if (status != HR_OK)
        return status;
    if (examination->repository != NULL)
        snprintf(examining.repository, sizeof examining.repository, "%s",
                 examination->repository);
    examine_catalog(&examining);
    find_tag(&examining);
    examine_head(&examining);
    find_blob(&examining);
    examine_ranges(&examining);
    examine_referrers(&examining);
    examine_writing(&examining);
    return HR_OK;
}
