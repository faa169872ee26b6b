/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Retry beside published cases: the AWS SDKs' rules of 2026 with the preset of
 * that name, and HTTP dates and Retry-After of RFC 9110 and of libraries.
 */
#include <glib.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "guard/budget.h"
#include "guard/classify.h"
#include "guard/retry-after.h"
#include "guard/retry.h"

#define MS INT64_C(1000)

static double
one(void *data)
{
    (void)data;
    return 1;
}

static const HrRandom longest = {.next = one};

static json_t *
load(const char *name)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path = g_build_filename(
        top != NULL ? top : "../..", "tests", "unit", "vectors", name, NULL);
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);

    if (file == NULL)
        g_error("%s: %s", path, error.text);
    return file;
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

/* Counts what is skipped, by reason. */
static void
skip(GHashTable *skipped, const char *reason)
{
    gpointer count = g_hash_table_lookup(skipped, reason);

    g_hash_table_insert(skipped, (gpointer)reason,
                        GUINT_TO_POINTER(GPOINTER_TO_UINT(count) + 1));
}

static void
tell_skipped(GHashTable *skipped, unsigned run)
{
    GHashTableIter iterator;
    gpointer reason;
    gpointer count;

    g_hash_table_iter_init(&iterator, skipped);
    while (g_hash_table_iter_next(&iterator, &reason, &count))
        g_test_message("skipped %u: %s", GPOINTER_TO_UINT(count),
                       (const char *)reason);
    g_test_message("run %u", run);
}

/* -------------------------------------------------------------- aws-2026 */

static HrRetryPolicy
aws_policy(void)
{
    HrRetryPolicy policy;

    g_assert_true(hr_policy_retry(&policy, "aws-2026", HR_PROFILE_PRODUCTION));
    return policy;
}

static void
init_budget(HrBudget *budget, unsigned capacity)
{
    HrPolicy policy;

    g_assert_true(hr_policy_init(&policy, "aws-2026", HR_PROFILE_PRODUCTION));
    policy.budget.capacity = capacity;
    hr_budget_init(budget, &policy.budget);
}

/* A bucket of no tokens is one that refuses, not one that is switched off. */
static void
init_spent_budget(HrBudget *budget, unsigned tokens)
{
    init_budget(budget, MAX(tokens, 1));
    atomic_store(&budget->tokens, tokens);
}

/* Their codes for throttling are not ours: a 4xx with one is told so. */
static HrOutcome
outcome_of(const json_t *response)
{
    unsigned status = (unsigned)number(response, "status");
    const char *code = text(response, "error_code");
    HrErrorRule rule = {0, "Throttling", HR_THROTTLED, HR_RETRY_AFTER};
    HrErrorRules rules = {&rule, 1};
    HrClassification is =
        hr_classify_http(status, code, false, false, &rules, NULL);
    const char *after =
        text(json_object_get(response, "headers"), "x-amz-retry-after");
    int64_t wait = after != NULL ? g_ascii_strtoll(after, NULL, 10) : 0;

    return (HrOutcome){.status = is.status,
                       .eligibility = is.eligibility,
                       .idempotent = true,
                       .sent = true,
                       .retry_after_us = MAX(wait, 0) * MS};
}

static const char *
take_response(const HrRetryPolicy *policy, HrRetryState *state,
              HrBudget *budget, unsigned *cost, const json_t *response,
              int64_t *delay_us)
{
    HrOutcome outcome = outcome_of(response);
    HrRetryDecision decision;

    if (outcome.status == HR_OK) {
        hr_budget_settle(budget, *cost);
        *cost = 0;
        *state = (HrRetryState){0};
        return "success";
    }
    hr_retry_decide(policy, state, &outcome, 0, 1, 0, HR_TIME_NEVER, &longest,
                    &decision);
    *delay_us = decision.delay_us;
    if (decision.verdict == HR_RETRY_GIVE_UP)
        return "fail";
    if (decision.verdict == HR_RETRY_LATER)
        return "max_attempts_exceeded";
    if (!hr_budget_acquire(budget, outcome.status == HR_THROTTLED, 1, cost))
        return "retry_quota_exceeded";
    return "retry";
}

static void
check_sequence(const json_t *vector)
{
    const json_t *input = json_object_get(vector, "input");
    const json_t *config = json_object_get(input, "config");
    const json_t *expect = json_object_get(vector, "expect");
    HrRetryPolicy policy = aws_policy();
    HrRetryState state = {0};
    HrBudget budget;
    unsigned cost = 0;
    size_t index;
    json_t *response;

    g_assert_cmpint(policy.base_us, ==, number(config, "base_delay_ms") * MS);
    g_assert_cmpint(policy.throttled_base_us, ==,
                    number(config, "throttle_base_delay_ms") * MS);
    g_assert_cmpint(policy.cap_us, ==, number(config, "max_backoff_ms") * MS);
    policy.attempts = (unsigned)number(config, "max_attempts");
    init_spent_budget(&budget, (unsigned)number(config, "initial_tokens"));
    json_array_foreach (json_object_get(input, "responses"), index, response) {
        const json_t *step = json_array_get(expect, index);
        int64_t delay_us = 0;

        g_assert_cmpstr(take_response(&policy, &state, &budget, &cost,
                                      response, &delay_us),
                        ==, text(step, "outcome"));
        if (json_object_get(step, "quota") != NULL)
            g_assert_cmpuint(hr_budget_tokens(&budget), ==,
                             (unsigned)number(step, "quota"));
        if (json_object_get(step, "delay_ms") != NULL)
            g_assert_cmpint(delay_us, ==, number(step, "delay_ms") * MS);
    }
}

static void
check_cost(const json_t *vector)
{
    const char *error = text(json_object_get(vector, "input"), "error");
    HrBudget budget;
    unsigned cost;

    init_budget(&budget, 500);
    g_assert_true(hr_budget_acquire(&budget, strcmp(error, "throttling") == 0,
                                    1, &cost));
    g_assert_cmpuint(
        cost, ==, (unsigned)number(json_object_get(vector, "expect"), "cost"));
}

/* False if an operation takes amounts of its own, which a retry never does. */
static bool
check_quota(const json_t *vector)
{
    const json_t *input = json_object_get(vector, "input");
    const json_t *expect = json_object_get(vector, "expect");
    const json_t *available = json_object_get(expect, "available");
    const json_t *granted = json_object_get(expect, "granted");
    HrBudget budget;
    unsigned cost = 0;
    size_t grants = 0;
    size_t index;
    json_t *op;

    init_budget(&budget, (unsigned)number(input, "capacity"));
    json_array_foreach (json_object_get(input, "ops"), index, op) {
        const char *verb = json_string_value(json_array_get(op, 0));
        const json_t *argument = json_array_get(op, 1);

        if (strcmp(verb, "acquire_for") == 0) {
            unsigned taken;
            bool good = hr_budget_acquire(
                &budget,
                strcmp(json_string_value(argument), "throttling") == 0, 1,
                &taken);

            if (granted != NULL)
                g_assert_cmpint(good, ==,
                                json_is_true(json_array_get(granted, grants)));
            grants++;
            if (good)
                cost = taken;
        } else if (strcmp(verb, "final") == 0) {
            if (json_integer_value(argument) < 300)
                hr_budget_settle(&budget, cost);
        } else if (strcmp(verb, "acquire") == 0) {
            return false;
        } else {
            g_error("unknown operation %s", verb);
        }
        if (available != NULL)
            g_assert_cmpint(
                hr_budget_tokens(&budget), ==,
                json_integer_value(json_array_get(available, index)));
    }
    return true;
}

static void
check_attempts(const json_t *vector)
{
    const json_t *input = json_object_get(vector, "input");
    const json_t *expect = json_object_get(vector, "expect");
    HrRetryPolicy policy = aws_policy();
    HrOutcome outcome = {.status = HR_TRANSIENT,
                         .eligibility = HR_RETRY_IF_IDEMPOTENT,
                         .idempotent = true};
    HrRetryState state = {.attempt = (unsigned)number(input, "attempt") - 1};
    HrRetryDecision decision;

    policy.attempts = (unsigned)number(input, "max_attempts");
    hr_retry_decide(&policy, &state, &outcome, 0, 1, 0, HR_TIME_NEVER,
                    &longest, &decision);
    g_assert_cmpint(decision.verdict == HR_RETRY_AGAIN, ==,
                    json_is_true(json_object_get(expect, "retry")));
}

static void
check_bound(const json_t *vector)
{
    const json_t *input = json_object_get(vector, "input");
    const json_t *expect = json_object_get(vector, "expect");
    HrRetryPolicy policy = aws_policy();

    g_assert_cmpint(hr_retry_nominal_us(&policy, false,
                                        (unsigned)number(input, "attempt")),
                    ==, number(expect, "max_ms") * MS);
    g_assert_cmpint(policy.jitter, ==, HR_JITTER_FULL);
}

static void
test_aws(void)
{
    static const char *const others[] = {"rate_measure",    "cubic_error",
                                         "token_bucket",    "cubic",
                                         "adaptive_update", "cubic_k"};
    json_t *file = load("retry-aws-2026.json");
    g_autoptr(GHashTable) skipped = g_hash_table_new(g_str_hash, g_str_equal);
    unsigned run = 0;
    size_t index;
    json_t *vector;

    json_array_foreach (json_object_get(file, "cases"), index, vector) {
        const char *op = text(vector, "op");
        bool other = false;

        g_test_message("%s %s", text(vector, "id"), op);
        run++;
        for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
            other = other || strcmp(others[i], op) == 0;
        if (strcmp(op, "sequence") == 0) {
            check_sequence(vector);
        } else if (strcmp(op, "cost") == 0) {
            check_cost(vector);
        } else if (strcmp(op, "quota") == 0) {
            if (!check_quota(vector))
                skip(skipped, "takes amounts that no retry costs");
        } else if (strcmp(op, "attempts") == 0) {
            check_attempts(vector);
        } else if (strcmp(op, "backoff_bound") == 0) {
            check_bound(vector);
        } else if (strcmp(op, "classify") == 0) {
            skip(skipped, "error codes of AWS services");
        } else if (other) {
            skip(skipped, "of the adaptive mode: see test-cubic");
        } else {
            g_error("unknown op %s", op);
        }
    }
    tell_skipped(skipped, run);
    json_decref(file);
}

/* ----------------------------------------------------------- retry-after */

static void
check_date(const json_t *vector)
{
    const char *input = json_string_value(json_object_get(vector, "input"));
    const json_t *expect = json_object_get(vector, "expect");
    const json_t *expected = json_object_get(expect, "unix");
    int64_t unix_s;
    bool good = hr_http_date_parse(input, &unix_s);

    /* A strict reader refuses what only lenient ones read. */
    if (expected == NULL ||
        g_strcmp0(text(vector, "reading"), "lenient") == 0) {
        g_assert_false(good);
        return;
    }
    g_assert_true(good);
    g_assert_cmpint(unix_s, ==, json_integer_value(expected));
}

static void
check_format(const json_t *vector)
{
    g_autofree char *made = hr_http_date_format(
        json_integer_value(json_object_get(vector, "input")));

    g_assert_cmpstr(made, ==, text(json_object_get(vector, "expect"), "text"));
}

static void
check_retry_after(const json_t *vector)
{
    const json_t *input = json_object_get(vector, "input");
    const json_t *expect = json_object_get(vector, "expect");
    const char *value =
        json_string_value(json_array_get(json_object_get(input, "values"), 0));
    const json_t *most = json_object_get(input, "max_s");
    int64_t now_s;
    int64_t wait_us = 0;
    bool good;

    g_assert_true(hr_http_date_parse(text(input, "now"), &now_s));
    good = value != NULL &&
           hr_retry_after_parse(value, text(input, "now"), now_s, &wait_us);
    if (json_is_true(json_object_get(expect, "ignored")) ||
        g_strcmp0(text(vector, "reading"), "lenient") == 0) {
        g_assert_false(good);
        return;
    }
    g_assert_true(good);
    if (most != NULL)
        wait_us = MIN(wait_us, json_integer_value(most) * G_USEC_PER_SEC);
    g_assert_cmpint(wait_us, ==, number(expect, "wait_s") * G_USEC_PER_SEC);
}

/* min * 2^attempt, at most max: our d(attempt + 1) without jitter. */
static void
check_backoff(const json_t *vector)
{
    const json_t *input = json_object_get(vector, "input");
    HrRetryPolicy policy = {.multiplier = 2,
                            .base_us = number(input, "min_ms") * MS,
                            .cap_us = number(input, "max_ms") * MS};

    g_assert_cmpint(
        hr_retry_nominal_us(&policy, false,
                            (unsigned)number(input, "attempt") + 1),
        ==, number(json_object_get(vector, "expect"), "wait_ms") * MS);
}

static void
test_retry_after(void)
{
    json_t *file = load("retry-after.json");
    g_autoptr(GHashTable) skipped = g_hash_table_new(g_str_hash, g_str_equal);
    unsigned run = 0;
    size_t index;
    json_t *vector;

    json_array_foreach (json_object_get(file, "cases"), index, vector) {
        const char *op = text(vector, "op");

        g_test_message("%s %s", text(vector, "id"), op);
        run++;
        if (strcmp(op, "http_date") == 0)
            check_date(vector);
        else if (strcmp(op, "http_date_format") == 0)
            check_format(vector);
        else if (strcmp(op, "retry_after") == 0)
            check_retry_after(vector);
        else if (strcmp(op, "exp_backoff") == 0)
            check_backoff(vector);
        else if (strcmp(op, "limited_backoff") == 0)
            skip(skipped, "a wait between two bounds that grows linearly");
        else if (strcmp(op, "jittered_backoff") == 0)
            skip(skipped, "a jitter of a tenth, which no policy has");
        else
            g_error("unknown op %s", op);
    }
    tell_skipped(skipped, run);
    json_decref(file);
}

/* No bytes, however odd, are read as more than they say. */
static void
test_any_value(void)
{
    guint32 seed = g_random_int();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < 200000; i++) {
        char value[40] = "Sun, 06 Nov 1994 08:49:37 GMT";
        size_t length = strlen(value);
        int64_t wait_us = -1;

        for (int j = g_rand_int_range(rand, 1, 4); j > 0; j--)
            value[g_rand_int_range(rand, 0, (int)length)] =
                (char)g_rand_int_range(rand, 0, 256);
        if (hr_retry_after_parse(value, NULL, 0, &wait_us))
            g_assert_cmpint(wait_us, >=, 0);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/retry-vectors/aws-2026", test_aws);
    g_test_add_func("/retry-vectors/retry-after", test_retry_after);
    g_test_add_func("/retry-vectors/any-value", test_any_value);
    return g_test_run();
}
