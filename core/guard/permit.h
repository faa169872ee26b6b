/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Permits: how many things may be under way at once.
 *
 *     join --> [ line, by rank, then in turn ] --gates have room--> enter
 *                                    leave, give back <-- done <-------'
 *
 * A waiter names one or two gates and takes both or none, so that two ends
 * can never hold one permit each and wait for the other.  Everything here
 * belongs to one thread.
 */
#ifndef HR_GUARD_PERMIT_H
#define HR_GUARD_PERMIT_H

#include <stdbool.h>

typedef struct HrGate {
    unsigned limit;
    unsigned taken;
} HrGate;

typedef enum HrWaiterState {
    HR_WAITER_OUTSIDE,
    HR_WAITER_WAITING,
    HR_WAITER_INSIDE
} HrWaiterState;

/* Embedded in what waits. */
typedef struct HrWaiter {
    struct HrWaiter *next;
    HrGate *gates[2]; /* the second may be NULL */
    unsigned rank;    /* smaller ones go first; equal ones in turn */
    void (*enter)(void *data);
    void *data;
    unsigned overtaken;
    HrWaiterState state;
} HrWaiter;

typedef struct HrLine {
    HrWaiter *first;
    HrWaiter *last;
    bool moving;
    bool again;
} HrLine;

/* Queues a waiter that is outside; `enter` runs before this returns if there
 * is room. */
void
hr_line_join(HrLine *line, HrWaiter *waiter);

/* Gives back what a waiter has, place or permits; whoever can, enters.
 * Nothing if it is outside. */
void
hr_line_leave(HrLine *line, HrWaiter *waiter);

/* A gate's limit has grown: whoever can, enters. */
void
hr_line_look(HrLine *line);

#endif
