/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * registry-listed: names of tags and what they lead to, told by a list; no
 * content.  A file (`path`) says what there is:
 *
 *     {"tags": {REPOSITORY: {TAG: DIGEST}},
 *      "lists": STATUS}                      instead of each list
 *
 * Each question is a line in PATH.log: "list REPOSITORY", "names REPOSITORY",
 * "resolve REPOSITORY:TAG".
 */
#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-registry.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEDIA_TYPE "application/vnd.oci.image.manifest.v1+json"

static const hr_host *host;
static hr_module *module;

struct hr_registry {
    char *path;
    json_t *state;
};

static hr_status
fail(hr_call *call, hr_status status, const char *message)
{
    return host->call->fail(module, call, status, message);
}

static void
note(const hr_registry *registry, const char *question, const char *repository,
     const char *tag)
{
    char name[4096];
    FILE *file;

    snprintf(name, sizeof name, "%s.log", registry->path);
    file = fopen(name, "a");
    if (file == NULL)
        return;
    fprintf(file, "%s %s%s%s\n", question, repository, *tag != '\0' ? ":" : "",
            tag);
    fclose(file);
}

static json_t *
part(const hr_registry *registry, const char *name, const char *repository)
{
    return json_object_get(json_object_get(registry->state, name), repository);
}

static hr_status
open_listed(hr_call *call, hr_endpoint *endpoint, hr_registry **opened)
{
    hr_settings *settings = host->config->endpoint_settings(module, endpoint);
    const char *path = host->config->string(module, settings, "path");
    json_t *state = json_load_file(path, 0, NULL);
    hr_registry *registry = calloc(1, sizeof *registry);

    if (state == NULL || registry == NULL) {
        json_decref(state);
        free(registry);
        return fail(call, HR_CONFIG, "there is no such file");
    }
    registry->path = strdup(path);
    registry->state = state;
    *opened = registry;
    return HR_OK;
}

static void
close_listed(hr_registry *registry)
{
    json_decref(registry->state);
    free(registry->path);
    free(registry);
}

static hr_status
probe(hr_registry *registry, hr_call *call)
{
    (void)registry;
    (void)call;
    return HR_OK;
}

static hr_status
add_names(hr_call *call, json_t *members, hr_names *names)
{
    hr_status status = HR_OK;
    const char *name;
    json_t *value;

    json_object_foreach (members, name, value)
        if (status == HR_OK)
            status = host->names->add(module, call, names, name);
    return status;
}

static hr_status
list_repositories(hr_registry *registry, hr_call *call, hr_names *names)
{
    return add_names(call, json_object_get(registry->state, "tags"), names);
}

static hr_status
list_tags(hr_registry *registry, hr_call *call, const char *repository,
          hr_names *names)
{
    json_t *tags = part(registry, "tags", repository);

    note(registry, "names", repository, "");
    if (tags == NULL)
        return fail(call, HR_NOT_FOUND, "no such repository");
    return add_names(call, tags, names);
}

static hr_status
list_artifacts(hr_registry *registry, hr_call *call, const char *repository,
               hr_artifact_sink *sink)
{
    json_t *instead = json_object_get(registry->state, "lists");
    json_t *tags = part(registry, "tags", repository);
    hr_status status = HR_OK;
    const char *tag;
    json_t *digest;

    note(registry, "list", repository, "");
    if (instead != NULL)
        return fail(call, (hr_status)json_integer_value(instead), "as told");
    if (tags == NULL)
        return fail(call, HR_NOT_FOUND, "no such repository");
    json_object_foreach (tags, tag, digest) {
        const hr_artifact artifact = {
            .struct_size = sizeof artifact,
            .tag = tag,
            .digest = json_string_value(digest),
            .media_type = MEDIA_TYPE,
        };

        if (status == HR_OK)
            status = sink->take(sink, call, &artifact);
    }
    return status;
}

static hr_status
resolve(hr_registry *registry, hr_call *call,
        hr_manifest_query *const *queries, size_t count)
{
    (void)call;
    for (size_t i = 0; i < count; i++) {
        hr_manifest_query *query = queries[i];
        json_t *found = json_object_get(
            part(registry, "tags", query->repository), query->reference);

        note(registry, "resolve", query->repository, query->reference);
        query->status = found != NULL ? HR_OK : HR_NOT_FOUND;
        snprintf(query->digest, sizeof query->digest, "%s",
                 found != NULL ? json_string_value(found) : "");
        snprintf(query->media_type, sizeof query->media_type, MEDIA_TYPE);
    }
    return HR_OK;
}

static hr_status
get_manifest(hr_registry *registry, hr_call *call, const char *repository,
             const char *reference, uint64_t limit_bytes,
             hr_manifest_sink *sink)
{
    (void)registry;
    (void)repository;
    (void)reference;
    (void)limit_bytes;
    (void)sink;
    return fail(call, HR_NOT_FOUND, "there is no content");
}

static hr_status
put_manifest(hr_registry *registry, hr_call *call, hr_manifest_put *put)
{
    (void)registry;
    (void)put;
    return fail(call, HR_UNSUPPORTED, "there is no content");
}

static hr_status
stat_blobs(hr_registry *registry, hr_call *call, hr_blob_query *const *queries,
           size_t count)
{
    (void)registry;
    (void)call;
    for (size_t i = 0; i < count; i++)
        queries[i]->status = HR_NOT_FOUND;
    return HR_OK;
}

static hr_status
open_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
          hr_blob_source *source)
{
    (void)registry;
    (void)blob;
    (void)source;
    return fail(call, HR_NOT_FOUND, "there is no content");
}

static hr_status
create_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
            const char *mount_from, hr_blob_target *target)
{
    (void)registry;
    (void)blob;
    (void)mount_from;
    (void)target;
    return fail(call, HR_UNSUPPORTED, "there is no content");
}

static const hr_registry_ops ops = {
    .struct_size = sizeof ops,
    .open = open_listed,
    .close = close_listed,
    .probe = probe,
    .list_repositories = list_repositories,
    .list_tags = list_tags,
    .resolve = resolve,
    .get_manifest = get_manifest,
    .put_manifest = put_manifest,
    .stat_blobs = stat_blobs,
    .open_blob = open_blob,
    .create_blob = create_blob,
    .list_artifacts = list_artifacts,
};

static const hr_option path_option = {
    .struct_size = sizeof path_option,
    .type = HR_OPTION_PATH,
    .flags = HR_OPTION_REQUIRED,
    .name = "path",
    .help = "The file that says what there is.",
};

static const hr_option *const options[] = {&path_option, NULL};

static const hr_provider provider = {
    .struct_size = sizeof provider,
    .kind = HR_KIND_REGISTRY,
    .name = "listed",
    .summary = "Tags that a list tells of.",
    .threads = HR_THREADS_PER_INSTANCE,
    .ops = &ops,
    .options = options,
};

static const hr_provider *const providers[] = {&provider, NULL};

static hr_status
init(const hr_host *given, hr_module *own)
{
    host = given;
    module = own;
    return HR_OK;
}

static const hr_plugin plugin = {
    .magic = HR_PLUGIN_MAGIC,
    .struct_size = sizeof plugin,
    .abi_major = HR_ABI_MAJOR,
    .abi_minor = HR_ABI_MINOR,
    .needs_minor = 0,
    .name = "registry-listed",
    .version = "0.1.0",
    .licence = "LGPL-2.1-or-later",
    .summary = "For tests.",
    .providers = providers,
    .init = init,
};

HR_EXPORT const hr_plugin *
hr_plugin_entry_v1(void)
{
    return &plugin;
}
