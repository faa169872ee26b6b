/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Failure: what a code of libcurl stands for: a class, and a sentence that
 * says what to do.  Internal to core/net.
 */
#ifndef HR_NET_FAILURE_H
#define HR_NET_FAILURE_H

#include <curl/curl.h>
#include <glib.h>
#include <harbor-replicator/hr-abi.h>
#include <stdbool.h>
#include <stdint.h>

#include "guard/classify.h"

/* What is known of an attempt that gave no response. */
typedef struct HrFailure {
    CURLcode code;
    const char *host;    /* "host:port"                                  */
    const char *detail;  /* libcurl's own words, or ""                   */
    const char *ca_file; /* or NULL                                      */
    int os_error;        /* errno of the last connect, 0 for none        */
    bool connected;      /* the connection stood                         */
    int64_t timeout_us;  /* of the attempt                               */
    int64_t connect_timeout_us;
} HrFailure;

/* What it stands for.  Codes that no rule names are HR_UNKNOWN, and may be
 * repeated only where that does no harm. */
HrClassification
hr_failure_classify(const HrFailure *failure);

void
hr_failure_set_error(const HrFailure *failure, GError **error);

#endif
