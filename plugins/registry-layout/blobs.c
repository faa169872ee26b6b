/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blobs: asked for, read, and written. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout.h"

#define CHUNK_BYTES (256u * 1024)

/* From this size on, room is asked for before the first byte comes. */
#define RESERVE_BYTES (1024u * 1024)

struct hr_blob_reader {
    int fd;
    uint64_t at;
    char *path;
};

/* Holds one descriptor only: many are open at a time. */
struct hr_blob_writer {
    int fd;
    uint64_t size;
    char *repository;
    char digest[HR_DIGEST_CAPACITY];
    char temp[LAYOUT_TEMP_CAPACITY];
};

/* ----------------------------------------------------------------- stat */

static hr_status
stat_blob(hr_registry *registry, hr_call *call, const Place *place,
          const hr_blob_query *query)
{
    struct stat stat;
    Store store;
    hr_status status =
        layout_store_open_at(call, place, query->digest, PLACE_FIND, &store);

    if (status != HR_OK)
        return status;
    status = layout_store_find(registry, call, &store, query->digest,
                               query->size, &stat, NULL);
    layout_store_close(&store);
    return status;
}

hr_status
layout_stat_blobs(hr_registry *registry, hr_call *call,
                  hr_blob_query *const *queries, size_t count)
{
    const char *name = NULL;
    hr_status opened = HR_OK;
    Place place = {.fd = -1};

    for (size_t i = 0; i < count; i++) {
        hr_blob_query *query = queries[i];

        if (name == NULL || strcmp(name, query->repository) != 0) {
            layout_place_close(&place);
            name = query->repository;
            opened =
                layout_place_open(registry, call, name, PLACE_FIND, &place);
        }
        query->message[0] = '\0';
        query->status = opened;
        if (opened == HR_OK)
            query->status = stat_blob(registry, call, &place, query);
        if (query->status != HR_OK)
            layout_explain(call, query->message);
        if (query->status == HR_CANCELLED)
            break;
    }
    layout_place_close(&place);
    return layout_cancelled(call)
               ? layout_fail(call, HR_CANCELLED, "cancelled")
               : HR_OK;
}

/* ----------------------------------------------------------------- read */

/* Opens without hashing: the host hashes what it reads. */
static hr_status
open_file(hr_call *call, const Store *store, const hr_blob *blob,
          hr_blob_reader *reader)
{
    const char *hex = strchr(blob->digest, ':') + 1;
    char path[LAYOUT_PATH_CAPACITY];
    struct stat stat;

    layout_path_join(path, &store->files, hex);
    reader->fd = layout_file_open(store->files.fd, hex, &stat);
    if (reader->fd < 0)
        return layout_fail_errno(call, errno, "open", path, 0);
    reader->path = layout_copy_text(path);
    if ((uint64_t)stat.st_size == blob->size)
        return HR_OK;
    return layout_fail(call, HR_INTEGRITY,
                       "%s has %llu bytes instead of %llu: the layout is "
                       "damaged, write it anew",
                       path, (unsigned long long)stat.st_size,
                       (unsigned long long)blob->size);
}

hr_status
layout_open_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                 hr_blob_source *source)
{
    hr_blob_reader *reader;
    hr_status status;
    Store store;

    status = layout_store_open(registry, call, blob->repository, blob->digest,
                               PLACE_FIND, &store);
    if (status != HR_OK)
        return status;
    reader = layout_alloc(sizeof *reader);
    status = open_file(call, &store, blob, reader);
    layout_store_close(&store);
    if (status == HR_OK)
        status =
            layout_host->blob->source_reader(layout_module, source, reader);
    if (status != HR_OK)
        layout_close_blob(registry, reader);
    return status;
}

hr_status
layout_read_blob(hr_registry *registry, hr_call *call, hr_blob_reader *reader,
                 void *buffer, size_t capacity, size_t *size)
{
    ssize_t got;

    (void)registry;
    do
        got = pread(reader->fd, buffer,
                    capacity < CHUNK_BYTES ? capacity : CHUNK_BYTES,
                    (off_t)reader->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return layout_fail_errno(call, errno, "read", reader->path, 0);
    reader->at += (uint64_t)got;
    *size = (size_t)got;
    return HR_OK;
}

void
layout_close_blob(hr_registry *registry, hr_blob_reader *reader)
{
    (void)registry;
    if (reader->fd >= 0)
        close(reader->fd);
    free(reader->path);
    free(reader);
}

/* ---------------------------------------------------------------- write */

static void
free_writer(hr_blob_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    free(writer->repository);
    free(writer);
}

static hr_status
fail_write(hr_call *call, const hr_registry *registry,
           const hr_blob_writer *writer, int error)
{
    char path[LAYOUT_PATH_CAPACITY];

    snprintf(path, sizeof path, "%s: blob %s of %s", registry->root,
             writer->digest, writer->repository);
    return layout_fail_errno(call, error, "write to", path, writer->size);
}

/* Makes the temporary file.  Too little room is noticed here, before gigabytes
 * were sent. */
static hr_status
start_writer(const hr_registry *registry, hr_call *call, const Store *store,
             const hr_blob *blob, hr_blob_writer *writer)
{
    int error = 0;

    writer->size = blob->size;
    writer->repository = layout_copy_text(blob->repository);
    snprintf(writer->digest, sizeof writer->digest, "%s", blob->digest);
    writer->fd = layout_temp_open(store->base.fd, writer->temp);
    if (writer->fd < 0)
        return fail_write(call, registry, writer, errno);
#ifdef FALLOC_FL_KEEP_SIZE
    if (blob->size >= RESERVE_BYTES &&
        fallocate(writer->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)blob->size) != 0)
        error = errno;
#endif
    if (error != ENOSPC && error != EDQUOT && error != EFBIG)
        return HR_OK;
    unlinkat(store->base.fd, writer->temp, 0);
    return fail_write(call, registry, writer, error);
}

static hr_status
open_writer(hr_registry *registry, hr_call *call, const Store *store,
            const hr_blob *blob, hr_blob_target *target)
{
    hr_blob_writer *writer = layout_alloc(sizeof *writer);
    hr_status status = start_writer(registry, call, store, blob, writer);

    if (status != HR_OK) {
        free_writer(writer);
        return status;
    }
    status = layout_host->blob->target_writer(layout_module, target, writer);
    if (status != HR_OK)
        layout_abort_blob(registry, call, writer);
    return status;
}

static void
sweep(hr_registry *registry, const char *repository, const Place *place)
{
    Repository *pinned = layout_repository_pin(registry, repository);

    layout_repository_sweep(pinned, place);
    layout_repository_unpin(registry, pinned);
}

hr_status
layout_create_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                   const char *mount_from, hr_blob_target *target)
{
    struct stat stat;
    hr_status status;
    int mounted = 0;
    Store store;

    status = layout_store_open(registry, call, blob->repository, blob->digest,
                               PLACE_MAKE, &store);
    if (status != HR_OK)
        return status;
    sweep(registry, blob->repository, &store.base);
    status = layout_store_find(registry, call, &store, blob->digest,
                               blob->size, &stat, NULL);
    if (status == HR_NOT_FOUND) {
        mounted = 1;
        status = layout_store_take(registry, call, &store, blob->digest,
                                   blob->size, mount_from);
    }
    if (status == HR_NOT_FOUND) {
        layout_host->call->forgive(layout_module, call);
        status = open_writer(registry, call, &store, blob, target);
    } else if (status == HR_OK) {
        layout_host->call->forgive(layout_module, call);
        status =
            layout_host->blob->target_present(layout_module, target, mounted);
    }
    layout_store_close(&store);
    return status;
}

hr_status
layout_write_blob(hr_registry *registry, hr_call *call, hr_blob_writer *writer,
                  const void *data, size_t size)
{
    if (layout_file_write(writer->fd, data, size))
        return HR_OK;
    return fail_write(call, registry, writer, errno);
}

hr_status
layout_commit_blob(hr_registry *registry, hr_call *call,
                   hr_blob_writer *writer)
{
    hr_status status;
    Store store;

    if (fsync(writer->fd) != 0) {
        status = fail_write(call, registry, writer, errno);
        layout_abort_blob(registry, call, writer);
        return status;
    }
    status = layout_store_open(registry, call, writer->repository,
                               writer->digest, PLACE_FIND, &store);
    if (status == HR_OK) {
        status = layout_store_publish(registry, call, &store, writer->temp,
                                      writer->digest);
        layout_store_close(&store);
    }
    free_writer(writer);
    return status;
}

void
layout_abort_blob(hr_registry *registry, hr_call *call, hr_blob_writer *writer)
{
    Place place;

    if (layout_place_open(registry, call, writer->repository, PLACE_FIND,
                          &place) == HR_OK) {
        unlinkat(place.fd, writer->temp, 0);
        layout_place_close(&place);
    } else {
        layout_host->call->forgive(layout_module, call);
    }
    free_writer(writer);
}
