/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Response: status, headers and body of an answer, all of them bounded.
 * Internal to core/net.
 */
#ifndef HR_NET_RESPONSE_H
#define HR_NET_RESPONSE_H

#include <curl/curl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Why a response was not taken. */
typedef enum HrResponseExcess {
    HR_RESPONSE_FITS,
    HR_RESPONSE_HEADERS, /* more or longer headers than anybody needs */
    HR_RESPONSE_BODY     /* a body over limit_bytes                   */
} HrResponseExcess;

typedef struct HrResponse {
    unsigned status;  /* of the last status line, 0 before the first */
    bool headers_end; /* all headers of a final response are here    */
    bool rate_hints;  /* one of them is about limits of rate         */
    HrResponseExcess excess;
    unsigned header_count;
    uint64_t limit_bytes;
    GString *headers; /* "name\0value\0" one after the other; or NULL */
    GString *body;    /* or NULL for an empty one                     */
} HrResponse;

/* Forgets what came, keeps the limit. */
void
hr_response_reset(HrResponse *response);

void
hr_response_clear(HrResponse *response);

/* Takes one header line as libcurl gives it.  False if it does not fit. */
bool
hr_response_take_header(HrResponse *response, const char *line, size_t size);

bool
hr_response_take_body(HrResponse *response, const char *data, size_t size);

/* The same as callbacks of libcurl; `data` is the response. */
size_t
hr_response_header_cb(char *line, size_t size, size_t count, void *data);

size_t
hr_response_body_cb(char *bytes, size_t size, size_t count, void *data);

/* First header of that name, any case, or NULL. */
const char *
hr_response_header(const HrResponse *response, const char *name);

/* The next one after `previous`, which one of these functions returned. */
const char *
hr_response_next_header(const HrResponse *response, const char *name,
                        const char *previous);

/* What WWW-Authenticate asks for: HrChallenge; caller unrefs. */
GPtrArray *
hr_response_challenges(const HrResponse *response);

/* What Retry-After asks for, in microseconds; 0 for nothing.  A date is
 * compared with the server's own clock where it tells. */
int64_t
hr_response_retry_after_us(const HrResponse *response);

#endif
