/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Creation: finds out when the image of a digest was created. */
#include "sync/creation.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "sync/blob-fetch.h"

/* Configs are small: JSON that a person could have written. */
#define CONFIG_LIMIT_BYTES (4 * 1024 * 1024)

/* Manifests below an index that are looked at to find the newest image. */
#define BELOW_LIMIT 64

typedef struct Memory {
    int64_t created_us;
    GList link; /* in `order` */
    char digest[];
} Memory;

struct HrCreationMemory {
    pthread_mutex_t mutex;
    GHashTable *known; /* digest -> Memory */
    GQueue order;      /* the oldest first */
    size_t limit;
};

typedef struct Search {
    HrCreationMemory *memory;
    GHashTable *manifests;
    HrRegistry *registry;
    const char *repository;
    HrCall *call;
    unsigned below; /* manifests below the first, so far */
} Search;

HrCreationMemory *
hr_creation_memory_new(size_t limit)
{
    HrCreationMemory *memory = g_new0(HrCreationMemory, 1);

    pthread_mutex_init(&memory->mutex, NULL);
    memory->known =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    g_queue_init(&memory->order);
    memory->limit = limit;
    return memory;
}

void
hr_creation_memory_free(HrCreationMemory *memory)
{
    if (memory == NULL)
        return;
    g_hash_table_unref(memory->known);
    pthread_mutex_destroy(&memory->mutex);
    g_free(memory);
}

bool
hr_creation_memory_find(HrCreationMemory *memory, const char *digest,
                        int64_t *created_us)
{
    const Memory *known;

    HR_LOCKED(&memory->mutex);
    known = g_hash_table_lookup(memory->known, digest);
    if (known != NULL)
        *created_us = known->created_us;
    return known != NULL;
}

void
hr_creation_memory_add(HrCreationMemory *memory, const char *digest,
                       int64_t created_us)
{
    size_t size = strlen(digest) + 1;
    Memory *entry;

    HR_LOCKED(&memory->mutex);
    if (g_hash_table_contains(memory->known, digest))
        return;
    if (memory->order.length == memory->limit) {
        Memory *oldest = g_queue_pop_head_link(&memory->order)->data;

        g_hash_table_remove(memory->known, oldest->digest);
    }
    entry = g_malloc0(sizeof *entry + size);
    memcpy(entry->digest, digest, size);
    entry->created_us = created_us;
    entry->link.data = entry;
    g_hash_table_insert(memory->known, entry->digest, entry);
    g_queue_push_tail_link(&memory->order, &entry->link);
}

static bool
find(Search *search, const char *digest, unsigned depth, int64_t *created_us,
     GError **error);

static bool
find_newest(Search *search, const HrManifest *index, unsigned depth,
            int64_t *created_us, GError **error)
{
    for (guint i = 0; i < index->children->len; i++) {
        const HrDescriptor *child = index->children->pdata[i];
        g_autoptr(GError) failure = NULL;
        int64_t one_us;

        if (child->attests != NULL)
            continue;
        if (++search->below > BELOW_LIMIT)
            break;
        /* An index may name images that its registry does not have. */
        if (!find(search, child->digest, depth + 1, &one_us, &failure) &&
            hr_error_status(failure) != HR_NOT_FOUND) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        *created_us = MAX(*created_us, one_us);
    }
    if (search->below > BELOW_LIMIT)
        *created_us = HR_CREATED_UNKNOWN;
    return true;
}

static bool
read_config(const Search *search, const HrManifest *image, int64_t *created_us,
            GError **error)
{
    const HrDescriptor *config = image->blobs->pdata[0];
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) bytes = NULL;
    const char *text;
    gsize size;

    if (!hr_media_type_is_image_config(config->media_type) ||
        config->size > CONFIG_LIMIT_BYTES)
        return true;
    bytes = hr_blob_fetch(search->registry, search->repository, config,
                          CONFIG_LIMIT_BYTES, search->call, &failure);
    if (bytes != NULL) {
        text = g_bytes_get_data(bytes, &size);
        *created_us = hr_created_of_config(text, size);
        return true;
    }
    /* The tag is there: an image without its config is damaged, not gone. */
    if (hr_error_status(failure) == HR_NOT_FOUND)
        return hr_error_set(error, HR_INTEGRITY, "manifest %s: %s",
                            image->digest, failure->message);
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

static bool
look_into(Search *search, const HrManifest *manifest, unsigned depth,
          int64_t *created_us, GError **error)
{
    bool is_index = hr_media_type_is_index(manifest->media_type);

    if (!is_index && !read_config(search, manifest, created_us, error))
        return false;
    if (*created_us == HR_CREATED_UNKNOWN)
        *created_us = manifest->created_us;
    if (!is_index || *created_us != HR_CREATED_UNKNOWN)
        return true;
    if (depth >= HR_INDEX_DEPTH_LIMIT)
        return hr_error_set(error, HR_INVALID,
                            "manifest %s: indexes are nested more than %d "
                            "deep",
                            manifest->digest, HR_INDEX_DEPTH_LIMIT);
    return find_newest(search, manifest, depth, created_us, error);
}

static void
free_manifest(gpointer data)
{
    hr_manifest_free(data);
}

GHashTable *
hr_creation_manifests_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_manifest);
}

static const HrManifest *
read_manifest(const Search *search, const char *digest, GError **error)
{
    HrManifest *manifest = g_hash_table_lookup(search->manifests, digest);

    if (manifest != NULL)
        return manifest;
    manifest =
        hr_registry_get_manifest(search->registry, search->call,
                                 search->repository, digest, digest, error);
    if (manifest != NULL)
        g_hash_table_insert(search->manifests, manifest->digest, manifest);
    return manifest;
}

static bool
find(Search *search, const char *digest, unsigned depth, int64_t *created_us,
     GError **error)
{
    const HrManifest *manifest;

    *created_us = HR_CREATED_UNKNOWN;
    if (hr_creation_memory_find(search->memory, digest, created_us))
        return true;
    manifest = read_manifest(search, digest, error);
    if (manifest == NULL ||
        !look_into(search, manifest, depth, created_us, error))
        return false;
    /* What was found before the limit was met says nothing of a part. */
    if (depth == 0 || search->below <= BELOW_LIMIT)
        hr_creation_memory_add(search->memory, digest, *created_us);
    /* It may be large, and is not needed again. */
    g_hash_table_remove(search->manifests, digest);
    return true;
}

bool
hr_creation_find(HrCreationMemory *memory, GHashTable *manifests,
                 HrRegistry *registry, const char *repository,
                 const char *digest, HrCall *call, int64_t *created_us,
                 GError **error)
{
    Search search = {
        .memory = memory,
        .manifests = manifests,
        .registry = registry,
        .repository = repository,
        .call = call,
    };

    return find(&search, digest, 0, created_us, error);
}
