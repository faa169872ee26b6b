/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * index.json of a layout: it is kept as it was, byte for byte, but for the one
 * descriptor that is set, and stays JSON with the same tags.
 */
#include "fuzz.h"

#include <string.h>

#include "base/digest.h"
#include "model/json.h"
#include "model/reference.h"
#include "registry-layout/layout.h"

#define DIGEST                                                                \
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define TYPE "application/vnd.oci.image.manifest.v1+json"

const char fuzz_noun[] = "layout-index";

static int32_t
digest_valid(hr_module *module, const char *text)
{
    (void)module;
    return hr_digest_valid(text);
}

static Index *
parse(const char *text, size_t size)
{
    ScanFault fault;
    Index *index = layout_index_parse(text, size, &fault);

    if (index != NULL)
        return index;
    g_assert_cmpstr(fault.what, !=, "");
    g_assert_true(fault.at >= text && fault.at <= text + size);
    return NULL;
}

static void
check_tags(const Index *index)
{
    size_t count = layout_index_tag_count(index);

    for (size_t i = 0; i < count; i++) {
        const IndexEntry *entry = layout_index_tag(index, i);

        g_assert_true(hr_tag_valid(entry->tag));
        fuzz_check_digest(entry->digest);
        g_assert_cmpuint(strlen(entry->media_type), <, HR_MEDIA_TYPE_CAPACITY);
        g_assert_true(layout_index_find(index, entry->tag) == entry);
        g_assert_nonnull(layout_index_find_digest(index, entry->digest));
        if (i > 0)
            g_assert_cmpstr(layout_index_tag(index, i - 1)->tag, <,
                            entry->tag);
    }
}

/* The index written and read again has the same tags; who reads it with a
 * JSON parser finds nothing wrong either. */
static Index *
check_render(const Index *index)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrJson) json = NULL;
    Index *again;
    size_t size;
    char *text = layout_index_render(index, &size);

    g_assert_cmpuint(strlen(text), ==, size);
    again = parse(text, size);
    g_assert_nonnull(again);
    g_assert_cmpuint(layout_index_tag_count(again), ==,
                     layout_index_tag_count(index));
    for (size_t i = 0; i < layout_index_tag_count(index); i++) {
        const IndexEntry *one = layout_index_tag(index, i);
        const IndexEntry *other = layout_index_tag(again, i);

        g_assert_cmpstr(one->tag, ==, other->tag);
        g_assert_cmpstr(one->digest, ==, other->digest);
        g_assert_cmpstr(one->text, ==, other->text);
    }
    json = hr_json_parse(text, size, &error);
    g_assert_no_error(error);
    g_assert_true(hr_json_is_array(hr_json_get(json, "manifests")));
    free(text);
    return again;
}

static void
check_set(Index *index, const char *tag)
{
    size_t count = layout_index_tag_count(index);
    bool known = layout_index_find(index, tag) != NULL;
    const IndexEntry *entry;
    Index *again;

    layout_index_set(index, tag, DIGEST, TYPE, 0);
    g_assert_false(layout_index_set(index, tag, DIGEST, TYPE, 0));
    g_assert_false(layout_index_set(index, NULL, DIGEST, TYPE, 0));
    entry = layout_index_find(index, tag);
    g_assert_nonnull(entry);
    g_assert_cmpstr(entry->digest, ==, DIGEST);
    g_assert_cmpuint(layout_index_tag_count(index), ==, count + !known);
    check_tags(index);
    again = check_render(index);
    layout_index_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const hr_host_digest digest = {.valid = digest_valid};
    static const hr_host host = {.digest = &digest};
    const char *text = (const char *)data;
    ManifestLook look;
    Index *index;

    layout_host = &host;
    layout_manifest_look(text, size, &look);
    g_assert_cmpuint(strlen(look.media_type), <, HR_MEDIA_TYPE_CAPACITY);
    index = parse(text, size);
    if (index == NULL)
        return 0;
    check_tags(index);
    layout_index_free(check_render(index));
    if (layout_index_tag_count(index) > 0) {
        g_autofree char *tag = g_strdup(layout_index_tag(index, 0)->tag);

        check_set(index, tag);
    }
    check_set(index, "a-tag_of.ours");
    layout_index_free(index);
    return 0;
}
