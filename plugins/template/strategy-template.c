/* SPDX-License-Identifier: MIT-0 */
/*
 * strategy-template: a complete plugin to start from.
 *
 * Keeps what the target has under tags of one suffix, and lets the source win
 * everywhere else:
 *
 *     conflict = { default = "template"; keep_suffix = "-local"; };
 */
#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-strategy.h>
#include <stdlib.h>
#include <string.h>

/* Given to init; kept for all calls. */
static const hr_host *host;
static hr_module *module;

/* What one open strategy knows. */
struct hr_strategy {
    char *suffix;
};

static hr_status
open_strategy(hr_call *call, hr_settings *settings, hr_strategy **strategy)
{
    const char *suffix = host->config->string(module, settings, "keep_suffix");
    hr_strategy *opened = malloc(sizeof *opened);

    if (opened == NULL || (opened->suffix = strdup(suffix)) == NULL) {
        free(opened);
        return host->call->fail(module, call, HR_LOCAL_RESOURCE,
                                "out of memory");
    }
    *strategy = opened;
    return HR_OK;
}

static void
close_strategy(hr_strategy *strategy)
{
    free(strategy->suffix);
    free(strategy);
}

static hr_status
decide(hr_strategy *strategy, hr_call *call, const hr_conflict *conflict,
       hr_decision *decision)
{
    size_t key = strlen(conflict->key);
    size_t suffix = strlen(strategy->suffix);

    (void)call;
    if (key >= suffix &&
        strcmp(conflict->key + key - suffix, strategy->suffix) == 0) {
        decision->action = HR_DECIDE_TARGET;
        strcpy(decision->reason, "kept by its suffix");
    } else {
        decision->action = HR_DECIDE_SOURCE;
        strcpy(decision->reason, "the source wins");
    }
    return HR_OK;
}

static const hr_strategy_ops ops = {
    .struct_size = sizeof ops,
    .open = open_strategy,
    .close = close_strategy,
    .decide = decide,
};

static const hr_option keep_suffix = {
    .struct_size = sizeof keep_suffix,
    .type = HR_OPTION_STRING,
    .name = "keep_suffix",
    .default_value = "-local",
    .help = "Tags that end so are left as they are on the target.",
};

static const hr_option *const options[] = {&keep_suffix, NULL};

static const hr_provider provider = {
    .struct_size = sizeof provider,
    .kind = HR_KIND_STRATEGY,
    .name = "template",
    .summary = "The source wins, except under one suffix.",
    .threads = HR_THREADS_PARALLEL,
    .ops = &ops,
    .options = options,
};

static const hr_provider *const providers[] = {&provider, NULL};

static hr_status
init(const hr_host *given_host, hr_module *given_module)
{
    host = given_host;
    module = given_module;
    return HR_OK;
}

static const hr_plugin plugin = {
    .magic = HR_PLUGIN_MAGIC,
    .struct_size = sizeof plugin,
    .abi_major = HR_ABI_MAJOR,
    .abi_minor = HR_ABI_MINOR,
    .needs_minor = 0,
    .name = "strategy-template",
    .version = "0.1.0",
    .licence = "MIT-0",
    .summary = "A plugin to start from.",
    .providers = providers,
    .init = init,
};

const hr_plugin *
hr_plugin_entry_v1(void)
{
    return &plugin;
}
