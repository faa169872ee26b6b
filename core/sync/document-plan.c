/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Document plan: what to do about the documents of both sides. */
#include "sync/document-plan.h"

#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "model/rights.h"
#include "sync/decide.h"
#include "sync/document-secrets.h"
#include "sync/unheld.h"

typedef struct Planner {
    const HrPass *pass;
    HrPlan *plan;      /* under mutex */
    GPtrArray *robots; /* keys of those that are equal, to be held against
                          their secrets; likewise */
    HrUnheld *unheld;  /* likewise */
    pthread_mutex_t mutex;
} Planner;

static HrChange *
new_change(const HrDocumentPair *pair)
{
    HrChange *change = g_new0(HrChange, 1);

    change->kind = pair->kind->name;
    change->key = g_strdup(pair->key);
    if (pair->fit != NULL)
        change->source = g_strdup(pair->fit->held);
    if (pair->target != NULL)
        change->target = g_strdup(pair->target->text);
    change->secrets = pair->source != NULL && pair->source->secrets != NULL;
    return change;
}

char *
hr_document_plan_protection(const HrDocumentPair *pair)
{
    const HrDocument *const sides[] = {pair->target, pair->source};
    static const char *const words[] = {"protected on the target",
                                        "protected on the source"};

    for (unsigned i = 0; i < G_N_ELEMENTS(sides); i++)
        if (sides[i] != NULL && sides[i]->is_protected)
            return sides[i]->reason != NULL
                       ? g_strdup_printf("%s: %s", words[i], sides[i]->reason)
                       : g_strdup(words[i]);
    return NULL;
}

static HrChange *
plan_extra(const HrDocumentPair *pair)
{
    HrChange *change;

    /* What the system has made is nobody's to miss. */
    if (pair->target->is_protected)
        return NULL;
    change = new_change(pair);
    change->action = HR_ACTION_EXTRA;
    change->reason = g_strdup("only on the target");
    return change;
}

static bool
decide(const HrPass *pass, HrCall *call, const HrDocumentPair *pair,
       HrChange *change, GError **error)
{
    if (!hr_change_decide(change, pass, call, error))
        return false;
    if (change->action == HR_ACTION_NONE && pair->target != NULL &&
        !hr_secrets_agree(pair->source->secrets, pair->target->secrets)) {
        change->action = HR_ACTION_UPDATE;
        change->reason = g_strdup("another secret");
    }
    return true;
}

HrChange *
hr_document_plan_compare(const HrPass *pass, HrCall *call,
                         const HrDocumentPair *pair, GError **error)
{
    g_autoptr(HrChange) change = NULL;
    char *protection;

    if (pair->source == NULL)
        return plan_extra(pair);
    if (pair->fit->error != NULL) {
        if (hr_error_status(pair->fit->error) != HR_UNSUPPORTED)
            g_propagate_error(error, g_error_copy(pair->fit->error));
        return NULL;
    }
    change = new_change(pair);
    if (!decide(pass, call, pair, change, error) ||
        change->action == HR_ACTION_NONE)
        return NULL;
    protection = hr_document_plan_protection(pair);
    if (protection == NULL)
        return g_steal_pointer(&change);
    g_free(change->reason);
    change->reason = protection;
    change->action = HR_ACTION_KEEP;
    return g_steal_pointer(&change);
}

static void
remark(Planner *planner, const HrDocumentPair *pair, const char *message)
{
    hr_plan_add_remark(planner->plan, pair->kind->name, pair->key, message);
}

static void
note_lacks(Planner *planner, const HrDocumentPair *pair)
{
    const HrFit *fit = pair->fit;

    if (fit == NULL)
        return;
    if (fit->error != NULL && hr_error_status(fit->error) == HR_UNSUPPORTED) {
        g_autofree char *message =
            g_strdup_printf("cannot be held: %s", fit->error->message);

        remark(planner, pair, message);
        if (pair->target == NULL)
            hr_unheld_add(planner->unheld, pair->kind->name, pair->key);
    }
    for (guint i = 0; fit->lacks != NULL && i < fit->lacks->len; i++) {
        const HrLack *lack = fit->lacks->pdata[i];
        g_autofree char *message = g_strdup_printf(
            "cannot be held: %s: %s", lack->pointer, lack->reason);

        remark(planner, pair, message);
    }
}

/* A robot that is to be created needs its secret; what is wrong with that is
 * better known before anything is written. */
static bool
has_secret(const HrPass *pass, const HrDocumentPair *pair,
           const HrChange *change, GError **error)
{
    g_autoptr(HrSecret) secret = NULL;
    GError *failure = NULL;

    if (change == NULL || change->action != HR_ACTION_CREATE ||
        !hr_document_secrets_known(pass, pass->target, pair->kind->name))
        return true;
    secret = hr_robot_secrets_get(pass->robot_secrets, pair->key, &failure);
    if (failure == NULL)
        return true;
    g_propagate_error(error, failure);
    return false;
}

static bool
is_protected(const HrDocumentPair *pair)
{
    return pair->source->is_protected ||
           (pair->target != NULL && pair->target->is_protected);
}

/* Nobody can read what a registry makes up itself. */
static void
note_secret(Planner *planner, const HrDocumentPair *pair,
            const HrChange *change)
{
    const HrPass *pass = planner->pass;

    if (pair->kind->rank != HR_RANK_ROBOT || pair->source == NULL ||
        is_protected(pair) || !hr_registry_has_secrets(pass->target))
        return;
    if (hr_robot_secrets_tells(pass->robot_secrets)) {
        if (pass->check_secrets && change == NULL && pair->target != NULL)
            g_ptr_array_add(planner->robots, g_strdup(pair->key));
    } else if (change != NULL && change->action == HR_ACTION_CREATE) {
        remark(planner, pair,
               "gets a secret that the target makes up and nobody sees: set "
               "robot_secrets to have the same at both ends");
    } else if (pair->target != NULL &&
               hr_robot_secrets_reports(pass->robot_secrets)) {
        remark(planner, pair,
               "nobody knows whether its secret is the same at both ends");
    }
}

static void
note_problem(void *data, const char *kind, const char *key,
             const GError *error)
{
    Planner *planner = data;

    HR_LOCKED(&planner->mutex);
    hr_plan_add_document_problem(planner->plan, kind, key, error);
}

static void
visit(void *data, HrCall *call, const HrDocumentPair *pair)
{
    Planner *planner = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(HrChange) change =
        hr_document_plan_compare(planner->pass, call, pair, &error);

    atomic_fetch_add(&planner->pass->progress->checked, 1);
    atomic_fetch_add(&planner->pass->progress->documents, 1);
    if (error != NULL || !has_secret(planner->pass, pair, change, &error)) {
        note_problem(planner, pair->kind->name, pair->key, error);
        return;
    }
    HR_LOCKED(&planner->mutex);
    note_lacks(planner, pair);
    note_secret(planner, pair, change);
    planner->plan->checked++;
    if (change != NULL)
        hr_plan_add(planner->plan, g_steal_pointer(&change));
    else
        planner->plan->unchanged++;
}

void
hr_document_plan_judge_rights(const HrPass *pass, HrChange *change, bool fresh)
{
    if (!hr_change_writes(change) || pass->escalation == HR_ESCALATION_ALLOW)
        return;
    g_clear_pointer(&change->widens, g_ptr_array_unref);
    change->widens = hr_rights_widened(change->kind, change->key,
                                       change->source, change->target, fresh);
    if (change->widens == NULL || pass->escalation != HR_ESCALATION_REFUSE)
        return;
    change->action = HR_ACTION_REFUSE;
    g_free(change->reason);
    change->reason =
        g_strdup("it would give rights that are not there yet, and "
                 "escalation is \"refuse\"");
}

void
hr_document_plan_judge_all(const HrPass *pass, HrPlan *plan)
{
    g_autoptr(GHashTable) created = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];

        if (change->rank == HR_RANK_PROJECT &&
            change->action == HR_ACTION_CREATE)
            g_hash_table_add(created, change->key);
    }
    for (guint i = 0; i < plan->changes->len; i++) {
        HrChange *change = plan->changes->pdata[i];
        HrKind kind = hr_kind_of(change->kind);
        g_autofree char *project = hr_kind_project(&kind, change->key);

        hr_document_plan_judge_rights(
            pass, change,
            project != NULL && g_hash_table_contains(created, project));
    }
}

/* Takes out what needs something that cannot be there; true if it was one. */
static bool
drop_if_unheld(Planner *planner, guint index)
{
    HrPlan *plan = planner->plan;
    const HrChange *change = plan->changes->pdata[index];
    g_autofree char *reason = NULL;

    if (!hr_change_writes(change))
        return false;
    reason = hr_unheld_reason(planner->unheld, change->kind, change->key,
                              change->source);
    if (reason == NULL)
        return false;
    hr_plan_add_remark(plan, change->kind, change->key, reason);
    if (change->target == NULL)
        hr_unheld_add(planner->unheld, change->kind, change->key);
    g_ptr_array_remove_index_fast(plan->changes, index);
    plan->unchanged++;
    return true;
}

/* Until nothing more follows from what was found. */
static void
drop_unheld(Planner *planner)
{
    bool dropped = true;

    while (dropped) {
        dropped = false;
        for (guint i = planner->plan->changes->len; i > 0; i--)
            dropped = drop_if_unheld(planner, i - 1) || dropped;
    }
}

static HrChange *
new_secret_change(const HrDocument *there)
{
    HrChange *change = g_new0(HrChange, 1);

    change->kind = there->kind;
    change->key = g_strdup(there->key);
    change->source = g_strdup(there->text);
    change->target = g_strdup(there->text);
    change->action = HR_ACTION_UPDATE;
    change->reason = g_strdup("another secret than robot_secrets tells");
    return change;
}

/* Everything of it is right but its secret. */
static void
plan_secret(void *data, HrCall *call, const char *key, const GError *error)
{
    Planner *planner = data;
    g_autoptr(GError) failure = NULL;
    g_autoptr(HrDocument) there = NULL;

    if (hr_error_status(error) == HR_AUTH_DENIED)
        there = hr_registry_read_document(planner->pass->target, call, "robot",
                                          key, &failure);
    HR_LOCKED(&planner->mutex);
    if (there != NULL) {
        hr_plan_add(planner->plan, new_secret_change(there));
        planner->plan->unchanged--;
    } else {
        hr_plan_add_document_problem(planner->plan, "robot", key,
                                     failure != NULL ? failure : error);
    }
}

bool
hr_document_plan_add(const HrPass *pass, HrPlan *plan, GError **error)
{
    g_autoptr(GPtrArray) robots = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(HrUnheld) unheld = hr_unheld_new();
    Planner planner = {
        .pass = pass,
        .plan = plan,
        .robots = robots,
        .unheld = unheld,
    };
    HrDocumentVisitor visitor = {
        .visit = visit,
        .problem = note_problem,
        .data = &planner,
    };
    bool walked;

    pthread_mutex_init(&planner.mutex, NULL);
    walked = hr_snapshot_walk(pass, NULL, true, &visitor, error) &&
             hr_document_secrets_check(pass, pass->target, robots, plan_secret,
                                       &planner, error);
    pthread_mutex_destroy(&planner.mutex);
    if (walked) {
        drop_unheld(&planner);
        hr_document_plan_judge_all(pass, plan);
    }
    return walked;
}
