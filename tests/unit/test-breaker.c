/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The circuit breaker, beside a model of its rules and under many threads. */
#include "guard/breaker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SECOND INT64_C(1000000)

static const HrOutcome good = {.status = HR_OK, .sent = true};
static const HrOutcome bad = {.status = HR_TRANSIENT, .sent = true};
static const HrOutcome refused = {.status = HR_NETWORK,
                                  .connect_failed = true};
static const HrOutcome not_found = {.status = HR_NOT_FOUND, .sent = true};
static const HrOutcome throttled = {.status = HR_THROTTLED, .sent = true};
static const HrOutcome cancelled = {.status = HR_CANCELLED};

static double
half(void *data)
{
    (void)data;
    return 0.5;
}

static double
draw(void *data)
{
    return g_rand_double(data);
}

static const HrRandom fixed = {.next = half};

static HrBreakerPolicy
make_policy(void)
{
    return (HrBreakerPolicy){
        .mode = HR_BREAKER_ON,
        .failure_percent = 50,
        .connect_failures = 8,
        .window = HR_WINDOW_TIME,
        .window_us = 30 * SECOND,
        .window_size = 30,
        .minimum_calls = 20,
        .open_us = 5 * SECOND,
        .open_cap_us = 45 * SECOND,
        .open_jitter = 0.2,
        .calm_us = 300 * SECOND,
        .probes = 3,
        .successes = 3,
        .probe_us = 35 * SECOND,
    };
}

/* One call from beginning to end; false if it was not let in. */
static bool
call(HrBreaker *breaker, int64_t now, const HrOutcome *outcome)
{
    HrBreakerTicket ticket;
    int64_t retry_at;

    if (!hr_breaker_enter(breaker, now, true, &ticket, &retry_at))
        return false;
    hr_breaker_exit(breaker, now, &ticket, outcome);
    return true;
}

static void
calls(HrBreaker *breaker, int64_t now, const HrOutcome *outcome, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        call(breaker, now, outcome);
}

static void
expect(HrBreaker *breaker, HrBreakerState state)
{
    g_assert_cmpstr(hr_breaker_state_name(hr_breaker_state(breaker)), ==,
                    hr_breaker_state_name(state));
}

static void
test_rate(void)
{
    HrBreakerPolicy policy = make_policy();
    g_autoptr(HrBreaker) breaker = hr_breaker_new(&policy, &fixed, NULL, NULL);

    calls(breaker, SECOND, &bad, 19);
    expect(breaker, HR_BREAKER_CLOSED);
    calls(breaker, SECOND, &bad, 1);
    expect(breaker, HR_BREAKER_OPEN);
    g_assert_cmpint(hr_breaker_retry_at_us(breaker), ==, 6 * SECOND);
}

/* Long health before does not make a dead endpoint well. */
static void
test_row(void)
{
    HrBreakerPolicy policy = make_policy();
    g_autoptr(HrBreaker) breaker = hr_breaker_new(&policy, &fixed, NULL, NULL);

    calls(breaker, SECOND, &good, 1000);
    calls(breaker, SECOND, &bad, 19);
    calls(breaker, SECOND, &good, 1);
    calls(breaker, SECOND, &bad, 19);
    expect(breaker, HR_BREAKER_CLOSED);
    calls(breaker, SECOND, &bad, 1);
    expect(breaker, HR_BREAKER_OPEN);
}

static void
test_what_counts(void)
{
    HrBreakerPolicy policy = make_policy();
    g_autoptr(HrBreaker) breaker = hr_breaker_new(&policy, &fixed, NULL, NULL);

    calls(breaker, SECOND, &cancelled, 100);
    calls(breaker, SECOND, &throttled, 100);
    calls(breaker, SECOND, &bad, 19);
    expect(breaker, HR_BREAKER_CLOSED);
    /* A refusal is an answer of a healthy server. */
    calls(breaker, SECOND, &not_found, 40);
    calls(breaker, SECOND, &bad, 19);
    expect(breaker, HR_BREAKER_CLOSED);
    calls(breaker, SECOND, &bad, 3);
    expect(breaker, HR_BREAKER_OPEN);
}

static void
test_connections(void)
{
    HrBreakerPolicy policy = make_policy();
    g_autoptr(HrBreaker) breaker = hr_breaker_new(&policy, &fixed, NULL, NULL);

    calls(breaker, SECOND, &refused, 7);
    calls(breaker, SECOND, &good, 1);
    calls(breaker, SECOND, &refused, 7);
    expect(breaker, HR_BREAKER_CLOSED);
    calls(breaker, SECOND, &refused, 1);
    expect(breaker, HR_BREAKER_OPEN);
}

static void
test_slow(void)
{
    HrBreakerPolicy policy = make_policy();
    HrOutcome slow = {.status = HR_OK, .latency_us = 3 * SECOND};
    g_autoptr(HrBreaker) plain = hr_breaker_new(&policy, &fixed, NULL, NULL);
    g_autoptr(HrBreaker) breaker = NULL;

    policy.slow_percent = 80;
    policy.slow_us = 2 * SECOND;
    breaker = hr_breaker_new(&policy, &fixed, NULL, NULL);
    calls(plain, SECOND, &slow, 100);
    expect(plain, HR_BREAKER_CLOSED);
    calls(breaker, SECOND, &good, 4);
    calls(breaker, SECOND, &slow, 15);
    expect(breaker, HR_BREAKER_CLOSED);
    calls(breaker, SECOND, &slow, 1);
    expect(breaker, HR_BREAKER_OPEN);
}

/* A minimum that the window cannot hold is no way never to open. */
static void
test_small_window(void)
{
    HrBreakerPolicy policy = make_policy();
    g_autoptr(HrBreaker) breaker = NULL;

    policy.window = HR_WINDOW_COUNT;
    policy.window_size = 5;
    breaker = hr_breaker_new(&policy, &fixed, NULL, NULL);
    calls(breaker, SECOND, &bad, 5);
    expect(breaker, HR_BREAKER_OPEN);
}

static int64_t
trip(HrBreaker *breaker, int64_t now)
{
    calls(breaker, now, &bad, 20);
    expect(breaker, HR_BREAKER_OPEN);
    return hr_breaker_retry_at_us(breaker);
}

static void
test_half_open(void)
{
    HrBreakerPolicy policy = make_policy();
    g_autoptr(HrBreaker) breaker = hr_breaker_new(&policy, &fixed, NULL, NULL);
    HrBreakerTicket tickets[4];
    int64_t at = trip(breaker, SECOND);
    int64_t retry_at;

    g_assert_false(call(breaker, at - 1, &good));
    g_assert_cmpint(hr_breaker_state_at(breaker, at), ==,
                    HR_BREAKER_HALF_OPEN);
    /* One first; the others when it has come back. */
    g_assert_true(hr_breaker_enter(breaker, at, true, &tickets[0], &retry_at));
    g_assert_false(
        hr_breaker_enter(breaker, at, true, &tickets[1], &retry_at));
    g_assert_cmpint(retry_at, >, at);
    hr_breaker_exit(breaker, at, &tickets[0], &good);
    for (unsigned i = 1; i < 3; i++)
        g_assert_true(
            hr_breaker_enter(breaker, at, true, &tickets[i], &retry_at));
    g_assert_false(
        hr_breaker_enter(breaker, at, true, &tickets[3], &retry_at));
    hr_breaker_exit(breaker, at, &tickets[1], &good);
    expect(breaker, HR_BREAKER_HALF_OPEN);
    /* Given back unused, it goes to another. */
    hr_breaker_exit(breaker, at, &tickets[2], &cancelled);
    g_assert_true(hr_breaker_enter(breaker, at, true, &tickets[2], &retry_at));
    hr_breaker_exit(breaker, at, &tickets[2], &good);
    expect(breaker, HR_BREAKER_CLOSED);
}

static void
test_stuck_probes(void)
{
    HrBreakerPolicy policy = make_policy();
    g_autoptr(HrBreaker) breaker = hr_breaker_new(&policy, &fixed, NULL, NULL);
    HrBreakerTicket tickets[3];
    int64_t at = trip(breaker, SECOND);
    int64_t retry_at;

    g_assert_true(hr_breaker_enter(breaker, at, true, &tickets[0], &retry_at));
    hr_breaker_exit(breaker, at, &tickets[0], &good);
    for (unsigned i = 1; i < 3; i++)
        g_assert_true(
            hr_breaker_enter(breaker, at, true, &tickets[i], &retry_at));
    at += policy.probe_us;
    g_assert_false(call(breaker, at, &good));
    expect(breaker, HR_BREAKER_OPEN);
    /* Half as long again as the first time. */
    g_assert_cmpint(hr_breaker_retry_at_us(breaker), ==, at + 7500000);
    /* Late answers of the lost generation say nothing. */
    at = hr_breaker_retry_at_us(breaker);
    g_assert_true(call(breaker, at, &good));
    for (unsigned i = 1; i < 3; i++)
        hr_breaker_exit(breaker, at, &tickets[i], &bad);
    expect(breaker, HR_BREAKER_HALF_OPEN);
    calls(breaker, at, &good, 2);
    expect(breaker, HR_BREAKER_CLOSED);
}

static void
test_open_time(void)
{
    static const int64_t expected_ms[] = {5000,  7500,  11250, 16875,
                                          25312, 37968, 45000, 45000};
    HrBreakerPolicy policy = make_policy();
    g_autoptr(HrBreaker) breaker = hr_breaker_new(&policy, &fixed, NULL, NULL);
    int64_t now = SECOND;

    for (size_t i = 0; i < G_N_ELEMENTS(expected_ms); i++) {
        if (i == 0)
            trip(breaker, now);
        else
            calls(breaker, now, &bad, 1);
        g_assert_cmpint((hr_breaker_retry_at_us(breaker) - now) / 1000, ==,
                        expected_ms[i]);
        now = hr_breaker_retry_at_us(breaker);
    }
    calls(breaker, now, &good, 3);
    expect(breaker, HR_BREAKER_CLOSED);
    /* Not calm for long enough yet. */
    now += 299 * SECOND;
    g_assert_cmpint(trip(breaker, now) - now, ==, 45 * SECOND);
    now = hr_breaker_retry_at_us(breaker);
    calls(breaker, now, &good, 3);
    now += 300 * SECOND;
    g_assert_cmpint(trip(breaker, now) - now, ==, 5 * SECOND);
}

static void
test_jitter(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    HrRandom random = {draw, rand};
    HrBreakerPolicy policy = make_policy();
    int64_t least = INT64_MAX;
    int64_t most = 0;

    for (unsigned i = 0; i < 1000; i++) {
        g_autoptr(HrBreaker) breaker =
            hr_breaker_new(&policy, &random, NULL, NULL);
        int64_t open = trip(breaker, SECOND) - SECOND;

        least = MIN(least, open);
        most = MAX(most, open);
    }
    g_assert_cmpint(least, >=, 4 * SECOND);
    g_assert_cmpint(least, <, 4100000);
    g_assert_cmpint(most, <=, 6 * SECOND);
    g_assert_cmpint(most, >, 5900000);
}

static void
test_modes(void)
{
    HrBreakerPolicy policy = make_policy();
    g_autoptr(HrBreaker) retries = NULL;
    g_autoptr(HrBreaker) report = NULL;
    g_autoptr(HrBreaker) off = NULL;
    HrBreakerTicket ticket;
    int64_t retry_at;

    policy.mode = HR_BREAKER_RETRY_ONLY;
    retries = hr_breaker_new(&policy, &fixed, NULL, NULL);
    trip(retries, SECOND);
    g_assert_true(hr_breaker_enter(retries, SECOND, true, &ticket, &retry_at));
    g_assert_false(
        hr_breaker_enter(retries, SECOND, false, &ticket, &retry_at));
    policy.mode = HR_BREAKER_REPORT;
    report = hr_breaker_new(&policy, &fixed, NULL, NULL);
    trip(report, SECOND);
    g_assert_true(hr_breaker_enter(report, SECOND, false, &ticket, &retry_at));
    policy.mode = HR_BREAKER_OFF;
    off = hr_breaker_new(&policy, &fixed, NULL, NULL);
    calls(off, SECOND, &bad, 1000);
    expect(off, HR_BREAKER_DISABLED);
}

typedef struct Changes {
    unsigned count;
    HrBreakerState last;
} Changes;

static void
changed_cb(void *data, HrBreakerState from, HrBreakerState to, int64_t now)
{
    Changes *changes = data;

    (void)now;
    g_assert_cmpint(from, !=, to);
    changes->count++;
    changes->last = to;
}

static void
test_by_hand(void)
{
    HrBreakerPolicy policy = make_policy();
    Changes changes = {0};
    g_autoptr(HrBreaker) breaker =
        hr_breaker_new(&policy, &fixed, changed_cb, &changes);
    HrBreakerTicket ticket;
    int64_t retry_at;

    hr_breaker_force(breaker, HR_BREAKER_FORCED_OPEN, SECOND);
    g_assert_false(
        hr_breaker_enter(breaker, 1000 * SECOND, true, &ticket, &retry_at));
    g_assert_cmpint(retry_at, ==, INT64_MAX);
    hr_breaker_force(breaker, HR_BREAKER_DISABLED, 1001 * SECOND);
    calls(breaker, 1001 * SECOND, &bad, 100);
    expect(breaker, HR_BREAKER_DISABLED);
    hr_breaker_force(breaker, HR_BREAKER_CLOSED, 1002 * SECOND);
    hr_breaker_force(breaker, HR_BREAKER_CLOSED, 1002 * SECOND);
    g_assert_cmpuint(changes.count, ==, 3);
    trip(breaker, 1003 * SECOND);
    g_assert_cmpint(changes.last, ==, HR_BREAKER_OPEN);
}

/* ---------------------------------------------------------- many threads */

#define THREADS 64

typedef struct Crowd {
    HrBreaker *breaker;
    int64_t now;
    atomic_int inside;
    atomic_int most;
    atomic_int entered;
} Crowd;

static void *
push_in(void *data)
{
    Crowd *crowd = data;

    for (unsigned i = 0; i < 400; i++) {
        HrBreakerTicket ticket;
        int64_t retry_at;
        int inside;
        int most;

        if (!hr_breaker_enter(crowd->breaker, crowd->now, true, &ticket,
                              &retry_at))
            continue;
        inside = atomic_fetch_add(&crowd->inside, 1) + 1;
        most = atomic_load(&crowd->most);
        while (inside > most &&
               !atomic_compare_exchange_weak(&crowd->most, &most, inside))
            ;
        atomic_fetch_add(&crowd->entered, 1);
        sched_yield();
        atomic_fetch_sub(&crowd->inside, 1);
        hr_breaker_exit(crowd->breaker, crowd->now, &ticket, &cancelled);
    }
    return NULL;
}

static void
test_crowd(void)
{
    HrBreakerPolicy policy = make_policy();
    Changes changes = {0};
    g_autoptr(HrBreaker) breaker =
        hr_breaker_new(&policy, &fixed, changed_cb, &changes);
    Crowd crowd = {.breaker = breaker};
    pthread_t threads[THREADS];

    crowd.now = trip(breaker, SECOND);
    for (unsigned i = 0; i < THREADS; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, push_in, &crowd), ==,
                        0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpint(atomic_load(&crowd.most), <=, 3);
    g_assert_cmpint(atomic_load(&crowd.entered), >, 0);
    /* closed -> open -> half-open: each by one winner. */
    g_assert_cmpuint(changes.count, ==, 2);
    calls(breaker, crowd.now, &good, 3);
    expect(breaker, HR_BREAKER_CLOSED);
}

/* --------------------------------------------------------- beside a model */

/* The rules over again, in the simplest way: a list of all calls. */
typedef struct Model {
    HrBreakerPolicy policy;
    HrBreakerState state;
    unsigned generation;
    int64_t until;
    int64_t closed_at;
    unsigned openings;
    unsigned out;
    unsigned successes;
    unsigned failures;
    unsigned refused;
    unsigned in_row; /* failures */
    GArray *calls;   /* int64_t: second, negative for a failure */
} Model;

static void
model_change(Model *model, HrBreakerState to, int64_t now)
{
    HrBreakerState from = model->state;
    double open = (double)model->policy.open_us;

    model->generation++;
    model->state = to;
    if (to == HR_BREAKER_CLOSED) {
        model->closed_at = now;
        model->refused = model->in_row = 0;
        g_array_set_size(model->calls, 0);
    } else if (to == HR_BREAKER_HALF_OPEN) {
        model->out = model->successes = model->failures = 0;
        model->until = now + model->policy.probe_us;
    } else {
        if (from == HR_BREAKER_CLOSED && model->closed_at >= 0 &&
            now - model->closed_at >= model->policy.calm_us)
            model->openings = 0;
        for (unsigned i = 0; i < model->openings; i++)
            open = MIN(open * 1.5, (double)model->policy.open_cap_us);
        model->openings++;
        model->until = now + (int64_t)open;
    }
}

static bool
model_enter(Model *model, int64_t now)
{
    if (model->state == HR_BREAKER_OPEN && now >= model->until)
        model_change(model, HR_BREAKER_HALF_OPEN, now);
    else if (model->state == HR_BREAKER_HALF_OPEN && now >= model->until)
        model_change(model, HR_BREAKER_OPEN, now);
    if (model->state == HR_BREAKER_OPEN)
        return false;
    if (model->state == HR_BREAKER_HALF_OPEN &&
        model->out >= (model->successes + model->failures == 0
                           ? 1
                           : model->policy.probes))
        return false;
    model->out += model->state == HR_BREAKER_HALF_OPEN;
    return true;
}

static void
model_record(Model *model, int64_t now, bool failed, bool connect)
{
    int64_t second = now / SECOND;
    int64_t entry = failed ? -second : second;
    unsigned all = 0;
    unsigned failures = 0;

    g_array_append_val(model->calls, entry);
    model->refused = connect ? model->refused + 1 : 0;
    model->in_row = failed ? model->in_row + 1 : 0;
    for (guint i = 0; i < model->calls->len; i++) {
        int64_t one = g_array_index(model->calls, int64_t, i);

        if (ABS(one) <= second - 30)
            continue;
        all++;
        failures += one < 0;
    }
    if (failed &&
        (model->refused >= model->policy.connect_failures ||
         model->in_row >= model->policy.minimum_calls ||
         (all >= model->policy.minimum_calls && failures * 2 >= all)))
        model_change(model, HR_BREAKER_OPEN, now);
}

static void
model_exit(Model *model, int64_t now, unsigned generation,
           const HrOutcome *outcome)
{
    bool failed = hr_outcome_is_failure(outcome);
    bool neither =
        hr_outcome_is_local(outcome) || outcome->status == HR_THROTTLED;

    if (generation != model->generation)
        return;
    if (model->state == HR_BREAKER_CLOSED && !neither)
        model_record(model, now, failed, outcome->connect_failed);
    if (model->state != HR_BREAKER_HALF_OPEN ||
        generation != model->generation)
        return;
    if (neither)
        model->out--;
    else if (failed)
        model_change(model, HR_BREAKER_OPEN, now);
    else if (++model->successes == 3)
        model_change(model, HR_BREAKER_CLOSED, now);
}

typedef struct Flying {
    HrBreakerTicket ticket;
    unsigned generation;
} Flying;

static void
test_model(void)
{
    static const HrOutcome *const outcomes[] = {
        &good,    &good,      &good,      &good,     &bad,
        &refused, &not_found, &throttled, &cancelled};
    guint32 seed = g_random_int();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    HrBreakerPolicy policy = make_policy();
    g_autoptr(HrBreaker) breaker = hr_breaker_new(&policy, &fixed, NULL, NULL);
    Model model = {.policy = policy, .generation = 1, .closed_at = -1};
    g_autoptr(GArray) flying = g_array_new(false, false, sizeof(Flying));
    int64_t now = 1000 * SECOND;
    double failing = 0.1;

    g_test_message("seed %u", seed);
    model.calls = g_array_new(false, false, sizeof(int64_t));
    for (unsigned i = 0; i < 1000000; i++) {
        Flying one;
        int64_t retry_at;
        bool let_in;

        if (i % 5000 == 0)
            failing = g_rand_double(rand);
        now += g_rand_int_range(rand, 0, 200000);
        if (g_rand_int_range(rand, 0, 2000) == 0)
            now += g_rand_int_range(rand, 0, 400) * SECOND;
        if (flying->len < 6 && g_rand_boolean(rand)) {
            let_in =
                hr_breaker_enter(breaker, now, true, &one.ticket, &retry_at);
            g_assert_cmpint(let_in, ==, model_enter(&model, now));
            one.generation = model.generation;
            if (let_in)
                g_array_append_val(flying, one);
        } else if (flying->len > 0) {
            guint which = (guint)g_rand_int_range(rand, 0, (int)flying->len);
            const HrOutcome *outcome =
                g_rand_double(rand) < failing
                    ? &bad
                    : outcomes[g_rand_int_range(rand, 0,
                                                G_N_ELEMENTS(outcomes))];

            one = g_array_index(flying, Flying, which);
            g_array_remove_index_fast(flying, which);
            hr_breaker_exit(breaker, now, &one.ticket, outcome);
            model_exit(&model, now, one.generation, outcome);
        }
        g_assert_cmpint(hr_breaker_state(breaker), ==, model.state);
        if (model.state == HR_BREAKER_OPEN)
            g_assert_cmpint(hr_breaker_retry_at_us(breaker), ==, model.until);
        if (model.calls->len > 4000)
            g_array_remove_range(model.calls, 0, model.calls->len - 1000);
    }
    g_array_unref(model.calls);
}

/* ------------------------------------------------------------ simulations */

/* Ten minutes of a call every 10 ms that fails with a probability; returns
 * how many succeeded. */
static unsigned
run_noise(HrBreaker *breaker, GRand *rand, double failing)
{
    unsigned successes = 0;

    for (int64_t now = SECOND; now < 600 * SECOND; now += 10000) {
        bool fails = g_rand_double(rand) < failing;

        if (call(breaker, now, fails ? &bad : &good) && !fails)
            successes++;
    }
    return successes;
}

static void
test_noise(void)
{
    HrBreakerPolicy policy = make_policy();
    HrBreakerPolicy none = make_policy();
    g_autoptr(HrBreaker) on = hr_breaker_new(&policy, &fixed, NULL, NULL);
    g_autoptr(HrBreaker) off = NULL;
    g_autoptr(GRand) one = g_rand_new_with_seed(5);
    g_autoptr(GRand) other = g_rand_new_with_seed(5);
    unsigned with;
    unsigned without;

    none.mode = HR_BREAKER_OFF;
    off = hr_breaker_new(&none, &fixed, NULL, NULL);
    with = run_noise(on, one, 0.05);
    without = run_noise(off, other, 0.05);
    g_test_message("at 5 %% errors: %u with, %u without", with, without);
    g_assert_cmpuint(with * 1000, >=, without * 995);
}

/* At the threshold an open breaker costs most of what would succeed: that is
 * what retry-only is for, which lets first attempts through. */
static void
test_flapping(void)
{
    for (int step = -1; step <= 1; step++) {
        HrBreakerPolicy policy = make_policy();
        double failing = 0.5 + 0.05 * (double)step;

        for (unsigned mode = 0; mode < 2; mode++) {
            Changes changes = {0};
            g_autoptr(HrBreaker) breaker = NULL;
            g_autoptr(GRand) rand = g_rand_new_with_seed(11);
            unsigned successes;

            policy.mode = mode == 0 ? HR_BREAKER_ON : HR_BREAKER_RETRY_ONLY;
            breaker = hr_breaker_new(&policy, &fixed, changed_cb, &changes);
            successes = run_noise(breaker, rand, failing);
            g_test_message("errors at the threshold %+d %%, %s: %u changes, "
                           "%u of about %.0f well",
                           5 * step, hr_policy_breaker_mode_name(policy.mode),
                           changes.count, successes, 59900 * (1 - failing));
            g_assert_cmpuint(changes.count, <=, 60);
            if (mode == 1)
                g_assert_cmpfloat(successes, >=, 0.8 * 59900 * (1 - failing));
        }
    }
}

/* Back at t0: closed again within an open time and a fifth. */
static void
test_recovery(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    HrRandom random = {draw, rand};
    HrBreakerPolicy policy = make_policy();

    for (unsigned round = 0; round < 200; round++) {
        g_autoptr(HrBreaker) breaker =
            hr_breaker_new(&policy, &random, NULL, NULL);
        int64_t back = SECOND + (int64_t)(g_rand_double(rand) * 300 * SECOND);
        int64_t now = SECOND;

        while (now < back || hr_breaker_state(breaker) != HR_BREAKER_CLOSED) {
            call(breaker, now, now < back ? &bad : &good);
            now += 20000;
        }
        g_assert_cmpint(now - back, <=, 54 * SECOND + 100000);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/breaker/opens-when-half-of-enough-calls-fail",
                    test_rate);
    g_test_add_func("/breaker/opens-for-failures-in-a-row", test_row);
    g_test_add_func("/breaker/counts-only-what-says-something",
                    test_what_counts);
    g_test_add_func("/breaker/opens-for-connections-in-a-row",
                    test_connections);
    g_test_add_func("/breaker/opens-for-slow-calls-if-told-so", test_slow);
    g_test_add_func("/breaker/opens-with-a-window-below-its-minimum",
                    test_small_window);
    g_test_add_func("/breaker/lets-so-many-probes-in-and-closes",
                    test_half_open);
    g_test_add_func("/breaker/does-not-hang-on-probes-that-never-come-back",
                    test_stuck_probes);
    g_test_add_func("/breaker/stays-open-longer-each-time", test_open_time);
    g_test_add_func("/breaker/spreads-the-open-time", test_jitter);
    g_test_add_func("/breaker/refuses-only-what-its-mode-says", test_modes);
    g_test_add_func("/breaker/obeys-the-hand", test_by_hand);
    g_test_add_func("/breaker/lets-no-crowd-in", test_crowd);
    g_test_add_func("/breaker/does-as-the-model-does", test_model);
    g_test_add_func("/breaker/costs-nothing-at-a-few-errors", test_noise);
    g_test_add_func("/breaker/does-not-flap-at-its-threshold", test_flapping);
    g_test_add_func("/breaker/closes-soon-after-the-end", test_recovery);
    return g_test_run();
}
