/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rate: the arithmetic of one theoretical arrival time.
 *
 * Why the bound is exact: a reservation goes at s <= start, and leaves
 * tat <= s + burst * step.  Between two of them tat grows by at least the
 * steps of all units reserved, so these are at most (s2 - s1) / step + burst.
 * Steps are rounded up, the burst's time is rounded down, and where rounding
 * s up to microseconds would pass start, start moves with it.
 */
#include "guard/rate.h"

#include <math.h>
#include <sched.h>

/* Times are kept within +-146 years, so that sums of two do not overflow. */
#define HORIZON_NS (INT64_MAX / 2)

/* Stands in tat_ns while step and burst are being changed.  Only
 * hr_rate_set puts it there, for a few instructions. */
#define BEING_CHANGED INT64_MIN

#define STEP_LIMIT_PS 1000000000000000000 /* a unit in 11 days */
#define BURST_LIMIT 9007199254740992.0    /* 2^53, exact as a double */

/* What decides, read at one moment. */
typedef struct Terms {
    int64_t tat_ns;
    int64_t step_ps;
    int64_t burst_units;
    uint32_t version;
} Terms;

/* Where a reservation falls. */
typedef struct Place {
    int64_t go_us;
    int64_t tat_ns;
} Place;

static int64_t
clamp_ns(__int128 ns)
{
    if (ns > HORIZON_NS)
        return HORIZON_NS;
    return ns < -HORIZON_NS ? -HORIZON_NS : (int64_t)ns;
}

static int64_t
to_ns(int64_t us)
{
    return clamp_ns((__int128)us * 1000);
}

static int64_t
to_us_up(int64_t ns)
{
    return ns / 1000 + (ns % 1000 > 0);
}

static int64_t
cost_ns(uint64_t units, int64_t step_ps)
{
    return clamp_ns(((__int128)units * step_ps + 999) / 1000);
}

static int64_t
burst_ns(const Terms *terms)
{
    return clamp_ns((__int128)terms->burst_units * terms->step_ps / 1000);
}

/* The smallest step that is not faster than `per_s`. */
static int64_t
step_of(double per_s)
{
    double step;

    if (!(per_s > 0) || isinf(per_s))
        return 0;
    step = ceil(1e12 / per_s);
    if (!(step < (double)STEP_LIMIT_PS))
        return STEP_LIMIT_PS;
    /* The quotient was rounded before it was rounded up. */
    if (fma(step, per_s, -1e12) < 0)
        step = ceil(nextafter(step, INFINITY));
    return (int64_t)step;
}

static int64_t
burst_of(double burst)
{
    if (!(burst >= 1))
        return 1;
    return (int64_t)fmin(burst, BURST_LIMIT);
}

void
hr_rate_init(HrRate *rate, double per_s, double burst)
{
    atomic_init(&rate->tat_ns, -HORIZON_NS);
    atomic_init(&rate->paused_until_us, INT64_MIN);
    atomic_init(&rate->step_ps, step_of(per_s));
    atomic_init(&rate->burst_units, burst_of(burst));
    atomic_init(&rate->version, 0);
}

static void
read_terms(const HrRate *rate, Terms *terms)
{
    for (;;) {
        terms->tat_ns = atomic_load(&rate->tat_ns);
        terms->step_ps = atomic_load(&rate->step_ps);
        terms->burst_units = atomic_load(&rate->burst_units);
        terms->version = atomic_load(&rate->version);
        if (terms->tat_ns != BEING_CHANGED &&
            terms->tat_ns == atomic_load(&rate->tat_ns))
            return;
        /* Who changes it may have been put off its processor by us. */
        if (terms->tat_ns == BEING_CHANGED)
            sched_yield();
    }
}

/* Owed is a number of units; how long they take is the rate's business. */
static int64_t
convert(const Terms *from, int64_t step_ps, int64_t now_ns)
{
    __int128 owed_ns = (__int128)from->tat_ns - now_ns;

    if (from->step_ps == 0 || step_ps == 0 || owed_ns <= 0)
        return from->tat_ns;
    owed_ns = (owed_ns * step_ps + from->step_ps - 1) / from->step_ps;
    return clamp_ns(now_ns + owed_ns);
}

void
hr_rate_set(HrRate *rate, int64_t now_us, double per_s, double burst)
{
    int64_t step_ps = step_of(per_s);
    int64_t burst_units = burst_of(burst);
    int64_t tat_ns;
    Terms terms;

    do {
        read_terms(rate, &terms);
        if (terms.step_ps == step_ps && terms.burst_units == burst_units)
            return;
    } while (!atomic_compare_exchange_weak(&rate->tat_ns, &terms.tat_ns,
                                           BEING_CHANGED));
    /* From here on nobody else changes them; somebody may have before. */
    terms.step_ps = atomic_load(&rate->step_ps);
    terms.burst_units = atomic_load(&rate->burst_units);
    terms.version = atomic_load(&rate->version);
    tat_ns = convert(&terms, step_ps, to_ns(now_us));
    /* A reservation that has read the old terms must not find its old word
     * again. */
    if (tat_ns == terms.tat_ns)
        tat_ns++;
    atomic_store(&rate->step_ps, step_ps);
    atomic_store(&rate->burst_units, burst_units);
    atomic_store(&rate->version, terms.version + 1);
    atomic_store(&rate->tat_ns, tat_ns);
}

static int64_t
later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The end of a pause is the earliest moment for everybody, and the bucket is
 * full then, not fuller: reservations made meanwhile queue up behind it. */
static Place
place(const Terms *terms, int64_t earliest_us, uint64_t units)
{
    int64_t earliest_ns = to_ns(earliest_us);
    int64_t start_ns = later(terms->tat_ns, earliest_ns);
    int64_t cost = cost_ns(units, terms->step_ps);
    int64_t spare = later(burst_ns(terms) - cost, 0);
    Place found = {.go_us = earliest_us};

    if (start_ns - spare > earliest_ns) {
        found.go_us = to_us_up(start_ns - spare);
        start_ns = later(start_ns, to_ns(found.go_us));
    }
    found.tat_ns = clamp_ns((__int128)start_ns + cost);
    /* What cannot be counted cannot be bounded. */
    if (found.tat_ns == HORIZON_NS)
        found.go_us = INT64_MAX;
    return found;
}

int64_t
hr_rate_reserve(HrRate *rate, int64_t now_us, uint64_t units,
                int64_t latest_us, HrRateTicket *ticket)
{
    int64_t earliest_us;
    Place found;
    Terms terms;

    *ticket = (HrRateTicket){.reserved = false};
    do {
        read_terms(rate, &terms);
        earliest_us = later(now_us, atomic_load(&rate->paused_until_us));
        if (terms.step_ps == 0)
            found = (Place){.go_us = earliest_us, .tat_ns = terms.tat_ns};
        else
            found = place(&terms, earliest_us, units);
        if (found.go_us > latest_us || found.go_us == INT64_MAX)
            return found.go_us;
        if (terms.step_ps == 0)
            break;
    } while (!atomic_compare_exchange_weak(&rate->tat_ns, &terms.tat_ns,
                                           found.tat_ns));
    ticket->reserved = true;
    ticket->version = terms.version;
    ticket->units = units;
    ticket->tat_ns = found.tat_ns;
    return found.go_us;
}

void
hr_rate_refund(HrRate *rate, HrRateTicket *ticket, uint64_t units)
{
    uint64_t left;
    int64_t tat_ns;
    Terms terms;

    if (!ticket->reserved)
        return;
    left = units < ticket->units ? ticket->units - units : 0;
    do {
        read_terms(rate, &terms);
        if (terms.version != ticket->version ||
            terms.tat_ns != ticket->tat_ns || terms.step_ps == 0) {
            ticket->reserved = false;
            return;
        }
        tat_ns = terms.tat_ns - cost_ns(ticket->units, terms.step_ps) +
                 cost_ns(left, terms.step_ps);
    } while (
        !atomic_compare_exchange_weak(&rate->tat_ns, &terms.tat_ns, tat_ns));
    ticket->units = left;
    ticket->tat_ns = tat_ns;
    ticket->reserved = left > 0;
}

int64_t
hr_rate_ready_at_us(const HrRate *rate, int64_t now_us)
{
    int64_t earliest_us = later(now_us, atomic_load(&rate->paused_until_us));
    Terms terms;

    read_terms(rate, &terms);
    if (terms.step_ps == 0)
        return earliest_us;
    return place(&terms, earliest_us, 1).go_us;
}

void
hr_rate_pause(HrRate *rate, int64_t until_us)
{
    int64_t current = atomic_load(&rate->paused_until_us);

    while (current < until_us &&
           !atomic_compare_exchange_weak(&rate->paused_until_us, &current,
                                         until_us)) {
    }
}
