/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verified: remembers which files have been found whole, so that each is
 * hashed once and not at every question.
 *
 * A file is the same as long as device, inode, size and modification time
 * are.  The table has a fixed size, a row of WAYS cells for each hash; a new
 * entry takes the place of the row's oldest.
 */
#include <stdlib.h>
#include <string.h>

#include "layout.h"

#define ROW_COUNT 4096
#define WAYS 4

/* Half of a SHA-256: finding another file with the same is out of reach. */
#define KEY_SIZE 32

typedef struct Cell {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
    char key[KEY_SIZE]; /* start of the hex digits; "" in an empty cell */
} Cell;

struct Verified {
    pthread_mutex_t lock;
    Cell *cells;
    unsigned char oldest[ROW_COUNT];
};

Verified *
layout_verified_new(void)
{
    Verified *verified = layout_alloc(sizeof *verified);

    pthread_mutex_init(&verified->lock, NULL);
    verified->cells = layout_alloc(ROW_COUNT * WAYS * sizeof(Cell));
    return verified;
}

void
layout_verified_free(Verified *verified)
{
    pthread_mutex_destroy(&verified->lock);
    free(verified->cells);
    free(verified);
}

static void
fill(Cell *cell, const struct stat *stat, const char *digest)
{
    memset(cell, 0, sizeof *cell);
    cell->device = stat->st_dev;
    cell->inode = stat->st_ino;
    cell->size = stat->st_size;
    cell->modified = stat->st_mtim;
    memcpy(cell->key, strchr(digest, ':') + 1, KEY_SIZE);
}

static size_t
row_of(const struct stat *stat)
{
    uint64_t hash = (uint64_t)stat->st_ino * 0x9e3779b97f4a7c15u;

    return (size_t)(hash >> 32) % ROW_COUNT;
}

static bool
same(const Cell *one, const Cell *other)
{
    return one->device == other->device && one->inode == other->inode &&
           one->size == other->size &&
           one->modified.tv_sec == other->modified.tv_sec &&
           one->modified.tv_nsec == other->modified.tv_nsec &&
           memcmp(one->key, other->key, KEY_SIZE) == 0;
}

static bool
knows_locked(const Verified *verified, size_t row, const Cell *wanted)
{
    for (size_t i = 0; i < WAYS; i++)
        if (same(&verified->cells[row * WAYS + i], wanted))
            return true;
    return false;
}

bool
layout_verified_knows(Verified *verified, const struct stat *stat,
                      const char *digest)
{
    Cell wanted;
    bool known;

    fill(&wanted, stat, digest);
    pthread_mutex_lock(&verified->lock);
    known = knows_locked(verified, row_of(stat), &wanted);
    pthread_mutex_unlock(&verified->lock);
    return known;
}

void
layout_verified_add(Verified *verified, const struct stat *stat,
                    const char *digest)
{
    size_t row = row_of(stat);
    Cell added;

    fill(&added, stat, digest);
    pthread_mutex_lock(&verified->lock);
    if (!knows_locked(verified, row, &added)) {
        size_t way = verified->oldest[row]++ % WAYS;

        verified->cells[row * WAYS + way] = added;
    }
    pthread_mutex_unlock(&verified->lock);
}
