/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * registry-oci: any registry of the OCI distribution protocol.
 *
 * Describes requests; the host carries them out, with its limits, credentials
 * and patience.  Bytes of blobs never pass through here.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci.h"

const hr_host *oci_host;
hr_module *oci_module;

const char *const oci_accept[] = {
    "Accept: application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json",
    NULL};

__attribute__((format(printf, 1, 0))) static char *
format_list(const char *format, va_list arguments)
{
    va_list again;
    int length;
    char *text;

    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    text = malloc((size_t)length + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

char *
oci_format(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = format_list(format, arguments);
    va_end(arguments);
    return text;
}

hr_status
oci_fail(hr_call *call, hr_status status, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = format_list(format, arguments);
    va_end(arguments);
    status = oci_host->call->fail(oci_module, call, status,
                                  text != NULL ? text : "out of memory");
    free(text);
    return status;
}

hr_status
oci_explain(hr_call *call, hr_status status, const char *format, ...)
{
    va_list arguments;
    char *what;

    va_start(arguments, format);
    what = format_list(format, arguments);
    va_end(arguments);
    status = oci_fail(call, status, "%s: %s", what != NULL ? what : "",
                      oci_host->call->reason(oci_module, call));
    free(what);
    return status;
}

hr_status
oci_refused(hr_call *call, const hr_http_exchange *exchange,
            const char *format, ...)
{
    va_list arguments;
    char *what;
    hr_status status;

    va_start(arguments, format);
    what = format_list(format, arguments);
    va_end(arguments);
    if (what == NULL)
        return oci_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = oci_host->http->fail(oci_module, exchange, what);
    free(what);
    return status;
}

void
oci_take_reason(hr_call *call, char message[HR_MESSAGE_CAPACITY])
{
    snprintf(message, HR_MESSAGE_CAPACITY, "%s",
             oci_host->call->reason(oci_module, call));
    oci_host->call->forgive(oci_module, call);
}

int
oci_content_length(const hr_http_exchange *exchange, uint64_t *length)
{
    const char *text =
        oci_host->http->header(oci_module, exchange, "Content-Length");
    char *end;

    if (text == NULL || *text < '0' || *text > '9')
        return 0;
    errno = 0;
    *length = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

hr_status
oci_send(hr_registry *registry, hr_call *call, uint32_t method,
         const char *target, const char *const *headers,
         hr_http_exchange **exchange)
{
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = method,
        .target = target,
        .headers = headers,
    };

    return oci_host->http->send(oci_module, registry->endpoint, call, &request,
                                exchange);
}

hr_status
oci_ask(hr_registry *registry, hr_call *call, const hr_http_request *request,
        hr_http_exchange **exchange)
{
    hr_status status = oci_host->http->send(oci_module, registry->endpoint,
                                            call, request, exchange);

    if (status != HR_OK)
        return status;
    status = oci_host->http->wait(oci_module, *exchange);
    if (status != HR_OK) {
        oci_host->http->free(oci_module, *exchange);
        *exchange = NULL;
    }
    return status;
}

/* The number of the word that a setting has, in a list that ends in NULL. */
static hr_status
read_word(hr_call *call, hr_settings *settings, const char *name,
          const char *const *words, int *number)
{
    const char *value = oci_host->config->string(oci_module, settings, name);

    for (*number = 0; words[*number] != NULL; ++*number)
        if (strcmp(value, words[*number]) == 0)
            return HR_OK;
    return oci_fail(call, HR_CONFIG, "%s = \"%s\": it is one of %s, %s%s%s",
                    name, value, words[0], words[1],
                    words[2] != NULL ? ", " : "",
                    words[2] != NULL ? words[2] : "");
}

static hr_status
read_settings(hr_call *call, hr_registry *registry)
{
    static const char *const uploads[] = {"auto", "single", "chunked", NULL};
    static const char *const whether[] = {"never", "auto", NULL};
    /* In the order of HR_MOUNT_*. */
    static const char *const rules[] = {"auto", "committed", "never", NULL};
    hr_settings *settings =
        oci_host->config->endpoint_settings(oci_module, registry->endpoint);
    int64_t chunk =
        oci_host->config->number(oci_module, settings, "chunk_size");
    hr_status status =
        read_word(call, settings, "upload", uploads, &registry->habits.upload);

    if (status == HR_OK)
        status = read_word(call, settings, "mount", rules, &registry->mount);
    if (status == HR_OK)
        status = read_word(call, settings, "referrers", whether,
                           &registry->referrers);
    if (status == HR_OK)
        status = read_word(call, settings, "head", whether, &registry->head);
    if (status == HR_OK && chunk <= 0)
        status = oci_fail(call, HR_CONFIG, "chunk_size must not be 0");
    atomic_init(&registry->habits.chunk_bytes, (uint64_t)chunk);
    return status;
}

static hr_status
open_registry(hr_call *call, hr_endpoint *endpoint, hr_registry **registry)
{
    hr_status status;

    *registry = calloc(1, sizeof **registry);
    if (*registry == NULL)
        return oci_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    (*registry)->endpoint = endpoint;
    status = read_settings(call, *registry);
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

static uint32_t
mounts(hr_registry *registry)
{
    return (uint32_t)registry->mount;
}

static hr_status
read_probe(hr_call *call, const hr_http_exchange *exchange)
{
    uint32_t code = oci_host->http->status(oci_module, exchange);

    if (code == 200)
        return HR_OK;
    if (code < 400 || code == 404)
        return oci_fail(call, HR_UNSUPPORTED,
                        "/v2/ answers HTTP %u, which does not look like a "
                        "registry: check the url",
                        code);
    return oci_refused(call, exchange, "log in");
}

hr_status
oci_probe(hr_registry *registry, hr_call *call)
{
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_GET,
        .target = "/v2/",
    };
    hr_http_exchange *exchange = NULL;
    hr_status status = oci_ask(registry, call, &request, &exchange);

    if (status != HR_OK)
        return oci_explain(call, status, "log in");
    status = read_probe(call, exchange);
    oci_host->http->free(oci_module, exchange);
    return status;
}

static const hr_registry_ops ops = {
    .struct_size = sizeof ops,
    .open = open_registry,
    .close = close_registry,
    .probe = oci_probe,
    .list_repositories = oci_list_repositories,
    .list_tags = oci_list_tags,
    .resolve = oci_resolve,
    .get_manifest = oci_get_manifest,
    .put_manifest = oci_put_manifest,
    .stat_blobs = oci_stat_blobs,
    .open_blob = oci_open_blob,
    .create_blob = oci_create_blob,
    .commit_blob = oci_commit_blob,
    .abort_blob = oci_abort_blob,
    .list_referrers = oci_list_referrers,
    .resume_blob = oci_resume_blob,
    .examine = oci_examine,
    .mounts = mounts,
};

static hr_status
init(const hr_host *host, hr_module *module)
{
    oci_host = host;
    oci_module = module;
    return HR_OK;
}

static const hr_option upload_option = {
    .struct_size = sizeof upload_option,
    .type = HR_OPTION_STRING,
    .name = "upload",
    .default_value = "auto",
    .help = "How blobs are sent: \"single\" (one PUT), \"chunked\" (PATCH "
            "requests of chunk_size), or \"auto\": single until the registry "
            "turns out to want chunks.",
};

static const hr_option chunk_option = {
    .struct_size = sizeof chunk_option,
    .type = HR_OPTION_SIZE,
    .name = "chunk_size",
    .default_value = "16MiB",
    .help = "Bytes of a PATCH, where blobs are sent in chunks.",
};

static const hr_option mount_option = {
    .struct_size = sizeof mount_option,
    .type = HR_OPTION_STRING,
    .name = "mount",
    .default_value = "auto",
    .help = "From where blobs are taken over, without an upload: from "
            "repositories of the registry that have a manifest with them "
            "(\"committed\"), from none (\"never\"), or \"auto\": from any, "
            "until it turns out to want more.",
};

static const hr_option referrers_option = {
    .struct_size = sizeof referrers_option,
    .type = HR_OPTION_STRING,
    .name = "referrers",
    .default_value = "auto",
    .help = "Whether the registry is asked for lists of referrers: \"auto\", "
            "until it turns out to have none, or \"never\".",
};

static const hr_option head_option = {
    .struct_size = sizeof head_option,
    .type = HR_OPTION_STRING,
    .name = "head",
    .default_value = "auto",
    .help = "Whether manifests are asked for by HEAD: \"auto\", or \"never\" "
            "for a registry whose answers to it are wrong.",
};

static const hr_option *const options[] = {&upload_option, &chunk_option,
                                           &mount_option,  &referrers_option,
                                           &head_option,   NULL};

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
