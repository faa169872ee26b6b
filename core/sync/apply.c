/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Apply: carries out a plan, one job a change. */
#include "sync/apply.h"

#include "base/error.h"
#include "base/log.h"
#include "model/item.h"
#include "sync/apply-state.h"

void
hr_apply_fail_unstarted(const HrPass *pass, HrChange *change)
{
    g_autoptr(GError) error = NULL;

    hr_error_set(&error, HR_CANCELLED, "interrupted before it was started");
    hr_change_end(change, HR_RESULT_FAILED, error);
    atomic_fetch_add(&pass->progress->failed, 1);
    atomic_fetch_add(&pass->progress->done, 1);
}

static bool
writes(const HrChange *change)
{
    return change->action == HR_ACTION_CREATE ||
           change->action == HR_ACTION_UPDATE;
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

/* Settles changes that write nothing: kept ones are skipped, refused ones
 * have failed. */
static void
end_without_writing(const HrPass *pass, HrChange *change)
{
    g_autoptr(GError) error = NULL;

    if (change->action == HR_ACTION_KEEP) {
        hr_error_set(&error, HR_OK, "%s", change->reason);
        hr_change_end(change, HR_RESULT_SKIPPED, error);
        hr_pass_event(pass, HR_LOG_INFO, "tag.kept", NULL, change->key,
                      change->reason);
    } else if (change->action == HR_ACTION_REFUSE) {
        hr_error_set(&error, HR_CONFLICT, "%s", change->reason);
        hr_change_end(change, HR_RESULT_FAILED, error);
        atomic_fetch_add(&pass->progress->failed, 1);
        hr_log(HR_LOG_ERROR, "%s: %s: refused: %s", pass->name, change->key,
               change->reason);
        hr_pass_event(pass, HR_LOG_ERROR, "tag.refused", NULL, change->key,
                      change->reason);
    }
}

void
hr_apply_run(const HrPass *pass, HrPlan *plan, HrWriteCounts *counts)
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
    for (guint i = 0; i < plan->changes->len; i++)
        end_without_writing(pass, plan->changes->pdata[i]);
    announce_changes(pass, plan);
    submit_changes(&apply, plan);
    hr_group_wait(group, 0, NULL, NULL);
    hr_apply_waves(&apply);
    g_ptr_array_unref(apply.deferred);
    g_ptr_array_unref(apply.unlisted);
    pthread_mutex_destroy(&apply.mutex);
}
