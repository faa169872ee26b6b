/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resume: how fast an endpoint is asked again after it was away. */
#include "guard/resume.h"

#include <math.h>

#define SMOOTHING_S 10.0 /* of the rate */
#define MEMORY_S 1800.0  /* of the best one, of time in which it answers */
#define SILENCE_S 10.0   /* longer ones are not its doing */
#define HOLD_S 30.0      /* the others have come back by then */
#define GROWTH_PER_S 1.1 /* doubles in 7 s */
#define LIFTED_AT 8.0    /* times the best: 22 s after the hold */
#define LEAST_PER_S 50.0 /* what any registry answers */

void
hr_resume_init(HrResume *resume, int64_t now_us)
{
    *resume = (HrResume){.last_us = now_us, .back_us = INT64_MIN};
}

void
hr_resume_answered(HrResume *resume, int64_t now_us)
{
    double passed = (double)(now_us - resume->last_us) / 1e6;

    resume->last_us = now_us;
    resume->rate = resume->rate * exp(-passed / SMOOTHING_S) + 1 / SMOOTHING_S;
    resume->best = fmax(
        resume->rate, resume->best * exp(-fmin(passed, SILENCE_S) / MEMORY_S));
}

void
hr_resume_back(HrResume *resume, int64_t now_us)
{
    resume->back_us = now_us;
}

double
hr_resume_pace(HrResume *resume, int64_t now_us)
{
    double factor = 1;
    double since;

    if (resume->back_us == INT64_MIN)
        return 0;
    since = (double)(now_us - resume->back_us) / 1e6;
    if (since > HOLD_S)
        factor = pow(GROWTH_PER_S, since - HOLD_S);
    if (factor > LIFTED_AT) {
        resume->back_us = INT64_MIN;
        return 0;
    }
    return fmax(resume->best, LEAST_PER_S) * factor;
}
