/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Endpoint: one registry's address, credentials and limits, on its loop.
 * Internal to core/net.
 */
#ifndef HR_NET_ENDPOINT_H
#define HR_NET_ENDPOINT_H

#include <stdatomic.h>

#include "net/loop.h"
#include "net/net.h"
#include "net/permit.h"
#include "observe/metrics.h"

/* Combinations of method and status code whose samples are remembered; an
 * endpoint shows a handful. */
#define HR_ENDPOINT_SAMPLES 32

typedef struct HrRequestSample {
    HrSample *sample;
    unsigned method;
    unsigned status;
} HrRequestSample;

struct hr_endpoint {
    char *name;
    char *url;       /* without a final "/"; NULL: no HTTP                */
    char *origin;    /* "https://host:443", always with the port          */
    char *authority; /* "host:443", for messages; points into `origin`    */
    bool https;
    bool insecure;
    char *ca_file;
    HrSecret *authorization; /* "Authorization: Basic ..."; or NULL       */
    int64_t connect_timeout_us;
    int64_t timeout_us;
    int64_t stall_us;
    HrRetryPolicy retry;
    hr_settings *settings;
    HrLoop *loop;

    /* The loop's alone: */
    HrLine request_line;
    HrGate requests;
    HrLine *transfer_line; /* of all endpoints of the loop */
    HrGate transfers;
    HrRequestSample samples[HR_ENDPOINT_SAMPLES];
    unsigned sample_count;

    HrSample *retried;
    HrSample *received;
    HrSample *sent;
    HrSample *duration;
    atomic_uint_fast64_t request_count;
    atomic_uint_fast64_t write_count;
    atomic_uint_fast64_t retry_count;
    atomic_uint_fast64_t sent_bytes;
    atomic_uint_fast64_t received_bytes;
};

/* "GET" for HR_HTTP_GET; NULL if there is no such method. */
const char *
hr_method_name(unsigned method);

/* Counts one attempt; status 0 stands for one without a response. */
void
hr_endpoint_count_on_loop(HrEndpoint *endpoint, unsigned method,
                          unsigned status, uint64_t sent_bytes,
                          uint64_t received_bytes, int64_t duration_us);

void
hr_endpoint_count_retry_on_loop(HrEndpoint *endpoint);

/* The loop of an affinity, and the line before its transfers. */
HrLoop *
hr_net_loop(HrNet *net, unsigned affinity);

HrLine *
hr_net_transfer_line(HrNet *net, unsigned affinity);

#endif
