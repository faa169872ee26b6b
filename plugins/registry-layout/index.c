/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Index: an index.json taken apart into text that is kept as it was read, and
 * the descriptors between.
 *
 *     {"schemaVersion":2, ..., "manifests":[ D, D, D ], "x-other": ... }
 *      \_____________ head ________________/ entries  \____ tail _____/
 *
 * A descriptor that this program does not change is written back byte for
 * byte, whatever members and annotations another tool gave it.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"

#define REF_NAME "org.opencontainers.image.ref.name"
#define TAG_LIMIT 128

static const char new_head[] =
    "{\n  \"schemaVersion\": 2,\n"
    "  \"mediaType\": \"application/vnd.oci.image.index.v1+json\",\n"
    "  \"manifests\": [";
static const char new_tail[] = "]\n}\n";

struct Index {
    char *head;
    char *tail;
    IndexEntry **entries; /* as in the file                         */
    size_t count;
    size_t capacity;
    IndexEntry **tags; /* those that a tag leads to, sorted by it */
    size_t tag_count;
    size_t tag_capacity;
};

/* ---------------------------------------------------------------- entry */

/* One allocation, so that ten thousand of them stay small. */
static IndexEntry *
new_entry(const char *tag, const char *digest, const char *media_type,
          const char *text, size_t text_size)
{
    size_t tag_size = tag != NULL ? strlen(tag) + 1 : 0;
    size_t digest_size = strlen(digest) + 1;
    size_t type_size = strlen(media_type) + 1;
    IndexEntry *entry = layout_alloc(sizeof *entry + tag_size + digest_size +
                                     type_size + text_size + 1);
    char *at = (char *)(entry + 1);

    entry->digest = memcpy(at, digest, digest_size);
    at += digest_size;
    entry->media_type = memcpy(at, media_type, type_size);
    at += type_size;
    entry->text = memcpy(at, text, text_size);
    at += text_size + 1;
    if (tag != NULL)
        entry->tag = memcpy(at, tag, tag_size);
    return entry;
}

static bool
is_tag(const char *text)
{
    size_t length = strlen(text);

    if (length == 0 || length > TAG_LIMIT || *text == '.' || *text == '-')
        return false;
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_.-") == length;
}

static const char *
member_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

/* Makes a descriptor of ours as text. */
static char *
describe(const char *tag, const char *digest, const char *media_type,
         uint64_t size)
{
    json_t *object = json_object();
    char *text;

    if (*media_type != '\0')
        json_object_set_new(object, "mediaType", json_string(media_type));
    json_object_set_new(object, "digest", json_string(digest));
    json_object_set_new(object, "size", json_integer((json_int_t)size));
    if (tag != NULL)
        json_object_set_new(object, "annotations",
                            json_pack("{s:s}", REF_NAME, tag));
    text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(object);
    if (text == NULL)
        abort();
    return text;
}

/* ---------------------------------------------------------------- lists */

/* Where `tag` is, or should be. */
static size_t
tag_position(const Index *index, const char *tag, bool *found)
{
    size_t low = 0, high = index->tag_count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(index->tags[middle]->tag, tag);

        if (order == 0)
            *found = true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static IndexEntry **
grow(IndexEntry **list, size_t count, size_t *capacity)
{
    if (count < *capacity)
        return list;
    *capacity = *capacity > 0 ? 2 * *capacity : 8;
    list = realloc(list, *capacity * sizeof *list);
    if (list == NULL)
        abort();
    return list;
}

static void
add_tag(Index *index, IndexEntry *entry)
{
    bool found;
    size_t position = tag_position(index, entry->tag, &found);

    /* Of two descriptors with one name readers take the first. */
    if (found)
        return;
    index->tags = grow(index->tags, index->tag_count, &index->tag_capacity);
    memmove(&index->tags[position + 1], &index->tags[position],
            (index->tag_count - position) * sizeof *index->tags);
    index->tags[position] = entry;
    index->tag_count++;
}

static void
add_entry(Index *index, IndexEntry *entry)
{
    index->entries = grow(index->entries, index->count, &index->capacity);
    index->entries[index->count++] = entry;
    if (entry->tag != NULL)
        add_tag(index, entry);
}

Index *
layout_index_new(void)
{
    Index *index = layout_alloc(sizeof *index);

    index->head = layout_copy_text(new_head);
    index->tail = layout_copy_text(new_tail);
    return index;
}

void
layout_index_free(Index *index)
{
    if (index == NULL)
        return;
    for (size_t i = 0; i < index->count; i++)
        free(index->entries[i]);
    free(index->entries);
    free(index->tags);
    free(index->head);
    free(index->tail);
    free(index);
}

const IndexEntry *
layout_index_find(const Index *index, const char *tag)
{
    bool found;
    size_t position = tag_position(index, tag, &found);

    return found ? index->tags[position] : NULL;
}

const IndexEntry *
layout_index_find_digest(const Index *index, const char *digest)
{
    for (size_t i = 0; i < index->count; i++)
        if (strcmp(index->entries[i]->digest, digest) == 0)
            return index->entries[i];
    return NULL;
}

size_t
layout_index_count(const Index *index)
{
    return index->count;
}

const IndexEntry *
layout_index_entry(const Index *index, size_t position)
{
    return index->entries[position];
}

const IndexEntry *
layout_index_tag(const Index *index, size_t position)
{
    return index->tags[position];
}

size_t
layout_index_tag_count(const Index *index)
{
    return index->tag_count;
}

/* ---------------------------------------------------------------- parse */

/* Has jansson look at one piece.  NULL and *fault if it is no JSON. */
static json_t *
parse_span(Span span, ScanFault *fault)
{
    json_error_t error;
    json_t *value =
        json_loadb(span.start, (size_t)(span.end - span.start),
                   JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);

    if (value == NULL) {
        fault->at = span.start + error.position;
        snprintf(fault->what, sizeof fault->what, "%s", error.text);
    }
    return value;
}

static bool
check_span(Span span, ScanFault *fault)
{
    json_t *value = parse_span(span, fault);

    json_decref(value);
    return value != NULL;
}

/* The name of a member, whatever its spelling, is put into `known`.  NULL and
 * *fault if it is no name, or there already: of two members different readers
 * take different ones. */
static const char *
take_name(json_t *known, Span span, ScanFault *fault)
{
    json_t *name = parse_span(span, fault);
    const char *text = json_string_value(name);

    if (text != NULL && json_object_get(known, text) != NULL) {
        fault->at = span.start;
        snprintf(fault->what, sizeof fault->what,
                 "`%.100s` stands here a second time", text);
        text = NULL;
    }
    if (text != NULL) {
        json_object_set_new(known, text, json_null());
        text = json_object_iter_key(json_object_iter_at(known, text));
    }
    json_decref(name);
    return text;
}

static bool
parse_entry(Index *index, Span span, ScanFault *fault)
{
    json_t *value = parse_span(span, fault);
    const char *name, *digest, *media_type;

    if (value == NULL)
        return false;
    digest = member_text(value, "digest");
    media_type = member_text(value, "mediaType");
    name = member_text(json_object_get(value, "annotations"), REF_NAME);
    /* What is no descriptor is kept, but no tag leads to it: digests become
     * file names. */
    if (!layout_host->digest->valid(layout_module, digest))
        name = digest = "";
    if (strlen(media_type) >= HR_MEDIA_TYPE_CAPACITY)
        media_type = "";
    add_entry(index, new_entry(is_tag(name) ? name : NULL, digest, media_type,
                               span.start, (size_t)(span.end - span.start)));
    json_decref(value);
    return true;
}

static bool
parse_entries(Index *index, Span text, ScanFault *fault)
{
    Span value;
    Scan scan;

    if (!layout_scan_begin(&scan, text, '[', fault))
        return false;
    while (layout_scan_next(&scan, NULL, &value))
        if (!parse_entry(index, value, fault))
            return false;
    return fault->what[0] == '\0';
}

/* Takes one member of the whole text. */
static bool
parse_member(Index *index, const char *name, Span value, Span *manifests,
             ScanFault *fault)
{
    if (strcmp(name, "manifests") != 0)
        return check_span(value, fault);
    *manifests = value;
    return parse_entries(index, value, fault);
}

/* Takes the members of the whole text; *manifests is where the array is. */
static bool
parse_members(Index *index, Span text, Span *manifests, ScanFault *fault)
{
    json_t *known = json_object();
    bool good = true;
    Span span, value;
    Scan scan;

    if (!layout_scan_begin(&scan, text, '{', fault))
        good = false;
    while (good && layout_scan_next(&scan, &span, &value)) {
        const char *name = take_name(known, span, fault);

        good =
            name != NULL && parse_member(index, name, value, manifests, fault);
    }
    json_decref(known);
    return good && fault->what[0] == '\0' && layout_scan_rest(&scan);
}

Index *
layout_index_parse(const char *text, size_t size, ScanFault *fault)
{
    Span whole = {text, text + size}, manifests = {NULL, NULL};
    const char *zero = memchr(text, '\0', size);
    Index *index;

    fault->what[0] = '\0';
    /* Behind a number jansson would take it for nothing at all. */
    if (zero != NULL) {
        fault->at = zero;
        snprintf(fault->what, sizeof fault->what, "a zero byte");
        return NULL;
    }
    if (!layout_scan_depth(whole, fault))
        return NULL;
    index = layout_alloc(sizeof *index);
    if (!parse_members(index, whole, &manifests, fault)) {
        layout_index_free(index);
        return NULL;
    }
    if (manifests.start == NULL) {
        fault->at = text;
        snprintf(fault->what, sizeof fault->what,
                 "it has no member `manifests`");
        layout_index_free(index);
        return NULL;
    }
    index->head = layout_copy(text, (size_t)(manifests.start + 1 - text));
    index->tail = layout_copy(manifests.end - 1,
                              (size_t)(whole.end - (manifests.end - 1)));
    return index;
}

/* --------------------------------------------------------------- change */

static void
replace_entry(Index *index, IndexEntry *old, IndexEntry *new)
{
    bool found;
    size_t position = tag_position(index, new->tag, &found);

    index->tags[position] = new;
    for (size_t i = 0; i < index->count; i++)
        if (index->entries[i] == old)
            index->entries[i] = new;
    free(old);
}

bool
layout_index_set(Index *index, const char *tag, const char *digest,
                 const char *media_type, uint64_t size)
{
    const IndexEntry *known = tag != NULL
                                  ? layout_index_find(index, tag)
                                  : layout_index_find_digest(index, digest);
    IndexEntry *entry;
    char *text;

    if (known != NULL && strcmp(known->digest, digest) == 0 &&
        (tag == NULL || strcmp(known->media_type, media_type) == 0))
        return false;
    text = describe(tag, digest, media_type, size);
    entry = new_entry(tag, digest, media_type, text, strlen(text));
    free(text);
    if (known != NULL)
        replace_entry(index, (IndexEntry *)known, entry);
    else
        add_entry(index, entry);
    return true;
}

char *
layout_index_render(const Index *index, size_t *size)
{
    size_t head = strlen(index->head), tail = strlen(index->tail);
    size_t total = head + tail + 4;
    char *text, *at;

    for (size_t i = 0; i < index->count; i++)
        total += strlen(index->entries[i]->text) + 6;
    text = at = layout_alloc(total);
    memcpy(at, index->head, head);
    at += head;
    for (size_t i = 0; i < index->count; i++)
        at = stpcpy(stpcpy(at, i > 0 ? ",\n    " : "\n    "),
                    index->entries[i]->text);
    if (index->count > 0)
        at = stpcpy(at, "\n  ");
    memcpy(at, index->tail, tail);
    *size = (size_t)(at - text) + tail;
    return text;
}
