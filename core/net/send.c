/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Send: one leg of the chain over HTTP. */
#include "net/send.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "net/login.h"
#include "net/origin.h"
#include "net/registry-error.h"

static HrLogin *
login_of(const HrSend *send)
{
    return send->request->endpoint->login;
}

static HrStep
auth_enter(HrPassage *passage, int64_t now_us)
{
    HrSend *send = (HrSend *)passage;
    HrStep step = hr_login_enter_on_loop(login_of(send), send, now_us);

    send->attempt.headers = send->headers;
    return step;
}

static void
auth_abandon(HrPassage *passage, int64_t now_us)
{
    (void)now_us;
    hr_login_abandon_on_loop(login_of((HrSend *)passage), (HrSend *)passage);
}

static HrStep
auth_exit(HrPassage *passage, int64_t now_us)
{
    (void)now_us;
    hr_login_leave_on_loop(login_of((HrSend *)passage), (HrSend *)passage);
    return HR_STEP_ON;
}

static const HrStage stage_auth = {.name = "auth",
                                   .enter = auth_enter,
                                   .abandon = auth_abandon,
                                   .exit = auth_exit};

void
hr_send_clear_login(HrSend *send)
{
    g_clear_pointer(&send->credential, hr_secret_unref);
    g_clear_error(&send->refusal);
    send->authorization = (struct curl_slist){0};
    send->headers = NULL;
}

static HrStep
origin_enter(HrPassage *passage, int64_t now_us)
{
    HrSend *send = (HrSend *)passage;
    const HrEndpoint *endpoint = send->request->endpoint;
    const char *url = send->request->url;
    g_autofree char *checked = NULL;

    (void)now_us;
    /* Addresses of our own making need no parsing; a realm was checked when
     * it was heard of. */
    if (send->request->foreign || (g_str_has_prefix(url, endpoint->url) &&
                                   url[strlen(endpoint->url)] == '/'))
        return HR_STEP_ON;
    checked =
        hr_origin_check(endpoint->url, url, HR_ORIGIN_UPLOAD, NULL, NULL);
    if (checked != NULL)
        return HR_STEP_ON;
    passage->outcome = (HrOutcome){.status = HR_BUG};
    return HR_STEP_STOP;
}

static const HrStage stage_origin = {.name = "origin", .enter = origin_enter};

static void
take_hints(const HrSend *send)
{
    static const char *const names[] = {
        "RateLimit",
        "RateLimit-Policy",
        "RateLimit-Limit",
        "RateLimit-Remaining",
        "RateLimit-Reset",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
    };
    HrRateHints hints;

    if (!send->response.rate_hints || send->away || send->request->stranger)
        return;
    hr_rate_hints_init(&hints);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *value = hr_response_header(&send->response, names[i]);

        if (value != NULL)
            hr_rate_hints_take(&hints, names[i], value,
                               hr_clock_wall_us() / G_USEC_PER_SEC);
    }
    hr_guards_hint(send->request->endpoint->guards, hr_clock_monotonic_us(),
                   &hints);
}

/* What a server says of its limits holds for all requests to it. */
static void
transport_headers(HrPassage *passage, int64_t now_us)
{
    (void)now_us;
    take_hints((HrSend *)passage);
}

static HrStep
transport_enter(HrPassage *passage, int64_t now_us)
{
    HrSend *send = (HrSend *)passage;

    (void)now_us;
    return send->start(send->owner) ? HR_STEP_ON : HR_STEP_WAIT;
}

static const HrStage stage_transport = {.name = "transport",
                                        .enter = transport_enter,
                                        .headers = transport_headers};

const HrStage *const hr_send_stages[] = {
    &hr_stage_breaker, &hr_stage_rate,    &hr_stage_limit,
    &hr_stage_timeout, &hr_stage_attempt, &stage_auth,
    &stage_origin,     &stage_transport,  NULL,
};

void
hr_send_aim(HrSend *send)
{
    const HrRequest *request = send->request;

    send->away = false;
    send->attempt.url = request->url;
    send->attempt.stranger = request->stranger;
    send->attempt.host =
        request->foreign ? request->host : request->endpoint->authority;
}

void
hr_send_init(HrSend *send, const HrRequest *request, bool blob)
{
    HrAttempt *attempt = &send->attempt;

    send->request = request;
    send->response.limit_bytes = request->limit_bytes;
    attempt->endpoint = request->endpoint;
    attempt->method = request->method;
    attempt->headers = request->headers;
    attempt->own_trust = request->own_trust;
    attempt->blob = blob;
    attempt->response = &send->response;
    hr_send_aim(send);
}

void
hr_send_set_outcome(HrSend *send, const GError *error)
{
    HrOutcome *outcome = &send->leg.passage.outcome;
    const HrResponse *response = &send->response;

    *outcome = (HrOutcome){
        .idempotent = send->request->idempotent,
        .sent = send->attempt.sent,
        .connect_failed = error != NULL && send->attempt.connected_us == 0,
        .latency_us = send->attempt.first_byte_us,
        .bytes = send->attempt.moved_bytes,
    };
    if (error != NULL) {
        hr_outcome_from_error(error, outcome);
    } else {
        HrClassification is =
            hr_registry_error_classify(response, send->request);

        /* A server that failed has at least seen the request. */
        outcome->sent = true;
        outcome->status = is.status;
        outcome->eligibility = is.eligibility;
    }
    if (response->headers_end && outcome->status != HR_OK)
        outcome->retry_after_us = hr_response_retry_after_us(response);
}

void
hr_send_refused_error(HrSend *send, GError **error)
{
    const HrOutcome *outcome = &send->leg.passage.outcome;
    const char *name = hr_endpoint_name(send->request->endpoint);
    HrGuardsStats stats;
    HrBreakerState state;
    g_autofree char *wait = NULL;

    if (send->refusal != NULL) {
        g_propagate_error(error, g_steal_pointer(&send->refusal));
        return;
    }
    if (outcome->status != HR_LOCAL_REJECT) {
        hr_error_set(error, outcome->status,
                     "a request to an address that is not of %s", name);
        return;
    }
    wait = hr_text_format_duration(outcome->retry_after_us);
    hr_guards_stats(send->request->endpoint->guards, &stats);
    state = stats.breaker[send->leg.operation->class];
    if (state == HR_BREAKER_FORCED_OPEN)
        hr_error_set(error, HR_LOCAL_REJECT,
                     "%s is not asked: its circuit breaker was opened by hand",
                     name);
    else if (state != HR_BREAKER_CLOSED && state != HR_BREAKER_DISABLED)
        hr_error_set(error, HR_LOCAL_REJECT,
                     "%s is not asked for %s: its circuit breaker is %s after "
                     "repeated failures",
                     name, wait, hr_breaker_state_name(state));
    else
        hr_error_set(error, HR_LOCAL_REJECT,
                     "%s is not asked for %s: it wants fewer requests, or its "
                     "rate is limited",
                     name, wait);
}

size_t
hr_send_header_cb(char *line, size_t size, size_t count, void *data)
{
    HrSend *send = data;
    bool ended = send->response.headers_end;
    size_t taken = hr_response_header_cb(line, size, count, &send->response);

    if (!ended && send->response.headers_end)
        hr_passage_headers(&send->leg.passage, hr_clock_monotonic_us());
    return taken;
}
