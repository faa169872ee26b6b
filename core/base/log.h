/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Log: lines on stderr, as text for people or as JSON for machines.
 *
 *   text   12:03:04 warning sync paris-to-tokyo: library/nginx:1.27: ...
 *   json   {"time":"2026-...Z","level":"warning","message":"...","call":"..."}
 *
 * Every line is one write(2) of its own, from any thread.
 */
#ifndef HR_BASE_LOG_H
#define HR_BASE_LOG_H

#include <glib.h>
#include <harbor-replicator/hr-abi.h>
#include <stdbool.h>

typedef enum HrLogFormat {
    HR_LOG_FORMAT_TEXT,
    HR_LOG_FORMAT_JSON
} HrLogFormat;

/* Sets level (HR_LOG_*), format and colour.  Before the first thread. */
void
hr_log_configure(int level, HrLogFormat format, bool colour);

bool
hr_log_enabled(int level);

/* Writes one line.  Line breaks and control characters in the message are
 * made harmless. */
void
hr_log(int level, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* As hr_log, with the correlation id of an operation (NULL for none). */
void
hr_log_call(int level, const char *correlation, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Called before and after a line is written, so that a progress bar can make
 * room.  One hook; NULL takes it away.  It must not log. */
void
hr_log_set_hook(void (*around)(bool before, void *data), void *data);

#endif
