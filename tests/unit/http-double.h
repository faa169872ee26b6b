/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HTTP double: a small server in the test's own process that does what a
 * script says, right or wrong, and remembers what it was asked.
 */
#ifndef HR_TESTS_HTTP_DOUBLE_H
#define HR_TESTS_HTTP_DOUBLE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct HrDouble HrDouble;

/* What to do about requests of a method and path (without query). */
typedef struct HrDoubleRoute {
    const char *method;
    const char *path;
    unsigned times;      /* how often; 0: always; then the next one counts */
    unsigned status;     /* 0: never answer                                */
    const char *headers; /* "A: b\r\n", or NULL                            */
    const void *body;
    size_t body_size;
    size_t announced;  /* Content-Length if it is not body_size          */
    bool chunked;      /* no Content-Length at all                       */
    bool cut;          /* close after the body, whatever was announced   */
    unsigned delay_ms; /* before the answer                              */
    size_t drip_bytes; /* so many bytes of the body every 20 ms          */
    bool early;        /* answer before the request's body was read      */
    bool stuck;        /* read no more than half of the request's body   */
} HrDoubleRoute;

/* Starts on a port of loopback.  `routes` ends with a method of NULL. */
HrDouble *
hr_double_new(const HrDoubleRoute *routes);

/* Closes all connections and ends all threads. */
void
hr_double_free(HrDouble *server);

/* "http://127.0.0.1:PORT". */
const char *
hr_double_url(const HrDouble *server);

/* Requests begun, and requests whose body arrived whole. */
unsigned
hr_double_begun(HrDouble *server, const char *method, const char *path);

unsigned
hr_double_completed(HrDouble *server, const char *method, const char *path);

/* Head of the last request of that method and path; caller frees. */
char *
hr_double_head(HrDouble *server, const char *method, const char *path);

/* Digest of the last whole body; caller frees. */
char *
hr_double_digest(HrDouble *server, const char *method, const char *path);

/* Most requests under way at one moment, and connections all in all. */
unsigned
hr_double_most_at_once(HrDouble *server);

unsigned
hr_double_connections(HrDouble *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrDouble, hr_double_free)

#endif
