/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Circuit breaker: stop asking an endpoint that keeps failing. */
#include "guard/breaker.h"

#include <math.h>
#include <stdatomic.h>

#define STATE_BITS 8
#define STATE_MASK UINT64_C(0xff)

/* Each opening without calm between lasts so much longer than the one before.
 * Doubling would leave an endpoint that was away for a quarter of a minute
 * alone for half a minute (tests/unit/test-outage.c). */
#define OPEN_GROWTH 1.5

/* Openings in a row that still make it longer: the cap comes long before. */
#define EXPONENT_LIMIT 60u

/* How soon whoever found no probe left may ask whether they have decided. */
#define PROBES_TELL_US INT64_C(1000000)

/*
 * The word: generation (56 bits) above state (8 bits).  Every change adds one
 * to the generation; at a thousand changes a second it wraps after two million
 * years, so that no call can outlive its number.
 *
 * What belongs to a half-open generation carries its number: a probe counted
 * for another one is not counted.
 */
struct HrBreaker {
    HrBreakerPolicy policy;
    HrRandom random;
    HrBreakerChange change;
    void *data;
    _Atomic uint64_t word;
    _Atomic int64_t until_us;     /* open: when to probe; half-open: the
                                     latest time for a decision           */
    _Atomic int64_t closed_at_us; /* when it was closed last              */
    atomic_uint openings;         /* in a row, without calm between       */
    /* Generation (low 40 bits) above handed out, successes, failures, each of
     * 8 bits: of the half-open generation. */
    _Atomic uint64_t probes;
    atomic_uint connect_failures; /* in a row */
    atomic_uint failures;         /* in a row, of any kind */
    atomic_bool fresh;            /* the window is to be emptied */
    HrWindow *window;             /* the owner's */
};

#define PROBE_GENERATION_SHIFT 24
#define PROBE_GENERATION_MASK ((UINT64_C(1) << 40) - 1)

typedef struct Probes {
    uint64_t generation;
    unsigned out; /* handed out, and not given back unused */
    unsigned successes;
    unsigned failures;
} Probes;

static HrBreakerState
state_of(uint64_t word)
{
    return (HrBreakerState)(word & STATE_MASK);
}

static uint64_t
generation_of(uint64_t word)
{
    return word >> STATE_BITS;
}

static uint64_t
make_word(uint64_t generation, HrBreakerState state)
{
    return generation << STATE_BITS | (uint64_t)state;
}

static Probes
unpack(uint64_t word)
{
    return (Probes){
        .generation = word >> PROBE_GENERATION_SHIFT,
        .out = (word >> 16) & 0xff,
        .successes = (word >> 8) & 0xff,
        .failures = word & 0xff,
    };
}

static uint64_t
pack(const Probes *probes)
{
    return probes->generation << PROBE_GENERATION_SHIFT |
           (uint64_t)probes->out << 16 | (uint64_t)probes->successes << 8 |
           probes->failures;
}

HrBreaker *
hr_breaker_new(const HrBreakerPolicy *policy, const HrRandom *random,
               HrBreakerChange change, void *data)
{
    HrBreaker *breaker = g_new0(HrBreaker, 1);
    bool by_count = policy->window == HR_WINDOW_COUNT;

    breaker->policy = *policy;
    breaker->random = *random;
    breaker->change = change;
    breaker->data = data;
    breaker->policy.probes = CLAMP(policy->probes, 1, 200);
    breaker->policy.successes =
        CLAMP(policy->successes, 1, breaker->policy.probes);
    breaker->policy.minimum_calls = MAX(policy->minimum_calls, 1);
    /* A minimum that the window cannot hold would never be reached. */
    if (by_count)
        breaker->policy.minimum_calls =
            MIN(breaker->policy.minimum_calls, MAX(policy->window_size, 1));
    breaker->window =
        hr_window_new(policy->window, MAX(policy->window_size, 1),
                      MAX(policy->window_us, 1));
    atomic_init(&breaker->closed_at_us, INT64_MIN);
    atomic_init(&breaker->word, make_word(1, policy->mode == HR_BREAKER_OFF
                                                 ? HR_BREAKER_DISABLED
                                                 : HR_BREAKER_CLOSED));
    return breaker;
}

void
hr_breaker_free(HrBreaker *breaker)
{
    if (breaker == NULL)
        return;
    hr_window_free(breaker->window);
    g_free(breaker);
}

/* Changes from exactly `word`; one of several that try wins, and runs the
 * callback. */
static bool
change_state(HrBreaker *breaker, uint64_t word, HrBreakerState to,
             int64_t now_us)
{
    uint64_t next = make_word(generation_of(word) + 1, to);

    if (!atomic_compare_exchange_strong(&breaker->word, &word, next))
        return false;
    if (to == HR_BREAKER_CLOSED) {
        atomic_store(&breaker->closed_at_us, now_us);
        atomic_store(&breaker->connect_failures, 0);
        atomic_store(&breaker->failures, 0);
        /* It may have been closed by hand, from another thread. */
        atomic_store(&breaker->fresh, true);
    }
    if (breaker->change != NULL)
        breaker->change(breaker->data, state_of(word), to, now_us);
    return true;
}

static int64_t
draw_open_us(HrBreaker *breaker, int64_t now_us)
{
    const HrBreakerPolicy *policy = &breaker->policy;
    int64_t closed_at = atomic_load(&breaker->closed_at_us);
    bool calm = state_of(atomic_load(&breaker->word)) == HR_BREAKER_CLOSED &&
                closed_at != INT64_MIN &&
                now_us - closed_at >= policy->calm_us;
    unsigned before;
    double open;
    double spread;

    if (calm)
        atomic_store(&breaker->openings, 0);
    before = atomic_fetch_add(&breaker->openings, 1);
    open = (double)policy->open_us *
           pow(OPEN_GROWTH, MIN(before, EXPONENT_LIMIT));
    open = MIN(open, (double)policy->open_cap_us);
    spread = policy->open_jitter * (2 * hr_random_next(&breaker->random) - 1);
    return (int64_t)(open * (1 + spread));
}

static void
open_it(HrBreaker *breaker, uint64_t word, int64_t now_us)
{
    int64_t until = now_us + draw_open_us(breaker, now_us);

    /* Before the state: whoever sees it open finds its time. */
    atomic_store(&breaker->until_us, until);
    change_state(breaker, word, HR_BREAKER_OPEN, now_us);
}

/* Half-open, with all probes to be had. */
static void
probe_it(HrBreaker *breaker, uint64_t word, int64_t now_us)
{
    Probes probes = {.generation =
                         (generation_of(word) + 1) & PROBE_GENERATION_MASK};
    uint64_t before = atomic_load(&breaker->probes);

    /* Only forward: another may have prepared it already, and given one
     * out. */
    if (unpack(before).generation != probes.generation)
        atomic_compare_exchange_strong(&breaker->probes, &before,
                                       pack(&probes));
    atomic_store(&breaker->until_us, now_us + breaker->policy.probe_us);
    change_state(breaker, word, HR_BREAKER_HALF_OPEN, now_us);
}

/* What time alone changes: open becomes half-open, and half-open without a
 * decision becomes open. */
static uint64_t
look(HrBreaker *breaker, int64_t now_us)
{
    uint64_t word = atomic_load(&breaker->word);
    bool due = now_us >= atomic_load(&breaker->until_us);

    if (due && state_of(word) == HR_BREAKER_OPEN)
        probe_it(breaker, word, now_us);
    else if (due && state_of(word) == HR_BREAKER_HALF_OPEN)
        open_it(breaker, word, now_us);
    return atomic_load(&breaker->word);
}

/* One goes first: where nothing answers, the others need not find that out
 * again. */
static unsigned
probes_to_hand_out(const HrBreaker *breaker, const Probes *probes)
{
    return probes->successes + probes->failures == 0 ? 1
                                                     : breaker->policy.probes;
}

/* Takes one of the probes of this generation. */
static bool
take_probe(HrBreaker *breaker, uint64_t generation)
{
    uint64_t word = atomic_load(&breaker->probes);

    for (;;) {
        Probes probes = unpack(word);

        if (probes.generation != (generation & PROBE_GENERATION_MASK) ||
            probes.out >= probes_to_hand_out(breaker, &probes))
            return false;
        probes.out++;
        if (atomic_compare_exchange_weak(&breaker->probes, &word,
                                         pack(&probes)))
            return true;
    }
}

/* When it makes sense to ask again. */
static int64_t
next_chance_us(const HrBreaker *breaker, HrBreakerState state, int64_t now_us)
{
    int64_t until = atomic_load(&breaker->until_us);

    if (state == HR_BREAKER_FORCED_OPEN)
        return INT64_MAX;
    /* The probes will have told soon. */
    if (state == HR_BREAKER_HALF_OPEN)
        return MIN(until, now_us + PROBES_TELL_US);
    return until;
}

static bool
refuse(const HrBreaker *breaker, HrBreakerState state, bool first,
       int64_t now_us, int64_t *retry_at_us)
{
    *retry_at_us = next_chance_us(breaker, state, now_us);
    if (state == HR_BREAKER_FORCED_OPEN)
        return true;
    return breaker->policy.mode == HR_BREAKER_ON ||
           (breaker->policy.mode == HR_BREAKER_RETRY_ONLY && !first);
}

bool
hr_breaker_enter(HrBreaker *breaker, int64_t now_us, bool first,
                 HrBreakerTicket *ticket, int64_t *retry_at_us)
{
    uint64_t word = look(breaker, now_us);
    HrBreakerState state = state_of(word);

    *ticket = (HrBreakerTicket){.generation = generation_of(word)};
    if (state == HR_BREAKER_HALF_OPEN)
        ticket->probe = take_probe(breaker, ticket->generation);
    if ((state == HR_BREAKER_OPEN || state == HR_BREAKER_FORCED_OPEN ||
         (state == HR_BREAKER_HALF_OPEN && !ticket->probe)) &&
        refuse(breaker, state, first, now_us, retry_at_us))
        return false;
    ticket->held = true;
    return true;
}

static bool
is_slow(const HrBreakerPolicy *policy, const HrOutcome *outcome)
{
    return policy->slow_percent > 0 && outcome->latency_us > policy->slow_us;
}

/* True for what counts neither way: the limiters deal with it. */
static bool
is_throttling(const HrOutcome *outcome)
{
    return outcome->status == HR_THROTTLED ||
           (outcome->status == HR_OVERLOAD && outcome->retry_after_us > 0);
}

static bool
should_open(HrBreaker *breaker, int64_t now_us)
{
    const HrBreakerPolicy *policy = &breaker->policy;
    HrWindowTotals totals;

    if (policy->connect_failures > 0 &&
        atomic_load(&breaker->connect_failures) >= policy->connect_failures)
        return true;
    /* What has only failed lately is not well for what came before. */
    if (atomic_load(&breaker->failures) >= policy->minimum_calls)
        return true;
    hr_window_totals(breaker->window, now_us, &totals);
    if (totals.calls < policy->minimum_calls)
        return false;
    return (double)totals.failures * 100 >=
               policy->failure_percent * (double)totals.calls ||
           (policy->slow_percent > 0 &&
            (double)totals.slow * 100 >=
                policy->slow_percent * (double)totals.calls);
}

static void
record(HrBreaker *breaker, uint64_t word, int64_t now_us,
       const HrOutcome *outcome)
{
    bool failed = hr_outcome_is_failure(outcome);

    if (atomic_exchange(&breaker->fresh, false))
        hr_window_reset(breaker->window);
    hr_window_record(breaker->window, now_us, failed,
                     is_slow(&breaker->policy, outcome), outcome->latency_us);
    if (outcome->connect_failed)
        atomic_fetch_add(&breaker->connect_failures, 1);
    else
        atomic_store(&breaker->connect_failures, 0);
    if (failed)
        atomic_fetch_add(&breaker->failures, 1);
    else
        atomic_store(&breaker->failures, 0);
    if ((failed || is_slow(&breaker->policy, outcome)) &&
        should_open(breaker, now_us))
        open_it(breaker, word, now_us);
}

/* A probe's answer: decides as soon as the decision is certain. */
static void
judge_probe(HrBreaker *breaker, uint64_t word, int64_t now_us,
            const HrOutcome *outcome)
{
    const HrBreakerPolicy *policy = &breaker->policy;
    bool local = hr_outcome_is_local(outcome) || is_throttling(outcome);
    uint64_t packed = atomic_load(&breaker->probes);
    Probes probes;

    do {
        probes = unpack(packed);
        if (probes.generation != (generation_of(word) & PROBE_GENERATION_MASK))
            return;
        if (local)
            probes.out--;
        else if (hr_outcome_is_failure(outcome) || is_slow(policy, outcome))
            probes.failures++;
        else
            probes.successes++;
    } while (!atomic_compare_exchange_weak(&breaker->probes, &packed,
                                           pack(&probes)));
    if (probes.successes >= policy->successes)
        change_state(breaker, word, HR_BREAKER_CLOSED, now_us);
    else if (probes.failures > policy->probes - policy->successes)
        open_it(breaker, word, now_us);
}

void
hr_breaker_exit(HrBreaker *breaker, int64_t now_us, HrBreakerTicket *ticket,
                const HrOutcome *outcome)
{
    uint64_t word = atomic_load(&breaker->word);
    bool held = ticket->held;

    ticket->held = false;
    /* Asked in another generation: it counts nowhere. */
    if (!held || ticket->generation != generation_of(word))
        return;
    if (state_of(word) == HR_BREAKER_HALF_OPEN) {
        if (ticket->probe)
            judge_probe(breaker, word, now_us, outcome);
    } else if (state_of(word) == HR_BREAKER_CLOSED &&
               !hr_outcome_is_local(outcome) && !is_throttling(outcome)) {
        record(breaker, word, now_us, outcome);
    }
}

HrBreakerState
hr_breaker_state(const HrBreaker *breaker)
{
    return state_of(atomic_load(&breaker->word));
}

HrBreakerState
hr_breaker_state_at(const HrBreaker *breaker, int64_t now_us)
{
    HrBreakerState state = hr_breaker_state(breaker);
    bool due = now_us >= atomic_load(&breaker->until_us);

    if (state == HR_BREAKER_OPEN && due)
        return HR_BREAKER_HALF_OPEN;
    if (state == HR_BREAKER_HALF_OPEN && due)
        return HR_BREAKER_OPEN;
    return state;
}

int64_t
hr_breaker_retry_at_us(const HrBreaker *breaker)
{
    switch (hr_breaker_state(breaker)) {
    case HR_BREAKER_OPEN:
        return atomic_load(&breaker->until_us);
    case HR_BREAKER_FORCED_OPEN:
        return INT64_MAX;
    default:
        return 0;
    }
}

void
hr_breaker_force(HrBreaker *breaker, HrBreakerState state, int64_t now_us)
{
    uint64_t word = atomic_load(&breaker->word);

    while (state_of(word) != state &&
           !change_state(breaker, word, state, now_us))
        word = atomic_load(&breaker->word);
}

const char *
hr_breaker_state_name(HrBreakerState state)
{
    static const char *const names[] = {"closed", "open", "half-open",
                                        "forced-open", "disabled"};

    return names[state];
}
