/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* registry-layout: a local directory of OCI image layouts; see README. */
#include <harbor-replicator/hr-plugin.h>
#include <stdlib.h>

#include "layout.h"

static hr_status
open_registry(hr_call *call, hr_endpoint *endpoint, hr_registry **registry)
{
    const hr_host_config *config = layout_host->config;
    hr_settings *settings = config->endpoint_settings(layout_module, endpoint);
    const char *path = config->string(layout_module, settings, "path");
    const char *only = config->string(layout_module, settings, "repository");
    hr_registry *opened;

    if (path == NULL || *path == '\0')
        return layout_fail(call, HR_CONFIG, "`path` is missing");
    opened = layout_alloc(sizeof *opened);
    opened->root = layout_copy_text(path);
    if (only != NULL && *only != '\0')
        opened->only = layout_copy_text(only);
    opened->create = config->number(layout_module, settings, "create") != 0;
    opened->verified = layout_verified_new();
    opened->subjects = layout_subjects_new();
    pthread_mutex_init(&opened->lock, NULL);
    pthread_mutex_init(&opened->document_lock, NULL);
    *registry = opened;
    return HR_OK;
}

static void
close_registry(hr_registry *registry)
{
    layout_repositories_clear(registry);
    pthread_mutex_destroy(&registry->lock);
    pthread_mutex_destroy(&registry->document_lock);
    layout_verified_free(registry->verified);
    layout_subjects_free(registry->subjects);
    free(registry->only);
    free(registry->root);
    free(registry);
}

static hr_status
init(const hr_host *host, hr_module *module)
{
    layout_host = host;
    layout_module = module;
    return HR_OK;
}

static const hr_registry_ops ops = {
    .struct_size = sizeof ops,
    .open = open_registry,
    .close = close_registry,
    .probe = layout_probe,
    .list_repositories = layout_list_repositories,
    .list_tags = layout_list_tags,
    .resolve = layout_resolve,
    .get_manifest = layout_get_manifest,
    .put_manifest = layout_put_manifest,
    .stat_blobs = layout_stat_blobs,
    .open_blob = layout_open_blob,
    .create_blob = layout_create_blob,
    .read_blob = layout_read_blob,
    .close_blob = layout_close_blob,
    .write_blob = layout_write_blob,
    .commit_blob = layout_commit_blob,
    .abort_blob = layout_abort_blob,
    .list_referrers = layout_list_referrers,
    .identify = layout_identify,
    .knows = layout_knows,
    .list_documents = layout_list_documents,
    .read_document = layout_read_document,
    .write_document = layout_write_document,
};

static const hr_option path_option = {
    .struct_size = sizeof path_option,
    .type = HR_OPTION_PATH,
    .name = "path",
    .help = "The directory that holds the repositories.",
    .flags = HR_OPTION_REQUIRED,
};

static const hr_option repository_option = {
    .struct_size = sizeof repository_option,
    .type = HR_OPTION_STRING,
    .name = "repository",
    .help = "The directory is the layout of this one repository.",
};

static const hr_option create_option = {
    .struct_size = sizeof create_option,
    .type = HR_OPTION_BOOLEAN,
    .name = "create",
    .default_value = "true",
    .help = "Make the directory at the first write if it does not exist.",
};

static const hr_option *const options[] = {
    &path_option,
    &repository_option,
    &create_option,
    NULL,
};

static const hr_provider provider = {
    .struct_size = sizeof provider,
    .kind = HR_KIND_REGISTRY,
    .name = "layout",
    .summary = "A local directory of OCI image layouts.",
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
    .name = "registry-layout",
    .version = "0.1.0",
    .licence = "LGPL-2.1-or-later",
    .summary = "Keeps repositories as OCI image layouts in a directory.",
    .providers = providers,
    .init = init,
};

HR_EXPORT const hr_plugin *
hr_plugin_entry_v1(void)
{
    return &plugin;
}
