/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Validate: whether a description is one that this host can work with. */
#include "plug/validate.h"

#include <harbor-replicator/hr-registry.h>
#include <harbor-replicator/hr-sink.h>
#include <harbor-replicator/hr-strategy.h>
#include <string.h>

#include "base/error.h"
#include "config/settings.h"
#include "plug/plugins.h"

/* What the structs of ABI 1.0 held: no plugin is older. */
#define PLUGIN_SIZE_MIN                                                       \
    (offsetof(hr_plugin, fini) + sizeof(((hr_plugin *)0)->fini))
#define PROVIDER_SIZE_MIN                                                     \
    (offsetof(hr_provider, options) + sizeof(((hr_provider *)0)->options))
#define OPTION_SIZE_MIN                                                       \
    (offsetof(hr_option, reserved) + sizeof(((hr_option *)0)->reserved))

/* A required function: its name and where it is. */
typedef struct Required {
    const char *name;
    size_t offset;
} Required;

#define REQUIRED(type, member)                                                \
    {                                                                         \
#member, offsetof(type, member)                                       \
    }

static const Required registry_functions[] = {
    REQUIRED(hr_registry_ops, open),
    REQUIRED(hr_registry_ops, close),
    REQUIRED(hr_registry_ops, probe),
    REQUIRED(hr_registry_ops, list_repositories),
    REQUIRED(hr_registry_ops, list_tags),
    REQUIRED(hr_registry_ops, resolve),
    REQUIRED(hr_registry_ops, get_manifest),
    REQUIRED(hr_registry_ops, put_manifest),
    REQUIRED(hr_registry_ops, stat_blobs),
    REQUIRED(hr_registry_ops, open_blob),
    REQUIRED(hr_registry_ops, create_blob),
};

static const Required strategy_functions[] = {
    REQUIRED(hr_strategy_ops, open),
    REQUIRED(hr_strategy_ops, close),
    REQUIRED(hr_strategy_ops, decide),
};

static const Required sink_functions[] = {
    REQUIRED(hr_sink_ops, open),
    REQUIRED(hr_sink_ops, close),
};

typedef struct Kind {
    const char *name;
    const Required *functions;
    size_t count;
} Kind;

static const Kind kinds[] = {
    [HR_KIND_REGISTRY] = {"registry", registry_functions,
                          G_N_ELEMENTS(registry_functions)},
    [HR_KIND_STRATEGY] = {"strategy", strategy_functions,
                          G_N_ELEMENTS(strategy_functions)},
    [HR_KIND_SINK] = {"sink", sink_functions, G_N_ELEMENTS(sink_functions)},
};

const char *
hr_kind_name(uint32_t kind)
{
    if (kind == 0 || kind >= G_N_ELEMENTS(kinds))
        return "unknown";
    return kinds[kind].name;
}

const char *
hr_threads_name(uint32_t threads)
{
    static const char *const names[] = {
        [HR_THREADS_SERIAL] = "serial",
        [HR_THREADS_PER_INSTANCE] = "per-instance",
        [HR_THREADS_PARALLEL] = "parallel",
    };

    return threads < G_N_ELEMENTS(names) ? names[threads] : "unknown";
}

bool
hr_provider_name_valid(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= 63 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length &&
           name[0] != '-' && name[length - 1] != '-' &&
           strstr(name, "--") == NULL;
}

static bool
check_versions(const hr_plugin *plugin, GError **error)
{
    if (plugin->magic != HR_PLUGIN_MAGIC)
        return hr_error_set(error, HR_CONFIG,
                            "its description has the wrong magic number: it "
                            "is no plugin of this program, or is damaged");
    if (plugin->struct_size < PLUGIN_SIZE_MIN)
        return hr_error_set(error, HR_CONFIG,
                            "its description is too small (%u bytes, at least "
                            "%u are needed): set struct_size to sizeof "
                            "(hr_plugin)",
                            plugin->struct_size, (unsigned)PLUGIN_SIZE_MIN);
    if (plugin->abi_major != HR_ABI_MAJOR)
        return hr_error_set(error, HR_CONFIG,
                            "it is built for plugin ABI %u, this program has "
                            "%u: get a build for this version",
                            plugin->abi_major, HR_ABI_MAJOR);
    if (plugin->needs_minor > HR_ABI_MINOR)
        return hr_error_set(error, HR_CONFIG,
                            "it needs plugin ABI %u.%u, this program has "
                            "%u.%u: upgrade harbor-replicator",
                            plugin->abi_major, plugin->needs_minor,
                            HR_ABI_MAJOR, HR_ABI_MINOR);
    if (plugin->name == NULL || plugin->version == NULL ||
        plugin->licence == NULL || plugin->summary == NULL)
        return hr_error_set(error, HR_CONFIG,
                            "its description lacks name, version, licence or "
                            "summary");
    return true;
}

static bool
check_option(const hr_option *option, GError **error)
{
    g_autoptr(HrSettings) settings = NULL;

    if (option->struct_size < OPTION_SIZE_MIN || option->name == NULL ||
        *option->name == '\0' || option->help == NULL)
        return hr_error_set(error, HR_CONFIG,
                            "an option is too small, or lacks name or help");
    if (strspn(option->name, "abcdefghijklmnopqrstuvwxyz0123456789_") !=
        strlen(option->name))
        return hr_error_set(error, HR_CONFIG,
                            "option '%s': names are lower case letters, "
                            "digits and '_'",
                            option->name);
    if (option->type < HR_OPTION_STRING || option->type > HR_OPTION_PATH)
        return hr_error_set(error, HR_CONFIG,
                            "option '%s' is of unknown type %u", option->name,
                            option->type);
    if (option->default_value == NULL)
        return true;
    settings = hr_settings_new();
    if (hr_settings_set(settings, option, option->default_value, "/", error))
        return true;
    g_prefix_error(error, "the default of option '%s': ", option->name);
    return false;
}

static bool
check_functions(const hr_provider *provider, GError **error)
{
    const Kind *kind = &kinds[provider->kind];
    const char *ops = provider->ops;
    uint32_t size;

    /* Every table starts with its size. */
    memcpy(&size, ops, sizeof size);
    for (size_t i = 0; i < kind->count; i++) {
        size_t end = kind->functions[i].offset + sizeof(void (*)(void));
        void (*function)(void) = NULL;

        if (size < end)
            return hr_error_set(error, HR_CONFIG,
                                "its table of functions is too small (%u "
                                "bytes): set struct_size to its sizeof",
                                size);
        memcpy(&function, ops + kind->functions[i].offset, sizeof function);
        if (function == NULL)
            return hr_error_set(error, HR_CONFIG,
                                "the required function '%s' is missing",
                                kind->functions[i].name);
    }
    return true;
}

static bool
check_provider(const hr_provider *provider, GError **error)
{
    if (provider->struct_size < PROVIDER_SIZE_MIN)
        return hr_error_set(error, HR_CONFIG,
                            "it is too small (%u bytes): set struct_size to "
                            "sizeof (hr_provider)",
                            provider->struct_size);
    if (provider->kind == 0 || provider->kind >= G_N_ELEMENTS(kinds))
        return hr_error_set(error, HR_CONFIG, "its kind %u is not known",
                            provider->kind);
    if (provider->name == NULL || !hr_provider_name_valid(provider->name))
        return hr_error_set(error, HR_CONFIG,
                            "its name is missing or not of the form "
                            "[a-z0-9-]");
    if (provider->threads > HR_THREADS_PARALLEL)
        return hr_error_set(error, HR_CONFIG,
                            "its thread model %u is not known",
                            provider->threads);
    if (provider->summary == NULL || provider->ops == NULL)
        return hr_error_set(error, HR_CONFIG,
                            "it has no summary or no table of functions");
    if (!check_functions(provider, error))
        return false;
    for (const hr_option *const *option = provider->options;
         option != NULL && *option != NULL; option++)
        if (!check_option(*option, error))
            return false;
    return true;
}

static bool
check_unique(const hr_plugin *plugin, const hr_provider *provider,
             GError **error)
{
    for (const hr_provider *const *other = plugin->providers;
         *other != provider; other++)
        if ((*other)->kind == provider->kind &&
            strcmp((*other)->name, provider->name) == 0)
            return hr_error_set(error, HR_CONFIG, "it is provided twice");
    return true;
}

bool
hr_plugin_validate(const hr_plugin *plugin, GError **error)
{
    if (plugin == NULL)
        return hr_error_set(error, HR_CONFIG,
                            "its entry function returns no description");
    if (!check_versions(plugin, error))
        return false;
    if (plugin->providers == NULL || plugin->providers[0] == NULL)
        return hr_error_set(error, HR_CONFIG, "it provides nothing");
    for (const hr_provider *const *provider = plugin->providers;
         *provider != NULL; provider++) {
        if (check_provider(*provider, error) &&
            check_unique(plugin, *provider, error))
            continue;
        g_prefix_error(error,
                       "provider %s '%s': ", hr_kind_name((*provider)->kind),
                       (*provider)->struct_size >= PROVIDER_SIZE_MIN &&
                               (*provider)->name != NULL
                           ? (*provider)->name
                           : "?");
        return false;
    }
    return true;
}
