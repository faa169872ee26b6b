/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Apply: carries out a plan, one job a change. */
#include "sync/apply.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "model/item.h"
#include "sync/artifact.h"
#include "sync/listing.h"

/* Artifacts that wait, in memory, until one of the workers for big blobs takes
 * them; what is more holds up the worker that it is with. */
#define BIG_WAITING_LIMIT 64

typedef struct Apply {
    const HrPass *pass;
    HrWriteCounts *counts;
    HrBrokenUploads *broken;
    const HrPlan *plan;
    HrGroup *group;
    pthread_mutex_t mutex;
    atomic_uint big_waiting;
    GPtrArray *deferred; /* Copy whose root refers to a subject */
    GPtrArray *unlisted; /* Copy that is there, and to be listed */
    GHashTable *failed;  /* "repository@digest" of failed changes */
    atomic_bool insists; /* the target takes no index without its images */
} Apply;

/* One change being carried out. */
typedef struct Copy {
    Apply *apply;
    HrChange *change;
    char *source_repository;
    char *target_repository;
    char *target_reference;
    char *digest;
    char *subject; /* that it is said to refer to, or NULL */
    HrCall *call;
    HrBlobJob *job; /* on the board */
    HrArtifact *artifact;
    GPtrArray *blobs; /* HrDescriptor still to be brought, small ones first */
    GPtrArray *big;   /* those that are brought after them, or NULL         */
    HrLane *lane;     /* where it goes on                                   */
    uint64_t company; /* passes that copy the same now; 0: alone            */
    atomic_uint waiting;
    HrParking parking;
    GError *failure; /* of a move, kept while others are waited for */
    bool last_wave;  /* the subject has been dealt with */
    bool counted;    /* as loaded */
    bool met;        /* the other passes that want it, or nobody is there */
    bool complete;   /* all images are brought, wanted or not */
    bool index_refused;
    bool unlisted; /* the registry does not list what refers to what */
} Copy;

static void
run_copy(void *data);

static void
clear_blobs(Copy *copy)
{
    g_clear_pointer(&copy->blobs, g_ptr_array_unref);
    g_clear_pointer(&copy->big, g_ptr_array_unref);
}

static void
free_copy(Copy *copy)
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

static Copy *
new_copy(Apply *apply, HrChange *change, GError **error)
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
        free_copy(copy);
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
static void
count_loaded(Copy *copy)
{
    if (!copy->counted)
        atomic_fetch_add(&copy->apply->pass->progress->loaded, 1);
    copy->counted = true;
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
static void
end_copy(Copy *copy, HrResult result, const GError *error)
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
    count_loaded(copy);
    atomic_fetch_add(&progress->done, 1);
    free_copy(copy);
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

    hr_pool_resume(copy->apply->pass->lane, run_copy, copy);
}

/* False if the copy parks until the others of its artifact are there: do not
 * touch it. */
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
        hr_pool_resume(copy->lane, run_copy, copy);
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
    run_copy(copy);
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
        count_loaded(copy);
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

static bool
publish(Copy *copy, GError **error)
{
    const HrPass *pass = copy->apply->pass;
    const GPtrArray *manifests = copy->artifact->manifests;

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
    /* Its next call: this one has been put off for good. */
    copy->call = hr_pass_call(pass);
    if (hr_pass_park(pass, &copy->parking, call, hr_error_status(error),
                     run_copy, copy)) {
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
        end_copy(copy, HR_RESULT_FAILED, error);
        return;
    }
    hr_error_set(&reason, HR_NOT_FOUND,
                 "vanished from the source after it was listed (%s)",
                 error->message);
    end_copy(copy, HR_RESULT_SKIPPED, reason);
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
    hr_pool_resume(pass->lane, run_copy, copy);
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

static void
run_copy(void *data)
{
    Copy *copy = data;
    g_autoptr(GError) error = NULL;

    if (!meet(copy))
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
        end_copy(copy, HR_RESULT_DONE, NULL);
}

static void
fail_unstarted(const HrPass *pass, HrChange *change)
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
    Copy *copy = new_copy(apply, change, &error);

    if (pass->gathering != NULL)
        hr_gathering_pace(pass->gathering, pass->self, pass->cancel);
    if (copy == NULL) {
        hr_change_end(change, HR_RESULT_FAILED, error);
        atomic_fetch_add(&pass->progress->loaded, 1);
        atomic_fetch_add(&pass->progress->failed, 1);
        atomic_fetch_add(&pass->progress->done, 1);
    } else if (!hr_pass_submit(pass, apply->group, run_copy, copy)) {
        count_loaded(copy);
        free_copy(copy);
        fail_unstarted(pass, change);
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

static void
submit_changes(Apply *apply, const HrPlan *plan)
{
    HrProgress *progress = apply->pass->progress;

    for (guint i = 0; i < plan->changes->len; i++)
        if (writes(plan->changes->pdata[i]))
            atomic_fetch_add(&progress->planned, 1);
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

/* Deferred copies whose subject is not itself deferred: they can go now.  The
 * others stay.  Digests make cycles impossible, so there is always one. */
static GPtrArray *
take_next_wave(Apply *apply)
{
    GPtrArray *wave = g_ptr_array_new();
    g_autoptr(GHashTable) held = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *rest = g_ptr_array_new();

    for (guint i = 0; i < apply->deferred->len; i++) {
        Copy *copy = apply->deferred->pdata[i];

        g_hash_table_add(held, copy->digest);
    }
    for (guint i = 0; i < apply->deferred->len; i++) {
        Copy *copy = apply->deferred->pdata[i];
        const HrDescriptor *subject =
            hr_artifact_root(copy->artifact)->subject;

        if (g_hash_table_contains(held, subject->digest))
            g_ptr_array_add(rest, copy);
        else
            g_ptr_array_add(wave, copy);
    }
    g_ptr_array_unref(apply->deferred);
    apply->deferred = rest;
    return wave;
}

/* True, with the copy ended, if the subject of a referrer failed. */
static bool
block_on_failed_subject(Apply *apply, Copy *copy)
{
    const HrDescriptor *subject = hr_artifact_root(copy->artifact)->subject;
    g_autofree char *name =
        g_strconcat(copy->target_repository, "@", subject->digest, NULL);
    g_autoptr(GError) error = NULL;
    bool failed;

    /* Others of the wave are under way already. */
    pthread_mutex_lock(&apply->mutex);
    failed = g_hash_table_contains(apply->failed, name);
    pthread_mutex_unlock(&apply->mutex);
    if (!failed)
        return false;
    hr_error_set(&error, HR_PRECONDITION,
                 "blocked: it refers to %s, which could not be copied",
                 subject->digest);
    hr_group_enter(apply->group);
    end_copy(copy, HR_RESULT_BLOCKED, error);
    return true;
}

static gint
order_by_subject(gconstpointer left, gconstpointer right)
{
    const Copy *one = *(const Copy *const *)left;
    const Copy *other = *(const Copy *const *)right;
    int order = strcmp(one->target_repository, other->target_repository);

    return order != 0
               ? order
               : strcmp(hr_artifact_root(one->artifact)->subject->digest,
                        hr_artifact_root(other->artifact)->subject->digest);
}

/* The copies of one subject were listed, or not. */
static void
end_listing(void *data, unsigned written, const GError *error)
{
    GPtrArray *copies = data;

    for (guint i = 0; i < copies->len; i++) {
        Copy *copy = copies->pdata[i];
        Apply *apply = copy->apply;

        if (i == 0)
            atomic_fetch_add(&apply->counts->manifests, written);
        hr_group_enter(apply->group);
        end_copy(copy, error == NULL ? HR_RESULT_DONE : HR_RESULT_FAILED,
                 error);
    }
    g_ptr_array_unref(copies);
}

/* Has all of one subject listed; takes `copies`. */
static void
list_copies(Apply *apply, GPtrArray *copies)
{
    const Copy *first = copies->pdata[0];
    HrListingOrder order = {
        .source_repository = first->source_repository,
        .target_repository = first->target_repository,
        .subject = hr_artifact_root(first->artifact)->subject->digest,
        .entries = hr_referrers_new(),
        .done = end_listing,
        .data = copies,
    };

    for (guint i = 0; i < copies->len; i++) {
        const Copy *copy = copies->pdata[i];

        /* It was parsed before. */
        g_ptr_array_add(
            order.entries,
            hr_referrer_describe(hr_artifact_root(copy->artifact), NULL));
    }
    hr_listing_submit(apply->pass, apply->group, &order);
}

/* Lists what this wave has brought, before anything refers to that. */
static void
list_wave(Apply *apply)
{
    g_autoptr(GPtrArray) all = apply->unlisted;
    GPtrArray *copies = NULL;

    apply->unlisted = g_ptr_array_new();
    g_ptr_array_sort(all, order_by_subject);
    for (guint i = 0; i < all->len; i++) {
        if (copies == NULL)
            copies = g_ptr_array_new();
        g_ptr_array_add(copies, all->pdata[i]);
        if (i + 1 == all->len ||
            order_by_subject(&all->pdata[i], &all->pdata[i + 1]) != 0)
            list_copies(apply, g_steal_pointer(&copies));
    }
    hr_pass_wait(apply->pass, apply->group);
}

static void
run_waves(Apply *apply)
{
    const HrPass *pass = apply->pass;

    while (apply->deferred->len > 0) {
        g_autoptr(GPtrArray) wave = take_next_wave(apply);

        for (guint i = 0; i < wave->len; i++) {
            Copy *copy = wave->pdata[i];
            HrChange *change = copy->change;

            if (block_on_failed_subject(apply, copy))
                continue;
            copy->last_wave = true;
            if (!hr_pass_submit(pass, apply->group, run_copy, copy)) {
                free_copy(copy);
                fail_unstarted(pass, change);
            }
        }
        hr_pass_wait(pass, apply->group);
        list_wave(apply);
    }
}

void
hr_apply_run(const HrPass *pass, HrPlan *plan, HrWriteCounts *counts)
{
    g_autoptr(HrGroup) group = hr_group_new();
    g_autoptr(HrBrokenUploads) broken = hr_broken_uploads_new(pass->cancel);
    g_autoptr(GHashTable) failed =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Apply apply = {
        .pass = pass,
        .counts = counts,
        .broken = broken,
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
    hr_pass_wait(pass, group);
    run_waves(&apply);
    g_ptr_array_unref(apply.deferred);
    g_ptr_array_unref(apply.unlisted);
    pthread_mutex_destroy(&apply.mutex);
}
