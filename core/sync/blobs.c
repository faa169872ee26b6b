/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blobs: brings the blobs of one artifact to the target. */
#include "sync/blobs.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

/* Blobs opened at once by one job.  An endpoint moves a few at a time; more
 * than that only keeps upload sessions open that may expire. */
#define WINDOW_SIZE 16

/* What was sent is not all received: so much may lie in buffers on the way,
 * more of it one time than another. */
#define BUFFERED_BYTES ((uint64_t)8 * 1024 * 1024)

/* How often a target may be asked anew how it wants a blob, without getting
 * further: each time its plugin has learnt something about the registry. */
#define REFETCH_LIMIT 5

/* So much that is new is further. */
#define FURTHER_BYTES (UINT64_C(1024) * 1024)

/* How often the way of an upload that was begun anew may count as new. */
#define RESTART_LIMIT 5

/* One blob that is ours to bring. */
typedef struct Claimed {
    const HrDescriptor *blob;
    HrBlobOffer offer;
    HrBlobOffer tried;    /* the offer that the transfer was begun with */
    HrTransfer *transfer; /* under way, or broken off */
    bool opened;          /* its ends are described   */
    GError *error;
    HrRetryState retry;
    unsigned refetched;
    uint64_t shown_bytes;    /* of it, as having moved                    */
    uint64_t furthest_bytes; /* from its start on, that were ever sent    */
    uint64_t new_bytes;      /* of those, by the last attempt             */
    unsigned restarts;
    bool begun_anew; /* the upload; and it has not been gone on with yet  */
    bool copied;
    bool shared; /* a pipe of it met those of others, once */
    bool source_failed;
    bool elsewhere;   /* a foreign layer that the source does not have */
    unsigned address; /* of it, that is tried */
    bool settled;
} Claimed;

static void
free_claimed(gpointer data)
{
    Claimed *claimed = data;

    hr_transfer_free(claimed->transfer, NULL);
    g_clear_error(&claimed->error);
    g_free(claimed->offer.repository);
    g_free(claimed);
}

/* Its bytes are those that had to move, or none; what was sent in vain is
 * forgotten. */
static void
correct_progress(HrProgress *progress, const Claimed *claimed)
{
    uint64_t size = (uint64_t)claimed->blob->size;

    atomic_fetch_add(&progress->bytes,
                     (claimed->copied ? size : 0) - claimed->shown_bytes);
    if (!claimed->copied)
        atomic_fetch_sub(&progress->planned_bytes, size);
}

static HrCompany
company_of(const HrBlobMove *move)
{
    return (HrCompany){.members = move->company, .self = move->pass->self};
}

/* Others need not wait for us to read it with them. */
static void
excuse(const HrBlobMove *move, const HrDescriptor *blob)
{
    if (move->company != 0)
        hr_pipe_share_without(hr_registry_endpoint(move->pass->source),
                              blob->digest, company_of(move));
}

static void
settle(const HrBlobMove *move, Claimed *claimed, bool stored)
{
    claimed->settled = true;
    if (!claimed->shared)
        excuse(move, claimed->blob);
    correct_progress(move->pass->progress, claimed);
    hr_blob_board_settle(move->pass->board, move->asker.job,
                         move->target_repository, claimed->blob->digest,
                         stored);
}

/* An upload that broke off when the job ran last; or none. */
static void
take_broken(const HrBlobMove *move, Claimed *claimed)
{
    HrPipeEnding ending;

    claimed->transfer = hr_broken_uploads_take(
        move->broken, move->target_repository, claimed->blob->digest);
    if (claimed->transfer == NULL ||
        hr_transfer_pipe(claimed->transfer) == NULL)
        return;
    hr_pipe_ending(hr_transfer_pipe(claimed->transfer), &ending);
    claimed->furthest_bytes = (uint64_t)ending.sent;
}

/* Takes the claims.  The list keeps only blobs that others move. */
static GPtrArray *
claim_blobs(const HrBlobMove *move, GPtrArray *blobs)
{
    GPtrArray *ours = g_ptr_array_new_with_free_func(free_claimed);

    for (guint i = 0; i < blobs->len;) {
        const HrDescriptor *blob = blobs->pdata[i];
        HrBlobOffer offer;
        HrBlobClaim claim;
        Claimed *claimed;

        /* Counted first: the mover may be done before claim returns. */
        atomic_fetch_add(move->waiting, 1);
        claim = hr_blob_board_claim(move->pass->board, move->target_repository,
                                    blob->digest, blob->size, &move->asker,
                                    &offer);
        if (claim == HR_BLOB_MOVING) {
            i++;
            continue;
        }
        atomic_fetch_sub(move->waiting, 1);
        g_ptr_array_remove_index(blobs, i);
        if (claim == HR_BLOB_HERE) {
            excuse(move, blob);
            continue;
        }
        claimed = g_new0(Claimed, 1);
        claimed->blob = blob;
        claimed->offer = offer;
        atomic_fetch_add(&move->pass->progress->planned_bytes,
                         (uint64_t)blob->size);
        take_broken(move, claimed);
        g_ptr_array_add(ours, claimed);
    }
    return ours;
}

static bool
is_open(const Claimed *claimed)
{
    return !claimed->settled && claimed->error == NULL;
}

/* Settles those that the target has already.  One that can be mounted is not
 * asked about: mounting answers the question. */
static bool
find_present(const HrBlobMove *move, GPtrArray *ours, HrCall *call,
             GError **error)
{
    g_autofree hr_blob_query *queries = g_new0(hr_blob_query, ours->len);
    g_autofree hr_blob_query **asked = g_new0(hr_blob_query *, ours->len);
    size_t count = 0;

    for (guint i = 0; i < ours->len; i++) {
        Claimed *claimed = ours->pdata[i];

        if (claimed->offer.repository != NULL)
            continue;
        queries[i].struct_size = sizeof queries[i];
        queries[i].repository = move->target_repository;
        queries[i].digest = claimed->blob->digest;
        queries[i].size = (uint64_t)claimed->blob->size;
        asked[count++] = &queries[i];
    }
    if (count > 0 &&
        !hr_registry_stat_blobs(move->pass->target, call, asked, count, error))
        return false;
    for (guint i = 0; i < ours->len; i++) {
        Claimed *claimed = ours->pdata[i];

        if (queries[i].repository == NULL || queries[i].status != HR_OK)
            continue;
        atomic_fetch_add(&move->counts->present, 1);
        settle(move, claimed, true);
    }
    return true;
}

/* Finds out which foreign layers have to be had from where their manifests
 * say.  What cannot be asked is left to be read from the source. */
static void
find_foreign(const HrBlobMove *move, GPtrArray *ours, HrCall *call)
{
    g_autofree hr_blob_query *queries = g_new0(hr_blob_query, ours->len);
    g_autofree hr_blob_query **asked = g_new0(hr_blob_query *, ours->len);
    g_autoptr(GError) error = NULL;
    size_t count = 0;

    for (guint i = 0; i < ours->len; i++) {
        const Claimed *claimed = ours->pdata[i];

        if (claimed->settled || !claimed->blob->foreign)
            continue;
        queries[i].struct_size = sizeof queries[i];
        queries[i].repository = move->source_repository;
        queries[i].digest = claimed->blob->digest;
        queries[i].size = (uint64_t)claimed->blob->size;
        asked[count++] = &queries[i];
    }
    if (count == 0 || !hr_registry_stat_blobs(move->pass->source, call, asked,
                                              count, &error))
        return;
    for (guint i = 0; i < ours->len; i++) {
        Claimed *claimed = ours->pdata[i];

        claimed->elsewhere =
            queries[i].repository != NULL && queries[i].status == HR_NOT_FOUND;
    }
}

static const char *
find_address(const Claimed *claimed)
{
    return claimed->elsewhere && claimed->blob->urls != NULL
               ? claimed->blob->urls[claimed->address]
               : NULL;
}

static void
drop_transfer(Claimed *claimed, HrCall *call)
{
    hr_transfer_free(g_steal_pointer(&claimed->transfer), call);
}

/* True if a foreign layer has another address, which is tried at once, from
 * the start: it may have other bytes. */
static bool
try_next_address(Claimed *claimed, HrCall *call)
{
    if (!claimed->source_failed || find_address(claimed) == NULL ||
        claimed->blob->urls[claimed->address + 1] == NULL)
        return false;
    claimed->address++;
    drop_transfer(claimed, call);
    return true;
}

/* True if an upload that broke off is gone on with, or cannot be just now:
 * then the error says why. */
static bool
resume_transfer(Claimed *claimed, HrCall *call)
{
    hr_status status;

    if (claimed->transfer == NULL)
        return false;
    if (hr_transfer_resume(claimed->transfer, call, &claimed->source_failed,
                           &claimed->error))
        return true;
    status = hr_error_status(claimed->error);
    if (claimed->source_failed ||
        (status != HR_NOT_FOUND && status != HR_UNSUPPORTED))
        return true;
    g_clear_error(&claimed->error);
    drop_transfer(claimed, call);
    claimed->begun_anew = true;
    return false;
}

/* From where the target may take a blob over. */
static HrBlobOffer
find_offer(const HrBlobMove *move, const Claimed *claimed)
{
    const HrPass *pass = move->pass;

    if (claimed->offer.repository == NULL &&
        hr_blob_board_mounts(pass->board) &&
        hr_registry_same(pass->source, pass->target) &&
        g_strcmp0(move->source_repository, move->target_repository) != 0)
        return (HrBlobOffer){(char *)move->source_repository, true};
    return claimed->offer;
}

/* Goes on with what broke off, or asks the target how it wants the blob. */
static void
begin_transfer(const HrBlobMove *move, Claimed *claimed, HrCall *call)
{
    const HrPass *pass = move->pass;

    claimed->new_bytes = 0;
    claimed->opened = resume_transfer(claimed, call);
    if (claimed->opened)
        return;
    claimed->source_failed = false;
    claimed->tried = find_offer(move, claimed);
    claimed->transfer =
        hr_transfer_begin(pass->source, move->source_repository, pass->target,
                          move->target_repository, claimed->blob->digest,
                          claimed->blob->size, claimed->tried.repository,
                          find_address(claimed), call, &claimed->error);
}

/* Hears the answer. */
static void
open_transfer(const HrBlobMove *move, Claimed *claimed, HrCall *call)
{
    if (claimed->opened || claimed->error != NULL)
        return;
    if (!hr_transfer_open(claimed->transfer, call, &claimed->source_failed,
                          &claimed->error)) {
        drop_transfer(claimed, call);
        return;
    }
    if (claimed->tried.repository != NULL)
        hr_blob_board_tried(move->pass->board, claimed->tried.published,
                            hr_transfer_kind(claimed->transfer) ==
                                HR_TRANSFER_MOUNTED);
}

/* Says where a foreign layer was looked for. */
static void
name_address(Claimed *claimed)
{
    const char *address = find_address(claimed);
    g_autofree char *redacted = NULL;
    g_autofree char *safe = NULL;

    if (!claimed->elsewhere || !claimed->source_failed)
        return;
    if (address == NULL) {
        g_prefix_error(&claimed->error,
                       "a foreign layer that the source does not have, and "
                       "that its manifest names no https address of: ");
        return;
    }
    redacted = hr_text_redact_url(address);
    safe = hr_text_one_line(redacted);
    g_prefix_error(&claimed->error, "foreign layer from %.200s: ", safe);
}

/* What is found after it was sent whole was sent: its answer was lost. */
static HrTransferKind
find_kind(const Claimed *claimed)
{
    HrTransferKind kind = hr_transfer_kind(claimed->transfer);

    return kind == HR_TRANSFER_PRESENT && claimed->furthest_bytes > 0 &&
                   claimed->furthest_bytes == (uint64_t)claimed->blob->size
               ? HR_TRANSFER_COPIED
               : kind;
}

static void
count_stored(const HrBlobMove *move, Claimed *claimed)
{
    HrWriteCounts *counts = move->counts;
    uint64_t size = (uint64_t)claimed->blob->size;

    switch (find_kind(claimed)) {
    case HR_TRANSFER_MOUNTED:
        atomic_fetch_add(&counts->mounted, 1);
        break;
    case HR_TRANSFER_PRESENT:
        atomic_fetch_add(&counts->present, 1);
        break;
    case HR_TRANSFER_COPIED:
        atomic_fetch_add(&counts->copied, 1);
        atomic_fetch_add(&counts->bytes, size);
        claimed->copied = true;
        break;
    }
}

/* Before a pipe runs: what earlier ones moved in vain will move again. */
static void
show_start(const HrBlobMove *move, Claimed *claimed, const HrPipe *pipe)
{
    HrPipeEnding start;

    hr_pipe_ending(pipe, &start);
    atomic_fetch_add(&move->pass->progress->bytes,
                     (uint64_t)start.sent - claimed->shown_bytes);
    claimed->shown_bytes = (uint64_t)start.sent;
    /* One that was begun anew, and of which something is kept, may well make
     * the way again that another has made. */
    if (claimed->begun_anew && start.sent > 0 &&
        claimed->restarts++ < RESTART_LIMIT) {
        claimed->furthest_bytes = claimed->shown_bytes;
        claimed->begun_anew = false;
    }
}

/* After it has run. */
static void
count_moved(Claimed *claimed, const HrPipe *pipe)
{
    uint64_t furthest = claimed->furthest_bytes;
    HrPipeEnding ending;

    hr_pipe_ending(pipe, &ending);
    claimed->shown_bytes = (uint64_t)ending.sent;
    claimed->furthest_bytes = MAX(furthest, claimed->shown_bytes);
    claimed->new_bytes = claimed->furthest_bytes - furthest;
    /* Where nothing was kept, a little further is no further. */
    if (claimed->begun_anew && claimed->new_bytes < BUFFERED_BYTES)
        claimed->new_bytes = 0;
    claimed->source_failed = hr_pipe_source_failed(pipe);
}

static void
close_transfer(const HrBlobMove *move, Claimed *claimed, HrCall *call)
{
    HrPipe *pipe;

    if (claimed->transfer == NULL || claimed->error != NULL)
        return;
    pipe = hr_transfer_pipe(claimed->transfer);
    if (pipe != NULL)
        count_moved(claimed, pipe);
    if (hr_transfer_finish(claimed->transfer, call, &claimed->error)) {
        count_stored(move, claimed);
        settle(move, claimed, true);
        drop_transfer(claimed, call);
    } else if (!hr_transfer_may_resume(claimed->transfer)) {
        drop_transfer(claimed, call);
        claimed->begun_anew = true;
    }
}

/* One attempt at a window of blobs. */
static void
attempt_window(const HrBlobMove *move, Claimed **window, size_t count,
               HrCall *call)
{
    HrPipe *pipes[WINDOW_SIZE];
    size_t pipe_count = 0;

    for (size_t i = 0; i < count; i++)
        begin_transfer(move, window[i], call);
    for (size_t i = 0; i < count; i++) {
        HrPipe *pipe;

        open_transfer(move, window[i], call);
        pipe = window[i]->error == NULL ? hr_transfer_pipe(window[i]->transfer)
                                        : NULL;
        if (pipe == NULL)
            continue;
        if (!window[i]->shared)
            hr_pipe_share(pipe, company_of(move));
        window[i]->shared = true;
        show_start(move, window[i], pipe);
        pipes[pipe_count++] = pipe;
    }
    if (pipe_count > 0)
        hr_pipe_run(pipes, pipe_count, call);
    for (size_t i = 0; i < count; i++) {
        close_transfer(move, window[i], call);
        if (window[i]->error != NULL)
            name_address(window[i]);
    }
}

/* True if the target's plugin wants to be asked at once how to go on. */
static bool
wants_refetch(Claimed *claimed)
{
    const HrErrorDetails *details = hr_error_details(claimed->error);

    if (claimed->new_bytes >= FURTHER_BYTES)
        claimed->refetched = 0;
    return claimed->transfer != NULL && !claimed->source_failed &&
           details != NULL && details->classified &&
           details->eligibility == HR_RETRY_REFETCH &&
           claimed->refetched++ < REFETCH_LIMIT;
}

/* Whether there is another attempt at one blob, and when. */
static bool
may_repeat(const HrBlobMove *move, Claimed *claimed, HrCall *call, int64_t *at)
{
    HrRegistry *blamed =
        claimed->source_failed ? move->pass->source : move->pass->target;

    *at = hr_clock_monotonic_us();
    if (wants_refetch(claimed) || try_next_address(claimed, call))
        return true;
    return hr_endpoint_repeat_blob(hr_registry_endpoint(blamed),
                                   &claimed->retry, claimed->error,
                                   claimed->new_bytes, call, at);
}

/* After an attempt: which failures deserve another one, and when.  Clears
 * their errors; 0 if there is none. */
static int64_t
plan_retry(const HrBlobMove *move, GPtrArray *ours, HrCall *call)
{
    int64_t latest = 0;

    for (guint i = 0; i < ours->len; i++) {
        Claimed *claimed = ours->pdata[i];
        int64_t at;

        if (claimed->error == NULL || !may_repeat(move, claimed, call, &at))
            continue;
        hr_log_call(HR_LOG_INFO, hr_call_correlation(call),
                    "%s: %s: trying again: %s", move->pass->name,
                    move->target_repository, claimed->error->message);
        g_clear_error(&claimed->error);
        latest = MAX(latest, at);
    }
    return latest;
}

static void
attempt_all(const HrBlobMove *move, GPtrArray *ours, HrCall *call)
{
    Claimed *window[WINDOW_SIZE];
    size_t count = 0;

    for (guint i = 0; i < ours->len; i++) {
        Claimed *claimed = ours->pdata[i];

        if (is_open(claimed))
            window[count++] = claimed;
        if (count == WINDOW_SIZE || (i + 1 == ours->len && count > 0)) {
            attempt_window(move, window, count, call);
            count = 0;
        }
    }
}

static void
move_missing(const HrBlobMove *move, GPtrArray *ours, HrCall *call)
{
    for (;;) {
        int64_t at;

        attempt_all(move, ours, call);
        at = plan_retry(move, ours, call);
        if (at == 0 || !hr_call_sleep_until(call, at))
            return;
    }
}

/* An upload that broke off is kept for when the job runs again. */
static void
keep_broken(const HrBlobMove *move, Claimed *claimed)
{
    if (claimed->transfer != NULL &&
        hr_pass_may_park(hr_error_status(claimed->error)))
        hr_broken_uploads_put(move->broken,
                              g_steal_pointer(&claimed->transfer));
}

/* Gives back the claims that came to nothing; the first error stands for
 * all. */
static bool
settle_rest(const HrBlobMove *move, GPtrArray *ours, HrCall *call,
            GError **error)
{
    bool good = true;

    for (guint i = 0; i < ours->len; i++) {
        Claimed *claimed = ours->pdata[i];

        if (claimed->settled)
            continue;
        keep_broken(move, claimed);
        drop_transfer(claimed, call);
        settle(move, claimed, false);
        if (!good)
            continue;
        good = false;
        if (claimed->error != NULL)
            g_propagate_error(error, g_steal_pointer(&claimed->error));
        else
            hr_call_set_over_error(call, error);
    }
    return good;
}

bool
hr_blobs_move(const HrBlobMove *move, GPtrArray *blobs, HrCall *call,
              GError **error)
{
    g_autoptr(GPtrArray) ours = claim_blobs(move, blobs);
    g_autoptr(GError) failure = NULL;

    if (ours->len == 0)
        return true;
    if ((move->fresh && hr_blob_board_remembers_all(move->pass->board)) ||
        find_present(move, ours, call, &failure)) {
        find_foreign(move, ours, call);
        move_missing(move, ours, call);
    }
    if (failure != NULL) {
        settle_rest(move, ours, call, NULL);
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    return settle_rest(move, ours, call, error);
}
