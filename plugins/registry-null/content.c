/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Content: artifacts that follow from numbers.
 *
 * A digest does not tell its numbers.  A table of fixed size remembers those
 * made last, a row of WAYS cells for each hash; what it has lost is found by
 * making the repository's artifacts again, one after the other.
 */
#include "content.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define CHUNK_BYTES 16384

/* Some 3 MiB, good for fifty thousand tags a pass before searches begin. */
#define ROW_COUNT 16384
#define WAYS 8

typedef struct Cell {
    uint64_t key; /* first 16 hex digits of the digest */
    Spot spot;
} Cell;

typedef struct Table {
    Cell cells[ROW_COUNT][WAYS];
    unsigned char oldest[ROW_COUNT];
} Table;

struct Content {
    Extent extent;
    pthread_mutex_t lock; /* guards the rest */
    Table *table;         /* NULL until something is made */
};

/* A digest that is looked for while an artifact is made. */
typedef struct Wanted {
    const char *digest;
    bool found;
    Spot spot;
} Wanted;

const hr_host *null_host;
hr_module *null_module;

/* All its pages are used from the start, so that memory does not seem to grow
 * with the number of artifacts.  No repository has number ~0. */
static Table *
new_table(void)
{
    Table *table = malloc(sizeof *table);

    if (table == NULL)
        abort();
    memset(table, 0xff, sizeof *table);
    return table;
}

Content *
content_new(const Extent *extent)
{
    Content *content = calloc(1, sizeof *content);

    if (content == NULL)
        abort();
    content->extent = *extent;
    pthread_mutex_init(&content->lock, NULL);
    return content;
}

void
content_free(Content *content)
{
    pthread_mutex_destroy(&content->lock);
    free(content->table);
    free(content);
}

/* A mixed counter: no two layers are equal, and nothing compresses. */
void
content_bytes(Spot spot, uint64_t at, void *buffer, size_t size)
{
    unsigned char *bytes = buffer;
    uint64_t seed = ((uint64_t)spot.repository << 40) ^
                    ((uint64_t)spot.tag << 12) ^ spot.part;

    while (size > 0) {
        uint64_t word = seed * 0x9e3779b97f4a7c15u + at / 8;
        size_t skip = at % 8, count = 8 - skip < size ? 8 - skip : size;

        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
        word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
        word ^= word >> 31;
        memcpy(bytes, (unsigned char *)&word + skip, count);
        bytes += count;
        at += count;
        size -= count;
    }
}

/* ------------------------------------------------------------- digests */

static void
digest_of(const void *bytes, size_t size, char digest[HR_DIGEST_CAPACITY])
{
    hr_hash *hash = null_host->digest->start(null_module, NULL);

    null_host->digest->update(null_module, hash, bytes, size);
    null_host->digest->finish(null_module, hash, digest);
}

static void
digest_of_layer(const Content *content, Spot spot,
                char digest[HR_DIGEST_CAPACITY])
{
    hr_hash *hash = null_host->digest->start(null_module, NULL);
    unsigned char bytes[CHUNK_BYTES];

    for (uint64_t at = 0; at < content->extent.size; at += sizeof bytes) {
        uint64_t left = content->extent.size - at;
        size_t count = left < sizeof bytes ? (size_t)left : sizeof bytes;

        content_bytes(spot, at, bytes, count);
        null_host->digest->update(null_module, hash, bytes, count);
    }
    null_host->digest->finish(null_module, hash, digest);
}

static uint64_t
key_of(const char *digest)
{
    char start[17] = "";

    strncat(start, strchr(digest, ':') + 1, 16);
    return strtoull(start, NULL, 16);
}

static void
remember(Content *content, const char *digest, Spot spot)
{
    uint64_t key = key_of(digest);
    size_t row = key % ROW_COUNT, way = 0;
    Cell *cells;

    pthread_mutex_lock(&content->lock);
    if (content->table == NULL)
        content->table = new_table();
    cells = content->table->cells[row];
    while (way < WAYS && cells[way].key != key)
        way++;
    if (way == WAYS)
        way = ++content->table->oldest[row] % WAYS;
    cells[way] = (Cell){.key = key, .spot = spot};
    pthread_mutex_unlock(&content->lock);
}

static bool
recall(Content *content, const char *digest, uint32_t repository, Spot *spot)
{
    uint64_t key = key_of(digest);
    bool found = false;

    pthread_mutex_lock(&content->lock);
    for (size_t way = 0; content->table != NULL && way < WAYS && !found;
         way++) {
        const Cell *cell = &content->table->cells[key % ROW_COUNT][way];

        found = cell->key == key && cell->spot.repository == repository;
        if (found)
            *spot = cell->spot;
    }
    pthread_mutex_unlock(&content->lock);
    return found;
}

/* --------------------------------------------------------------- making */

static void
compare(Wanted *wanted, const char *digest, Spot spot)
{
    if (wanted == NULL || strcmp(wanted->digest, digest) != 0)
        return;
    wanted->found = true;
    wanted->spot = spot;
}

static void
write_layers(Content *content, Spot spot, bool remember_blobs, Wanted *wanted,
             FILE *text)
{
    char digest[HR_DIGEST_CAPACITY];

    for (spot.part = 0; spot.part < content->extent.blobs; spot.part++) {
        digest_of_layer(content, spot, digest);
        fprintf(text,
                "%s{\"mediaType\":\"" LAYER_TYPE "\","
                "\"digest\":\"%s\",\"size\":%llu}",
                spot.part > 0 ? "," : "", digest,
                (unsigned long long)content->extent.size);
        if (remember_blobs)
            remember(content, digest, spot);
        compare(wanted, digest, spot);
    }
}

static void
make(Content *content, Spot spot, bool remember_blobs, Wanted *wanted,
     Made *made)
{
    char digest[HR_DIGEST_CAPACITY];
    int length = snprintf(made->config, sizeof made->config,
                          "{\"architecture\":\"none\",\"os\":\"none\","
                          "\"repository\":%u,\"tag\":%u}",
                          spot.repository, spot.tag);
    FILE *text = open_memstream(&made->manifest, &made->manifest_size);

    if (text == NULL)
        abort();
    digest_of(made->config, (size_t)length, digest);
    spot.part = content->extent.blobs;
    if (remember_blobs)
        remember(content, digest, spot);
    compare(wanted, digest, spot);
    fprintf(text,
            "{\"schemaVersion\":2,\"mediaType\":\"" CONTENT_MANIFEST_TYPE
            "\",\"config\":{\"mediaType\":\"" CONFIG_TYPE "\","
            "\"digest\":\"%s\",\"size\":%d},\"layers\":[",
            digest, length);
    write_layers(content, spot, remember_blobs, wanted, text);
    fputs("]}", text);
    if (fclose(text) != 0)
        abort();
    digest_of(made->manifest, made->manifest_size, made->digest);
    spot.part = content->extent.blobs + 1;
    remember(content, made->digest, spot);
    compare(wanted, made->digest, spot);
}

void
content_make(Content *content, Spot spot, bool remember_blobs, Made *made)
{
    make(content, spot, remember_blobs, NULL, made);
}

bool
content_find(Content *content, hr_call *call, uint32_t repository,
             const char *digest, Spot *spot)
{
    Spot at = {.repository = repository};
    Wanted wanted = {.digest = digest};

    if (recall(content, digest, repository, spot))
        return true;
    for (; at.tag < content->extent.tags && !wanted.found; at.tag++) {
        Made made;

        if (null_host->call->cancelled(null_module, call))
            return false;
        make(content, at, false, &wanted, &made);
        free(made.manifest);
    }
    *spot = wanted.spot;
    return wanted.found;
}
