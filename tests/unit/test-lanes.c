/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lanes of the worker pool: a slow endpoint takes its own workers only. */
#include <glib.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/error.h"
#include "work/pool.h"

#define ROUNDS 10000
#define HOUR_US (INT64_C(3600) * G_USEC_PER_SEC)
#define QUICK_US 500
#define SLOW_US (100 * QUICK_US)
#define QUICK_JOBS 400

/* What runs in one lane. */
typedef struct Traffic {
    HrLane *lane;
    unsigned cap;
    atomic_uint inside;
    atomic_uint most;
    atomic_uint ran;
    atomic_bool *until; /* jobs stay until it is set; NULL: they take... */
    unsigned take_us;   /* ...this long */
} Traffic;

static void
run_traffic(void *data)
{
    Traffic *traffic = data;
    unsigned inside = atomic_fetch_add(&traffic->inside, 1) + 1;
    unsigned most = atomic_load(&traffic->most);

    while (inside > most &&
           !atomic_compare_exchange_weak(&traffic->most, &most, inside))
        continue;
    if (traffic->cap > 0)
        g_assert_cmpuint(inside, <=, traffic->cap);
    if (traffic->take_us > 0)
        g_usleep(traffic->take_us);
    while (traffic->until != NULL && !atomic_load(traffic->until))
        g_usleep(100);
    atomic_fetch_sub(&traffic->inside, 1);
    atomic_fetch_add(&traffic->ran, 1);
}

static void
submit(Traffic *traffic)
{
    g_assert_true(hr_pool_submit(traffic->lane, HR_PRIORITY_NORMAL,
                                 run_traffic, traffic, NULL, HR_TIME_NEVER,
                                 NULL));
}

static Traffic
open_lane(HrPool *pool, const char *name, unsigned cap)
{
    return (Traffic){.lane = hr_pool_lane(pool, name, cap), .cap = cap};
}

/* An endpoint that never answers holds up its own jobs, and nobody else's:
 * neither the workers nor the room in the queue. */
static void
test_dead_endpoint(void)
{
    HrPool *pool = hr_pool_new(4, 8);
    atomic_bool answer = false;
    Traffic dead = open_lane(pool, "dead", 2);
    Traffic healthy = open_lane(pool, "healthy", 2);
    g_autoptr(GError) error = NULL;

    dead.until = &answer;
    for (unsigned i = 0; i < 2; i++)
        submit(&dead);
    while (atomic_load(&dead.inside) < 2)
        sched_yield();
    for (unsigned i = 0; i < 8; i++)
        submit(&dead);
    g_assert_false(hr_pool_submit(dead.lane, HR_PRIORITY_NORMAL, run_traffic,
                                  &dead, NULL, 0, &error));
    g_assert_error(error, HR_ERROR, HR_LOCAL_REJECT);
    for (unsigned i = 0; i < QUICK_JOBS; i++)
        submit(&healthy);
    while (atomic_load(&healthy.ran) < QUICK_JOBS)
        sched_yield();
    g_assert_cmpuint(dead.ran, ==, 0);
    g_assert_cmpuint(dead.inside, ==, 2);
    atomic_store(&answer, true);
    hr_pool_free(pool);
    g_assert_cmpuint(dead.ran, ==, 10);
}

static int64_t
time_quick_jobs(Traffic *healthy)
{
    int64_t begun = hr_clock_monotonic_us();
    unsigned wanted = atomic_load(&healthy->ran) + QUICK_JOBS;

    for (unsigned i = 0; i < QUICK_JOBS; i++)
        submit(healthy);
    while (atomic_load(&healthy->ran) < wanted)
        g_usleep(100);
    return hr_clock_monotonic_us() - begun;
}

typedef struct Feeder {
    Traffic *traffic;
    atomic_bool *over;
} Feeder;

static void *
feed_lane(void *data)
{
    Feeder *feeder = data;

    while (!atomic_load(feeder->over))
        submit(feeder->traffic);
    return NULL;
}

/* Waits until so many jobs of a lane are at it at once. */
static void
await_inside(Traffic *traffic, unsigned wanted)
{
    while (atomic_load(&traffic->inside) < wanted)
        g_usleep(100);
}

/* Workers that wait in one lane are replaced for the others, and no more of
 * them than may be. */
static void
test_growth(void)
{
    HrPool *pool = hr_pool_new(4, 16);
    atomic_bool answer = false;
    Traffic lanes[3] = {open_lane(pool, "a", 4), open_lane(pool, "b", 4),
                        open_lane(pool, "c", 4)};

    hr_pool_may_grow(pool, 10);
    for (unsigned i = 0; i < G_N_ELEMENTS(lanes); i++) {
        lanes[i].until = &answer;
        for (unsigned j = 0; j < 6; j++)
            submit(&lanes[i]);
        await_inside(&lanes[i], i < 2 ? 4 : 2);
        g_assert_cmpuint(hr_pool_workers(pool), ==, MIN(4 * (i + 1), 10));
    }
    g_usleep(20000);
    g_assert_cmpuint(hr_pool_workers(pool), ==, 10);
    g_assert_cmpuint(lanes[2].inside, ==, 2);
    atomic_store(&answer, true);
    hr_pool_free(pool);
    for (unsigned i = 0; i < G_N_ELEMENTS(lanes); i++)
        g_assert_cmpuint(lanes[i].ran, ==, 6);
}

/* One lane alone needs no more workers than its cap, however long its
 * queue. */
static void
test_no_growth(void)
{
    HrPool *pool = hr_pool_new(4, 16);
    atomic_bool answer = false;
    Traffic only = open_lane(pool, "only", 4);

    hr_pool_may_grow(pool, 10);
    only.until = &answer;
    for (unsigned i = 0; i < 16; i++)
        submit(&only);
    await_inside(&only, 4);
    g_usleep(20000);
    g_assert_cmpuint(hr_pool_workers(pool), ==, 4);
    atomic_store(&answer, true);
    hr_pool_free(pool);
    g_assert_cmpuint(only.ran, ==, 16);
}

/* Somebody looks at the clock, though all workers are held. */
static void
test_parked_beside_a_dead_lane(void)
{
    HrPool *pool = hr_pool_new(2, 4);
    atomic_bool answer = false;
    Traffic dead = open_lane(pool, "dead", 2);
    Traffic healthy = open_lane(pool, "healthy", 2);

    hr_pool_may_grow(pool, 4);
    dead.until = &answer;
    hr_pool_resume_at(healthy.lane, run_traffic, &healthy, NULL,
                      hr_clock_monotonic_us() + 50000);
    submit(&dead);
    submit(&dead);
    while (atomic_load(&healthy.ran) == 0)
        g_usleep(100);
    g_assert_cmpuint(dead.ran, ==, 0);
    atomic_store(&answer, true);
    hr_pool_free(pool);
}

/* A pool as the program has it: every lane may have all of `workers`. */
static HrPool *
open_pool(Traffic *slow, Traffic *healthy)
{
    HrPool *pool = hr_pool_new(4, 16);

    hr_pool_may_grow(pool, 8);
    slow->lane = hr_pool_lane(pool, "slow", 4);
    healthy->lane = hr_pool_lane(pool, "healthy", 4);
    return pool;
}

/* A healthy lane keeps nine tenths of its speed beside one whose jobs take a
 * hundred times as long and whose queue is always full.  Another program on
 * the machine can only make it look worse: one good round of five counts. */
static void
test_slow_endpoint(void)
{
    Traffic slow = {.cap = 4, .take_us = SLOW_US};
    Traffic healthy = {.cap = 4, .take_us = QUICK_US};
    HrPool *pool = open_pool(&slow, &healthy);
    double best = 0;

    for (unsigned i = 0; i < 5 && best < 0.9; i++) {
        int64_t alone = time_quick_jobs(&healthy);
        atomic_bool over = false;
        Feeder feeder = {.traffic = &slow, .over = &over};
        pthread_t thread;
        int64_t beside;

        g_assert_cmpint(pthread_create(&thread, NULL, feed_lane, &feeder), ==,
                        0);
        await_inside(&slow, 4);
        beside = time_quick_jobs(&healthy);
        atomic_store(&over, true);
        pthread_join(thread, NULL);
        hr_pool_drain(pool, 0);
        while (hr_pool_load(pool) > 0)
            g_usleep(1000);
        best = MAX(best, (double)alone / (double)beside);
        hr_pool_free(pool);
        pool = open_pool(&slow, &healthy);
    }
    g_test_message("beside a slow lane: %.3f of the speed alone", best);
    g_assert_cmpfloat(best, >=, 0.9);
    hr_pool_free(pool);
}

#define TURNS 32

typedef struct Turn {
    unsigned *order;
    atomic_uint *count;
    unsigned lane;
} Turn;

static void
take_turn(void *data)
{
    Turn *turn = data;

    turn->order[atomic_fetch_add(turn->count, 1)] = turn->lane;
}

/* One worker and three lanes that were filled one after the other: of any
 * three jobs in a row each is from another lane. */
static void
test_turns(void)
{
    static const char *const names[3] = {"a", "b", "c"};
    HrPool *pool = hr_pool_new(1, TURNS);
    atomic_bool open = false;
    Traffic gate = open_lane(pool, "gate", 0);
    unsigned order[3 * TURNS];
    atomic_uint count = 0;
    Turn turns[3];

    gate.until = &open;
    submit(&gate);
    for (unsigned i = 0; i < 3; i++) {
        HrLane *lane = hr_pool_lane(pool, names[i], 0);

        turns[i] = (Turn){.order = order, .count = &count, .lane = i};
        for (unsigned j = 0; j < TURNS; j++)
            g_assert_true(hr_pool_submit(lane, HR_PRIORITY_NORMAL, take_turn,
                                         &turns[i], NULL, 0, NULL));
    }
    atomic_store(&open, true);
    hr_pool_free(pool);
    g_assert_cmpuint(count, ==, 3 * TURNS);
    for (unsigned i = 0; i < 3 * TURNS; i += 3)
        g_assert_cmphex(
            1u << order[i] | 1u << order[i + 1] | 1u << order[i + 2], ==, 7);
}

/* A job that was parked for an hour comes at once when it is cancelled, and
 * the job in front of it in the queue of parked ones does not. */
static void
test_cancelled_while_parked(void)
{
    HrPool *pool = hr_pool_new(2, 4);
    g_autoptr(HrCancel) parent = hr_cancel_new(NULL);
    g_autoptr(HrCancel) child = hr_cancel_new(parent);
    g_autoptr(HrCancel) other = hr_cancel_new(NULL);
    Traffic ours = open_lane(pool, "ours", 0);
    Traffic others = open_lane(pool, "others", 0);
    int64_t now = hr_clock_monotonic_us();
    int64_t begun;

    for (unsigned i = 0; i < 1000; i++)
        hr_pool_resume_at(ours.lane, run_traffic, &ours, child, now + HOUR_US);
    hr_pool_resume_at(others.lane, run_traffic, &others, other,
                      now + HOUR_US / 2);
    begun = hr_clock_monotonic_us();
    hr_cancel_trigger(parent);
    while (atomic_load(&ours.ran) < 1000)
        g_usleep(100);
    g_test_message("1000 parked jobs noticed after %" G_GINT64_FORMAT " ms",
                   (hr_clock_monotonic_us() - begun) / 1000);
    g_assert_cmpuint(others.ran, ==, 0);
    hr_cancel_trigger(other);
    hr_pool_free(pool);
    g_assert_cmpuint(others.ran, ==, 1);
}

static void
test_parked_in_order(void)
{
    HrPool *pool = hr_pool_new(1, 4);
    Traffic soon = open_lane(pool, "soon", 0);
    Traffic later = open_lane(pool, "later", 0);
    int64_t now = hr_clock_monotonic_us();

    hr_pool_resume_at(later.lane, run_traffic, &later, NULL, now + 200000);
    hr_pool_resume_at(soon.lane, run_traffic, &soon, NULL, now + 20000);
    while (atomic_load(&soon.ran) == 0)
        sched_yield();
    g_assert_cmpint(hr_clock_monotonic_us(), >=, now + 20000);
    while (atomic_load(&later.ran) == 0)
        sched_yield();
    g_assert_cmpint(hr_clock_monotonic_us(), >=, now + 200000);
    hr_pool_free(pool);
}

/* Jobs that park again and again before they end. */
typedef struct Wanderer {
    Traffic *traffic;
    HrCancel *cancel;
    unsigned rounds;
    unsigned how; /* of each round, two bits */
    atomic_uint *ended;
    unsigned ends;
} Wanderer;

static void
wander(void *data)
{
    Wanderer *wanderer = data;
    unsigned how;

    run_traffic(wanderer->traffic);
    if (wanderer->rounds == 0) {
        wanderer->ends++;
        atomic_fetch_add(wanderer->ended, 1);
        return;
    }
    wanderer->rounds--;
    how = wanderer->how & 3;
    wanderer->how >>= 2;
    if (how == 0)
        hr_pool_resume(wanderer->traffic->lane, wander, wanderer);
    else
        hr_pool_resume_at(wanderer->traffic->lane, wander, wanderer,
                          how == 1 ? wanderer->cancel : NULL,
                          hr_clock_monotonic_us() +
                              (how == 1 ? HOUR_US : how * 50));
}

#define WANDERERS 12
#define LANES 3

/* One pool, from start to stop: jobs go round, park and are cancelled; the
 * pool is freed at a random instant.  All that were taken end, once. */
static void
run_round(GRand *random)
{
    static const char *const names[LANES] = {"a", "b", "c"};
    HrPool *pool = hr_pool_new((unsigned)g_rand_int_range(random, 1, 4),
                               (unsigned)g_rand_int_range(random, 1, 5));
    g_autoptr(HrCancel) cancel = hr_cancel_new(NULL);
    atomic_uint ended = 0;
    Wanderer wanderers[WANDERERS];
    Traffic lanes[LANES];
    /* Parked jobs look for it in intervals, so it seldom comes late. */
    unsigned cancel_at =
        g_rand_int_range(random, 0, 200) == 0 ? WANDERERS / 2 : 0;
    unsigned taken = 0;

    for (unsigned i = 0; i < LANES; i++)
        lanes[i] = open_lane(pool, names[i],
                             (unsigned)g_rand_int_range(random, 0, 3));
    for (unsigned i = 0; i < WANDERERS; i++) {
        Wanderer *wanderer = &wanderers[i];

        *wanderer = (Wanderer){
            .traffic = &lanes[g_rand_int_range(random, 0, LANES)],
            .cancel = cancel,
            .rounds = (unsigned)g_rand_int_range(random, 0, 4),
            .how = g_rand_int(random),
            .ended = &ended,
        };
        if (i == cancel_at)
            hr_cancel_trigger(cancel);
        taken += hr_pool_submit(wanderer->traffic->lane,
                                (HrPriority)g_rand_int_range(random, 0, 4),
                                wander, wanderer, NULL, 0, NULL);
    }
    if (g_rand_boolean(random))
        hr_pool_drain(pool, 0);
    hr_pool_free(pool);
    g_assert_cmpuint(ended, ==, taken);
    for (unsigned i = 0; i < WANDERERS; i++)
        g_assert_cmpuint(wanderers[i].ends, <=, 1);
}

static void
test_rounds(void)
{
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < ROUNDS; i++)
        run_round(random);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lanes/a-dead-endpoint-holds-up-nobody",
                    test_dead_endpoint);
    g_test_add_func("/lanes/workers-are-added-where-others-wait", test_growth);
    g_test_add_func("/lanes/no-worker-is-added-to-a-full-lane",
                    test_no_growth);
    g_test_add_func("/lanes/parked-jobs-come-though-all-workers-are-held",
                    test_parked_beside_a_dead_lane);
    g_test_add_func("/lanes/nine-tenths-of-the-speed-beside-a-slow-one",
                    test_slow_endpoint);
    g_test_add_func("/lanes/all-get-their-turn", test_turns);
    g_test_add_func("/lanes/cancel-wakes-what-is-parked",
                    test_cancelled_while_parked);
    g_test_add_func("/lanes/parked-jobs-come-at-their-time",
                    test_parked_in_order);
    g_test_add_func("/lanes/nothing-is-lost-in-ten-thousand-lives",
                    test_rounds);
    return g_test_run();
}
