/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts that people write and read: sizes, durations, near names. */
#ifndef HR_BASE_TEXT_H
#define HR_BASE_TEXT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* "512", "64KiB", "5GiB", "1.5MB" to bytes.  Units: B, kB, MB, GB, TB (powers
 * of 1000), KiB, MiB, GiB, TiB (of 1024).  A part of a byte is cut off, and
 * digits after the ninth of a fraction do not count.  HR_INVALID with a
 * sentence if it is not a size or over INT64_MAX. */
bool
hr_text_parse_size(const char *text, int64_t *bytes, GError **error);

/* "250ms", "10s", "5m", "1h30m", "2d" to milliseconds: the sum of its parts,
 * each with d, h, m, s or ms.  A number without unit is refused, except 0, and
 * so is more than 36500 days. */
bool
hr_text_parse_duration(const char *text, int64_t *ms, GError **error);

/* "1.5 GiB", "312 B": three digits at most before the unit.  Caller frees. */
char *
hr_text_format_size(int64_t bytes);

/* "40 ms", "0.8 s", "3 min 20 s", "2 h 5 min".  Caller frees. */
char *
hr_text_format_duration(int64_t us);

/* The candidate nearest to `name` by edit distance, or NULL if none is near
 * enough to be a typing mistake.  `candidates` ends in NULL; borrowed. */
const char *
hr_text_nearest(const char *name, const char *const *candidates);

/* A URL with user info and query values hidden and the fragment gone, fit for
 * logs: "user:pw@host/path?digest=x#end" becomes "***@host/path?digest=***".
 * Caller frees. */
char *
hr_text_redact_url(const char *url);

/* Appends `text` as a JSON string, quotes included; invalid UTF-8 becomes
 * U+FFFD. */
void
hr_text_append_json(GString *out, const char *text);

/* A copy safe for a terminal and for one line of log: control characters, line
 * separators and what reverses the direction of text become "?".  Caller
 * frees. */
char *
hr_text_one_line(const char *text);

#endif
