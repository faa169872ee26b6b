/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blob board: who moves which blob to where. */
#include "sync/blob-board.h"

#include <string.h>

#include "base/lock.h"

typedef struct Waiter {
    HrBlobReady ready;
    void *data;
} Waiter;

/* One blob in one repository ("repository digest"), or one blob anywhere
 * ("digest", home set once it is stored). */
typedef struct Entry {
    GArray *waiters; /* NULL while nobody waits */
    char *home;      /* of a "digest" entry: repository that has it */
    GList link;      /* in `stored`, once it is */
    bool moving;
    char key[];
} Entry;

struct HrBlobBoard {
    pthread_mutex_t mutex;
    GHashTable *entries; /* key -> Entry */
    GQueue stored;       /* entries that may be forgotten, oldest first */
    unsigned limit;
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

HrBlobBoard *
hr_blob_board_new(unsigned limit)
{
    HrBlobBoard *board = g_new0(HrBlobBoard, 1);

    pthread_mutex_init(&board->mutex, NULL);
    board->entries =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_entry);
    g_queue_init(&board->stored);
    board->limit = limit;
    return board;
}

void
hr_blob_board_free(HrBlobBoard *board)
{
    if (board == NULL)
        return;
    g_hash_table_unref(board->entries);
    pthread_mutex_destroy(&board->mutex);
    g_free(board);
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

static void
wait_for(Entry *entry, HrBlobReady ready, void *data)
{
    Waiter waiter = {ready, data};

    if (entry->waiters == NULL)
        entry->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    g_array_append_val(entry->waiters, waiter);
}

HrBlobClaim
hr_blob_board_claim(HrBlobBoard *board, const char *repository,
                    const char *digest, HrBlobReady ready, void *data,
                    char **mount_from)
{
    g_autofree char *key = make_place_key(repository, digest);
    Entry *here;
    Entry *anywhere;

    *mount_from = NULL;
    HR_LOCKED(&board->mutex);
    here = g_hash_table_lookup(board->entries, key);
    if (here != NULL && !here->moving)
        return HR_BLOB_HERE;
    anywhere = g_hash_table_lookup(board->entries, digest);
    if (here != NULL || (anywhere != NULL && anywhere->moving)) {
        wait_for(here != NULL ? here : anywhere, ready, data);
        return HR_BLOB_MOVING;
    }
    add_moving(board, key);
    if (anywhere != NULL)
        *mount_from = g_strdup(anywhere->home);
    else
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
    g_array_append_vals(woken, entry->waiters->data, entry->waiters->len);
    g_array_unref(entry->waiters);
    entry->waiters = NULL;
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
    g_queue_push_tail_link(&board->stored, &entry->link);
}

static void
forget_oldest(HrBlobBoard *board)
{
    while (board->stored.length > board->limit) {
        GList *link = g_queue_pop_head_link(&board->stored);
        Entry *entry = link->data;

        board->forgot = true;
        g_hash_table_remove(board->entries, entry->key);
    }
}

void
hr_blob_board_settle(HrBlobBoard *board, const char *repository,
                     const char *digest, bool stored)
{
    g_autofree char *key = make_place_key(repository, digest);
    g_autoptr(GArray) woken = g_array_new(FALSE, FALSE, sizeof(Waiter));
    Entry *here;
    Entry *anywhere;

    pthread_mutex_lock(&board->mutex);
    here = g_hash_table_lookup(board->entries, key);
    if (here != NULL && here->moving)
        settle_entry(board, here, stored, woken);
    anywhere = g_hash_table_lookup(board->entries, digest);
    if (anywhere != NULL && anywhere->moving) {
        if (stored)
            anywhere->home = g_strdup(repository);
        settle_entry(board, anywhere, stored, woken);
    }
    forget_oldest(board);
    pthread_mutex_unlock(&board->mutex);
    for (guint i = 0; i < woken->len; i++) {
        Waiter *waiter = &g_array_index(woken, Waiter, i);

        waiter->ready(waiter->data);
    }
}

bool
hr_blob_board_remembers_all(HrBlobBoard *board)
{
    HR_LOCKED(&board->mutex);
    return !board->forgot;
}
