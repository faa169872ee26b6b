/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Permits: how much may be under way at once.
 *
 *     join --> [ line, by rank, then in turn ] --gates have room--> enter
 *                                    leave, give back <-- done <-------'
 *
 * A waiter names one or two gates and takes both or none, so that two ends
 * can never hold one permit each and wait for the other.
 *
 * Others pass a waiter whose other gate is full, or that needs more room than
 * they do.  Passed too often, it claims the gate that it was waiting for:
 * nobody else goes through that one before it, nor, once it has room there,
 * through its other one, and so it gets in sooner or later.  Until then the
 * other gate stays open to all, or whatever is slow behind one gate would hold
 * up everybody at the other.
 *
 * Big ones stay for long.  For some time after a small one was there they
 * leave the last place to the next, if the gate has more than one.
 *
 * Who waits for what is behind the other gate can lend its permit of this one
 * to those in line, and takes it back without waiting: for a while more may be
 * inside then than the gate has room for.  Everything here belongs to one
 * thread.
 */
#ifndef HR_GUARD_PERMIT_H
#define HR_GUARD_PERMIT_H

#include <stdbool.h>

typedef struct HrGate {
    unsigned limit; /* parts */
    unsigned taken;
    unsigned kept; /* how many more big ones leave a place to small ones */
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
    unsigned parts;   /* what it takes of each gate's room           */
    bool big;         /* of equal ones goes after those that are not */
    void (*enter)(void *data);
    void *data;
    unsigned overtaken;
    const HrGate *claimed; /* passed too often; NULL: not (yet) */
    HrWaiterState state;
    bool lent[2]; /* of the gates */
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

/* Lends the permit of one of its gates, or takes it back.  Nothing if it is
 * not inside, or it is so already. */
void
hr_line_lend(HrLine *line, HrWaiter *waiter, const HrGate *gate, bool lent);

/* A gate's limit has grown: whoever can, enters. */
void
hr_line_look(HrLine *line);

#endif
