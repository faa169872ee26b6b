/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Endpoint: one registry's address, credentials and limits, on its loop.
 * Internal to core/net.
 */
#ifndef HR_NET_ENDPOINT_H
#define HR_NET_ENDPOINT_H

#include <stdatomic.h>

#include "net/address.h"
#include "net/loop.h"
#include "net/net.h"
#include "net/notes.h"
#include "observe/metrics.h"

/* Combinations of method and status code whose samples are remembered; an
 * endpoint shows a handful. */
#define HR_ENDPOINT_SAMPLES 32

typedef struct HrRequestSample {
    HrSample *sample;
    unsigned method;
    unsigned status;
} HrRequestSample;

/* What the guards show of themselves. */
typedef struct HrGuardSamples {
    HrSample *breaker[HR_CLASS_COUNT];
    HrSample *limit[HR_CLASS_COUNT];
    HrSample *budget;
    HrSample *throttled;
    HrSample *rejected;
    HrSample *rate_waits;
    HrSample *hedges;
    HrSample *parked;
} HrGuardSamples;

struct hr_endpoint {
    char *name;
    char *url;       /* without a final "/"; NULL: no HTTP                */
    char *origin;    /* "https://host:443", always with the port          */
    char *authority; /* "host:443", for messages; points into `origin`    */
    bool https;
    bool insecure;
    bool http1;
    char *ca_file;
    char *ca_text;
    char *client_cert;
    char *client_key;
    struct HrLogin *login;
    const HrErrorRules *rules;
    hr_settings *settings;
    HrLoop *loop;
    HrGuards *guards; /* the loop's, once the first request is posted */

    /* The loop's alone: */
    HrAddressKind kind; /* the closest that it was reached at */
    HrTimer alarm;
    HrNotes notes;        /* go with the next exchange or pipe that ends */
    GHashTable *meetings; /* of pipes, by digest; NULL: none */
    HrGuardsStats shown;
    HrRequestSample samples[HR_ENDPOINT_SAMPLES];
    unsigned sample_count;

    HrGuardSamples gauges;
    HrSample *retried;
    HrSample *received;
    HrSample *sent;
    HrSample *duration;
    atomic_uint_fast64_t request_count;
    atomic_uint_fast64_t write_count;
    atomic_uint_fast64_t retry_count;
    atomic_uint_fast64_t sent_bytes;
    atomic_uint_fast64_t received_bytes;
    atomic_bool http2;
};

/* "GET" for HR_HTTP_GET; NULL if there is no such method. */
const char *
hr_method_name(unsigned method);

/* Counts one attempt, at `progress` (may be NULL) too; status 0 stands for one
 * without a response. */
void
hr_endpoint_count_on_loop(HrEndpoint *endpoint, HrProgress *progress,
                          unsigned method, unsigned status,
                          uint64_t sent_bytes, uint64_t received_bytes,
                          int64_t duration_us);

/* From any thread. */
void
hr_endpoint_count_retry(HrEndpoint *endpoint, HrProgress *progress);

/* Brings what the guards show up to date, and hands their notes over. */
void
hr_endpoint_publish_on_loop(HrEndpoint *endpoint, HrNotes *notes);

/* No pipe of it is under way any more. */
void
hr_endpoint_end_meetings_on_loop(HrEndpoint *endpoint);

/* What became of an attempt without an answer, from the error for it. */
void
hr_outcome_from_error(const GError *error, HrOutcome *outcome);

/* Adds to an error what is known of the operation that it ended. */
void
hr_endpoint_describe_error(const HrEndpoint *endpoint, GError *error,
                           unsigned method, const char *url,
                           const HrOperation *operation,
                           const char *correlation);

/* The loop of an affinity, and the line before its transfers. */
HrLoop *
hr_net_loop(HrNet *net, unsigned affinity);

HrLine *
hr_net_transfer_line(HrNet *net, unsigned affinity);

/* The limit of bytes over all endpoints. */
HrRate *
hr_net_bytes(HrNet *net);

#endif
