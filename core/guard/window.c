/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Window: a ring of buckets and one total of them all.
 *
 *     leaves <- [ ][ ][ ][ ][ ] <- calls of now        total = their sum
 *      (subtracted)         newest (added)
 *
 * A bucket holds one call (count) or the calls of one part of the time.  The
 * longest call cannot be subtracted: candidates for it wait in a second ring,
 * the oldest and longest in front, each shorter than the one before it.  What
 * is not longer than a later one never becomes the longest again, so that
 * recording and looking take constant time, however large the window.
 */
#include "guard/window.h"

#include <string.h>

typedef struct Bucket {
    uint64_t calls;
    uint64_t failures;
    uint64_t slow;
    uint64_t duration_us;
} Bucket;

typedef struct Candidate {
    int64_t number; /* of its bucket */
    int64_t duration_us;
} Candidate;

struct HrWindow {
    HrWindowKind kind;
    unsigned size;
    int64_t bucket_us; /* of a time window */

    /* Buckets are numbered as they come: by time since the clock's zero, or
     * by calls.  The newest is at `place`. */
    int64_t newest;
    unsigned place;
    Bucket total;
    Bucket *buckets;

    /* At most one for each bucket. */
    Candidate *candidates;
    unsigned first;
    unsigned waiting;
};

HrWindow *
hr_window_new(HrWindowKind kind, unsigned size, int64_t span_us)
{
    HrWindow *window;

    g_return_val_if_fail(size > 0, NULL);
    g_return_val_if_fail(kind == HR_WINDOW_COUNT || span_us >= size, NULL);
    window = g_new0(HrWindow, 1);
    window->kind = kind;
    window->size = size;
    window->newest = kind == HR_WINDOW_COUNT ? 0 : INT64_MIN;
    /* Rounded up: a window forgets nothing too early. */
    if (kind == HR_WINDOW_TIME)
        window->bucket_us = span_us / size + (span_us % size != 0);
    window->buckets = g_new0(Bucket, size);
    window->candidates = g_new(Candidate, size);
    return window;
}

void
hr_window_free(HrWindow *window)
{
    if (window == NULL)
        return;
    g_free(window->buckets);
    g_free(window->candidates);
    g_free(window);
}

void
hr_window_reset(HrWindow *window)
{
    memset(window->buckets, 0, window->size * sizeof *window->buckets);
    window->total = (Bucket){0};
    window->waiting = 0;
}

static void
evict(HrWindow *window, Bucket *bucket)
{
    window->total.calls -= bucket->calls;
    window->total.failures -= bucket->failures;
    window->total.slow -= bucket->slow;
    window->total.duration_us -= bucket->duration_us;
    *bucket = (Bucket){0};
}

/* Makes `number` the newest bucket.  An empty window is not turned: its
 * buckets are all alike. */
static void
turn(HrWindow *window, int64_t number)
{
    if (number <= window->newest)
        return;
    if (window->total.calls > 0 && number - window->newest >= window->size)
        hr_window_reset(window);
    if (window->total.calls == 0)
        window->newest = number;
    while (window->newest < number) {
        window->newest++;
        window->place = (window->place + 1) % window->size;
        evict(window, &window->buckets[window->place]);
    }
    while (window->waiting > 0 &&
           number - window->candidates[window->first].number >= window->size) {
        window->first = (window->first + 1) % window->size;
        window->waiting--;
    }
}

static int64_t
number_of(const HrWindow *window, int64_t now_us)
{
    int64_t number = now_us / window->bucket_us;

    return now_us % window->bucket_us < 0 ? number - 1 : number;
}

static Candidate *
candidate(HrWindow *window, unsigned index)
{
    return &window->candidates[(window->first + index) % window->size];
}

static void
add_candidate(HrWindow *window, int64_t duration_us)
{
    while (window->waiting > 0 &&
           candidate(window, window->waiting - 1)->duration_us <= duration_us)
        window->waiting--;
    /* A longer one of the same bucket stays as long as this one would. */
    if (window->waiting > 0 &&
        candidate(window, window->waiting - 1)->number == window->newest)
        return;
    *candidate(window, window->waiting++) =
        (Candidate){window->newest, duration_us};
}

void
hr_window_record(HrWindow *window, int64_t now_us, bool failed, bool slow,
                 int64_t duration_us)
{
    Bucket *bucket;

    turn(window, window->kind == HR_WINDOW_COUNT ? window->newest + 1
                                                 : number_of(window, now_us));
    duration_us = MAX(duration_us, 0);
    bucket = &window->buckets[window->place];
    bucket->calls++;
    bucket->failures += failed;
    bucket->slow += slow;
    bucket->duration_us += (uint64_t)duration_us;
    window->total.calls++;
    window->total.failures += failed;
    window->total.slow += slow;
    window->total.duration_us += (uint64_t)duration_us;
    add_candidate(window, duration_us);
}

void
hr_window_totals(HrWindow *window, int64_t now_us, HrWindowTotals *totals)
{
    if (window->kind == HR_WINDOW_TIME)
        turn(window, number_of(window, now_us));
    *totals = (HrWindowTotals){
        .calls = window->total.calls,
        .failures = window->total.failures,
        .slow = window->total.slow,
        .duration_us = window->total.duration_us,
        .longest_us =
            window->waiting > 0 ? candidate(window, 0)->duration_us : 0,
    };
}
