/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Circuit breaker: stop asking an endpoint that keeps failing.
 *
 *     closed --(too many failures)--> open --(open time)--> half-open
 *        ^                              ^                       |
 *        |                              +--(failure, time out)--+
 *        +------------------(enough successes)------------------+
 *
 *     forced-open and disabled are set by hand and left by hand
 *
 * One for each endpoint and class.  It owns no thread and no timer: every
 * question carries the time.  State (8 bits) and generation (56 bits) are one
 * atomic word, changed by compare-and-exchange only: one winner runs the
 * change's callback, and what was asked in an earlier generation counts
 * nowhere.  The windows belong to the loop; the state can be read, and forced,
 * from any thread.
 */
#ifndef HR_GUARD_BREAKER_H
#define HR_GUARD_BREAKER_H

#include <glib.h>

#include "guard/window.h"

typedef struct HrBreaker HrBreaker;

typedef enum HrBreakerState {
    HR_BREAKER_CLOSED,
    HR_BREAKER_OPEN,
    HR_BREAKER_HALF_OPEN,
    HR_BREAKER_FORCED_OPEN,
    HR_BREAKER_DISABLED
} HrBreakerState;

/* Proof that a call was let in; belongs to the call, given back once. */
typedef struct HrBreakerTicket {
    uint64_t generation;
    bool held;
    bool probe;
} HrBreakerTicket;

typedef void (*HrBreakerChange)(void *data, HrBreakerState from,
                                HrBreakerState to, int64_t now_us);

/* `change` (may be NULL) is run by whoever brought the change about. */
HrBreaker *
hr_breaker_new(const HrBreakerPolicy *policy, const HrRandom *random,
               HrBreakerChange change, void *data);

void
hr_breaker_free(HrBreaker *breaker);

/* May a call go?  True: `ticket` is held.  False: *retry_at_us is when to ask
 * again (INT64_MAX: forced open).  `first` is false for a retry.  Nothing
 * half-open is handed out beyond the policy's probes, and of these one first,
 * the others when it has come back; a half-open breaker whose probes do not
 * come back opens again, and their late answers count nowhere. */
bool
hr_breaker_enter(HrBreaker *breaker, int64_t now_us, bool first,
                 HrBreakerTicket *ticket, int64_t *retry_at_us);

/* The call has ended; a ticket that is not held is ignored.  Local outcomes
 * give a probe's place back and count nowhere. */
void
hr_breaker_exit(HrBreaker *breaker, int64_t now_us, HrBreakerTicket *ticket,
                const HrOutcome *outcome);

HrBreakerState
hr_breaker_state(const HrBreaker *breaker);

/* The state as of now: an open one whose time is up shows as half-open. */
HrBreakerState
hr_breaker_state_at(const HrBreaker *breaker, int64_t now_us);

/* When an open one lets probes in; 0 if it is not open. */
int64_t
hr_breaker_retry_at_us(const HrBreaker *breaker);

/* Sets FORCED_OPEN, DISABLED, CLOSED (from anything), from any thread. */
void
hr_breaker_force(HrBreaker *breaker, HrBreakerState state, int64_t now_us);

const char *
hr_breaker_state_name(HrBreakerState state);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrBreaker, hr_breaker_free)

#endif
