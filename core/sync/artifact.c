/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Artifact: a manifest and everything below it that a target still lacks. */
#include "sync/artifact.h"

#include <string.h>

#include "base/error.h"

/* Platforms are named in an error up to about so many bytes. */
#define NAMED_BYTES 200

typedef struct Loader {
    const HrArtifactPlace *place;
    HrCall *call;
    HrArtifact *artifact;
    GHashTable *seen;    /* digests of manifests */
    GPtrArray *left_out; /* platforms of children that are not wanted */
    unsigned images;     /* wanted ones of indexes */
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
    g_ptr_array_unref(artifact->looked);
    g_ptr_array_unref(artifact->manifests);
    g_free(artifact);
}

const HrManifest *
hr_artifact_root(const HrArtifact *artifact)
{
    return artifact->manifests->pdata[artifact->manifests->len - 1];
}

/* What is to be done about a child. */
typedef enum Errand {
    ERRAND_NONE, /* it is not wanted, or the target has it whole */
    ERRAND_LOOK, /* the target has it, but perhaps not whole */
    ERRAND_LOAD
} Errand;

static bool
is_wanted(const GPtrArray *platforms, const HrDescriptor *child)
{
    if (child->platform == NULL)
        return true;
    for (guint i = 0; i < platforms->len; i++)
        if (hr_platform_holds(platforms->pdata[i], child->platform))
            return true;
    return false;
}

static GHashTable *
index_by_digest(const GPtrArray *children)
{
    GHashTable *index = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < children->len; i++) {
        HrDescriptor *child = children->pdata[i];

        g_hash_table_insert(index, child->digest, child);
    }
    return index;
}

/* The child that another is about, or itself. */
static const HrDescriptor *
find_judged(GHashTable *by_digest, const HrDescriptor *child)
{
    const HrDescriptor *other =
        child->attests != NULL ? g_hash_table_lookup(by_digest, child->attests)
                               : NULL;

    return other != NULL ? other : child;
}

bool *
hr_artifact_choose(const GPtrArray *platforms, const GPtrArray *children)
{
    g_autoptr(GHashTable) by_digest = index_by_digest(children);
    bool *wanted = g_new(bool, (gsize)children->len + 1);

    for (guint i = 0; i < children->len; i++)
        wanted[i] =
            platforms == NULL ||
            is_wanted(platforms, find_judged(by_digest, children->pdata[i]));
    return wanted;
}

/* Leaves an errand only for children of wanted platforms. */
static void
choose_children(Loader *loader, const GPtrArray *children, Errand *errands)
{
    g_autofree bool *wanted =
        hr_artifact_choose(loader->place->platforms, children);

    for (guint i = 0; i < children->len; i++) {
        const HrDescriptor *child = children->pdata[i];

        errands[i] = ERRAND_LOAD;
        if (!wanted[i]) {
            errands[i] = ERRAND_NONE;
            loader->artifact->sparse = true;
            if (child->platform != NULL)
                g_ptr_array_add(loader->left_out,
                                hr_platform_text(child->platform));
        } else if (child->attests == NULL &&
                   !hr_media_type_is_index(child->media_type)) {
            loader->images++;
        }
    }
}

/* Takes back errands for what the target has.  A registry takes an image only
 * with all of its parts, so that one that is there is whole. */
static bool
skip_present(const Loader *loader, const GPtrArray *children, Errand *errands,
             GError **error)
{
    const HrArtifactPlace *place = loader->place;
    g_autofree hr_manifest_query *queries =
        g_new0(hr_manifest_query, children->len);
    g_autofree hr_manifest_query **asked =
        g_new0(hr_manifest_query *, children->len);
    size_t count = 0;

    if (place->target == NULL)
        return true;
    for (guint i = 0; i < children->len; i++) {
        const HrDescriptor *child = children->pdata[i];

        if (errands[i] == ERRAND_NONE)
            continue;
        queries[i].struct_size = sizeof queries[i];
        queries[i].repository = place->target_repository;
        queries[i].reference = child->digest;
        asked[count++] = &queries[i];
    }
    if (count > 0 &&
        !hr_registry_resolve(place->target, loader->call, asked, count, error))
        return false;
    for (guint i = 0; i < children->len; i++) {
        const HrDescriptor *child = children->pdata[i];

        if (errands[i] == ERRAND_LOAD && queries[i].status == HR_OK)
            errands[i] = hr_media_type_is_index(child->media_type) ||
                                 place->foreign_layers
                             ? ERRAND_LOOK
                             : ERRAND_NONE;
    }
    return true;
}

static bool
load_manifest(Loader *loader, const char *digest, unsigned depth, bool keep,
              GError **error);

/* What an index names is part of it: that it is missing says nothing about
 * the index. */
static bool
load_child(Loader *loader, const HrManifest *parent, const char *digest,
           unsigned depth, bool keep, GError **error)
{
    g_autoptr(GError) failure = NULL;

    /* The target has the ones to look into. */
    if (load_manifest(loader, digest, depth, keep, &failure) ||
        (!keep && hr_error_status(failure) == HR_NOT_FOUND))
        return true;
    if (hr_error_status(failure) == HR_NOT_FOUND)
        return hr_error_set(error, HR_PRECONDITION,
                            "manifest %s, which %s names, is missing (%s)",
                            digest, parent->digest, failure->message);
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

static bool
load_children(Loader *loader, const HrManifest *parent, unsigned depth,
              GError **error)
{
    const GPtrArray *children = parent->children;
    g_autofree Errand *errands = NULL;

    if (children->len == 0)
        return true;
    if (depth >= HR_INDEX_DEPTH_LIMIT)
        return hr_error_set(error, HR_INVALID,
                            "manifest %s: indexes are nested more than %d "
                            "deep",
                            parent->digest, HR_INDEX_DEPTH_LIMIT);
    errands = g_new0(Errand, children->len);
    choose_children(loader, children, errands);
    if (!skip_present(loader, children, errands, error))
        return false;
    for (guint i = 0; i < children->len; i++) {
        const HrDescriptor *child = children->pdata[i];

        if (errands[i] != ERRAND_NONE &&
            !load_child(loader, parent, child->digest, depth + 1,
                        errands[i] == ERRAND_LOAD, error))
            return false;
    }
    return true;
}

/* From the source, or from whoever else has read it there. */
static HrManifest *
read_manifest(const Loader *loader, const char *digest, GError **error)
{
    const HrArtifactPlace *place = loader->place;
    HrManifest *manifest = NULL;

    if (place->gathering != NULL)
        manifest = hr_gathering_find(place->gathering, digest);
    if (manifest != NULL)
        return manifest;
    manifest = hr_registry_get_manifest(place->source, loader->call,
                                        place->source_repository, digest,
                                        digest, error);
    if (manifest != NULL && place->gathering != NULL)
        hr_gathering_keep(place->gathering, manifest);
    return manifest;
}

/* `keep`: it is to be brought, beside what is below it. */
static bool
load_manifest(Loader *loader, const char *digest, unsigned depth, bool keep,
              GError **error)
{
    g_autoptr(HrManifest) manifest = NULL;

    if (g_hash_table_contains(loader->seen, digest))
        return true;
    if (g_hash_table_size(loader->seen) >= HR_MANIFEST_GRAPH_LIMIT)
        return hr_error_set(error, HR_INVALID,
                            "the artifact has more than %d manifests",
                            HR_MANIFEST_GRAPH_LIMIT);
    manifest = read_manifest(loader, digest, error);
    if (manifest == NULL)
        return false;
    /* Seen before its children are looked at, so that no chain of references
     * can lead back to it. */
    g_hash_table_add(loader->seen, g_strdup(manifest->digest));
    if (!load_children(loader, manifest, depth, error))
        return false;
    g_ptr_array_add(keep ? loader->artifact->manifests
                         : loader->artifact->looked,
                    g_steal_pointer(&manifest));
    return true;
}

static gint
order_texts(gconstpointer left, gconstpointer right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* An index of which nothing is wanted is no use to anybody. */
static bool
check_choice(const Loader *loader, const char *digest, GError **error)
{
    const GPtrArray *platforms = loader->place->platforms;
    GPtrArray *left_out = loader->left_out;
    g_autoptr(GString) wanted = g_string_new(NULL);
    g_autoptr(GString) there = g_string_new(NULL);
    const char *last = "";

    if (loader->images > 0 || left_out->len == 0)
        return true;
    for (guint i = 0; i < platforms->len; i++) {
        g_autofree char *text = hr_platform_text(platforms->pdata[i]);

        g_string_append_printf(wanted, "%s%s", i > 0 ? " or " : "", text);
    }
    g_ptr_array_sort(left_out, order_texts);
    for (guint i = 0; i < left_out->len && there->len < NAMED_BYTES; i++) {
        const char *text = left_out->pdata[i];

        if (strcmp(text, last) != 0)
            g_string_append_printf(there, "%s%s", i > 0 ? ", " : "", text);
        last = text;
    }
    return hr_error_set(error, HR_UNSUPPORTED,
                        "manifest %s: none of its images is for %s; it has %s",
                        digest, wanted->str, there->str);
}

/* One list of all blobs; the same digest with two sizes is a lie. */
typedef struct Collection {
    GPtrArray *blobs;
    GHashTable *known; /* digest -> HrDescriptor, both borrowed */
    bool foreign_layers;
} Collection;

/* Adds the blobs of a manifest; of one that the target has, those that it need
 * not have. */
static bool
collect_blobs(const Collection *collection, const HrManifest *manifest,
              bool looked, GError **error)
{
    for (guint i = 0; i < manifest->blobs->len; i++) {
        HrDescriptor *blob = manifest->blobs->pdata[i];
        HrDescriptor *other =
            g_hash_table_lookup(collection->known, blob->digest);

        if (other != NULL && other->size != blob->size)
            return hr_error_set(
                error, HR_INVALID,
                "manifest %s: blob %s has size %" G_GINT64_FORMAT
                " here and %" G_GINT64_FORMAT " elsewhere",
                manifest->digest, blob->digest, blob->size, other->size);
        if (other != NULL || (looked && !blob->foreign) ||
            (blob->foreign && !collection->foreign_layers))
            continue;
        g_hash_table_insert(collection->known, blob->digest, blob);
        g_ptr_array_add(collection->blobs, blob);
    }
    return true;
}

static bool
collect_all_blobs(HrArtifact *artifact, bool foreign_layers, GError **error)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    const Collection collection = {
        .blobs = artifact->blobs,
        .known = known,
        .foreign_layers = foreign_layers,
    };

    for (guint i = 0; i < artifact->manifests->len; i++)
        if (!collect_blobs(&collection, artifact->manifests->pdata[i], false,
                           error))
            return false;
    for (guint i = 0; foreign_layers && i < artifact->looked->len; i++)
        if (!collect_blobs(&collection, artifact->looked->pdata[i], true,
                           error))
            return false;
    return true;
}

static HrArtifact *
new_artifact(void)
{
    HrArtifact *artifact = g_new0(HrArtifact, 1);

    artifact->manifests = g_ptr_array_new_with_free_func(free_manifest);
    artifact->looked = g_ptr_array_new_with_free_func(free_manifest);
    artifact->blobs = g_ptr_array_new();
    return artifact;
}

HrArtifact *
hr_artifact_new_root(HrManifest *root)
{
    HrArtifact *artifact = new_artifact();

    g_ptr_array_add(artifact->manifests, hr_manifest_ref(root));
    return artifact;
}

HrArtifact *
hr_artifact_load(const HrArtifactPlace *place, const char *digest,
                 HrCall *call, GError **error)
{
    g_autoptr(HrArtifact) artifact = new_artifact();
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) left_out = g_ptr_array_new_with_free_func(g_free);
    Loader loader = {
        .place = place,
        .call = call,
        .artifact = artifact,
        .seen = seen,
        .left_out = left_out,
    };

    if (!load_manifest(&loader, digest, 0, true, error) ||
        !check_choice(&loader, digest, error))
        return NULL;
    if (!collect_all_blobs(artifact, place->foreign_layers, error))
        return NULL;
    return g_steal_pointer(&artifact);
}
