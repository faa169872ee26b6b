/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Apply: carries out a plan, one job a change. */
#include "sync/apply.h"

#include "base/error.h"
#include "base/log.h"
#include "model/item.h"
#include "sync/apply-state.h"
#include "sync/document-apply.h"

void
hr_apply_fail_unstarted(const HrPass *pass, HrChange *change)
{
    g_autoptr(GError) error = NULL;

    hr_error_set(&error, HR_CANCELLED, "interrupted before it was started");
    hr_change_end(change, HR_RESULT_FAILED, error);
    atomic_fetch_add(&pass->progress->failed, 1);
    atomic_fetch_add(&pass->progress->done, 1);
}

/* True for content that is to be brought, and may be. */
static bool
writes(const HrChange *change)
{
    return hr_change_is_content(change) && hr_change_writes(change) &&
           change->result == HR_RESULT_PENDING;
}

static void
submit_change(Apply *apply, HrChange *change)
{
    const HrPass *pass = apply->pass;
    g_autoptr(GError) error = NULL;
    Copy *copy = hr_copy_new(apply, change, &error);

    if (pass->gathering != NULL)
        hr_gathering_pace(pass->gathering, pass->self, pass->lane,
                          pass->cancel);
    if (copy == NULL) {
        hr_change_end(change, HR_RESULT_FAILED, error);
        atomic_fetch_add(&pass->progress->loaded, 1);
        atomic_fetch_add(&pass->progress->failed, 1);
        atomic_fetch_add(&pass->progress->done, 1);
    } else if (!hr_pass_submit(pass, apply->group, hr_copy_run, copy)) {
        hr_copy_count_loaded(copy);
        hr_copy_free(copy);
        hr_apply_fail_unstarted(pass, change);
    }
}

/* Tells the other passes of the source what is wanted from it, and hears what
 * they want. */
static void
announce_changes(const HrPass *pass, const HrPlan *plan)
{
    if (pass->gathering == NULL)
        return;
    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];
        g_autofree char *digest = NULL;
        g_autofree char *media_type = NULL;
        uint64_t size;

        if (writes(change) && hr_tag_document_parse(change->source, &digest,
                                                    &media_type, &size, NULL))
            hr_gathering_announce(pass->gathering, pass->self, digest);
    }
    if (hr_plan_has_work(plan))
        hr_gathering_await(pass->gathering, pass->self, pass->cancel);
}

/* Before any of them begins. */
static void
add_twin(Apply *apply, const HrChange *change)
{
    g_autofree char *repository = NULL;
    g_autofree char *reference = NULL;
    g_autofree char *digest = NULL;
    g_autofree char *media_type = NULL;
    uint64_t size;

    if (hr_tag_key_parse(change->key, &repository, &reference, NULL) &&
        hr_tag_document_parse(change->source, &digest, &media_type, &size,
                              NULL))
        hr_twins_add(apply->twins, repository, digest);
}

static void
submit_changes(Apply *apply, const HrPlan *plan)
{
    HrProgress *progress = apply->pass->progress;

    for (guint i = 0; i < plan->changes->len; i++) {
        if (!writes(plan->changes->pdata[i]))
            continue;
        atomic_fetch_add(&progress->planned, 1);
        add_twin(apply, plan->changes->pdata[i]);
    }
    for (guint i = 0; i < plan->changes->len; i++)
        if (writes(plan->changes->pdata[i]))
            submit_change(apply, plan->changes->pdata[i]);
}

/* Tells the sinks what became of a change without anything being written. */
static void
tell(const HrPass *pass, const HrChange *change, int level, const char *word)
{
    bool content = hr_change_is_content(change);
    g_autofree char *event =
        g_strconcat(content ? "tag." : "document.", word, NULL);

    hr_pass_document_event(pass, level, event, NULL,
                           content ? NULL : change->kind, change->key,
                           change->reason);
}

/* Settles changes that write nothing: kept ones, and those that are only on
 * the target, are skipped, refused ones have failed. */
static void
end_without_writing(const HrPass *pass, HrChange *change)
{
    g_autoptr(GError) error = NULL;

    if (change->action == HR_ACTION_KEEP ||
        change->action == HR_ACTION_EXTRA) {
        hr_error_set(&error, HR_OK, "%s", change->reason);
        hr_change_end(change, HR_RESULT_SKIPPED, error);
        tell(pass, change, HR_LOG_INFO,
             change->action == HR_ACTION_KEEP ? "kept" : "extra");
    } else if (change->action == HR_ACTION_REFUSE) {
        g_autofree char *name = hr_plan_item_name(change->kind, change->key);

        hr_error_set(&error, HR_CONFLICT, "%s", change->reason);
        hr_change_end(change, HR_RESULT_FAILED, error);
        atomic_fetch_add(&pass->progress->failed, 1);
        hr_log(HR_LOG_ERROR, "%s: %s: refused: %s", pass->name, name,
               change->reason);
        tell(pass, change, HR_LOG_ERROR, "refused");
    }
}

/* Content of projects that could not be created. */
static void
block_content(HrDocumentApply *documents, const HrPass *pass, HrPlan *plan)
{
    for (guint i = 0; i < plan->changes->len; i++) {
        HrChange *change = plan->changes->pdata[i];
        g_autoptr(GError) error = NULL;

        if (!writes(change) ||
            !hr_document_apply_blocks(documents, change, &error))
            continue;
        hr_change_end(change, HR_RESULT_BLOCKED, error);
        atomic_fetch_add(&pass->progress->failed, 1);
        hr_log(HR_LOG_ERROR, "%s: %s: %s", pass->name, change->key,
               error->message);
        hr_pass_event(pass, HR_LOG_ERROR, "tag.failed", NULL, change->key,
                      error->message);
    }
}

static void
apply_content(const HrPass *pass, const HrPlan *plan, HrWriteCounts *counts)
{
    g_autoptr(HrGroup) group = hr_group_new();
    g_autoptr(HrBrokenUploads) broken = hr_broken_uploads_new(pass->cancel);
    g_autoptr(HrTwins) twins = hr_twins_new();
    g_autoptr(GHashTable) failed =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Apply apply = {
        .pass = pass,
        .counts = counts,
        .broken = broken,
        .twins = twins,
        .plan = plan,
        .group = group,
        .deferred = g_ptr_array_new(),
        .unlisted = g_ptr_array_new(),
        .failed = failed,
    };

    pthread_mutex_init(&apply.mutex, NULL);
    announce_changes(pass, plan);
    submit_changes(&apply, plan);
    hr_group_wait(group, 0, NULL, NULL);
    hr_apply_waves(&apply);
    g_ptr_array_unref(apply.deferred);
    g_ptr_array_unref(apply.unlisted);
    pthread_mutex_destroy(&apply.mutex);
}

/* What is to be done is known from the beginning. */
static void
announce_documents(const HrPass *pass, const HrPlan *plan)
{
    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];

        if (hr_change_is_content(change) || !hr_change_writes(change))
            continue;
        atomic_fetch_add(&pass->progress->planned, 1);
        atomic_fetch_add(&pass->progress->documents, 1);
        atomic_fetch_add(&pass->progress->loaded, 1);
    }
}

void
hr_apply_run(const HrPass *pass, HrPlan *plan, HrWriteCounts *counts)
{
    g_autoptr(HrDocumentApply) documents =
        hr_document_apply_new(pass, plan, counts);

    for (guint i = 0; i < plan->changes->len; i++)
        end_without_writing(pass, plan->changes->pdata[i]);
    announce_documents(pass, plan);
    hr_document_apply_run(documents, 0, HR_RANK_CONTENT);
    block_content(documents, pass, plan);
    apply_content(pass, plan, counts);
    hr_document_apply_run(documents, HR_RANK_CONTENT + 1, HR_RANK_COUNT);
}
