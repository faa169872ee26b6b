/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Progress: what a pass has done so far, as numbers that workers add to and
 * one line that the terminal shows.
 */
#ifndef HR_OBSERVE_PROGRESS_H
#define HR_OBSERVE_PROGRESS_H

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Added to from any thread. */
typedef struct HrProgress {
    atomic_bool running;                /* begun, and not ended           */
    atomic_uint_least64_t repositories; /* listed so far                  */
    atomic_uint_least64_t checked;      /* tags compared                  */
    atomic_uint_least64_t planned;      /* changes to make                */
    atomic_uint_least64_t done;         /* changes made, or given up      */
    atomic_uint_least64_t failed;
    atomic_uint_least64_t parked;        /* times that a job was put off   */
    atomic_uint_least64_t bytes;         /* of blobs and manifests written */
    atomic_uint_least64_t planned_bytes; /* known to be needed so far     */
} HrProgress;

typedef struct HrProgressBar HrProgressBar;

/* A bar on `fd` (stderr).  Draws nothing unless `enabled`; the caller decides
 * by isatty, TERM, -q.  Makes room for log lines by itself. */
HrProgressBar *
hr_progress_bar_new(int fd, bool enabled, bool colour);

/* Draws the state; at most ten times a second, however often it is called.
 * Main thread. */
void
hr_progress_bar_draw(HrProgressBar *bar, const char *title,
                     const HrProgress *progress);

/* Takes the bar off the terminal. */
void
hr_progress_bar_clear(HrProgressBar *bar);

void
hr_progress_bar_free(HrProgressBar *bar);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrProgressBar, hr_progress_bar_free)

#endif
