/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blobs: asking for them, reading, uploading in one piece, mounting. */
#include <stdlib.h>
#include <string.h>

#include "../lib/query.h"
#include "oci.h"

/* An upload session: its address, to cancel it if it comes to nothing. */
struct hr_blob_writer {
    char *base;
    char *location;
};

static hr_status
send_head(hr_registry *registry, hr_call *call, const hr_blob_query *query,
          hr_http_exchange **exchange)
{
    char *target =
        oci_format("/v2/%s/blobs/%s", query->repository, query->digest);
    hr_status status;

    if (target == NULL)
        return oci_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = oci_send(registry, call, HR_HTTP_HEAD, target, NULL, exchange);
    free(target);
    return status;
}

static void
fail_query(hr_blob_query *query, hr_call *call, hr_status status)
{
    query->status = status;
    oci_take_reason(call, query->message);
}

static void
read_head(hr_call *call, hr_blob_query *query,
          const hr_http_exchange *exchange)
{
    uint32_t code = oci_host->http->status(oci_module, exchange);
    uint64_t length;

    if (code == 200)
        query->status =
            oci_content_length(exchange, &length) && length == query->size
                ? HR_OK
                : HR_NOT_FOUND;
    else if (code >= 300 && code < 400)
        /* Leads to where the blob is kept; what is there has its size. */
        query->status = HR_OK;
    else if (code == 404)
        query->status = HR_NOT_FOUND;
    else
        fail_query(query, call,
                   oci_refused(call, exchange, "look for blob %s of %s",
                               query->digest, query->repository));
}

static void
await_head(hr_call *call, hr_blob_query *query, hr_http_exchange *exchange)
{
    hr_status status = oci_host->http->wait(oci_module, exchange);

    if (status == HR_OK)
        read_head(call, query, exchange);
    else
        fail_query(query, call,
                   oci_explain(call, status, "look for blob %s of %s",
                               query->digest, query->repository));
    oci_host->http->free(oci_module, exchange);
}

hr_status
oci_stat_blobs(hr_registry *registry, hr_call *call,
               hr_blob_query *const *queries, size_t count)
{
    hr_http_exchange **exchanges = calloc(count + 1, sizeof *exchanges);

    if (exchanges == NULL)
        return oci_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    for (size_t i = 0; i < count; i++) {
        hr_status status =
            send_head(registry, call, queries[i], &exchanges[i]);

        if (status != HR_OK)
            fail_query(queries[i], call, status);
    }
    for (size_t i = 0; i < count; i++)
        if (exchanges[i] != NULL)
            await_head(call, queries[i], exchanges[i]);
    free(exchanges);
    return HR_OK;
}

hr_status
oci_open_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
              hr_blob_source *source)
{
    char *target =
        oci_format("/v2/%s/blobs/%s", blob->repository, blob->digest);
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_GET,
        .target = target,
    };
    hr_status status;

    if (target == NULL)
        return oci_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = oci_host->blob->source_request(oci_module, source,
                                            registry->endpoint, &request);
    free(target);
    return status;
}

static void
free_session(hr_blob_writer *session)
{
    if (session == NULL)
        return;
    free(session->base);
    free(session->location);
    free(session);
}

static hr_blob_writer *
new_session(const char *base, const char *location)
{
    hr_blob_writer *session = calloc(1, sizeof *session);

    if (session == NULL)
        return NULL;
    session->base = strdup(base);
    session->location = strdup(location);
    if (session->base != NULL && session->location != NULL)
        return session;
    free_session(session);
    return NULL;
}

/* The upload's address comes with state in its query and is used as it came;
 * the digest is added to it. */
static hr_status
describe_upload(hr_registry *registry, hr_call *call, const hr_blob *blob,
                hr_blob_writer *session, hr_blob_target *target)
{
    static const char *const headers[] = {
        "Content-Type: application/octet-stream", NULL};
    char *address =
        hr_lib_query_add(session->location, "digest", blob->digest);
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_PUT,
        .flags = HR_HTTP_SERVER_GIVEN,
        .target = address,
        .base = session->base,
        .headers = headers,
    };
    hr_status status;

    if (address == NULL)
        return oci_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = oci_host->blob->target_request(
        oci_module, target, registry->endpoint, &request, session);
    free(address);
    return status;
}

static hr_status
begin_upload(hr_registry *registry, hr_call *call, const hr_blob *blob,
             const char *base, const hr_http_exchange *exchange,
             hr_blob_target *target)
{
    const char *location =
        oci_host->http->header(oci_module, exchange, "Location");
    hr_blob_writer *session;
    hr_status status;

    if (location == NULL || *location == '\0')
        return oci_fail(call, HR_INVALID,
                        "begin upload of blob %s to %s: the registry names no "
                        "place for it (no Location)",
                        blob->digest, blob->repository);
    session = new_session(base, location);
    if (session == NULL)
        return oci_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = describe_upload(registry, call, blob, session, target);
    if (status != HR_OK)
        free_session(session);
    return status;
}

static hr_status
read_start(hr_registry *registry, hr_call *call, const hr_blob *blob,
           const char *base, const hr_http_exchange *exchange,
           hr_blob_target *target)
{
    /* 201 answers a mount that worked; 202 is an upload session, also after a
     * mount that did not. */
    switch (oci_host->http->status(oci_module, exchange)) {
    case 201:
        return oci_host->blob->target_present(oci_module, target, 1);
    case 202:
        return begin_upload(registry, call, blob, base, exchange, target);
    default:
        return oci_refused(call, exchange, "begin upload of blob %s to %s",
                           blob->digest, blob->repository);
    }
}

hr_status
oci_create_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                const char *mount_from, hr_blob_target *target)
{
    char *address =
        mount_from != NULL
            ? oci_format("/v2/%s/blobs/uploads/?mount=%s&from=%s",
                         blob->repository, blob->digest, mount_from)
            : oci_format("/v2/%s/blobs/uploads/", blob->repository);
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_POST,
        /* A session begun twice leaves an empty one, which registries clean
         * up. */
        .flags = HR_HTTP_IDEMPOTENT,
        .target = address,
    };
    hr_http_exchange *exchange = NULL;
    hr_status status;

    if (address == NULL)
        return oci_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = oci_ask(registry, call, &request, &exchange);
    if (status == HR_OK)
        status = read_start(registry, call, blob, address, exchange, target);
    else
        status = oci_explain(call, status, "begin upload of blob %s to %s",
                             blob->digest, blob->repository);
    oci_host->http->free(oci_module, exchange);
    free(address);
    return status;
}

hr_status
oci_commit_blob(hr_registry *registry, hr_call *call, hr_blob_writer *writer)
{
    (void)registry;
    (void)call;
    free_session(writer);
    return HR_OK;
}

void
oci_abort_blob(hr_registry *registry, hr_call *call, hr_blob_writer *writer)
{
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_DELETE,
        .flags = HR_HTTP_SERVER_GIVEN,
        .target = writer->location,
        .base = writer->base,
    };
    hr_http_exchange *exchange = NULL;

    /* A kindness to the registry: it would find out by itself. */
    if (!oci_host->call->cancelled(oci_module, call) &&
        oci_ask(registry, call, &request, &exchange) == HR_OK)
        oci_host->http->free(oci_module, exchange);
    oci_host->call->forgive(oci_module, call);
    free_session(writer);
}
