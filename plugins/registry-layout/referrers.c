/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Referrers: those manifests of index.json whose `subject` is the one that is
 * asked for, with a tag or without.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout.h"

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"

/* The referrers of one repository. */
typedef struct Listed {
    char digest[HR_DIGEST_CAPACITY];
    char subject[HR_DIGEST_CAPACITY];
} Listed;

typedef struct Gathering {
    hr_registry *registry;
    hr_call *call;
    Place place;
    Listed *list; /* what index.json lists; once read, only referrers */
    size_t count;
} Gathering;

/* Reads a whole manifest.  NULL if it cannot be had: one that is torn or gone
 * refers to nothing. */
static char *
read_manifest(const Gathering *gathering, const char *digest, size_t *size)
{
    hr_call *call = gathering->call;
    char *bytes = NULL;
    struct stat stat;
    hr_status status;
    Store store;
    int fd = -1;

    status = layout_store_open_at(call, &gathering->place, digest, PLACE_FIND,
                                  &store);
    if (status == HR_OK) {
        status = layout_store_find(gathering->registry, call, &store, digest,
                                   LAYOUT_ANY_SIZE, &stat, &fd);
        layout_store_close(&store);
    }
    if (status != HR_OK) {
        layout_host->call->forgive(layout_module, call);
        return NULL;
    }
    *size = (size_t)stat.st_size;
    if (*size <= LAYOUT_MANIFEST_LIMIT_BYTES)
        bytes = layout_file_read(fd, *size);
    close(fd);
    return bytes;
}

static json_t *
parse_manifest(const char *bytes, size_t size)
{
    return bytes != NULL
               ? json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL)
               : NULL;
}

/* Finds out what a manifest refers to, "" for nothing. */
static void
find_subject(const Gathering *gathering, Listed *listed)
{
    Subjects *subjects = gathering->registry->subjects;
    json_t *manifest;
    const char *subject;
    size_t size = 0;
    char *bytes;

    if (layout_subjects_find(subjects, listed->digest, listed->subject))
        return;
    bytes = read_manifest(gathering, listed->digest, &size);
    manifest = parse_manifest(bytes, size);
    free(bytes);
    if (manifest == NULL)
        return;
    subject = json_string_value(
        json_object_get(json_object_get(manifest, "subject"), "digest"));
    if (subject != NULL && layout_host->digest->valid(layout_module, subject))
        strcpy(listed->subject, subject);
    layout_subjects_add(subjects, listed->digest, listed->subject);
    json_decref(manifest);
}

static int
order_by_digest(const void *left, const void *right)
{
    const Listed *one = left;
    const Listed *other = right;

    return strcmp(one->digest, other->digest);
}

/* Copies what the index lists, so that nobody waits while it is read. */
static void
copy_entries(Gathering *gathering, const Index *index)
{
    size_t count = layout_index_count(index);

    gathering->list = layout_alloc((count + 1) * sizeof *gathering->list);
    for (size_t i = 0; i < count; i++) {
        const IndexEntry *entry = layout_index_entry(index, i);
        Listed *listed = &gathering->list[gathering->count];

        if (*entry->digest == '\0')
            continue;
        strcpy(listed->digest, entry->digest);
        gathering->count++;
    }
    qsort(gathering->list, gathering->count, sizeof *gathering->list,
          order_by_digest);
}

static hr_status
copy_index(Gathering *gathering, const char *name)
{
    Repository *pinned = layout_repository_pin(gathering->registry, name);
    const Index *index;
    hr_status status = layout_repository_read(pinned, gathering->call,
                                              &gathering->place, &index);

    if (status == HR_OK) {
        copy_entries(gathering, index);
        layout_repository_unlock(pinned);
    }
    layout_repository_unpin(gathering->registry, pinned);
    return status;
}

/* Leaves the referrers, each once. */
static hr_status
keep_referrers(Gathering *gathering)
{
    size_t kept = 0;

    for (size_t i = 0; i < gathering->count; i++) {
        Listed *listed = &gathering->list[i];

        if (layout_cancelled(gathering->call))
            return layout_fail(gathering->call, HR_CANCELLED, "cancelled");
        if (i > 0 && strcmp(listed[-1].digest, listed->digest) == 0)
            continue;
        find_subject(gathering, listed);
    }
    for (size_t i = 0; i < gathering->count; i++)
        if (gathering->list[i].subject[0] != '\0')
            gathering->list[kept++] = gathering->list[i];
    gathering->count = kept;
    return HR_OK;
}

/* The descriptor of a referrer, with what the specification adds to it; NULL
 * if its manifest is gone. */
static json_t *
describe(const Gathering *gathering, const Listed *listed)
{
    size_t size = 0;
    char *bytes = read_manifest(gathering, listed->digest, &size);
    json_t *manifest = parse_manifest(bytes, size);
    json_t *type = json_object_get(manifest, "artifactType");
    json_t *entry = NULL;
    ManifestLook look;

    if (manifest != NULL) {
        layout_manifest_look(bytes, size, &look);
        entry = json_pack("{s:s, s:s, s:I}", "mediaType", look.media_type,
                          "digest", listed->digest, "size", (json_int_t)size);
    }
    free(bytes);
    if (json_string_length(type) == 0)
        type =
            json_object_get(json_object_get(manifest, "config"), "mediaType");
    if (entry != NULL && json_is_string(type))
        json_object_set(entry, "artifactType", type);
    if (entry != NULL &&
        json_is_object(json_object_get(manifest, "annotations")))
        json_object_set(entry, "annotations",
                        json_object_get(manifest, "annotations"));
    json_decref(manifest);
    return entry;
}

static void
give_list(const Gathering *gathering, hr_referrers_query *query)
{
    json_t *list = json_array();
    json_t *index = json_pack("{s:i, s:s, s:o}", "schemaVersion", 2,
                              "mediaType", OCI_INDEX, "manifests", list);
    char *text;

    for (size_t i = 0; i < gathering->count; i++) {
        const Listed *listed = &gathering->list[i];
        json_t *entry = strcmp(listed->subject, query->digest) == 0
                            ? describe(gathering, listed)
                            : NULL;

        if (entry != NULL)
            json_array_append_new(list, entry);
    }
    text = json_dumps(index, JSON_COMPACT);
    json_decref(index);
    if (text == NULL)
        abort();
    query->sink->take(query->sink, OCI_INDEX, text, strlen(text));
    free(text);
    query->status = HR_OK;
}

/* Answers queries about one repository. */
static hr_status
answer(hr_registry *registry, hr_call *call,
       hr_referrers_query *const *queries, size_t count)
{
    Gathering gathering = {.registry = registry, .call = call};
    const char *name = queries[0]->repository;
    hr_status status =
        layout_place_open(registry, call, name, PLACE_FIND, &gathering.place);

    if (status == HR_OK) {
        status = copy_index(&gathering, name);
        if (status == HR_OK)
            status = keep_referrers(&gathering);
    }
    /* Where there is no repository, nothing refers to anything. */
    if (status == HR_NOT_FOUND) {
        layout_host->call->forgive(layout_module, call);
        status = HR_OK;
    }
    for (size_t i = 0; status == HR_OK && i < count; i++)
        give_list(&gathering, queries[i]);
    free(gathering.list);
    layout_place_close(&gathering.place);
    return status;
}

/* One reason for all of them. */
static void
refuse(hr_call *call, hr_status status, hr_referrers_query *const *queries,
       size_t count)
{
    layout_explain(call, queries[0]->message);
    for (size_t i = 0; i < count; i++) {
        queries[i]->status = status;
        memmove(queries[i]->message, queries[0]->message,
                sizeof queries[i]->message);
    }
}

hr_status
layout_list_referrers(hr_registry *registry, hr_call *call,
                      hr_referrers_query *const *queries, size_t count)
{
    size_t start = 0;

    while (start < count) {
        size_t end = start + 1;
        hr_status status;

        while (end < count && strcmp(queries[start]->repository,
                                     queries[end]->repository) == 0)
            end++;
        status = answer(registry, call, queries + start, end - start);
        if (status != HR_OK)
            refuse(call, status, queries + start, end - start);
        start = end;
    }
    return HR_OK;
}
