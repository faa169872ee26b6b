/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of repositories and tags. */
#include <stdlib.h>

#include "../json-names.h"
#include "distribution.h"

/* Names asked for in a page; registries give fewer if they like. */
#define PAGE_SIZE 1000
#define PAGE_LIMIT_BYTES (UINT64_C(16) * 1024 * 1024)

typedef struct Listing {
    DistPages pages;
    hr_names *names;
    const char *member; /* "tags" */
} Listing;

static int
add_name(void *data, const char *name)
{
    const Listing *listing = data;

    return dist_host->names->add(dist_module, listing->pages.call,
                                 listing->names, name);
}

static hr_status
take_page(void *data, const hr_http_exchange *exchange)
{
    Listing *listing = data;
    const DistPages *pages = &listing->pages;
    char problem[256] = "";
    uint64_t size;
    const char *body = dist_host->http->body(dist_module, exchange, &size);
    int result;

    if (dist_host->http->status(dist_module, exchange) != 200)
        return dist_refused(pages->call, exchange, "%s", pages->what);
    result = hr_lib_json_names(body, (size_t)size, listing->member, add_name,
                               listing, problem, sizeof problem);
    if (result == -1)
        return dist_fail(pages->call, HR_INVALID, "%s: %s", pages->what,
                         problem);
    return result;
}

static hr_status
list_names(hr_registry *registry, Listing *listing)
{
    hr_http_exchange *exchange = NULL;
    hr_status status;

    listing->pages.take = take_page;
    listing->pages.data = listing;
    listing->pages.limit_bytes = PAGE_LIMIT_BYTES;
    status = dist_pages_begin(registry, &listing->pages, &exchange);
    return status == HR_OK
               ? dist_pages_end(registry, &listing->pages, exchange)
               : status;
}

hr_status
dist_list_repositories(hr_registry *registry, hr_call *call, hr_names *names)
{
    char *first = dist_format("/v2/_catalog?n=%d", PAGE_SIZE);
    Listing listing = {
        .pages = {.call = call,
                  .what = "list the repositories",
                  .first = first},
        .names = names,
        .member = "repositories",
    };
    hr_status status =
        first != NULL ? list_names(registry, &listing)
                      : dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");

    free(first);
    /* A registry without a catalog is not one without repositories. */
    if (status == HR_NOT_FOUND || status == HR_UNSUPPORTED)
        status = dist_fail(call, HR_UNSUPPORTED,
                           "the registry has no list of repositories");
    return status;
}

hr_status
dist_list_tags(hr_registry *registry, hr_call *call, const char *repository,
               hr_names *names)
{
    char *what = dist_format("list tags of %s", repository);
    char *first = dist_format("/v2/%s/tags/list?n=%d", repository, PAGE_SIZE);
    Listing listing = {
        .pages = {.call = call, .what = what, .first = first},
        .names = names,
        .member = "tags",
    };
    hr_status status =
        what != NULL && first != NULL
            ? list_names(registry, &listing)
            : dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");

    free(first);
    free(what);
    return status;
}
