/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Net: HTTP for the whole program.  The only folder that knows libcurl.
 *
 *     worker --send--> [queue of a loop] --> loop thread: CURLM, timers
 *     worker <--wake-- exchange done <------------'
 *
 * An endpoint belongs to one loop; source and target of a sync share one.
 * Every request passes the chain of guards (guard/chain.h), whose last stages
 * are here: credentials, origin check, transport.
 */
#ifndef HR_NET_NET_H
#define HR_NET_NET_H

#include <glib.h>
#include <harbor-replicator/hr-host.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "guard/classify.h"
#include "guard/guards.h"
#include "work/call.h"

typedef struct HrNet HrNet;
typedef struct hr_endpoint HrEndpoint;
typedef struct hr_http_exchange HrExchange;

/* Starts `loops` loop threads. */
HrNet *
hr_net_new(unsigned loops, GError **error);

/* "libcurl/7.88.1 OpenSSL/3.0.15 nghttp2/1.52.0", borrowed. */
const char *
hr_net_library_version(void);

/* Bytes of blobs per second, over all endpoints and both directions; 0 for no
 * limit.  Before the first endpoint. */
void
hr_net_limit_bytes(HrNet *net, double per_s);

/* Stops them.  All endpoints are gone. */
void
hr_net_free(HrNet *net);

/* Who asks, for the repositories below a prefix ("" for all).  A name and a
 * password, a token to get tokens with, or a token for the registry itself. */
typedef struct HrAccount {
    const char *prefix;       /* "library", or ""; NULL stands for ""       */
    const char *username;     /* NULL: only tokens                          */
    HrSecret *password;       /* NULL: none                                 */
    HrSecret *identity_token; /* NULL: none                                 */
    HrSecret *registry_token; /* NULL: none                                 */
} HrAccount;

/* What is to be known of an endpoint; borrowed by hr_endpoint_new. */
typedef struct HrEndpointSpec {
    const char *name;
    const char *url;      /* "https://host:port/prefix"; NULL: no HTTP    */
    const char *username; /* NULL: anonymous                              */
    HrSecret *password;   /* NULL: anonymous                              */
    const HrAccount *accounts; /* more of them, by prefix                   */
    unsigned account_count;
    const char *const *token_hosts; /* of token servers that may see
                                       credentials, ends in NULL; or NULL   */
    const char *ca_file;     /* NULL: the system's                           */
    const char *ca_text;     /* CAs as text, in the place of the file; NULL  */
    const char *client_cert; /* paths, both or none; shown to nobody else    */
    const char *client_key;
    bool allow_private;     /* it may send us to private addresses          */
    bool insecure;          /* do not verify certificates                   */
    bool http1;             /* never HTTP/2, though it be offered           */
    const HrPolicy *policy; /* copied                                  */
    const HrErrorRules *rules; /* NULL: none; borrowed for its life       */
    unsigned affinity;     /* endpoints of equal number share a loop       */
    hr_settings *settings; /* for hr_host_config; borrowed for its life   */
} HrEndpointSpec;

/* HR_CONFIG, with a sentence, if the URL is not http(s)://host[:port][/path]
 * or carries user info, query or fragment. */
HrEndpoint *
hr_endpoint_new(HrNet *net, const HrEndpointSpec *spec, GError **error);

/* No exchange or pipe of it is under way. */
void
hr_endpoint_free(HrEndpoint *endpoint);

const char *
hr_endpoint_name(const HrEndpoint *endpoint);

/* Name that HR_HTTP_BASIC goes with, NULL if there is none. */
const char *
hr_endpoint_username(const HrEndpoint *endpoint);

/* "https://host:port" without path, or NULL. */
const char *
hr_endpoint_origin(const HrEndpoint *endpoint);

hr_settings *
hr_endpoint_settings(const HrEndpoint *endpoint);

/* What an endpoint did so far; from any thread. */
typedef struct HrEndpointStats {
    uint64_t requests;   /* attempts sent                                */
    uint64_t writes;     /* of those, POST, PUT, PATCH, DELETE           */
    uint64_t retries;    /* of those, repeated                           */
    uint64_t sent_bytes; /* bodies only                                  */
    uint64_t received_bytes;
    bool http2; /* the last answer but for blobs came over it */
    HrGuardsStats guards;
} HrEndpointStats;

void
hr_endpoint_stats(HrEndpoint *endpoint, HrEndpointStats *stats);

const HrPolicy *
hr_endpoint_policy(const HrEndpoint *endpoint);

/* For who repeats blobs, since a blob is more than one request: decides about
 * `error` as the chain would, with the same budget.  True: again at *at_us.
 * False: given up; if there is a sensible time for more, the error tells it. */
bool
hr_endpoint_repeat_blob(HrEndpoint *endpoint, HrRetryState *state,
                        GError *error, uint64_t moved_bytes, HrCall *call,
                        int64_t *at_us);

/* Exchanges: the functions behind hr_host_http, see there.  On failure the
 * error is returned instead of being put on the call. */
HrExchange *
hr_exchange_send(HrEndpoint *endpoint, HrCall *call,
                 const hr_http_request *request, GError **error);

bool
hr_exchange_wait(HrExchange *exchange, GError **error);

unsigned
hr_exchange_status(const HrExchange *exchange);

const char *
hr_exchange_header(const HrExchange *exchange, const char *name);

const char *
hr_exchange_body(const HrExchange *exchange, size_t *size);

/* The error that a response of 4xx or 5xx stands for: class from the status
 * code, text with `what`, status code, and the registry's error code and
 * message when the body is of the distribution specification's form. */
void
hr_exchange_set_error(const HrExchange *exchange, const char *what,
                      GError **error);

HrCall *
hr_exchange_call(const HrExchange *exchange);

void
hr_exchange_free(HrExchange *exchange);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrNet, hr_net_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrEndpoint, hr_endpoint_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrExchange, hr_exchange_free)

#endif
