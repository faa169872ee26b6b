/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One change of a plan being carried out. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "model/item.h"
#include "sync/apply-state.h"

/* Artifacts that wait, in memory, until one of the workers for big blobs takes
 * them; what is more holds up the worker that it is with. */
#define BIG_WAITING_LIMIT 64

static void
clear_blobs(Copy *copy)
{
    g_clear_pointer(&copy->blobs, g_ptr_array_unref);
    g_clear_pointer(&copy->big, g_ptr_array_unref);
}

void
hr_copy_free(Copy *copy)
{
    clear_blobs(copy);
    hr_blob_job_free(copy->job);
    hr_artifact_free(copy->artifact);
    hr_call_free(copy->call);
    g_clear_error(&copy->failure);
    g_free(copy->source_repository);
    g_free(copy->target_repository);
    g_free(copy->target_reference);
    g_free(copy->digest);
    g_free(copy->subject);
    g_free(copy);
}

Copy *
hr_copy_new(Apply *apply, HrChange *change, GError **error)
{
    Copy *copy = g_new0(Copy, 1);
    g_autofree char *media_type = NULL;
    g_autofree char *source_reference = NULL;
    const char *from = change->from != NULL ? change->from : change->key;
    uint64_t size;

    copy->apply = apply;
    copy->change = change;
    copy->job = hr_blob_job_new();
    if (!hr_tag_key_parse(from, &copy->source_repository, &source_reference,
                          error) ||
        !hr_tag_key_parse(change->key, &copy->target_repository,
                          &copy->target_reference, error) ||
        !hr_tag_document_parse(change->source, &copy->digest, &media_type,
                               &size, error)) {
        hr_copy_free(copy);
        return NULL;
    }
    copy->subject = hr_referrer_document_subject(change->source);
    return copy;
}

static void
log_end(const Copy *copy, const char *event, int level)
{
    const HrPass *pass = copy->apply->pass;
    const HrChange *change = copy->change;

    hr_log_call(
        level, copy->call != NULL ? hr_call_correlation(copy->call) : NULL,
        "%s: %s: %s%s%s", pass->name, change->key,
        hr_result_name(change->result), change->message != NULL ? ": " : "",
        change->message != NULL ? change->message : "");
    hr_pass_event(pass, level, event, copy->call, change->key,
                  change->message);
}

/* What refers to any part of it is blocked. */
static void
remember_failure(Apply *apply, const Copy *copy)
{
    const GPtrArray *parts =
        copy->artifact != NULL ? copy->artifact->manifests : NULL;

    HR_LOCKED(&apply->mutex);
    g_hash_table_add(apply->failed, g_strconcat(copy->target_repository, "@",
                                                copy->digest, NULL));
    for (guint i = 0; parts != NULL && i < parts->len; i++) {
        const HrManifest *manifest = parts->pdata[i];

        g_hash_table_add(
            apply->failed,
            g_strconcat(copy->target_repository, "@", manifest->digest, NULL));
    }
}

/* All that it has to move is known, or will not be. */
void
hr_copy_count_loaded(Copy *copy)
{
    if (!copy->counted)
        atomic_fetch_add(&copy->apply->pass->progress->loaded, 1);
    copy->counted = true;
}

/* Its twins go on, without another look at the source if it is there. */
static void
leave_twins(Copy *copy, bool is_there)
{
    const GPtrArray *manifests = is_there ? copy->artifact->manifests : NULL;

    if (copy->entered)
        hr_twins_leave(copy->apply->twins, copy->target_repository,
                       copy->digest,
                       is_there ? manifests->pdata[manifests->len - 1] : NULL);
    copy->entered = false;
}

/* Its tag does not come, or not soon. */
static void
let_go(Copy *copy)
{
    if (copy->artifact != NULL)
        hr_blob_board_let_go(copy->apply->pass->board, copy->job,
                             copy->artifact->blobs);
}

/* Ends a copy: `error` NULL is success. */
void
hr_copy_end(Copy *copy, HrResult result, const GError *error)
{
    Apply *apply = copy->apply;
    HrProgress *progress = apply->pass->progress;

    hr_change_end(copy->change, result, error);
    switch (result) {
    case HR_RESULT_DONE:
        log_end(copy, "tag.copied", HR_LOG_DEBUG);
        break;
    case HR_RESULT_SKIPPED:
        log_end(copy, "tag.skipped", HR_LOG_WARNING);
        break;
    default:
        remember_failure(apply, copy);
        atomic_fetch_add(&progress->failed, 1);
        log_end(copy, "tag.failed", HR_LOG_ERROR);
        break;
    }
    hr_copy_count_loaded(copy);
    atomic_fetch_add(&progress->done, 1);
    leave_twins(copy, result == HR_RESULT_DONE);
    hr_copy_free(copy);
    hr_group_leave(apply->group);
}

static gint
order_by_size(gconstpointer left, gconstpointer right)
{
    const HrDescriptor *one = *(const HrDescriptor *const *)left;
    const HrDescriptor *other = *(const HrDescriptor *const *)right;

    return (one->size > other->size) - (one->size < other->size);
}

static void
list_blobs(Copy *copy)
{
    const GPtrArray *blobs = copy->artifact->blobs;

    copy->lane = copy->apply->pass->lane;
    copy->blobs = g_ptr_array_new();
    copy->big = g_ptr_array_new();
    for (guint i = 0; i < blobs->len; i++) {
        const HrDescriptor *blob = blobs->pdata[i];

        g_ptr_array_add(blob->size < HR_PIPE_BIG_BYTES ? copy->blobs
                                                       : copy->big,
                        blobs->pdata[i]);
    }
    g_ptr_array_sort(copy->blobs, order_by_size);
    g_ptr_array_sort(copy->big, order_by_size);
}

/* A list of referrers is only what somebody says. */
static bool
check_subject(const Copy *copy, GError **error)
{
    const HrDescriptor *subject;

    if (copy->subject == NULL)
        return true;
    subject = hr_artifact_root(copy->artifact)->subject;
    if (subject != NULL && strcmp(subject->digest, copy->subject) == 0)
        return true;
    return hr_error_set(error, HR_INVALID,
                        "the source lists it as what refers to %s, but it "
                        "refers to %s",
                        copy->subject,
                        subject != NULL ? subject->digest : "nothing");
}

/* What a twin has brought needs no more than its tag. */
static HrArtifact *
take_from_twin(const Copy *copy)
{
    g_autoptr(HrManifest) root = hr_twins_root(
        copy->apply->twins, copy->target_repository, copy->digest);

    return root != NULL ? hr_artifact_new_root(root) : NULL;
}

static bool
load(Copy *copy, GError **error)
{
    const HrPass *pass = copy->apply->pass;
    HrArtifactPlace place = {
        .source = pass->source,
        .source_repository = copy->source_repository,
        .target = pass->target,
        .target_repository = copy->target_repository,
        .foreign_layers = pass->foreign_layers,
    };

    place.gathering = pass->gathering;
    if (copy->artifact == NULL)
        copy->artifact = take_from_twin(copy);
    if (!copy->complete && !atomic_load(&copy->apply->insists))
        place.platforms = hr_pass_platforms(pass);
    if (copy->artifact == NULL)
        copy->artifact =
            hr_artifact_load(&place, copy->digest, copy->call, error);
    if (copy->artifact == NULL || !check_subject(copy, error))
        return false;
    if (copy->blobs == NULL)
        list_blobs(copy);
    return true;
}

static void
copy_ready(void *data)
{
    Copy *copy = data;

    hr_pool_resume(copy->apply->pass->lane, hr_copy_run, copy);
}

/* False if the copy parks until a twin has brought the artifact, or has not:
 * do not touch it. */
static bool
enter_twins(Copy *copy)
{
    if (copy->entered)
        return true;
    copy->entered = true;
    return hr_twins_enter(copy->apply->twins, copy->target_repository,
                          copy->digest, copy_ready, copy);
}

/* The same for the others of its artifact, in other passes. */
static bool
meet(Copy *copy)
{
    const HrPass *pass = copy->apply->pass;

    if (pass->gathering == NULL || copy->met)
        return true;
    copy->met = true;
    return hr_gathering_arrive(pass->gathering, pass->self, copy->digest,
                               copy_ready, copy, hr_clock_monotonic_us());
}

/* As load, in company: whoever leads reads for all. */
static bool
load_together(Copy *copy, GError **error)
{
    const HrPass *pass = copy->apply->pass;
    bool leads = false;
    bool good;

    if (pass->gathering != NULL && copy->artifact == NULL)
        copy->company =
            hr_gathering_company(pass->gathering, pass->self, copy->digest,
                                 copy, &leads, hr_clock_monotonic_us());
    good = load(copy, error);
    if (leads)
        hr_gathering_loaded(pass->gathering, copy->digest);
    return good;
}

/* A blob that another job moved is settled; the last one resumes the job. */
static void
blob_ready(void *data)
{
    Copy *copy = data;

    if (atomic_fetch_sub(&copy->waiting, 1) == 1)
        hr_pool_resume(copy->lane, hr_copy_run, copy);
}

typedef enum Outcome {
    OUTCOME_READY,
    OUTCOME_PARKED, /* somebody else owns the copy now: do not touch it */
    OUTCOME_FAILED
} Outcome;

/* Brings the blobs.  The job holds one count of `waiting` itself, so that it
 * is not resumed before it has parked.  It parks after a failure too, since
 * those who move a blob that it asked for will still tell it. */
static Outcome
move_blobs(Copy *copy)
{
    Apply *apply = copy->apply;
    HrBlobMove move = {
        .pass = apply->pass,
        .broken = apply->broken,
        .counts = apply->counts,
        .source_repository = copy->source_repository,
        .target_repository = copy->target_repository,
        .company = copy->company,
        .fresh = g_hash_table_contains(apply->plan->absent,
                                       copy->target_repository),
        .asker = {.job = copy->job, .ready = blob_ready, .data = copy},
        .waiting = &copy->waiting,
    };

    while (copy->failure == NULL && copy->blobs->len > 0) {
        atomic_store(&copy->waiting, 1);
        hr_blobs_move(&move, copy->blobs, copy->call, &copy->failure);
        if (atomic_fetch_sub(&copy->waiting, 1) != 1)
            return OUTCOME_PARKED;
    }
    return copy->failure == NULL ? OUTCOME_READY : OUTCOME_FAILED;
}

/* A job of those who move big blobs. */
static void
run_big(void *data)
{
    Copy *copy = data;

    atomic_fetch_sub(&copy->apply->big_waiting, 1);
    hr_copy_run(copy);
}

/* What is small is there: now what is not.  True if others do that, so that
 * this worker can go on with small things. */
static bool
turn_to_big(Copy *copy)
{
    Apply *apply = copy->apply;

    g_ptr_array_unref(copy->blobs);
    copy->blobs = g_steal_pointer(&copy->big);
    copy->lane = apply->pass->big_lane;
    if (atomic_fetch_add(&apply->big_waiting, 1) < BIG_WAITING_LIMIT) {
        hr_pool_resume(copy->lane, run_big, copy);
        return true;
    }
    atomic_fetch_sub(&apply->big_waiting, 1);
    return false;
}

/* All that the copy needs, small things first. */
static Outcome
bring_blobs(Copy *copy)
{
    Outcome outcome;

    if (copy->big == NULL || copy->big->len == 0)
        hr_copy_count_loaded(copy);
    outcome = move_blobs(copy);
    if (outcome != OUTCOME_READY || copy->big == NULL || copy->big->len == 0)
        return outcome;
    if (turn_to_big(copy))
        return OUTCOME_PARKED;
    return bring_blobs(copy);
}

/* Puts the root.  What nothing leads to but its subject must be listed. */
static bool
put_root(Copy *copy, const HrManifest *root, GError **error)
{
    bool listed = false;

    if (!hr_registry_put_manifest(
            copy->apply->pass->target, copy->call, copy->target_repository,
            copy->target_reference, root, NULL, &listed, error))
        return false;
    copy->unlisted = !listed && root->subject != NULL &&
                     strchr(copy->target_reference, ':') != NULL;
    return true;
}

/* Manifests that the target had refer to what was brought for them, too. */
static void
publish_looked(const Copy *copy)
{
    const GPtrArray *looked = copy->artifact->looked;

    for (guint i = 0; i < looked->len; i++) {
        const HrManifest *manifest = looked->pdata[i];

        hr_blob_board_publish(copy->apply->pass->board,
                              copy->target_repository, manifest->blobs);
    }
}

static bool
publish(Copy *copy, GError **error)
{
    const HrPass *pass = copy->apply->pass;
    const GPtrArray *manifests = copy->artifact->manifests;

    publish_looked(copy);
    for (guint i = 0; i < manifests->len; i++) {
        const HrManifest *manifest = manifests->pdata[i];
        bool is_root = i + 1 == manifests->len;

        if (is_root ? !put_root(copy, manifest, error)
                    : !hr_registry_put_manifest(
                          pass->target, copy->call, copy->target_repository,
                          manifest->digest, manifest, NULL, NULL, error)) {
            copy->index_refused = hr_media_type_is_index(manifest->media_type);
            return false;
        }
        hr_blob_board_publish(pass->board, copy->target_repository,
                              manifest->blobs);
        atomic_fetch_add(&copy->apply->counts->manifests, 1);
        atomic_fetch_add(&copy->apply->counts->bytes,
                         g_bytes_get_size(manifest->bytes));
        atomic_fetch_add(&pass->progress->planned_bytes,
                         g_bytes_get_size(manifest->bytes));
        atomic_fetch_add(&pass->progress->bytes,
                         g_bytes_get_size(manifest->bytes));
    }
    return true;
}

static bool
must_wait_for_subject(const Copy *copy)
{
    return !copy->last_wave &&
           hr_artifact_root(copy->artifact)->subject != NULL;
}

/* Hands the copy over to whoever comes after this wave. */
static void
hand_over(Copy *copy, GPtrArray *to)
{
    Apply *apply = copy->apply;

    let_go(copy);
    leave_twins(copy, to == apply->unlisted);
    pthread_mutex_lock(&apply->mutex);
    g_ptr_array_add(to, copy);
    pthread_mutex_unlock(&apply->mutex);
    hr_group_leave(apply->group);
}

/* Has the copy done again later, from what it has: what was brought is known
 * to the board.  False if that is no use. */
static bool
put_off(Copy *copy, const GError *error)
{
    HrCall *call = copy->call;
    const HrPass *pass = copy->apply->pass;

    clear_blobs(copy);
    leave_twins(copy, false);
    /* Its next call: this one has been put off for good. */
    copy->call = hr_pass_call(pass);
    if (hr_pass_park(pass, &copy->parking, call, hr_error_status(error),
                     hr_copy_run, copy)) {
        hr_call_free(call);
        return true;
    }
    hr_call_free(copy->call);
    copy->call = call;
    return false;
}

static void
fail_copy(Copy *copy, const GError *error)
{
    /* The manifest was there a moment ago: its tag has moved or gone, and the
     * next pass will see what is true then. */
    bool vanished =
        copy->artifact == NULL && hr_error_status(error) == HR_NOT_FOUND;
    g_autoptr(GError) reason = NULL;

    let_go(copy);
    if (put_off(copy, error))
        return;
    if (!vanished) {
        hr_copy_end(copy, HR_RESULT_FAILED, error);
        return;
    }
    hr_error_set(&reason, HR_NOT_FOUND,
                 "vanished from the source after it was listed (%s)",
                 error->message);
    hr_copy_end(copy, HR_RESULT_SKIPPED, reason);
}

/* True if a registry may have refused an index for what was left out. */
static bool
is_refused_as_sparse(const Copy *copy, const GError *error)
{
    if (!copy->index_refused || !copy->artifact->sparse)
        return false;
    switch (hr_error_status(error)) {
    case HR_PRECONDITION:
    case HR_NOT_FOUND:
    case HR_INVALID:
        return true;
    default:
        return false;
    }
}

/* Has the copy done again with all images of its indexes.  The target has
 * those that were wanted. */
static void
complete_copy(Copy *copy, const GError *error)
{
    const HrPass *pass = copy->apply->pass;

    hr_log_call(HR_LOG_INFO, hr_call_correlation(copy->call),
                "%s: %s: all images are brought, since the registry did not "
                "take the index without (%s)",
                pass->name, copy->change->key, error->message);
    let_go(copy);
    copy->complete = true;
    clear_blobs(copy);
    g_clear_pointer(&copy->artifact, hr_artifact_free);
    hr_pool_resume(pass->lane, hr_copy_run, copy);
}

static void
end_unpublished(Copy *copy, GError *error)
{
    bool sparse = is_refused_as_sparse(copy, error);

    if (sparse && !copy->apply->pass->select->sparse_fails) {
        complete_copy(copy, error);
        return;
    }
    if (sparse)
        g_prefix_error(&error, "the registry may insist on all images of an "
                               "index: set sparse_index to \"complete\", or "
                               "leave platforms out: ");
    fail_copy(copy, error);
}

void
hr_copy_run(void *data)
{
    Copy *copy = data;
    g_autoptr(GError) error = NULL;

    if (!enter_twins(copy) || !meet(copy))
        return;
    if (copy->call == NULL)
        copy->call = hr_pass_call(copy->apply->pass);
    if (!load_together(copy, &error)) {
        fail_copy(copy, error);
        return;
    }
    switch (bring_blobs(copy)) {
    case OUTCOME_PARKED:
        return;
    case OUTCOME_FAILED:
        error = g_steal_pointer(&copy->failure);
        fail_copy(copy, error);
        return;
    case OUTCOME_READY:
        break;
    }
    if (must_wait_for_subject(copy)) {
        hand_over(copy, copy->apply->deferred);
        return;
    }
    if (!publish(copy, &error)) {
        end_unpublished(copy, error);
        return;
    }
    /* What was taken whole after it was refused: others need not try. */
    if (copy->complete)
        atomic_store(&copy->apply->insists, true);
    if (copy->unlisted)
        hand_over(copy, copy->apply->unlisted);
    else
        hr_copy_end(copy, HR_RESULT_DONE, NULL);
}
