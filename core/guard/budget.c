/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Budget: how many retries an endpoint gets in all. */
#include "guard/budget.h"

void
hr_budget_init(HrBudget *budget, const HrBudgetPolicy *policy)
{
    budget->policy = *policy;
    atomic_init(&budget->tokens, policy->capacity);
    atomic_init(&budget->retries, 0);
    atomic_init(&budget->granted, 0);
    atomic_init(&budget->refused, 0);
}

static bool
has_place(const HrBudget *budget, unsigned in_flight)
{
    const HrBudgetPolicy *policy = &budget->policy;
    unsigned share = in_flight * policy->concurrent_percent / 100;
    unsigned limit = share > policy->concurrent_minimum
                         ? share
                         : policy->concurrent_minimum;

    return atomic_load(&budget->retries) < limit;
}

static bool
take_tokens(HrBudget *budget, unsigned cost)
{
    unsigned tokens = atomic_load(&budget->tokens);

    while (tokens >= cost)
        if (atomic_compare_exchange_weak(&budget->tokens, &tokens,
                                         tokens - cost))
            return true;
    return false;
}

bool
hr_budget_acquire(HrBudget *budget, bool throttled, unsigned in_flight,
                  unsigned *cost)
{
    const HrBudgetPolicy *policy = &budget->policy;

    *cost = throttled ? policy->throttled_cost : policy->transient_cost;
    if (policy->capacity == 0) {
        *cost = 0;
    } else if (!has_place(budget, in_flight) || !take_tokens(budget, *cost)) {
        atomic_fetch_add(&budget->refused, 1);
        return false;
    }
    atomic_fetch_add(&budget->granted, 1);
    return true;
}

void
hr_budget_begin(HrBudget *budget)
{
    atomic_fetch_add(&budget->retries, 1);
}

void
hr_budget_end(HrBudget *budget)
{
    atomic_fetch_sub(&budget->retries, 1);
}

void
hr_budget_settle(HrBudget *budget, unsigned last_cost)
{
    const HrBudgetPolicy *policy = &budget->policy;
    unsigned gain = last_cost > 0 ? last_cost : policy->success_refund;
    unsigned tokens = atomic_load(&budget->tokens);
    unsigned sum;

    do {
        sum = tokens + gain < policy->capacity ? tokens + gain
                                               : policy->capacity;
    } while (!atomic_compare_exchange_weak(&budget->tokens, &tokens, sum));
}

unsigned
hr_budget_tokens(const HrBudget *budget)
{
    return atomic_load(&budget->tokens);
}
