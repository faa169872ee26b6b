/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Store: files named by their digest.  One is there only if it is whole.
 *
 *     BASE/.tmp-X --link--> PATH/.blobs/sha256/HEX      the pool
 *          |                       |
 *          |                      link (another repository wants it)
 *        rename                    v
 *          v                  OTHER/blobs/sha256/HEX
 *     BASE/blobs/sha256/HEX
 *
 * The pool only saves room: what cannot be linked there, or from there, is a
 * file of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout.h"

#define CHUNK_BYTES (256u * 1024)

static const char *
hex_of(const char *digest)
{
    return strchr(digest, ':') + 1;
}

void
layout_store_close(Store *store)
{
    layout_place_close(&store->base);
    layout_place_close(&store->files);
}

/* Enters the directory of the digest's algorithm. */
static hr_status
enter_algorithm(hr_call *call, const Place *blobs, const char *digest,
                PlaceMode mode, Place *files)
{
    char algorithm[16];
    size_t length = strcspn(digest, ":");

    files->fd = -1;
    if (length >= sizeof algorithm)
        return layout_fail(call, HR_INVALID, "%s is no digest", digest);
    memcpy(algorithm, digest, length);
    algorithm[length] = '\0';
    return layout_place_enter(call, blobs, algorithm, mode, files);
}

hr_status
layout_store_open_at(hr_call *call, const Place *place, const char *digest,
                     PlaceMode mode, Store *store)
{
    Place blobs;
    hr_status status;

    store->files.fd = -1;
    memcpy(store->base.path, place->path, strlen(place->path) + 1);
    store->base.fd = fcntl(place->fd, F_DUPFD_CLOEXEC, 0);
    if (store->base.fd < 0)
        return layout_fail_errno(call, errno, "open directory", place->path,
                                 0);
    status = layout_place_enter(call, place, "blobs", mode, &blobs);
    if (status == HR_OK)
        status = enter_algorithm(call, &blobs, digest, mode, &store->files);
    layout_place_close(&blobs);
    if (status != HR_OK)
        layout_store_close(store);
    return status;
}

hr_status
layout_store_open(const hr_registry *registry, hr_call *call,
                  const char *repository, const char *digest, PlaceMode mode,
                  Store *store)
{
    Place place;
    hr_status status =
        layout_place_open(registry, call, repository, mode, &place);

    store->base.fd = store->files.fd = -1;
    if (status == HR_OK)
        status = layout_store_open_at(call, &place, digest, mode, store);
    layout_place_close(&place);
    return status;
}

/* Opens the pool.  False if there is none, or it cannot be used; that is no
 * failure. */
static bool
open_pool(hr_registry *registry, hr_call *call, const char *digest,
          PlaceMode mode, Store *pool)
{
    Place root;
    hr_status status;

    pool->base.fd = pool->files.fd = -1;
    if (registry->only != NULL)
        return false;
    status = layout_root_open(registry, call, PLACE_FIND, &root);
    if (status == HR_OK)
        status = layout_place_enter(call, &root, ".blobs", mode, &pool->base);
    if (status == HR_OK)
        status =
            enter_algorithm(call, &pool->base, digest, mode, &pool->files);
    layout_place_close(&root);
    if (status == HR_OK) {
        if (mode == PLACE_MAKE && !atomic_exchange(&registry->pool_swept, 1))
            layout_temp_sweep(pool->base.fd, pool->base.path);
        return true;
    }
    if (status != HR_NOT_FOUND)
        layout_log(HR_LOG_WARNING, "blobs are not shared: %s",
                   layout_host->call->reason(layout_module, call));
    layout_host->call->forgive(layout_module, call);
    layout_store_close(pool);
    return false;
}

/* ----------------------------------------------------------------- find */

/* Computes the digest of an open file.  HR_CANCELLED, or the read error. */
static hr_status
hash_file(hr_call *call, int fd, const char *path, const char *like,
          char digest[HR_DIGEST_CAPACITY])
{
    const hr_host_digest *host = layout_host->digest;
    hr_hash *hash = host->start(layout_module, like);
    char *buffer = layout_alloc(CHUNK_BYTES);
    hr_status status = HR_OK;
    off_t at = 0;

    while (status == HR_OK) {
        ssize_t got = pread(fd, buffer, CHUNK_BYTES, at);

        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = layout_fail_errno(call, errno, "read", path, 0);
            break;
        }
        host->update(layout_module, hash, buffer, (uint64_t)got);
        at += got;
        if (layout_cancelled(call))
            status = layout_fail(call, HR_CANCELLED, "cancelled");
    }
    free(buffer);
    host->finish(layout_module, hash, status == HR_OK ? digest : NULL);
    return status;
}

static hr_status
refuse_file(hr_call *call, const char *path, const char *why)
{
    layout_log(HR_LOG_WARNING,
               "%s %s: it counts as missing, and is replaced when its "
               "content is written again",
               path, why);
    return layout_fail(call, HR_NOT_FOUND, "%s %s", path, why);
}

/* Hashes the file unless that was done before. */
static hr_status
check_file(const hr_registry *registry, hr_call *call, const char *path,
           const char *digest, const struct stat *stat, int fd)
{
    char actual[HR_DIGEST_CAPACITY];
    hr_status status;

    if (layout_verified_knows(registry->verified, stat, digest))
        return HR_OK;
    status = hash_file(call, fd, path, digest, actual);
    if (status != HR_OK)
        return status;
    if (strcmp(actual, digest) != 0)
        return refuse_file(call, path, "does not hold what its name says");
    layout_verified_add(registry->verified, stat, digest);
    return HR_OK;
}

static hr_status
fail_open(hr_call *call, const char *path, int error)
{
    if (error == ENOENT)
        return layout_fail(call, HR_NOT_FOUND, "%s does not exist", path);
    if (error == ELOOP)
        return refuse_file(call, path, "is a symbolic link");
    if (error == EINVAL)
        return refuse_file(call, path, "is no regular file");
    return layout_fail_errno(call, error, "open", path, 0);
}

hr_status
layout_store_find(const hr_registry *registry, hr_call *call,
                  const Store *store, const char *digest, uint64_t size,
                  struct stat *stat, int *fd)
{
    char path[LAYOUT_PATH_CAPACITY];
    int opened = layout_file_open(store->files.fd, hex_of(digest), stat);
    hr_status status;

    if (opened < 0 && errno == ENOENT)
        return layout_fail(call, HR_NOT_FOUND, "%s/%s does not exist",
                           store->files.path, hex_of(digest));
    layout_path_join(path, &store->files, hex_of(digest));
    if (opened < 0)
        return fail_open(call, path, errno);
    if (size != LAYOUT_ANY_SIZE && (uint64_t)stat->st_size != size)
        status = refuse_file(call, path, "has the wrong size");
    else
        status = check_file(registry, call, path, digest, stat, opened);
    if (status == HR_OK && fd != NULL)
        *fd = opened;
    else
        close(opened);
    return status;
}

/* -------------------------------------------------------------- publish */

/* Links `from`/`name` to `store`'s file of `name`, in place of any other.
 * 0 or errno. */
static int
link_over(int from, const char *name, const Store *store, const char *hex)
{
    char temp[LAYOUT_TEMP_CAPACITY];
    int error = 0;

    layout_temp_name(temp);
    if (linkat(from, name, store->base.fd, temp, 0) != 0)
        return errno;
    if (renameat(store->base.fd, temp, store->files.fd, hex) != 0)
        error = errno;
    /* Renaming a file to another link of itself leaves both names. */
    unlinkat(store->base.fd, temp, 0);
    return error;
}

/* Brings `temp` into the pool, or, if the pool has the content already, the
 * pool's file into the store.  True if the latter: `temp` is not needed. */
static bool
share(hr_registry *registry, hr_call *call, const Store *store,
      const char *temp, const char *digest)
{
    const char *hex = hex_of(digest);
    struct stat stat;
    Store pool;
    bool taken = false;

    if (!open_pool(registry, call, digest, PLACE_MAKE, &pool))
        return false;
    if (linkat(store->base.fd, temp, pool.files.fd, hex, 0) != 0 &&
        errno == EEXIST) {
        taken = layout_store_find(registry, call, &pool, digest,
                                  LAYOUT_ANY_SIZE, &stat, NULL) == HR_OK &&
                link_over(pool.files.fd, hex, store, hex) == 0;
        layout_host->call->forgive(layout_module, call);
        /* Either it is torn, or it has as many links as a file can have. */
        if (!taken)
            link_over(store->base.fd, temp, &pool, hex);
    }
    layout_store_close(&pool);
    return taken;
}

hr_status
layout_store_publish(hr_registry *registry, hr_call *call, const Store *store,
                     const char *temp, const char *digest)
{
    const char *hex = hex_of(digest);
    char path[LAYOUT_PATH_CAPACITY];
    struct stat stat;
    bool taken = share(registry, call, store, temp, digest);
    int error = 0;

    if (!taken && renameat(store->base.fd, temp, store->files.fd, hex) != 0)
        error = errno;
    if (taken || error != 0)
        unlinkat(store->base.fd, temp, 0);
    if (error == 0 && fsync(store->files.fd) != 0)
        error = errno;
    if (error != 0) {
        layout_path_join(path, &store->files, hex);
        return layout_fail_errno(call, error, "write", path, 0);
    }
    if (fstatat(store->files.fd, hex, &stat, AT_SYMLINK_NOFOLLOW) == 0)
        layout_verified_add(registry->verified, &stat, digest);
    return HR_OK;
}

hr_status
layout_store_write(hr_registry *registry, hr_call *call, const Store *store,
                   const char *digest, const void *bytes, size_t size)
{
    char temp[LAYOUT_TEMP_CAPACITY];
    char path[LAYOUT_PATH_CAPACITY];
    int fd = layout_temp_open(store->base.fd, temp);
    int error = 0;

    if (fd < 0 || !layout_file_write(fd, bytes, size) || fsync(fd) != 0)
        error = errno;
    if (fd >= 0)
        close(fd);
    if (error == 0)
        return layout_store_publish(registry, call, store, temp, digest);
    if (fd >= 0)
        unlinkat(store->base.fd, temp, 0);
    layout_path_join(path, &store->files, hex_of(digest));
    return layout_fail_errno(call, error, "write", path, size);
}

/* ----------------------------------------------------------------- take */

/* Copies an open file into the store, where links cannot go.  The bytes are
 * hashed on the way: the file may change while it is read. */
static hr_status
copy_in(hr_registry *registry, hr_call *call, const Store *store,
        const char *digest, int from, uint64_t size)
{
    char temp[LAYOUT_TEMP_CAPACITY];
    char actual[HR_DIGEST_CAPACITY];
    char *buffer = layout_alloc(CHUNK_BYTES);
    int fd = layout_temp_open(store->base.fd, temp);
    hr_status status = HR_OK;
    off_t at = 0;
    ssize_t got = fd >= 0 ? 1 : -1;

    while (got > 0 && !layout_cancelled(call)) {
        got = pread(from, buffer, CHUNK_BYTES, at);
        if (got > 0 && !layout_file_write(fd, buffer, (size_t)got))
            got = -1;
        at += got;
    }
    if (got < 0 || fsync(fd) != 0)
        status =
            layout_fail_errno(call, errno, "write", store->base.path, size);
    else if (got > 0)
        status = layout_fail(call, HR_CANCELLED, "cancelled");
    free(buffer);
    if (fd < 0)
        return status;
    close(fd);
    fd = openat(store->base.fd, temp, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (status == HR_OK)
        status = hash_file(call, fd, store->base.path, digest, actual);
    if (fd >= 0)
        close(fd);
    if (status == HR_OK && strcmp(actual, digest) == 0)
        return layout_store_publish(registry, call, store, temp, digest);
    unlinkat(store->base.fd, temp, 0);
    return status != HR_OK
               ? status
               : layout_fail(call, HR_NOT_FOUND,
                             "%s changed while it was copied", digest);
}

/* Takes a whole file of `from` over: a link, or else a copy. */
static hr_status
take_from(hr_registry *registry, hr_call *call, const Store *from,
          const Store *store, const char *digest, uint64_t size)
{
    const char *hex = hex_of(digest);
    struct stat stat;
    hr_status status;
    int fd = -1;

    status = layout_store_find(registry, call, from, digest, size, &stat, &fd);
    if (status != HR_OK)
        return status;
    if (link_over(from->files.fd, hex, store, hex) != 0)
        status = copy_in(registry, call, store, digest, fd, size);
    else if (fsync(store->files.fd) != 0)
        status = layout_fail_errno(call, errno, "write", store->files.path, 0);
    close(fd);
    return status;
}

hr_status
layout_store_take(hr_registry *registry, hr_call *call, const Store *store,
                  const char *digest, uint64_t size, const char *other)
{
    const char *hex = hex_of(digest);
    hr_status status = HR_NOT_FOUND;
    Store from;

    if (open_pool(registry, call, digest, PLACE_FIND, &from)) {
        status = take_from(registry, call, &from, store, digest, size);
        layout_store_close(&from);
    }
    if (status != HR_NOT_FOUND || other == NULL || registry->only != NULL)
        return status;
    layout_host->call->forgive(layout_module, call);
    status =
        layout_store_open(registry, call, other, digest, PLACE_FIND, &from);
    if (status != HR_OK)
        return status;
    status = take_from(registry, call, &from, store, digest, size);
    layout_store_close(&from);
    /* From now on the next repository finds it in the pool. */
    if (status == HR_OK &&
        open_pool(registry, call, digest, PLACE_MAKE, &from)) {
        if (linkat(store->files.fd, hex, from.files.fd, hex, 0) != 0 &&
            errno != EEXIST)
            layout_log(HR_LOG_DEBUG, "%s/%s is not shared: %s",
                       store->files.path, hex, strerror(errno));
        layout_store_close(&from);
    }
    return status;
}
