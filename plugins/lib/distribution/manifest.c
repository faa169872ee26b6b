/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifests: resolving by HEAD, reading, storing. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "distribution.h"

/* Manifests read at once where HEAD does not tell. */
#define GET_AT_ONCE ((size_t)16)

static hr_status
send_for(hr_registry *registry, hr_call *call, uint32_t method,
         const char *repository, const char *reference,
         hr_http_exchange **exchange)
{
    char *target = dist_format("/v2/%s/manifests/%s", repository, reference);
    hr_status status;

    if (target == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = dist_send(registry, call, method, target, dist_accept, exchange);
    free(target);
    return status;
}

static void
copy_text(char *to, size_t capacity, const char *from)
{
    snprintf(to, capacity, "%s", from != NULL ? from : "");
}

/* Parameters, as "; charset=utf-8", are no part of the type. */
void
dist_media_type(char media_type[HR_MEDIA_TYPE_CAPACITY],
                const hr_http_exchange *exchange)
{
    copy_text(media_type, HR_MEDIA_TYPE_CAPACITY,
              dist_host->http->header(dist_module, exchange, "Content-Type"));
    media_type[strcspn(media_type, "; \t")] = '\0';
}

static void
fill_answer(hr_manifest_query *query, const hr_http_exchange *exchange,
            const char *digest, uint64_t size)
{
    query->status = HR_OK;
    query->size = size;
    copy_text(query->digest, sizeof query->digest, digest);
    dist_media_type(query->media_type, exchange);
}

/* Puts a failure where it belongs: on the query, not on the call. */
static void
fail_query(hr_manifest_query *query, hr_call *call, hr_status status)
{
    query->status = status;
    dist_take_reason(call, query->message);
}

static void
refuse_query(hr_manifest_query *query, hr_call *call,
             const hr_http_exchange *exchange)
{
    fail_query(query, call,
               dist_refused(call, exchange, "look for manifest %s of %s",
                            query->reference, query->repository));
}

/* Reads the answer to a HEAD.  1 if it does not tell, and only a GET will. */
static int
read_head(hr_call *call, hr_manifest_query *query,
          const hr_http_exchange *exchange)
{
    const char *digest = dist_host->http->header(dist_module, exchange,
                                                 "Docker-Content-Digest");
    uint64_t size = 0;

    switch (dist_host->http->status(dist_module, exchange)) {
    case 200:
        if (digest == NULL || !dist_host->digest->valid(dist_module, digest))
            return 1;
        dist_content_length(exchange, &size);
        fill_answer(query, exchange, digest, size);
        return 0;
    case 404:
        query->status = HR_NOT_FOUND;
        return 0;
    case 405:
        return 1;
    default:
        refuse_query(query, call, exchange);
        return 0;
    }
}

void
dist_digest_of(const void *bytes, uint64_t size,
               char digest[HR_DIGEST_CAPACITY])
{
    hr_hash *hash = dist_host->digest->start(dist_module, NULL);

    dist_host->digest->update(dist_module, hash, bytes, size);
    dist_host->digest->finish(dist_module, hash, digest);
}

/* Reads the manifest itself and computes what HEAD did not tell. */
static int
read_get(hr_call *call, hr_manifest_query *query,
         const hr_http_exchange *exchange)
{
    uint32_t code = dist_host->http->status(dist_module, exchange);
    char digest[HR_DIGEST_CAPACITY];
    uint64_t size;
    const char *body;

    if (code == 404) {
        query->status = HR_NOT_FOUND;
        return 0;
    }
    if (code != 200) {
        refuse_query(query, call, exchange);
        return 0;
    }
    body = dist_host->http->body(dist_module, exchange, &size);
    dist_digest_of(body, size, digest);
    fill_answer(query, exchange, digest, size);
    return 0;
}

/* Asks all queries at once with one method and reads the answers; those that
 * `read` wants to be asked again are moved to the front of `queries`.
 * Returns how many they are. */
static size_t
ask_queries(hr_registry *registry, hr_call *call, uint32_t method,
            int (*read)(hr_call *call, hr_manifest_query *query,
                        const hr_http_exchange *exchange),
            hr_manifest_query **queries, hr_http_exchange **exchanges,
            size_t count)
{
    size_t again = 0;

    for (size_t i = 0; i < count; i++) {
        hr_status status =
            send_for(registry, call, method, queries[i]->repository,
                     queries[i]->reference, &exchanges[i]);

        if (status != HR_OK)
            fail_query(queries[i], call, status);
    }
    for (size_t i = 0; i < count; i++) {
        hr_manifest_query *query = queries[i];
        hr_status status;

        if (exchanges[i] == NULL)
            continue;
        status = dist_host->http->wait(dist_module, exchanges[i]);
        if (status != HR_OK)
            fail_query(query, call,
                       dist_explain(call, status, "look for manifest %s of %s",
                                    query->reference, query->repository));
        else if (read(call, query, exchanges[i]))
            queries[again++] = query;
        dist_host->http->free(dist_module, exchanges[i]);
        exchanges[i] = NULL;
    }
    return again;
}

hr_status
dist_resolve(hr_registry *registry, hr_call *call,
             hr_manifest_query *const *queries, size_t count)
{
    hr_http_exchange **exchanges = calloc(count + 1, sizeof *exchanges);
    hr_manifest_query **asked = calloc(count + 1, sizeof *asked);
    size_t left;

    if (exchanges == NULL || asked == NULL) {
        free(exchanges);
        free(asked);
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    }
    memcpy(asked, queries, count * sizeof *asked);
    left = dist_of(registry)->head
               ? ask_queries(registry, call, HR_HTTP_HEAD, read_head, asked,
                             exchanges, count)
               : count;
    /* A few at a time, for these answers are manifests. */
    for (size_t i = 0; i < left; i += GET_AT_ONCE) {
        size_t part = left - i < GET_AT_ONCE ? left - i : GET_AT_ONCE;

        ask_queries(registry, call, HR_HTTP_GET, read_get, asked + i,
                    exchanges, part);
    }
    free(exchanges);
    free(asked);
    return HR_OK;
}

static void
give_body(const hr_http_exchange *exchange, hr_manifest_sink *sink)
{
    char media_type[HR_MEDIA_TYPE_CAPACITY];
    uint64_t size;
    const char *body = dist_host->http->body(dist_module, exchange, &size);

    dist_media_type(media_type, exchange);
    sink->take(sink, media_type, body, size);
}

hr_status
dist_get_manifest(hr_registry *registry, hr_call *call, const char *repository,
                  const char *reference, uint64_t limit_bytes,
                  hr_manifest_sink *sink)
{
    hr_http_exchange *exchange = NULL;
    const char *const *headers = dist_of(registry)->manifest_headers;
    char *target = dist_format("/v2/%s/manifests/%s", repository, reference);
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_GET,
        .target = target,
        .headers = headers != NULL ? headers : dist_accept,
        .limit_bytes = limit_bytes,
    };
    hr_status status;

    if (target == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = dist_ask(registry, call, &request, &exchange);
    free(target);
    if (status != HR_OK)
        return dist_explain(call, status, "read manifest %s of %s", reference,
                            repository);
    if (dist_host->http->status(dist_module, exchange) == 200)
        give_body(exchange, sink);
    else
        status = dist_refused(call, exchange, "read manifest %s of %s",
                              reference, repository);
    dist_host->http->free(dist_module, exchange);
    return status;
}

/* True if a tag was refused that is as it should be: one that cannot be moved
 * is refused even then.  An answer that got lost makes that happen. */
static int
is_refused_for_nothing(hr_registry *registry, hr_call *call, uint32_t code,
                       const hr_manifest_put *put)
{
    hr_manifest_query query = {
        .struct_size = sizeof query,
        .repository = put->repository,
        .reference = put->reference,
    };
    hr_manifest_query *const queries[] = {&query};

    if ((code != 400 && code != 409 && code != 412) ||
        strchr(put->reference, ':') != NULL)
        return 0;
    if (dist_resolve(registry, call, queries, 1) != HR_OK) {
        dist_host->call->forgive(dist_module, call);
        return 0;
    }
    return query.status == HR_OK && strcmp(query.digest, put->digest) == 0;
}

static hr_status
check_stored(hr_registry *registry, hr_call *call,
             const hr_http_exchange *exchange, const hr_manifest_put *put)
{
    uint32_t code = dist_host->http->status(dist_module, exchange);
    const char *stored = dist_host->http->header(dist_module, exchange,
                                                 "Docker-Content-Digest");

    if (is_refused_for_nothing(registry, call, code, put))
        return HR_OK;
    if (code < 200 || code >= 300)
        return dist_refused(call, exchange, "store manifest %s in %s",
                            put->reference, put->repository);
    /* One of another algorithm says nothing about ours. */
    if (stored == NULL || strcmp(stored, put->digest) == 0 ||
        strncmp(stored, put->digest, sizeof "sha256:" - 1) != 0)
        return HR_OK;
    return dist_fail(call, HR_INTEGRITY,
                     "store manifest %s in %s: the registry stored %s, not %s",
                     put->reference, put->repository, stored, put->digest);
}

/* What a registry that can compare is to compare; NULL is no header. */
static char *
condition(const hr_manifest_put *put)
{
    if (put->expected == NULL)
        return NULL;
    if (put->expected[0] == '\0')
        return dist_format("If-None-Match: *");
    return dist_format("If-Match: \"%s\"", put->expected);
}

static hr_status
ask_put(hr_registry *registry, hr_call *call, const hr_manifest_put *put,
        hr_http_exchange **exchange)
{
    char *target =
        dist_format("/v2/%s/manifests/%s", put->repository, put->reference);
    char *type = dist_format("Content-Type: %s", put->media_type);
    char *match = condition(put);
    const char *headers[] = {type, match, NULL};
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_PUT,
        .target = target,
        .headers = headers,
        .body = put->bytes,
        .body_size = put->size_bytes,
    };
    bool complete = target != NULL && type != NULL &&
                    (match != NULL || put->expected == NULL);
    hr_status status =
        complete ? dist_ask(registry, call, &request, exchange)
                 : dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");

    free(target);
    free(type);
    free(match);
    return status;
}

hr_status
dist_put_manifest(hr_registry *registry, hr_call *call, hr_manifest_put *put)
{
    hr_http_exchange *exchange = NULL;
    hr_status status = ask_put(registry, call, put, &exchange);

    if (status != HR_OK)
        return dist_explain(call, status, "store manifest %s in %s",
                            put->reference, put->repository);
    status = check_stored(registry, call, exchange, put);
    put->listed =
        dist_host->http->header(dist_module, exchange, "OCI-Subject") != NULL;
    dist_host->http->free(dist_module, exchange);
    return status;
}
