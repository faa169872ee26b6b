/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guards of an endpoint and their stages, over a transport that is made
 * up: no socket, no thread, no clock but the test's.
 */
#include <string.h>

#include "guards-world.h"
#include "net/send.h"

static void
make_policy(HrPolicy *policy)
{
    g_assert_true(hr_policy_init(policy, "default", HR_PROFILE_PRODUCTION));
}

/* ------------------------------------------------------------- the order */

static void
expect_names(const HrStage *const *stages, const char *const *names)
{
    for (; *names != NULL; names++, stages++) {
        g_assert_nonnull(*stages);
        g_assert_cmpstr((*stages)->name, ==, *names);
    }
    g_assert_null(*stages);
}

static void
test_golden_order(void)
{
    static const char *const operation[] = {
        "operation", "deadline", "admission", "retry", "hedge", NULL};
    static const char *const leg[] = {"breaker", "rate",      "limit",
                                      "timeout", "attempt",   "auth",
                                      "origin",  "transport", NULL};

    expect_names(hr_operation_stages, operation);
    expect_names(hr_send_stages, leg);
}

/* ------------------------------------------------- answers of the server */

static HrOutcome
answer_well(World *world, int64_t *after_us)
{
    *after_us = g_rand_int_range(world->rand, 1000, 3000);
    return (HrOutcome){.status = HR_OK, .sent = true};
}

static HrOutcome
answer_anyhow(World *world, int64_t *after_us)
{
    static const HrOutcome all[] = {
        {.status = HR_OK, .sent = true},
        {.status = HR_OK, .sent = true},
        {.status = HR_OK, .sent = true},
        {.status = HR_OK, .sent = true},
        {.status = HR_NOT_FOUND, .sent = true},
        {.status = HR_TRANSIENT,
         .eligibility = HR_RETRY_IF_IDEMPOTENT,
         .sent = true},
        {.status = HR_THROTTLED,
         .eligibility = HR_RETRY_AFTER,
         .sent = true,
         .retry_after_us = 200000},
        {.status = HR_NETWORK,
         .eligibility = HR_RETRY_ALWAYS,
         .connect_failed = true},
    };

    *after_us = g_rand_int_range(world->rand, 100, 2 * (int)SECOND_US);
    return all[g_rand_int_range(world->rand, 0, G_N_ELEMENTS(all))];
}

static HrOutcome
answer_never(World *world, int64_t *after_us)
{
    (void)world;
    *after_us = INT64_MAX / 4;
    return (HrOutcome){.status = HR_OK, .sent = true};
}

/* --------------------------------------------------------------- the tests */

static void
test_limit(void)
{
    HrPolicy policy;
    World world;
    Job jobs[100];

    make_policy(&policy);
    policy.requests = (HrLimitPolicy){.adaptive = false, .maximum = 5};
    init_world(&world, &policy, 1);
    world.answer = answer_well;
    for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++)
        start_job(&world, &jobs[i],
                  i % 2 == 0 ? HR_CLASS_READ : HR_CLASS_WRITE, true,
                  INT64_MAX);
    while (step_world(&world, INT64_MAX))
        ;
    g_assert_cmpuint(world.most_on_wire, ==, 5);
    g_assert_cmpuint(world.sent, ==, G_N_ELEMENTS(jobs));
    expect_quiet(&world);
    clear_world(&world);
}

static void
test_rate(void)
{
    HrPolicy policy;
    World world;
    Job jobs[101];
    int64_t start;

    make_policy(&policy);
    policy.rate.requests_per_s = 50;
    policy.rate.request_burst = 1;
    init_world(&world, &policy, 1);
    world.answer = answer_well;
    start = world.now_us;
    for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++)
        start_job(&world, &jobs[i], HR_CLASS_READ, true, INT64_MAX);
    while (step_world(&world, INT64_MAX))
        ;
    /* 100 steps of 20 ms, and the last answer. */
    g_assert_cmpint(world.now_us - start, >=, 2 * SECOND_US);
    g_assert_cmpint(world.now_us - start, <, 2 * SECOND_US + 50000);
    expect_quiet(&world);
    clear_world(&world);
}

/* Permits taken equal permits given back, cancellation at every stage
 * included; and nobody waits for ever. */
static void
test_balance(void)
{
    guint32 seed = g_random_int();

    g_test_message("seed %u", seed);
    for (unsigned round = 0; round < 60; round++) {
        HrPolicy policy;
        World world;
        g_autofree Job *jobs = g_new0(Job, 200);
        unsigned started = 0;

        make_policy(&policy);
        policy.requests.maximum = 1 + round % 7;
        policy.requests.initial = policy.requests.maximum;
        policy.rate.requests_per_s = round % 3 == 0 ? 40 : 0;
        policy.rate.request_burst = 3;
        init_world(&world, &policy, seed + round);
        world.answer = answer_anyhow;
        while (started < 200 || world.jobs->len > 0) {
            int64_t until = world.now_us + 20000;

            for (int i = 0; i < 5 && started < 200; i++)
                start_job(&world, &jobs[started++],
                          (HrOperationClass)g_rand_int_range(world.rand, 0, 3),
                          g_rand_boolean(world.rand),
                          g_rand_boolean(world.rand)
                              ? INT64_MAX
                              : world.now_us + 3 * SECOND_US);
            while (step_world(&world, until))
                if (world.jobs->len > 0 &&
                    g_rand_int_range(world.rand, 0, 12) == 0)
                    cancel_job(world.jobs->pdata[g_rand_int_range(
                        world.rand, 0, (int)world.jobs->len)]);
            world.now_us = until;
        }
        expect_quiet(&world);
        clear_world(&world);
    }
}

/* A deadline is kept to within a quantum, whatever stage a request is at. */
static void
test_deadline(void)
{
    guint32 seed = g_random_int();
    HrPolicy policy;
    int64_t latest = 0;

    g_test_message("seed %u", seed);
    make_policy(&policy);
    policy.requests.maximum = policy.requests.initial = 4;
    for (unsigned round = 0; round < 100; round++) {
        World world;
        g_autofree Job *jobs = g_new0(Job, 100);
        int64_t deadline[100];

        init_world(&world, &policy, seed + round);
        world.answer = round % 4 == 0 ? answer_never : answer_anyhow;
        for (unsigned i = 0; i < 100; i++) {
            deadline[i] = world.now_us + g_rand_int_range(world.rand, 1000,
                                                          5 * (int)SECOND_US);
            start_job(&world, &jobs[i], HR_CLASS_READ, true, deadline[i]);
        }
        /* Who asked gives up at its deadline, as a call does. */
        while (world.jobs->len > 0) {
            step_world(&world, world.now_us + 10000);
            for (guint i = 0; i < world.jobs->len;) {
                Job *job = world.jobs->pdata[i];

                if (world.now_us >= job->operation.deadline_us)
                    cancel_job(job);
                else
                    i++;
            }
        }
        for (unsigned i = 0; i < 100; i++)
            latest = MAX(latest, jobs[i].ended_us - deadline[i]);
        expect_quiet(&world);
        clear_world(&world);
    }
    g_test_message("latest %" G_GINT64_FORMAT " us after its deadline",
                   latest);
    g_assert_cmpint(latest, <=, 50000);
}

/* The policy's total deadline ends an operation that nobody cancels. */
static void
test_total_deadline(void)
{
    HrPolicy policy;
    World world;
    Job job;
    int64_t start;

    make_policy(&policy);
    policy.retry[HR_CLASS_READ].deadline_us = 3 * SECOND_US;
    policy.retry[HR_CLASS_READ].attempt_timeout_us = 2 * SECOND_US;
    init_world(&world, &policy, 3);
    world.answer = answer_never;
    start = world.now_us;
    start_job(&world, &job, HR_CLASS_READ, true, INT64_MAX);
    while (step_world(&world, INT64_MAX))
        ;
    g_assert_cmpint(job.ended_us - start, <=, 3 * SECOND_US + 50000);
    expect_quiet(&world);
    clear_world(&world);
}

static HrOutcome
answer_with_failure(World *world, int64_t *after_us)
{
    (void)world;
    *after_us = 1000;
    return (HrOutcome){.status = HR_TRANSIENT,
                       .eligibility = HR_RETRY_IF_IDEMPOTENT,
                       .sent = true};
}

/* An open breaker refuses at once, and says when to come again; what it
 * refuses is no failure of the endpoint. */
static void
test_breaker(void)
{
    HrPolicy policy;
    World world;
    Job job;
    HrGuardsStats stats;
    unsigned sent;

    make_policy(&policy);
    policy.retry[HR_CLASS_READ].attempts = 1;
    policy.rate.learn = false;
    init_world(&world, &policy, 4);
    world.answer = answer_with_failure;
    for (unsigned i = 0; i < 40; i++) {
        start_job(&world, &job, HR_CLASS_READ, true, INT64_MAX);
        job.operation.parks = true;
        while (step_world(&world, world.now_us + SECOND_US / 100))
            ;
        if (!job.over)
            cancel_job(&job);
    }
    hr_guards_stats(world.guards, &stats);
    g_assert_cmpint(stats.breaker[HR_CLASS_READ], ==, HR_BREAKER_OPEN);
    g_assert_cmpint(stats.breaker[HR_CLASS_WRITE], ==, HR_BREAKER_CLOSED);
    g_assert_cmpuint(stats.breaker_opened, ==, 1);
    sent = world.sent;
    memset(&job, 0, sizeof job);
    start_job(&world, &job, HR_CLASS_READ, true, world.now_us + SECOND_US / 2);
    g_assert_true(job.over);
    g_assert_cmpuint(world.sent, ==, sent);
    g_assert_cmpint(job.operation.passage.outcome.status, ==, HR_LOCAL_REJECT);
    g_assert_cmpint(job.operation.decision.verdict, ==, HR_RETRY_LATER);
    g_assert_cmpint(job.operation.decision.at_us, >, world.now_us);
    /* It is well again: the breaker closes, and nobody was told by hand. */
    world.answer = answer_well;
    world.now_us += 20 * SECOND_US;
    for (unsigned i = 0; i < 5; i++) {
        start_job(&world, &job, HR_CLASS_READ, true, INT64_MAX);
        while (step_world(&world, INT64_MAX))
            ;
    }
    hr_guards_stats(world.guards, &stats);
    g_assert_cmpint(stats.breaker[HR_CLASS_READ], ==, HR_BREAKER_CLOSED);
    expect_quiet(&world);
    clear_world(&world);
}

/* Two ends of a copy take both places or none. */
static void
test_pairs(void)
{
    guint32 seed = g_random_int();
    HrPolicy policy;

    g_test_message("seed %u", seed);
    make_policy(&policy);
    policy.transfers = (HrLimitPolicy){.adaptive = false, .maximum = 2};
    for (unsigned round = 0; round < 200; round++) {
        World one;
        World other;
        Job ends[40];
        unsigned through = 0;

        init_world(&one, &policy, seed + round);
        /* Both share a line, as endpoints of one loop do. */
        init_world_beside(&other, &policy, seed + round + 1, &one);
        one.answer = other.answer = answer_well;
        for (unsigned i = 0; i < G_N_ELEMENTS(ends); i += 2) {
            World *from = i % 4 == 0 ? &one : &other;
            World *to = i % 4 == 0 ? &other : &one;

            start_copy(from, to, &ends[i]);
        }
        while (one.jobs->len + other.jobs->len > 0) {
            g_assert_cmpuint(one.on_wire, <=, 2);
            g_assert_cmpuint(other.on_wire, <=, 2);
            if (g_rand_int_range(one.rand, 0, 30) == 0) {
                unsigned pair =
                    2 * (unsigned)g_rand_int_range(one.rand, 0, 20);

                for (unsigned j = 0; j < 2; j++)
                    if (!ends[pair + j].over)
                        cancel_job(&ends[pair + j]);
            }
            step_world(&one, one.now_us + 500);
            other.now_us = one.now_us;
            step_world(&other, other.now_us + 500);
            one.now_us = other.now_us = MAX(one.now_us, other.now_us);
            through++;
            g_assert_cmpuint(through, <, 100000);
        }
        expect_quiet(&one);
        expect_quiet(&other);
        clear_world(&one);
        clear_world(&other);
    }
}

/* What is due now, and no more. */
static void
settle_worlds(World *const *worlds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        step_world(worlds[i], worlds[i]->now_us);
}

static void
run_worlds(World *const *worlds, unsigned count)
{
    unsigned left = 1;

    for (unsigned rounds = 0; left > 0; rounds++) {
        g_assert_cmpuint(rounds, <, 100000);
        left = 0;
        for (unsigned i = 0; i < count; i++) {
            step_world(worlds[i], worlds[i]->now_us + 500);
            worlds[i]->now_us = worlds[0]->now_us;
            left += worlds[i]->jobs->len;
        }
    }
}

/* A copy whose target does not come along lends its place at the source, and
 * takes it back without waiting. */
static void
test_resting(void)
{
    HrPolicy policy;
    World source;
    World slow;
    World fast;
    World *const all[] = {&source, &slow, &fast};
    Job first[2];
    Job second[2];
    Job third[2];

    make_policy(&policy);
    policy.transfers = (HrLimitPolicy){.adaptive = false, .maximum = 1};
    init_world(&source, &policy, 1);
    policy.transfers.maximum = 3;
    init_world_beside(&slow, &policy, 2, &source);
    init_world_beside(&fast, &policy, 3, &source);
    source.answer = slow.answer = fast.answer = answer_well;
    for (unsigned round = 0; round < 2; round++) {
        start_copy(&source, &slow, first);
        start_copy(&source, &fast, second);
        settle_worlds(all, 3);
        g_assert_cmpuint(slow.on_wire, ==, 1);
        g_assert_cmpuint(fast.on_wire, ==, 0);
        for (unsigned i = 0; i < 3; i++)
            hr_leg_rest(&first[0].leg, true);
        settle_worlds(all, 3);
        g_assert_cmpuint(fast.on_wire, ==, 1);
        hr_leg_rest(&first[0].leg, false);
        start_copy(&source, &fast, third);
        settle_worlds(all, 3);
        g_assert_cmpuint(fast.on_wire, ==, 1);
        /* It ends while it rests, or not. */
        hr_leg_rest(&first[0].leg, round == 0);
        run_worlds(all, 3);
        for (unsigned i = 0; i < 3; i++)
            expect_quiet(all[i]);
    }
    for (unsigned i = 3; i > 0; i--)
        clear_world(all[i - 1]);
}

/* Four tiny blobs are as much as one. */
static void
test_tiny(void)
{
    HrPolicy policy;
    World one;
    World other;
    World *const both[] = {&one, &other};
    Job whole[2];
    Job tiny[20][2];

    make_policy(&policy);
    policy.transfers = (HrLimitPolicy){.adaptive = false, .maximum = 3};
    init_world(&one, &policy, 1);
    policy.transfers.maximum = 2;
    init_world_beside(&other, &policy, 2, &one);
    one.answer = other.answer = answer_well;
    start_copy(&one, &other, whole);
    for (unsigned i = 0; i < G_N_ELEMENTS(tiny); i++)
        start_tiny_copy(&one, &other, tiny[i]);
    settle_worlds(both, 2);
    g_assert_cmpuint(one.on_wire, ==, 1 + 4);
    g_assert_cmpuint(other.on_wire, ==, 1 + 4);
    run_worlds(both, 2);
    g_assert_cmpuint(one.most_on_wire, ==, 8);
    g_assert_cmpuint(other.most_on_wire, ==, 8);
    for (unsigned i = 2; i > 0; i--) {
        expect_quiet(both[i - 1]);
        clear_world(both[i - 1]);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guards/stand-in-one-order", test_golden_order);
    g_test_add_func("/guards/keep-to-the-limit", test_limit);
    g_test_add_func("/guards/keep-to-the-rate", test_rate);
    g_test_add_func("/guards/give-back-every-permit", test_balance);
    g_test_add_func("/guards/keep-deadlines-to-a-quantum", test_deadline);
    g_test_add_func("/guards/end-at-the-total-deadline", test_total_deadline);
    g_test_add_func("/guards/refuse-at-once-while-a-breaker-is-open",
                    test_breaker);
    g_test_add_func("/guards/take-both-places-of-a-copy-or-none", test_pairs);
    g_test_add_func("/guards/give-four-tiny-blobs-the-place-of-one",
                    test_tiny);
    g_test_add_func("/guards/lend-the-place-of-who-waits-for-the-other-end",
                    test_resting);
    return g_test_run();
}
