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
#include "net/scope.h"

/* "X-Request-Id: " and 32 hex digits. */
#define HR_REQUEST_ID_CAPACITY 64

typedef struct HrRequest {
    HrEndpoint *endpoint;
    unsigned method;
    bool idempotent;
    char *url;                  /* absolute */
    struct curl_slist *headers; /* without the endpoint's credentials   */
    HrScope scope;              /* what a token for it must allow       */
    bool own_login;             /* it carries an Authorization already  */
    bool basic;                 /* it carries the endpoint's user name and
                                   password, and never a token          */
    unsigned attempts;          /* at most; 0: as the policy has        */
    bool foreign;               /* to an address that is not the
                                   endpoint's                           */
    bool stranger;              /* which is on another host */
    bool own_trust;             /* though the endpoint's CAs hold for it */
    char *host; /* "host:port" of a foreign one, for messages */
    size_t block_bytes;
    const void *body; /* NULL: none */
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

/* A request to a token server: `url` was checked as such.  `authorization` is
 * a whole header line, or NULL; `form` is the body of a POST, or NULL for a
 * GET.  Both are wiped when it is freed. */
HrRequest *
hr_request_new_foreign(HrEndpoint *endpoint, const char *url,
                       const char *authorization, const char *form);

/* A request for what anybody gives out at an address that content named: the
 * place is a stranger's, whoever it is, and only https.  HR_INVALID if the
 * address is not one to be used. */
HrRequest *
hr_request_new_stranger(HrEndpoint *endpoint, const char *url, GError **error);

void
hr_request_free(HrRequest *request);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrRequest, hr_request_free)

#endif
