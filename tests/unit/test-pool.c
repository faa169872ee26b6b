/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker pool: its bound, its order, its end. */
#include <glib.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "work/pool.h"

#define PAUSE_US 20000
#define STARTS 10000
#define LONG_US (20 * G_USEC_PER_SEC)

/* A door that holds workers until it is opened. */
typedef struct Gate {
    atomic_uint inside;
    atomic_bool open;
} Gate;

/* Most tests need only one lane. */
static HrLane *
lane_of(HrPool *pool)
{
    return hr_pool_lane(pool, "main", 0);
}

static void
pass_gate(void *data)
{
    Gate *gate = data;

    atomic_fetch_add(&gate->inside, 1);
    while (!atomic_load(&gate->open))
        g_usleep(100);
}

static void
count(void *data)
{
    atomic_fetch_add((atomic_uint *)data, 1);
}

/* Submits jobs that hold all workers, and waits until they do. */
static void
hold_workers(HrPool *pool, Gate *gate)
{
    for (unsigned i = 0; i < hr_pool_workers(pool); i++)
        g_assert_true(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL,
                                     pass_gate, gate, NULL, HR_TIME_NEVER,
                                     NULL));
    while (atomic_load(&gate->inside) < hr_pool_workers(pool))
        sched_yield();
}

static void
assert_rejected(HrPool *pool, HrCancel *cancel, int64_t until_us, int status)
{
    g_autoptr(GError) error = NULL;
    atomic_uint ran = 0;

    g_assert_false(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL, count,
                                  &ran, cancel, until_us, &error));
    g_assert_error(error, HR_ERROR, status);
    g_assert_cmpuint(ran, ==, 0);
}

static void
test_runs(void)
{
    g_autoptr(HrPool) pool = hr_pool_new(3, 4);
    atomic_uint ran = 0;

    g_assert_cmpuint(hr_pool_workers(pool), ==, 3);
    for (unsigned i = 0; i < 1000; i++)
        g_assert_true(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL, count,
                                     &ran, NULL, HR_TIME_NEVER, NULL));
    g_assert_true(hr_pool_drain(pool, HR_TIME_NEVER));
    g_assert_cmpuint(ran, ==, 1000);
    g_assert_cmpuint(hr_pool_load(pool), ==, 0);
    hr_pool_free(NULL);
}

static void
test_bound(void)
{
    g_autoptr(HrPool) pool = hr_pool_new(2, 3);
    Gate gate = {0};
    atomic_uint ran = 0;
    int64_t until;

    hold_workers(pool, &gate);
    for (unsigned i = 0; i < 3; i++)
        g_assert_true(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL, count,
                                     &ran, NULL, 0, NULL));
    g_assert_cmpuint(hr_pool_load(pool), ==, 5);
    assert_rejected(pool, NULL, 0, HR_LOCAL_REJECT);
    until = hr_clock_monotonic_us() + PAUSE_US;
    assert_rejected(pool, NULL, until, HR_LOCAL_REJECT);
    g_assert_cmpint(hr_clock_monotonic_us(), >=, until);
    g_assert_cmpuint(ran, ==, 0);
    atomic_store(&gate.open, true);
    g_assert_true(hr_pool_drain(pool, HR_TIME_NEVER));
    g_assert_cmpuint(ran, ==, 3);
}

typedef struct Other {
    HrPool *pool;
    Gate *gate;
    HrCancel *cancel;
    atomic_bool came;
} Other;

static void *
open_soon(void *data)
{
    Other *other = data;

    g_usleep(PAUSE_US);
    atomic_store(&other->came, true);
    atomic_store(&other->gate->open, true);
    return NULL;
}

static void
test_waits_for_room(void)
{
    for (unsigned way = 0; way < 2; way++) {
        g_autoptr(HrPool) pool = hr_pool_new(1, 1);
        int64_t until =
            way == 0 ? HR_TIME_NEVER : hr_clock_monotonic_us() + LONG_US;
        Gate gate = {0};
        Other other = {.gate = &gate};
        atomic_uint ran = 0;
        pthread_t thread;

        hold_workers(pool, &gate);
        g_assert_true(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL, count,
                                     &ran, NULL, 0, NULL));
        g_assert_cmpint(pthread_create(&thread, NULL, open_soon, &other), ==,
                        0);
        g_assert_true(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL, count,
                                     &ran, NULL, until, NULL));
        g_assert_true(atomic_load(&other.came));
        pthread_join(thread, NULL);
        g_assert_true(hr_pool_drain(pool, HR_TIME_NEVER));
        g_assert_cmpuint(ran, ==, 2);
    }
}

static void *
cancel_soon(void *data)
{
    Other *other = data;

    g_usleep(PAUSE_US);
    atomic_store(&other->came, true);
    hr_cancel_trigger(other->cancel);
    return NULL;
}

static void
test_cancel(void)
{
    g_autoptr(HrPool) pool = hr_pool_new(1, 1);
    g_autoptr(HrCancel) cancel = hr_cancel_new(NULL);
    Gate gate = {0};
    Other other = {.cancel = cancel};
    atomic_uint ran = 0;
    pthread_t thread;

    hold_workers(pool, &gate);
    g_assert_true(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL, count,
                                 &ran, cancel, 0, NULL));
    g_assert_cmpint(pthread_create(&thread, NULL, cancel_soon, &other), ==, 0);
    assert_rejected(pool, cancel, HR_TIME_NEVER, HR_CANCELLED);
    g_assert_true(atomic_load(&other.came));
    assert_rejected(pool, cancel, HR_TIME_NEVER, HR_CANCELLED);
    pthread_join(thread, NULL);
    atomic_store(&gate.open, true);
    g_assert_true(hr_pool_drain(pool, HR_TIME_NEVER));
    g_assert_cmpuint(ran, ==, 1);
}

typedef struct Order {
    atomic_uint next;
    unsigned places[4];
} Order;

typedef struct Named {
    Order *order;
    unsigned name;
} Named;

static void
take_place(void *data)
{
    Named *named = data;

    named->order->places[named->name] =
        atomic_fetch_add(&named->order->next, 1);
}

static void
test_order(void)
{
    g_autoptr(HrPool) pool = hr_pool_new(1, 2);
    Order order = {0};
    Named names[4];
    Gate gate = {0};

    for (unsigned i = 0; i < 4; i++)
        names[i] = (Named){.order = &order, .name = i};
    hold_workers(pool, &gate);
    for (unsigned i = 0; i < 2; i++)
        g_assert_true(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL,
                                     take_place, &names[i], NULL, 0, NULL));
    /* Though the queue is full. */
    hr_pool_resume(lane_of(pool), take_place, &names[2]);
    hr_pool_resume(lane_of(pool), take_place, &names[3]);
    g_assert_cmpuint(hr_pool_load(pool), ==, 5);
    atomic_store(&gate.open, true);
    g_assert_true(hr_pool_drain(pool, HR_TIME_NEVER));
    g_assert_cmpuint(order.places[2], ==, 0);
    g_assert_cmpuint(order.places[3], ==, 1);
    g_assert_cmpuint(order.places[0], ==, 2);
    g_assert_cmpuint(order.places[1], ==, 3);
}

typedef struct Chain {
    HrPool *pool;
    unsigned left;
    atomic_uint ran;
} Chain;

static void
run_link(void *data)
{
    Chain *chain = data;

    atomic_fetch_add(&chain->ran, 1);
    if (--chain->left > 0)
        hr_pool_resume(lane_of(chain->pool), run_link, chain);
}

/* A job may go on in pieces while the pool drains. */
static void
test_resume_while_draining(void)
{
    g_autoptr(HrPool) pool = hr_pool_new(2, 1);
    Chain chain = {.pool = pool, .left = 1000};

    g_assert_true(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL, run_link,
                                 &chain, NULL, HR_TIME_NEVER, NULL));
    g_assert_true(hr_pool_drain(pool, HR_TIME_NEVER));
    g_assert_cmpuint(chain.ran, ==, 1000);
    g_assert_cmpuint(hr_pool_load(pool), ==, 0);
}

static void *
submit_and_expect_refusal(void *data)
{
    Other *other = data;

    assert_rejected(other->pool, NULL, HR_TIME_NEVER, HR_LOCAL_REJECT);
    atomic_store(&other->came, true);
    return NULL;
}

static void
test_drain(void)
{
    g_autoptr(HrPool) pool = hr_pool_new(1, 1);
    Gate gate = {0};
    Other other = {.pool = pool};
    atomic_uint ran = 0;
    pthread_t thread;

    hold_workers(pool, &gate);
    g_assert_true(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL, count,
                                 &ran, NULL, 0, NULL));
    g_assert_cmpint(
        pthread_create(&thread, NULL, submit_and_expect_refusal, &other), ==,
        0);
    g_usleep(PAUSE_US);
    g_assert_false(atomic_load(&other.came));
    g_assert_false(hr_pool_drain(pool, hr_clock_monotonic_us() + PAUSE_US));
    /* Whoever waited for room is told, and so is whoever comes now. */
    pthread_join(thread, NULL);
    assert_rejected(pool, NULL, 0, HR_LOCAL_REJECT);
    assert_rejected(pool, NULL, HR_TIME_NEVER, HR_LOCAL_REJECT);
    atomic_store(&gate.open, true);
    g_assert_true(hr_pool_drain(pool, HR_TIME_NEVER));
    g_assert_true(hr_pool_drain(pool, 0));
    g_assert_cmpuint(ran, ==, 1);
    assert_rejected(pool, NULL, HR_TIME_NEVER, HR_LOCAL_REJECT);
}

/* Freeing is draining: what was taken is done. */
static void
test_free(void)
{
    HrPool *pool = hr_pool_new(2, 100);
    atomic_uint ran = 0;

    for (unsigned i = 0; i < 100; i++)
        g_assert_true(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL, count,
                                     &ran, NULL, 0, NULL));
    hr_pool_free(pool);
    g_assert_cmpuint(ran, ==, 100);
}

typedef struct Thread {
    char name[16];
    bool blocked;
    size_t stack_bytes;
} Thread;

static void
look_at_thread(void *data)
{
    Thread *thread = data;
    pthread_attr_t attributes;
    sigset_t mask;

    pthread_getname_np(pthread_self(), thread->name, sizeof thread->name);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    thread->blocked =
        sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1 &&
        sigismember(&mask, SIGHUP) == 1 && sigismember(&mask, SIGCHLD) == 1;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstacksize(&attributes, &thread->stack_bytes);
    pthread_attr_destroy(&attributes);
}

static void
test_threads(void)
{
    g_autoptr(HrPool) pool = hr_pool_new(1, 1);
    Thread thread = {.blocked = false};
    sigset_t mask;

    /* The thread takes its name as it is created; the job comes after. */
    g_assert_true(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL,
                                 look_at_thread, &thread, NULL, HR_TIME_NEVER,
                                 NULL));
    g_assert_true(hr_pool_drain(pool, HR_TIME_NEVER));
    g_assert_cmpstr(thread.name, ==, "hr-worker-0");
    g_assert_true(thread.blocked);
    g_assert_cmpuint(thread.stack_bytes, >=, 512 * 1024);
    g_assert_cmpuint(thread.stack_bytes, <, 2 * 1024 * 1024);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    g_assert_cmpint(sigismember(&mask, SIGTERM), ==, 0);
}

typedef struct Producer {
    HrPool *pool;
    HrCancel *cancel;
    atomic_uint *ran; /* one for each job */
    unsigned first;
    unsigned count;
    unsigned accepted;
    GRand *random;
    bool *taken;
} Producer;

static void *
submit_many(void *data)
{
    Producer *producer = data;

    for (unsigned i = 0; i < producer->count; i++) {
        unsigned job = producer->first + i;
        int64_t until =
            (int64_t[]){0, HR_TIME_NEVER,
                        hr_clock_monotonic_us() +
                            50}[g_rand_int_range(producer->random, 0, 3)];

        producer->taken[job] =
            hr_pool_submit(lane_of(producer->pool), HR_PRIORITY_NORMAL, count,
                           &producer->ran[job], producer->cancel, until, NULL);
    }
    return NULL;
}

/* Every job that was taken runs once; none that was refused does. */
static void
run_storm(GRand *random)
{
    enum {
        PRODUCERS = 3,
        EACH = 4
    };
    unsigned workers = (unsigned)g_rand_int_range(random, 1, 4);
    unsigned capacity = (unsigned)g_rand_int_range(random, 1, 4);
    HrPool *pool = hr_pool_new(workers, capacity);
    HrCancel *cancel = hr_cancel_new(NULL);
    atomic_uint ran[PRODUCERS * EACH];
    bool taken[PRODUCERS * EACH];
    Producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    bool cancelling = g_rand_boolean(random);

    for (unsigned i = 0; i < PRODUCERS * EACH; i++)
        atomic_init(&ran[i], 0);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i] = (Producer){
            .pool = pool,
            .cancel = cancel,
            .ran = ran,
            .taken = taken,
            .first = i * EACH,
            .count = EACH,
            .random = g_rand_new_with_seed(g_rand_int(random)),
        };
        if (i > 0)
            g_assert_cmpint(
                pthread_create(&threads[i], NULL, submit_many, &producers[i]),
                ==, 0);
    }
    submit_many(&producers[0]);
    if (cancelling)
        hr_cancel_trigger(cancel);
    if (g_rand_boolean(random))
        hr_pool_drain(pool, 0);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        if (i > 0)
            pthread_join(threads[i], NULL);
        g_rand_free(producers[i].random);
    }
    hr_pool_free(pool);
    hr_cancel_unref(cancel);
    for (unsigned i = 0; i < PRODUCERS * EACH; i++)
        g_assert_cmpuint(ran[i], ==, taken[i]);
}

static void
test_storms(void)
{
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < STARTS / 20; i++)
        run_storm(random);
}

/* Ten thousand pools come and go, at once or after a little work. */
static void
test_starts(void)
{
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    atomic_uint ran = 0;
    unsigned submitted = 0;

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < STARTS; i++) {
        HrPool *pool =
            hr_pool_new((unsigned)g_rand_int_range(random, 1, 3), 4);
        unsigned jobs = (unsigned)g_rand_int_range(random, 0, 4);

        for (unsigned j = 0; j < jobs; j++)
            g_assert_true(hr_pool_submit(lane_of(pool), HR_PRIORITY_NORMAL,
                                         count, &ran, NULL, 0, NULL));
        submitted += jobs;
        if (g_rand_boolean(random)) {
            hr_pool_resume(lane_of(pool), count, &ran);
            submitted++;
        }
        if (g_rand_boolean(random))
            hr_pool_drain(pool, 0);
        hr_pool_free(pool);
        g_assert_cmpuint(ran, ==, submitted);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pool/runs-every-job", test_runs);
    g_test_add_func("/pool/queue-is-bounded", test_bound);
    g_test_add_func("/pool/submit-waits-for-room", test_waits_for_room);
    g_test_add_func("/pool/cancel-ends-the-wait-for-room", test_cancel);
    g_test_add_func("/pool/resumed-jobs-go-first", test_order);
    g_test_add_func("/pool/resume-works-while-draining",
                    test_resume_while_draining);
    g_test_add_func("/pool/drain-takes-nothing-new", test_drain);
    g_test_add_func("/pool/free-finishes-what-was-taken", test_free);
    g_test_add_func("/pool/workers-have-names-and-no-signals", test_threads);
    g_test_add_func("/pool/nothing-is-lost-or-done-twice", test_storms);
    g_test_add_func("/pool/starts-and-stops-ten-thousand-times", test_starts);
    return g_test_run();
}
