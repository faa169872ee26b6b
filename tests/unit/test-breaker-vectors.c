/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The circuit breaker in the sequences of published tests of three others:
 * those whose rules it shares.  Why another one is left out is said for each.
 */
#include <glib.h>
#include <jansson.h>
#include <string.h>

#include "guard/breaker.h"

#define MS INT64_C(1000)

typedef struct Run {
    const char *id;
    json_t *config;
    HrBreaker *breaker;
    int64_t now_us;
    GArray *held;        /* HrBreakerTicket of calls let in, not over */
    GHashTable *flights; /* name -> HrBreakerTicket */
    bool permitted;      /* the last one that asked */
} Run;

static double
half(void *data)
{
    (void)data;
    return 0.5;
}

static const char *
text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static int64_t
number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static bool
has_step(const json_t *steps, const char *verb, const char *argument)
{
    json_t *step;
    size_t i;

    json_array_foreach (steps, i, step) {
        const char *given = json_string_value(json_array_get(step, 1));

        if (strcmp(json_string_value(json_array_get(step, 0)), verb) == 0 &&
            (argument == NULL || g_strcmp0(given, argument) == 0))
            return true;
    }
    return false;
}

/* Cases by what sets them apart; NULL for one that fits. */
static const char *
misfit(const json_t *test, const json_t *config, const json_t *steps)
{
    static const struct {
        const char *id;
        const char *reason;
    } others[] = {
        {"84f58dd02e3e", "counts start afresh each interval: ours slides"},
        {"0750231c6fb8", "counts start afresh each interval: ours slides"},
        {"1db202a20a6e", "as many failures in a row open ours sooner"},
        {"519721a6ad67", "a success can open it: only failures open ours"},
    };
    const char *id = text(test, "id");

    if (has_step(steps, "force", "open") ||
        has_step(steps, "force", "half-open") ||
        has_step(steps, "force_open_for_ms", NULL))
        return "opened or half-opened by hand: ours by calls only";
    if (has_step(steps, "force", "metrics-only"))
        return "a state that is a mode of ours";
    if (json_object_get(config, "after_half_open_wait") != NULL)
        return "what waits for probes closes: ours opens";
    for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
        if (strcmp(others[i].id, id) == 0)
            return others[i].reason;
    return NULL;
}

static void
take_pair(const json_t *pair, unsigned *some, unsigned *of)
{
    *some = (unsigned)json_integer_value(json_array_get(pair, 0));
    *of = (unsigned)json_integer_value(json_array_get(pair, 1));
}

static void
policy_of_gobreaker(const json_t *config, HrBreakerPolicy *policy)
{
    json_t *trip = json_object_get(config, "trip");
    int64_t row = number(trip, "consecutive_failures_above");

    policy->probes = policy->successes =
        (unsigned)number(config, "max_requests");
    policy->open_us = policy->open_cap_us = number(config, "timeout_ms") * MS;
    if (number(config, "interval_ms") > 0)
        policy->window_us = number(config, "interval_ms") * MS;
    if (number(config, "bucket_ms") > 0)
        policy->window_size = (unsigned)(number(config, "interval_ms") /
                                         number(config, "bucket_ms"));
    if (row > 0) {
        policy->minimum_calls = (unsigned)row + 1;
        policy->failure_percent = 101;
    } else {
        policy->minimum_calls = (unsigned)number(trip, "min_requests");
        policy->failure_percent =
            100 *
            json_number_value(json_object_get(trip, "failure_ratio_at_least"));
    }
}

static void
policy_of_resilience4j(const json_t *config, HrBreakerPolicy *policy)
{
    json_t *window = json_object_get(config, "window");

    policy->window_size = (unsigned)number(window, "size");
    policy->window_us = number(window, "size") * 1000 * MS;
    policy->minimum_calls = (unsigned)number(window, "min_calls");
    policy->failure_percent = (double)number(config, "failure_rate");
    policy->slow_percent = (double)number(config, "slow_rate");
    policy->slow_us = number(config, "slow_ms") * MS;
    policy->probes = policy->successes =
        (unsigned)number(config, "half_open_calls");
    policy->open_us = policy->open_cap_us = number(config, "open_ms") * MS;
    policy->probe_us = number(config, "half_open_max_ms") * MS;
}

static void
policy_of_failsafe(const json_t *config, HrBreakerPolicy *policy)
{
    const json_t *successes = json_object_get(config, "success_threshold");
    unsigned failures = 1;
    unsigned of = 1;

    if (json_object_get(config, "failure_threshold") != NULL)
        take_pair(json_object_get(config, "failure_threshold"), &failures,
                  &of);
    policy->window = HR_WINDOW_COUNT;
    policy->window_size = policy->minimum_calls = of;
    policy->failure_percent = 100.0 * failures / of;
    /* So many successes that the failures cannot be reached any more. */
    policy->probes = of;
    policy->successes = of - failures + 1;
    if (json_is_array(successes))
        take_pair(successes, &policy->successes, &policy->probes);
    if (number(config, "delay_ms") > 0)
        policy->open_us = policy->open_cap_us =
            number(config, "delay_ms") * MS;
}

static void
make_policy(const char *rules, const json_t *config, HrBreakerPolicy *policy)
{
    *policy = (HrBreakerPolicy){
        .mode = HR_BREAKER_ON,
        .window = HR_WINDOW_TIME,
        .window_us = 1000000 * 1000 * MS,
        .window_size = 10,
        .open_us = 1000 * MS,
        .open_cap_us = 1000 * MS,
        .calm_us = INT64_MAX,
        .probe_us = 1000000 * 1000 * MS,
    };
    if (strcmp(rules, "gobreaker") == 0)
        policy_of_gobreaker(config, policy);
    else if (strcmp(rules, "resilience4j") == 0)
        policy_of_resilience4j(config, policy);
    else
        policy_of_failsafe(config, policy);
}

static void
permit(Run *run)
{
    HrBreakerTicket ticket;
    int64_t retry_at;

    run->permitted =
        hr_breaker_enter(run->breaker, run->now_us, true, &ticket, &retry_at);
    if (run->permitted)
        g_array_append_val(run->held, ticket);
}

static void
finish(Run *run, const HrOutcome *outcome)
{
    HrBreakerTicket ticket;

    if (run->held->len == 0)
        permit(run);
    if (run->held->len == 0)
        return;
    ticket = g_array_index(run->held, HrBreakerTicket, 0);
    g_array_remove_index(run->held, 0);
    hr_breaker_exit(run->breaker, run->now_us, &ticket, outcome);
}

static bool
take_outcome(const json_t *step, HrOutcome *outcome)
{
    static const struct {
        const char *verb;
        hr_status status;
    } verbs[] = {
        {"success", HR_OK},        {"failure", HR_TRANSIENT},
        {"panic", HR_TRANSIENT},   {"excluded", HR_CANCELLED},
        {"ignored", HR_CANCELLED}, {"release", HR_CANCELLED},
    };
    const char *verb = json_string_value(json_array_get(step, 0));

    *outcome = (HrOutcome){
        .sent = true,
        .latency_us = json_integer_value(json_array_get(step, 2)) * MS};
    for (unsigned i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (strcmp(verbs[i].verb, verb) == 0) {
            outcome->status = verbs[i].status;
            return true;
        }
    return false;
}

static void
take_step(Run *run, const json_t *step)
{
    const char *verb = json_string_value(json_array_get(step, 0));
    json_t *argument = json_array_get(step, 1);
    HrOutcome outcome;

    if (take_outcome(step, &outcome)) {
        int64_t times =
            json_is_integer(argument) ? json_integer_value(argument) : 1;

        for (int64_t i = 0; i < times; i++)
            finish(run, &outcome);
    } else if (strcmp(verb, "permit") == 0) {
        permit(run);
    } else if (strcmp(verb, "advance_ms") == 0) {
        run->now_us += json_integer_value(argument) * MS;
    } else if (strcmp(verb, "begin") == 0) {
        HrBreakerTicket *ticket = g_new0(HrBreakerTicket, 1);
        int64_t retry_at;

        hr_breaker_enter(run->breaker, run->now_us, true, ticket, &retry_at);
        g_hash_table_insert(run->flights,
                            g_strdup(json_string_value(argument)), ticket);
    } else if (strcmp(verb, "end_success") == 0) {
        hr_breaker_exit(
            run->breaker, run->now_us,
            g_hash_table_lookup(run->flights, json_string_value(argument)),
            &outcome);
    } else if (strcmp(verb, "force") == 0) {
        hr_breaker_force(run->breaker,
                         strcmp(json_string_value(argument), "disabled") == 0
                             ? HR_BREAKER_DISABLED
                             : HR_BREAKER_FORCED_OPEN,
                         run->now_us);
    } else if (strcmp(verb, "reset") == 0) {
        hr_breaker_force(run->breaker, HR_BREAKER_CLOSED, run->now_us);
    } else if (strcmp(verb, "check") != 0) {
        g_error("%s: unknown step %s", run->id, verb);
    }
}

static void
expect(const Run *run, const json_t *wanted, size_t step)
{
    const char *state = text(wanted, "state");
    json_t *permitted = json_object_get(wanted, "permitted");

    if (state != NULL && strcmp(hr_breaker_state_name(hr_breaker_state_at(
                                    run->breaker, run->now_us)),
                                state) != 0)
        g_error("%s: step %zu: %s, not %s", run->id, step + 1,
                hr_breaker_state_name(
                    hr_breaker_state_at(run->breaker, run->now_us)),
                state);
    if (permitted != NULL && json_is_true(permitted) != run->permitted)
        g_error("%s: step %zu: permitted %d", run->id, step + 1,
                run->permitted);
}

/* Failures until it opens, and, to be half-open, time. */
static void
start_from(Run *run, const char *state)
{
    static const HrOutcome failure = {.status = HR_TRANSIENT, .sent = true};

    if (state == NULL || strcmp(state, "closed") == 0)
        return;
    while (hr_breaker_state(run->breaker) == HR_BREAKER_CLOSED)
        finish(run, &failure);
    if (strcmp(state, "half-open") == 0)
        run->now_us = hr_breaker_retry_at_us(run->breaker);
}

static void
run_case(const json_t *test, const json_t *config, const json_t *steps)
{
    static const HrRandom random = {.next = half};
    const json_t *expected = json_object_get(test, "expect");
    HrBreakerPolicy policy;
    Run run = {.id = text(test, "id"), .now_us = 1000 * 1000 * MS};
    json_t *step;
    size_t i;

    make_policy(text(test, "rules"), config, &policy);
    run.breaker = hr_breaker_new(&policy, &random, NULL, NULL);
    run.held = g_array_new(false, false, sizeof(HrBreakerTicket));
    run.flights =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    start_from(&run, text(config, "start"));
    json_array_foreach (steps, i, step) {
        take_step(&run, step);
        expect(&run, json_array_get(expected, i), i);
    }
    g_hash_table_unref(run.flights);
    g_array_unref(run.held);
    hr_breaker_free(run.breaker);
}

static void
test_cases(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path =
        g_build_filename(top != NULL ? top : "../..", "tests", "unit",
                         "vectors", "breaker-window.json", NULL);
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);
    unsigned run = 0;
    unsigned left_out = 0;
    json_t *test;
    size_t i;

    if (file == NULL)
        g_error("%s: %s", path, error.text);
    json_array_foreach (json_object_get(file, "cases"), i, test) {
        const json_t *input = json_object_get(test, "input");
        const json_t *config = json_object_get(input, "config");
        const json_t *steps = json_object_get(input, "steps");
        const char *reason;

        if (strcmp(text(test, "op"), "breaker") != 0)
            continue;
        reason = misfit(test, config, steps);
        if (reason != NULL) {
            g_test_message("%s left out: %s", text(test, "id"), reason);
            left_out++;
            continue;
        }
        run_case(test, config, steps);
        run++;
    }
    g_test_message("%u run, %u left out", run, left_out);
    g_assert_cmpuint(run, ==, 23);
    g_assert_cmpuint(left_out, ==, 15);
    json_decref(file);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/breaker-vectors/agrees-where-the-rules-do", test_cases);
    return g_test_run();
}
