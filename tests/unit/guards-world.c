/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* World: the guards of one endpoint over a transport that is made up. */
#include "guards-world.h"

#include <string.h>

static double
random_cb(void *data)
{
    return g_rand_double(data);
}

HrRandom
world_random(World *world)
{
    return (HrRandom){.next = random_cb, .data = world->rand};
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
init_on_line(World *world, const HrPolicy *policy, guint32 seed, HrLine *line)
{
    HrGuardsHost host = {
        .alarm = alarm_cb, .data = world, .transfer_line = line};

    memset(world, 0, sizeof *world);
    world->now_us = 1000 * SECOND_US;
    world->alarm_us = INT64_MAX;
    world->rand = g_rand_new_with_seed(seed);
    world->jobs = g_ptr_array_new();
    host.random = world_random(world);
    world->guards = hr_guards_new(policy, &host, world->now_us);
}

void
init_world(World *world, const HrPolicy *policy, guint32 seed)
{
    init_on_line(world, policy, seed, &world->line);
}

void
init_world_beside(World *world, const HrPolicy *policy, guint32 seed,
                  World *other)
{
    init_on_line(world, policy, seed, &other->line);
}

void
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
fill_job(World *world, Job *job, HrOperationClass class)
{
    memset(job, 0, sizeof *job);
    job->world = world;
    job->wake_us = job->answer_us = INT64_MAX;
    job->began_us = world->now_us;
    job->operation.class = class;
    job->operation.priority = HR_PRIORITY_NORMAL;
    job->operation.idempotent = true;
    job->operation.deadline_us = INT64_MAX;
    job->operation.ready = operation_ready_cb;
    job->operation.subject = job;
}

static void
send_job(Job *job)
{
    hr_operation_init(&job->operation, job->world->guards);
    g_ptr_array_add(job->world->jobs, job);
    advance_operation(job);
}

void
start_job(World *world, Job *job, HrOperationClass class, bool idempotent,
          int64_t deadline_us)
{
    fill_job(world, job, class);
    job->operation.idempotent = idempotent;
    job->operation.repeats = true;
    job->operation.deadline_us = deadline_us;
    send_job(job);
}

void
start_parking_job(World *world, Job *job, HrOperationClass class)
{
    fill_job(world, job, class);
    job->operation.repeats = true;
    job->operation.parks = true;
    send_job(job);
}

static void
start_end(World *world, Job *job)
{
    fill_job(world, job, HR_CLASS_BLOB);
    hr_operation_init(&job->operation, world->guards);
    hr_passage_advance(&job->operation.passage, world->now_us);
    hr_leg_init(&job->leg, &job->operation, leg_stages);
    job->leg.ready = leg_ready_cb;
    job->leg.subject = job;
    job->in_leg = true;
    g_ptr_array_add(world->jobs, job);
}

static void
start_pair(World *from, World *to, Job ends[2], bool tiny)
{
    start_end(from, &ends[0]);
    start_end(to, &ends[1]);
    ends[0].operation.tiny = ends[1].operation.tiny = tiny;
    ends[0].leg.peer = &ends[1].leg;
    ends[1].leg.peer = &ends[0].leg;
    advance_leg(&ends[0]);
    advance_leg(&ends[1]);
}

void
start_copy(World *from, World *to, Job ends[2])
{
    start_pair(from, to, ends, false);
}

void
start_tiny_copy(World *from, World *to, Job ends[2])
{
    start_pair(from, to, ends, true);
}

void
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

bool
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

void
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
