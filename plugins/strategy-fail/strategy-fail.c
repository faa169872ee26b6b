/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* strategy-fail: An item that differs is a failure. */
#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-strategy.h>
#include <string.h>

static const char reason[] =
    "both sides differ; decide which is right, or use another strategy";

/* There is no state; the address only has to be one. */
static char nothing;

static hr_status
open_strategy(hr_call *call, hr_settings *settings, hr_strategy **strategy)
{
    (void)call;
    (void)settings;
    *strategy = (hr_strategy *)&nothing;
    return HR_OK;
}

static void
close_strategy(hr_strategy *strategy)
{
    (void)strategy;
}

static hr_status
decide(hr_strategy *strategy, hr_call *call, const hr_conflict *conflict,
       hr_decision *decision)
{
    (void)strategy;
    (void)call;
    (void)conflict;
    decision->action = HR_DECIDE_FAIL;
    memcpy(decision->reason, reason, sizeof reason);
    return HR_OK;
}

static const hr_strategy_ops ops = {
    .struct_size = sizeof ops,
    .open = open_strategy,
    .close = close_strategy,
    .decide = decide,
};

static const hr_provider provider = {
    .struct_size = sizeof provider,
    .kind = HR_KIND_STRATEGY,
    .name = "fail",
    .summary = "An item that differs is a failure.",
    .threads = HR_THREADS_PARALLEL,
    .ops = &ops,
};

static const hr_provider *const providers[] = {&provider, NULL};

static const hr_plugin plugin = {
    .magic = HR_PLUGIN_MAGIC,
    .struct_size = sizeof plugin,
    .abi_major = HR_ABI_MAJOR,
    .abi_minor = HR_ABI_MINOR,
    .needs_minor = 0,
    .name = "strategy-fail",
    .version = "0.1.0",
    .licence = "LGPL-2.1-or-later",
    .summary = "An item that differs is a failure.",
    .providers = providers,
};

const hr_plugin *
hr_plugin_entry_v1(void)
{
    return &plugin;
}
