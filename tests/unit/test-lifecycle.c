/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lifecycle: one at a time, once, in order, and back in reverse order. */
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "work/lifecycle.h"
#include "work/pool.h"

#define RESTARTS 10000
#define THREADS 4
#define LONG_US (20 * G_USEC_PER_SEC)

/* A component that writes down what is done to it. */
typedef struct Part {
    const char *name;
    GString *diary; /* "a+ b+ b- a-"; may be NULL */
    bool fails;
    bool undrained;
    atomic_bool *hold; /* start waits while it is set; may be NULL */
    atomic_int inside; /* hooks running */
    atomic_uint started;
    atomic_uint stopped;
    bool up;
} Part;

static void
note(Part *part, const char *mark)
{
    if (part->diary != NULL)
        g_string_append_printf(part->diary, "%s%s%s",
                               part->diary->len > 0 ? " " : "", part->name,
                               mark);
}

static bool
start_part(void *data, GError **error)
{
    Part *part = data;

    g_assert_cmpint(atomic_fetch_add(&part->inside, 1), ==, 0);
    g_assert_false(part->up);
    while (part->hold != NULL && atomic_load(part->hold))
        g_usleep(100);
    note(part, part->fails ? "!" : "+");
    atomic_fetch_add(&part->started, 1);
    part->up = !part->fails;
    atomic_fetch_sub(&part->inside, 1);
    if (part->fails)
        return hr_error_set(error, HR_LOCAL_RESOURCE, "%s is broken",
                            part->name);
    return true;
}

static bool
drain_part(void *data, int64_t until_us)
{
    Part *part = data;

    (void)until_us;
    g_assert_cmpint(atomic_fetch_add(&part->inside, 1), ==, 0);
    g_assert_true(part->up);
    atomic_fetch_sub(&part->inside, 1);
    return !part->undrained;
}

static bool
stop_part(void *data, int64_t until_us, bool drained)
{
    Part *part = data;

    (void)until_us;
    g_assert_cmpint(atomic_fetch_add(&part->inside, 1), ==, 0);
    g_assert_true(part->up);
    g_assert_cmpint(drained, ==, !part->undrained);
    note(part, "-");
    atomic_fetch_add(&part->stopped, 1);
    part->up = false;
    atomic_fetch_sub(&part->inside, 1);
    return true;
}

static const HrComponent component = {
    .name = "part",
    .start = start_part,
    .drain = drain_part,
    .stop = stop_part,
};

static int64_t
soon(void)
{
    return hr_clock_monotonic_us() + LONG_US;
}

static void
test_states(void)
{
    Part part = {.name = "a"};
    g_autoptr(HrLifecycle) life = hr_lifecycle_new(&component, &part);

    g_assert_cmpint(hr_lifecycle_state(life), ==, HR_LIFE_NEW);
    g_assert_true(hr_lifecycle_start(life, NULL));
    g_assert_cmpint(hr_lifecycle_state(life), ==, HR_LIFE_RUNNING);
    g_assert_true(hr_lifecycle_start(life, NULL));
    g_assert_cmpuint(part.started, ==, 1);
    g_assert_true(hr_lifecycle_stop(life, soon()));
    g_assert_cmpint(hr_lifecycle_state(life), ==, HR_LIFE_STOPPED);
    g_assert_true(hr_lifecycle_stop(life, soon()));
    g_assert_cmpuint(part.stopped, ==, 1);
    g_assert_true(hr_lifecycle_restart(life, soon(), NULL));
    g_assert_true(hr_lifecycle_restart(life, soon(), NULL));
    g_assert_cmpuint(hr_lifecycle_starts(life), ==, 3);
    g_assert_true(hr_lifecycle_stop(life, soon()));
    g_assert_cmpstr(hr_life_state_name(HR_LIFE_DRAINING), ==, "draining");
}

static void
test_stop_before_start(void)
{
    Part part = {.name = "a"};
    g_autoptr(HrLifecycle) life = hr_lifecycle_new(&component, &part);

    g_assert_true(hr_lifecycle_stop(life, 0));
    g_assert_cmpint(hr_lifecycle_state(life), ==, HR_LIFE_STOPPED);
    g_assert_cmpuint(part.stopped, ==, 0);
    g_assert_true(hr_lifecycle_start(life, NULL));
    g_assert_true(hr_lifecycle_stop(life, 0));
    g_assert_cmpuint(part.stopped, ==, 1);
}

static void
test_failure(void)
{
    Part part = {.name = "a", .fails = true};
    g_autoptr(HrLifecycle) life = hr_lifecycle_new(&component, &part);
    g_autoptr(GError) error = NULL;

    g_assert_false(hr_lifecycle_start(life, &error));
    g_assert_cmpstr(error->message, ==, "a is broken");
    g_assert_cmpint(hr_lifecycle_state(life), ==, HR_LIFE_FAILED);
    g_assert_true(hr_lifecycle_stop(life, soon()));
    g_assert_cmpuint(part.stopped, ==, 0);
    g_assert_cmpint(hr_lifecycle_state(life), ==, HR_LIFE_FAILED);
    part.fails = false;
    g_assert_true(hr_lifecycle_start(life, NULL));
    g_assert_true(hr_lifecycle_stop(life, soon()));
}

/* What is given up is said, to whoever asks, until the next stop. */
static void
test_given_up(void)
{
    Part part = {.name = "a", .undrained = true};
    g_autoptr(HrLifecycle) life = hr_lifecycle_new(&component, &part);

    g_assert_true(hr_lifecycle_start(life, NULL));
    g_assert_false(hr_lifecycle_stop(life, 0));
    g_assert_cmpint(hr_lifecycle_state(life), ==, HR_LIFE_STOPPED);
    g_assert_false(hr_lifecycle_stop(life, 0));
    part.undrained = false;
    g_assert_true(hr_lifecycle_restart(life, soon(), NULL));
    g_assert_true(hr_lifecycle_stop(life, soon()));
}

typedef struct Starter {
    HrLifecycle *life;
    GError *error;
    bool good;
} Starter;

static void *
start_it(void *data)
{
    Starter *starter = data;

    starter->good = hr_lifecycle_start(starter->life, &starter->error);
    return NULL;
}

/* One start for all who ask meanwhile, and one outcome. */
static void
start_together(bool fails)
{
    atomic_bool hold = true;
    Part part = {.name = "a", .fails = fails, .hold = &hold};
    g_autoptr(HrLifecycle) life = hr_lifecycle_new(&component, &part);
    Starter starters[THREADS] = {0};
    pthread_t threads[THREADS];
    int64_t now;

    for (unsigned i = 0; i < THREADS; i++) {
        starters[i].life = life;
        g_assert_cmpint(
            pthread_create(&threads[i], NULL, start_it, &starters[i]), ==, 0);
    }
    while (hr_lifecycle_state(life) != HR_LIFE_STARTING)
        g_usleep(100);
    /* Who stops meanwhile waits for it no longer than it wants to. */
    now = hr_clock_monotonic_us();
    g_assert_false(hr_lifecycle_stop(life, now + 1000));
    g_assert_cmpint(hr_clock_monotonic_us(), >=, now + 1000);
    g_assert_false(hr_lifecycle_restart(life, now, NULL));
    /* Time for the others to come; what is asserted does not need it. */
    g_usleep(20000);
    atomic_store(&hold, false);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        g_assert_cmpint(starters[i].good, ==, !fails);
        if (fails)
            g_assert_cmpstr(starters[i].error->message, ==, "a is broken");
        g_clear_error(&starters[i].error);
    }
    if (!fails)
        g_assert_cmpuint(part.started, ==, 1);
    g_assert_true(hr_lifecycle_stop(life, soon()));
}

static void
test_together(void)
{
    start_together(false);
    start_together(true);
}

typedef struct Meddler {
    HrLifecycle *life;
    GRand *random;
    atomic_bool *over;
} Meddler;

static void *
meddle(void *data)
{
    Meddler *meddler = data;

    while (!atomic_load(meddler->over)) {
        switch (g_rand_int_range(meddler->random, 0, 4)) {
        case 0:
            hr_lifecycle_stop(meddler->life, 0);
            break;
        case 1:
            hr_lifecycle_stop(meddler->life, soon());
            break;
        case 2:
            hr_lifecycle_restart(meddler->life, soon(), NULL);
            break;
        default:
            hr_lifecycle_start(meddler->life, NULL);
        }
    }
    return NULL;
}

/* Any thread may do anything: the hooks never overlap (they assert it), and
 * starts and stops alternate. */
static void
test_meddling(void)
{
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    Part part = {.name = "a"};
    g_autoptr(HrLifecycle) life = hr_lifecycle_new(&component, &part);
    atomic_bool over = false;
    Meddler meddlers[THREADS];
    pthread_t threads[THREADS];

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < THREADS; i++) {
        meddlers[i] = (Meddler){
            .life = life,
            .random = g_rand_new_with_seed(g_rand_int(random)),
            .over = &over,
        };
        g_assert_cmpint(
            pthread_create(&threads[i], NULL, meddle, &meddlers[i]), ==, 0);
    }
    while (hr_lifecycle_starts(life) < RESTARTS)
        g_usleep(1000);
    atomic_store(&over, true);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        g_rand_free(meddlers[i].random);
    }
    g_assert_true(hr_lifecycle_stop(life, soon()));
    g_assert_cmpuint(part.started, ==, part.stopped);
    g_assert_cmpuint(part.started, ==, hr_lifecycle_starts(life));
}

#define PARTS 5

typedef struct Set {
    GString *diary;
    Part parts[PARTS];
    HrLifecycle *lives[PARTS];
    HrAssembly *assembly;
} Set;

static Set *
new_set(void)
{
    static const char *const names[PARTS] = {"a", "b", "c", "d", "e"};
    Set *set = g_new0(Set, 1);

    set->diary = g_string_new(NULL);
    set->assembly = hr_assembly_new("all of it");
    for (unsigned i = 0; i < PARTS; i++) {
        set->parts[i].name = names[i];
        set->parts[i].diary = set->diary;
        set->lives[i] =
            hr_assembly_add(set->assembly, &component, &set->parts[i]);
    }
    return set;
}

static void
free_set(Set *set)
{
    hr_assembly_free(set->assembly);
    g_string_free(set->diary, TRUE);
    g_free(set);
}

static void
assert_diary(Set *set, const char *wanted)
{
    g_assert_cmpstr(set->diary->str, ==, wanted);
    g_string_truncate(set->diary, 0);
}

static void
test_order(void)
{
    Set *set = new_set();
    HrLifecycle *life = hr_assembly_lifecycle(set->assembly);

    g_assert_true(hr_lifecycle_start(life, NULL));
    assert_diary(set, "a+ b+ c+ d+ e+");
    g_assert_true(hr_lifecycle_stop(life, soon()));
    assert_diary(set, "e- d- c- b- a-");
    set->parts[2].undrained = true;
    g_assert_true(hr_lifecycle_start(life, NULL));
    /* One that went down by itself is left alone. */
    g_assert_true(hr_lifecycle_stop(set->lives[3], soon()));
    g_string_truncate(set->diary, 0);
    g_assert_false(hr_lifecycle_stop(life, soon()));
    assert_diary(set, "e- c- b- a-");
    free_set(set);
}

static void
test_one_fails(void)
{
    static const char *const wanted[PARTS] = {
        "a!",
        "a+ b! a-",
        "a+ b+ c! b- a-",
        "a+ b+ c+ d! c- b- a-",
        "a+ b+ c+ d+ e! d- c- b- a-",
    };

    for (unsigned i = 0; i < PARTS; i++) {
        Set *set = new_set();
        HrLifecycle *life = hr_assembly_lifecycle(set->assembly);
        g_autoptr(GError) error = NULL;

        set->parts[i].fails = true;
        g_assert_false(hr_lifecycle_start(life, &error));
        g_assert_nonnull(strstr(error->message, " is broken"));
        assert_diary(set, wanted[i]);
        g_assert_cmpint(hr_lifecycle_state(life), ==, HR_LIFE_FAILED);
        for (unsigned j = 0; j < PARTS; j++)
            g_assert_cmpint(hr_lifecycle_state(set->lives[j]), ==,
                            j < i    ? HR_LIFE_STOPPED
                            : j == i ? HR_LIFE_FAILED
                                     : HR_LIFE_NEW);
        set->parts[i].fails = false;
        g_assert_true(hr_lifecycle_start(life, NULL));
        assert_diary(set, "a+ b+ c+ d+ e+");
        g_assert_true(hr_lifecycle_stop(life, soon()));
        free_set(set);
    }
}

/* A pool that comes and goes under a lifecycle. */
typedef struct Workers {
    HrPool *pool;
    HrCancel *cancel;
} Workers;

static bool
start_workers(void *data, GError **error)
{
    Workers *workers = data;

    (void)error;
    workers->cancel = hr_cancel_new(NULL);
    workers->pool = hr_pool_new(2, 4);
    return true;
}

static bool
drain_workers(void *data, int64_t until_us)
{
    return hr_pool_drain(((Workers *)data)->pool, until_us);
}

static bool
stop_workers(void *data, int64_t until_us, bool drained)
{
    Workers *workers = data;

    (void)until_us;
    if (!drained)
        hr_cancel_trigger(workers->cancel);
    g_clear_pointer(&workers->pool, hr_pool_free);
    g_clear_pointer(&workers->cancel, hr_cancel_unref);
    return true;
}

typedef struct Job {
    HrCancel *cancel;
    atomic_uint *ended;
} Job;

/* Works until it is told to stop. */
static void
work_for_ever(void *data)
{
    Job *job = data;

    while (!hr_cancel_triggered(job->cancel))
        g_usleep(100);
    atomic_fetch_add(job->ended, 1);
}

static void
test_deadline(void)
{
    static const HrComponent workers_component = {
        .name = "workers",
        .start = start_workers,
        .drain = drain_workers,
        .stop = stop_workers,
    };
    Workers workers = {0};
    g_autoptr(HrLifecycle) life =
        hr_lifecycle_new(&workers_component, &workers);
    atomic_uint ended = 0;
    g_autoptr(HrCancel) held = NULL;
    int64_t until;
    Job job;

    g_assert_true(hr_lifecycle_start(life, NULL));
    held = hr_cancel_ref(workers.cancel);
    job = (Job){.cancel = held, .ended = &ended};
    g_assert_true(hr_pool_submit(hr_pool_lane(workers.pool, "main", 0),
                                 HR_PRIORITY_NORMAL, work_for_ever, &job, NULL,
                                 HR_TIME_NEVER, NULL));
    until = hr_clock_monotonic_us() + 50000;
    g_assert_false(hr_lifecycle_stop(life, until));
    g_assert_cmpint(hr_clock_monotonic_us(), >=, until);
    g_assert_cmpuint(ended, ==, 1);
    g_assert_true(hr_lifecycle_restart(life, soon(), NULL));
    g_assert_true(hr_lifecycle_stop(life, soon()));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lifecycle/each-is-done-once", test_states);
    g_test_add_func("/lifecycle/stop-before-start", test_stop_before_start);
    g_test_add_func("/lifecycle/a-failed-start-can-be-repeated", test_failure);
    g_test_add_func("/lifecycle/what-is-given-up-is-said", test_given_up);
    g_test_add_func("/lifecycle/one-start-for-all-who-ask", test_together);
    g_test_add_func("/lifecycle/any-thread-may-do-anything", test_meddling);
    g_test_add_func("/lifecycle/parts-stop-in-reverse-order", test_order);
    g_test_add_func("/lifecycle/a-failure-at-any-place-stops-the-others",
                    test_one_fails);
    g_test_add_func("/lifecycle/what-outlives-the-deadline-is-cancelled",
                    test_deadline);
    return g_test_run();
}
