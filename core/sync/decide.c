/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decide: what a pass's strategy says of a change. */
#include "sync/decide.h"

typedef struct Question {
    HrStrategy *strategy;
    HrCall *call;
} Question;

static bool
ask_strategy(void *data, const hr_conflict *conflict, hr_decision *decision,
             GError **error)
{
    const Question *question = data;

    return hr_strategy_decide(question->strategy, question->call, conflict,
                              decision, error);
}

bool
hr_change_decide(HrChange *change, const HrPass *pass, HrCall *call,
                 GError **error)
{
    HrComparison comparison = {
        .kind = change->kind,
        .key = change->key,
        .source = change->source,
        .target = change->target,
    };
    Question question = {pass->strategy, call};

    return hr_compare(&comparison, ask_strategy, &question, &change->action,
                      &change->reason, error);
}
