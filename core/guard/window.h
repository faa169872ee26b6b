/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Window: how the last calls went.  Two kinds behind one interface: the last
 * N calls, or the last T in N buckets.  Totals are kept by subtracting what
 * leaves; recording and looking both turn the window, so that an idle one
 * empties without a timer.  Time that goes backwards counts as standing.
 */
#ifndef HR_GUARD_WINDOW_H
#define HR_GUARD_WINDOW_H

#include <glib.h>

#include "guard/policy.h"

typedef struct HrWindow HrWindow;

typedef struct HrWindowTotals {
    uint64_t calls;
    uint64_t failures;
    uint64_t slow;
    uint64_t duration_us; /* sum */
    int64_t longest_us;
} HrWindowTotals;

/* `size` buckets (time) or calls (count), at least 1; `span_us` of the whole
 * time window, at least `size`. */
HrWindow *
hr_window_new(HrWindowKind kind, unsigned size, int64_t span_us);

void
hr_window_free(HrWindow *window);

void
hr_window_record(HrWindow *window, int64_t now_us, bool failed, bool slow,
                 int64_t duration_us);

void
hr_window_totals(HrWindow *window, int64_t now_us, HrWindowTotals *totals);

void
hr_window_reset(HrWindow *window);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrWindow, hr_window_free)

#endif
