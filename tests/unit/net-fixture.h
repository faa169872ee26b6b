/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An endpoint before a scripted server, for tests of what is asked of it. */
#ifndef HR_TESTS_NET_FIXTURE_H
#define HR_TESTS_NET_FIXTURE_H

#include "http-double.h"
#include "net/net.h"

#define SECOND_US INT64_C(1000000)

typedef struct Fixture {
    HrDouble *server;
    HrNet *net;
    HrEndpoint *endpoint;
    HrCancel *cancel;
    HrCall *call;
} Fixture;

/* Of the endpoint that the next make_spec is for. */
extern HrPolicy policy;

/* The defaults, but quick. */
HrEndpointSpec
make_spec(const char *url);

void
set_up_with(Fixture *f, const HrDoubleRoute *routes, HrEndpointSpec *spec);

void
set_up(Fixture *f, const HrDoubleRoute *routes);

void
tear_down(Fixture *f);

/* The caller's. */
HrExchange *
request(Fixture *f, unsigned method, const char *target);

/* One request whose transport must fail; returns its class and its text. */
hr_status
failure(Fixture *f, unsigned method, const char *target, char **text);

/* One request that must have an answer; returns its status code. */
unsigned
status_of(Fixture *f, unsigned method, const char *target);

#endif
