/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of repositories and tags, page by page. */
#include <stdlib.h>
#include <string.h>

#include "../lib/json-names.h"
#include "../lib/link-header.h"
#include "oci.h"

/* Names asked for in a page; registries give fewer if they like. */
#define PAGE_SIZE 1000

/* A listing of more pages than this is one that never ends. */
#define PAGE_LIMIT 100000u

#define PAGE_LIMIT_BYTES (UINT64_C(16) * 1024 * 1024)
#define LINK_CAPACITY 8192

typedef struct Listing {
    hr_call *call;
    hr_names *names;
    const char *member; /* "tags" */
    const char *what;   /* "list tags of library/nginx" */
    char remembered[LINK_CAPACITY];
} Listing;

static int
add_name(void *data, const char *name)
{
    const Listing *listing = data;

    return oci_host->names->add(oci_module, listing->call, listing->names,
                                name);
}

static hr_status
read_page(Listing *listing, const hr_http_exchange *exchange)
{
    char problem[256] = "";
    uint64_t size;
    const char *body = oci_host->http->body(oci_module, exchange, &size);
    int result;

    if (oci_host->http->status(oci_module, exchange) != 200)
        return oci_refused(listing->call, exchange, "%s", listing->what);
    result = hr_lib_json_names(body, (size_t)size, listing->member, add_name,
                               listing, problem, sizeof problem);
    if (result == -1)
        return oci_fail(listing->call, HR_INVALID, "%s: %s", listing->what,
                        problem);
    return result;
}

/* The address of the next page in `next`, "" if this was the last. */
static hr_status
find_next(const Listing *listing, const hr_http_exchange *exchange,
          char next[LINK_CAPACITY])
{
    const char *header = oci_host->http->header(oci_module, exchange, "Link");
    int found =
        header != NULL ? hr_lib_link_next(header, next, LINK_CAPACITY) : 0;

    if (found < 0)
        return oci_fail(listing->call, HR_INVALID,
                        "%s: the Link header to the next page is malformed",
                        listing->what);
    if (found == 0)
        next[0] = '\0';
    return HR_OK;
}

/* Notices pages that lead back to earlier ones.  Compares each address with
 * one that is remembered, and remembers another whenever the number of pages
 * is a power of two: a circle is found after three times its length, and
 * nothing has to be kept. */
static hr_status
check_circle(Listing *listing, unsigned page, const char *next)
{
    if (strcmp(next, listing->remembered) == 0)
        return oci_fail(listing->call, HR_INVALID,
                        "%s: the list does not end, its pages lead back to "
                        "earlier ones",
                        listing->what);
    if (((page + 1) & page) == 0)
        strcpy(listing->remembered, next);
    return HR_OK;
}

static hr_status
ask_page(hr_registry *registry, Listing *listing,
         const hr_http_request *request, char next[LINK_CAPACITY])
{
    hr_http_exchange *exchange = NULL;
    hr_status status = oci_ask(registry, listing->call, request, &exchange);

    if (status != HR_OK)
        return oci_explain(listing->call, status, "%s", listing->what);
    status = read_page(listing, exchange);
    if (status == HR_OK)
        status = find_next(listing, exchange, next);
    oci_host->http->free(oci_module, exchange);
    return status;
}

/* `first` is the target of the first page, and what later ones are relative
 * to. */
static hr_status
list_pages(hr_registry *registry, Listing *listing, const char *first)
{
    char address[2][LINK_CAPACITY] = {"", ""};
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_GET,
        .target = first,
        .base = first,
        .limit_bytes = PAGE_LIMIT_BYTES,
    };

    for (unsigned page = 0; page < PAGE_LIMIT; page++) {
        char *next = address[page % 2];
        hr_status status = ask_page(registry, listing, &request, next);

        if (status != HR_OK || next[0] == '\0')
            return status;
        status = check_circle(listing, page, next);
        if (status != HR_OK)
            return status;
        request.target = next;
        request.flags = HR_HTTP_SERVER_GIVEN;
    }
    return oci_fail(listing->call, HR_INVALID,
                    "%s: the list does not end after %u pages", listing->what,
                    PAGE_LIMIT);
}

hr_status
oci_list_repositories(hr_registry *registry, hr_call *call, hr_names *names)
{
    Listing listing = {
        .call = call,
        .names = names,
        .member = "repositories",
        .what = "list the repositories",
    };
    char *first = oci_format("/v2/_catalog?n=%d", PAGE_SIZE);
    hr_status status =
        first != NULL ? list_pages(registry, &listing, first)
                      : oci_fail(call, HR_LOCAL_RESOURCE, "out of memory");

    free(first);
    /* A registry without a catalog is not one without repositories. */
    if (status == HR_NOT_FOUND || status == HR_UNSUPPORTED)
        status = oci_fail(call, HR_UNSUPPORTED,
                          "the registry has no list of repositories");
    return status;
}

hr_status
oci_list_tags(hr_registry *registry, hr_call *call, const char *repository,
              hr_names *names)
{
    char *what = oci_format("list tags of %s", repository);
    char *first = oci_format("/v2/%s/tags/list?n=%d", repository, PAGE_SIZE);
    Listing listing = {
        .call = call,
        .names = names,
        .member = "tags",
        .what = what,
    };
    hr_status status =
        what != NULL && first != NULL
            ? list_pages(registry, &listing, first)
            : oci_fail(call, HR_LOCAL_RESOURCE, "out of memory");

    free(first);
    free(what);
    return status;
}
