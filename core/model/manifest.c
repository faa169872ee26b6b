/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifest: what an artifact is made of. */
#include "model/manifest.h"

#include <inttypes.h>
#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/created.h"
#include "model/json.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
/* Addresses of one layer that are tried, at most. */
#define URLS_LIMIT 8

#define REFERENCE_TYPE "vnd.docker.reference.type"
#define REFERENCE_DIGEST "vnd.docker.reference.digest"
#define CREATED "org.opencontainers.image.created"

/* Largest size that JSON readers agree on. */
#define SIZE_LIMIT (INT64_C(1) << 53)

const char *const hr_manifest_media_types[] = {
    OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST, NULL};

static void
free_descriptor(gpointer data)
{
    HrDescriptor *descriptor = data;

    if (descriptor == NULL)
        return;
    g_free(descriptor->digest);
    g_free(descriptor->media_type);
    hr_platform_free(descriptor->platform);
    g_strfreev(descriptor->urls);
    g_free(descriptor->attests);
    g_free(descriptor);
}

HrManifest *
hr_manifest_ref(HrManifest *manifest)
{
    atomic_fetch_add(&manifest->references, 1);
    return manifest;
}

void
hr_manifest_free(HrManifest *manifest)
{
    if (manifest == NULL || atomic_fetch_sub(&manifest->references, 1) != 1)
        return;
    g_free(manifest->digest);
    g_free(manifest->media_type);
    g_bytes_unref(manifest->bytes);
    g_ptr_array_unref(manifest->blobs);
    g_ptr_array_unref(manifest->children);
    free_descriptor(manifest->subject);
    g_free(manifest);
}

static bool
is_manifest_type(const char *type)
{
    return strcmp(type, OCI_MANIFEST) == 0 ||
           strcmp(type, DOCKER_MANIFEST) == 0;
}

bool
hr_media_type_is_index(const char *type)
{
    return strcmp(type, OCI_INDEX) == 0 || strcmp(type, DOCKER_LIST) == 0;
}

bool
hr_media_type_is_image_config(const char *type)
{
    return strcmp(type, OCI_CONFIG) == 0 || strcmp(type, DOCKER_CONFIG) == 0;
}

/* type/subtype of RFC 6838, without parameters. */
static bool
media_type_valid(const char *type)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz!#$&-^_.+";
    size_t left = strspn(type, allowed);
    const char *subtype = type + left + 1;
    size_t right;

    if (left == 0 || left > 127 || type[left] != '/')
        return false;
    right = strspn(subtype, allowed);
    return right > 0 && right <= 127 && subtype[right] == '\0' &&
           g_ascii_isalnum(*type) && g_ascii_isalnum(*subtype);
}

/* Layers that registries do not distribute: by type, for what has `urls` may
 * well be in the registry too. */
static bool
is_foreign(const char *type)
{
    return strstr(type, ".nondistributable.") != NULL ||
           strstr(type, ".foreign.") != NULL;
}

/* What tells children of an index apart.  None of it makes an index invalid:
 * what cannot be read is not told. */
static void
read_choice(HrDescriptor *descriptor, const HrJson *json)
{
    const HrJson *platform = hr_json_get(json, "platform");
    const HrJson *annotations = hr_json_get(json, "annotations");
    const char *type = hr_json_text(hr_json_get(annotations, REFERENCE_TYPE));
    const char *about =
        hr_json_text(hr_json_get(annotations, REFERENCE_DIGEST));

    if (platform != NULL)
        descriptor->platform = hr_platform_new(
            hr_json_text(hr_json_get(platform, "os")),
            hr_json_text(hr_json_get(platform, "architecture")),
            hr_json_text(hr_json_get(platform, "variant")));
    if (g_strcmp0(type, "attestation-manifest") == 0 && hr_digest_valid(about))
        descriptor->attests = g_strdup(about);
}

/* Where a layer is that the registry need not have.  Others than https are of
 * no use. */
static char **
read_urls(const HrJson *json)
{
    const HrJson *array = hr_json_get(json, "urls");
    GPtrArray *urls = g_ptr_array_new();

    for (size_t i = 0; i < hr_json_length(array) && urls->len < URLS_LIMIT;
         i++) {
        const char *url = hr_json_text(hr_json_at(array, i));

        if (url != NULL && g_ascii_strncasecmp(url, "https://", 8) == 0)
            g_ptr_array_add(urls, g_strdup(url));
    }
    if (urls->len == 0) {
        g_ptr_array_unref(urls);
        return NULL;
    }
    g_ptr_array_add(urls, NULL);
    return (char **)g_ptr_array_free(urls, false);
}

/* Reads one descriptor; `field` is its place, for the sentence. */
static HrDescriptor *
read_descriptor(const HrJson *json, const char *field, GError **error)
{
    const char *digest = hr_json_text(hr_json_get(json, "digest"));
    const char *type = hr_json_text(hr_json_get(json, "mediaType"));
    HrDescriptor *descriptor;
    int64_t size;

    if (!hr_json_is_object(json)) {
        hr_error_set(error, HR_INVALID, "%s is missing or no object", field);
        return NULL;
    }
    if (type == NULL || !media_type_valid(type)) {
        hr_error_set(error, HR_INVALID,
                     "%s.mediaType is missing or no media type", field);
        return NULL;
    }
    if (!hr_digest_valid(digest)) {
        hr_error_set(error, HR_INVALID,
                     "%s.digest is missing or no sha256 or sha512 digest",
                     field);
        return NULL;
    }
    if (!hr_json_number(hr_json_get(json, "size"), &size) || size < 0 ||
        size > SIZE_LIMIT) {
        hr_error_set(error, HR_INVALID,
                     "%s.size is missing or no whole number from 0 to 2^53",
                     field);
        return NULL;
    }
    descriptor = g_new0(HrDescriptor, 1);
    descriptor->digest = g_strdup(digest);
    descriptor->media_type = g_strdup(type);
    descriptor->size = size;
    descriptor->foreign = is_foreign(type);
    if (descriptor->foreign)
        descriptor->urls = read_urls(json);
    read_choice(descriptor, json);
    return descriptor;
}

/* Descriptors that a list has already, by digest: a manifest of 4 MiB may
 * have forty thousand. */
typedef struct Listing {
    GPtrArray *list;
    GHashTable *known; /* digest, borrowed -> HrDescriptor, borrowed */
} Listing;

/* Adds to a list that names each digest once; takes `descriptor`. */
static bool
add_once(const Listing *listing, HrDescriptor *descriptor, const char *field,
         GError **error)
{
    const HrDescriptor *known =
        g_hash_table_lookup(listing->known, descriptor->digest);
    bool same_size = known != NULL && known->size == descriptor->size;

    if (known == NULL) {
        g_hash_table_insert(listing->known, descriptor->digest, descriptor);
        g_ptr_array_add(listing->list, descriptor);
        return true;
    }
    if (!same_size)
        hr_error_set(error, HR_INVALID,
                     "%s has size %" PRId64 ", but the same digest %s has "
                     "size %" PRId64 " before",
                     field, descriptor->size, known->digest, known->size);
    free_descriptor(descriptor);
    return same_size;
}

/* Go programs wrote null for a list that is empty, and registries took it. */
static bool
read_list(const HrJson *json, const char *name, const Listing *listing,
          GError **error)
{
    const HrJson *array = hr_json_get(json, name);

    if (!hr_json_is_array(array) && !hr_json_is_null(array))
        return hr_error_set(error, HR_INVALID, "%s is missing or no list",
                            name);
    for (size_t i = 0; i < hr_json_length(array); i++) {
        g_autofree char *field =
            g_strdup_printf("%s[%" G_GSIZE_FORMAT "]", name, i);
        HrDescriptor *descriptor =
            read_descriptor(hr_json_at(array, i), field, error);

        if (descriptor == NULL || !add_once(listing, descriptor, field, error))
            return false;
    }
    return true;
}

static bool
read_image(HrManifest *manifest, const HrJson *json, GError **error)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    const Listing listing = {manifest->blobs, known};
    HrDescriptor *config =
        read_descriptor(hr_json_get(json, "config"), "config", error);

    return config != NULL && add_once(&listing, config, "config", error) &&
           read_list(json, "layers", &listing, error);
}

static bool
read_index(HrManifest *manifest, const HrJson *json, GError **error)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    const Listing listing = {manifest->children, known};

    if (!read_list(json, "manifests", &listing, error))
        return false;
    if (g_hash_table_contains(known, manifest->digest))
        return hr_error_set(error, HR_INVALID, "the index contains itself");
    return true;
}

static bool
check_schema(const HrJson *json, GError **error)
{
    int64_t schema = 0;

    hr_json_number(hr_json_get(json, "schemaVersion"), &schema);
    if (schema == 1)
        return hr_error_set(error, HR_UNSUPPORTED,
                            "Docker schema 1 is not supported: push the "
                            "image anew with a current client, or leave the "
                            "tag out");
    if (schema != 2)
        return hr_error_set(error, HR_INVALID,
                            "schemaVersion is missing or not 2");
    return true;
}

/* What the document is: by its own word, by the registry's, by its shape.
 * Where two say it they must agree: a document read as two different things
 * is an attack. */
static bool
find_media_type(HrManifest *manifest, const HrJson *json,
                const char *media_type, GError **error)
{
    const HrJson *own = hr_json_get(json, "mediaType");
    const char *inside = hr_json_text(own);
    bool has_children = hr_json_get(json, "manifests") != NULL;
    bool has_layers = hr_json_get(json, "layers") != NULL ||
                      hr_json_get(json, "config") != NULL;
    const char *type = inside;

    if (has_children && has_layers)
        return hr_error_set(error, HR_INVALID,
                            "it has both manifests and layers or config");
    if (own != NULL && inside == NULL)
        return hr_error_set(error, HR_INVALID, "mediaType is no text");
    if (inside != NULL && media_type != NULL &&
        strcmp(inside, media_type) != 0)
        return hr_error_set(error, HR_INVALID,
                            "it says it is '%.100s', the registry says "
                            "'%.100s'",
                            inside, media_type);
    if (type == NULL)
        type = media_type;
    if (type == NULL)
        type = has_children ? OCI_INDEX : OCI_MANIFEST;
    if (!is_manifest_type(type) && !hr_media_type_is_index(type))
        return hr_error_set(error, HR_UNSUPPORTED,
                            "its type '%.100s' is none of image manifest, "
                            "index, and their Docker schema 2 forms",
                            type);
    manifest->media_type = g_strdup(type);
    return true;
}

static bool
read_document(HrManifest *manifest, const char *media_type, GError **error)
{
    gsize size;
    const char *text = g_bytes_get_data(manifest->bytes, &size);
    g_autoptr(HrJson) json = hr_json_parse(text, size, error);
    const HrJson *subject;

    if (json == NULL)
        return false;
    if (!hr_json_is_object(json))
        return hr_error_set(error, HR_INVALID, "it is no JSON object");
    /* Some registries answer with an empty type. */
    if (media_type != NULL && *media_type == '\0')
        media_type = NULL;
    if (!check_schema(json, error) ||
        !find_media_type(manifest, json, media_type, error))
        return false;
    subject = hr_json_get(json, "subject");
    if (subject != NULL) {
        manifest->subject = read_descriptor(subject, "subject", error);
        if (manifest->subject == NULL)
            return false;
    }
    manifest->created_us = hr_created_parse(
        hr_json_text(hr_json_get(hr_json_get(json, "annotations"), CREATED)));
    if (hr_media_type_is_index(manifest->media_type))
        return read_index(manifest, json, error);
    return read_image(manifest, json, error);
}

static bool
check_digest(HrManifest *manifest, const char *expected, GError **error)
{
    g_autoptr(HrHash) hash = hr_hash_new(expected);
    char digest[HR_DIGEST_CAPACITY];
    gsize size;
    const void *data = g_bytes_get_data(manifest->bytes, &size);

    if (hash == NULL)
        return hr_error_set(error, HR_INVALID, "'%s' is no digest", expected);
    hr_hash_update(hash, data, size);
    hr_hash_finish(hash, digest);
    manifest->digest = g_strdup(digest);
    if (expected != NULL && strcmp(digest, expected) != 0)
        return hr_error_set(error, HR_INTEGRITY,
                            "its bytes have the digest %s", digest);
    return true;
}

HrManifest *
hr_manifest_parse(GBytes *bytes, const char *media_type,
                  const char *expected_digest, GError **error)
{
    g_autoptr(HrManifest) manifest = g_new0(HrManifest, 1);

    atomic_init(&manifest->references, 1);
    manifest->bytes = g_bytes_ref(bytes);
    manifest->blobs = g_ptr_array_new_with_free_func(free_descriptor);
    manifest->children = g_ptr_array_new_with_free_func(free_descriptor);
    if (g_bytes_get_size(bytes) > HR_MANIFEST_LIMIT_BYTES) {
        hr_error_set(error, HR_INVALID,
                     "manifest%s%s: it is larger than %d MiB",
                     expected_digest != NULL ? " " : "",
                     expected_digest != NULL ? expected_digest : "",
                     HR_MANIFEST_LIMIT_BYTES >> 20);
        return NULL;
    }
    if (!check_digest(manifest, expected_digest, error)) {
        g_prefix_error(error, "manifest %s: ", expected_digest);
        return NULL;
    }
    if (!read_document(manifest, media_type, error)) {
        g_prefix_error(error, "manifest %s: ", manifest->digest);
        return NULL;
    }
    return g_steal_pointer(&manifest);
}
