/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifests and indexes: only sound descriptors come out, each digest once. */
#include "fuzz.h"

#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/manifest.h"

const char fuzz_noun[] = "manifest";

static void
check_descriptor(const HrDescriptor *descriptor)
{
    const char *type = descriptor->media_type;

    fuzz_check_digest(descriptor->digest);
    g_assert_cmpint(descriptor->size, >=, 0);
    g_assert_cmpint(descriptor->size, <=, INT64_C(1) << 53);
    g_assert_cmpuint(strlen(type), <, HR_MEDIA_TYPE_CAPACITY);
    g_assert_nonnull(strchr(type, '/'));
    for (; *type != '\0'; type++)
        g_assert_true(g_ascii_isgraph(*type));
}

static void
check_list(const GPtrArray *list)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < list->len; i++) {
        const HrDescriptor *descriptor = list->pdata[i];

        check_descriptor(descriptor);
        g_assert_true(g_hash_table_add(seen, descriptor->digest));
    }
}

static void
check_manifest(const HrManifest *manifest, GBytes *bytes)
{
    bool is_index = hr_media_type_is_index(manifest->media_type);

    g_assert_true(
        g_strv_contains(hr_manifest_media_types, manifest->media_type));
    g_assert_true(g_bytes_equal(manifest->bytes, bytes));
    fuzz_check_digest(manifest->digest);
    check_list(manifest->blobs);
    check_list(manifest->children);
    if (is_index)
        g_assert_cmpuint(manifest->blobs->len, ==, 0);
    else
        g_assert_cmpuint(manifest->blobs->len, >, 0);
    if (!is_index)
        g_assert_cmpuint(manifest->children->len, ==, 0);
    if (manifest->subject != NULL)
        check_descriptor(manifest->subject);
}

static HrManifest *
parse(GBytes *bytes, const char *media_type, const char *digest)
{
    g_autoptr(GError) error = NULL;
    HrManifest *manifest =
        hr_manifest_parse(bytes, media_type, digest, &error);

    fuzz_check_error(manifest == NULL, error);
    if (manifest != NULL)
        check_manifest(manifest, bytes);
    return manifest;
}

/* What it is must be the same whoever says so. */
static void
check_types(GBytes *bytes)
{
    for (unsigned i = 0; hr_manifest_media_types[i] != NULL; i++) {
        const char *type = hr_manifest_media_types[i];
        g_autoptr(HrManifest) manifest = parse(bytes, type, NULL);

        if (manifest != NULL)
            g_assert_cmpstr(manifest->media_type, ==, type);
    }
}

/* The digest is that of the bytes, whatever its algorithm, or it fails. */
static void
check_digests(GBytes *bytes, const HrManifest *manifest)
{
    static const char empty[] = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41"
                                "e4649b934ca495991b7852b855";
    g_autoptr(HrHash) hash = hr_hash_new("sha512:");
    g_autoptr(GError) error = NULL;
    g_autoptr(HrManifest) same =
        parse(bytes, manifest->media_type, manifest->digest);
    g_autoptr(HrManifest) long_one = NULL;
    char digest[HR_DIGEST_CAPACITY];
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);

    g_assert_nonnull(same);
    g_assert_cmpstr(same->digest, ==, manifest->digest);
    g_assert_cmpuint(same->blobs->len, ==, manifest->blobs->len);
    g_assert_cmpuint(same->children->len, ==, manifest->children->len);
    hr_hash_update(hash, data, size);
    hr_hash_finish(hash, digest);
    long_one = parse(bytes, NULL, digest);
    g_assert_nonnull(long_one);
    g_assert_cmpstr(long_one->digest, ==, digest);
    g_assert_null(hr_manifest_parse(bytes, NULL, empty, &error));
    g_assert_cmpint(hr_error_status(error), ==, HR_INTEGRITY);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(HrManifest) manifest = parse(bytes, NULL, NULL);

    check_types(bytes);
    if (manifest != NULL)
        check_digests(bytes, manifest);
    return 0;
}
