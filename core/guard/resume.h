/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Resume: how fast an endpoint is asked again after it was away.  All that
 * was put off meanwhile wants to go at once; it goes as fast as the endpoint
 * was known to answer lately, and faster only when that went well for a
 * while:
 *
 *     best rate  ________________/
 *                |    hold      | grows, until it limits nobody
 *               back
 *
 * Pure; belongs to one thread.
 */
#ifndef HR_GUARD_RESUME_H
#define HR_GUARD_RESUME_H

#include <stdbool.h>
#include <stdint.h>

typedef struct HrResume {
    double rate; /* answers a second, smoothed, as of the last one */
    double best; /* its highest value lately                       */
    int64_t last_us;
    int64_t back_us; /* when it came back; INT64_MIN: paces nothing */
} HrResume;

void
hr_resume_init(HrResume *resume, int64_t now_us);

/* The endpoint has done what it was asked. */
void
hr_resume_answered(HrResume *resume, int64_t now_us);

/* It was away and is back. */
void
hr_resume_back(HrResume *resume, int64_t now_us);

/* Requests a second to be sent now; 0 for any number. */
double
hr_resume_pace(HrResume *resume, int64_t now_us);

#endif
