/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rate: never more than rate * t + burst in any interval of t (GCRA: one
 * theoretical arrival time).  Used for requests and for bytes, of one endpoint
 * and of the whole program.  One 64-bit word, changed by compare-and-exchange:
 * from any thread.
 *
 *     take n at t:  start = max(t, tat)
 *                   go at   max(t, start - max(burst - n, 0) / rate)
 *                   tat   = start + n / rate
 *
 * Everything is rounded towards less.  For that, two units of a burst of 1
 * are a whole number of microseconds apart, and a reservation costs up to a
 * nanosecond more than it should: a burst of 2 or more, and larger
 * reservations for rates above a million, keep the error below 0.1 %.
 *
 * More units than the burst are let through when nothing is owed, and all of
 * them are then owed: on an average the rate is kept, in an interval it is
 * exceeded by what the reservation is larger than the burst.  What would be
 * owed for more than a century is not let through at all.
 */
#ifndef HR_GUARD_RATE_H
#define HR_GUARD_RATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct HrRate {
    _Atomic int64_t tat_ns;          /* theoretical arrival time */
    _Atomic int64_t paused_until_us; /* Retry-After, for everybody */
    _Atomic int64_t step_ps;         /* picoseconds a unit; 0: no limit */
    _Atomic int64_t burst_units;
    _Atomic uint32_t version; /* of the two above */
} HrRate;

/* Proof of a reservation; belongs to whoever reserved. */
typedef struct HrRateTicket {
    bool reserved;
    uint32_t version;
    uint64_t units;
    int64_t tat_ns; /* as the reservation left it */
} HrRateTicket;

/* `per_s` 0: no limit. `burst` at least 1. */
void
hr_rate_init(HrRate *rate, double per_s, double burst);

/* Changes the rate from `now_us` on.  What is owed stays owed: units that
 * were let through, or were told when to go, count against the new burst and
 * are repaid at the new rate.  Times that were told stay as they are.
 * `now_us` should not be behind that of an earlier reservation: by so much
 * would the new rate start too early. */
void
hr_rate_set(HrRate *rate, int64_t now_us, double per_s, double burst);

/* Reserves `units`.  Returns when they may go: `now_us` or earlier means at
 * once.  If that would be after `latest_us` nothing is reserved and
 * ticket->reserved is false: the caller fails at once instead of waiting in
 * vain.  INT64_MAX, and nothing reserved: never.  A pause that begins later does not move what was returned; who waits
 * looks at paused_until_us again when the time has come. */
int64_t
hr_rate_reserve(HrRate *rate, int64_t now_us, uint64_t units,
                int64_t latest_us, HrRateTicket *ticket);

/* Gives back `units` (or all, if it has fewer) that `ticket` reserved and
 * that were not used.  Only what was reserved last comes back: later
 * reservations were told their times with this one in view, and whoever took
 * its place would come on top of them.  The same after hr_rate_set.  What
 * does not come back is lost, never doubled. */
void
hr_rate_refund(HrRate *rate, HrRateTicket *ticket, uint64_t units);

/* When one unit would be let through; at most `now_us` if at once. */
int64_t
hr_rate_ready_at_us(const HrRate *rate, int64_t now_us);

/* Nobody goes before: a lower bound, earlier pauses stay in force. */
void
hr_rate_pause(HrRate *rate, int64_t until_us);

#endif
