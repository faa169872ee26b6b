/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists that come page by page. */
#include <string.h>

#include "../link-header.h"
#include "distribution.h"

/* A listing of more pages than this is one that never ends. */
#define PAGE_LIMIT 100000u

#define LINK_CAPACITY 8192

/* One list on its way. */
typedef struct Reading {
    const DistPages *pages;
    char remembered[LINK_CAPACITY];
} Reading;

/* The address of the next page in `next`, "" if this was the last. */
static hr_status
find_next(const DistPages *pages, const hr_http_exchange *exchange,
          char next[LINK_CAPACITY])
{
    const char *header =
        dist_host->http->header(dist_module, exchange, "Link");
    int found =
        header != NULL ? hr_lib_link_next(header, next, LINK_CAPACITY) : 0;

    if (found < 0)
        return dist_fail(pages->call, HR_INVALID,
                         "%s: the Link header to the next page is malformed",
                         pages->what);
    if (found == 0)
        next[0] = '\0';
    return HR_OK;
}

/* Notices pages that lead back to earlier ones.  Compares each address with
 * one that is remembered, and remembers another whenever the number of pages
 * is a power of two: a circle is found after three times its length, and
 * nothing has to be kept. */
static hr_status
check_circle(Reading *reading, unsigned page, const char *next)
{
    const DistPages *pages = reading->pages;

    if (strcmp(next, reading->remembered) == 0)
        return dist_fail(pages->call, HR_INVALID,
                         "%s: the list does not end, its pages lead back to "
                         "earlier ones",
                         pages->what);
    if (((page + 1) & page) == 0)
        strcpy(reading->remembered, next);
    return HR_OK;
}

/* Waits for one page and hands it on.  Frees `exchange`. */
static hr_status
take_page(const DistPages *pages, hr_http_exchange *exchange,
          char next[LINK_CAPACITY])
{
    hr_status status = dist_host->http->wait(dist_module, exchange);

    if (status != HR_OK)
        status = dist_explain(pages->call, status, "%s", pages->what);
    else
        status = pages->take(pages->data, exchange);
    if (status == HR_OK)
        status = find_next(pages, exchange, next);
    dist_host->http->free(dist_module, exchange);
    return status;
}

static hr_status
send_page(hr_registry *registry, const DistPages *pages, const char *address,
          uint32_t flags, hr_http_exchange **exchange)
{
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_GET,
        .flags = flags,
        .target = address,
        .base = pages->first,
        .limit_bytes = pages->limit_bytes,
    };
    hr_status status =
        dist_host->http->send(dist_module, dist_of(registry)->endpoint,
                              pages->call, &request, exchange);

    return status == HR_OK
               ? HR_OK
               : dist_explain(pages->call, status, "%s", pages->what);
}

hr_status
dist_pages_begin(hr_registry *registry, const DistPages *pages,
                 hr_http_exchange **exchange)
{
    return send_page(registry, pages, pages->first, 0, exchange);
}

hr_status
dist_pages_end(hr_registry *registry, const DistPages *pages,
               hr_http_exchange *exchange)
{
    char address[2][LINK_CAPACITY] = {"", ""};
    Reading reading = {.pages = pages, .remembered = ""};

    for (unsigned page = 0; page < PAGE_LIMIT; page++) {
        char *next = address[page % 2];
        hr_status status = take_page(pages, exchange, next);

        if (status != HR_OK || next[0] == '\0')
            return status;
        status = check_circle(&reading, page, next);
        if (status == HR_OK)
            status = send_page(registry, pages, next, HR_HTTP_SERVER_GIVEN,
                               &exchange);
        if (status != HR_OK)
            return status;
    }
    dist_host->http->free(dist_module, exchange);
    return dist_fail(pages->call, HR_INVALID,
                     "%s: the list does not end after %u pages", pages->what,
                     PAGE_LIMIT);
}
