/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Progress: how fast a pass goes, and how long it will take. */
#include "observe/progress.h"

#include <glib.h>
#include <math.h>

/* After so long a number counts for a third of what it did. */
#define MEMORY_US 5e6

/* What is said sooner is noise. */
#define NOISE_US G_USEC_PER_SEC

void
hr_speed_update(HrSpeed *speed, const HrProgress *progress, int64_t now_us)
{
    uint64_t bytes = atomic_load(&progress->bytes);
    double elapsed_us = (double)(now_us - speed->seen_us);
    double moved =
        bytes > speed->seen_bytes ? (double)(bytes - speed->seen_bytes) : 0;
    double share;

    /* Comparing takes its time, but moves no bytes. */
    if (atomic_load(&progress->planned) == 0)
        return;
    if (speed->started_us == 0) {
        speed->started_us = now_us;
    } else if (elapsed_us > 0) {
        share = 1 - exp(-elapsed_us / MEMORY_US);
        speed->sum += share * (moved * 1e6 / elapsed_us - speed->sum);
        speed->weight += share * (1 - speed->weight);
    }
    speed->seen_us = now_us;
    speed->seen_bytes = bytes;
}

double
hr_speed_bytes_per_s(const HrSpeed *speed)
{
    if (speed->seen_us - speed->started_us < NOISE_US)
        return -1;
    return speed->sum / speed->weight;
}

bool
hr_progress_knows_bytes(const HrProgress *progress)
{
    return atomic_load(&progress->loaded) >= atomic_load(&progress->planned);
}

/* Bytes that are still to move.  What was not looked at yet is taken to be
 * like the rest. */
static double
guess_bytes_left(const HrProgress *progress)
{
    double planned = (double)atomic_load(&progress->planned);
    double loaded = (double)atomic_load(&progress->loaded);
    double bytes = (double)atomic_load(&progress->planned_bytes);

    if (loaded > 0 && planned > loaded)
        bytes *= planned / loaded;
    return bytes - (double)atomic_load(&progress->bytes);
}

int64_t
hr_speed_left_us(const HrSpeed *speed, const HrProgress *progress)
{
    double done = (double)atomic_load(&progress->done);
    double left = (double)atomic_load(&progress->planned) - done;
    double per_s = hr_speed_bytes_per_s(speed);
    double bytes_left = guess_bytes_left(progress);
    double by_bytes = -1;
    double by_tags = -1;

    if (per_s < 0 || left <= 0)
        return -1;
    if (per_s >= 1 && bytes_left > 0)
        by_bytes = bytes_left / per_s * 1e6;
    if (done > 0)
        by_tags = (double)(speed->seen_us - speed->started_us) / done * left;
    if (hr_progress_knows_bytes(progress) && by_bytes >= 0)
        return (int64_t)by_bytes;
    return (int64_t)MAX(by_bytes, by_tags);
}
