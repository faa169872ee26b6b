/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Document apply: who is written when, and what became of it. */
#include "sync/document-apply.h"

#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "sync/document-write.h"

struct HrDocumentApply {
    const HrPass *pass;
    HrPlan *plan;
    HrWriteCounts *counts;
    HrGroup *group;
    pthread_mutex_t mutex;
    GHashTable *failed; /* "kind:key" of what could not be created */
    GHashTable
        *created; /* projects that were not there; not changed any more */
};

typedef struct Job {
    HrDocumentApply *apply;
    HrChange *change;
    bool fresh;     /* its project is created in this pass */
    bool attempted; /* see hr_document_write_run */
    HrParking parking;
} Job;

static char *
make_name(const HrChange *change)
{
    return g_strconcat(change->kind, ":", change->key, NULL);
}

/* What is not there, and does not come. */
static void
remember_failure(HrDocumentApply *apply, const HrChange *change)
{
    if (change->target != NULL)
        return;
    HR_LOCKED(&apply->mutex);
    g_hash_table_add(apply->failed, make_name(change));
}

HrDocumentApply *
hr_document_apply_new(const HrPass *pass, HrPlan *plan, HrWriteCounts *counts)
{
    HrDocumentApply *apply = g_new0(HrDocumentApply, 1);

    apply->pass = pass;
    apply->plan = plan;
    apply->counts = counts;
    apply->group = hr_group_new();
    apply->failed =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    apply->created =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    pthread_mutex_init(&apply->mutex, NULL);
    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];

        if (change->rank == HR_RANK_PROJECT && change->target == NULL)
            g_hash_table_add(apply->created, g_strdup(change->key));
        if (change->action == HR_ACTION_REFUSE &&
            !hr_change_is_content(change))
            remember_failure(apply, change);
    }
    return apply;
}

void
hr_document_apply_free(HrDocumentApply *apply)
{
    if (apply == NULL)
        return;
    hr_group_free(apply->group);
    g_hash_table_unref(apply->failed);
    g_hash_table_unref(apply->created);
    pthread_mutex_destroy(&apply->mutex);
    g_free(apply);
}

static bool
is_blocked(HrDocumentApply *apply, const HrChange *change, GError **error)
{
    HrKind kind = hr_kind_of(change->kind);
    g_autoptr(GPtrArray) needs =
        hr_kind_dependencies(&kind, change->key, change->source);

    HR_LOCKED(&apply->mutex);
    for (guint i = 0; i < needs->len; i++) {
        char *name = needs->pdata[i];

        if (!g_hash_table_contains(apply->failed, name))
            continue;
        *strchr(name, ':') = ' ';
        hr_error_set(error, HR_PRECONDITION,
                     "blocked: it needs %s, which could not be created", name);
        return true;
    }
    return false;
}

bool
hr_document_apply_blocks(HrDocumentApply *apply, const HrChange *change,
                         GError **error)
{
    g_autofree char *project =
        g_strndup(change->key, strcspn(change->key, "/"));
    g_autofree char *name = g_strconcat("project:", project, NULL);

    if (!g_hash_table_contains(apply->failed, name))
        return false;
    hr_error_set(error, HR_PRECONDITION,
                 "blocked: it needs project %s, which could not be created",
                 project);
    return true;
}

static void
tell_end(const HrPass *pass, const HrChange *change, const HrCall *call)
{
    static const struct {
        const char *event;
        int level;
    } tales[] = {
        [HR_RESULT_DONE] = {"document.written", HR_LOG_DEBUG},
        [HR_RESULT_SKIPPED] = {"document.skipped", HR_LOG_INFO},
        [HR_RESULT_FAILED] = {"document.failed", HR_LOG_ERROR},
        [HR_RESULT_BLOCKED] = {"document.failed", HR_LOG_ERROR},
    };
    const char *message = change->message;
    int level = change->result == HR_RESULT_DONE && message != NULL
                    ? HR_LOG_WARNING
                    : tales[change->result].level;

    hr_log_call(level, call != NULL ? hr_call_correlation(call) : NULL,
                "%s: %s %s: %s%s%s", pass->name, change->kind, change->key,
                hr_result_name(change->result), message != NULL ? ": " : "",
                message != NULL ? message : "");
    hr_pass_document_event(pass, level, tales[change->result].event, call,
                           change->kind, change->key, message);
}

static void
end_change(HrDocumentApply *apply, HrChange *change, HrResult result,
           const HrCall *call, const GError *error)
{
    HrProgress *progress = apply->pass->progress;

    hr_change_end(change, result, error);
    if (result == HR_RESULT_FAILED || result == HR_RESULT_BLOCKED) {
        remember_failure(apply, change);
        atomic_fetch_add(&progress->failed, 1);
    }
    atomic_fetch_add(&progress->done, 1);
    tell_end(apply->pass, change, call);
}

static void
run_job(void *data)
{
    Job *job = data;
    HrDocumentApply *apply = job->apply;
    g_autoptr(HrCall) call = hr_pass_call(apply->pass);
    g_autoptr(GError) error = NULL;
    HrResult result = hr_document_write_run(apply->pass, call, job->change,
                                            job->fresh, &job->attempted,
                                            &apply->counts->documents, &error);

    if (result == HR_RESULT_FAILED &&
        hr_pass_park(apply->pass, &job->parking, call, hr_error_status(error),
                     run_job, job))
        return;
    end_change(apply, job->change, result, call, error);
    g_free(job);
    hr_group_leave(apply->group);
}

/* Of this pass, or of the plan that it carries out. */
static bool
is_project_new(const HrDocumentApply *apply, const HrChange *change)
{
    HrKind kind = hr_kind_of(change->kind);
    g_autofree char *project = hr_kind_project(&kind, change->key);

    return project != NULL && g_hash_table_contains(apply->created, project);
}

static void
submit(HrDocumentApply *apply, HrChange *change)
{
    g_autoptr(GError) error = NULL;
    Job *job;

    if (is_blocked(apply, change, &error)) {
        end_change(apply, change, HR_RESULT_BLOCKED, NULL, error);
        return;
    }
    job = g_new0(Job, 1);
    job->apply = apply;
    job->change = change;
    job->fresh = is_project_new(apply, change);
    if (hr_pass_submit(apply->pass, apply->group, run_job, job))
        return;
    g_free(job);
    hr_error_set(&error, HR_CANCELLED, "interrupted before it was started");
    end_change(apply, change, HR_RESULT_FAILED, NULL, error);
}

void
hr_document_apply_run(HrDocumentApply *apply, HrRank first, HrRank end)
{
    const GPtrArray *changes = apply->plan->changes;
    HrRank rank = first;

    for (guint i = 0; i < changes->len; i++) {
        HrChange *change = changes->pdata[i];

        if (change->rank < first || change->rank >= end ||
            !hr_change_writes(change))
            continue;
        if (change->rank != rank)
            hr_group_wait(apply->group, 0, NULL, NULL);
        rank = change->rank;
        submit(apply, change);
    }
    hr_group_wait(apply->group, 0, NULL, NULL);
}
