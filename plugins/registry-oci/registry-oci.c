/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* registry-oci: any registry of the OCI distribution protocol. */
#include <stdlib.h>

#include "../lib/distribution/distribution.h"

/* One registry. */
struct hr_registry {
    dist_registry dist; /* first */
};

static hr_status
open_registry(hr_call *call, hr_endpoint *endpoint, hr_registry **registry)
{
    hr_status status;

    *registry = calloc(1, sizeof **registry);
    if (*registry == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = dist_open(&(*registry)->dist, call, endpoint);
    if (status != HR_OK) {
        free(*registry);
        *registry = NULL;
    }
    return status;
}

static void
close_registry(hr_registry *registry)
{
    free(registry);
}

static const hr_registry_ops ops = {
    .struct_size = sizeof ops,
    .open = open_registry,
    .close = close_registry,
    .probe = dist_probe,
    .list_repositories = dist_list_repositories,
    .list_tags = dist_list_tags,
    .resolve = dist_resolve,
    .get_manifest = dist_get_manifest,
    .put_manifest = dist_put_manifest,
    .stat_blobs = dist_stat_blobs,
    .open_blob = dist_open_blob,
    .create_blob = dist_create_blob,
    .commit_blob = dist_commit_blob,
    .abort_blob = dist_abort_blob,
    .list_referrers = dist_list_referrers,
    .resume_blob = dist_resume_blob,
    .examine = dist_examine,
    .mounts = dist_mounts,
    .begin_blob = dist_begin_blob,
};

static hr_status
init(const hr_host *host, hr_module *module)
{
    dist_init(host, module);
    return HR_OK;
}

static const hr_option *const options[] = {
    &dist_upload_option,    &dist_chunk_option, &dist_mount_option,
    &dist_referrers_option, &dist_head_option,  NULL};

static const hr_provider provider = {
    .struct_size = sizeof provider,
    .kind = HR_KIND_REGISTRY,
    .name = "oci",
    .summary = "Any registry of the OCI distribution protocol.",
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
    .name = "registry-oci",
    .version = "0.1.0",
    .licence = "LGPL-2.1-or-later",
    .summary = "Registries of the OCI distribution protocol.",
    .providers = providers,
    .init = init,
};

const hr_plugin *
hr_plugin_entry_v1(void)
{
    return &plugin;
}
