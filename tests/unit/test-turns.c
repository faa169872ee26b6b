/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One at a time, and everybody once. */
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

#include "work/group.h"
#include "work/pool.h"
#include "work/turns.h"

static void
append(void *data)
{
    g_string_append_c(data, 'x');
}

static void
test_order(void)
{
    g_autoptr(HrTurns) turns = hr_turns_new();
    g_autoptr(GString) first = g_string_new(NULL);
    g_autoptr(GString) second = g_string_new(NULL);

    g_assert_true(hr_turns_take(turns, "a", append, first));
    g_assert_false(hr_turns_take(turns, "a", append, first));
    g_assert_false(hr_turns_take(turns, "a", append, second));
    g_assert_true(hr_turns_take(turns, "b", append, second));
    g_assert_cmpuint(first->len, ==, 0);
    hr_turns_give(turns, "a");
    g_assert_cmpuint(first->len, ==, 1);
    g_assert_cmpuint(second->len, ==, 0);
    hr_turns_give(turns, "a");
    g_assert_cmpuint(second->len, ==, 1);
    hr_turns_give(turns, "a");
    hr_turns_give(turns, "b");
    g_assert_true(hr_turns_take(turns, "a", append, first));
    hr_turns_give(turns, "a");
    g_assert_cmpuint(first->len, ==, 1);
}

#define JOBS 2000
#define NAMES 3

static HrTurns *shared;
static HrLane *lane;
static HrGroup *group;
static atomic_int inside[NAMES];
static unsigned done[NAMES]; /* guarded by the turns themselves */

typedef struct Job {
    unsigned name;
    bool has_turn;
} Job;

static void
run(void *data);

static void
resume(void *data)
{
    Job *job = data;

    job->has_turn = true;
    hr_pool_resume(lane, run, job);
}

static void
run(void *data)
{
    Job *job = data;
    const char name[] = {(char)('a' + job->name), '\0'};

    if (!job->has_turn && !hr_turns_take(shared, name, resume, job))
        return;
    g_assert_cmpint(atomic_fetch_add(&inside[job->name], 1), ==, 0);
    done[job->name]++;
    g_assert_cmpint(atomic_fetch_sub(&inside[job->name], 1), ==, 1);
    hr_turns_give(shared, name);
    g_free(job);
    hr_group_leave(group);
}

static void
test_many(void)
{
    g_autoptr(HrPool) pool = hr_pool_new(8, 64);

    shared = hr_turns_new();
    group = hr_group_new();
    lane = hr_pool_lane(pool, "test", 0);
    for (unsigned i = 0; i < JOBS; i++) {
        Job *job = g_new0(Job, 1);

        job->name = i % NAMES;
        hr_group_enter(group);
        hr_pool_resume(lane, run, job);
    }
    hr_group_wait(group, 50, NULL, NULL);
    for (unsigned i = 0, total = 0; i < NAMES; i++) {
        total += done[i];
        if (i + 1 == NAMES)
            g_assert_cmpuint(total, ==, JOBS);
    }
    hr_group_free(group);
    hr_turns_free(shared);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/turns/go-in-the-order-of-asking", test_order);
    g_test_add_func("/turns/never-two-at-once-and-nobody-is-forgotten",
                    test_many);
    return g_test_run();
}
