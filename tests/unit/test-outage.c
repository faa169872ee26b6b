/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guards of an endpoint do together while it is away, and after:
 * jobs that are put off and come back as core/sync does it, simulated.
 */
#include <math.h>
#include <string.h>

#include "guards-world.h"

#define TICK_US 10000

/* A job: asks for something until it has it.  Where tasks think, it asks for
 * the next thing some seconds later. */
typedef struct Task {
    Job job;
    int64_t due_us; /* INT64_MAX while it asks, and when it is over */
    unsigned rounds;
    bool asks;
} Task;

/* When the server is away; relative to the start. */
typedef struct Absence {
    int64_t from_us;
    int64_t to_us;
} Absence;

typedef struct Scene {
    World world; /* first: the answer casts */
    Task *tasks;
    unsigned first; /* all before it are over */
    unsigned started;
    unsigned count;
    unsigned done;
    int think_s; /* 0: each asks for one thing; n: for the next n/2 to 3n/2
                    seconds later                                         */
    int64_t start_us;
    /* The server: */
    Absence absences[24]; /* in order */
    unsigned absent;      /* how many there are */
    unsigned next;        /* the first that is not over */
    double capacity; /* calls a second; beyond it nine in ten fail; 0: any */
    double load;     /* of the last second, decaying */
    int64_t load_us;
    unsigned *sent;     /* each second */
    unsigned *finished; /* each second */
    unsigned seconds;
} Scene;

static unsigned
second_of(const Scene *scene)
{
    int64_t second = (scene->world.now_us - scene->start_us) / SECOND_US;

    g_assert_cmpint(second, <, scene->seconds);
    return (unsigned)second;
}

static const HrOutcome failure = {.status = HR_TRANSIENT,
                                  .eligibility = HR_RETRY_IF_IDEMPOTENT,
                                  .sent = true};

static bool
is_away(Scene *scene, int64_t now_us)
{
    while (scene->next < scene->absent &&
           now_us >= scene->absences[scene->next].to_us)
        scene->next++;
    return scene->next < scene->absent &&
           now_us >= scene->absences[scene->next].from_us;
}

static HrOutcome
answer_of_scene(World *world, int64_t *after_us)
{
    Scene *scene = (Scene *)world;
    double passed = (double)(world->now_us - scene->load_us) / 1e6;

    scene->load = scene->load * exp(-passed) + 1;
    scene->load_us = world->now_us;
    scene->sent[second_of(scene)]++;
    *after_us = g_rand_int_range(world->rand, 10000, 30000);
    if (is_away(scene, world->now_us - scene->start_us))
        return failure;
    if (scene->capacity > 0 && scene->load > scene->capacity &&
        g_rand_double(world->rand) < 0.9)
        return failure;
    return (HrOutcome){.status = HR_OK, .sent = true};
}

static void
init_scene(Scene *scene, const HrPolicy *policy, guint32 seed, unsigned count,
           unsigned seconds)
{
    memset(scene, 0, sizeof *scene);
    init_world(&scene->world, policy, seed);
    scene->world.answer = answer_of_scene;
    scene->start_us = scene->load_us = scene->world.now_us;
    scene->count = count;
    scene->seconds = seconds;
    scene->tasks = g_new0(Task, count);
    scene->sent = g_new0(unsigned, seconds);
    scene->finished = g_new0(unsigned, seconds);
}

static void
add_absence(Scene *scene, int64_t from_s, int64_t to_s)
{
    g_assert_cmpuint(scene->absent, <, G_N_ELEMENTS(scene->absences));
    scene->absences[scene->absent++] =
        (Absence){from_s * SECOND_US, to_s * SECOND_US};
}

static void
clear_scene(Scene *scene)
{
    while (scene->world.jobs->len > 0)
        cancel_job(scene->world.jobs->pdata[0]);
    expect_quiet(&scene->world);
    clear_world(&scene->world);
    g_free(scene->tasks);
    g_free(scene->sent);
    g_free(scene->finished);
}

static void
ask(Scene *scene, Task *task)
{
    Job *job = &task->job;

    task->asks = true;
    task->due_us = INT64_MAX;
    start_parking_job(&scene->world, job, HR_CLASS_READ);
}

/* As hr_pass_park does, with patience without end. */
static void
put_off(Scene *scene, Task *task)
{
    const HrRetryDecision *decision = &task->job.operation.decision;
    HrRandom random = world_random(&scene->world);
    int64_t now = scene->world.now_us;
    int64_t at = MAX(decision->at_us, now);

    g_assert_cmpint(decision->verdict, ==, HR_RETRY_LATER);
    if (decision->exhausted)
        at = MAX(at, now + hr_retry_round_us(task->rounds++, &random));
    at += (int64_t)((double)(at - now) * hr_random_next(&random) / 10);
    task->due_us = at;
}

static void
think(Scene *scene, Task *task)
{
    int span_us = scene->think_s * (int)SECOND_US;

    if (scene->think_s > 0)
        task->due_us = scene->world.now_us + span_us / 2 +
                       g_rand_int_range(scene->world.rand, 0, span_us);
}

static void
look_at_task(Scene *scene, Task *task)
{
    if (task->asks && task->job.over) {
        task->asks = false;
        if (task->job.operation.passage.outcome.status == HR_OK) {
            scene->finished[second_of(scene)]++;
            scene->done++;
            think(scene, task);
        } else {
            put_off(scene, task);
        }
    }
    if (!task->asks && task->due_us <= scene->world.now_us)
        ask(scene, task);
}

static bool
is_over(const Task *task)
{
    return !task->asks && task->due_us == INT64_MAX;
}

/* `per_s` new tasks arrive each second, until there are no more. */
static void
run_scene(Scene *scene, double per_s)
{
    unsigned ticks = scene->seconds * (unsigned)(SECOND_US / TICK_US);

    for (unsigned tick = 0; tick < ticks; tick++) {
        int64_t until = scene->start_us + (int64_t)tick * TICK_US;
        double due = per_s * (double)tick * TICK_US / 1e6;

        while (step_world(&scene->world, until))
            ;
        while (scene->started < scene->count && scene->started < due) {
            Task *task = &scene->tasks[scene->started++];

            ask(scene, task);
        }
        while (scene->first < scene->started &&
               is_over(&scene->tasks[scene->first]))
            scene->first++;
        for (unsigned i = scene->first; i < scene->started; i++)
            look_at_task(scene, &scene->tasks[i]);
    }
}

static unsigned
sum(const unsigned *each, unsigned from, unsigned to)
{
    unsigned all = 0;

    for (unsigned i = from; i < to; i++)
        all += each[i];
    return all;
}

/* The most in a second, on the average of ten: jobs that think come as they
 * like, a third more in one second than in another. */
static double
most(const unsigned *each, unsigned from, unsigned to)
{
    unsigned highest = 0;

    for (unsigned i = from; i + 10 <= to; i++)
        highest = MAX(highest, sum(each, i, i + 10));
    return highest / 10.0;
}

static void
make_policy(HrPolicy *policy)
{
    g_assert_true(hr_policy_init(policy, "default", HR_PROFILE_PRODUCTION));
}

/* The first second from which on, for five in a row, as much gets through as
 * arrives. */
static unsigned
recovered_at(const Scene *scene, unsigned from, double per_s)
{
    for (unsigned i = from; i + 5 <= scene->seconds; i++)
        if (sum(scene->finished, i, i + 5) >= 0.95 * 5 * per_s)
            return i;
    return scene->seconds;
}

#define SEEDS 20

/* Away for 300 s, with 1,000 jobs that want something: hardly anything is
 * asked in vain, and they do not come back as a herd. */
static void
test_outage(void)
{
    enum {
        AWAY = 100,
        BACK = 400,
        END = 600,
        JOBS = 1000,
        THINK = 20
    };
    HrPolicy policy;
    double worst = 0;
    double highest = 0;
    double lowest = HUGE_VAL;
    unsigned latest = 0;

    make_policy(&policy);
    for (guint32 seed = 1; seed <= SEEDS; seed++) {
        Scene scene;
        double before;
        unsigned in_vain;
        unsigned recovery;

        init_scene(&scene, &policy, seed, JOBS, END);
        add_absence(&scene, AWAY, BACK);
        scene.think_s = THINK;
        run_scene(&scene, JOBS / (double)THINK);
        before = sum(scene.finished, AWAY - 60, AWAY) / 60.0;
        in_vain = sum(scene.sent, AWAY, BACK);
        recovery = recovered_at(&scene, BACK, before) - BACK;
        worst = MAX(worst, in_vain / (double)JOBS);
        latest = MAX(latest, recovery);
        highest = MAX(highest, most(scene.sent, BACK, END) / before);
        lowest =
            MIN(lowest, sum(scene.finished, BACK + 60, END) / 140.0 / before);
        g_test_message("seed %u: %.1f/s, %u in vain, well again after %u s, "
                       "at most %.2f, then %.2f",
                       seed, before, in_vain, recovery,
                       most(scene.sent, BACK, END) / before,
                       sum(scene.finished, BACK + 60, END) / 140.0 / before);
        clear_scene(&scene);
    }
    g_test_message("load %.3f, well again after %u s, at most %.2f of the "
                   "rate before, after a minute at least %.2f",
                   1 + worst, latest, highest, lowest);
    g_assert_cmpfloat(worst, <=, 0.05);
    g_assert_cmpuint(latest, <=, 60);
    g_assert_cmpfloat(highest, <=, 1.2);
    g_assert_cmpfloat(lowest, >=, 0.95);
}

/* A day with an absence in every hour, of seconds to minutes. */
static void
test_day(void)
{
    enum {
        DAY = 86400,
        ARRIVE = 3
    };
    guint32 seed = g_random_int();
    int64_t began_us = g_get_monotonic_time();
    HrPolicy policy;
    HrGuardsStats stats;
    Scene scene;
    unsigned in_vain = 0;
    unsigned away_s = 0;

    make_policy(&policy);
    init_scene(&scene, &policy, seed, ARRIVE * (DAY - 3 * 3600), DAY);
    for (int64_t hour = 0; hour < 20; hour++) {
        int64_t from =
            hour * 3600 + g_rand_int_range(scene.world.rand, 600, 2400);
        int64_t length = g_rand_int_range(scene.world.rand, 1, 600);

        add_absence(&scene, from, from + length);
    }
    run_scene(&scene, ARRIVE);
    for (unsigned i = 0; i < scene.absent; i++) {
        unsigned from = (unsigned)(scene.absences[i].from_us / SECOND_US);
        unsigned to = (unsigned)(scene.absences[i].to_us / SECOND_US);

        in_vain += sum(scene.sent, from, to);
        away_s += to - from;
    }
    hr_guards_stats(scene.world.guards, &stats);
    g_test_message("seed %u: a day in %.1f s: %u of %u done, away %u s with "
                   "%u asked in vain, breaker opened %" G_GUINT64_FORMAT
                   " times, %" G_GUINT64_FORMAT " retries",
                   seed, (double)(g_get_monotonic_time() - began_us) / 1e6,
                   scene.done, scene.count, away_s, in_vain,
                   stats.breaker_opened, stats.retries);
    g_assert_cmpuint(scene.done, ==, scene.count);
    g_assert_cmpuint(in_vain, <=, ARRIVE * away_s / 10);
    g_assert_cmpint(stats.breaker[HR_CLASS_READ], ==, HR_BREAKER_CLOSED);
    clear_scene(&scene);
}

/* A server that fails when it is asked too much, at three quarters of what it
 * can: an outage of 15 s must not become one without end. */
static void
test_overload(void)
{
    enum {
        AWAY = 60,
        BACK = 75,
        END = 400,
        ARRIVE = 60
    };
    HrPolicy policy;
    unsigned latest = 0;
    double lowest = HUGE_VAL;

    make_policy(&policy);
    for (guint32 seed = 1; seed <= SEEDS; seed++) {
        Scene scene;
        unsigned recovery;
        double late;

        init_scene(&scene, &policy, seed, ARRIVE * (END - 30), END);
        add_absence(&scene, AWAY, BACK);
        scene.capacity = 80;
        run_scene(&scene, ARRIVE);
        recovery = recovered_at(&scene, BACK, ARRIVE) - BACK;
        latest = MAX(latest, recovery);
        /* And stays so: what was put off is made up for. */
        late = sum(scene.finished, BACK + 30, END - 30) /
               (double)(END - 30 - BACK - 30) / ARRIVE;
        lowest = MIN(lowest, late);
        g_test_message("seed %u: well again after %u s, then %.2f of what "
                       "arrives, %u of %u done",
                       seed, recovery, late, scene.done, scene.count);
        g_assert_cmpuint(scene.done, ==, scene.count);
        clear_scene(&scene);
    }
    g_test_message("well again after %u s, then at least %.2f of what arrives",
                   latest, lowest);
    g_assert_cmpuint(latest, <=, 30);
    g_assert_cmpfloat(lowest, >=, 0.95);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/outage/costs-few-requests-and-ends-without-a-herd",
                    test_outage);
    g_test_add_func("/outage/every-hour-of-a-day-loses-nothing", test_day);
    g_test_add_func("/outage/overload-does-not-outlive-its-cause",
                    test_overload);
    return g_test_run();
}
