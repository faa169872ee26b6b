/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The number of blobs at once, over a simulated link: k streams bring
 * min(k * one, capacity), give or take a tenth. */
#include "guard/climb.h"

#define MS INT64_C(1000)
#define SECOND (1000 * MS)

/* MiB per second of one stream. */
#define ONE 10.0

typedef struct Link {
    GRand *rand;
    HrClimb *climb;
    int64_t now_us;
    double capacity;
    double moved;    /* MiB */
    double possible; /* at best */
    double streams;  /* summed up, to take the mean */
    unsigned ticks;
} Link;

static void
init_link(Link *link, guint32 seed, double capacity)
{
    HrLimitPolicy policy = {true, 1, 4, 32};

    *link = (Link){.rand = g_rand_new_with_seed(seed),
                   .capacity = capacity,
                   .now_us = SECOND};
    link->climb = hr_climb_new(&policy, link->now_us);
}

static void
clear_link(Link *link)
{
    hr_climb_free(link->climb);
    g_rand_free(link->rand);
}

static void
run_until(Link *link, int64_t until_us)
{
    link->moved = link->possible = link->streams = 0;
    link->ticks = 0;
    while (link->now_us < until_us) {
        unsigned streams = hr_climb_value(link->climb, link->now_us);
        double speed = MIN(streams * ONE, link->capacity);
        double noise = 0.9 + 0.2 * g_rand_double(link->rand);

        link->now_us += 20 * MS;
        speed *= noise * 0.02;
        link->moved += speed;
        link->possible += link->capacity * 0.02;
        link->streams += streams;
        link->ticks++;
        hr_climb_moved(link->climb, link->now_us,
                       (uint64_t)(speed * 1024 * 1024), streams, 1);
    }
}

static void
test_knee(void)
{
    static const unsigned knees[] = {2, 4, 8, 16};

    for (size_t i = 0; i < G_N_ELEMENTS(knees); i++) {
        Link link;
        double mean;

        init_link(&link, 5 + (guint32)i, knees[i] * ONE);
        run_until(&link, 120 * SECOND);
        run_until(&link, 600 * SECOND);
        mean = link.streams / link.ticks;
        g_test_message("knee %u: %.2f streams, %.3f of the link", knees[i],
                       mean, link.moved / link.possible);
        g_assert_cmpfloat(mean, >=, knees[i] - 1.0);
        g_assert_cmpfloat(mean, <=, knees[i] + 1.0);
        g_assert_cmpfloat(link.moved, >=, 0.95 * link.possible);
        clear_link(&link);
    }
}

static void
test_change(void)
{
    Link link;

    init_link(&link, 77, 4 * ONE);
    run_until(&link, 120 * SECOND);
    link.capacity = 12 * ONE;
    run_until(&link, 300 * SECOND);
    run_until(&link, 400 * SECOND);
    g_test_message("after 4 -> 12: %.2f streams", link.streams / link.ticks);
    g_assert_cmpfloat(link.streams / link.ticks, >=, 11);
    link.capacity = 3 * ONE;
    run_until(&link, 900 * SECOND);
    run_until(&link, 1000 * SECOND);
    g_test_message("after 12 -> 3: %.2f streams", link.streams / link.ticks);
    g_assert_cmpfloat(link.streams / link.ticks, <=, 4.5);
    clear_link(&link);
}

static void
test_failures(void)
{
    HrLimitPolicy policy = {true, 2, 20, 20};
    g_autoptr(HrClimb) climb = hr_climb_new(&policy, 0);
    HrOutcome bad = {.status = HR_NETWORK};
    HrOutcome local = {.status = HR_CANCELLED};
    HrOutcome good = {.status = HR_OK};

    hr_climb_ended(climb, SECOND, &local);
    hr_climb_ended(climb, SECOND, &good);
    g_assert_cmpuint(hr_climb_value(climb, SECOND), ==, 20);
    hr_climb_ended(climb, SECOND, &bad);
    g_assert_cmpuint(hr_climb_value(climb, SECOND), ==, 18);
    for (unsigned i = 0; i < 50; i++)
        hr_climb_ended(climb, SECOND, &bad);
    g_assert_cmpuint(hr_climb_value(climb, SECOND), ==, 2);
}

/* A client that has little to move shows nothing about the link. */
static void
test_quiet(void)
{
    HrLimitPolicy policy = {true, 1, 4, 4};
    g_autoptr(HrClimb) climb = hr_climb_new(&policy, 0);

    for (int64_t i = 0; i < 10000; i++)
        hr_climb_moved(climb, i * 100 * MS, 1 << 20, 1, 0);
    g_assert_cmpuint(hr_climb_value(climb, 0), ==, 4);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/climb/finds-how-many-fill-a-link", test_knee);
    g_test_add_func("/climb/follows-a-change", test_change);
    g_test_add_func("/climb/shrinks-for-failures-of-the-endpoint",
                    test_failures);
    g_test_add_func("/climb/stays-when-little-moves", test_quiet);
    return g_test_run();
}
