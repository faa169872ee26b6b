/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* registry-harbor: Harbor 2.9 and later, with its configuration. */
#include <stdlib.h>

#include "kinds.h"

/* Harbor's name for its own replication, whose pulls it does not count: a GET
 * by anybody else moves the counters and times that retention goes by. */
static const char *const uncounted[] = {
    DIST_ACCEPT, "User-Agent: harbor-registry-client", NULL};

static hr_status
open_registry(hr_call *call, hr_endpoint *endpoint, hr_registry **registry)
{
    hr_registry *made = calloc(1, sizeof *made);
    hr_settings *settings =
        dist_host->config->endpoint_settings(dist_module, endpoint);
    hr_status status;

    *registry = NULL;
    if (made == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = dist_open(&made->dist, call, endpoint);
    if (status != HR_OK) {
        free(made);
        return status;
    }
    made->dist.manifest_headers = uncounted;
    made->settings =
        dist_host->config->string(dist_module, settings, "settings");
    pthread_mutex_init(&made->lock, NULL);
    *registry = made;
    return HR_OK;
}

static void
close_registry(hr_registry *registry)
{
    harbor_identity_unref(registry->identity);
    json_decref(registry->memory.ids);
    json_decref(registry->memory.names);
    json_decref(registry->projects);
    json_decref(registry->whole_projects);
    json_decref(registry->group_names);
    json_decref(registry->trying);
    json_decref(registry->artifacts);
    json_decref(registry->told);
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

static const hr_registry_ops ops = {
    .struct_size = sizeof ops,
    .open = open_registry,
    .close = close_registry,
    .probe = harbor_probe,
    .list_repositories = harbor_list_repositories,
    .list_tags = harbor_list_tags,
    .resolve = harbor_resolve,
    .get_manifest = dist_get_manifest,
    .put_manifest = harbor_put_manifest,
    .stat_blobs = dist_stat_blobs,
    .open_blob = dist_open_blob,
    .create_blob = dist_create_blob,
    .commit_blob = dist_commit_blob,
    .abort_blob = dist_abort_blob,
    .list_referrers = harbor_list_referrers,
    .resume_blob = dist_resume_blob,
    .examine = harbor_examine,
    .mounts = dist_mounts,
    .identify = harbor_identify,
    .knows = harbor_knows,
    .list_documents = harbor_list_documents,
    .read_document = harbor_read_document,
    .fit_documents = harbor_fit_documents,
    .write_document = harbor_write_document,
    .check_secrets = harbor_check_secrets,
    .list_artifacts = harbor_list_artifacts,
    .foresee = harbor_foresee,
    .list_parts = harbor_list_parts,
    .begin_blob = dist_begin_blob,
};

static hr_status
init(const hr_host *host, hr_module *module)
{
    dist_init(host, module);
    return HR_OK;
}

static const hr_option settings_option = {
    .struct_size = sizeof settings_option,
    .type = HR_OPTION_STRING,
    .name = "settings",
    .default_value = "default",
    .help = "Which settings of the system are documents of the kind "
            "configuration: names, separated by commas; \"default\" are "
            "those that mean the same everywhere.",
};

static const hr_option *const options[] = {&dist_upload_option,
                                           &dist_chunk_option,
                                           &dist_mount_option,
                                           &dist_referrers_option,
                                           &dist_head_option,
                                           &settings_option,
                                           NULL};

static const hr_provider provider = {
    .struct_size = sizeof provider,
    .kind = HR_KIND_REGISTRY,
    .name = "harbor",
    .summary = "Harbor 2.9 and later, with its configuration.",
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
    .needs_minor = HR_ABI_MINOR,
    .name = "registry-harbor",
    .version = "0.1.0",
    .licence = "LGPL-2.1-or-later",
    .summary = "Harbor: images, projects, accounts, policies.",
    .providers = providers,
    .init = init,
};

const hr_plugin *
hr_plugin_entry_v1(void)
{
    return &plugin;
}
