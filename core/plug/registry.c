/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registry: an open instance of a registry plugin, seen from core. */
#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/reference.h"
#include "plug/names.h"
#include "plug/registry-instance.h"

/* As the contract of resolve and stat_blobs says. */
#define QUERIES_LIMIT 1024

void
hr_registry_enter(HrRegistry *registry, HrCall *call)
{
    hr_call_forgive(call);
    hr_instance_enter(&registry->instance);
}

bool
hr_registry_leave(HrRegistry *registry, HrCall *call, hr_status status,
                  GError **error)
{
    hr_instance_leave(&registry->instance);
    if (status == HR_OK)
        return true;
    hr_call_take_error(call, status, error);
    g_prefix_error(error, "%s: ", hr_registry_name(registry));
    return false;
}

HrRegistry *
hr_registry_open(HrPlugins *plugins, const hr_provider *provider,
                 HrEndpoint *endpoint, HrCall *call, GError **error)
{
    HrRegistry *registry = g_new0(HrRegistry, 1);
    hr_status status;

    registry->provider = provider;
    registry->ops = provider->ops;
    registry->endpoint = endpoint;
    if (!HR_HAS(registry->ops, hr_registry_ops, list_referrers) ||
        registry->ops->list_referrers == NULL)
        atomic_init(&registry->referrers, HR_REFERRER_LISTS_ABSENT);
    hr_instance_init(&registry->instance, plugins, provider);
    hr_registry_enter(registry, call);
    status = registry->ops->open(call, endpoint, &registry->plugin);
    if (hr_registry_leave(registry, call, status, error))
        return registry;
    hr_instance_clear(&registry->instance);
    g_free(registry);
    return NULL;
}

void
hr_registry_close(HrRegistry *registry)
{
    if (registry == NULL)
        return;
    hr_instance_enter(&registry->instance);
    registry->ops->close(registry->plugin);
    hr_instance_leave(&registry->instance);
    hr_instance_clear(&registry->instance);
    g_free(registry);
}

const char *
hr_registry_name(const HrRegistry *registry)
{
    return hr_endpoint_name(registry->endpoint);
}

HrEndpoint *
hr_registry_endpoint(const HrRegistry *registry)
{
    return registry->endpoint;
}

bool
hr_registry_same(const HrRegistry *one, const HrRegistry *other)
{
    const char *origin = hr_endpoint_origin(one->endpoint);

    if (one->endpoint == other->endpoint)
        return true;
    return one->provider == other->provider && origin != NULL &&
           g_strcmp0(origin, hr_endpoint_origin(other->endpoint)) == 0;
}

uint32_t
hr_registry_mounts(HrRegistry *registry)
{
    uint32_t rule;

    if (!HR_HAS(registry->ops, hr_registry_ops, mounts) ||
        registry->ops->mounts == NULL)
        return HR_MOUNT_AUTO;
    hr_instance_enter(&registry->instance);
    rule = registry->ops->mounts(registry->plugin);
    hr_instance_leave(&registry->instance);
    return rule;
}

bool
hr_registry_probe(HrRegistry *registry, HrCall *call, GError **error)
{
    hr_status status;

    hr_registry_enter(registry, call);
    status = registry->ops->probe(registry->plugin, call);
    return hr_registry_leave(registry, call, status, error);
}

static gint
order_names(gconstpointer left, gconstpointer right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void
init_names(hr_names *names, bool (*valid)(const char *name), const char *what)
{
    names->valid = valid;
    names->what = what;
    names->known = g_hash_table_new(g_str_hash, g_str_equal);
    names->list = g_ptr_array_new_with_free_func(g_free);
}

/* The list, sorted, if it is complete. */
static GPtrArray *
end_names(hr_names *names, bool complete)
{
    g_hash_table_unref(names->known);
    if (!complete) {
        g_ptr_array_unref(names->list);
        return NULL;
    }
    g_ptr_array_sort(names->list, order_names);
    return names->list;
}

GPtrArray *
hr_registry_list_repositories(HrRegistry *registry, HrCall *call,
                              GError **error)
{
    hr_names names;
    hr_status status;

    init_names(&names, hr_repository_valid, "repository name");
    hr_registry_enter(registry, call);
    status = registry->ops->list_repositories(registry->plugin, call, &names);
    return end_names(&names, hr_registry_leave(registry, call, status, error));
}

GPtrArray *
hr_registry_list_tags(HrRegistry *registry, HrCall *call,
                      const char *repository, GError **error)
{
    hr_names names;
    hr_status status;

    init_names(&names, hr_tag_valid, "tag");
    hr_registry_enter(registry, call);
    status =
        registry->ops->list_tags(registry->plugin, call, repository, &names);
    return end_names(&names, hr_registry_leave(registry, call, status, error));
}

/* What comes back is used in requests and sentences: it must be what it
 * claims to be. */
static void
check_answer(hr_manifest_query *query)
{
    query->digest[sizeof query->digest - 1] = '\0';
    query->media_type[sizeof query->media_type - 1] = '\0';
    query->message[sizeof query->message - 1] = '\0';
    if (query->status != HR_OK)
        return;
    if (!hr_digest_valid(query->digest)) {
        query->status = HR_INVALID;
        g_strlcpy(query->message, "the registry names a digest that is none",
                  sizeof query->message);
    } else if (query->size > HR_MANIFEST_LIMIT_BYTES) {
        query->status = HR_INVALID;
        g_snprintf(query->message, sizeof query->message,
                   "the manifest is larger than %d MiB",
                   HR_MANIFEST_LIMIT_BYTES >> 20);
    }
}

/* What a plugin leaves as it is was not answered, and must not pass for a
 * success. */
static const char unanswered[] = "the plugin left this query unanswered";

static void
expect_answer(hr_status *status, char message[HR_MESSAGE_CAPACITY])
{
    *status = HR_BUG;
    g_strlcpy(message, unanswered, HR_MESSAGE_CAPACITY);
}

/* Answers need no words of their own. */
static void
settle_answer(hr_status status, char message[HR_MESSAGE_CAPACITY])
{
    if (status != HR_BUG && strcmp(message, unanswered) == 0)
        message[0] = '\0';
}

bool
hr_registry_resolve(HrRegistry *registry, HrCall *call,
                    hr_manifest_query *const *queries, size_t count,
                    GError **error)
{
    for (size_t start = 0; start < count; start += QUERIES_LIMIT) {
        size_t part = MIN(count - start, QUERIES_LIMIT);
        hr_status status;

        for (size_t i = start; i < start + part; i++)
            expect_answer(&queries[i]->status, queries[i]->message);
        hr_registry_enter(registry, call);
        status = registry->ops->resolve(registry->plugin, call,
                                        queries + start, part);
        if (!hr_registry_leave(registry, call, status, error))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        check_answer(queries[i]);
        settle_answer(queries[i]->status, queries[i]->message);
    }
    return true;
}

bool
hr_registry_stat_blobs(HrRegistry *registry, HrCall *call,
                       hr_blob_query *const *queries, size_t count,
                       GError **error)
{
    for (size_t start = 0; start < count; start += QUERIES_LIMIT) {
        size_t part = MIN(count - start, QUERIES_LIMIT);
        hr_status status;

        for (size_t i = start; i < start + part; i++)
            expect_answer(&queries[i]->status, queries[i]->message);
        hr_registry_enter(registry, call);
        status = registry->ops->stat_blobs(registry->plugin, call,
                                           queries + start, part);
        if (!hr_registry_leave(registry, call, status, error))
            return false;
    }
    for (size_t i = 0; i < count; i++)
        settle_answer(queries[i]->status, queries[i]->message);
    return true;
}

typedef struct ManifestTaker {
    hr_manifest_sink sink;
    char *media_type;
    GBytes *bytes;
    bool too_large;
} ManifestTaker;

static void
take_manifest(hr_manifest_sink *sink, const char *media_type,
              const void *bytes, uint64_t size_bytes)
{
    ManifestTaker *taker = (ManifestTaker *)sink;

    if (taker->bytes != NULL || bytes == NULL)
        return;
    taker->too_large = size_bytes > HR_MANIFEST_LIMIT_BYTES;
    if (taker->too_large)
        return;
    taker->media_type = g_strdup(media_type);
    taker->bytes = g_bytes_new(bytes, (gsize)size_bytes);
}

static HrManifest *
parse_taken(const HrRegistry *registry, const ManifestTaker *taker,
            const char *expected, GError **error)
{
    HrManifest *manifest = NULL;

    if (taker->too_large)
        hr_error_set(error, HR_INVALID, "the manifest is larger than %d MiB",
                     HR_MANIFEST_LIMIT_BYTES >> 20);
    else if (taker->bytes == NULL)
        hr_error_set(error, HR_BUG, "the plugin gave no manifest");
    else
        manifest = hr_manifest_parse(taker->bytes, taker->media_type, expected,
                                     error);
    if (manifest == NULL)
        g_prefix_error(error, "%s: ", hr_registry_name(registry));
    return manifest;
}

HrManifest *
hr_registry_get_manifest(HrRegistry *registry, HrCall *call,
                         const char *repository, const char *reference,
                         const char *expected_digest, GError **error)
{
    ManifestTaker taker = {
        .sink = {.struct_size = sizeof(hr_manifest_sink),
                 .take = take_manifest},
    };
    HrManifest *manifest = NULL;
    hr_status status;

    if (expected_digest == NULL && hr_digest_valid(reference))
        expected_digest = reference;
    hr_registry_enter(registry, call);
    status = registry->ops->get_manifest(registry->plugin, call, repository,
                                         reference, HR_MANIFEST_LIMIT_BYTES,
                                         &taker.sink);
    if (hr_registry_leave(registry, call, status, error))
        manifest = parse_taken(registry, &taker, expected_digest, error);
    g_free(taker.media_type);
    g_clear_pointer(&taker.bytes, g_bytes_unref);
    return manifest;
}

bool
hr_registry_put_manifest(HrRegistry *registry, HrCall *call,
                         const char *repository, const char *reference,
                         const HrManifest *manifest, const char *expected,
                         bool *listed, GError **error)
{
    hr_manifest_put put = {
        .struct_size = sizeof put,
        .repository = repository,
        .reference = reference,
        .digest = manifest->digest,
        .media_type = manifest->media_type,
        .expected = expected,
    };
    gsize size;
    hr_status status;

    put.bytes = g_bytes_get_data(manifest->bytes, &size);
    put.size_bytes = size;
    hr_registry_enter(registry, call);
    status = registry->ops->put_manifest(registry->plugin, call, &put);
    if (listed != NULL)
        *listed = put.listed != 0;
    return hr_registry_leave(registry, call, status, error);
}
