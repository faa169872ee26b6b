/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Permits: lines before gates, and who may pass whom. */
#include <glib.h>

#include "guard/permit.h"

typedef struct Visitor {
    HrWaiter waiter; /* first */
    unsigned entered;
} Visitor;

static void
enter_cb(void *data)
{
    ((Visitor *)data)->entered++;
}

static void
join(HrLine *line, Visitor *visitor, HrGate *one, HrGate *other)
{
    visitor->waiter.gates[0] = one;
    visitor->waiter.gates[1] = other;
    visitor->waiter.parts = MAX(visitor->waiter.parts, 1);
    visitor->waiter.enter = enter_cb;
    visitor->waiter.data = visitor;
    hr_line_join(line, &visitor->waiter);
}

static bool
is_inside(const Visitor *visitor)
{
    return visitor->waiter.state == HR_WAITER_INSIDE;
}

/* Both permits or none. */
static void
test_both_or_none(void)
{
    HrLine line = {0};
    HrGate one = {.limit = 1};
    HrGate other = {.limit = 1};
    Visitor visitors[3] = {{{0}, 0}};

    join(&line, &visitors[0], &one, NULL);
    join(&line, &visitors[1], &one, &other);
    g_assert_cmpuint(other.taken, ==, 0);
    join(&line, &visitors[2], &other, NULL);
    g_assert_true(is_inside(&visitors[2]));
    hr_line_leave(&line, &visitors[0].waiter);
    g_assert_false(is_inside(&visitors[1]));
    hr_line_leave(&line, &visitors[2].waiter);
    g_assert_true(is_inside(&visitors[1]));
    hr_line_leave(&line, &visitors[1].waiter);
    g_assert_cmpuint(one.taken + other.taken, ==, 0);
    g_assert_null(line.first);
}

/* Many wait for a slow target, which takes nothing: those who want another one
 * pass them, as often as they like. */
static void
test_slow_gate(void)
{
    HrLine line = {0};
    HrGate source = {.limit = 2};
    HrGate slow = {.limit = 1};
    HrGate fast = {.limit = 2};
    Visitor waiting[8] = {{{0}, 0}};
    Visitor quick = {0};

    for (unsigned i = 0; i < G_N_ELEMENTS(waiting); i++)
        join(&line, &waiting[i], &source, &slow);
    for (unsigned i = 1; i <= 1000; i++) {
        join(&line, &quick, &source, &fast);
        g_assert_cmpuint(quick.entered, ==, i);
        hr_line_leave(&line, &quick.waiter);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(waiting); i++) {
        g_assert_true(is_inside(&waiting[i]));
        hr_line_leave(&line, &waiting[i].waiter);
    }
}

/* Two gates that are never free at the same time, since others take the one
 * when the other is given back: even so the turn of who wants both comes. */
static void
test_starved(void)
{
    HrLine line = {0};
    HrGate one = {.limit = 1};
    HrGate other = {.limit = 1};
    Visitor pair = {0};
    Visitor left[2] = {{{0}, 0}};
    Visitor right[2] = {{{0}, 0}};
    unsigned rounds = 0;

    join(&line, &left[0], &one, NULL);
    join(&line, &right[0], &other, NULL);
    join(&line, &pair, &one, &other);
    while (!is_inside(&pair)) {
        unsigned next = ++rounds % 2;

        g_assert_cmpuint(rounds, <, 200);
        /* The next stands there before the last one goes. */
        join(&line, &left[next], &one, NULL);
        hr_line_leave(&line, &left[1 - next].waiter);
        if (is_inside(&pair))
            break;
        join(&line, &right[next], &other, NULL);
        hr_line_leave(&line, &right[1 - next].waiter);
    }
    g_assert_cmpuint(rounds, >, 10);
    g_assert_cmpuint(pair.entered, ==, 1);
}

/* Small ones go before big ones, and find the last place free; for ever they
 * do not. */
static void
test_small_first(void)
{
    HrLine line = {0};
    HrGate gate = {.limit = 2};
    Visitor big[3] = {{{0}, 0}};
    Visitor small[200] = {{{0}, 0}};
    unsigned passed = 0;

    for (unsigned i = 0; i < 3; i++) {
        big[i].waiter.big = true;
        join(&line, &big[i], &gate, NULL);
    }
    /* Among themselves they take all there is. */
    g_assert_true(is_inside(&big[0]) && is_inside(&big[1]));
    join(&line, &small[0], &gate, NULL);
    hr_line_leave(&line, &big[0].waiter);
    g_assert_true(is_inside(&small[0]));
    hr_line_leave(&line, &small[0].waiter);
    g_assert_false(is_inside(&big[2]));
    hr_line_leave(&line, &big[1].waiter);
    g_assert_true(is_inside(&big[2]));
    hr_line_leave(&line, &big[2].waiter);
    g_assert_cmpuint(gate.taken, ==, 0);
    /* One place, and always a small one that wants it. */
    gate = (HrGate){.limit = 1};
    join(&line, &small[0], &gate, NULL);
    join(&line, &big[0], &gate, NULL);
    while (!is_inside(&big[0])) {
        g_assert_cmpuint(++passed, <, G_N_ELEMENTS(small));
        join(&line, &small[passed], &gate, NULL);
        hr_line_leave(&line, &small[passed - 1].waiter);
    }
    g_assert_cmpuint(passed, >, 10);
}

/* What takes a part of a place goes where a whole one does not; even so the
 * turn of who wants whole ones at both gates comes. */
static void
test_parts(void)
{
    HrLine line = {0};
    HrGate one = {.limit = 4};
    HrGate other = {.limit = 4};
    Visitor whole[2] = {{{0}, 0}};
    Visitor left[5] = {{{0}, 0}};
    Visitor right[5] = {{{0}, 0}};
    unsigned rounds = 0;

    whole[0].waiter.parts = whole[1].waiter.parts = 4;
    join(&line, &whole[0], &one, NULL);
    join(&line, &left[0], &one, NULL);
    g_assert_false(is_inside(&left[0]));
    hr_line_leave(&line, &whole[0].waiter);
    for (unsigned i = 1; i < 4; i++)
        join(&line, &left[i], &one, NULL);
    for (unsigned i = 0; i < 4; i++)
        join(&line, &right[i], &other, NULL);
    g_assert_cmpuint(one.taken, ==, 4);
    join(&line, &whole[1], &one, &other);
    /* There are always four that want a part of each. */
    for (; !is_inside(&whole[1]); rounds++) {
        unsigned next = (rounds + 4) % 5;
        unsigned gone = rounds % 5;

        g_assert_cmpuint(rounds, <, 200);
        if (left[next].waiter.state == HR_WAITER_OUTSIDE)
            join(&line, &left[next], &one, NULL);
        if (is_inside(&left[gone]))
            hr_line_leave(&line, &left[gone].waiter);
        if (right[next].waiter.state == HR_WAITER_OUTSIDE)
            join(&line, &right[next], &other, NULL);
        if (is_inside(&right[gone]))
            hr_line_leave(&line, &right[gone].waiter);
    }
    g_assert_cmpuint(rounds, >, 10);
    g_assert_cmpuint(one.taken, ==, 4);
    g_assert_cmpuint(other.taken, ==, 4);
}

#define GATES 4
#define VISITORS 40

/* Whatever the order of events: no gate is passed by more than fit, and who
 * waits is passed by a bounded number of others. */
static void
test_any_order(void)
{
    guint32 seed = (guint32)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    HrLine line = {0};
    HrGate gates[GATES];
    Visitor visitors[VISITORS] = {{{0}, 0}};
    unsigned joined[VISITORS] = {0};
    unsigned events = 0;

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < GATES; i++)
        gates[i] = (HrGate){.limit = 2 * (1 + i % 3)};
    for (unsigned i = 0; i < 200000; i++) {
        unsigned who = (unsigned)g_rand_int_range(random, 0, VISITORS);
        unsigned gate = (unsigned)g_rand_int_range(random, 0, GATES);
        unsigned step = (unsigned)g_rand_int_range(random, 0, GATES);
        Visitor *visitor = &visitors[who];

        switch (visitor->waiter.state) {
        case HR_WAITER_OUTSIDE:
            joined[who] = events;
            visitor->waiter.big = g_rand_boolean(random);
            visitor->waiter.parts = (unsigned)g_rand_int_range(random, 1, 3);
            join(&line, visitor, &gates[gate],
                 step > 0 ? &gates[(gate + step) % GATES] : NULL);
            break;
        case HR_WAITER_INSIDE:
            hr_line_leave(&line, &visitor->waiter);
            events++;
            break;
        case HR_WAITER_WAITING:
            g_assert_cmpuint(events - joined[who], <, 5000);
            break;
        }
        for (unsigned j = 0; j < GATES; j++)
            g_assert_cmpuint(gates[j].taken, <=, gates[j].limit);
    }
    for (unsigned i = 0; i < VISITORS; i++)
        hr_line_leave(&line, &visitors[i].waiter);
    for (unsigned j = 0; j < GATES; j++)
        g_assert_cmpuint(gates[j].taken, ==, 0);
}

static void
test_lent(void)
{
    HrLine line = {0};
    HrGate source = {.limit = 1};
    HrGate target = {.limit = 2};
    Visitor visitors[3] = {{{0}, 0}};

    join(&line, &visitors[0], &source, &target);
    join(&line, &visitors[1], &source, &target);
    hr_line_lend(&line, &visitors[1].waiter, &source, true);
    g_assert_false(is_inside(&visitors[1]));
    for (unsigned i = 0; i < 2; i++)
        hr_line_lend(&line, &visitors[0].waiter, &source, true);
    g_assert_true(is_inside(&visitors[1]));
    g_assert_cmpuint(source.taken, ==, 1);
    g_assert_cmpuint(target.taken, ==, 2);
    hr_line_lend(&line, &visitors[0].waiter, &source, false);
    g_assert_cmpuint(source.taken, ==, 2);
    hr_line_leave(&line, &visitors[1].waiter);
    join(&line, &visitors[2], &source, NULL);
    g_assert_false(is_inside(&visitors[2]));
    /* Who leaves gives back what it has, and no more. */
    hr_line_lend(&line, &visitors[0].waiter, &source, true);
    g_assert_true(is_inside(&visitors[2]));
    hr_line_leave(&line, &visitors[0].waiter);
    g_assert_cmpuint(source.taken, ==, 1);
    hr_line_leave(&line, &visitors[2].waiter);
    g_assert_cmpuint(source.taken + target.taken, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/permit/both-or-none", test_both_or_none);
    g_test_add_func("/permit/a-full-gate-holds-up-nobody-at-the-other",
                    test_slow_gate);
    g_test_add_func("/permit/the-turn-of-who-wants-both-comes", test_starved);
    g_test_add_func("/permit/small-ones-first-and-big-ones-in-the-end",
                    test_small_first);
    g_test_add_func("/permit/a-part-of-a-place-goes-where-no-whole-one-does",
                    test_parts);
    g_test_add_func("/permit/keeps-to-limits-in-any-order", test_any_order);
    g_test_add_func("/permit/what-is-lent-comes-back", test_lent);
    return g_test_run();
}
