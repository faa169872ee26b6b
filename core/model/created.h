/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Created: when an artifact was made, by its own word.
 *
 * Reproducible builds write a time that means nothing: year 1, 1970, 1980.  A
 * time from before there were images of containers counts as none.
 */
#ifndef HR_MODEL_CREATED_H
#define HR_MODEL_CREATED_H

#include <stddef.h>
#include <stdint.h>

#define HR_CREATED_UNKNOWN INT64_MIN

/* Reads a time of RFC 3339 ("2026-01-02T03:04:05.678+01:00") as microseconds
 * since 1970-01-01 UTC.  HR_CREATED_UNKNOWN for NULL, for what is no time, and
 * for what is before 2013. */
int64_t
hr_created_parse(const char *text);

/* The time in the config of an image. */
int64_t
hr_created_of_config(const char *text, size_t size);

#endif
