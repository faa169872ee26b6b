/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Endpoint: one registry's address, credentials and limits. */
#include "net/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "net/guard-metrics.h"
#include "net/login.h"

static const char *const method_names[] = {
    [HR_HTTP_GET] = "GET",     [HR_HTTP_HEAD] = "HEAD",
    [HR_HTTP_POST] = "POST",   [HR_HTTP_PUT] = "PUT",
    [HR_HTTP_PATCH] = "PATCH", [HR_HTTP_DELETE] = "DELETE",
};

const char *
hr_method_name(unsigned method)
{
    return method < G_N_ELEMENTS(method_names) ? method_names[method] : NULL;
}

static bool
has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool found = curl_url_get(url, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return found;
}

static bool
take_url(HrEndpoint *endpoint, CURLU *url)
{
    char *scheme = NULL;
    char *host = NULL;
    char *port = NULL;
    char *text = NULL;
    bool good = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ==
                    CURLUE_OK &&
                curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

    if (good) {
        g_autofree char *lower = g_ascii_strdown(host, -1);

        endpoint->https = strcmp(scheme, "https") == 0;
        endpoint->origin = g_strdup_printf("%s://%s:%s", scheme, lower, port);
        endpoint->authority = strstr(endpoint->origin, "://") + 3;
        endpoint->url = g_strdup(text);
        for (size_t end = strlen(text); end > 0 && text[end - 1] == '/';)
            endpoint->url[--end] = '\0';
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(text);
    return good;
}

static bool
set_url(HrEndpoint *endpoint, const char *text, GError **error)
{
    CURLU *url = curl_url();
    bool good = false;

    if (curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) !=
        CURLUE_OK)
        hr_error_set(error, HR_CONFIG,
                     "the url is not of the form https://host[:port][/path]");
    else if (has_part(url, CURLUPART_USER) ||
             has_part(url, CURLUPART_PASSWORD))
        hr_error_set(error, HR_CONFIG,
                     "the url carries a user name: use the settings "
                     "username and password");
    else if (has_part(url, CURLUPART_QUERY) ||
             has_part(url, CURLUPART_FRAGMENT))
        hr_error_set(error, HR_CONFIG,
                     "the url must end with host, port or path: no \"?\" "
                     "and no \"#\"");
    else if (!take_url(endpoint, url))
        hr_error_set(error, HR_CONFIG,
                     "the url does not start with https:// or http://");
    else
        good = true;
    curl_url_cleanup(url);
    return good;
}

static HrMetric *
requests_metric(void)
{
    static const char *const labels[] = {"endpoint", "method", "code", NULL};

    return hr_metric_declare(
        HR_METRIC_COUNTER, "harbor_replicator_requests_total",
        "HTTP requests sent, repetitions included.", labels, NULL, 0);
}

static HrSample *
endpoint_sample(const HrEndpoint *endpoint, uint32_t type, const char *name,
                const char *help)
{
    static const double bounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                    0.5,   1,    2.5,   5,    10};
    static const char *const labels[] = {"endpoint", NULL};
    const char *const values[] = {endpoint->name, NULL};
    bool histogram = type == HR_METRIC_HISTOGRAM;

    return hr_metric_sample(
        hr_metric_declare(type, name, help, labels, histogram ? bounds : NULL,
                          histogram ? G_N_ELEMENTS(bounds) : 0),
        values);
}

static void
declare_metrics(HrEndpoint *endpoint)
{
    (void)requests_metric();
    endpoint->retried = endpoint_sample(
        endpoint, HR_METRIC_COUNTER, "harbor_replicator_request_retries_total",
        "HTTP requests sent again after a failure.");
    endpoint->received = endpoint_sample(
        endpoint, HR_METRIC_COUNTER, "harbor_replicator_received_bytes_total",
        "Bytes of response bodies received.");
    endpoint->sent = endpoint_sample(endpoint, HR_METRIC_COUNTER,
                                     "harbor_replicator_sent_bytes_total",
                                     "Bytes of request bodies sent.");
    endpoint->duration =
        endpoint_sample(endpoint, HR_METRIC_HISTOGRAM,
                        "harbor_replicator_request_duration_seconds",
                        "Time from the start of an HTTP request to the end "
                        "of its response.");
}

static double
random_cb(void *data)
{
    return hr_loop_random_on_loop(data);
}

static void
tick_cb(void *data)
{
    HrEndpoint *endpoint = data;

    hr_guards_tick(endpoint->guards, hr_clock_monotonic_us());
}

static void
alarm_cb(void *data, int64_t at_us)
{
    HrEndpoint *endpoint = data;

    if (at_us == INT64_MAX)
        hr_loop_disarm_on_loop(endpoint->loop, &endpoint->alarm);
    else
        hr_loop_arm_on_loop(endpoint->loop, &endpoint->alarm, at_us, tick_cb,
                            endpoint);
}

static void
breaker_changed_cb(void *data, HrOperationClass class, HrBreakerState from,
                   HrBreakerState to, int64_t now_us)
{
    HrEndpoint *endpoint = data;

    (void)now_us;
    hr_guard_metrics_count_change(endpoint->name, class, to);
    hr_notes_add(&endpoint->notes,
                 to == HR_BREAKER_OPEN ? HR_LOG_WARNING : HR_LOG_INFO,
                 g_strdup_printf("%s: circuit breaker of class %s: %s -> %s",
                                 endpoint->name, hr_policy_classes[class],
                                 hr_breaker_state_name(from),
                                 hr_breaker_state_name(to)));
}

static void
make_guards(HrEndpoint *endpoint, HrNet *net, const HrEndpointSpec *spec)
{
    HrGuardsHost host = {
        .random = {.next = random_cb, .data = endpoint->loop},
        .alarm = alarm_cb,
        .changed = breaker_changed_cb,
        .data = endpoint,
        .transfer_line = hr_net_transfer_line(net, spec->affinity),
        .global_bytes = hr_net_bytes(net),
    };

    endpoint->guards =
        hr_guards_new(spec->policy, &host, hr_clock_monotonic_us());
}

HrEndpoint *
hr_endpoint_new(HrNet *net, const HrEndpointSpec *spec, GError **error)
{
    g_autoptr(HrEndpoint) endpoint = g_new0(HrEndpoint, 1);

    endpoint->name = g_strdup(spec->name);
    if (spec->url != NULL && !set_url(endpoint, spec->url, error))
        return NULL;
    endpoint->login = hr_login_new(endpoint, spec, error);
    if (endpoint->login == NULL)
        return NULL;
    endpoint->ca_file = g_strdup(spec->ca_file);
    endpoint->ca_text = g_strdup(spec->ca_text);
    endpoint->client_cert = g_strdup(spec->client_cert);
    endpoint->client_key = g_strdup(spec->client_key);
    endpoint->kind =
        spec->allow_private ? HR_ADDRESS_PRIVATE : HR_ADDRESS_PUBLIC;
    endpoint->insecure = spec->insecure;
    endpoint->http1 = spec->http1;
    endpoint->rules = spec->rules;
    endpoint->settings = spec->settings;
    endpoint->loop = hr_net_loop(net, spec->affinity);
    make_guards(endpoint, net, spec);
    if (endpoint->url != NULL) {
        declare_metrics(endpoint);
        hr_guard_metrics_declare(endpoint->name, &endpoint->gauges);
    }
    return g_steal_pointer(&endpoint);
}

static void
let_go_cb(void *data)
{
    HrEndpoint *endpoint = data;

    hr_login_stop_on_loop(endpoint->login);
    hr_endpoint_end_meetings_on_loop(endpoint);
    /* Last: places that are given back may set it. */
    hr_loop_disarm_on_loop(endpoint->loop, &endpoint->alarm);
}

void
hr_endpoint_free(HrEndpoint *endpoint)
{
    if (endpoint == NULL)
        return;
    if (endpoint->loop != NULL)
        hr_loop_run(endpoint->loop, let_go_cb, endpoint);
    hr_guards_free(endpoint->guards);
    hr_notes_clear(&endpoint->notes);
    hr_login_free(endpoint->login);
    g_free(endpoint->name);
    g_free(endpoint->url);
    g_free(endpoint->origin);
    g_free(endpoint->ca_file);
    g_free(endpoint->ca_text);
    g_free(endpoint->client_cert);
    g_free(endpoint->client_key);
    g_free(endpoint);
}

const char *
hr_endpoint_name(const HrEndpoint *endpoint)
{
    return endpoint->name;
}

const char *
hr_endpoint_username(const HrEndpoint *endpoint)
{
    return hr_login_username(endpoint->login);
}

const char *
hr_endpoint_origin(const HrEndpoint *endpoint)
{
    return endpoint->origin;
}

hr_settings *
hr_endpoint_settings(const HrEndpoint *endpoint)
{
    return endpoint->settings;
}

void
hr_endpoint_stats(HrEndpoint *endpoint, HrEndpointStats *stats)
{
    stats->requests = atomic_load(&endpoint->request_count);
    stats->writes = atomic_load(&endpoint->write_count);
    stats->retries = atomic_load(&endpoint->retry_count);
    stats->sent_bytes = atomic_load(&endpoint->sent_bytes);
    stats->received_bytes = atomic_load(&endpoint->received_bytes);
    stats->http2 = atomic_load(&endpoint->http2);
    hr_guards_stats(endpoint->guards, &stats->guards);
}

const HrPolicy *
hr_endpoint_policy(const HrEndpoint *endpoint)
{
    return hr_guards_policy(endpoint->guards);
}

void
hr_endpoint_publish_on_loop(HrEndpoint *endpoint, HrNotes *notes)
{
    HrGuardsStats now;

    hr_guards_stats(endpoint->guards, &now);
    hr_guard_metrics_show(&endpoint->gauges, &endpoint->shown, &now);
    endpoint->shown = now;
    hr_notes_move(notes, &endpoint->notes);
}

void
hr_outcome_from_error(const GError *error, HrOutcome *outcome)
{
    const HrErrorDetails *details = hr_error_details(error);

    outcome->status = hr_error_status(error);
    outcome->eligibility = hr_classify_category(outcome->status);
    if (details != NULL && details->classified)
        outcome->eligibility = details->eligibility;
}

void
hr_endpoint_describe_error(const HrEndpoint *endpoint, GError *error,
                           unsigned method, const char *url,
                           const HrOperation *operation,
                           const char *correlation)
{
    HrErrorDetails *details = hr_error_details(error);
    g_autofree char *safe = NULL;

    if (details == NULL || details->endpoint != NULL)
        return;
    safe = hr_text_redact_url(url);
    if (!details->classified)
        details->eligibility = hr_classify_category(error->code);
    details->classified = true;
    details->attempts = operation->attempts;
    if (operation->decision.verdict == HR_RETRY_LATER)
        details->retry_at_us = operation->decision.at_us;
    details->endpoint = g_strdup(endpoint->name);
    details->operation = g_strconcat(hr_method_name(method), " ", safe, NULL);
    details->correlation = g_strdup(correlation);
}

static double
any_random_cb(void *data)
{
    return erand48(data);
}

bool
hr_endpoint_repeat_blob(HrEndpoint *endpoint, HrRetryState *state,
                        GError *error, uint64_t moved_bytes, HrCall *call,
                        int64_t *at_us)
{
    HrErrorDetails *details = hr_error_details(error);
    int64_t now = hr_clock_monotonic_us();
    unsigned short seed[3] = {(unsigned short)now, (unsigned short)(now >> 16),
                              (unsigned short)state->attempt};
    HrRandom random = {.next = any_random_cb, .data = seed};
    HrOutcome outcome = {.idempotent = true, .sent = true};
    HrRetryDecision decision;

    hr_outcome_from_error(error, &outcome);
    /* Its time may have come while others of the batch were under way. */
    if (details != NULL && details->retry_at_us > 0)
        outcome.retry_after_us = MAX(details->retry_at_us - now, 1);
    hr_guards_repeat(endpoint->guards, state, &outcome, moved_bytes, now,
                     hr_call_deadline_us(call), &random, &decision);
    *at_us = decision.at_us;
    if (decision.verdict == HR_RETRY_AGAIN) {
        hr_endpoint_count_retry(endpoint, hr_call_progress(call));
        return true;
    }
    if (decision.verdict == HR_RETRY_LATER)
        hr_call_put_off(call, decision.at_us, decision.exhausted);
    if (details != NULL)
        details->retry_at_us =
            decision.verdict == HR_RETRY_LATER ? decision.at_us : 0;
    return false;
}

static HrSample *
find_sample(HrEndpoint *endpoint, unsigned method, unsigned status)
{
    char code[16] = "none";
    const char *const values[] = {endpoint->name, method_names[method], code,
                                  NULL};
    HrSample *sample;

    for (unsigned i = 0; i < endpoint->sample_count; i++)
        if (endpoint->samples[i].method == method &&
            endpoint->samples[i].status == status)
            return endpoint->samples[i].sample;
    if (status != 0)
        g_snprintf(code, sizeof code, "%u", status);
    sample = hr_metric_sample(requests_metric(), values);
    if (endpoint->sample_count < HR_ENDPOINT_SAMPLES) {
        HrRequestSample *kept = &endpoint->samples[endpoint->sample_count++];

        kept->sample = sample;
        kept->method = method;
        kept->status = status;
    }
    return sample;
}

void
hr_endpoint_count_on_loop(HrEndpoint *endpoint, HrProgress *progress,
                          unsigned method, unsigned status,
                          uint64_t sent_bytes, uint64_t received_bytes,
                          int64_t duration_us)
{
    atomic_fetch_add(&endpoint->request_count, 1);
    if (progress != NULL)
        atomic_fetch_add(&progress->requests, 1);
    if (method != HR_HTTP_GET && method != HR_HTTP_HEAD)
        atomic_fetch_add(&endpoint->write_count, 1);
    hr_sample_add(find_sample(endpoint, method, status), 1);
    hr_sample_observe(endpoint->duration, (double)duration_us / 1e6);
    if (sent_bytes > 0) {
        atomic_fetch_add(&endpoint->sent_bytes, sent_bytes);
        hr_sample_add(endpoint->sent, sent_bytes);
    }
    if (received_bytes > 0) {
        atomic_fetch_add(&endpoint->received_bytes, received_bytes);
        hr_sample_add(endpoint->received, received_bytes);
    }
}

void
hr_endpoint_count_retry(HrEndpoint *endpoint, HrProgress *progress)
{
    atomic_fetch_add(&endpoint->retry_count, 1);
    if (progress != NULL)
        atomic_fetch_add(&progress->retries, 1);
    /* A directory has no metrics of requests. */
    if (endpoint->retried != NULL)
        hr_sample_add(endpoint->retried, 1);
}
