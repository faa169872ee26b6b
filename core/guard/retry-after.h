/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Retry-After and HTTP dates (RFC 9110, 5.6.7 and 10.2.3).  Reads the three
 * forms of dates strictly: what is outside the grammar, or has a wrong day
 * name, is no date.
 */
#ifndef HR_GUARD_RETRY_AFTER_H
#define HR_GUARD_RETRY_AFTER_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970; false if it is none. */
bool
hr_http_date_parse(const char *text, int64_t *unix_s);

/* IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT".  Caller frees. */
char *
hr_http_date_format(int64_t unix_s);

/* The wait that a field value asks for, in microseconds; 0 for a date that is
 * past.  A date is compared with `date` (the response's own Date field, may
 * be NULL), so that a wrong clock on either side does not matter; without it
 * with `wall_s`.  False if the value is to be ignored. */
bool
hr_retry_after_parse(const char *value, const char *date, int64_t wall_s,
                     int64_t *wait_us);

#endif
