/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cancel tokens: trees, watchers, threads. */
#include <glib.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "work/cancel.h"

#define CHILDREN 100000
#define ROUNDS 2000

static void
count_cb(void *data)
{
    ++*(unsigned *)data;
}

static void
test_below(void)
{
    g_autoptr(HrCancel) pass = hr_cancel_new(NULL);
    g_autoptr(HrCancel) job = hr_cancel_new(pass);
    g_autoptr(HrCancel) call = hr_cancel_new(job);
    g_autoptr(HrCancel) other = hr_cancel_new(pass);

    g_assert_false(hr_cancel_triggered(call));
    hr_cancel_trigger(job);
    g_assert_true(hr_cancel_triggered(job));
    g_assert_true(hr_cancel_triggered(call));
    g_assert_false(hr_cancel_triggered(pass));
    g_assert_false(hr_cancel_triggered(other));
    hr_cancel_trigger(pass);
    g_assert_true(hr_cancel_triggered(other));
}

static void
test_born_late(void)
{
    g_autoptr(HrCancel) parent = hr_cancel_new(NULL);
    g_autoptr(HrCancel) child = NULL;
    unsigned count = 0;

    hr_cancel_trigger(parent);
    child = hr_cancel_new(parent);
    g_assert_true(hr_cancel_triggered(child));
    g_assert_cmpuint(hr_cancel_watch(child, count_cb, &count), !=, 0);
    g_assert_cmpuint(count, ==, 1);
}

static void
test_once(void)
{
    g_autoptr(HrCancel) parent = hr_cancel_new(NULL);
    g_autoptr(HrCancel) child = hr_cancel_new(parent);
    unsigned parents = 0;
    unsigned children = 0;

    hr_cancel_watch(parent, count_cb, &parents);
    hr_cancel_watch(child, count_cb, &children);
    hr_cancel_watch(child, count_cb, &children);
    g_assert_cmpuint(parents + children, ==, 0);
    hr_cancel_trigger(child);
    g_assert_cmpuint(children, ==, 2);
    hr_cancel_trigger(parent);
    hr_cancel_trigger(parent);
    g_assert_cmpuint(parents, ==, 1);
    g_assert_cmpuint(children, ==, 2);
}

static void
test_unwatch(void)
{
    g_autoptr(HrCancel) cancel = hr_cancel_new(NULL);
    unsigned counts[3] = {0, 0, 0};
    unsigned ids[3];

    for (unsigned i = 0; i < 3; i++)
        ids[i] = hr_cancel_watch(cancel, count_cb, &counts[i]);
    g_assert_cmpuint(ids[0], !=, ids[1]);
    hr_cancel_unwatch(cancel, ids[1]);
    hr_cancel_unwatch(cancel, ids[1]);
    hr_cancel_trigger(cancel);
    g_assert_cmpuint(counts[0], ==, 1);
    g_assert_cmpuint(counts[1], ==, 0);
    g_assert_cmpuint(counts[2], ==, 1);
    hr_cancel_unwatch(cancel, ids[0]);
}

/* Children may outlive the name of their parent, and go in any order. */
static void
test_order(void)
{
    HrCancel *parent = hr_cancel_new(NULL);
    HrCancel *children[5];

    for (unsigned i = 0; i < 5; i++)
        children[i] = hr_cancel_new(parent);
    hr_cancel_unref(children[2]);
    hr_cancel_unref(children[4]);
    hr_cancel_trigger(parent);
    hr_cancel_unref(parent);
    hr_cancel_unref(children[0]);
    g_assert_true(hr_cancel_triggered(children[1]));
    g_assert_true(hr_cancel_triggered(children[3]));
    hr_cancel_unref(children[1]);
    hr_cancel_unref(children[3]);
    hr_cancel_unref(NULL);
}

/* Were unlinking a walk along the siblings, this would take minutes. */
static void
test_many(void)
{
    g_autoptr(HrCancel) parent = hr_cancel_new(NULL);
    g_autofree HrCancel **children = g_new(HrCancel *, CHILDREN);
    unsigned count = 0;

    for (unsigned i = 0; i < CHILDREN; i++) {
        children[i] = hr_cancel_new(parent);
        hr_cancel_watch(children[i], count_cb, &count);
    }
    for (unsigned i = 0; i < CHILDREN; i += 2)
        hr_cancel_unref(children[i]);
    hr_cancel_trigger(parent);
    g_assert_cmpuint(count, ==, CHILDREN / 2);
    for (unsigned i = 1; i < CHILDREN; i += 2)
        hr_cancel_unref(children[i]);
}

typedef struct Inner {
    HrCancel *cancel;
    unsigned own;
    unsigned other;
    unsigned ran;
} Inner;

static void
unwatch_within(void *data)
{
    Inner *inner = data;

    inner->ran++;
    g_assert_true(hr_cancel_triggered(inner->cancel));
    hr_cancel_unwatch(inner->cancel, inner->own);
    hr_cancel_unwatch(inner->cancel, inner->other);
}

static void
test_unwatch_within(void)
{
    g_autoptr(HrCancel) cancel = hr_cancel_new(NULL);
    Inner inner = {.cancel = cancel};
    unsigned count = 0;

    /* The latest runs first. */
    inner.other = hr_cancel_watch(cancel, count_cb, &count);
    inner.own = hr_cancel_watch(cancel, unwatch_within, &inner);
    hr_cancel_trigger(cancel);
    g_assert_cmpuint(inner.ran, ==, 1);
    g_assert_cmpuint(count, ==, 0);
    /* At once, on a token that is cancelled already. */
    hr_cancel_watch(cancel, unwatch_within, &inner);
    g_assert_cmpuint(inner.ran, ==, 2);
    /* The lock is free again. */
    hr_cancel_unwatch(cancel, inner.own);
}

typedef struct Race {
    HrCancel *cancel;
    pthread_barrier_t start;
} Race;

static void *
trigger_in_thread(void *data)
{
    Race *race = data;

    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&race->start);
        hr_cancel_trigger(race->cancel);
        pthread_barrier_wait(&race->start);
    }
    return NULL;
}

static void
set_cb(void *data)
{
    /* Slow enough for unwatch to come meanwhile. */
    sched_yield();
    ++*(unsigned *)data;
}

/* What the watcher writes is gone as soon as unwatch has returned; sanitizers
 * would see it come late. */
static void
test_race(void)
{
    Race race;
    pthread_t thread;
    unsigned ran = 0;

    pthread_barrier_init(&race.start, NULL, 2);
    g_assert_cmpint(pthread_create(&thread, NULL, trigger_in_thread, &race),
                    ==, 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned *count = g_new0(unsigned, 1);
        HrCancel *child;
        unsigned id;

        race.cancel = hr_cancel_new(NULL);
        child = hr_cancel_new(race.cancel);
        id = hr_cancel_watch(child, set_cb, count);
        pthread_barrier_wait(&race.start);
        if (i % 2 == 0)
            sched_yield();
        hr_cancel_unwatch(child, id);
        g_assert_cmpuint(*count, <=, 1);
        ran += *count;
        g_free(count);
        hr_cancel_unref(child);
        pthread_barrier_wait(&race.start);
        hr_cancel_unref(race.cancel);
    }
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&race.start);
    g_test_message("the watcher was first in %u of %u rounds", ran, ROUNDS);
}

static void *
come_and_go(void *data)
{
    unsigned count = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        HrCancel *job = hr_cancel_new(data);
        HrCancel *call = hr_cancel_new(job);
        unsigned id = hr_cancel_watch(call, count_cb, &count);

        hr_cancel_unref(job);
        hr_cancel_unwatch(call, id);
        hr_cancel_unref(call);
    }
    return NULL;
}

static void
test_threads(void)
{
    g_autoptr(HrCancel) parent = hr_cancel_new(NULL);
    pthread_t threads[4];

    for (unsigned i = 0; i < 4; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, come_and_go, parent),
                        ==, 0);
    hr_cancel_trigger(parent);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    g_assert_true(hr_cancel_triggered(parent));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cancel/reaches-all-below-and-none-beside", test_below);
    g_test_add_func("/cancel/a-late-child-is-born-cancelled", test_born_late);
    g_test_add_func("/cancel/watchers-run-once", test_once);
    g_test_add_func("/cancel/an-unwatched-watcher-does-not-run", test_unwatch);
    g_test_add_func("/cancel/tokens-go-in-any-order", test_order);
    g_test_add_func("/cancel/thousands-of-children-are-cheap", test_many);
    g_test_add_func("/cancel/a-watcher-may-unwatch", test_unwatch_within);
    g_test_add_func("/cancel/no-watcher-runs-after-unwatch", test_race);
    g_test_add_func("/cancel/threads-come-and-go-meanwhile", test_threads);
    return g_test_run();
}
