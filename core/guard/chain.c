/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chain: moves passages through stages. */
#include "guard/chain.h"

#include <string.h>

void
hr_passage_init(HrPassage *passage, const HrStage *const *stages)
{
    memset(passage, 0, sizeof *passage);
    passage->stages = stages;
    passage->at_us = INT64_MAX;
}

HrStep
hr_passage_advance(HrPassage *passage, int64_t now_us)
{
    while (passage->stages[passage->depth] != NULL) {
        const HrStage *stage = passage->stages[passage->depth];
        HrStep step = HR_STEP_ON;

        passage->waiting = false;
        passage->at_us = INT64_MAX;
        if (stage->enter != NULL)
            step = stage->enter(passage, now_us);
        passage->waiting = step == HR_STEP_WAIT;
        if (step != HR_STEP_ON)
            return step;
        passage->depth++;
    }
    return HR_STEP_ON;
}

static void
stop_waiting(HrPassage *passage, int64_t now_us)
{
    const HrStage *stage = passage->stages[passage->depth];

    if (!passage->waiting)
        return;
    passage->waiting = false;
    if (stage->abandon != NULL)
        stage->abandon(passage, now_us);
}

HrStep
hr_passage_leave(HrPassage *passage, int64_t now_us)
{
    stop_waiting(passage, now_us);
    while (passage->depth > 0) {
        const HrStage *stage = passage->stages[passage->depth - 1];

        passage->at_us = INT64_MAX;
        if (stage->exit != NULL &&
            stage->exit(passage, now_us) == HR_STEP_WAIT &&
            !passage->cancelled)
            return HR_STEP_WAIT;
        passage->depth--;
    }
    return HR_STEP_ON;
}

void
hr_passage_back(HrPassage *passage, const HrStage *stage, int64_t now_us)
{
    bool left = false;

    stop_waiting(passage, now_us);
    while (passage->depth > 0 && !left) {
        const HrStage *inner = passage->stages[--passage->depth];

        if (inner->exit != NULL)
            inner->exit(passage, now_us);
        left = inner == stage;
    }
}

void
hr_passage_cancel(HrPassage *passage, int64_t now_us)
{
    passage->cancelled = true;
    if (!hr_outcome_is_local(&passage->outcome))
        passage->outcome = (HrOutcome){.status = HR_CANCELLED};
    hr_passage_leave(passage, now_us);
}

void
hr_passage_headers(HrPassage *passage, int64_t now_us)
{
    for (unsigned i = passage->depth; i-- > 0;)
        if (passage->stages[i]->headers != NULL)
            passage->stages[i]->headers(passage, now_us);
}

int64_t
hr_passage_data(HrPassage *passage, int64_t now_us, uint64_t bytes)
{
    int64_t until = 0;

    for (unsigned i = passage->depth; i-- > 0;) {
        int64_t pause = 0;

        if (passage->stages[i]->data != NULL)
            pause = passage->stages[i]->data(passage, now_us, bytes);
        if (pause > until)
            until = pause;
    }
    return until;
}

void
hr_passage_trailers(HrPassage *passage, int64_t now_us)
{
    for (unsigned i = passage->depth; i-- > 0;)
        if (passage->stages[i]->trailers != NULL)
            passage->stages[i]->trailers(passage, now_us);
}

void
hr_passage_close(HrPassage *passage, int64_t now_us)
{
    for (unsigned i = passage->depth; i-- > 0;)
        if (passage->stages[i]->close != NULL)
            passage->stages[i]->close(passage, now_us);
}
