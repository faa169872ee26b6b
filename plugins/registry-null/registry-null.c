/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * registry-null: makes up content, and swallows what it is given.
 *
 * For measuring everything else, and as the smallest complete example of a
 * registry plugin.  Read from the end: the description leads to the provider,
 * the provider to its options and its table of functions.  What the content
 * is, is in content.c; how a plugin talks to the host, is here.
 */
#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-registry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "content.h"

/* What the ABI only names is the plugin's to define: its state of one open
 * registry, of one blob being read, and of one being written. */
struct hr_registry {
    Extent extent;
    bool empty;
    Content *content;
};

struct hr_blob_reader {
    Spot spot;
    uint64_t at, size;
    char config[CONTENT_CONFIG_CAPACITY]; /* "" for a layer */
};

struct hr_blob_writer {
    uint64_t size;
};

/* A function that fails says why, once, and returns the class of it. */
static hr_status
fail_unknown(hr_call *call, const char *what)
{
    char text[256];

    snprintf(text, sizeof text, "%.200s was not made up here", what);
    return null_host->call->fail(null_module, call, HR_NOT_FOUND, text);
}

/* --------------------------------------------------------------- names */

/* The number after `prefix`, if `name` is just that and below `limit`. */
static bool
number_of(const char *name, const char *prefix, uint32_t limit,
          uint32_t *number)
{
    char again[64];

    if (strncmp(name, prefix, strlen(prefix)) != 0)
        return false;
    *number = (uint32_t)strtoul(name + strlen(prefix), NULL, 10);
    snprintf(again, sizeof again, "%s%06u", prefix, *number);
    return *number < limit && strcmp(again, name) == 0;
}

static bool
find_repository(const hr_registry *registry, const char *name,
                uint32_t *repository)
{
    return !registry->empty &&
           number_of(name, "made-up/r", registry->extent.repositories,
                     repository);
}

/* A reference is a tag or a digest; only digests have a colon. */
static bool
find_manifest(hr_registry *registry, hr_call *call, const char *repository,
              const char *reference, Spot *spot)
{
    const Extent *extent = &registry->extent;

    *spot = (Spot){.part = extent->blobs + 1};
    if (!find_repository(registry, repository, &spot->repository))
        return false;
    if (strchr(reference, ':') == NULL)
        return number_of(reference, "t", extent->tags, &spot->tag);
    return content_find(registry->content, call, spot->repository, reference,
                        spot) &&
           spot->part == extent->blobs + 1;
}

/* Lists made of a prefix and a number.  `add` copies the name. */
static hr_status
add_names(hr_call *call, hr_names *names, const char *prefix, uint32_t count)
{
    hr_status status = HR_OK;

    for (uint32_t i = 0; i < count && status == HR_OK; i++) {
        char name[32];

        snprintf(name, sizeof name, "%s%06u", prefix, i);
        status = null_host->names->add(null_module, call, names, name);
    }
    return status;
}

/* ----------------------------------------------------- opening, listing */

static uint64_t
setting(hr_endpoint *endpoint, const char *name)
{
    const hr_host_config *config = null_host->config;
    int64_t number = config->number(
        null_module, config->endpoint_settings(null_module, endpoint), name);

    return number > 0 ? (uint64_t)number : 0;
}

static hr_status
open_registry(hr_call *call, hr_endpoint *endpoint, hr_registry **registry)
{
    uint64_t repositories = setting(endpoint, "repositories");
    uint64_t tags = setting(endpoint, "tags");
    uint64_t blobs = setting(endpoint, "blobs");
    hr_registry *opened;

    if (repositories > 1000000 || tags > 1000000 || blobs > 1000)
        return null_host->call->fail(null_module, call, HR_CONFIG,
                                     "`repositories` and `tags` go up to "
                                     "1000000, `blobs` up to 1000");
    opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        abort();
    opened->extent = (Extent){(uint32_t)repositories, (uint32_t)tags,
                              (uint32_t)blobs, setting(endpoint, "size")};
    opened->empty = setting(endpoint, "empty") != 0;
    opened->content = content_new(&opened->extent);
    *registry = opened;
    return HR_OK;
}

static void
close_registry(hr_registry *registry)
{
    content_free(registry->content);
    free(registry);
}

static hr_status
probe(hr_registry *registry, hr_call *call)
{
    (void)registry, (void)call;
    return HR_OK;
}

static hr_status
list_repositories(hr_registry *registry, hr_call *call, hr_names *names)
{
    return add_names(call, names, "made-up/r",
                     registry->empty ? 0 : registry->extent.repositories);
}

static hr_status
list_tags(hr_registry *registry, hr_call *call, const char *repository,
          hr_names *names)
{
    uint32_t number;

    if (!find_repository(registry, repository, &number))
        return fail_unknown(call, repository);
    return add_names(call, names, "t", registry->extent.tags);
}

/* ------------------------------------------------------------ manifests */

/* Every query gets its own status; a missing one is no failure of the
 * function. */
static hr_status
resolve(hr_registry *registry, hr_call *call,
        hr_manifest_query *const *queries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hr_manifest_query *query = queries[i];
        Made made;
        Spot spot;

        query->status = HR_NOT_FOUND;
        if (!find_manifest(registry, call, query->repository, query->reference,
                           &spot))
            continue;
        content_make(registry->content, spot, false, &made);
        query->status = HR_OK;
        query->size = made.manifest_size;
        memcpy(query->digest, made.digest, sizeof query->digest);
        snprintf(query->media_type, sizeof query->media_type,
                 CONTENT_MANIFEST_TYPE);
        free(made.manifest);
    }
    return HR_OK;
}

static hr_status
get_manifest(hr_registry *registry, hr_call *call, const char *repository,
             const char *reference, uint64_t limit_bytes,
             hr_manifest_sink *sink)
{
    hr_status status = HR_OK;
    Made made;
    Spot spot;

    if (!find_manifest(registry, call, repository, reference, &spot))
        return fail_unknown(call, reference);
    content_make(registry->content, spot, true, &made);
    if (made.manifest_size > limit_bytes)
        status = null_host->call->fail(null_module, call, HR_INVALID,
                                       "the manifest is too large: make "
                                       "`blobs` smaller");
    else
        sink->take(sink, CONTENT_MANIFEST_TYPE, made.manifest,
                   made.manifest_size);
    free(made.manifest);
    return status;
}

static hr_status
put_manifest(hr_registry *registry, hr_call *call, hr_manifest_put *put)
{
    (void)registry, (void)call;
    null_host->metric->count(null_module, "swallowed_manifests_total",
                             "Manifests that registry-null took.", 1);
    null_host->metric->count(null_module, "swallowed_bytes_total",
                             "Bytes that registry-null took.",
                             put->size_bytes);
    /* It keeps no lists, and nobody else needs to. */
    put->listed = 1;
    return HR_OK;
}

/* ---------------------------------------------------------------- blobs */

static bool
find_blob(hr_registry *registry, hr_call *call, const char *repository,
          const char *digest, Spot *spot)
{
    uint32_t number;

    return find_repository(registry, repository, &number) &&
           content_find(registry->content, call, number, digest, spot) &&
           spot->part <= registry->extent.blobs;
}

static hr_status
stat_blobs(hr_registry *registry, hr_call *call, hr_blob_query *const *queries,
           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Spot spot;
        bool found = find_blob(registry, call, queries[i]->repository,
                               queries[i]->digest, &spot);

        queries[i]->status = found ? HR_OK : HR_NOT_FOUND;
    }
    return HR_OK;
}

/* Bytes that are not on the network come from a reader: the host owns it from
 * here on, calls read_blob, and gives it back with close_blob. */
static hr_status
open_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
          hr_blob_source *source)
{
    hr_blob_reader *reader;
    Made made;
    Spot spot;

    if (!find_blob(registry, call, blob->repository, blob->digest, &spot))
        return fail_unknown(call, blob->digest);
    reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        abort();
    reader->spot = spot;
    reader->size = registry->extent.size;
    if (spot.part == registry->extent.blobs) {
        content_make(registry->content, spot, false, &made);
        memcpy(reader->config, made.config, sizeof reader->config);
        reader->size = strlen(made.config);
        free(made.manifest);
    }
    return null_host->blob->source_reader(null_module, source, reader);
}

static hr_status
read_blob(hr_registry *registry, hr_call *call, hr_blob_reader *reader,
          void *buffer, size_t capacity, size_t *size)
{
    uint64_t left = reader->size - reader->at;

    (void)registry, (void)call;
    *size = left < capacity ? (size_t)left : capacity;
    if (reader->config[0] != '\0')
        memcpy(buffer, reader->config + reader->at, *size);
    else
        content_bytes(reader->spot, reader->at, buffer, *size);
    reader->at += *size;
    return HR_OK;
}

static void
close_blob(hr_registry *registry, hr_blob_reader *reader)
{
    (void)registry;
    free(reader);
}

static hr_status
create_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
            const char *mount_from, hr_blob_target *target)
{
    hr_blob_writer *writer = calloc(1, sizeof *writer);

    (void)registry, (void)call, (void)blob, (void)mount_from;
    if (writer == NULL)
        abort();
    return null_host->blob->target_writer(null_module, target, writer);
}

static hr_status
write_blob(hr_registry *registry, hr_call *call, hr_blob_writer *writer,
           const void *data, size_t size)
{
    (void)registry, (void)call, (void)data;
    writer->size += size;
    return HR_OK;
}

/* Frees the writer, as abort_blob does: after either it is not used again. */
static hr_status
commit_blob(hr_registry *registry, hr_call *call, hr_blob_writer *writer)
{
    (void)registry, (void)call;
    null_host->metric->count(null_module, "swallowed_blobs_total",
                             "Blobs that registry-null took.", 1);
    null_host->metric->count(null_module, "swallowed_bytes_total",
                             "Bytes that registry-null took.", writer->size);
    free(writer);
    return HR_OK;
}

static void
abort_blob(hr_registry *registry, hr_call *call, hr_blob_writer *writer)
{
    (void)registry, (void)call;
    free(writer);
}

/* ------------------------------------------------------ the description */

static hr_status
init(const hr_host *host, hr_module *module)
{
    null_host = host;
    null_module = module;
    return HR_OK;
}

static uint32_t
mounts(hr_registry *registry)
{
    (void)registry;
    return HR_MOUNT_NEVER;
}

static const hr_registry_ops ops = {
    .struct_size = sizeof ops,
    .open = open_registry,
    .close = close_registry,
    .probe = probe,
    .list_repositories = list_repositories,
    .list_tags = list_tags,
    .resolve = resolve,
    .get_manifest = get_manifest,
    .put_manifest = put_manifest,
    .stat_blobs = stat_blobs,
    .open_blob = open_blob,
    .create_blob = create_blob,
    .read_blob = read_blob,
    .close_blob = close_blob,
    .write_blob = write_blob,
    .commit_blob = commit_blob,
    .abort_blob = abort_blob,
    .mounts = mounts,
};

#define OPTION(NAME, TYPE, DEFAULT, HELP)                                     \
    (&(const hr_option){.struct_size = sizeof(hr_option),                     \
                        .type = (TYPE),                                       \
                        .name = (NAME),                                       \
                        .default_value = (DEFAULT),                           \
                        .help = (HELP)})

static const hr_option *const options[] = {
    OPTION("repositories", HR_OPTION_INTEGER, "1", "How many repositories."),
    OPTION("tags", HR_OPTION_INTEGER, "100", "How many tags in each."),
    OPTION("blobs", HR_OPTION_INTEGER, "1", "How many layers for each."),
    OPTION("size", HR_OPTION_SIZE, "1KiB", "The size of each layer."),
    OPTION("empty", HR_OPTION_BOOLEAN, "false",
           "There is nothing, whatever is written: a target."),
    NULL,
};

static const hr_provider provider = {
    .struct_size = sizeof provider,
    .kind = HR_KIND_REGISTRY,
    .name = "null",
    .summary = "Makes up content, and swallows what it is given.",
    .threads = HR_THREADS_PARALLEL,
    .ops = &ops,
    .options = options,
};

static const hr_provider *const providers[] = {&provider, NULL};

static const hr_plugin plugin = {
    .magic = HR_PLUGIN_MAGIC,
    .struct_size = sizeof plugin,
    .abi_major = HR_ABI_MAJOR,
    .abi_minor = HR_ABI_MINOR,
    .needs_minor = 0,
    .name = "registry-null",
    .version = "0.1.0",
    .licence = "LGPL-2.1-or-later",
    .summary = "For benchmarks, and as an example.",
    .providers = providers,
    .init = init,
};

HR_EXPORT const hr_plugin *
hr_plugin_entry_v1(void)
{
    return &plugin;
}
