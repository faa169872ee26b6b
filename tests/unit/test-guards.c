/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guards of an endpoint and their stages, over a transport that is made
 * up: no socket, no thread, no clock but the test's.
 */
#include "guard/guards.h"

#include <glib.h>
#include <string.h>

#include "net/send.h"

#define SECOND_US INT64_C(1000000)

typedef struct World World;

/* One request of the made-up transport. */
typedef struct Job {
    HrLeg leg; /* first: the transport stage casts */
    HrOperation operation;
    World *world;
    int64_t wake_us;    /* of the operation or the leg; INT64_MAX: none  */
    int64_t answer_us;  /* while on the wire                             */
    bool operation_due; /* ready() was called */
    bool leg_due;
    bool in_leg;
    bool over;
    HrStep last;
    int64_t began_us;
    int64_t ended_us;
} Job;

struct World {
    HrGuards *guards;
    HrLine line;
    GRand *rand;
    int64_t now_us;
    int64_t alarm_us;
    GPtrArray *jobs; /* Job, not over */
    unsigned on_wire;
    unsigned most_on_wire;
    unsigned sent;
    /* What the server does: */
    HrOutcome (*answer)(World *world, int64_t *after_us);
};

static double
random_cb(void *data)
{
    return g_rand_double(data);
}

static void
alarm_cb(void *data, int64_t at_us)
{
    World *world = data;

    world->alarm_us = at_us;
}

static HrStep
transport_enter(HrPassage *passage, int64_t now_us)
{
    Job *job = (Job *)passage;
    World *world = job->world;
    int64_t after_us = 0;

    passage->outcome = world->answer(world, &after_us);
    passage->outcome.latency_us = after_us;
    passage->outcome.idempotent = job->operation.idempotent;
    if (job->leg.timeout_us > 0 && after_us > job->leg.timeout_us) {
        after_us = job->leg.timeout_us;
        passage->outcome.status = HR_TIMEOUT;
        passage->outcome.eligibility = HR_RETRY_IF_IDEMPOTENT;
    }
    job->answer_us = now_us + after_us;
    world->sent++;
    world->on_wire++;
    world->most_on_wire = MAX(world->most_on_wire, world->on_wire);
    return HR_STEP_ON;
}

static HrStep
transport_exit(HrPassage *passage, int64_t now_us)
{
    Job *job = (Job *)passage;

    (void)now_us;
    job->world->on_wire--;
    job->answer_us = INT64_MAX;
    return HR_STEP_ON;
}

static const HrStage transport = {
    .name = "transport", .enter = transport_enter, .exit = transport_exit};

static const HrStage *const leg_stages[] = {
    &hr_stage_breaker,
    &hr_stage_rate,
    &hr_stage_limit,
    &hr_stage_timeout,
    &hr_stage_attempt,
    &transport,
    NULL,
};

static void
init_world(World *world, const HrPolicy *policy, guint32 seed)
{
    HrGuardsHost host = {
        .alarm = alarm_cb, .data = world, .transfer_line = &world->line};

    memset(world, 0, sizeof *world);
    world->now_us = 1000 * SECOND_US;
    world->alarm_us = INT64_MAX;
    world->rand = g_rand_new_with_seed(seed);
    world->jobs = g_ptr_array_new();
    host.random = (HrRandom){.next = random_cb, .data = world->rand};
    world->guards = hr_guards_new(policy, &host, world->now_us);
}

static void
clear_world(World *world)
{
    g_assert_cmpuint(world->jobs->len, ==, 0);
    hr_guards_free(world->guards);
    g_ptr_array_unref(world->jobs);
    g_rand_free(world->rand);
}

static void
operation_ready_cb(void *subject)
{
    ((Job *)subject)->operation_due = true;
}

static void
leg_ready_cb(void *subject)
{
    ((Job *)subject)->leg_due = true;
}

static void
end_job(Job *job)
{
    job->over = true;
    job->ended_us = job->world->now_us;
    g_ptr_array_remove_fast(job->world->jobs, job);
}

static void
leave_leg(Job *job)
{
    World *world = job->world;

    hr_passage_leave(&job->leg.passage, world->now_us);
    job->in_leg = false;
    job->wake_us = INT64_MAX;
    job->operation.passage.outcome = job->leg.passage.outcome;
    job->last = hr_passage_leave(&job->operation.passage, world->now_us);
    if (job->last == HR_STEP_WAIT)
        job->wake_us = job->operation.passage.at_us;
    else
        end_job(job);
}

static void
advance_leg(Job *job)
{
    HrStep step = hr_passage_advance(&job->leg.passage, job->world->now_us);

    job->wake_us = step == HR_STEP_WAIT ? job->leg.passage.at_us : INT64_MAX;
    if (step == HR_STEP_STOP)
        leave_leg(job);
}

static void
advance_operation(Job *job)
{
    HrPassage *passage = &job->operation.passage;
    HrStep step = hr_passage_advance(passage, job->world->now_us);

    job->wake_us = step == HR_STEP_WAIT ? passage->at_us : INT64_MAX;
    if (step == HR_STEP_STOP) {
        job->last = hr_passage_leave(passage, job->world->now_us);
        end_job(job);
    } else if (step == HR_STEP_ON) {
        hr_leg_init(&job->leg, &job->operation, leg_stages);
        job->leg.ready = leg_ready_cb;
        job->leg.subject = job;
        job->in_leg = true;
        advance_leg(job);
    }
}

static void
start_job(World *world, Job *job, HrOperationClass class, bool idempotent,
          int64_t deadline_us)
{
    memset(job, 0, sizeof *job);
    job->world = world;
    job->wake_us = INT64_MAX;
    job->answer_us = INT64_MAX;
    job->began_us = world->now_us;
    job->operation.class = class;
    job->operation.priority = HR_PRIORITY_NORMAL;
    job->operation.idempotent = idempotent;
    job->operation.repeats = true;
    job->operation.deadline_us = deadline_us;
    job->operation.ready = operation_ready_cb;
    job->operation.subject = job;
    hr_operation_init(&job->operation, world->guards);
    g_ptr_array_add(world->jobs, job);
    advance_operation(job);
}

static void
cancel_job(Job *job)
{
    int64_t now = job->world->now_us;

    if (job->in_leg)
        hr_passage_cancel(&job->leg.passage, now);
    job->in_leg = false;
    hr_passage_cancel(&job->operation.passage, now);
    end_job(job);
}

/* Everything that is due now. */
static bool
settle_once(World *world)
{
    for (guint i = 0; i < world->jobs->len; i++) {
        Job *job = world->jobs->pdata[i];

        if (job->leg_due && job->in_leg && job->leg.passage.waiting) {
            job->leg_due = false;
            advance_leg(job);
            return true;
        }
        if (job->operation_due && !job->in_leg &&
            job->operation.passage.waiting) {
            job->operation_due = false;
            advance_operation(job);
            return true;
        }
        if (job->in_leg && job->answer_us <= world->now_us) {
            leave_leg(job);
            return true;
        }
        if (job->wake_us <= world->now_us) {
            if (job->in_leg)
                advance_leg(job);
            else
                advance_operation(job);
            return true;
        }
    }
    if (world->alarm_us <= world->now_us) {
        world->alarm_us = INT64_MAX;
        hr_guards_tick(world->guards, world->now_us);
        return true;
    }
    return false;
}

/* On to the next thing that happens, not beyond `until_us`.  False if there
 * is none. */
static bool
step_world(World *world, int64_t until_us)
{
    int64_t next = world->alarm_us;

    while (settle_once(world))
        ;
    next = world->alarm_us;
    for (guint i = 0; i < world->jobs->len; i++) {
        const Job *job = world->jobs->pdata[i];

        next = MIN(next, job->wake_us);
        if (job->in_leg)
            next = MIN(next, job->answer_us);
    }
    if (next == INT64_MAX || next > until_us) {
        if (until_us != INT64_MAX)
            world->now_us = MAX(until_us, world->now_us);
        return false;
    }
    world->now_us = MAX(world->now_us, next);
    return true;
}

static void
expect_quiet(const World *world)
{
    HrGuardsStats stats;

    hr_guards_stats(world->guards, &stats);
    g_assert_cmpuint(stats.permits_acquired, ==, stats.permits_released);
    g_assert_cmpuint(stats.waiting, ==, 0);
    for (int i = 0; i < HR_CLASS_COUNT; i++)
        g_assert_cmpuint(stats.in_flight[i], ==, 0);
    g_assert_cmpuint(world->on_wire, ==, 0);
}

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
        init_world(&other, &policy, seed + round + 1);
        g_rand_free(other.rand);
        other.rand = g_rand_new_with_seed(seed + round + 1);
        one.answer = other.answer = answer_well;
        /* Both must share a line, as endpoints of one loop do. */
        hr_guards_free(other.guards);
        other.guards =
            hr_guards_new(&policy,
                          &(HrGuardsHost){.alarm = alarm_cb,
                                          .data = &other,
                                          .random = {random_cb, other.rand},
                                          .transfer_line = &one.line},
                          other.now_us);
        for (unsigned i = 0; i < G_N_ELEMENTS(ends); i += 2) {
            World *from = i % 4 == 0 ? &one : &other;
            World *to = i % 4 == 0 ? &other : &one;

            for (unsigned j = 0; j < 2; j++) {
                Job *end = &ends[i + j];

                memset(end, 0, sizeof *end);
                end->world = j == 0 ? from : to;
                end->wake_us = end->answer_us = INT64_MAX;
                end->operation.class = HR_CLASS_BLOB;
                end->operation.deadline_us = INT64_MAX;
                end->operation.ready = operation_ready_cb;
                end->operation.subject = end;
                hr_operation_init(&end->operation, end->world->guards);
                hr_passage_advance(&end->operation.passage, one.now_us);
                hr_leg_init(&end->leg, &end->operation, leg_stages);
                end->leg.ready = leg_ready_cb;
                end->leg.subject = end;
                end->in_leg = true;
                g_ptr_array_add(end->world->jobs, end);
            }
            ends[i].leg.peer = &ends[i + 1].leg;
            ends[i + 1].leg.peer = &ends[i].leg;
            advance_leg(&ends[i]);
            advance_leg(&ends[i + 1]);
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
    return g_test_run();
}
