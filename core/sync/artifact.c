/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Artifact: a manifest and everything below it that a target still lacks. */
#include "sync/artifact.h"

#include <string.h>

#include "base/error.h"

typedef struct Loader {
    const HrArtifactPlace *place;
    HrCall *call;
    HrArtifact *artifact;
    GHashTable *seen; /* digests of manifests; borrowed from them */
} Loader;

static void
free_manifest(gpointer data)
{
    hr_manifest_free(data);
}

void
hr_artifact_free(HrArtifact *artifact)
{
    if (artifact == NULL)
        return;
    g_ptr_array_unref(artifact->blobs);
    g_ptr_array_unref(artifact->manifests);
    g_free(artifact);
}

const HrManifest *
hr_artifact_root(const HrArtifact *artifact)
{
    return artifact->manifests->pdata[artifact->manifests->len - 1];
}

/* Marks in `present` which of the children the target has.  A registry takes
 * a manifest only with all of its parts, so what is there is complete. */
static bool
find_present(Loader *loader, const GPtrArray *children, bool *present,
             GError **error)
{
    const HrArtifactPlace *place = loader->place;
    g_autofree hr_manifest_query *queries =
        g_new0(hr_manifest_query, children->len);
    g_autofree hr_manifest_query **pointers =
        g_new0(hr_manifest_query *, children->len);

    if (place->target == NULL)
        return true;
    for (guint i = 0; i < children->len; i++) {
        const HrDescriptor *child = children->pdata[i];

        queries[i].struct_size = sizeof queries[i];
        queries[i].repository = place->target_repository;
        queries[i].reference = child->digest;
        pointers[i] = &queries[i];
    }
    if (!hr_registry_resolve(place->target, loader->call, pointers,
                             children->len, error))
        return false;
    for (guint i = 0; i < children->len; i++)
        present[i] = queries[i].status == HR_OK;
    return true;
}

static bool
load_manifest(Loader *loader, const char *digest, unsigned depth,
              GError **error);

static bool
load_children(Loader *loader, const HrManifest *parent, unsigned depth,
              GError **error)
{
    const GPtrArray *children = parent->children;
    g_autofree bool *present = NULL;

    if (children->len == 0)
        return true;
    if (depth >= HR_INDEX_DEPTH_LIMIT)
        return hr_error_set(error, HR_INVALID,
                            "manifest %s: indexes are nested more than %d "
                            "deep",
                            parent->digest, HR_INDEX_DEPTH_LIMIT);
    present = g_new0(bool, children->len);
    if (!find_present(loader, children, present, error))
        return false;
    for (guint i = 0; i < children->len; i++) {
        const HrDescriptor *child = children->pdata[i];

        if (!present[i] &&
            !load_manifest(loader, child->digest, depth + 1, error))
            return false;
    }
    return true;
}

static bool
load_manifest(Loader *loader, const char *digest, unsigned depth,
              GError **error)
{
    const HrArtifactPlace *place = loader->place;
    g_autoptr(HrManifest) manifest = NULL;

    if (g_hash_table_contains(loader->seen, digest))
        return true;
    if (g_hash_table_size(loader->seen) >= HR_MANIFEST_GRAPH_LIMIT)
        return hr_error_set(error, HR_INVALID,
                            "the artifact has more than %d manifests",
                            HR_MANIFEST_GRAPH_LIMIT);
    manifest = hr_registry_get_manifest(place->source, loader->call,
                                        place->source_repository, digest,
                                        digest, error);
    if (manifest == NULL)
        return false;
    /* Seen before its children are looked at, so that no chain of references
     * can lead back to it. */
    g_hash_table_add(loader->seen, g_strdup(manifest->digest));
    if (!load_children(loader, manifest, depth, error))
        return false;
    g_ptr_array_add(loader->artifact->manifests, g_steal_pointer(&manifest));
    return true;
}

/* One list of all blobs; the same digest with two sizes is a lie. */
static bool
collect_blobs(HrArtifact *artifact, GError **error)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < artifact->manifests->len; i++) {
        const HrManifest *manifest = artifact->manifests->pdata[i];

        for (guint j = 0; j < manifest->blobs->len; j++) {
            HrDescriptor *blob = manifest->blobs->pdata[j];
            HrDescriptor *other = g_hash_table_lookup(known, blob->digest);

            if (other != NULL && other->size != blob->size)
                return hr_error_set(
                    error, HR_INVALID,
                    "manifest %s: blob %s has size %" G_GINT64_FORMAT
                    " here and %" G_GINT64_FORMAT " elsewhere",
                    manifest->digest, blob->digest, blob->size, other->size);
            if (other != NULL || blob->foreign)
                continue;
            g_hash_table_insert(known, blob->digest, blob);
            g_ptr_array_add(artifact->blobs, blob);
        }
    }
    return true;
}

HrArtifact *
hr_artifact_load(const HrArtifactPlace *place, const char *digest,
                 HrCall *call, GError **error)
{
    g_autoptr(HrArtifact) artifact = g_new0(HrArtifact, 1);
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Loader loader = {
        .place = place,
        .call = call,
        .artifact = artifact,
        .seen = seen,
    };

    artifact->manifests = g_ptr_array_new_with_free_func(free_manifest);
    artifact->blobs = g_ptr_array_new();
    if (!load_manifest(&loader, digest, 0, error))
        return NULL;
    if (!collect_blobs(artifact, error))
        return NULL;
    return g_steal_pointer(&artifact);
}
