/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Referrers: what a registry lists as referring to a manifest. */
#include <stdlib.h>
#include <string.h>

#include "distribution.h"

/* Many lists are on their way at once. */
#define PAGE_LIMIT_BYTES (UINT64_C(4) * 1024 * 1024)

/* One list: asked for with the others, then read. */
typedef struct Asking {
    DistPages pages;
    hr_referrers_query *query;
    char *what;
    char *first;
    hr_http_exchange *exchange;
} Asking;

/* Answers of registries that do not know the question.  404 is what the
 * specification asks for, the others are what some give for any path that is
 * strange to them: a page for people, for one. */
static int
is_no_such_list(uint32_t code, const char *media_type)
{
    return code == 400 || code == 404 || code == 405 || code == 406 ||
           code == 501 || (code >= 300 && code < 400) ||
           (code == 200 && strncmp(media_type, "text/", 5) == 0);
}

static hr_status
take_page(void *data, const hr_http_exchange *exchange)
{
    Asking *asking = data;
    const DistPages *pages = &asking->pages;
    hr_manifest_sink *sink = asking->query->sink;
    uint32_t code = dist_host->http->status(dist_module, exchange);
    char media_type[HR_MEDIA_TYPE_CAPACITY];
    uint64_t size;
    const char *body;

    dist_media_type(media_type, exchange);
    if (is_no_such_list(code, media_type))
        return dist_fail(pages->call, HR_UNSUPPORTED,
                         "%s: HTTP %u: the registry has no lists of referrers",
                         pages->what, code);
    if (code != 200)
        return dist_refused(pages->call, exchange, "%s", pages->what);
    body = dist_host->http->body(dist_module, exchange, &size);
    sink->take(sink, media_type, body, size);
    return HR_OK;
}

static void
fail_query(Asking *asking, hr_status status)
{
    asking->query->status = status;
    dist_take_reason(asking->pages.call, asking->query->message);
}

static void
begin(hr_registry *registry, hr_call *call, hr_referrers_query *query,
      Asking *asking)
{
    hr_status status = HR_OK;

    asking->query = query;
    asking->pages.call = call;
    if (!dist_of(registry)->referrers) {
        fail_query(asking,
                   dist_fail(call, HR_UNSUPPORTED,
                             "the configuration says that the registry has no "
                             "lists of referrers"));
        return;
    }
    asking->what = dist_format("list what refers to %s of %s", query->digest,
                               query->repository);
    asking->first =
        dist_format("/v2/%s/referrers/%s", query->repository, query->digest);
    asking->pages = (DistPages){
        .call = call,
        .what = asking->what,
        .first = asking->first,
        .take = take_page,
        .data = asking,
        .limit_bytes = PAGE_LIMIT_BYTES,
    };
    if (asking->what == NULL || asking->first == NULL)
        status = dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    else
        status = dist_pages_begin(registry, &asking->pages, &asking->exchange);
    if (status != HR_OK)
        fail_query(asking, status);
}

static void
end(hr_registry *registry, Asking *asking)
{
    hr_status status;

    if (asking->exchange != NULL) {
        status = dist_pages_end(registry, &asking->pages, asking->exchange);
        if (status == HR_OK)
            asking->query->status = HR_OK;
        else
            fail_query(asking, status);
    }
    free(asking->what);
    free(asking->first);
}

hr_status
dist_list_referrers(hr_registry *registry, hr_call *call,
                    hr_referrers_query *const *queries, size_t count)
{
    Asking *all = calloc(count + 1, sizeof *all);

    if (all == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    for (size_t i = 0; i < count; i++)
        begin(registry, call, queries[i], &all[i]);
    for (size_t i = 0; i < count; i++)
        end(registry, &all[i]);
    free(all);
    return HR_OK;
}
