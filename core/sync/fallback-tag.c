/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fallback tag: an index that several clients write. */
#include "sync/fallback-tag.h"

#include <string.h>

#include "base/error.h"

/* Times that an update is done over: two that meet once do not meet every
 * time. */
#define TRIES 6

typedef enum Outcome {
    OUTCOME_DONE,
    OUTCOME_AGAIN, /* somebody else was here */
    OUTCOME_FAILED
} Outcome;

static bool
lists_all(const HrManifest *index, const GPtrArray *entries)
{
    g_autoptr(GPtrArray) present = hr_referrers_new();
    gsize size;
    const char *text = g_bytes_get_data(index->bytes, &size);

    return hr_referrers_read(present, text, size, NULL) &&
           hr_referrers_have(present, entries);
}

static bool
is_moved(GError **error)
{
    hr_status status = hr_error_status(*error);

    if (status != HR_PRECONDITION && status != HR_CONFLICT)
        return false;
    g_clear_error(error);
    return true;
}

static Outcome
try_once(const HrFallbackStore *store, const GPtrArray *entries,
         const HrManifest *like, GError **error)
{
    g_autoptr(HrManifest) current = NULL;
    g_autoptr(HrManifest) merged = NULL;
    g_autoptr(GError) failure = NULL;
    char digest[HR_DIGEST_CAPACITY];
    const char *expected;

    if (!store->read(store->data, &current, error))
        return OUTCOME_FAILED;
    if (current != NULL && lists_all(current, entries))
        return OUTCOME_DONE;
    merged = hr_referrers_merge(current, entries, like, error);
    if (merged == NULL || !store->look(store->data, digest, error))
        return OUTCOME_FAILED;
    expected = current != NULL ? current->digest : "";
    if (strcmp(digest, expected) != 0)
        return OUTCOME_AGAIN;
    if (!store->write(store->data, merged, expected, &failure)) {
        if (is_moved(&failure))
            return OUTCOME_AGAIN;
        g_propagate_error(error, g_steal_pointer(&failure));
        return OUTCOME_FAILED;
    }
    if (!store->look(store->data, digest, error))
        return OUTCOME_FAILED;
    return strcmp(digest, merged->digest) == 0 ? OUTCOME_DONE : OUTCOME_AGAIN;
}

bool
hr_fallback_tag_grow(const HrFallbackStore *store, const GPtrArray *entries,
                     const HrManifest *like, GError **error)
{
    for (unsigned i = 0; i < TRIES; i++) {
        Outcome outcome = try_once(store, entries, like, error);

        if (outcome != OUTCOME_AGAIN)
            return outcome == OUTCOME_DONE;
    }
    return hr_error_set(error, HR_CONFLICT,
                        "somebody else changed it each of %d times that it "
                        "was written: run the sync again when they are done",
                        TRIES);
}

/* ------------------------------------------------------------- registry */

/* A tag being updated. */
typedef struct Update {
    const HrFallbackTag *tag;
    unsigned written;
} Update;

bool
hr_fallback_tag_read(const HrFallbackTag *tag, HrManifest **index,
                     GError **error)
{
    g_autoptr(GError) failure = NULL;

    *index = hr_registry_get_manifest(
        tag->registry, tag->call, tag->repository, tag->name, NULL, &failure);
    if (*index != NULL || hr_error_status(failure) == HR_NOT_FOUND)
        return true;
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

static bool
read_cb(void *data, HrManifest **index, GError **error)
{
    const Update *update = data;

    return hr_fallback_tag_read(update->tag, index, error);
}

static bool
look_cb(void *data, char digest[HR_DIGEST_CAPACITY], GError **error)
{
    const Update *update = data;
    const HrFallbackTag *tag = update->tag;
    hr_manifest_query query = {
        .struct_size = sizeof query,
        .repository = tag->repository,
        .reference = tag->name,
    };
    hr_manifest_query *const queries[] = {&query};

    if (!hr_registry_resolve(tag->registry, tag->call, queries, 1, error))
        return false;
    if (query.status != HR_OK && query.status != HR_NOT_FOUND)
        return hr_error_set(
            error, query.status, "%s: %s", hr_registry_name(tag->registry),
            query.message[0] != '\0' ? query.message
                                     : hr_status_name(query.status));
    g_strlcpy(digest, query.status == HR_OK ? query.digest : "",
              HR_DIGEST_CAPACITY);
    return true;
}

static bool
write_cb(void *data, const HrManifest *index, const char *expected,
         GError **error)
{
    Update *update = data;
    const HrFallbackTag *tag = update->tag;

    if (!hr_registry_put_manifest(tag->registry, tag->call, tag->repository,
                                  tag->name, index, expected, NULL, error))
        return false;
    update->written++;
    return true;
}

bool
hr_fallback_tag_update(const HrFallbackTag *tag, const GPtrArray *entries,
                       const HrManifest *like, unsigned *written,
                       GError **error)
{
    Update update = {.tag = tag};
    HrFallbackStore store = {read_cb, look_cb, write_cb, &update};
    bool grown = hr_fallback_tag_grow(&store, entries, like, error);

    *written += update.written;
    if (!grown)
        g_prefix_error(error, "list it under tag %s of %s: ", tag->name,
                       tag->repository);
    return grown;
}
