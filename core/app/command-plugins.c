/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugins: what is there to load, and what a plugin file is. */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "app/options.h"
#include "app/session.h"
#include "base/log.h"
#include "model/json.h"
#include "plug/inspect.h"

static HrJson *
provider_to_json(const hr_provider *provider)
{
    HrJson *json = hr_json_new_object();

    hr_json_set_text(json, "kind", hr_kind_name(provider->kind));
    hr_json_set_text(json, "name", provider->name);
    hr_json_set_text(json, "summary", provider->summary);
    hr_json_set_text(json, "threads", hr_threads_name(provider->threads));
    return json;
}

static HrJson *
module_to_json(const HrModule *module)
{
    const hr_plugin *plugin = hr_module_description(module);
    HrJson *json = hr_json_new_object();
    HrJson *providers = hr_json_new_array();

    for (const hr_provider *const *provider = plugin->providers;
         *provider != NULL; provider++)
        hr_json_append(providers, provider_to_json(*provider));
    hr_json_set_text(json, "name", plugin->name);
    hr_json_set_text(json, "plugin_version", plugin->version);
    hr_json_set_text(json, "licence", plugin->licence);
    hr_json_set_text(json, "summary", plugin->summary);
    hr_json_set_number(json, "abi_major", plugin->abi_major);
    hr_json_set_number(json, "abi_minor", plugin->abi_minor);
    hr_json_set_number(json, "needs_minor", plugin->needs_minor);
    hr_json_set_text(json, "file", hr_module_file(module));
    hr_json_set(json, "providers", providers);
    return json;
}

static void
print_module(const HrModule *module)
{
    const hr_plugin *plugin = hr_module_description(module);

    printf("%s %s (%s, ABI %u.%u)\n  %s\n", plugin->name, plugin->version,
           plugin->licence, plugin->abi_major, plugin->abi_minor,
           plugin->summary);
    for (const hr_provider *const *provider = plugin->providers;
         *provider != NULL; provider++)
        printf("  provides %s '%s', threads %s\n",
               hr_kind_name((*provider)->kind), (*provider)->name,
               hr_threads_name((*provider)->threads));
    printf("  %s\n", hr_module_file(module));
}

static void
print_json(const GPtrArray *modules, const GPtrArray *refusals)
{
    g_autoptr(HrJson) json = hr_json_new_object();
    g_autofree char *text = NULL;
    HrJson *list = hr_json_new_array();
    HrJson *refused = hr_json_new_array();

    for (guint i = 0; i < modules->len; i++)
        hr_json_append(list, module_to_json(modules->pdata[i]));
    for (guint i = 0; i < refusals->len; i++)
        hr_json_append_text(refused, refusals->pdata[i]);
    hr_json_set_number(json, "version", 1);
    hr_json_set(json, "plugins", list);
    hr_json_set(json, "refused", refused);
    text = hr_json_pretty(json);
    fputs(text, stdout);
}

static int
list_plugins(const HrApp *app, bool json)
{
    g_autoptr(HrSession) session = hr_session_new(app);
    HrPlugins *plugins = hr_session_plugins(session);
    g_autoptr(GPtrArray) refusals = g_ptr_array_new_with_free_func(g_free);
    const GPtrArray *modules;

    hr_plugins_load_all(plugins, refusals);
    modules = hr_plugins_modules(plugins);
    for (guint i = 0; i < refusals->len; i++)
        hr_log(HR_LOG_WARNING, "%s", (const char *)refusals->pdata[i]);
    if (json)
        print_json(modules, refusals);
    for (guint i = 0; !json && i < modules->len; i++)
        print_module(modules->pdata[i]);
    if (modules->len > 0)
        return refusals->len == 0 ? HR_EXIT_DONE : HR_EXIT_SOME_FAILED;
    hr_log(HR_LOG_ERROR, "no plugin was found or none could be loaded");
    return HR_EXIT_NOTHING_DONE;
}

static int
check_file(const char *path, bool json)
{
    g_autoptr(GError) error = NULL;
    bool acceptable = false;
    g_autofree char *text = hr_plugin_inspect(path, json, &acceptable, &error);

    if (text == NULL)
        return hr_session_report_error(error);
    fputs(text, stdout);
    return acceptable ? HR_EXIT_DONE : HR_EXIT_SOME_FAILED;
}

int
hr_command_plugins(const HrApp *app, int argc, char **argv)
{
    HrOptions options = {
        .usage = "[check FILE]",
        .summary =
            "Lists the plugins that can be loaded: version, licence, "
            "ABI, providers, thread model and file.\nWith `check FILE`, "
            "says what a file is and whether it would be loaded, "
            "without running it.",
        .output = true,
    };
    g_auto(GStrv) words = NULL;
    int code;

    if (!hr_options_parse(&options, argc, argv, &words, &code))
        return code;
    if (words[0] == NULL)
        return list_plugins(app, options.json);
    if (strcmp(words[0], "check") == 0 && g_strv_length(words) == 2)
        return check_file(words[1], options.json);
    return hr_options_usage_error("plugins", "give nothing, or `check FILE`");
}
