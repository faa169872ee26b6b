/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plugin that is right, or wrong in the one way that a MOCK_... macro
 * names.  tests/plug/Makefile.inc compiles it once for each.
 */
#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-registry.h>
#include <harbor-replicator/hr-strategy.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef MOCK_NAME
#define MOCK_NAME "mock"
#endif
#ifndef MOCK_THREADS
#define MOCK_THREADS HR_THREADS_SERIAL
#endif
#ifndef MOCK_MAGIC
#define MOCK_MAGIC HR_PLUGIN_MAGIC
#endif
#ifndef MOCK_MAJOR
#define MOCK_MAJOR HR_ABI_MAJOR
#endif
#ifndef MOCK_NEEDS_MINOR
#define MOCK_NEEDS_MINOR 0
#endif
#ifndef MOCK_SIZE
#define MOCK_SIZE sizeof(hr_plugin)
#endif
#ifndef MOCK_OPS_SIZE
#define MOCK_OPS_SIZE sizeof(hr_strategy_ops)
#endif
#ifndef MOCK_KIND
#define MOCK_KIND HR_KIND_STRATEGY
#endif
#ifndef MOCK_ENTRY
#define MOCK_ENTRY hr_plugin_entry_v1
#endif
#ifndef MOCK_DECIDE
#define MOCK_DECIDE decide
#define MOCK_DECIDES
#endif

static const hr_host *host;
static hr_module *module;

#ifdef MOCK_DECIDES
/* How many threads were inside at once, over all instances. */
static atomic_int inside;
static atomic_int most_inside;
#endif

typedef struct Instance {
    atomic_int inside;
    atomic_int most_inside;
} Instance;

/* Tells the test what was called, in the file that it names. */
static void
tell(const char *what)
{
    const char *name = getenv("MOCK_LOG");
    FILE *file = name != NULL ? fopen(name, "a") : NULL;

    if (file == NULL)
        return;
    fprintf(file, "%s " MOCK_NAME "\n", what);
    fclose(file);
}

#ifdef MOCK_UNDEFINED
/* Nobody defines it. */
void
hr_mock_symbol_of_nobody(void);
#endif

static hr_status
open_strategy(hr_call *call, hr_settings *settings, hr_strategy **strategy)
{
    (void)call;
    (void)settings;
#ifdef MOCK_UNDEFINED
    hr_mock_symbol_of_nobody();
#endif
    *strategy = (hr_strategy *)calloc(1, sizeof(Instance));
    return HR_OK;
}

static void
close_strategy(hr_strategy *strategy)
{
    free(strategy);
}

#ifdef MOCK_DECIDES
static void
enter(atomic_int *counter, atomic_int *most)
{
    int now = atomic_fetch_add(counter, 1) + 1;
    int seen = atomic_load(most);

    while (seen < now && !atomic_compare_exchange_weak(most, &seen, now))
        continue;
}

static hr_status
decide(hr_strategy *strategy, hr_call *call, const hr_conflict *conflict,
       hr_decision *decision)
{
    Instance *instance = (Instance *)strategy;
    hr_status misuse;

    (void)conflict;
    enter(&inside, &most_inside);
    enter(&instance->inside, &instance->most_inside);
    usleep(2000);
    /* Misused services say so, and nothing falls over. */
    misuse = host->call->fail(module, NULL, HR_INVALID, "no call");
    decision->action = HR_DECIDE_SOURCE;
    snprintf(decision->reason, sizeof decision->reason,
             "most %d, in one instance %d, misuse %d, cancelled %d",
             atomic_load(&most_inside), atomic_load(&instance->most_inside),
             (int)misuse, (int)host->call->cancelled(module, call));
    atomic_fetch_sub(&instance->inside, 1);
    atomic_fetch_sub(&inside, 1);
    return HR_OK;
}

#endif

static const hr_strategy_ops ops = {
    .struct_size = MOCK_OPS_SIZE,
    .open = open_strategy,
    .close = close_strategy,
    .decide = MOCK_DECIDE,
};

static const hr_provider provider = {
    .struct_size = sizeof provider,
    .kind = MOCK_KIND,
    .name = MOCK_NAME,
    .summary = "Made for tests.",
    .threads = MOCK_THREADS,
    .ops = &ops,
};

#ifdef MOCK_ALSO_MOCK
static const hr_provider also = {
    .struct_size = sizeof also,
    .kind = HR_KIND_STRATEGY,
    .name = "mock",
    .summary = "Made for tests.",
    .threads = HR_THREADS_SERIAL,
    .ops = &ops,
};
#endif

static const hr_provider *const providers[] = {
#ifndef MOCK_NOTHING
    &provider,
#endif
#ifdef MOCK_ALSO_MOCK
    &also,
#endif
    NULL,
};

static hr_status
init(const hr_host *given_host, hr_module *given_module)
{
    host = given_host;
    module = given_module;
    tell("init");
#ifdef MOCK_INIT_FAILS
    return HR_UNSUPPORTED;
#else
    return HR_OK;
#endif
}

static void
fini(void)
{
    tell("fini");
}

static const hr_plugin plugin = {
    .magic = MOCK_MAGIC,
    .struct_size = MOCK_SIZE,
    .abi_major = MOCK_MAJOR,
    .abi_minor = HR_ABI_MINOR,
    .needs_minor = MOCK_NEEDS_MINOR,
    .name = "strategy-" MOCK_NAME,
    .version = "1.2.3",
    .licence = "MIT-0",
    .summary = "Made for tests.",
    .providers = providers,
    .init = init,
    .fini = fini,
};

HR_EXPORT const hr_plugin *
MOCK_ENTRY(void);

const hr_plugin *
MOCK_ENTRY(void)
{
#ifdef MOCK_CRASHES
    abort();
#endif
#ifdef MOCK_HANGS
    for (;;)
        usleep(1000);
#endif
    return &plugin;
}
