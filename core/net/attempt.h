/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attempt: one request on the wire.  Sets libcurl up the same way for
 * everything that leaves the program, and accounts for it when it has ended.
 * Internal to core/net; belongs to the endpoint's loop.
 */
#ifndef HR_NET_ATTEMPT_H
#define HR_NET_ATTEMPT_H

#include <curl/curl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/endpoint.h"
#include "net/loop.h"
#include "net/response.h"

typedef struct HrAttempt {
    HrEndpoint *endpoint;
    HrProgress *progress; /* of its call; or NULL */
    unsigned method;
    const char *url;
    struct curl_slist *headers;
    const char *host;     /* "host:port" for messages */
    int64_t timeout_us;   /* of the whole attempt, 0 for none */
    bool blob;            /* carries a blob's bytes: HTTP/1.1, big buffers */
    HrResponse *response; /* takes headers, and the body unless the caller
                             sets a write function of its own             */
    CURL *handle;         /* NULL unless under way */
    HrTransferEnd end;
    int64_t started_us;
    int64_t connected_us;  /* after the end: time it took, 0: never */
    bool sent;             /* after the end: some of it went out */
    int64_t first_byte_us; /* after the end: the answer's, since it could
                              be sent; 0: none came */
    uint64_t moved_bytes;  /* after the end: of both bodies */
    bool fresh;            /* not over a connection that is there */
    bool stranger;         /* to a host of the server's choice: its address is
                              looked at, and it gets no client certificate */
    bool own_trust;        /* though the endpoint's CAs hold for it too */
    bool proxied;          /* it goes through a proxy */
    bool forbidden;        /* after the end: it led to an address that is not
                              for us */
    int os_error;
    char detail[CURL_ERROR_SIZE];
} HrAttempt;

/* Takes a handle and sets it up; the caller may add options and then starts
 * it.  `end` is called when it has ended, unless it is stopped. */
void
hr_attempt_prepare_on_loop(HrAttempt *attempt,
                           void (*end)(void *data, CURLcode code), void *data);

void
hr_attempt_start_on_loop(HrAttempt *attempt);

/* To be called first by `end`: counts the attempt and gives the handle back.
 * Returns a line for the debug log (caller frees), or NULL if nobody reads
 * it. */
char *
hr_attempt_finish_on_loop(HrAttempt *attempt, CURLcode code);

/* Takes it off the wire, if it is there, and closes its connection. */
char *
hr_attempt_stop_on_loop(HrAttempt *attempt);

/* After the end: the error for a code that is not CURLE_OK. */
void
hr_attempt_set_error(const HrAttempt *attempt, CURLcode code, GError **error);

#endif
