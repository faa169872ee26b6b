/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifests: found by tag or digest, read, and stored. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout.h"

/* One repository, open to be asked about many references. */
typedef struct Asking {
    hr_registry *registry;
    hr_call *call;
    const char *name;
    Place place;
    Repository *repository; /* NULL if it could not be opened */
    hr_status status;       /* why                            */
    char message[HR_MESSAGE_CAPACITY];
} Asking;

/* What a reference leads to. */
typedef struct Found {
    char digest[HR_DIGEST_CAPACITY];
    char media_type[HR_MEDIA_TYPE_CAPACITY];
    uint64_t size;
    int fd;
} Found;

static void
begin_asking(Asking *asking, const char *name)
{
    asking->name = name;
    asking->repository = NULL;
    asking->status = layout_place_open(asking->registry, asking->call, name,
                                       PLACE_FIND, &asking->place);
    if (asking->status != HR_OK)
        layout_explain(asking->call, asking->message);
    else
        asking->repository = layout_repository_pin(asking->registry, name);
}

static void
end_asking(Asking *asking)
{
    if (asking->name == NULL)
        return;
    if (asking->repository != NULL)
        layout_repository_unpin(asking->registry, asking->repository);
    layout_place_close(&asking->place);
    asking->name = NULL;
}

static void
copy_entry(Found *found, const IndexEntry *entry)
{
    snprintf(found->digest, sizeof found->digest, "%s", entry->digest);
    snprintf(found->media_type, sizeof found->media_type, "%s",
             entry->media_type);
}

/* Digest and media type that the index knows for a tag; for a digest, its
 * media type if it is listed. */
static hr_status
look_up(const Asking *asking, const char *reference, Found *found)
{
    bool by_digest = strchr(reference, ':') != NULL;
    const IndexEntry *entry;
    const Index *index;
    hr_status status;

    status = layout_repository_read(asking->repository, asking->call,
                                    &asking->place, &index);
    if (status != HR_OK && !(by_digest && status == HR_NOT_FOUND))
        return status;
    if (status != HR_OK) {
        layout_host->call->forgive(layout_module, asking->call);
        snprintf(found->digest, sizeof found->digest, "%s", reference);
        return HR_OK;
    }
    entry = by_digest ? layout_index_find_digest(index, reference)
                      : layout_index_find(index, reference);
    if (entry != NULL)
        copy_entry(found, entry);
    else if (by_digest)
        snprintf(found->digest, sizeof found->digest, "%s", reference);
    layout_repository_unlock(asking->repository);
    if (found->digest[0] != '\0')
        return HR_OK;
    return layout_fail(asking->call, HR_NOT_FOUND, "%s has no tag %s",
                       asking->place.path, reference);
}

/* Opens the manifest's file, whole and not too large. */
static hr_status
open_manifest(const Asking *asking, uint64_t limit_bytes, Found *found)
{
    hr_call *call = asking->call;
    struct stat stat;
    hr_status status;
    Store store;

    status = layout_store_open_at(call, &asking->place, found->digest,
                                  PLACE_FIND, &store);
    if (status != HR_OK)
        return status;
    status = layout_store_find(asking->registry, call, &store, found->digest,
                               LAYOUT_ANY_SIZE, &stat, &found->fd);
    layout_store_close(&store);
    if (status != HR_OK)
        return status;
    found->size = (uint64_t)stat.st_size;
    if (found->size <= limit_bytes)
        return HR_OK;
    close(found->fd);
    found->fd = -1;
    return layout_fail(call, HR_INVALID,
                       "manifest %s has %llu bytes, more than the limit of "
                       "%llu",
                       found->digest, (unsigned long long)found->size,
                       (unsigned long long)limit_bytes);
}

/* Reads it, and finds out its media type if the index did not say. */
static hr_status
read_manifest(const Asking *asking, Found *found, char **bytes)
{
    ManifestLook look;

    *bytes = layout_file_read(found->fd, found->size);
    if (*bytes == NULL)
        return layout_fail_errno(asking->call, errno, "read",
                                 asking->place.path, 0);
    if (found->media_type[0] != '\0')
        return HR_OK;
    layout_manifest_look(*bytes, found->size, &look);
    if (look.media_type[0] == '\0') {
        free(*bytes);
        return layout_fail(asking->call, HR_INVALID,
                           "manifest %s: neither the file nor index.json "
                           "tells its media type",
                           found->digest);
    }
    memcpy(found->media_type, look.media_type, sizeof found->media_type);
    return HR_OK;
}

static hr_status
answer(const Asking *asking, hr_manifest_query *query)
{
    Found found = {.fd = -1};
    hr_status status = look_up(asking, query->reference, &found);
    char *bytes = NULL;

    if (status == HR_OK)
        status = open_manifest(asking, LAYOUT_MANIFEST_LIMIT_BYTES, &found);
    if (status == HR_OK && found.media_type[0] == '\0') {
        status = read_manifest(asking, &found, &bytes);
        if (status == HR_OK)
            free(bytes);
    }
    if (found.fd >= 0)
        close(found.fd);
    if (status != HR_OK)
        return status;
    query->size = found.size;
    memcpy(query->digest, found.digest, sizeof query->digest);
    memcpy(query->media_type, found.media_type, sizeof query->media_type);
    return HR_OK;
}

hr_status
layout_resolve(hr_registry *registry, hr_call *call,
               hr_manifest_query *const *queries, size_t count)
{
    Asking asking = {.registry = registry, .call = call};
    hr_status status = HR_OK;

    for (size_t i = 0; i < count && status == HR_OK; i++) {
        hr_manifest_query *query = queries[i];

        if (layout_cancelled(call)) {
            status = layout_fail(call, HR_CANCELLED, "cancelled");
            break;
        }
        if (asking.name == NULL ||
            strcmp(asking.name, query->repository) != 0) {
            end_asking(&asking);
            begin_asking(&asking, query->repository);
        }
        if (asking.repository == NULL) {
            query->status = asking.status;
            memcpy(query->message, asking.message, sizeof query->message);
            continue;
        }
        query->message[0] = '\0';
        query->status = answer(&asking, query);
        if (query->status != HR_OK)
            layout_explain(call, query->message);
    }
    end_asking(&asking);
    return status;
}

hr_status
layout_get_manifest(hr_registry *registry, hr_call *call,
                    const char *repository, const char *reference,
                    uint64_t limit_bytes, hr_manifest_sink *sink)
{
    Asking asking = {.registry = registry, .call = call};
    Found found = {.fd = -1};
    char *bytes = NULL;
    hr_status status;

    begin_asking(&asking, repository);
    status = asking.status;
    if (status != HR_OK)
        return layout_fail(call, status, "%s", asking.message);
    status = look_up(&asking, reference, &found);
    if (status == HR_OK)
        status = open_manifest(&asking, limit_bytes, &found);
    if (status == HR_OK)
        status = read_manifest(&asking, &found, &bytes);
    if (status == HR_OK) {
        sink->take(sink, found.media_type, bytes, found.size);
        free(bytes);
    }
    if (found.fd >= 0)
        close(found.fd);
    end_asking(&asking);
    return status;
}

/* ------------------------------------------------------------------ put */

static hr_status
store_manifest(hr_registry *registry, hr_call *call, const Place *place,
               const char *digest, const void *bytes, uint64_t size)
{
    struct stat stat;
    hr_status status;
    Store store;

    status = layout_store_open_at(call, place, digest, PLACE_MAKE, &store);
    if (status != HR_OK)
        return status;
    status =
        layout_store_find(registry, call, &store, digest, size, &stat, NULL);
    if (status == HR_NOT_FOUND) {
        layout_host->call->forgive(layout_module, call);
        status =
            layout_store_write(registry, call, &store, digest, bytes, size);
    }
    layout_store_close(&store);
    return status;
}

/* Says what the directory is, once. */
static hr_status
ensure_mark(hr_call *call, const Place *place)
{
    static const char text[] = "{\"imageLayoutVersion\":\"1.0.0\"}\n";
    char path[LAYOUT_PATH_CAPACITY];
    struct stat stat;

    if (fstatat(place->fd, "oci-layout", &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(stat.st_mode))
        return HR_OK;
    if (layout_file_replace(place->fd, "oci-layout", text, sizeof text - 1,
                            NULL))
        return HR_OK;
    layout_path_join(path, place, "oci-layout");
    return layout_fail_errno(call, errno, "write", path, sizeof text - 1);
}

hr_status
layout_put_manifest(hr_registry *registry, hr_call *call, hr_manifest_put *put)
{
    bool by_digest = strchr(put->reference, ':') != NULL;
    Change change = {
        .tag = by_digest ? NULL : put->reference,
        .digest = put->digest,
        .media_type = put->media_type,
        .size = put->size_bytes,
    };
    Repository *pinned;
    ManifestLook look;
    hr_status status;
    Place place;

    status =
        layout_place_open(registry, call, put->repository, PLACE_MAKE, &place);
    if (status != HR_OK)
        return status;
    /* Children are found through their index.  A referrer is found through
     * nothing but the list, so it goes there even without a tag. */
    layout_manifest_look(put->bytes, put->size_bytes, &look);
    if (by_digest && !look.has_subject)
        change.digest = NULL;
    put->listed = look.has_subject;
    pinned = layout_repository_pin(registry, put->repository);
    layout_repository_sweep(pinned, &place);
    status = store_manifest(registry, call, &place, put->digest, put->bytes,
                            put->size_bytes);
    if (status == HR_OK)
        status = ensure_mark(call, &place);
    if (status == HR_OK)
        status = layout_repository_change(pinned, call, &place, &change);
    layout_repository_unpin(registry, pinned);
    layout_place_close(&place);
    return status;
}
