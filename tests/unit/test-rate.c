/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rate: its bound, measured by a leaky bucket that knows nothing of GCRA. */
#include <glib.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "guard/rate.h"

#define SECOND 1000000
#define DAY (86400 * (int64_t)SECOND)
#define TRACES 1000000
#define STEPS 10 /* of one trace */
#define THREADS 64

/* A rate that is exact both as a double and as mantissa / 2^shift. */
typedef struct ExactRate {
    double per_s;
    int64_t mantissa;
    int shift;
} ExactRate;

/* A bucket that drains at the rate, in parts of a unit such that a
 * microsecond drains a whole number of them: no rounding. */
typedef struct Meter {
    ExactRate rate;
    __int128 unit;
    __int128 level;
    int64_t at_us;
    bool started;
} Meter;

typedef struct Passage {
    int64_t at_us;
    uint64_t units;
} Passage;

typedef struct Trace {
    GRand *random;
    HrRate rate;
    ExactRate exact;
    int64_t burst;
    int64_t now_us;
    int64_t paused_until_us;
    Passage passages[STEPS];
    HrRateTicket tickets[STEPS];
    unsigned count;
} Trace;

static double
log_uniform(GRand *random, double low, double high)
{
    return low * pow(high / low, g_rand_double(random));
}

static ExactRate
exact_rate(double near)
{
    ExactRate rate;
    int exponent;

    rate.mantissa = (int64_t)(frexp(near, &exponent) * (1 << 20));
    rate.shift = 20 - exponent;
    if (rate.shift < 0) {
        rate.mantissa <<= -rate.shift;
        rate.shift = 0;
    }
    rate.per_s = ldexp((double)rate.mantissa, -rate.shift);
    return rate;
}

static void
meter_init(Meter *meter, ExactRate rate)
{
    *meter = (Meter){.rate = rate};
    meter->unit = ((__int128)1 << rate.shift) * SECOND;
}

static void
meter_drain(Meter *meter, int64_t at_us)
{
    if (meter->started)
        meter->level -=
            (at_us - meter->at_us) * (__int128)meter->rate.mantissa;
    meter->level = MAX(meter->level, 0);
    meter->at_us = at_us;
    meter->started = true;
}

/* The bucket overflows if and only if some interval that ends here saw more
 * than rate * t + burst. */
static bool
meter_pass(Meter *meter, Passage passage, int64_t burst)
{
    meter_drain(meter, passage.at_us);
    meter->level += passage.units * meter->unit;
    return meter->level <= burst * meter->unit;
}

static int
compare_passages(const void *a, const void *b)
{
    const Passage *left = a;
    const Passage *right = b;

    return (left->at_us > right->at_us) - (left->at_us < right->at_us);
}

static GRand *
seeded_random(void)
{
    guint32 seed = g_random_int();

    g_test_message("seed %u", seed);
    return g_rand_new_with_seed(seed);
}

static void
trace_begin(Trace *trace)
{
    GRand *random = trace->random;

    trace->exact = exact_rate(log_uniform(random, 1e-3, 1e9));
    trace->burst = g_rand_boolean(random)
                       ? g_rand_int_range(random, 1, 4)
                       : (int64_t)log_uniform(random, 1, 1e9);
    trace->now_us = g_rand_int_range(random, 0, DAY / 100);
    trace->paused_until_us = INT64_MIN;
    trace->count = 0;
    hr_rate_init(&trace->rate, trace->exact.per_s, (double)trace->burst);
}

/* Nothing, some steps, about the burst's time, or a long while. */
static int64_t
random_span_us(Trace *trace)
{
    double unit_us = MIN(SECOND / trace->exact.per_s, 1e12);
    double most;

    switch (g_rand_int_range(trace->random, 0, 8)) {
    case 0:
    case 1:
    case 2:
        return 0;
    case 3:
    case 4:
        most = 4 * unit_us;
        break;
    case 5:
        most = 1e9;
        break;
    default:
        most = 2 * unit_us * (double)trace->burst;
        break;
    }
    return (int64_t)(g_rand_double(trace->random) * MIN(most, 1e14));
}

static void
trace_reserve(Trace *trace)
{
    Passage *passage = &trace->passages[trace->count];
    HrRateTicket *ticket = &trace->tickets[trace->count];
    int64_t latest_us = INT64_MAX;

    if (g_rand_int_range(trace->random, 0, 3) != 0)
        latest_us = trace->now_us + random_span_us(trace);
    passage->units = 1;
    if (g_rand_boolean(trace->random))
        passage->units +=
            (uint64_t)(g_rand_double(trace->random) * (double)trace->burst);
    passage->units = MIN(passage->units, (uint64_t)trace->burst);
    passage->at_us = hr_rate_reserve(&trace->rate, trace->now_us,
                                     passage->units, latest_us, ticket);
    g_assert_cmpint(passage->at_us, >=, trace->paused_until_us);
    g_assert_true(ticket->reserved ==
                  (passage->at_us <= latest_us && passage->at_us < INT64_MAX));
    if (ticket->reserved)
        trace->count++;
}

static void
trace_refund(Trace *trace)
{
    unsigned which = trace->count - 1;
    uint64_t units;

    if (g_rand_boolean(trace->random))
        which =
            (unsigned)g_rand_int_range(trace->random, 0, (gint32)trace->count);
    units = trace->passages[which].units;
    if (g_rand_boolean(trace->random))
        units = (uint64_t)(g_rand_double(trace->random) * (double)units);
    trace->passages[which].units -= units;
    hr_rate_refund(&trace->rate, &trace->tickets[which], units);
}

static void
trace_step(Trace *trace)
{
    int dice = g_rand_int_range(trace->random, 0, 16);

    trace->now_us += random_span_us(trace);
    if (dice == 0) {
        trace->paused_until_us =
            MAX(trace->paused_until_us, trace->now_us + random_span_us(trace));
        hr_rate_pause(&trace->rate, trace->paused_until_us);
    } else if (dice <= 3 && trace->count > 0) {
        trace_refund(trace);
    } else {
        trace_reserve(trace);
    }
}

static void
bound_holds(void)
{
    g_autoptr(GRand) random = seeded_random();
    Trace trace = {.random = random};
    uint64_t passed = 0;

    for (unsigned i = 0; i < TRACES; i++) {
        Meter meter;

        trace_begin(&trace);
        for (unsigned step = 0; step < STEPS; step++)
            trace_step(&trace);
        qsort(trace.passages, trace.count, sizeof(Passage), compare_passages);
        meter_init(&meter, trace.exact);
        for (unsigned j = 0; j < trace.count; j++)
            g_assert_true(meter_pass(&meter, trace.passages[j], trace.burst));
        passed += trace.count;
    }
    g_test_message("%u traces, %" G_GUINT64_FORMAT " reservations", TRACES,
                   passed);
}

/* The other half of the bound: who could go is not kept waiting, but for what
 * is rounded: a microsecond and a 1000th of what is owed. */
static void
goes_as_early_as_allowed(void)
{
    g_autoptr(GRand) random = seeded_random();

    for (unsigned i = 0; i < TRACES / 10; i++) {
        ExactRate exact = exact_rate(log_uniform(random, 1e-2, 1e7));
        int64_t burst = (int64_t)log_uniform(random, 1, 1e4);
        int64_t now_us = g_rand_int_range(random, 0, SECOND);
        double slack_us = 0;
        HrRate rate;
        Meter meter;

        hr_rate_init(&rate, exact.per_s, (double)burst);
        meter_init(&meter, exact);
        for (unsigned step = 0; step < STEPS; step++) {
            uint64_t units =
                1 + (uint64_t)(g_rand_double(random) * (double)burst / 2);
            Passage passage = {.units = units};
            HrRateTicket ticket;
            double excess;

            now_us += (int64_t)(g_rand_double(random) * (double)burst *
                                SECOND / exact.per_s);
            passage.at_us =
                hr_rate_reserve(&rate, now_us, units, INT64_MAX, &ticket);
            meter_drain(&meter, now_us > meter.at_us ? now_us : meter.at_us);
            excess = (double)(meter.level / meter.unit) + (double)units -
                     (double)burst;
            slack_us += 2 + 1e-3 * (double)burst * SECOND / exact.per_s;
            g_assert_cmpfloat((double)(passage.at_us - meter.at_us), <=,
                              MAX(excess + 1, 0) * SECOND / exact.per_s +
                                  slack_us);
            g_assert_true(meter_pass(&meter, passage, burst));
        }
    }
}

static void
long_run_is_exact(void)
{
    static const struct {
        double per_s;
        double burst;
        uint64_t units;
    } cases[] = {{0.001, 1, 1},
                 {0.3, 1, 1},
                 {7, 1, 1},
                 {333, 1, 1},
                 {3000, 2, 1},
                 {99999, 10, 1},
                 {1e6, 1000, 7},
                 {12345678, 1 << 20, 16384},
                 {999999999, 1e8, 65536},
                 {1e9, 1e9, (uint64_t)1 << 30}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const unsigned rounds = 20000;
        HrRateTicket ticket;
        int64_t end_us = 0;
        double ideal_s = rounds * (double)cases[i].units / cases[i].per_s;
        double error;
        HrRate rate;

        hr_rate_init(&rate, cases[i].per_s, cases[i].burst);
        for (unsigned j = 0; j < rounds; j++) {
            end_us = hr_rate_reserve(&rate, end_us, cases[i].units, INT64_MAX,
                                     &ticket);
            g_assert_true(ticket.reserved);
        }
        error = ((double)end_us / SECOND + cases[i].burst / cases[i].per_s -
                 ideal_s) /
                ideal_s;
        g_test_message("%g/s in pieces of %" G_GUINT64_FORMAT
                       ": error %.5f %%",
                       cases[i].per_s, cases[i].units, 100 * error);
        g_assert_cmpfloat(fabs(error), <, 0.001);
    }
}

static int64_t
take(HrRate *rate, int64_t now_us, uint64_t units)
{
    HrRateTicket ticket;

    return hr_rate_reserve(rate, now_us, units, INT64_MAX, &ticket);
}

static bool
take_now(HrRate *rate, int64_t now_us, uint64_t units)
{
    HrRateTicket ticket;

    hr_rate_reserve(rate, now_us, units, now_us, &ticket);
    return ticket.reserved;
}

static void
cancellation_refunds(void)
{
    HrRateTicket first;
    HrRateTicket second;
    HrRate rate;

    hr_rate_init(&rate, 1, 10);
    hr_rate_reserve(&rate, 0, 10, 0, &first);
    g_assert_true(first.reserved);
    g_assert_false(take_now(&rate, 0, 1));
    hr_rate_refund(&rate, &first, 4);
    g_assert_true(take_now(&rate, 0, 4));
    g_assert_false(take_now(&rate, 0, 1));

    /* Somebody who waits gives up: the next gets the place. */
    g_assert_cmpint(hr_rate_reserve(&rate, 0, 3, INT64_MAX, &first), ==,
                    3 * SECOND);
    hr_rate_refund(&rate, &first, 3);
    g_assert_false(first.reserved);
    g_assert_cmpint(hr_rate_reserve(&rate, 0, 2, INT64_MAX, &first), ==,
                    2 * SECOND);

    /* Each in turn, from the last. */
    hr_rate_reserve(&rate, 0, 1, INT64_MAX, &second);
    hr_rate_refund(&rate, &second, 1);
    hr_rate_refund(&rate, &first, 2);
    g_assert_cmpint(hr_rate_ready_at_us(&rate, 0), ==, SECOND);
}

static void
refund_never_exceeds_the_burst(void)
{
    HrRateTicket first;
    HrRateTicket second;
    HrRate rate;

    hr_rate_init(&rate, 1, 2);
    hr_rate_reserve(&rate, 0, 1, 0, &first);
    hr_rate_refund(&rate, &first, 100);
    hr_rate_refund(&rate, &first, 100);
    g_assert_true(take_now(&rate, 0, 2));
    g_assert_false(take_now(&rate, 0, 1));

    /* Its time has run off, and another one went since. */
    hr_rate_init(&rate, 1, 1);
    hr_rate_reserve(&rate, 0, 1, 0, &first);
    g_assert_true(take_now(&rate, 5 * SECOND, 1));
    hr_rate_refund(&rate, &first, 1);
    g_assert_false(take_now(&rate, 5 * SECOND, 1));

    /* The second was told 2 s; the first one's second is not for sale. */
    hr_rate_init(&rate, 1, 1);
    g_assert_true(take_now(&rate, 0, 1));
    hr_rate_reserve(&rate, 0, 1, INT64_MAX, &first);
    g_assert_cmpint(hr_rate_reserve(&rate, 0, 1, INT64_MAX, &second), ==,
                    2 * SECOND);
    hr_rate_refund(&rate, &first, 1);
    g_assert_cmpint(take(&rate, 0, 1), ==, 3 * SECOND);

    /* What was not reserved is not given back. */
    hr_rate_init(&rate, 1, 1);
    g_assert_true(take_now(&rate, 0, 1));
    hr_rate_reserve(&rate, 0, 1, 0, &first);
    g_assert_false(first.reserved);
    hr_rate_refund(&rate, &first, 1);
    g_assert_false(take_now(&rate, 0, 1));
}

typedef struct Contender {
    HrRate *rate;
    _Atomic int64_t *clock_us;
    bool moves_clock;
    guint32 seed;
    unsigned rounds;
    unsigned count;
    Passage *passages;
} Contender;

static void *
contend(void *data)
{
    Contender *self = data;
    guint32 random = self->seed | 1;

    for (unsigned i = 0; i < self->rounds; i++) {
        HrRateTicket ticket;
        Passage passage;
        int64_t now_us;

        random = random * 1664525 + 1013904223;
        now_us = atomic_fetch_add(self->clock_us,
                                  self->moves_clock ? random >> 31 : 0);
        passage.units = 1 + (random >> 24) % 8;
        passage.at_us = hr_rate_reserve(
            self->rate, now_us, passage.units,
            self->moves_clock && (random >> 20) % 4 == 0 ? now_us + 100
                                                         : now_us,
            &ticket);
        if (!ticket.reserved)
            continue;
        if ((random >> 16) % 8 == 0)
            hr_rate_refund(self->rate, &ticket, passage.units);
        else
            self->passages[self->count++] = passage;
    }
    return NULL;
}

/* Runs THREADS contenders and waits for them; returns all that passed, in order of time. */
static GArray *
contend_all(HrRate *rate, unsigned rounds, _Atomic int64_t *clock_us,
            bool moves_clock)
{
    g_autoptr(GRand) random = g_rand_new();
    GArray *all = g_array_new(FALSE, FALSE, sizeof(Passage));
    Contender contenders[THREADS];
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        contenders[i] = (Contender){.rate = rate,
                                    .clock_us = clock_us,
                                    .moves_clock = moves_clock,
                                    .seed = g_rand_int(random),
                                    .rounds = rounds,
                                    .passages = g_new(Passage, rounds)};
        g_assert_cmpint(
            pthread_create(&threads[i], NULL, contend, &contenders[i]), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        g_array_append_vals(all, contenders[i].passages, contenders[i].count);
        g_free(contenders[i].passages);
    }
    g_array_sort(all, compare_passages);
    return all;
}

static void
threads_keep_the_bound(void)
{
    const unsigned rounds = 10000;
    ExactRate exact = exact_rate(1e6);
    _Atomic int64_t clock_us = 0;
    g_autoptr(GArray) all = NULL;
    int64_t begin_us;
    int64_t took_us;
    Meter meter;
    HrRate rate;

    hr_rate_init(&rate, exact.per_s, 50);
    begin_us = g_get_monotonic_time();
    all = contend_all(&rate, rounds, &clock_us, true);
    took_us = g_get_monotonic_time() - begin_us;
    meter_init(&meter, exact);
    for (guint i = 0; i < all->len; i++)
        g_assert_true(meter_pass(&meter, g_array_index(all, Passage, i), 50));
    g_assert_cmpuint(all->len, >, THREADS);
    g_test_message("%u of %u went; %.1f million reservations a second, "
                   "threads and their clock included",
                   all->len, THREADS * rounds,
                   (double)THREADS * rounds / (double)MAX(took_us, 1));
}

typedef struct Changer {
    HrRate *rate;
    _Atomic int64_t *clock_us;
    _Atomic bool done;
} Changer;

static void *
change_all_the_time(void *data)
{
    static const double rates[] = {1e6, 1e3, 5e5, 1e5};
    Changer *self = data;
    unsigned turn = 0;

    while (!atomic_load(&self->done)) {
        hr_rate_set(self->rate, atomic_load(self->clock_us), rates[turn % 4],
                    8 + turn % 43);
        turn++;
        sched_yield();
    }
    return NULL;
}

/* The clock stands during each round, for a change is exact only when its
 * time is not behind. */
static void
threads_keep_the_bound_while_it_changes(void)
{
    _Atomic int64_t clock_us = 0;
    HrRate rate;
    Meter meter;
    guint passed = 0;

    hr_rate_init(&rate, 1e6, 50);
    meter_init(&meter, exact_rate(1e6));
    for (unsigned round = 0; round < 6; round++) {
        Changer changer = {.rate = &rate, .clock_us = &clock_us};
        g_autoptr(GArray) all = NULL;
        pthread_t thread;

        pthread_create(&thread, NULL, change_all_the_time, &changer);
        all = contend_all(&rate, 100, &clock_us, false);
        atomic_store(&changer.done, true);
        pthread_join(thread, NULL);
        for (guint i = 0; i < all->len; i++)
            g_assert_true(
                meter_pass(&meter, g_array_index(all, Passage, i), 50));
        passed += all->len;
        atomic_fetch_add(&clock_us, round % 2 == 0 ? SECOND : 15);
    }
    g_assert_cmpuint(passed, >, 0);
}

static uint64_t
drain_now(HrRate *rate, int64_t now_us)
{
    uint64_t passed = 0;

    while (take_now(rate, now_us, 1))
        passed++;
    return passed;
}

static void
clock_jumps_give_no_more_than_the_burst(void)
{
    int64_t now_us = 10 * DAY;
    HrRate rate;

    hr_rate_init(&rate, 100, 20);
    g_assert_cmpuint(drain_now(&rate, now_us), ==, 20);
    now_us += DAY;
    g_assert_cmpuint(drain_now(&rate, now_us), ==, 20);
    now_us -= DAY;
    g_assert_cmpuint(drain_now(&rate, now_us), ==, 0);
    now_us -= DAY;
    g_assert_cmpuint(drain_now(&rate, now_us), ==, 0);
    now_us += 2 * DAY;
    g_assert_cmpuint(drain_now(&rate, now_us), ==, 0);
    now_us += SECOND / 10;
    g_assert_cmpuint(drain_now(&rate, now_us), ==, 10);
}

static void
pause_is_a_lower_bound(void)
{
    HrRate rate;

    hr_rate_init(&rate, 10, 2);
    hr_rate_pause(&rate, 5 * SECOND);
    hr_rate_pause(&rate, 3 * SECOND);
    g_assert_cmpint(hr_rate_ready_at_us(&rate, 0), ==, 5 * SECOND);
    g_assert_false(take_now(&rate, 5 * SECOND - 1, 1));

    /* What queues up meanwhile does not all go at its end. */
    g_assert_cmpint(take(&rate, 0, 1), ==, 5 * SECOND);
    g_assert_cmpint(take(&rate, SECOND, 1), ==, 5 * SECOND);
    g_assert_cmpint(take(&rate, 2 * SECOND, 1), ==, 5100000);
    g_assert_cmpint(take(&rate, 3 * SECOND, 1), ==, 5200000);
    hr_rate_pause(&rate, 6 * SECOND);
    g_assert_cmpint(take(&rate, 5 * SECOND, 1), ==, 6 * SECOND);

    hr_rate_init(&rate, 0, 1);
    hr_rate_pause(&rate, SECOND);
    g_assert_false(take_now(&rate, 0, 1));
    g_assert_cmpint(hr_rate_ready_at_us(&rate, 0), ==, SECOND);
    g_assert_true(take_now(&rate, SECOND, 1));
}

static void
hopeless_wait_reserves_nothing(void)
{
    HrRateTicket ticket;
    HrRate rate;

    hr_rate_init(&rate, 1, 1);
    g_assert_true(take_now(&rate, 0, 1));
    for (unsigned i = 0; i < 1000; i++) {
        g_assert_cmpint(hr_rate_reserve(&rate, 0, 1, SECOND - 1, &ticket), ==,
                        SECOND);
        g_assert_false(ticket.reserved);
    }
    g_assert_cmpint(hr_rate_reserve(&rate, 0, 1, SECOND, &ticket), ==, SECOND);
    g_assert_true(ticket.reserved);
    g_assert_cmpint(hr_rate_ready_at_us(&rate, 0), ==, 2 * SECOND);
}

static void
change_in_flight(void)
{
    HrRate rate;

    /* Slower: the burst that went counts, and is repaid slowly. */
    hr_rate_init(&rate, 100, 100);
    g_assert_true(take_now(&rate, 0, 100));
    hr_rate_set(&rate, 0, 1, 100);
    g_assert_false(take_now(&rate, 0, 1));
    g_assert_false(take_now(&rate, SECOND - 1, 1));
    g_assert_true(take_now(&rate, SECOND, 1));

    /* Faster: not repaid at once, but at the new rate. */
    hr_rate_init(&rate, 1, 100);
    g_assert_true(take_now(&rate, 0, 100));
    hr_rate_set(&rate, 0, 1000, 100);
    g_assert_false(take_now(&rate, 0, 1));
    g_assert_cmpuint(drain_now(&rate, SECOND / 100), ==, 10);

    /* Units that wait are owed as well. */
    hr_rate_init(&rate, 1, 1);
    take(&rate, 0, 1);
    g_assert_cmpint(take(&rate, 0, 1), ==, SECOND);
    g_assert_cmpint(take(&rate, 0, 1), ==, 2 * SECOND);
    hr_rate_set(&rate, 0, 10, 1);
    g_assert_cmpint(hr_rate_ready_at_us(&rate, 0), ==, 3 * SECOND / 10);
    hr_rate_set(&rate, 0, 1, 1);
    g_assert_cmpint(take(&rate, 0, 1), ==, 3 * SECOND);

    /* A smaller burst starts empty if as much is owed. */
    hr_rate_init(&rate, 1, 100);
    g_assert_true(take_now(&rate, 0, 100));
    hr_rate_set(&rate, 0, 1, 10);
    g_assert_cmpint(hr_rate_ready_at_us(&rate, 0), >=, 91 * SECOND);
    g_assert_cmpint(hr_rate_ready_at_us(&rate, 0), <=, 91 * SECOND + 1);

    /* Off, and on again. */
    hr_rate_set(&rate, 0, 0, 1);
    g_assert_true(take_now(&rate, 0, UINT64_MAX));
    hr_rate_set(&rate, 200 * SECOND, 1, 2);
    g_assert_cmpuint(drain_now(&rate, 200 * SECOND), ==, 2);
}

/* At every change the meter's drain changes too; its size is the largest
 * burst there was. */
static void
changes_keep_the_bound(void)
{
    g_autoptr(GRand) random = seeded_random();

    for (unsigned i = 0; i < TRACES / 20; i++) {
        double fastest = log_uniform(random, 1, 1e5);
        int64_t burst = g_rand_int_range(random, 1, 50);
        int64_t now_us = 0;
        Meter meter;
        HrRate rate;

        hr_rate_init(&rate, fastest, (double)burst);
        meter_init(&meter, exact_rate(1));
        for (unsigned step = 0; step < 3 * STEPS; step++) {
            Passage passage = {.units =
                                   (uint64_t)g_rand_int_range(random, 1, 4)};

            now_us += (int64_t)(g_rand_double(random) * 3e6 / fastest);
            passage.at_us = now_us;
            if (step % 5 == 0) {
                ExactRate exact =
                    exact_rate(fastest * log_uniform(random, 0.01, 1));

                meter_drain(&meter, now_us);
                /* The level in the new parts of a unit, rounded down. */
                meter.level = meter.level *
                              (((__int128)1 << exact.shift) * SECOND) /
                              meter.unit;
                meter.unit = ((__int128)1 << exact.shift) * SECOND;
                meter.rate = exact;
                hr_rate_set(
                    &rate, now_us, exact.per_s,
                    (double)g_rand_int_range(random, 1, (gint32)burst + 1));
            } else if (passage.units <= (uint64_t)rate.burst_units &&
                       take_now(&rate, now_us, passage.units)) {
                g_assert_true(meter_pass(&meter, passage, burst));
            }
        }
    }
}

static void
more_than_the_burst_goes_into_debt(void)
{
    HrRate rate;

    hr_rate_init(&rate, 1000, 100);
    g_assert_true(take_now(&rate, 0, 5000));
    g_assert_cmpint(hr_rate_ready_at_us(&rate, 0), ==, 4901000);
    g_assert_cmpint(take(&rate, 0, 5000), ==, 5 * SECOND);
    g_assert_cmpint(take(&rate, 0, 100), ==, 10 * SECOND);
}

static void
extremes_do_not_overflow(void)
{
    static const double rates[] = {1e-300, 1e-9, 1e-3, 1, 1e9, 1e300};
    static const uint64_t units[] = {1, (uint64_t)1 << 40, UINT64_MAX};
    static const int64_t times_us[] = {INT64_MIN, -DAY, 0, DAY, INT64_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(units); j++) {
            for (size_t k = 0; k < G_N_ELEMENTS(times_us); k++) {
                int64_t now_us = times_us[k];
                HrRateTicket ticket;
                HrRate rate;

                hr_rate_init(&rate, rates[i], 1e300);
                for (unsigned n = 0; n < 5; n++) {
                    int64_t go_us = hr_rate_reserve(&rate, now_us, units[j],
                                                    INT64_MAX, &ticket);

                    g_assert_cmpint(go_us, >=, now_us);
                    hr_rate_set(&rate, now_us, rates[(i + n) % 6], 1);
                }
                hr_rate_refund(&rate, &ticket, UINT64_MAX);
                g_assert_cmpint(hr_rate_ready_at_us(&rate, now_us), >=,
                                now_us);
            }
        }
    }
}

static void
no_limit_lets_everything_through(void)
{
    static const double none[] = {0, -1, INFINITY, NAN};

    for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
        HrRate rate;

        hr_rate_init(&rate, none[i], 1);
        for (unsigned n = 0; n < 1000; n++)
            g_assert_true(take_now(&rate, 0, (uint64_t)1 << 40));
        g_assert_cmpint(hr_rate_ready_at_us(&rate, 7), ==, 7);
    }
}

static json_t *
load_vectors(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path =
        g_build_filename(top != NULL ? top : ".",
                         "tests/unit/vectors/breaker-window.json", NULL);
    json_error_t error;
    json_t *all = json_load_file(path, 0, &error);

    if (all == NULL)
        g_error("%s: %s", path, error.text);
    return all;
}

/* A GCRA with a burst of 1, but for one thing: its units go at whole multiples
 * of the interval, ours an interval after the last one.  Hence who finds
 * nothing owed asks as if at the last multiple. */
static void
check_smooth(const json_t *vector)
{
    const json_t *input = json_object_get(vector, "input");
    const json_t *expect = json_object_get(vector, "expect");
    const json_t *waits = json_object_get(expect, "wait_ms");
    const json_t *frees = json_object_get(expect, "next_free_ms");
    json_t *acquire;
    int64_t interval_us =
        1000 * json_integer_value(json_object_get(input, "interval_ms"));
    HrRate rate;
    size_t i;

    hr_rate_init(&rate, (double)SECOND / (double)interval_us, 1);
    json_array_foreach (json_object_get(input, "acquire"), i, acquire) {
        int64_t now_us = 1000 * json_integer_value(json_array_get(acquire, 0));
        json_int_t units = json_integer_value(json_array_get(acquire, 1));
        const json_t *wait = json_array_get(waits, i);
        const json_t *is_free = json_array_get(frees, i);
        bool owed = hr_rate_ready_at_us(&rate, now_us) > now_us;
        int64_t asked_us = owed ? now_us : now_us - now_us % interval_us;
        int64_t go_us = now_us;

        /* Its units go one by one and the last one's wait is told. */
        for (json_int_t unit = 0; unit < units; unit++)
            go_us = take(&rate, asked_us, 1);
        if (!json_is_null(wait))
            g_assert_cmpint(go_us - now_us, ==,
                            1000 * json_integer_value(wait));
        if (!json_is_null(is_free))
            g_assert_cmpint(hr_rate_ready_at_us(&rate, now_us), ==,
                            1000 * json_integer_value(is_free));
    }
}

static void
published_limiter(void)
{
    json_t *all = load_vectors();
    unsigned skipped = 0;
    unsigned run = 0;
    json_t *vector;
    size_t i;

    json_array_foreach (json_object_get(all, "cases"), i, vector) {
        const char *op = json_string_value(json_object_get(vector, "op"));

        if (strcmp(op, "smooth_limiter") == 0) {
            check_smooth(vector);
            run++;
        } else if (strcmp(op, "bursty_limiter") == 0) {
            /* Fixed periods, which let two bursts through at their edge. */
            skipped++;
        } else {
            g_assert_true(strstr(op, "breaker") != NULL ||
                          strstr(op, "window") != NULL);
        }
    }
    g_test_message("%u limiter cases run, %u of fixed periods skipped", run,
                   skipped);
    g_assert_cmpuint(run, ==, 1);
    json_decref(all);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rate/bound-holds-in-every-interval", bound_holds);
    g_test_add_func("/rate/goes-as-early-as-the-bound-allows",
                    goes_as_early_as_allowed);
    g_test_add_func("/rate/long-run-is-exact", long_run_is_exact);
    g_test_add_func("/rate/cancellation-refunds", cancellation_refunds);
    g_test_add_func("/rate/refund-never-exceeds-the-burst",
                    refund_never_exceeds_the_burst);
    g_test_add_func("/rate/threads-keep-the-bound", threads_keep_the_bound);
    g_test_add_func("/rate/threads-keep-the-bound-while-it-changes",
                    threads_keep_the_bound_while_it_changes);
    g_test_add_func("/rate/clock-jumps-give-no-more-than-the-burst",
                    clock_jumps_give_no_more_than_the_burst);
    g_test_add_func("/rate/pause-is-a-lower-bound", pause_is_a_lower_bound);
    g_test_add_func("/rate/hopeless-wait-reserves-nothing",
                    hopeless_wait_reserves_nothing);
    g_test_add_func("/rate/change-in-flight-keeps-what-is-owed",
                    change_in_flight);
    g_test_add_func("/rate/changes-keep-the-bound", changes_keep_the_bound);
    g_test_add_func("/rate/more-than-the-burst-goes-into-debt",
                    more_than_the_burst_goes_into_debt);
    g_test_add_func("/rate/extremes-do-not-overflow",
                    extremes_do_not_overflow);
    g_test_add_func("/rate/no-limit-lets-everything-through",
                    no_limit_lets_everything_through);
    g_test_add_func("/rate/agrees-with-published-cases", published_limiter);
    return g_test_run();
}
