/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Request: a copy of what is to be sent, checked, in one piece of memory.
 * Internal to core/net.
 */
#ifndef HR_NET_REQUEST_H
#define HR_NET_REQUEST_H

#include <curl/curl.h>
#include <glib.h>
#include <stdbool.h>

#include "net/endpoint.h"

/* "X-Request-Id: " and 32 hex digits. */
#define HR_REQUEST_ID_CAPACITY 64

typedef struct HrRequest {
    HrEndpoint *endpoint;
    unsigned method;
    bool idempotent;
    char *url;                       /* absolute */
    struct curl_slist *headers;      /* without credentials */
    struct curl_slist authorization; /* the endpoint's, before the others */
    const void *body;                /* NULL: none */
    size_t body_size;
    uint64_t limit_bytes;
    HrErrorRules hints; /* what answers stand for */
    char id[HR_REQUEST_ID_CAPACITY];
    /* header nodes, hints, texts and body follow */
} HrRequest;

/* Copies `given` for `endpoint`; without its body if `with_body` is false.
 * An address from the server passes the origin check first.  Free with
 * hr_request_free. */
HrRequest *
hr_request_new(HrEndpoint *endpoint, const hr_http_request *given,
               bool with_body, GError **error);

/* Has it carry the operation's id.  Before it is sent. */
void
hr_request_set_id(HrRequest *request, const char *correlation);

/* All headers, with the endpoint's credentials unless the request has some of
 * its own. */
struct curl_slist *
hr_request_headers(const HrRequest *request);

void
hr_request_free(HrRequest *request);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrRequest, hr_request_free)

#endif
