/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plan: the changes that make a target as its source. */
#include "sync/plan.h"

#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/item.h"

#define PLAN_VERSION 1

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
    g_hash_table_unref(plan->absent);
    g_free(plan->sync);
    g_free(plan->source);
    g_free(plan->target);
    g_free(plan);
}

void
hr_plan_add(HrPlan *plan, HrChange *change)
{
    g_ptr_array_add(plan->changes, change);
}

void
hr_plan_add_problem(HrPlan *plan, const char *key, const GError *error)
{
    HrProblem *problem = g_new0(HrProblem, 1);

    problem->key = g_strdup(key);
    problem->status = hr_error_status(error);
    problem->message = g_strdup(error->message);
    g_ptr_array_add(plan->problems, problem);
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

    return strcmp(one->key, other->key);
}

static gint
order_problems(gconstpointer left, gconstpointer right)
{
    const HrProblem *one = *(const HrProblem *const *)left;
    const HrProblem *other = *(const HrProblem *const *)right;

    return strcmp(one->key, other->key);
}

static HrJson *
parse_document(const char *document)
{
    return hr_json_parse(document, strlen(document), NULL);
}

static HrJson *
change_to_json(const HrChange *change)
{
    HrJson *json = hr_json_new_object();

    hr_json_set_text(json, "kind", change->kind);
    hr_json_set_text(json, "key", change->key);
    hr_json_set_text(json, "from", change->from);
    hr_json_set_text(json, "action", hr_action_name(change->action));
    hr_json_set_text(json, "reason", change->reason);
    hr_json_set(json, "source", parse_document(change->source));
    if (change->target != NULL)
        hr_json_set(json, "target", parse_document(change->target));
    return json;
}

static HrJson *
problem_to_json(const HrProblem *problem)
{
    HrJson *json = hr_json_new_object();

    hr_json_set_text(json, "key", problem->key);
    hr_json_set_text(json, "status", hr_status_name(problem->status));
    hr_json_set_text(json, "message", problem->message);
    return json;
}

/* Everything that the hash covers. */
static HrJson *
body_to_json(const HrPlan *plan)
{
    HrJson *json = hr_json_new_object();
    HrJson *changes = hr_json_new_array();
    HrJson *problems = hr_json_new_array();

    for (guint i = 0; i < plan->changes->len; i++)
        hr_json_append(changes, change_to_json(plan->changes->pdata[i]));
    for (guint i = 0; i < plan->problems->len; i++)
        hr_json_append(problems, problem_to_json(plan->problems->pdata[i]));
    hr_json_set_number(json, "version", PLAN_VERSION);
    hr_json_set_text(json, "sync", plan->sync);
    hr_json_set_text(json, "source", plan->source);
    hr_json_set_text(json, "target", plan->target);
    hr_json_set_number(json, "checked", (int64_t)plan->checked);
    hr_json_set_number(json, "unchanged", (int64_t)plan->unchanged);
    hr_json_set_number(json, "immutable", (int64_t)plan->immutable);
    hr_json_set_number(json, "vanished", (int64_t)plan->vanished);
    hr_json_set(json, "changes", changes);
    hr_json_set(json, "problems", problems);
    return json;
}

/* The hash of a plan without building its whole text: pieces in order. */
static void
compute_hash(const HrPlan *plan, char hash[HR_DIGEST_CAPACITY])
{
    g_autoptr(HrHash) state = hr_hash_new(NULL);
    g_autofree char *head = g_strdup_printf(
        "%d\n%s\n%s\n%s\n%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
        " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
        PLAN_VERSION, plan->sync, plan->source, plan->target, plan->checked,
        plan->unchanged, plan->immutable, plan->vanished);

    hr_hash_update(state, head, strlen(head));
    for (guint i = 0; i < plan->changes->len; i++) {
        g_autoptr(HrJson) json = change_to_json(plan->changes->pdata[i]);
        g_autofree char *text = hr_json_canonical(json);

        hr_hash_update(state, text, strlen(text) + 1);
    }
    for (guint i = 0; i < plan->problems->len; i++) {
        g_autoptr(HrJson) json = problem_to_json(plan->problems->pdata[i]);
        g_autofree char *text = hr_json_canonical(json);

        hr_hash_update(state, text, strlen(text) + 1);
    }
    hr_hash_finish(state, hash);
}

void
hr_plan_seal(HrPlan *plan)
{
    g_ptr_array_sort(plan->changes, order_changes);
    g_ptr_array_sort(plan->problems, order_problems);
    compute_hash(plan, plan->hash);
}

HrJson *
hr_plan_to_json(const HrPlan *plan)
{
    HrJson *json = body_to_json(plan);

    hr_json_set_text(json, "hash", plan->hash);
    return json;
}

static char *
document_from_json(const HrJson *json)
{
    return hr_json_is_object(json) ? hr_json_canonical(json) : NULL;
}

/* A tag's document and keys must be what they claim to be: they become
 * requests. */
static bool
check_change(const HrChange *change, GError **error)
{
    const char *const documents[] = {change->source, change->target};
    const char *const keys[] = {change->key, change->from};

    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *digest = NULL;
        g_autofree char *media_type = NULL;
        g_autofree char *repository = NULL;
        g_autofree char *reference = NULL;
        uint64_t size;

        if (documents[i] != NULL &&
            !hr_tag_document_parse(documents[i], &digest, &media_type, &size,
                                   error))
            return false;
        if (keys[i] != NULL &&
            !hr_tag_key_parse(keys[i], &repository, &reference, error))
            return false;
    }
    return true;
}

static const char *
find_kind(const char *name)
{
    static const char *const kinds[] = {HR_KIND_TAG, HR_KIND_REFERRER};

    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_strcmp0(name, kinds[i]) == 0)
            return kinds[i];
    return NULL;
}

static HrChange *
change_from_json(const HrJson *json, GError **error)
{
    g_autoptr(HrChange) change = g_new0(HrChange, 1);
    const char *kind = hr_json_text(hr_json_get(json, "kind"));
    const char *action = hr_json_text(hr_json_get(json, "action"));

    change->key = g_strdup(hr_json_text(hr_json_get(json, "key")));
    change->from = g_strdup(hr_json_text(hr_json_get(json, "from")));
    change->reason = g_strdup(hr_json_text(hr_json_get(json, "reason")));
    change->source = document_from_json(hr_json_get(json, "source"));
    change->target = document_from_json(hr_json_get(json, "target"));
    change->kind = find_kind(kind);
    if (change->kind == NULL || change->key == NULL ||
        change->source == NULL || change->reason == NULL || action == NULL ||
        !hr_action_from_name(action, &change->action)) {
        hr_error_set(error, HR_INVALID,
                     "a change lacks a known kind, key, action, reason or "
                     "source");
        return NULL;
    }
    if (!check_change(change, error))
        return NULL;
    return g_steal_pointer(&change);
}

static bool
read_count(const HrJson *json, const char *name, uint64_t *count)
{
    int64_t number;

    if (!hr_json_number(hr_json_get(json, name), &number) || number < 0)
        return false;
    *count = (uint64_t)number;
    return true;
}

static bool
read_counters(HrPlan *plan, const HrJson *json)
{
    int64_t version = 0;

    return hr_json_number(hr_json_get(json, "version"), &version) &&
           version == PLAN_VERSION &&
           read_count(json, "checked", &plan->checked) &&
           read_count(json, "unchanged", &plan->unchanged) &&
           read_count(json, "immutable", &plan->immutable) &&
           read_count(json, "vanished", &plan->vanished);
}

static hr_status
status_from_name(const char *name)
{
    for (hr_status status = HR_OK; status <= HR_CONFIG; status++) {
        if (strcmp(hr_status_name(status), name) == 0)
            return status;
    }
    return HR_UNKNOWN;
}

static bool
read_problems(HrPlan *plan, const HrJson *list, GError **error)
{
    for (size_t i = 0; i < hr_json_length(list); i++) {
        const HrJson *json = hr_json_at(list, i);
        const char *key = hr_json_text(hr_json_get(json, "key"));
        const char *status = hr_json_text(hr_json_get(json, "status"));
        const char *message = hr_json_text(hr_json_get(json, "message"));
        HrProblem *problem;

        if (key == NULL || status == NULL || message == NULL)
            return hr_error_set(error, HR_INVALID,
                                "a problem lacks key, status or message");
        problem = g_new0(HrProblem, 1);
        problem->key = g_strdup(key);
        problem->status = status_from_name(status);
        problem->message = g_strdup(message);
        g_ptr_array_add(plan->problems, problem);
    }
    return true;
}

HrPlan *
hr_plan_from_json(const HrJson *json, GError **error)
{
    const char *sync = hr_json_text(hr_json_get(json, "sync"));
    const char *source = hr_json_text(hr_json_get(json, "source"));
    const char *target = hr_json_text(hr_json_get(json, "target"));
    const char *hash = hr_json_text(hr_json_get(json, "hash"));
    const HrJson *changes = hr_json_get(json, "changes");
    g_autoptr(HrPlan) plan = NULL;

    if (sync == NULL || source == NULL || target == NULL || hash == NULL ||
        !hr_json_is_array(changes)) {
        hr_error_set(error, HR_INVALID,
                     "not a plan: it needs sync, source, target, hash and "
                     "changes; write one with `plan --out FILE`");
        return NULL;
    }
    plan = hr_plan_new(sync, source, target);
    if (!read_counters(plan, json)) {
        hr_error_set(error, HR_INVALID,
                     "not a plan of version %d: plan again with this program",
                     PLAN_VERSION);
        return NULL;
    }
    for (size_t i = 0; i < hr_json_length(changes); i++) {
        HrChange *change = change_from_json(hr_json_at(changes, i), error);

        if (change == NULL)
            return NULL;
        hr_plan_add(plan, change);
    }
    if (!read_problems(plan, hr_json_get(json, "problems"), error))
        return NULL;
    hr_plan_seal(plan);
    if (strcmp(plan->hash, hash) != 0) {
        hr_error_set(error, HR_INVALID,
                     "the plan was changed after it was written (its hash "
                     "does not match): plan again");
        return NULL;
    }
    return g_steal_pointer(&plan);
}
