/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Side by side: several passes at once.
 *
 *     main      signals, ticks, the terminal; waits until all have ended
 *     pass 0    drives the first: submits jobs and waits for them
 *     pass 1    drives the second, and so on up to the limit; whoever is
 *               done takes the next
 *
 * The threads do no work of their own: that is for the workers.
 */
#ifndef HR_APP_SIDE_BY_SIDE_H
#define HR_APP_SIDE_BY_SIDE_H

#include "sync/pass.h"

/* A pass, and what drives it from its beginning to its end. */
typedef struct HrDriven {
    HrPass *pass;
    void (*drive)(void *data); /* on a thread of its own */
    void *data;
} HrDriven;

/* Drives `count` passes, begun in their order, at most `limit` at once.  Calls
 * `tick` on this thread meanwhile, and returns when all have ended. */
void
hr_side_by_side_run(const HrDriven *passes, unsigned count, unsigned limit,
                    void (*tick)(void *data), void *tick_data);

#endif
