/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plan: the changes that make a target as its source. */
#include "sync/plan.h"

#include <string.h>

#include "base/error.h"

const char *
hr_result_name(HrResult result)
{
    static const char *const names[] = {
        [HR_RESULT_PENDING] = "pending", [HR_RESULT_DONE] = "done",
        [HR_RESULT_SKIPPED] = "skipped", [HR_RESULT_FAILED] = "failed",
        [HR_RESULT_BLOCKED] = "blocked",
    };

    return names[result];
}

static void
free_problem(gpointer data)
{
    HrProblem *problem = data;

    g_free(problem->key);
    g_free(problem->message);
    g_free(problem);
}

static void
free_remark(gpointer data)
{
    HrRemark *remark = data;

    g_free(remark->key);
    g_free(remark->message);
    g_free(remark);
}

static void
clear_facts(HrFailureFacts *facts)
{
    g_free(facts->endpoint);
    g_free(facts->operation);
    g_free(facts->correlation);
    memset(facts, 0, sizeof *facts);
}

static void
take_facts(HrFailureFacts *facts, const GError *error)
{
    const HrErrorDetails *details = hr_error_details(error);

    clear_facts(facts);
    if (details == NULL || !details->classified)
        return;
    facts->known = true;
    facts->eligibility = details->eligibility;
    facts->attempts = details->attempts;
    facts->endpoint = g_strdup(details->endpoint);
    facts->operation = g_strdup(details->operation);
    facts->correlation = g_strdup(details->correlation);
}

static void
free_change(gpointer data)
{
    hr_change_free(data);
}

HrPlan *
hr_plan_new(const char *sync, const char *source, const char *target)
{
    HrPlan *plan = g_new0(HrPlan, 1);

    plan->sync = g_strdup(sync);
    plan->source = g_strdup(source);
    plan->target = g_strdup(target);
    plan->changes = g_ptr_array_new_with_free_func(free_change);
    plan->problems = g_ptr_array_new_with_free_func(free_problem);
    plan->remarks = g_ptr_array_new_with_free_func(free_remark);
    plan->absent =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return plan;
}

void
hr_plan_free(HrPlan *plan)
{
    if (plan == NULL)
        return;
    g_ptr_array_unref(plan->changes);
    g_ptr_array_unref(plan->problems);
    g_ptr_array_unref(plan->remarks);
    g_hash_table_unref(plan->absent);
    g_free(plan->sync);
    g_free(plan->source);
    g_free(plan->target);
    g_free(plan);
}

void
hr_plan_add(HrPlan *plan, HrChange *change)
{
    HrKind kind = hr_kind_of(change->kind);

    change->rank =
        hr_kind_rank(&kind, change->key, change->source, change->target);
    g_ptr_array_add(plan->changes, change);
}

void
hr_plan_add_problem(HrPlan *plan, const char *key, const GError *error)
{
    hr_plan_add_document_problem(plan, NULL, key, error);
}

void
hr_plan_add_document_problem(HrPlan *plan, const char *kind, const char *key,
                             const GError *error)
{
    HrProblem *problem = g_new0(HrProblem, 1);

    problem->kind = hr_kind_intern(kind);
    problem->key = g_strdup(key);
    problem->status = hr_error_status(error);
    problem->message = g_strdup(error->message);
    g_ptr_array_add(plan->problems, problem);
}

void
hr_plan_add_remark(HrPlan *plan, const char *kind, const char *key,
                   const char *message)
{
    HrRemark *remark = g_new0(HrRemark, 1);

    remark->kind = hr_kind_intern(kind);
    remark->key = g_strdup(key);
    remark->message = g_strdup(message);
    g_ptr_array_add(plan->remarks, remark);
}

bool
hr_change_is_content(const HrChange *change)
{
    return hr_kind_is_content(change->kind);
}

bool
hr_change_writes(const HrChange *change)
{
    return change->action == HR_ACTION_CREATE ||
           change->action == HR_ACTION_UPDATE;
}

char *
hr_plan_item_name(const char *kind, const char *key)
{
    if (kind == NULL || hr_kind_is_content(kind))
        return g_strdup(key);
    return *key == '\0' ? g_strconcat("all of kind ", kind, NULL)
                        : g_strconcat(kind, " ", key, NULL);
}

void
hr_change_free(HrChange *change)
{
    if (change == NULL)
        return;
    g_free(change->key);
    g_free(change->from);
    g_free(change->reason);
    g_free(change->message);
    clear_facts(&change->facts);
    g_free(change->source);
    g_free(change->target);
    g_clear_pointer(&change->widens, g_ptr_array_unref);
    g_free(change);
}

void
hr_change_end(HrChange *change, HrResult result, const GError *error)
{
    change->result = result;
    if (error != NULL) {
        change->status = hr_error_status(error);
        g_free(change->message);
        change->message = g_strdup(error->message);
        take_facts(&change->facts, error);
    }
}

uint64_t
hr_plan_count(const HrPlan *plan, HrAction action)
{
    uint64_t count = 0;

    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];

        count += change->action == action;
    }
    return count;
}

bool
hr_plan_has_work(const HrPlan *plan)
{
    return hr_plan_count(plan, HR_ACTION_CREATE) > 0 ||
           hr_plan_count(plan, HR_ACTION_UPDATE) > 0;
}

static gint
order_changes(gconstpointer left, gconstpointer right)
{
    const HrChange *one = *(const HrChange *const *)left;
    const HrChange *other = *(const HrChange *const *)right;
    int order = 0;

    if (one->rank != other->rank)
        return one->rank < other->rank ? -1 : 1;
    if (one->rank != HR_RANK_CONTENT)
        order = strcmp(one->kind, other->kind);
    return order != 0 ? order : strcmp(one->key, other->key);
}

static gint
order_problems(gconstpointer left, gconstpointer right)
{
    const HrProblem *one = *(const HrProblem *const *)left;
    const HrProblem *other = *(const HrProblem *const *)right;
    int order = g_strcmp0(one->kind, other->kind);

    return order != 0 ? order : strcmp(one->key, other->key);
}

static gint
order_remarks(gconstpointer left, gconstpointer right)
{
    const HrRemark *one = *(const HrRemark *const *)left;
    const HrRemark *other = *(const HrRemark *const *)right;
    int order = strcmp(one->kind, other->kind);

    if (order == 0)
        order = strcmp(one->key, other->key);
    return order != 0 ? order : strcmp(one->message, other->message);
}

void
hr_plan_seal(HrPlan *plan)
{
    g_ptr_array_sort(plan->changes, order_changes);
    g_ptr_array_sort(plan->problems, order_problems);
    g_ptr_array_sort(plan->remarks, order_remarks);
    hr_plan_hash(plan, plan->hash);
}
