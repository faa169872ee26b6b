/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings: what the configuration says of an endpoint's content. */
#include <string.h>

#include "distribution.h"

/* The number of the word that a setting has, in a list that ends in NULL. */
static hr_status
read_word(hr_call *call, hr_settings *settings, const char *name,
          const char *const *words, int *number)
{
    const char *value = dist_host->config->string(dist_module, settings, name);

    for (*number = 0; words[*number] != NULL; ++*number)
        if (strcmp(value, words[*number]) == 0)
            return HR_OK;
    return dist_fail(call, HR_CONFIG, "%s = \"%s\": it is one of %s, %s%s%s",
                     name, value, words[0], words[1],
                     words[2] != NULL ? ", " : "",
                     words[2] != NULL ? words[2] : "");
}

hr_status
dist_open(dist_registry *dist, hr_call *call, hr_endpoint *endpoint)
{
    static const char *const uploads[] = {"auto", "single", "chunked", NULL};
    static const char *const whether[] = {"never", "auto", NULL};
    /* In the order of HR_MOUNT_*. */
    static const char *const rules[] = {"auto", "committed", "never", NULL};
    hr_settings *settings =
        dist_host->config->endpoint_settings(dist_module, endpoint);
    int64_t chunk =
        dist_host->config->number(dist_module, settings, "chunk_size");
    hr_status status =
        read_word(call, settings, "upload", uploads, &dist->habits.upload);

    dist->endpoint = endpoint;
    if (status == HR_OK)
        status = read_word(call, settings, "mount", rules, &dist->mount);
    if (status == HR_OK)
        status =
            read_word(call, settings, "referrers", whether, &dist->referrers);
    if (status == HR_OK)
        status = read_word(call, settings, "head", whether, &dist->head);
    if (status == HR_OK && chunk <= 0)
        status = dist_fail(call, HR_CONFIG, "chunk_size must not be 0");
    atomic_init(&dist->habits.chunk_bytes, (uint64_t)chunk);
    return status;
}

uint32_t
dist_mounts(hr_registry *registry)
{
    return (uint32_t)dist_of(registry)->mount;
}

const hr_option dist_upload_option = {
    .struct_size = sizeof dist_upload_option,
    .type = HR_OPTION_STRING,
    .name = "upload",
    .default_value = "auto",
    .help = "How blobs are sent: \"single\" (one PUT), \"chunked\" (PATCH "
            "requests of chunk_size), or \"auto\": single until the registry "
            "turns out to want chunks.",
};

const hr_option dist_chunk_option = {
    .struct_size = sizeof dist_chunk_option,
    .type = HR_OPTION_SIZE,
    .name = "chunk_size",
    .default_value = "16MiB",
    .help = "Bytes of a PATCH, where blobs are sent in chunks.",
};

const hr_option dist_mount_option = {
    .struct_size = sizeof dist_mount_option,
    .type = HR_OPTION_STRING,
    .name = "mount",
    .default_value = "auto",
    .help = "From where blobs are taken over, without an upload: from "
            "repositories of the registry that have a manifest with them "
            "(\"committed\"), from none (\"never\"), or \"auto\": from any, "
            "until it turns out to want more.",
};

const hr_option dist_referrers_option = {
    .struct_size = sizeof dist_referrers_option,
    .type = HR_OPTION_STRING,
    .name = "referrers",
    .default_value = "auto",
    .help = "Whether the registry is asked for lists of referrers: \"auto\", "
            "until it turns out to have none, or \"never\".",
};

const hr_option dist_head_option = {
    .struct_size = sizeof dist_head_option,
    .type = HR_OPTION_STRING,
    .name = "head",
    .default_value = "auto",
    .help = "Whether manifests are asked for by HEAD: \"auto\", or \"never\" "
            "for a registry whose answers to it are wrong.",
};
