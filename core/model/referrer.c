/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Referrers: lists of them, and the tags that stand in for lists. */
#include "model/referrer.h"

#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/json.h"

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"

/* Of the encoded part of a digest, in a tag. */
#define TAG_HEX 64

/* Each is "sha256-HEX" with this behind it. */
static const char *const cosign_endings[] = {".sig", ".att", ".sbom"};

void
hr_referrer_free(HrReferrer *referrer)
{
    if (referrer == NULL)
        return;
    g_free(referrer->digest);
    g_free(referrer->media_type);
    g_free(referrer->artifact_type);
    g_free(referrer->text);
    g_free(referrer);
}

static void
free_referrer(gpointer data)
{
    hr_referrer_free(data);
}

GPtrArray *
hr_referrers_new(void)
{
    return g_ptr_array_new_with_free_func(free_referrer);
}

/* Reads one descriptor; NULL if it is none. */
static HrReferrer *
read_entry(const HrJson *json)
{
    const char *digest = hr_json_text(hr_json_get(json, "digest"));
    const char *type = hr_json_text(hr_json_get(json, "mediaType"));
    HrReferrer *referrer;
    int64_t size;

    if (!hr_digest_valid(digest) || type == NULL || *type == '\0' ||
        strlen(type) >= HR_MEDIA_TYPE_CAPACITY ||
        !hr_json_number(hr_json_get(json, "size"), &size) || size < 0)
        return NULL;
    referrer = g_new0(HrReferrer, 1);
    referrer->digest = g_strdup(digest);
    referrer->media_type = g_strdup(type);
    referrer->size = size;
    referrer->artifact_type =
        g_strdup(hr_json_text(hr_json_get(json, "artifactType")));
    referrer->text = hr_json_canonical(json);
    return referrer;
}

/* The entries by digest, borrowed. */
static GHashTable *
index_entries(const GPtrArray *referrers)
{
    GHashTable *known = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < referrers->len; i++) {
        HrReferrer *referrer = referrers->pdata[i];

        g_hash_table_insert(known, referrer->digest, referrer);
    }
    return known;
}

static bool
read_entries(GPtrArray *referrers, const HrJson *list, GError **error)
{
    g_autoptr(GHashTable) known = index_entries(referrers);

    for (size_t i = 0; i < hr_json_length(list); i++) {
        HrReferrer *referrer = read_entry(hr_json_at(list, i));

        if (referrer == NULL)
            return hr_error_set(error, HR_INVALID,
                                "manifests[%" G_GSIZE_FORMAT "] is no "
                                "descriptor with mediaType, digest and size",
                                i);
        if (g_hash_table_contains(known, referrer->digest)) {
            hr_referrer_free(referrer);
            continue;
        }
        if (referrers->len >= HR_REFERRERS_LIMIT) {
            hr_referrer_free(referrer);
            return hr_error_set(error, HR_INVALID, "it lists more than %d",
                                HR_REFERRERS_LIMIT);
        }
        g_hash_table_insert(known, referrer->digest, referrer);
        g_ptr_array_add(referrers, referrer);
    }
    return true;
}

bool
hr_referrers_read(GPtrArray *referrers, const char *text, size_t size,
                  GError **error)
{
    g_autoptr(HrJson) json = hr_json_parse(text, size, error);
    const HrJson *list = hr_json_get(json, "manifests");

    if (json == NULL)
        return false;
    /* Go programs write null for a list that is empty. */
    if (!hr_json_is_array(list) && !hr_json_is_null(list))
        return hr_error_set(error, HR_INVALID,
                            "manifests is missing or no list");
    return read_entries(referrers, list, error);
}

bool
hr_referrers_have(const GPtrArray *referrers, const GPtrArray *wanted)
{
    g_autoptr(GHashTable) known = index_entries(referrers);

    for (guint i = 0; i < wanted->len; i++) {
        const HrReferrer *one = wanted->pdata[i];

        if (!g_hash_table_contains(known, one->digest))
            return false;
    }
    return true;
}

HrReferrer *
hr_referrer_describe(const HrManifest *manifest, GError **error)
{
    gsize size;
    const char *text = g_bytes_get_data(manifest->bytes, &size);
    g_autoptr(HrJson) json = hr_json_parse(text, size, error);
    g_autoptr(HrJson) entry = NULL;
    const HrJson *annotations = hr_json_get(json, "annotations");
    const char *type = hr_json_text(hr_json_get(json, "artifactType"));

    if (json == NULL)
        return NULL;
    /* An image that says nothing else is of the type of its config. */
    if (type == NULL || *type == '\0')
        type = hr_json_text(
            hr_json_get(hr_json_get(json, "config"), "mediaType"));
    entry = hr_json_new_object();
    hr_json_set_text(entry, "mediaType", manifest->media_type);
    hr_json_set_text(entry, "digest", manifest->digest);
    hr_json_set_number(entry, "size", (int64_t)size);
    hr_json_set_text(entry, "artifactType", type);
    if (hr_json_is_object(annotations)) {
        g_autofree char *copy = hr_json_canonical(annotations);

        hr_json_set(entry, "annotations",
                    hr_json_parse(copy, strlen(copy), NULL));
    }
    return read_entry(entry);
}

/* ---------------------------------------------------------------- merge */

static gint
order_by_digest(gconstpointer left, gconstpointer right)
{
    const HrReferrer *one = *(const HrReferrer *const *)left;
    const HrReferrer *other = *(const HrReferrer *const *)right;

    return strcmp(one->digest, other->digest);
}

static GPtrArray *
read_index(const HrManifest *index, GError **error)
{
    g_autoptr(GPtrArray) list = hr_referrers_new();
    gsize size;
    const char *text = g_bytes_get_data(index->bytes, &size);

    if (!hr_referrers_read(list, text, size, error))
        return NULL;
    return g_steal_pointer(&list);
}

/* What is present and not to be replaced, borrowed. */
static GPtrArray *
keep_others(const GPtrArray *present, const GPtrArray *added)
{
    g_autoptr(GHashTable) replaced = index_entries(added);
    GPtrArray *kept = g_ptr_array_new();

    for (guint i = 0; i < present->len; i++) {
        HrReferrer *referrer = present->pdata[i];

        if (!g_hash_table_contains(replaced, referrer->digest))
            g_ptr_array_add(kept, referrer);
    }
    return kept;
}

/* Both, borrowed, in an order that is always the same. */
static GPtrArray *
unite(const GPtrArray *kept, const GPtrArray *added)
{
    GPtrArray *all = g_ptr_array_new();

    for (guint i = 0; i < kept->len; i++)
        g_ptr_array_add(all, kept->pdata[i]);
    for (guint i = 0; i < added->len; i++)
        g_ptr_array_add(all, added->pdata[i]);
    g_ptr_array_sort(all, order_by_digest);
    return all;
}

/* True if the index lists exactly these; those that are kept may not change
 * their meaning. */
static bool
says_the_same(const HrManifest *like, const GPtrArray *all,
              const GPtrArray *kept)
{
    g_autoptr(GPtrArray) list = read_index(like, NULL);
    g_autoptr(GHashTable) known = NULL;

    if (list == NULL || list->len != all->len || !hr_referrers_have(list, all))
        return false;
    known = index_entries(list);
    for (guint i = 0; i < kept->len; i++) {
        const HrReferrer *one = kept->pdata[i];
        const HrReferrer *other = g_hash_table_lookup(known, one->digest);

        if (strcmp(one->text, other->text) != 0)
            return false;
    }
    return true;
}

/* The document around the entries: that of the index there was, or a new
 * one. */
static HrJson *
make_frame(const HrManifest *current)
{
    HrJson *frame;
    gsize size;
    const char *text;

    if (current != NULL) {
        text = g_bytes_get_data(current->bytes, &size);
        return hr_json_parse(text, size, NULL);
    }
    frame = hr_json_new_object();
    hr_json_set_number(frame, "schemaVersion", 2);
    hr_json_set_text(frame, "mediaType", OCI_INDEX);
    return frame;
}

static HrManifest *
write_index(const HrManifest *current, const GPtrArray *all, GError **error)
{
    g_autoptr(HrJson) frame = make_frame(current);
    g_autoptr(GBytes) bytes = NULL;
    HrJson *list = hr_json_new_array();
    char *text;

    for (guint i = 0; i < all->len; i++) {
        const HrReferrer *referrer = all->pdata[i];

        hr_json_append(
            list, hr_json_parse(referrer->text, strlen(referrer->text), NULL));
    }
    hr_json_set(frame, "manifests", list);
    text = hr_json_canonical(frame);
    bytes = g_bytes_new_take(text, strlen(text));
    return hr_manifest_parse(bytes, OCI_INDEX, NULL, error);
}

HrManifest *
hr_referrers_merge(const HrManifest *current, const GPtrArray *added,
                   const HrManifest *like, GError **error)
{
    g_autoptr(GPtrArray) present = NULL;
    g_autoptr(GPtrArray) kept = NULL;
    g_autoptr(GPtrArray) all = NULL;

    if (current != NULL && strcmp(current->media_type, OCI_INDEX) != 0) {
        hr_error_set(error, HR_CONFLICT,
                     "it is of type '%s' and no index of referrers",
                     current->media_type);
        return NULL;
    }
    present =
        current != NULL ? read_index(current, error) : hr_referrers_new();
    if (present == NULL)
        return NULL;
    kept = keep_others(present, added);
    all = unite(kept, added);
    if (like != NULL && says_the_same(like, all, kept))
        return hr_manifest_parse(like->bytes, like->media_type, like->digest,
                                 error);
    return write_index(current, all, error);
}

/* ----------------------------------------------------------------- tags */

char *
hr_referrers_tag(const char *digest)
{
    const char *encoded = strchr(digest, ':') + 1;

    return g_strdup_printf("%.*s-%.*s", (int)(encoded - digest - 1), digest,
                           TAG_HEX, encoded);
}

char **
hr_companion_tags(const char *digest)
{
    char **tags = g_new0(char *, G_N_ELEMENTS(cosign_endings) + 2);

    tags[0] = hr_referrers_tag(digest);
    /* Those of longer digests are too long for a tag. */
    for (unsigned i = 0; i < G_N_ELEMENTS(cosign_endings) &&
                         g_str_has_prefix(digest, "sha256:");
         i++)
        tags[i + 1] = g_strconcat(tags[0], cosign_endings[i], NULL);
    return tags;
}

HrCompanion
hr_companion_of(const char *tag)
{
    bool is_sha256 = g_str_has_prefix(tag, "sha256-");
    const char *hex = tag + sizeof "sha256-" - 1;

    if (!is_sha256 && !g_str_has_prefix(tag, "sha512-"))
        return HR_COMPANION_NONE;
    if (strspn(hex, "0123456789abcdef") != TAG_HEX)
        return HR_COMPANION_NONE;
    hex += TAG_HEX;
    if (*hex == '\0')
        return HR_COMPANION_FALLBACK;
    for (unsigned i = 0; i < G_N_ELEMENTS(cosign_endings) && is_sha256; i++)
        if (strcmp(hex, cosign_endings[i]) == 0)
            return HR_COMPANION_COSIGN;
    return HR_COMPANION_NONE;
}
