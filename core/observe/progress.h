/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Progress: what a pass has done so far, as numbers that anybody adds to, and
 * what follows from them: how fast it goes, and how long it will take.
 */
#ifndef HR_OBSERVE_PROGRESS_H
#define HR_OBSERVE_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Added to from any thread. */
typedef struct HrProgress {
    atomic_bool running;                /* begun, and not ended           */
    atomic_uint_least64_t repositories; /* listed so far                  */
    atomic_uint_least64_t checked;      /* tags and documents compared    */
    atomic_uint_least64_t documents;    /* among these and those planned  */
    atomic_uint_least64_t planned;      /* changes to make                */
    atomic_uint_least64_t loaded;       /* of those, with all their blobs
                                           in planned_bytes               */
    atomic_uint_least64_t done;         /* changes made, or given up      */
    atomic_uint_least64_t failed;
    atomic_uint_least64_t parked; /* times that a job was put off         */
    /* Of blobs and manifests: what has moved, also of those under way, and
     * what is known to have to move.  Both shrink when it turns out
     * otherwise. */
    atomic_uint_least64_t bytes;
    atomic_uint_least64_t planned_bytes;
    atomic_uint_least64_t requests; /* attempts sent                      */
    atomic_uint_least64_t retries;  /* of those, repeated                 */
} HrProgress;

/* How fast a pass is.  All zero at first. */
typedef struct HrSpeed {
    int64_t started_us; /* when the first change was planned; 0: not yet */
    int64_t seen_us;
    uint64_t seen_bytes;
    double sum; /* bytes a second, weighted: the later the more */
    double weight;
} HrSpeed;

/* To be called now and then, several times a second or seldom. */
void
hr_speed_update(HrSpeed *speed, const HrProgress *progress, int64_t now_us);

/* Bytes a second over the last few seconds; negative before there is a second
 * to speak of. */
double
hr_speed_bytes_per_s(const HrSpeed *speed);

/* How long the rest takes; negative if nobody can tell. */
int64_t
hr_speed_left_us(const HrSpeed *speed, const HrProgress *progress);

/* True once all that has to move is known. */
bool
hr_progress_knows_bytes(const HrProgress *progress);

#endif
