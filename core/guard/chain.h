/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Chain: the one order in which everything that is asked of an endpoint passes
 * the guards.
 *
 *     operation  deadline  admission  retry  hedge         once for each
 *          |                            ^                  operation
 *          v                            |again
 *     breaker  rate  limit  timeout  attempt  [transport]  once for each
 *                                                          attempt
 *
 * A stage is entered on the way in and left, in reverse order, on the way out:
 * exactly once for each time it let something in, whatever happens in between.
 * Streams tell the stages inside of them what comes back: headers, data,
 * trailers, close.  The chain knows neither HTTP nor a clock; a transport puts
 * its own stages behind ours and moves passages on.
 */
#ifndef HR_GUARD_CHAIN_H
#define HR_GUARD_CHAIN_H

#include "guard/outcome.h"

typedef struct HrPassage HrPassage;

typedef enum HrStep {
    HR_STEP_ON,   /* in, or out: go on                                      */
    HR_STEP_WAIT, /* not yet: at `at_us`, or when woken                     */
    HR_STEP_STOP  /* refused: `outcome` says why                            */
} HrStep;

/* All functions may be NULL: then the stage lets everything through. */
typedef struct HrStage {
    const char *name;

    /* Asked again after every WAIT, until it says ON or STOP. */
    HrStep (*enter)(HrPassage *passage, int64_t now_us);

    /* The passage goes away while it waits at this stage. */
    void (*abandon)(HrPassage *passage, int64_t now_us);

    /* Once for each enter that said ON.  `outcome` is what became of it.
     * WAIT sends the passage in again, from the next stage on, at `at_us`;
     * not heeded when the passage is cancelled. */
    HrStep (*exit)(HrPassage *passage, int64_t now_us);

    /* What a stream brings back, from the innermost stage outward. */
    void (*headers)(HrPassage *passage, int64_t now_us);

    /* Returns until when the stream should pause; 0 for not at all. */
    int64_t (*data)(HrPassage *passage, int64_t now_us, uint64_t bytes);
    void (*trailers)(HrPassage *passage, int64_t now_us);
    void (*close)(HrPassage *passage, int64_t now_us);
} HrStage;

/* One way through (a part of) the chain; embedded in what takes it. */
struct HrPassage {
    const HrStage *const *stages; /* ends in NULL */
    unsigned depth;               /* stages entered */
    bool waiting;                 /* at stages[depth] */
    bool cancelled;
    int64_t
        at_us; /* while waiting: when to ask again; INT64_MAX: when woken */
    HrOutcome outcome;
};

void
hr_passage_init(HrPassage *passage, const HrStage *const *stages);

/* Goes in as far as possible.  ON: all stages are entered.  WAIT: advance it
 * again at `at_us` or when woken.  STOP: leave it now. */
HrStep
hr_passage_advance(HrPassage *passage, int64_t now_us);

/* Comes out with `outcome` set.  ON: all stages are left.  WAIT: a stage wants
 * it to go in again: advance it at `at_us`; nothing inside of that stage is
 * held meanwhile. */
HrStep
hr_passage_leave(HrPassage *passage, int64_t now_us);

/* Comes out only as far as `stage`, which is left as well, with `outcome` set:
 * another attempt that keeps what lies outside of it. */
void
hr_passage_back(HrPassage *passage, const HrStage *stage, int64_t now_us);

/* Comes out for good, from wherever it is. */
void
hr_passage_cancel(HrPassage *passage, int64_t now_us);

void
hr_passage_headers(HrPassage *passage, int64_t now_us);

/* Until when the stream should pause; 0 for not at all. */
int64_t
hr_passage_data(HrPassage *passage, int64_t now_us, uint64_t bytes);

void
hr_passage_trailers(HrPassage *passage, int64_t now_us);

void
hr_passage_close(HrPassage *passage, int64_t now_us);

#endif
