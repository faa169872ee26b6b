/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two clocks. */
#include "base/clock.h"

#include <time.h>

static int64_t
read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
hr_clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t
hr_clock_wall_us(void)
{
    return read_clock(CLOCK_REALTIME);
}
