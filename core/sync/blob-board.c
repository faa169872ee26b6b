/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blob board: who moves which blob to where. */
#include "sync/blob-board.h"

#include <harbor-replicator/hr-registry.h>
#include <string.h>

#include "base/lock.h"
#include "model/manifest.h"

/* Less than this is uploaded sooner than somebody's tag is waited for. */
#define WAIT_BYTES_MIN (256 * 1024)

struct HrBlobJob {
    GPtrArray
        *waits_for; /* jobs whose tags it waits for, once for each blob */
    unsigned seen;  /* in the last search */
};

typedef struct Waiter {
    HrBlobJob *job; /* that waits for a tag; NULL: for a move */
    HrBlobReady ready;
    void *data;
} Waiter;

/* One blob in one repository ("repository digest"), or one blob anywhere
 * ("digest", with the members from `home` on). */
typedef struct Entry {
    GArray *waiters; /* NULL while nobody waits */
    GList link;      /* in `stored`, once it is */
    bool moving;
    bool is_trial;     /* whoever moves it tries the first mount */
    bool published;    /* a manifest of `home` refers to it */
    char *home;        /* repository that has it, once it is stored */
    HrBlobJob *holder; /* job that will publish it, or NULL */
    char key[];
} Entry;

/* Whether a repository without a manifest is mounted from. */
typedef enum Mood {
    MOOD_UNDECIDED, /* not known; one is trying it, or nobody yet */
    MOOD_EAGER,     /* it is, or nothing is mounted anyway        */
    MOOD_PATIENT    /* it is not: its manifest is waited for      */
} Mood;

struct HrBlobBoard {
    pthread_mutex_t mutex;
    GHashTable *entries; /* key -> Entry */
    GQueue stored;       /* entries that may be forgotten, oldest first */
    unsigned searches;
    unsigned limit;
    uint32_t mounts;
    Mood mood;
    bool trying;       /* the first mount is under way */
    GArray *undecided; /* who waits for what it says  */
    bool forgot;
};

static void
free_entry(gpointer data)
{
    Entry *entry = data;

    if (entry->waiters != NULL)
        g_array_unref(entry->waiters);
    g_free(entry->home);
    g_free(entry);
}

HrBlobJob *
hr_blob_job_new(void)
{
    HrBlobJob *job = g_new0(HrBlobJob, 1);

    job->waits_for = g_ptr_array_new();
    return job;
}

void
hr_blob_job_free(HrBlobJob *job)
{
    g_ptr_array_unref(job->waits_for);
    g_free(job);
}

HrBlobBoard *
hr_blob_board_new(unsigned limit, uint32_t mounts)
{
    HrBlobBoard *board = g_new0(HrBlobBoard, 1);

    pthread_mutex_init(&board->mutex, NULL);
    board->entries =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_entry);
    g_queue_init(&board->stored);
    board->limit = limit;
    board->mounts = mounts;
    board->mood = mounts == HR_MOUNT_COMMITTED ? MOOD_PATIENT : MOOD_UNDECIDED;
    board->undecided = g_array_new(FALSE, FALSE, sizeof(Waiter));
    return board;
}

void
hr_blob_board_free(HrBlobBoard *board)
{
    if (board == NULL)
        return;
    g_hash_table_unref(board->entries);
    g_array_unref(board->undecided);
    pthread_mutex_destroy(&board->mutex);
    g_free(board);
}

bool
hr_blob_board_mounts(const HrBlobBoard *board)
{
    return board->mounts != HR_MOUNT_NEVER;
}

static char *
make_place_key(const char *repository, const char *digest)
{
    return g_strconcat(repository, " ", digest, NULL);
}

static Entry *
add_moving(HrBlobBoard *board, const char *key)
{
    size_t size = strlen(key) + 1;
    Entry *entry = g_malloc0(sizeof *entry + size);

    memcpy(entry->key, key, size);
    entry->link.data = entry;
    entry->moving = true;
    g_hash_table_insert(board->entries, entry->key, entry);
    return entry;
}

static HrBlobClaim
add_waiter(Entry *entry, const HrBlobAsker *asker, HrBlobJob *waits)
{
    Waiter waiter = {waits, asker->ready, asker->data};

    if (entry->waiters == NULL)
        entry->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    g_array_append_val(entry->waiters, waiter);
    return HR_BLOB_MOVING;
}

static HrBlobClaim
wait_for_move(Entry *entry, const HrBlobAsker *asker)
{
    return add_waiter(entry, asker, NULL);
}

static HrBlobClaim
wait_for_tag(Entry *anywhere, const HrBlobAsker *asker)
{
    g_ptr_array_add(asker->job->waits_for, anywhere->holder);
    return add_waiter(anywhere, asker, asker->job);
}

/* True if `job` is `other`, or waits for its tag, be it through others: they
 * may be many, one behind the other. */
static bool
depends_on(HrBlobJob *job, const HrBlobJob *other, unsigned search)
{
    g_autoptr(GPtrArray) open = g_ptr_array_new();

    g_ptr_array_add(open, job);
    while (open->len > 0) {
        HrBlobJob *one = g_ptr_array_steal_index_fast(open, open->len - 1);

        if (one == other)
            return true;
        if (one->seen == search)
            continue;
        one->seen = search;
        for (guint i = 0; i < one->waits_for->len; i++)
            g_ptr_array_add(open, one->waits_for->pdata[i]);
    }
    return false;
}

/* A blob that is stored somewhere, for a repository that lacks it. */
static HrBlobClaim
claim_stored(HrBlobBoard *board, Entry *anywhere, const char *key,
             int64_t size, const HrBlobAsker *asker, HrBlobOffer *offer)
{
    bool matters = !anywhere->published && size >= WAIT_BYTES_MIN;
    bool is_trial = matters && board->mood == MOOD_UNDECIDED;
    Waiter waiter = {NULL, asker->ready, asker->data};

    if (is_trial && board->trying) {
        g_array_append_val(board->undecided, waiter);
        return HR_BLOB_MOVING;
    }
    if (matters && board->mood == MOOD_PATIENT && anywhere->holder != NULL &&
        !depends_on(anywhere->holder, asker->job, ++board->searches))
        return wait_for_tag(anywhere, asker);
    add_moving(board, key)->is_trial = is_trial;
    board->trying = board->trying || is_trial;
    offer->repository = g_strdup(anywhere->home);
    offer->published = anywhere->published;
    return HR_BLOB_YOURS;
}

HrBlobClaim
hr_blob_board_claim(HrBlobBoard *board, const char *repository,
                    const char *digest, int64_t size, const HrBlobAsker *asker,
                    HrBlobOffer *offer)
{
    g_autofree char *key = make_place_key(repository, digest);
    Entry *here;
    Entry *anywhere = NULL;

    *offer = (HrBlobOffer){0};
    HR_LOCKED(&board->mutex);
    here = g_hash_table_lookup(board->entries, key);
    if (here != NULL)
        return here->moving ? wait_for_move(here, asker) : HR_BLOB_HERE;
    if (hr_blob_board_mounts(board))
        anywhere = g_hash_table_lookup(board->entries, digest);
    if (anywhere != NULL)
        return anywhere->moving
                   ? wait_for_move(anywhere, asker)
                   : claim_stored(board, anywhere, key, size, asker, offer);
    add_moving(board, key);
    if (hr_blob_board_mounts(board))
        add_moving(board, digest);
    return HR_BLOB_YOURS;
}

/* Takes the waiters off an entry, so that they can be woken without the
 * lock. */
static void
collect_waiters(Entry *entry, GArray *woken)
{
    if (entry->waiters == NULL)
        return;
    for (guint i = 0; i < entry->waiters->len; i++) {
        HrBlobJob *job = g_array_index(entry->waiters, Waiter, i).job;

        if (job != NULL)
            g_ptr_array_remove_fast(job->waits_for, entry->holder);
    }
    g_array_append_vals(woken, entry->waiters->data, entry->waiters->len);
    g_array_unref(entry->waiters);
    entry->waiters = NULL;
}

/* The first mount has told, or has come to nothing. */
static void
end_trial(HrBlobBoard *board, GArray *woken)
{
    board->trying = false;
    g_array_append_vals(woken, board->undecided->data, board->undecided->len);
    g_array_set_size(board->undecided, 0);
}

static void
settle_entry(HrBlobBoard *board, Entry *entry, bool stored, GArray *woken)
{
    collect_waiters(entry, woken);
    if (!stored) {
        g_hash_table_remove(board->entries, entry->key);
        return;
    }
    entry->moving = false;
    entry->is_trial = false;
    g_queue_push_tail_link(&board->stored, &entry->link);
}

/* Whoever waited for one that is forgotten claims it anew. */
static void
forget_oldest(HrBlobBoard *board, GArray *woken)
{
    while (board->stored.length > board->limit) {
        GList *link = g_queue_pop_head_link(&board->stored);
        Entry *entry = link->data;

        board->forgot = true;
        collect_waiters(entry, woken);
        g_hash_table_remove(board->entries, entry->key);
    }
}

static void
wake(GArray *woken)
{
    for (guint i = 0; i < woken->len; i++) {
        Waiter *waiter = &g_array_index(woken, Waiter, i);

        waiter->ready(waiter->data);
    }
}

void
hr_blob_board_settle(HrBlobBoard *board, HrBlobJob *job,
                     const char *repository, const char *digest, bool stored)
{
    g_autofree char *key = make_place_key(repository, digest);
    g_autoptr(GArray) woken = g_array_new(FALSE, FALSE, sizeof(Waiter));
    Entry *here;
    Entry *anywhere;

    pthread_mutex_lock(&board->mutex);
    here = g_hash_table_lookup(board->entries, key);
    if (here != NULL && here->is_trial)
        end_trial(board, woken);
    if (here != NULL && here->moving)
        settle_entry(board, here, stored, woken);
    anywhere = g_hash_table_lookup(board->entries, digest);
    if (anywhere != NULL && anywhere->moving) {
        if (stored) {
            anywhere->home = g_strdup(repository);
            anywhere->holder = job;
        }
        settle_entry(board, anywhere, stored, woken);
    }
    forget_oldest(board, woken);
    pthread_mutex_unlock(&board->mutex);
    wake(woken);
}

void
hr_blob_board_tried(HrBlobBoard *board, bool published, bool worked)
{
    g_autoptr(GArray) woken = g_array_new(FALSE, FALSE, sizeof(Waiter));

    pthread_mutex_lock(&board->mutex);
    if (published && !worked)
        board->mood = MOOD_EAGER;
    else if (!published && board->mood == MOOD_UNDECIDED)
        board->mood = worked ? MOOD_EAGER : MOOD_PATIENT;
    if (board->mood != MOOD_UNDECIDED)
        end_trial(board, woken);
    pthread_mutex_unlock(&board->mutex);
    wake(woken);
}

/* One that is stored, though perhaps not published. */
static Entry *
find_stored(HrBlobBoard *board, const char *digest)
{
    Entry *anywhere = g_hash_table_lookup(board->entries, digest);

    return anywhere != NULL && !anywhere->moving ? anywhere : NULL;
}

static void
publish_entry(Entry *anywhere, const char *repository, GArray *woken)
{
    collect_waiters(anywhere, woken);
    anywhere->published = true;
    anywhere->holder = NULL;
    g_free(anywhere->home);
    anywhere->home = g_strdup(repository);
}

void
hr_blob_board_publish(HrBlobBoard *board, const char *repository,
                      const GPtrArray *blobs)
{
    g_autoptr(GArray) woken = g_array_new(FALSE, FALSE, sizeof(Waiter));

    pthread_mutex_lock(&board->mutex);
    for (guint i = 0; i < blobs->len; i++) {
        const HrDescriptor *blob = blobs->pdata[i];
        Entry *anywhere = find_stored(board, blob->digest);

        if (anywhere != NULL && !anywhere->published)
            publish_entry(anywhere, repository, woken);
    }
    pthread_mutex_unlock(&board->mutex);
    wake(woken);
}

void
hr_blob_board_let_go(HrBlobBoard *board, HrBlobJob *job,
                     const GPtrArray *blobs)
{
    g_autoptr(GArray) woken = g_array_new(FALSE, FALSE, sizeof(Waiter));

    pthread_mutex_lock(&board->mutex);
    for (guint i = 0; i < blobs->len; i++) {
        const HrDescriptor *blob = blobs->pdata[i];
        Entry *anywhere = find_stored(board, blob->digest);

        if (anywhere == NULL || anywhere->holder != job)
            continue;
        collect_waiters(anywhere, woken);
        anywhere->holder = NULL;
    }
    pthread_mutex_unlock(&board->mutex);
    wake(woken);
}

bool
hr_blob_board_remembers_all(HrBlobBoard *board)
{
    HR_LOCKED(&board->mutex);
    return !board->forgot;
}
