/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Progress bar: how far all running passes are, for whoever watches.
 *
 *     bar   on a terminal: a line for each of them, drawn anew ten times a
 *           second; one line for all together if they are too many
 *     log   elsewhere: a line of log for each, twice a minute
 */
#ifndef HR_OBSERVE_PROGRESS_BAR_H
#define HR_OBSERVE_PROGRESS_BAR_H

#include <glib.h>

#include "observe/progress.h"

typedef struct HrProgressBar HrProgressBar;

typedef enum HrProgressStyle {
    HR_PROGRESS_NONE,
    HR_PROGRESS_LOG,
    HR_PROGRESS_BAR
} HrProgressStyle;

/* A bar on `fd` (stderr); the caller decides by isatty, TERM, -q.  Makes room
 * for log lines by itself. */
HrProgressBar *
hr_progress_bar_new(int fd, HrProgressStyle style, bool colour);

/* Shows a pass while it runs; `title` and `progress` outlive the bar. */
void
hr_progress_bar_add(HrProgressBar *bar, const char *title,
                    const HrProgress *progress);

/* Shows how things are at `now_us` (monotonic); however often it is called, no
 * more is written than is said above.  Main thread. */
void
hr_progress_bar_draw(HrProgressBar *bar, int64_t now_us);

/* Takes the bar off the terminal. */
void
hr_progress_bar_clear(HrProgressBar *bar);

void
hr_progress_bar_free(HrProgressBar *bar);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrProgressBar, hr_progress_bar_free)

#endif
