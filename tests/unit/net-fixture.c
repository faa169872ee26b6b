/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An endpoint before a scripted server. */
#include "net-fixture.h"

#include "base/clock.h"
#include "base/error.h"

HrPolicy policy;

HrEndpointSpec
make_spec(const char *url)
{
    HrEndpointSpec spec = {.name = "test", .url = url, .policy = &policy};

    g_assert_true(hr_policy_init(&policy, "default", HR_PROFILE_PRODUCTION));
    for (int i = 0; i < HR_CLASS_COUNT; i++) {
        policy.retry[i].base_us = 1000;
        policy.retry[i].throttled_base_us = 1000;
        policy.retry[i].cap_us = 10000;
        policy.retry[i].attempt_timeout_us = 5 * SECOND_US;
    }
    policy.requests.initial = policy.requests.maximum = 8;
    policy.connect_timeout_us = 2 * SECOND_US;
    policy.stall_us = 5 * SECOND_US;
    return spec;
}

void
set_up_with(Fixture *f, const HrDoubleRoute *routes, HrEndpointSpec *spec)
{
    g_autoptr(GError) error = NULL;

    f->server = hr_double_new(routes);
    spec->url = hr_double_url(f->server);
    f->net = hr_net_new(2, &error);
    g_assert_no_error(error);
    f->endpoint = hr_endpoint_new(f->net, spec, &error);
    g_assert_no_error(error);
    f->cancel = hr_cancel_new(NULL);
    f->call = hr_call_new(f->cancel, HR_TIME_NEVER);
}

void
set_up(Fixture *f, const HrDoubleRoute *routes)
{
    HrEndpointSpec spec = make_spec(NULL);

    set_up_with(f, routes, &spec);
}

void
tear_down(Fixture *f)
{
    hr_call_free(f->call);
    hr_cancel_unref(f->cancel);
    hr_endpoint_free(f->endpoint);
    hr_net_free(f->net);
    hr_double_free(f->server);
}

HrExchange *
request(Fixture *f, unsigned method, const char *target)
{
    hr_http_request given = {
        .struct_size = sizeof given,
        .method = method,
        .target = target,
    };
    g_autoptr(GError) error = NULL;
    HrExchange *exchange =
        hr_exchange_send(f->endpoint, f->call, &given, &error);

    g_assert_no_error(error);
    return exchange;
}

hr_status
failure(Fixture *f, unsigned method, const char *target, char **text)
{
    g_autoptr(HrExchange) exchange = request(f, method, target);
    g_autoptr(GError) error = NULL;

    g_assert_false(hr_exchange_wait(exchange, &error));
    g_assert_nonnull(error);
    *text = g_strdup(error->message);
    return hr_error_status(error);
}

unsigned
status_of(Fixture *f, unsigned method, const char *target)
{
    g_autoptr(HrExchange) exchange = request(f, method, target);
    g_autoptr(GError) error = NULL;

    hr_exchange_wait(exchange, &error);
    g_assert_no_error(error);
    return hr_exchange_status(exchange);
}
