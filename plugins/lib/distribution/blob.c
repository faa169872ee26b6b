/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blobs: asking for them, reading. */
#include <stdlib.h>

#include "distribution.h"

static hr_status
send_head(hr_registry *registry, hr_call *call, const hr_blob_query *query,
          hr_http_exchange **exchange)
{
    char *target =
        dist_format("/v2/%s/blobs/%s", query->repository, query->digest);
    hr_status status;

    if (target == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = dist_send(registry, call, HR_HTTP_HEAD, target, NULL, exchange);
    free(target);
    return status;
}

static void
fail_query(hr_blob_query *query, hr_call *call, hr_status status)
{
    query->status = status;
    dist_take_reason(call, query->message);
}

static void
read_head(hr_call *call, hr_blob_query *query,
          const hr_http_exchange *exchange)
{
    uint32_t code = dist_host->http->status(dist_module, exchange);
    uint64_t length;

    if (code == 200)
        query->status =
            dist_content_length(exchange, &length) && length == query->size
                ? HR_OK
                : HR_NOT_FOUND;
    else if (code >= 300 && code < 400)
        /* Leads to where the blob is kept; what is there has its size. */
        query->status = HR_OK;
    else if (code == 404)
        query->status = HR_NOT_FOUND;
    else
        fail_query(query, call,
                   dist_refused(call, exchange, "look for blob %s of %s",
                                query->digest, query->repository));
}

static void
await_head(hr_call *call, hr_blob_query *query, hr_http_exchange *exchange)
{
    hr_status status = dist_host->http->wait(dist_module, exchange);

    if (status == HR_OK)
        read_head(call, query, exchange);
    else
        fail_query(query, call,
                   dist_explain(call, status, "look for blob %s of %s",
                                query->digest, query->repository));
    dist_host->http->free(dist_module, exchange);
}

hr_status
dist_stat_blobs(hr_registry *registry, hr_call *call,
                hr_blob_query *const *queries, size_t count)
{
    hr_http_exchange **exchanges = calloc(count + 1, sizeof *exchanges);

    if (exchanges == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
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
dist_open_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
               hr_blob_source *source)
{
    char *target =
        dist_format("/v2/%s/blobs/%s", blob->repository, blob->digest);
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_GET,
        .target = target,
    };
    hr_status status;

    if (target == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = dist_host->blob->source_request(
        dist_module, source, dist_of(registry)->endpoint, &request);
    free(target);
    return status;
}
