/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Priority: a queue that lets the urgent through under load and starves
 * nobody.
 *
 *     interactive  before all, up to its quota of turns
 *     security     then, likewise
 *     normal, bulk share by weight (deficit round robin 8 : 4 : 2 : 1 over all
 *                  four where quotas are spent)
 *
 * Whoever waits five minutes is served as the next higher class.  When the
 * delay in the queue stays over its target for an interval (CoDel: 50 ms over
 * 100 ms for interactive, 5 s over 30 s for bulk), the queue is overloaded and
 * holds its lowest class back ("parked"), but for a twentieth of the turns; it
 * drops nothing, ever.
 *
 * Entries are embedded in what waits; the queue owns nothing.
 */
#ifndef HR_GUARD_PRIORITY_H
#define HR_GUARD_PRIORITY_H

#include "guard/outcome.h"

typedef struct HrPriorityEntry {
    struct HrPriorityEntry *next;
    struct HrPriorityEntry *previous;
    int64_t since_us;     /* joined */
    HrPriority asked;     /* as it joined or was raised */
    HrPriority served_as; /* after ageing; the list that it is in */
    bool queued;
} HrPriorityEntry;

typedef struct HrPriorityList {
    HrPriorityEntry *first;
    HrPriorityEntry *last;
    unsigned length;
    int deficit;
} HrPriorityList;

typedef struct HrPriorityQueue {
    HrPriorityList lists[HR_PRIORITY_COUNT];
    unsigned length;
    unsigned turn;
    /* Queue delay, for the signal of overload: */
    int64_t above_since_us[HR_PRIORITY_COUNT]; /* 0: not above the target */
    bool overloaded;
    uint64_t parked_turns;
} HrPriorityQueue;

void
hr_priority_init(HrPriorityQueue *queue);

void
hr_priority_push(HrPriorityQueue *queue, HrPriorityEntry *entry,
                 HrPriority priority, int64_t now_us);

/* The next one, taken out; NULL if the queue is empty, never because of
 * overload alone: if only parked ones are left they are served. */
HrPriorityEntry *
hr_priority_pop(HrPriorityQueue *queue, int64_t now_us);

/* Takes one out of turn; nothing if it is not queued. */
void
hr_priority_remove(HrPriorityQueue *queue, HrPriorityEntry *entry);

/* Somebody more urgent waits for this entry: it inherits that priority, and
 * keeps its place in time.  Nothing if it is as urgent already. */
void
hr_priority_raise(HrPriorityQueue *queue, HrPriorityEntry *entry,
                  HrPriority priority);

unsigned
hr_priority_length(const HrPriorityQueue *queue);

bool
hr_priority_overloaded(const HrPriorityQueue *queue);

const char *
hr_priority_name(HrPriority priority);

#endif
