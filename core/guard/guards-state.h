/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of the guards of one endpoint.  Internal to core/guard. */
#ifndef HR_GUARD_GUARDS_STATE_H
#define HR_GUARD_GUARDS_STATE_H

#include <stdatomic.h>

#include "guard/climb.h"
#include "guard/cubic.h"
#include "guard/guards.h"
#include "guard/hedge.h"
#include "guard/limit.h"
#include "guard/resume.h"
#include "guard/streak.h"

/* A place of a blob; something tiny takes one of its parts.  Tiny blobs wait
 * for round trips and leave the link idle: the sixteen that four places make
 * are as many as there are metadata requests at once. */
#define HR_PLACE_PARTS 4u

/* Counters that others read while the owner counts. */
typedef struct HrGuardCounters {
    atomic_uint_fast64_t operations;
    atomic_uint_fast64_t retries;
    atomic_uint_fast64_t throttled;
    atomic_uint_fast64_t rejected;
    atomic_uint_fast64_t rate_waits;
    atomic_uint_fast64_t hedges;
    atomic_uint_fast64_t hedges_won;
    atomic_uint_fast64_t parked;
    atomic_uint_fast64_t breaker_opened;
    atomic_uint_fast64_t acquired;
    atomic_uint_fast64_t released;
    atomic_uint limit[HR_CLASS_COUNT];
    atomic_uint in_flight[HR_CLASS_COUNT];
    atomic_uint waiting;
    atomic_uint multiplier_percent;
    atomic_uint_fast64_t rate_milli; /* requests a second, thousandths */
} HrGuardCounters;

/* What one class has for itself. */
typedef struct HrClassGuards {
    HrGuards *guards; /* for the breaker's callback */
    HrOperationClass class;
    HrBreaker *breaker;
    HrLimit *limit; /* NULL for blobs */
    HrGate gate;
    HrPriorityQueue queue; /* operations before admission */
    unsigned coming;       /* admitted, and not yet at the gate */
} HrClassGuards;

struct HrGuards {
    HrPolicy policy;
    HrGuardsHost host;
    HrClassGuards classes[HR_CLASS_COUNT];
    HrClimb *climb;
    HrGate all; /* metadata of all classes but tokens: those who hold its
                   places may be waiting for a token */
    HrLine line;
    HrLine auth_line;
    HrBudget budget;
    HrRate requests;
    HrRate bytes;
    HrCubic cubic;
    HrHedge *hedge;
    HrStreak streak;
    HrResume resume;
    atomic_bool back;  /* a breaker has closed, on whatever thread        */
    double failing;    /* share of the last answers, smoothed             */
    double pace_per_s; /* what `requests` is set to; 0: no limit          */
    /* What the server's headers leave until then; 0: nothing said. */
    double announced_per_s;
    int64_t announced_until_us;
    int64_t alarm_us;
    bool pulling;
    HrGuardCounters counters;
};

/* Lets operations in while there is room. */
void
hr_guards_pull(HrGuards *guards, int64_t now_us);

/* Brings a gate's limit up to date. */
void
hr_guards_refresh_limit(HrGuards *guards, HrOperationClass class,
                        int64_t now_us);

/* Brings the rate of requests up to date: the slowest of what is configured,
 * announced, learned from refusals, and known from before an outage. */
void
hr_guards_set_pace(HrGuards *guards, int64_t now_us);

void
hr_guards_set_alarm(HrGuards *guards, int64_t at_us);

static inline unsigned
hr_place_parts(HrOperationClass class)
{
    return class == HR_CLASS_BLOB ? HR_PLACE_PARTS : 1;
}

static inline HrLine *
hr_guards_line(HrGuards *guards, HrOperationClass class)
{
    if (class == HR_CLASS_BLOB)
        return guards->host.transfer_line;
    return class == HR_CLASS_AUTH ? &guards->auth_line : &guards->line;
}

/* The operation that an admission entry is part of. */
static inline HrOperation *
hr_operation_of_entry(HrPriorityEntry *entry)
{
    return (HrOperation *)((char *)entry - offsetof(HrOperation, entry));
}

#endif
