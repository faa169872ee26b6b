/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The queue by priority: order, shares, ageing, overload. */
#include "guard/priority.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>

#define MS INT64_C(1000)
#define SECOND (1000 * MS)

static void
test_order(void)
{
    HrPriorityQueue queue;
    HrPriorityEntry entries[8] = {0};

    hr_priority_init(&queue);
    g_assert_null(hr_priority_pop(&queue, SECOND));
    for (unsigned i = 0; i < 8; i++)
        hr_priority_push(&queue, &entries[i], (HrPriority)(3 - i / 2), SECOND);
    /* The urgent first, and of equals those that came first. */
    for (unsigned i = 0; i < 8; i++)
        g_assert_true(hr_priority_pop(&queue, SECOND) ==
                      &entries[6 - 2 * (i / 2) + i % 2]);
    g_assert_cmpuint(hr_priority_length(&queue), ==, 0);
}

static void
test_shares(void)
{
    HrPriorityQueue queue;
    g_autofree HrPriorityEntry *entries = g_new0(HrPriorityEntry, 4000);
    unsigned served[HR_PRIORITY_COUNT] = {0};

    hr_priority_init(&queue);
    for (unsigned i = 0; i < 4000; i++)
        hr_priority_push(&queue, &entries[i], (HrPriority)(i % 4), SECOND);
    for (unsigned i = 0; i < 1500; i++)
        served[hr_priority_pop(&queue, SECOND)->asked]++;
    g_assert_cmpuint(served[HR_PRIORITY_INTERACTIVE], ==, 800);
    g_assert_cmpuint(served[HR_PRIORITY_SECURITY], ==, 400);
    g_assert_cmpuint(served[HR_PRIORITY_NORMAL], ==, 200);
    g_assert_cmpuint(served[HR_PRIORITY_BULK], ==, 100);
}

static void
test_removal(void)
{
    guint32 seed = g_random_int();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    HrPriorityQueue queue;
    HrPriorityEntry entries[200] = {0};
    unsigned queued = 0;
    int64_t now = SECOND;

    g_test_message("seed %u", seed);
    hr_priority_init(&queue);
    for (unsigned i = 0; i < 300000; i++) {
        HrPriorityEntry *entry = &entries[g_rand_int_range(rand, 0, 200)];
        HrPriority priority = (HrPriority)g_rand_int_range(rand, 0, 4);

        now += g_rand_int_range(rand, 0, 2 * (int)SECOND);
        if (!entry->queued) {
            hr_priority_push(&queue, entry, priority, now);
            queued++;
        } else if (g_rand_boolean(rand)) {
            hr_priority_raise(&queue, entry, priority);
        } else {
            hr_priority_remove(&queue, entry);
            hr_priority_remove(&queue, entry);
            queued--;
        }
        /* Nothing is dropped, nothing comes twice. */
        if (g_rand_int_range(rand, 0, 4) == 0 && queued > 0) {
            HrPriorityEntry *next = hr_priority_pop(&queue, now);

            g_assert_nonnull(next);
            g_assert_false(next->queued);
            queued--;
        }
        g_assert_cmpuint(hr_priority_length(&queue), ==, queued);
    }
    while (queued-- > 0)
        g_assert_nonnull(hr_priority_pop(&queue, now));
    g_assert_null(hr_priority_pop(&queue, now));
}

static void
test_ageing(void)
{
    HrPriorityQueue queue;
    HrPriorityEntry old = {0};
    HrPriorityEntry young[40] = {0};
    unsigned turns = 0;

    hr_priority_init(&queue);
    hr_priority_push(&queue, &old, HR_PRIORITY_BULK, SECOND);
    for (unsigned i = 0; i < 40; i++)
        hr_priority_push(&queue, &young[i], HR_PRIORITY_SECURITY,
                         901 * SECOND);
    /* After three times five minutes it is as urgent as can be. */
    while (hr_priority_pop(&queue, 901 * SECOND) != &old)
        turns++;
    g_assert_cmpuint(turns, ==, 0);
}

static void
test_inheritance(void)
{
    HrPriorityQueue queue;
    HrPriorityEntry needed = {0};
    HrPriorityEntry others[10] = {0};

    hr_priority_init(&queue);
    for (unsigned i = 0; i < 10; i++)
        hr_priority_push(&queue, &others[i], HR_PRIORITY_NORMAL, SECOND);
    hr_priority_push(&queue, &needed, HR_PRIORITY_BULK, SECOND);
    hr_priority_raise(&queue, &needed, HR_PRIORITY_INTERACTIVE);
    hr_priority_raise(&queue, &needed, HR_PRIORITY_BULK);
    g_assert_true(hr_priority_pop(&queue, SECOND) == &needed);
}

static void
test_overload(void)
{
    HrPriorityQueue queue;
    g_autofree HrPriorityEntry *entries = g_new0(HrPriorityEntry, 2000);
    unsigned bulk = 0;

    hr_priority_init(&queue);
    for (unsigned i = 0; i < 2000; i++)
        hr_priority_push(&queue, &entries[i],
                         i % 2 == 0 ? HR_PRIORITY_NORMAL : HR_PRIORITY_BULK,
                         0);
    /* Late for longer than the interval: the lowest class gets one in 20. */
    for (unsigned i = 0; i < 1000; i++) {
        HrPriorityEntry *entry =
            hr_priority_pop(&queue, 2 * SECOND + i * 100 * MS);

        if (i >= 600)
            bulk += entry->asked == HR_PRIORITY_BULK;
    }
    g_assert_true(hr_priority_overloaded(&queue));
    g_assert_cmpuint(bulk, ==, 20);
    /* Only parked ones left: they are served, all of them. */
    for (unsigned i = 0; i < 1000; i++)
        g_assert_nonnull(hr_priority_pop(&queue, 200 * SECOND));
    g_assert_null(hr_priority_pop(&queue, 200 * SECOND));
}

typedef struct Work {
    HrPriorityEntry entry; /* first */
    int64_t arrived_us;
} Work;

static int
compare_times(gconstpointer one, gconstpointer other)
{
    int64_t a = *(const int64_t *)one;
    int64_t b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

/* One server of 10 ms a job; interactive asks for a twentieth of it, normal
 * and bulk for `load` in all.  Returns the p99 of interactive answers. */
static int64_t
simulate(double load, unsigned done[HR_PRIORITY_COUNT])
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(99);
    g_autoptr(GArray) times = g_array_new(false, false, sizeof(int64_t));
    HrPriorityQueue queue;
    int64_t next[HR_PRIORITY_COUNT];
    double rates[HR_PRIORITY_COUNT] = {5, 0, load * 50, load * 50};
    int64_t now = 0;
    Work *work;

    hr_priority_init(&queue);
    for (int i = 0; i < HR_PRIORITY_COUNT; i++)
        next[i] = rates[i] > 0 ? 0 : INT64_MAX;
    while (now < 120 * SECOND) {
        for (int i = 0; i < HR_PRIORITY_COUNT; i++)
            while (next[i] <= now) {
                double gap = -log(1 - g_rand_double(rand)) / rates[i];

                work = g_new0(Work, 1);
                work->arrived_us = next[i];
                hr_priority_push(&queue, &work->entry, (HrPriority)i, next[i]);
                next[i] += MAX((int64_t)(gap * SECOND), 1);
            }
        work = (Work *)hr_priority_pop(&queue, now);
        now += 10 * MS;
        if (work == NULL)
            continue;
        done[work->entry.asked]++;
        if (work->entry.asked == HR_PRIORITY_INTERACTIVE) {
            int64_t took = now - work->arrived_us;

            g_array_append_val(times, took);
        }
        g_free(work);
    }
    while ((work = (Work *)hr_priority_pop(&queue, now)) != NULL)
        g_free(work);
    g_array_sort(times, compare_times);
    return g_array_index(times, int64_t, times->len * 99 / 100);
}

static void
test_under_load(void)
{
    unsigned quiet[HR_PRIORITY_COUNT] = {0};
    unsigned busy[HR_PRIORITY_COUNT] = {0};
    int64_t before = simulate(0.7, quiet);
    int64_t under = simulate(3, busy);
    unsigned all = busy[0] + busy[1] + busy[2] + busy[3];

    g_test_message("interactive p99 %.1f ms at 0.7, %.1f ms at 3 times the "
                   "load; bulk gets %.1f %%",
                   (double)before / MS, (double)under / MS,
                   100.0 * busy[HR_PRIORITY_BULK] / all);
    g_assert_cmpfloat((double)under, <=, 1.2 * (double)before);
    g_assert_cmpuint(busy[HR_PRIORITY_BULK] * 20, >=, all);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/priority/serves-the-urgent-first", test_order);
    g_test_add_func("/priority/shares-by-weight", test_shares);
    g_test_add_func("/priority/loses-and-doubles-nothing", test_removal);
    g_test_add_func("/priority/serves-who-waited-long", test_ageing);
    g_test_add_func("/priority/lets-dependencies-inherit", test_inheritance);
    g_test_add_func("/priority/parks-the-lowest-class-when-overloaded",
                    test_overload);
    g_test_add_func("/priority/keeps-the-urgent-quick-under-load",
                    test_under_load);
    return g_test_run();
}
