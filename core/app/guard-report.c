/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guard report: what the guards of an endpoint did in a pass. */
#include "app/guard-report.h"

#include <inttypes.h>
#include <stdio.h>

static void
set_counter(HrJson *json, const char *name, uint64_t value)
{
    hr_json_set_number(json, name, (int64_t)value);
}

static HrJson *
classes_to_json(const HrGuardsStats *guards)
{
    HrJson *classes = hr_json_new_object();

    for (int i = 0; i < HR_CLASS_COUNT; i++) {
        HrJson *class = hr_json_new_object();

        hr_json_set_text(class, "breaker",
                         hr_breaker_state_name(guards->breaker[i]));
        set_counter(class, "limit", guards->limit[i]);
        set_counter(class, "in_flight", guards->in_flight[i]);
        hr_json_set(classes, hr_policy_classes[i], class);
    }
    return classes;
}

HrJson *
hr_guard_report_to_json(const HrGuardReport *report)
{
    const HrGuardsStats *guards = &report->stats.guards;
    HrJson *json = hr_json_new_object();

    hr_json_set_text(json, "name", report->endpoint);
    set_counter(json, "requests", report->stats.requests);
    set_counter(json, "writes", report->stats.writes);
    set_counter(json, "sent_bytes", report->stats.sent_bytes);
    set_counter(json, "received_bytes", report->stats.received_bytes);
    hr_json_set(json, "classes", classes_to_json(guards));
    set_counter(json, "retries", report->stats.retries);
    set_counter(json, "retries_refused", guards->retries_refused);
    set_counter(json, "retry_budget", guards->budget_tokens);
    set_counter(json, "delay_multiplier_percent",
                (uint64_t)(guards->delay_multiplier * 100 + 0.5));
    set_counter(json, "rate_per_minute", (uint64_t)(guards->rate * 60 + 0.5));
    set_counter(json, "rate_waits", guards->rate_waits);
    set_counter(json, "throttled", guards->throttled);
    set_counter(json, "rejected", guards->rejected);
    set_counter(json, "breaker_opened", guards->breaker_opened);
    set_counter(json, "hedges", guards->hedges);
    set_counter(json, "hedges_won", guards->hedges_won);
    set_counter(json, "parked", guards->parked);
    set_counter(json, "permits_acquired", guards->permits_acquired);
    set_counter(json, "permits_released", guards->permits_released);
    return json;
}

void
hr_guard_report_print(const HrGuardReport *report)
{
    const HrGuardsStats *guards = &report->stats.guards;

    if (guards->breaker_opened + guards->throttled + guards->rejected +
            guards->parked + guards->retries_refused + guards->hedges ==
        0)
        return;
    printf("  endpoint %s: retried %" PRIu64 " (refused %" PRIu64
           ", %u tokens left), throttled %" PRIu64 ", breaker opened %" PRIu64
           " times (not asked %" PRIu64 "), hedged %" PRIu64
           ", put off %" PRIu64 "\n",
           report->endpoint, report->stats.retries, guards->retries_refused,
           guards->budget_tokens, guards->throttled, guards->breaker_opened,
           guards->rejected, guards->hedges, guards->parked);
}
