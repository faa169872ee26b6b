/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guard metrics: what the guards of an endpoint show to the sinks. */
#include "net/guard-metrics.h"

static HrSample *
own_sample(const char *endpoint, uint32_t type, const char *name,
           const char *help)
{
    static const char *const labels[] = {"endpoint", NULL};
    const char *const values[] = {endpoint, NULL};

    return hr_metric_sample(
        hr_metric_declare(type, name, help, labels, NULL, 0), values);
}

static HrSample *
class_sample(const char *endpoint, HrOperationClass class, const char *name,
             const char *help)
{
    static const char *const labels[] = {"endpoint", "class", NULL};
    const char *const values[] = {endpoint, hr_policy_classes[class], NULL};

    return hr_metric_sample(
        hr_metric_declare(HR_METRIC_GAUGE, name, help, labels, NULL, 0),
        values);
}

void
hr_guard_metrics_declare(const char *endpoint, HrGuardSamples *samples)
{
    for (int i = 0; i < HR_CLASS_COUNT; i++) {
        samples->breaker[i] = class_sample(
            endpoint, (HrOperationClass)i, "harbor_replicator_breaker_state",
            "State of a circuit breaker: 0 closed, 1 open, 2 half-open, 3 "
            "forced open, 4 disabled.");
        samples->limit[i] = class_sample(
            endpoint, (HrOperationClass)i, "harbor_replicator_limit",
            "Requests that an endpoint gets at once, as found out.");
    }
    samples->budget = own_sample(endpoint, HR_METRIC_GAUGE,
                                 "harbor_replicator_retry_budget_tokens",
                                 "Tokens left to pay for retries.");
    samples->throttled = own_sample(endpoint, HR_METRIC_COUNTER,
                                    "harbor_replicator_throttled_total",
                                    "Answers that asked for fewer requests.");
    samples->rejected = own_sample(
        endpoint, HR_METRIC_COUNTER, "harbor_replicator_rejected_total",
        "Requests not sent since a circuit breaker was open.");
    samples->rate_waits = own_sample(
        endpoint, HR_METRIC_COUNTER, "harbor_replicator_rate_waits_total",
        "Requests that waited for the rate limit.");
    samples->hedges = own_sample(
        endpoint, HR_METRIC_COUNTER, "harbor_replicator_hedges_total",
        "Second requests sent since the first was late.");
    samples->parked = own_sample(endpoint, HR_METRIC_COUNTER,
                                 "harbor_replicator_parked_total",
                                 "Operations handed back to be tried later.");
}

void
hr_guard_metrics_show(const HrGuardSamples *samples, const HrGuardsStats *last,
                      const HrGuardsStats *now)
{
    for (unsigned i = 0; i < HR_CLASS_COUNT; i++) {
        if (now->breaker[i] != last->breaker[i])
            hr_sample_set(samples->breaker[i], now->breaker[i]);
        if (now->limit[i] != last->limit[i])
            hr_sample_set(samples->limit[i], now->limit[i]);
    }
    if (now->budget_tokens != last->budget_tokens)
        hr_sample_set(samples->budget, now->budget_tokens);
    hr_sample_add(samples->throttled, now->throttled - last->throttled);
    hr_sample_add(samples->rejected, now->rejected - last->rejected);
    hr_sample_add(samples->rate_waits, now->rate_waits - last->rate_waits);
    hr_sample_add(samples->hedges, now->hedges - last->hedges);
    hr_sample_add(samples->parked, now->parked - last->parked);
}

void
hr_guard_metrics_count_change(const char *endpoint, HrOperationClass class,
                              HrBreakerState to)
{
    static const char *const labels[] = {"endpoint", "class", "to", NULL};
    const char *const values[] = {endpoint, hr_policy_classes[class],
                                  hr_breaker_state_name(to), NULL};

    hr_sample_add(
        hr_metric_sample(
            hr_metric_declare(
                HR_METRIC_COUNTER, "harbor_replicator_breaker_changes_total",
                "Changes of a circuit breaker's state.", labels, NULL, 0),
            values),
        1);
}
