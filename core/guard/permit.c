/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Permits: lines before gates. */
#include "guard/permit.h"

#include <stddef.h>

/* So often a waiter may be overtaken by those who find room where it does
 * not. */
#define OVERTAKEN_LIMIT 32

/* Big ones in a row after which no place is kept for small ones. */
#define KEPT_LIMIT 8

static bool
has_room(const HrGate *gate, unsigned parts)
{
    return gate == NULL || gate->taken + parts <= gate->limit;
}

static bool
lets_in(const HrGate *gate, const HrWaiter *waiter)
{
    bool keeps = gate != NULL && waiter->big && gate->kept > 0 &&
                 gate->limit >= 2 * waiter->parts;

    return has_room(gate, keeps ? 2 * waiter->parts : waiter->parts);
}

static bool
may_enter(const HrWaiter *waiter)
{
    return lets_in(waiter->gates[0], waiter) &&
           lets_in(waiter->gates[1], waiter);
}

static void
take_places(const HrWaiter *waiter)
{
    for (unsigned i = 0; i < 2; i++)
        if (waiter->gates[i] != NULL)
            waiter->gates[i]->taken += waiter->parts;
}

static void
give_places(const HrWaiter *waiter)
{
    for (unsigned i = 0; i < 2; i++)
        if (waiter->gates[i] != NULL && !waiter->lent[i])
            waiter->gates[i]->taken -= waiter->parts;
}

static void
note_size(const HrWaiter *waiter)
{
    for (unsigned i = 0; i < 2; i++) {
        HrGate *gate = waiter->gates[i];

        if (gate != NULL && waiter->big)
            gate->kept -= gate->kept > 0;
        else if (gate != NULL)
            gate->kept = KEPT_LIMIT;
    }
}

/* Takes the waiter after `before` (NULL: the first) out of the line. */
static HrWaiter *
unlink_after(HrLine *line, HrWaiter *before)
{
    HrWaiter *waiter = before != NULL ? before->next : line->first;

    if (before != NULL)
        before->next = waiter->next;
    else
        line->first = waiter->next;
    if (line->last == waiter)
        line->last = before;
    waiter->next = NULL;
    return waiter;
}

/* Those before `who` were passed since a gate of theirs is full. */
static void
note_overtaking(HrLine *line, const HrWaiter *who)
{
    for (HrWaiter *waiter = line->first; waiter != who;
         waiter = waiter->next) {
        if (++waiter->overtaken >= OVERTAKEN_LIMIT && waiter->claimed == NULL)
            waiter->claimed = has_room(waiter->gates[0], waiter->parts)
                                  ? waiter->gates[1]
                                  : waiter->gates[0];
    }
}

/* While there is room behind the claimed gate it claims its other one too:
 * who needs several parts would never find them free at once. */
static bool
claims(const HrWaiter *waiter, const HrGate *gate)
{
    if (waiter->claimed == NULL || gate == NULL)
        return false;
    if (waiter->claimed == gate)
        return true;
    return (waiter->gates[0] == gate || waiter->gates[1] == gate) &&
           lets_in(waiter->claimed, waiter);
}

/* True if a gate of the waiter's is claimed by one before it. */
static bool
is_claimed_before(const HrLine *line, const HrWaiter *who)
{
    for (const HrWaiter *waiter = line->first; waiter != who;
         waiter = waiter->next)
        if (claims(waiter, who->gates[0]) || claims(waiter, who->gates[1]))
            return true;
    return false;
}

/* The first that may enter, taken out of the line; or NULL. */
static HrWaiter *
next_to_enter(HrLine *line)
{
    HrWaiter *before = NULL;

    for (HrWaiter *waiter = line->first; waiter != NULL;
         waiter = waiter->next) {
        if (may_enter(waiter) && !is_claimed_before(line, waiter)) {
            note_overtaking(line, waiter);
            return unlink_after(line, before);
        }
        before = waiter;
    }
    return NULL;
}

static void
move(HrLine *line)
{
    HrWaiter *waiter;

    /* Whoever enters may leave at once: no recursion. */
    line->again = true;
    if (line->moving)
        return;
    line->moving = true;
    while (line->again) {
        line->again = false;
        while ((waiter = next_to_enter(line)) != NULL) {
            waiter->state = HR_WAITER_INSIDE;
            take_places(waiter);
            note_size(waiter);
            waiter->enter(waiter->data);
        }
    }
    line->moving = false;
}

static bool
goes_before(const HrWaiter *one, const HrWaiter *other)
{
    return one->rank < other->rank ||
           (one->rank == other->rank && !one->big && other->big);
}

/* Before the first that is less urgent, unless it was overtaken too often. */
static void
insert(HrLine *line, HrWaiter *waiter)
{
    HrWaiter *before = line->last;

    if (before != NULL && goes_before(waiter, before)) {
        before = NULL;
        for (HrWaiter *other = line->first;
             other != NULL && (!goes_before(waiter, other) ||
                               other->overtaken >= OVERTAKEN_LIMIT);
             other = other->next)
            before = other;
    }
    waiter->next = before != NULL ? before->next : line->first;
    if (before != NULL)
        before->next = waiter;
    else
        line->first = waiter;
    if (waiter->next == NULL)
        line->last = waiter;
    for (HrWaiter *other = waiter->next; other != NULL; other = other->next)
        other->overtaken++;
}

void
hr_line_join(HrLine *line, HrWaiter *waiter)
{
    waiter->overtaken = 0;
    waiter->claimed = NULL;
    waiter->lent[0] = waiter->lent[1] = false;
    waiter->state = HR_WAITER_WAITING;
    insert(line, waiter);
    move(line);
}

void
hr_line_leave(HrLine *line, HrWaiter *waiter)
{
    HrWaiter *before = NULL;

    if (waiter->state == HR_WAITER_WAITING) {
        for (HrWaiter *other = line->first; other != waiter;
             other = other->next)
            before = other;
        unlink_after(line, before);
    } else if (waiter->state == HR_WAITER_INSIDE) {
        give_places(waiter);
    }
    waiter->state = HR_WAITER_OUTSIDE;
    move(line);
}

void
hr_line_lend(HrLine *line, HrWaiter *waiter, const HrGate *gate, bool lent)
{
    for (unsigned i = 0; i < 2; i++) {
        if (waiter->state != HR_WAITER_INSIDE || waiter->gates[i] != gate ||
            waiter->lent[i] == lent)
            continue;
        waiter->lent[i] = lent;
        if (lent)
            waiter->gates[i]->taken -= waiter->parts;
        else
            waiter->gates[i]->taken += waiter->parts;
    }
    if (lent)
        move(line);
}

void
hr_line_look(HrLine *line)
{
    move(line);
}
