/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups: waiting for all. */
#include <glib.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "work/group.h"

#define THREADS 4
#define ROUNDS 2000

static void
count_cb(void *data)
{
    ++*(unsigned *)data;
}

static void
test_empty(void)
{
    g_autoptr(HrGroup) group = hr_group_new();
    unsigned ticks = 0;

    hr_group_wait(group, 1, count_cb, &ticks);
    hr_group_wait(group, 0, NULL, NULL);
    g_assert_cmpuint(ticks, ==, 0);
    hr_group_enter(group);
    hr_group_enter(group);
    hr_group_leave(group);
    hr_group_leave(group);
    hr_group_wait(group, 1, count_cb, &ticks);
    g_assert_cmpuint(ticks, ==, 0);
    hr_group_free(NULL);
}

typedef struct Work {
    HrGroup *group;
    atomic_uint done;
    unsigned pause_us;
} Work;

static void *
work_and_leave(void *data)
{
    Work *work = data;

    g_usleep(work->pause_us);
    atomic_fetch_add(&work->done, 1);
    hr_group_leave(work->group);
    return NULL;
}

static void
wait_for_workers(Work *work, unsigned interval_ms, void (*tick)(void *data),
                 void *data)
{
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        hr_group_enter(work->group);
        g_assert_cmpint(
            pthread_create(&threads[i], NULL, work_and_leave, work), ==, 0);
    }
    hr_group_wait(work->group, interval_ms, tick, data);
    g_assert_cmpuint(atomic_load(&work->done), ==, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void
test_all(void)
{
    g_autoptr(HrGroup) group = hr_group_new();
    Work work = {.group = group, .pause_us = 20000};

    wait_for_workers(&work, 0, NULL, NULL);
}

static void
test_ticks(void)
{
    g_autoptr(HrGroup) group = hr_group_new();
    Work work = {.group = group, .pause_us = 200000};
    unsigned ticks = 0;

    wait_for_workers(&work, 10, count_cb, &ticks);
    /* A loaded machine is late; no machine is early. */
    g_assert_cmpuint(ticks, >=, 1);
    g_test_message("%u ticks of 10 ms in 200 ms", ticks);
}

static void
test_long_interval(void)
{
    g_autoptr(HrGroup) group = hr_group_new();
    Work work = {.group = group, .pause_us = 20000};
    unsigned ticks = 0;

    /* 2^32 us and a little: 32 bits would make it a thousandth of a second. */
    wait_for_workers(&work, 4294968, count_cb, &ticks);
    g_assert_cmpuint(ticks, ==, 0);
}

/* The group may be freed as soon as the wait is over. */
static void
test_free_after_wait(void)
{
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        Work work = {.group = hr_group_new(), .pause_us = 0};
        pthread_t thread;

        hr_group_enter(work.group);
        g_assert_cmpint(pthread_create(&thread, NULL, work_and_leave, &work),
                        ==, 0);
        hr_group_wait(work.group, 0, NULL, NULL);
        hr_group_free(work.group);
        pthread_join(thread, NULL);
    }
}

static void *
come_and_go(void *data)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        hr_group_enter(data);
        if (i % 16 == 0)
            sched_yield();
        hr_group_leave(data);
    }
    hr_group_leave(data);
    return NULL;
}

static void
test_threads(void)
{
    g_autoptr(HrGroup) group = hr_group_new();
    pthread_t threads[THREADS];
    unsigned ticks = 0;

    for (unsigned i = 0; i < THREADS; i++) {
        hr_group_enter(group);
        g_assert_cmpint(pthread_create(&threads[i], NULL, come_and_go, group),
                        ==, 0);
    }
    hr_group_wait(group, 1, count_cb, &ticks);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/group/an-empty-one-does-not-wait", test_empty);
    g_test_add_func("/group/waits-for-all", test_all);
    g_test_add_func("/group/ticks-meanwhile", test_ticks);
    g_test_add_func("/group/ticks-no-sooner-than-asked", test_long_interval);
    g_test_add_func("/group/may-be-freed-after-the-wait",
                    test_free_after_wait);
    g_test_add_func("/group/threads-enter-and-leave", test_threads);
    return g_test_run();
}
