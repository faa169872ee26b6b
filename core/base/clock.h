/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two clocks: monotonic for decisions, wall for people. */
#ifndef HR_BASE_CLOCK_H
#define HR_BASE_CLOCK_H

#include <stdint.h>

/* A time that never comes, for deadlines. */
#define HR_TIME_NEVER INT64_MAX

/* Microseconds of CLOCK_MONOTONIC. */
int64_t
hr_clock_monotonic_us(void);

/* Microseconds since 1970-01-01 UTC. */
int64_t
hr_clock_wall_us(void);

#endif
