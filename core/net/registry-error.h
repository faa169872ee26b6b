/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registry error: what a response of 4xx or 5xx stands for, in one line.
 * Internal to core/net.
 */
#ifndef HR_NET_REGISTRY_ERROR_H
#define HR_NET_REGISTRY_ERROR_H

#include <glib.h>
#include <stdbool.h>

#include "guard/classify.h"
#include "net/request.h"
#include "net/response.h"

/* Category and eligibility of the answer to `request`, from the status code,
 * the first error code of the body, the endpoint's rules and what the request
 * says of its answers. */
HrClassification
hr_registry_error_classify(const HrResponse *response,
                           const HrRequest *request);

/* Class as above; text "HTTP 404 after 2 attempts: CODE: message" with the
 * registry's own words where the body has the form of the distribution
 * specification. */
void
hr_registry_error_set(const HrResponse *response, const HrRequest *request,
                      unsigned attempts, GError **error);

#endif
