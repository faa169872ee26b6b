/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guards: everything that watches over one endpoint, and the stages that put
 * it on the way of every request.
 *
 *     HrOperation   one logical request: operation, deadline, admission,
 *                   retry, hedge
 *     HrLeg         one attempt at it (two while hedged): breaker, rate,
 *                   limit, timeout, attempt, then the transport's own stages
 *
 * Pure: no thread, no clock, no socket.  Whoever owns the guards gives the
 * time and is told through `ready` and `alarm` when something can go on.  All
 * of it belongs to one thread, but for hr_guards_stats, hr_guards_force and
 * the budget.
 */
#ifndef HR_GUARD_GUARDS_H
#define HR_GUARD_GUARDS_H

#include <glib.h>

#include "guard/breaker.h"
#include "guard/budget.h"
#include "guard/chain.h"
#include "guard/permit.h"
#include "guard/policy.h"
#include "guard/priority.h"
#include "guard/rate-hints.h"
#include "guard/rate.h"
#include "guard/retry.h"

typedef struct HrGuards HrGuards;

/* What the guards need of the thread they live on. */
typedef struct HrGuardsHost {
    HrRandom random;

    /* Have hr_guards_tick called at that time; the last one said counts,
     * INT64_MAX is never. */
    void (*alarm)(void *data, int64_t at_us);

    /* A breaker has changed; may be NULL. */
    void (*changed)(void *data, HrOperationClass class, HrBreakerState from,
                    HrBreakerState to, int64_t now_us);
    void *data;

    /* Blobs of all endpoints of the thread wait in one line, since a copy
     * needs a place at both ends.  Outlives the guards. */
    HrLine *transfer_line;

    /* Bytes of the whole program, or NULL.  Outlives the guards. */
    HrRate *global_bytes;
} HrGuardsHost;

/* One logical request.  The first part is filled in before it is advanced. */
typedef struct HrOperation {
    HrPassage passage; /* first: stages cast */
    HrGuards *guards;
    HrOperationClass class;
    HrPriority priority;
    bool idempotent;
    unsigned most;  /* attempts at most, where the policy has more; 0: as
                       the policy has                                    */
    bool repeats;   /* false: whoever asked repeats it itself (blobs)    */
    bool parks;     /* its job can be parked: long waits are not sat out */
    bool renewable; /* new credentials can be had (HR_RETRY_REAUTH)      */
    bool small;     /* GET or HEAD of something small: may be hedged     */
    bool big;       /* a blob that takes long                            */
    bool tiny;      /* a blob that is little more than its round trip    */
    int64_t deadline_us; /* the caller's; HR_TIME_NEVER for none           */

    /* It can be advanced again.  Called while another one moves: do it
     * soon, not at once. */
    void (*ready)(void *subject);
    void *subject;

    /* Results, for whoever asked: */
    unsigned attempts;        /* sent                                      */
    HrRetryDecision decision; /* the last one                              */
    int64_t hedge_at_us;      /* INT64_MAX: not                            */

    /* The stages' own: */
    HrPriorityEntry entry;
    HrRetryState retry;
    int64_t until_us; /* total deadline */
    unsigned cost;    /* of the last retry */
    bool admitted;
    bool entering; /* moves just now: needs no telling */
    bool coming;   /* admitted, and not yet at the limit */
    int64_t admitted_us;
} HrOperation;

/* One attempt. */
typedef struct HrLeg {
    HrPassage passage; /* first: stages cast */
    HrOperation *operation;
    struct HrLeg *peer; /* the other end of a copy, or NULL */
    bool hedge;
    bool superseded; /* the other leg won: counts nowhere */
    void (*ready)(void *subject);
    void *subject;

    /* For the transport: */
    int64_t timeout_us; /* of this attempt; 0 for none */

    /* The stages' own: */
    HrBreakerTicket ticket;
    HrWaiter waiter;      /* of a single leg, or of both when it leads    */
    struct HrLeg *leader; /* whose waiter holds our place                 */
    unsigned holders;     /* legs that this one's waiter holds places for */
    bool arrived;         /* waits for its peer, or in line               */
    bool entering;        /* moves just now: needs no telling             */
    bool granted;
    bool retry;        /* under way as one */
    HrRateTicket rate; /* its place at the rate */
    int64_t rate_at_us;
    int64_t started_us;
} HrLeg;

/* Nothing moves at the leg's end just now, for its peer's sake: others may have
 * its place until something does.  Of a leg in flight; nothing if it has no
 * place of its own. */
void
hr_leg_rest(HrLeg *leg, bool resting);

/* The stages of an operation, in order; ends in NULL. */
extern const HrStage *const hr_operation_stages[];

/* The stages of a leg, for transports to put theirs behind. */
extern const HrStage hr_stage_breaker;
extern const HrStage hr_stage_rate;
extern const HrStage hr_stage_limit;
extern const HrStage hr_stage_timeout;
extern const HrStage hr_stage_attempt;

/* `policy` is copied. */
HrGuards *
hr_guards_new(const HrPolicy *policy, const HrGuardsHost *host,
              int64_t now_us);

/* Nothing passes any more. */
void
hr_guards_free(HrGuards *guards);

const HrPolicy *
hr_guards_policy(const HrGuards *guards);

/* To be called at the time that `alarm` said. */
void
hr_guards_tick(HrGuards *guards, int64_t now_us);

/* What a server said about its limits, in the headers of any answer. */
void
hr_guards_hint(HrGuards *guards, int64_t now_us, const HrRateHints *hints);

/* Sends an operation on its way: `passage` is initialised, the rest as it was
 * filled in. */
void
hr_operation_init(HrOperation *operation, HrGuards *guards);

/* A leg of an operation that has passed its stages.  `stages` as in
 * hr_passage_init. */
void
hr_leg_init(HrLeg *leg, HrOperation *operation, const HrStage *const *stages);

/* The time of the hedge has come: true if a second leg may start. */
bool
hr_operation_hedge(HrOperation *operation, int64_t now_us);

/* For repeaters outside of the chain (blobs): decides as the stage does, with
 * the same budget, and counts the retry.  From any thread. */
void
hr_guards_repeat(HrGuards *guards, HrRetryState *state,
                 const HrOutcome *outcome, uint64_t moved_bytes,
                 int64_t now_us, int64_t deadline_us, const HrRandom *random,
                 HrRetryDecision *decision);

/* By hand; from any thread. */
void
hr_guards_force(HrGuards *guards, HrOperationClass class, HrBreakerState state,
                int64_t now_us);

/* What the guards have seen and done so far; from any thread. */
typedef struct HrGuardsStats {
    HrBreakerState breaker[HR_CLASS_COUNT];
    unsigned limit[HR_CLASS_COUNT];
    unsigned in_flight[HR_CLASS_COUNT];
    unsigned waiting; /* for admission */
    unsigned budget_tokens;
    double rate; /* requests a second allowed, 0 for no limit */
    double delay_multiplier;
    uint64_t operations;
    uint64_t retries;
    uint64_t retries_refused; /* budget */
    uint64_t throttled;       /* answers */
    uint64_t rejected;        /* by an open breaker */
    uint64_t rate_waits;
    uint64_t hedges;
    uint64_t hedges_won;
    uint64_t parked; /* handed back to be tried later */
    uint64_t breaker_opened;
    uint64_t permits_acquired; /* equal to the next one when all is quiet */
    uint64_t permits_released;
} HrGuardsStats;

void
hr_guards_stats(const HrGuards *guards, HrGuardsStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrGuards, hr_guards_free)

#endif
