/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Outage: what a client with all its guards does to a server that fails, and
 * how soon both are well again.  The clock is simulated.
 *
 *     queue -> limit -> breaker -> rate -> server
 *       ^                  |                  |
 *       |               refused            failed
 *       +---- parked <-----+-- budget <- retry +
 */
#include <glib.h>
#include <math.h>

#include "guard/breaker.h"
#include "guard/budget.h"
#include "guard/cubic.h"
#include "guard/limit.h"
#include "guard/policy.h"
#include "guard/rate.h"
#include "guard/retry.h"
#include "guard/streak.h"

#define SECOND ((int64_t)1000000)
#define CLASS HR_CLASS_READ
#define LONGEST_S 1000
#define SLOTS 16

typedef struct Job {
    HrRetryState retry;
    HrBreakerTicket ticket;
    HrOutcome outcome; /* of the attempt under way */
    unsigned cost;     /* of its last retry */
    bool retrying;
    bool tried; /* this operation was sent before */
    unsigned rounds;
    int64_t until_us; /* deadline of the operation */
    int64_t sent_us;
} Job;

typedef enum EventKind {
    EVENT_ARRIVAL,
    EVENT_DUE, /* back from waiting or parking */
    EVENT_ANSWER,
    EVENT_LOOK
} EventKind;

typedef struct Event {
    int64_t at_us;
    uint64_t number; /* of equal times the first first */
    EventKind kind;
    Job *job;
} Event;

typedef struct World World;

/* Fills in the outcome, says how long it takes. */
typedef int64_t (*Server)(World *world, HrOutcome *outcome);

/* What happened in one second. */
typedef struct Tally {
    unsigned sent;
    unsigned repeats;
    unsigned good;
} Tally;

struct World {
    GRand *random;
    HrRandom source;
    int64_t now_us;
    GArray *events; /* a heap */
    uint64_t events_ever;
    GQueue queue;
    int64_t look_us; /* the next EVENT_LOOK, or INT64_MAX */
    bool closed;     /* who is done begins anew */
    double arrivals_per_s;

    Server server;
    int64_t outage_us;
    int64_t outage_end_us;
    int64_t slots_us[SLOTS];
    double recent; /* requests of the last second, decaying */
    int64_t recent_us;

    HrPolicy policy;
    HrBreaker *breaker;
    HrBudget budget;
    HrLimit *limit;
    HrRate rate;
    HrCubic cubic;
    HrStreak streak;
    unsigned in_flight;

    Tally tally[LONGEST_S];
    unsigned lost;
};

static double
next_random(void *data)
{
    return g_rand_double(data);
}

static bool
is_before(const Event *a, const Event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

static void
push_event(World *world, int64_t at_us, EventKind kind, Job *job)
{
    Event event = {at_us, world->events_ever++, kind, job};
    guint place = world->events->len;
    Event *heap;

    g_array_append_val(world->events, event);
    heap = (Event *)(void *)world->events->data;
    while (place > 0 && is_before(&event, &heap[(place - 1) / 2])) {
        heap[place] = heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    heap[place] = event;
}

static Event
pop_event(World *world)
{
    Event *heap = (Event *)(void *)world->events->data;
    guint length = world->events->len - 1;
    Event first = heap[0];
    Event last = heap[length];
    guint place = 0;

    for (;;) {
        guint child = 2 * place + 1;

        if (child + 1 < length && is_before(&heap[child + 1], &heap[child]))
            child++;
        if (child >= length || !is_before(&heap[child], &last))
            break;
        heap[place] = heap[child];
        place = child;
    }
    heap[place] = last;
    g_array_set_size(world->events, length);
    return first;
}

static Tally *
tally_now(World *world)
{
    return &world->tally[MIN(world->now_us / SECOND, LONGEST_S - 1)];
}

static void
begin_operation(World *world, Job *job)
{
    int64_t deadline_us = world->policy.retry[CLASS].deadline_us;

    *job = (Job){.until_us = deadline_us > 0 ? world->now_us + deadline_us
                                             : INT64_MAX};
    g_queue_push_tail(&world->queue, job);
}

/* Comes back as a new round: its attempts and its deadline start anew. */
static void
park(World *world, Job *job, int64_t at_us)
{
    int64_t deadline_us = world->policy.retry[CLASS].deadline_us;

    job->retry = (HrRetryState){0};
    job->cost = 0;
    at_us = MAX(at_us, world->now_us + 1);
    job->until_us = deadline_us > 0 ? at_us + deadline_us : INT64_MAX;
    push_event(world, at_us, EVENT_DUE, job);
}

static void
end_retry(World *world, Job *job)
{
    if (job->retrying)
        hr_budget_release(&world->budget);
    job->retrying = false;
}

static void
send(World *world, Job *job)
{
    int64_t latency_us;

    tally_now(world)->sent++;
    tally_now(world)->repeats += job->tried;
    job->tried = true;
    job->sent_us = world->now_us;
    job->outcome = (HrOutcome){.idempotent = true, .sent = true};
    world->in_flight++;
    hr_limit_started(world->limit, world->now_us, world->in_flight,
                     g_queue_get_length(&world->queue));
    latency_us = world->server(world, &job->outcome);
    job->outcome.latency_us = latency_us;
    push_event(world, world->now_us + latency_us, EVENT_ANSWER, job);
}

/* False if the rate does not let it go yet. */
static bool
try_first_of_queue(World *world)
{
    Job *job = g_queue_peek_head(&world->queue);
    int64_t ready_us = hr_rate_ready_at_us(&world->rate, world->now_us);
    HrRateTicket place;
    int64_t retry_at_us;

    if (ready_us > world->now_us) {
        if (ready_us < world->look_us)
            push_event(world, world->look_us = ready_us, EVENT_LOOK, NULL);
        return false;
    }
    g_queue_pop_head(&world->queue);
    if (!hr_breaker_enter(world->breaker, world->now_us,
                          job->retry.attempt == 0, &job->ticket,
                          &retry_at_us)) {
        end_retry(world, job);
        park(world, job, retry_at_us);
        return true;
    }
    hr_rate_reserve(&world->rate, world->now_us, 1, world->now_us, &place);
    g_assert_true(place.reserved);
    send(world, job);
    return true;
}

static void
pump(World *world)
{
    while (!g_queue_is_empty(&world->queue) &&
           world->in_flight < hr_limit_value(world->limit, world->now_us) &&
           try_first_of_queue(world)) {
    }
}

static void
fail(World *world, Job *job)
{
    const HrRetryPolicy *policy = &world->policy.retry[CLASS];
    double factor = world->policy.adapt_delays ? world->streak.multiplier : 1;
    HrRetryDecision decision;

    hr_retry_decide(policy, &job->retry, &job->outcome, 0, factor,
                    world->now_us, job->until_us, &world->source, &decision);
    g_assert_cmpint(decision.verdict, !=, HR_RETRY_GIVE_UP);
    if (decision.verdict == HR_RETRY_AGAIN) {
        job->retrying = hr_budget_acquire(&world->budget, false,
                                          world->in_flight, &job->cost);
        if (job->retrying) {
            push_event(world, decision.at_us, EVENT_DUE, job);
            return;
        }
    }
    if (!decision.waits)
        decision.at_us = MAX(
            decision.at_us,
            world->now_us + hr_retry_round_us(job->rounds++, &world->source));
    park(world, job, decision.at_us);
}

static void
take_answer(World *world, Job *job)
{
    bool throttled = job->outcome.status == HR_THROTTLED;

    hr_limit_ended(world->limit, world->now_us, &job->outcome,
                   world->in_flight);
    world->in_flight--;
    hr_breaker_exit(world->breaker, world->now_us, &job->ticket,
                    &job->outcome);
    hr_streak_record(&world->streak, world->now_us, &job->outcome);
    if (hr_cubic_update(&world->cubic, world->now_us, throttled))
        hr_rate_set(&world->rate, world->now_us, world->cubic.rate, 1);
    end_retry(world, job);
    if (job->outcome.status != HR_OK) {
        fail(world, job);
        return;
    }
    hr_budget_settle(&world->budget, job->cost);
    tally_now(world)->good++;
    if (world->closed)
        begin_operation(world, job);
    else
        g_free(job);
}

static void
arrive(World *world)
{
    double wait_s =
        -log(1 - g_rand_double(world->random)) / world->arrivals_per_s;

    begin_operation(world, g_new(Job, 1));
    push_event(world, world->now_us + (int64_t)(wait_s * 1e6), EVENT_ARRIVAL,
               NULL);
}

static void
run(World *world, int64_t until_us)
{
    pump(world);
    while (world->events->len > 0) {
        Event event = pop_event(world);

        if (event.at_us > until_us) {
            push_event(world, event.at_us, event.kind, event.job);
            return;
        }
        world->now_us = event.at_us;
        if (event.kind == EVENT_ARRIVAL)
            arrive(world);
        else if (event.kind == EVENT_DUE)
            g_queue_push_tail(&world->queue, event.job);
        else if (event.kind == EVENT_ANSWER)
            take_answer(world, event.job);
        else
            world->look_us = INT64_MAX;
        pump(world);
    }
}

static void
world_init(World *world, guint32 seed, Server server)
{
    *world = (World){.random = g_rand_new_with_seed(seed),
                     .look_us = INT64_MAX,
                     .server = server,
                     .outage_us = INT64_MAX,
                     .outage_end_us = INT64_MAX};
    world->source = (HrRandom){next_random, world->random};
    world->events = g_array_new(FALSE, FALSE, sizeof(Event));
    g_queue_init(&world->queue);
    g_assert_true(
        hr_policy_init(&world->policy, "default", HR_PROFILE_PRODUCTION));
    world->breaker = hr_breaker_new(&world->policy.breaker[CLASS],
                                    &world->source, NULL, NULL);
    hr_budget_init(&world->budget, &world->policy.budget);
    world->limit = hr_limit_new(&world->policy.requests, &world->source, 0);
    hr_rate_init(&world->rate, 0, 1);
    hr_cubic_init(&world->cubic, 0);
    hr_streak_init(&world->streak);
}

static void
world_clear(World *world)
{
    while (world->events->len > 0)
        g_free(pop_event(world).job);
    g_queue_clear_full(&world->queue, g_free);
    g_array_unref(world->events);
    hr_breaker_free(world->breaker);
    hr_limit_free(world->limit);
    g_rand_free(world->random);
}

/* A sum over [from, until) seconds. */
static Tally
sum(const World *world, unsigned from_s, unsigned until_s)
{
    Tally all = {0};

    for (unsigned i = from_s; i < until_s; i++) {
        all.sent += world->tally[i].sent;
        all.repeats += world->tally[i].repeats;
        all.good += world->tally[i].good;
    }
    return all;
}

static bool
is_out(const World *world)
{
    return world->now_us >= world->outage_us &&
           world->now_us < world->outage_end_us;
}

/* 50 ms of work in each of SLOTS slots, first come first served; nobody
 * listens during the outage. */
static int64_t
serve_in_slots(World *world, HrOutcome *outcome)
{
    int64_t work_us = g_rand_int_range(world->random, 40000, 60001);
    unsigned best = 0;

    if (is_out(world)) {
        *outcome = (HrOutcome){.status = HR_NETWORK,
                               .eligibility = HR_RETRY_IF_IDEMPOTENT,
                               .idempotent = true,
                               .connect_failed = true};
        return 1000;
    }
    for (unsigned i = 1; i < SLOTS; i++)
        if (world->slots_us[i] < world->slots_us[best])
            best = i;
    world->slots_us[best] =
        MAX(world->slots_us[best], world->now_us) + work_us;
    return world->slots_us[best] - world->now_us + 1000;
}

/* Healthy up to 80 a second; above, and in the outage, nine of ten fail. */
static int64_t
serve_until_overloaded(World *world, HrOutcome *outcome)
{
    double since_s = (double)(world->now_us - world->recent_us) / 1e6;

    world->recent = world->recent * exp(-since_s) + 1;
    world->recent_us = world->now_us;
    if (is_out(world) ||
        (world->recent > 80 && g_rand_double(world->random) < 0.9)) {
        outcome->status = HR_OVERLOAD;
        outcome->eligibility = HR_RETRY_IF_IDEMPOTENT;
    }
    return g_rand_int_range(world->random, 40000, 60001);
}

static void
total_outage(void)
{
    const unsigned begin_s = 60, end_s = 360, last_s = 540;
    guint32 seed = g_random_int();
    g_autofree World *world = g_new(World, 1);
    Tally before, outage, first10;
    unsigned recovered_s, peak = 0;

    g_test_message("seed %u", seed);
    world_init(world, seed, serve_in_slots);
    world->closed = true;
    world->outage_us = begin_s * SECOND;
    world->outage_end_us = end_s * SECOND;
    for (unsigned i = 0; i < 1000; i++)
        begin_operation(world, g_new(Job, 1));
    run(world, last_s * SECOND - 1);
    before = sum(world, begin_s - 30, begin_s);
    outage = sum(world, begin_s, end_s);
    first10 = sum(world, begin_s, begin_s + 10);
    for (recovered_s = end_s; recovered_s + 5 < last_s; recovered_s++)
        if (sum(world, recovered_s, recovered_s + 5).good * 6 >=
            0.95 * before.good)
            break;
    for (unsigned i = end_s; i < last_s; i++)
        peak = MAX(peak, world->tally[i].sent);
    g_test_message("before %.1f/s; calls in the outage %u, of them repeats "
                   "%u; repeats in its first 10 s %u; recovered after %u s; "
                   "peak %u/s = %.2f of before",
                   before.good / 30.0, outage.sent, outage.repeats,
                   first10.repeats, recovered_s - end_s, peak,
                   peak / (before.sent / 30.0));
    world_clear(world);
}

static void
metastability(void)
{
    for (guint32 seed = 1; seed <= 20; seed++) {
        const unsigned begin_s = 60, end_s = 75, last_s = 300;
        g_autofree World *world = g_new(World, 1);
        unsigned recovered_s;

        world_init(world, seed, serve_until_overloaded);
        world->arrivals_per_s = 60;
        world->outage_us = begin_s * SECOND;
        world->outage_end_us = end_s * SECOND;
        push_event(world, 0, EVENT_ARRIVAL, NULL);
        run(world, last_s * SECOND - 1);
        for (recovered_s = end_s; recovered_s + 10 < last_s; recovered_s++)
            if (sum(world, recovered_s, recovered_s + 10).good >= 0.95 * 600)
                break;
        g_test_message("seed %u: before %.1f/s; recovered after %u s; "
                       "30 s on %.1f/s; till end %.1f/s; left %u",
                       seed, sum(world, 30, 60).good / 30.0,
                       recovered_s - end_s,
                       sum(world, end_s + 30, end_s + 60).good / 30.0,
                       sum(world, end_s + 30, last_s).good /
                           (double)(last_s - end_s - 30),
                       world->events->len + g_queue_get_length(&world->queue));
        world_clear(world);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/outage/total-outage-is-sat-out", total_outage);
    g_test_add_func("/outage/overload-does-not-outlast-its-cause",
                    metastability);
    return g_test_run();
}
