/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Budget: how many retries an endpoint gets in all, so that a failing one is
 * not asked several times as much as a healthy one.
 *
 *     bucket of 500 tokens; a retry takes 14 (5 after throttling); a request
 *     that succeeds at once gives 1 back, one that succeeds after retries
 *     gives back what its last retry took; never above the capacity
 *
 * and never more than max(3, 20 %) of the requests in flight are retries.
 * Atomic: from any thread.
 */
#ifndef HR_GUARD_BUDGET_H
#define HR_GUARD_BUDGET_H

#include <stdatomic.h>

#include "guard/policy.h"

typedef struct HrBudget {
    HrBudgetPolicy policy;
    atomic_uint tokens;
    atomic_uint retries; /* under way */
    atomic_uint_fast64_t granted;
    atomic_uint_fast64_t refused;
} HrBudget;

/* `in_flight` for a retry that has waited until others were through. */
#define HR_BUDGET_UNCROWDED 1000000u

void
hr_budget_init(HrBudget *budget, const HrBudgetPolicy *policy);

/* Takes what a retry costs.  False, with nothing taken, if that is not to be
 * had or too many retries are under way.  *cost is what to give to
 * hr_budget_settle. */
bool
hr_budget_acquire(HrBudget *budget, bool throttled, unsigned in_flight,
                  unsigned *cost);

/* The retry goes on its way: its delay is over. */
void
hr_budget_begin(HrBudget *budget);

/* It has ended, well or not. */
void
hr_budget_end(HrBudget *budget);

/* The operation has ended well; `last_cost` is what its last retry took, 0 if
 * there was none. */
void
hr_budget_settle(HrBudget *budget, unsigned last_cost);

unsigned
hr_budget_tokens(const HrBudget *budget);

#endif
