/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Priority: a queue that lets the urgent through and starves nobody. */
#include "guard/priority.h"

#include <stddef.h>
#include <string.h>

#define MS INT64_C(1000)
#define SECOND (1000 * MS)

/* Whoever waited so long is served as the next higher class. */
#define AGEING_US (300 * SECOND)

/* While overloaded, one turn in so many is the parked class's. */
#define PARKED_SHARE 20u

/* Turns of a round. */
static const int weights[HR_PRIORITY_COUNT] = {8, 4, 2, 1};

/* CoDel: a delay over the target for the whole interval is a queue that does
 * not drain, not a burst. */
static const struct {
    int64_t target_us;
    int64_t interval_us;
} delays[HR_PRIORITY_COUNT] = {
    {50 * MS, 100 * MS},
    {100 * MS, SECOND},
    {SECOND, 10 * SECOND},
    {5 * SECOND, 30 * SECOND},
};

void
hr_priority_init(HrPriorityQueue *queue)
{
    memset(queue, 0, sizeof *queue);
}

static void
unlink_entry(HrPriorityList *list, HrPriorityEntry *entry)
{
    if (entry->previous != NULL)
        entry->previous->next = entry->next;
    else
        list->first = entry->next;
    if (entry->next != NULL)
        entry->next->previous = entry->previous;
    else
        list->last = entry->previous;
    entry->next = NULL;
    entry->previous = NULL;
    list->length--;
}

/* Behind all that joined no later: mostly at the end. */
static void
link_entry(HrPriorityList *list, HrPriorityEntry *entry)
{
    HrPriorityEntry *before = list->last;

    while (before != NULL && before->since_us > entry->since_us)
        before = before->previous;
    entry->previous = before;
    entry->next = before != NULL ? before->next : list->first;
    if (entry->next != NULL)
        entry->next->previous = entry;
    else
        list->last = entry;
    if (before != NULL)
        before->next = entry;
    else
        list->first = entry;
    list->length++;
}

void
hr_priority_push(HrPriorityQueue *queue, HrPriorityEntry *entry,
                 HrPriority priority, int64_t now_us)
{
    entry->since_us = now_us;
    entry->asked = priority;
    entry->served_as = priority;
    entry->queued = true;
    link_entry(&queue->lists[priority], entry);
    queue->length++;
}

void
hr_priority_remove(HrPriorityQueue *queue, HrPriorityEntry *entry)
{
    if (!entry->queued)
        return;
    unlink_entry(&queue->lists[entry->served_as], entry);
    entry->queued = false;
    queue->length--;
}

static void
serve_as(HrPriorityQueue *queue, HrPriorityEntry *entry, HrPriority priority)
{
    unlink_entry(&queue->lists[entry->served_as], entry);
    entry->served_as = priority;
    link_entry(&queue->lists[priority], entry);
}

void
hr_priority_raise(HrPriorityQueue *queue, HrPriorityEntry *entry,
                  HrPriority priority)
{
    if (!entry->queued || entry->asked <= priority)
        return;
    entry->asked = priority;
    if (entry->served_as > priority)
        serve_as(queue, entry, priority);
}

/* The first of a list has waited longest of it. */
static void
age(HrPriorityQueue *queue, int64_t now_us)
{
    for (int level = HR_PRIORITY_COUNT - 1; level > 0; level--) {
        HrPriorityEntry *entry;

        while ((entry = queue->lists[level].first) != NULL) {
            int risen = (int)entry->asked - level + 1;

            if (now_us - entry->since_us < risen * AGEING_US)
                break;
            serve_as(queue, entry, (HrPriority)(level - 1));
        }
    }
}

/* The least urgent class that waits, if there is a more urgent one: or -1. */
static int
find_parked(const HrPriorityQueue *queue)
{
    int lowest = -1;
    unsigned waiting = 0;

    for (int level = 0; level < HR_PRIORITY_COUNT; level++)
        if (queue->lists[level].length > 0) {
            lowest = level;
            waiting++;
        }
    return waiting > 1 ? lowest : -1;
}

/* The most urgent class whose turns are not spent; a new round begins when all
 * are. */
static int
choose(HrPriorityQueue *queue, int parked)
{
    for (unsigned round = 0; round < 2; round++) {
        for (int level = 0; level < HR_PRIORITY_COUNT; level++)
            if (queue->lists[level].length > 0 && level != parked &&
                queue->lists[level].deficit > 0)
                return level;
        for (int level = 0; level < HR_PRIORITY_COUNT; level++)
            queue->lists[level].deficit = weights[level];
    }
    return parked;
}

static void
note_delay(HrPriorityQueue *queue, const HrPriorityEntry *entry,
           int64_t now_us)
{
    int level = (int)entry->asked;
    int64_t *above = &queue->above_since_us[level];

    if (now_us - entry->since_us <= delays[level].target_us)
        *above = 0;
    else if (*above == 0)
        *above = now_us;
    queue->overloaded = false;
    for (int i = 0; i < HR_PRIORITY_COUNT; i++)
        if (queue->above_since_us[i] != 0 &&
            now_us - queue->above_since_us[i] >= delays[i].interval_us)
            queue->overloaded = true;
}

HrPriorityEntry *
hr_priority_pop(HrPriorityQueue *queue, int64_t now_us)
{
    HrPriorityEntry *entry;
    int parked = -1;
    int level;

    if (queue->length == 0) {
        memset(queue->above_since_us, 0, sizeof queue->above_since_us);
        queue->overloaded = false;
        return NULL;
    }
    age(queue, now_us);
    if (queue->overloaded)
        parked = find_parked(queue);
    if (parked >= 0 && ++queue->turn % PARKED_SHARE == 0) {
        level = parked;
    } else {
        queue->parked_turns += parked >= 0;
        level = choose(queue, parked);
    }
    entry = queue->lists[level].first;
    queue->lists[level].deficit--;
    hr_priority_remove(queue, entry);
    note_delay(queue, entry, now_us);
    return entry;
}

unsigned
hr_priority_length(const HrPriorityQueue *queue)
{
    return queue->length;
}

bool
hr_priority_overloaded(const HrPriorityQueue *queue)
{
    return queue->overloaded;
}

const char *
hr_priority_name(HrPriority priority)
{
    static const char *const names[] = {"interactive", "security", "normal",
                                        "bulk"};

    return names[priority];
}
