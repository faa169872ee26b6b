/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Session: everything a command works with. */
#include "app/session.h"

#include <string.h>
#include <unistd.h>

#include "app/opened.h"
#include "app/signals.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "observe/progress-bar.h"
#include "plug/sink.h"
#include "work/lifecycle.h"

/* Jobs that wait for a worker, per worker. */
#define QUEUE_PER_WORKER 4

/* Stored blobs remembered of a target.  About 250 bytes each; what is
 * forgotten costs one HEAD. */
#define BOARD_LIMIT 4096

/* Digests of which it is remembered when they were created; about 150 bytes
 * each.  What is forgotten is read again. */
#define CREATIONS_LIMIT 8192

/* How long the end of a pass waits for the sinks. */
#define SINK_WAIT_US (5 * G_USEC_PER_SEC)

/* What all parts together get to end.  Commands wait for their jobs: only
 * sinks may still have something to do. */
#define STOP_WAIT_US (5 * G_USEC_PER_SEC)

#define DEFAULT_WORKERS 16

/* How often signals are looked at while a job runs. */
#define JOB_TICK_MS 50

/* What passes add to, for as long as the loops run. */
typedef struct Account {
    HrProgress progress;
    char name[];
} Account;

struct HrSession {
    const HrApp *app;
    HrPlugins *plugins;
    HrConfig *config;
    HrAssembly *parts; /* what is started: */
    HrNet *net;
    HrPool *pool;
    HrFeed *feed;
    HrCancel *cancel;
    GPtrArray *opened;     /* HrOpened */
    GPtrArray *strategies; /* HrStrategy */
    GPtrArray *accounts;   /* Account, one a pass */
    HrCreationMemory *creations;
    bool complete; /* see hr_session_look_below_tags */
    HrTurns *turns;
    HrProgressBar *bar;
};

static void
close_opened(gpointer data)
{
    hr_opened_free(data);
}

static void
close_strategy(gpointer data)
{
    hr_strategy_close(data);
}

static bool
start_loops(void *data, GError **error)
{
    HrSession *session = data;
    unsigned loops = session->config != NULL ? session->config->loops : 1;

    session->net = hr_net_new(loops, error);
    if (session->net == NULL)
        return false;
    if (session->config != NULL && session->config->bandwidth > 0)
        hr_net_limit_bytes(session->net, (double)session->config->bandwidth);
    return true;
}

static bool
stop_loops(void *data, int64_t until_us, bool drained)
{
    HrSession *session = data;

    (void)until_us;
    (void)drained;
    g_clear_pointer(&session->net, hr_net_free);
    return true;
}

static bool
attach_sink(HrSession *session, const HrSinkConfig *sink, GError **error)
{
    const hr_provider *provider =
        hr_plugins_provider(session->plugins, HR_KIND_SINK, sink->type, error);

    if (provider != NULL &&
        hr_sink_attach(session->plugins, provider, sink->settings,
                       session->feed, error))
        return true;
    g_prefix_error(error, "%s:%u: sink %s: ", sink->place.file,
                   sink->place.line, sink->type);
    return false;
}

static bool
start_sinks(void *data, GError **error)
{
    HrSession *session = data;
    const GPtrArray *sinks =
        session->config != NULL ? session->config->sinks : NULL;

    session->feed = hr_feed_new();
    for (guint i = 0; sinks != NULL && i < sinks->len; i++) {
        if (attach_sink(session, sinks->pdata[i], error))
            continue;
        g_clear_pointer(&session->feed, hr_feed_free);
        return false;
    }
    return true;
}

static bool
stop_sinks(void *data, int64_t until_us, bool drained)
{
    HrSession *session = data;

    (void)drained;
    return hr_feed_free_until(g_steal_pointer(&session->feed), until_us);
}

/* Registries and strategies are opened when a pass asks for them. */
static bool
start_instances(void *data, GError **error)
{
    HrSession *session = data;

    (void)error;
    session->opened = g_ptr_array_new_with_free_func(close_opened);
    session->strategies = g_ptr_array_new_with_free_func(close_strategy);
    return true;
}

static bool
stop_instances(void *data, int64_t until_us, bool drained)
{
    HrSession *session = data;

    (void)until_us;
    (void)drained;
    g_clear_pointer(&session->strategies, g_ptr_array_unref);
    g_clear_pointer(&session->opened, g_ptr_array_unref);
    return true;
}

/* For each sync. */
static unsigned
count_workers(const HrSession *session)
{
    return session->config != NULL ? session->config->workers
                                   : DEFAULT_WORKERS;
}

/* Of those more, for big blobs. */
static unsigned
count_movers(const HrSession *session)
{
    return MAX(count_workers(session) / 2, 1);
}

static bool
start_workers(void *data, GError **error)
{
    HrSession *session = data;
    unsigned workers = count_workers(session);
    unsigned syncs =
        session->config != NULL ? session->config->parallel_syncs : 1;

    (void)error;
    session->pool = hr_pool_new(workers, workers * QUEUE_PER_WORKER);
    hr_pool_may_grow(session->pool, (workers + count_movers(session)) * syncs);
    return true;
}

static bool
drain_workers(void *data, int64_t until_us)
{
    return hr_pool_drain(((HrSession *)data)->pool, until_us);
}

static bool
stop_workers(void *data, int64_t until_us, bool drained)
{
    HrSession *session = data;

    (void)until_us;
    if (!drained)
        hr_cancel_trigger(session->cancel);
    g_clear_pointer(&session->pool, hr_pool_free);
    return true;
}

/* Each uses those before it. */
static const HrComponent components[] = {
    {.name = "loops", .start = start_loops, .stop = stop_loops},
    {.name = "sinks", .start = start_sinks, .stop = stop_sinks},
    {.name = "instances", .start = start_instances, .stop = stop_instances},
    {.name = "workers",
     .start = start_workers,
     .drain = drain_workers,
     .stop = stop_workers},
};

HrSession *
hr_session_new(const HrApp *app)
{
    HrSession *session = g_new0(HrSession, 1);
    g_auto(GStrv) directories = hr_plugins_default_directories();

    session->app = app;
    session->plugins = hr_plugins_new((const char *const *)directories);
    session->cancel = hr_cancel_new(NULL);
    session->accounts = g_ptr_array_new_with_free_func(g_free);
    session->creations = hr_creation_memory_new(CREATIONS_LIMIT);
    session->turns = hr_turns_new();
    session->bar =
        hr_progress_bar_new(STDERR_FILENO, app->progress, app->colour);
    session->parts = hr_assembly_new("the program");
    for (unsigned i = 0; i < G_N_ELEMENTS(components); i++)
        hr_assembly_add(session->parts, &components[i], session);
    return session;
}

bool
hr_session_start(HrSession *session, GError **error)
{
    return hr_lifecycle_start(hr_assembly_lifecycle(session->parts), error);
}

void
hr_session_free(HrSession *session)
{
    if (session == NULL)
        return;
    hr_progress_bar_free(session->bar);
    hr_lifecycle_stop(hr_assembly_lifecycle(session->parts),
                      hr_clock_monotonic_us() + STOP_WAIT_US);
    hr_assembly_free(session->parts);
    hr_config_free(session->config);
    hr_plugins_free(session->plugins);
    hr_cancel_unref(session->cancel);
    g_ptr_array_unref(session->accounts);
    hr_creation_memory_free(session->creations);
    hr_turns_free(session->turns);
    g_free(session);
}

const char *
hr_session_config_path(const HrApp *app)
{
    const char *path = g_getenv("HARBOR_REPLICATOR_CONFIG");

    if (app->config_path != NULL)
        return app->config_path;
    if (path != NULL && *path != '\0')
        return path;
    return HR_SYSCONFDIR "/harbor-replicator/harbor-replicator.cfg";
}

static const hr_provider *
find_provider(uint32_t kind, const char *name, void *data, GError **error)
{
    return hr_plugins_provider(data, kind, name, error);
}

HrSession *
hr_session_load(const HrApp *app, GError **error)
{
    g_autoptr(HrSession) session = hr_session_new(app);

    session->config = hr_config_load(hr_session_config_path(app),
                                     find_provider, session->plugins, error);
    if (session->config == NULL)
        return NULL;
    return g_steal_pointer(&session);
}

const HrConfig *
hr_session_config(const HrSession *session)
{
    return session->config;
}

HrPlugins *
hr_session_plugins(const HrSession *session)
{
    return session->plugins;
}

/* The endpoint, open; opened now if it was not before. */
static HrOpened *
open_endpoint(HrSession *session, const HrEndpointConfig *config,
              GError **error)
{
    HrOpening opening = {
        .plugins = session->plugins,
        .net = session->net,
        .cancel = session->cancel,
        .config = session->config,
        .auth_file = session->app->auth_file,
    };
    HrOpened *opened;

    for (guint i = 0; i < session->opened->len; i++) {
        opened = session->opened->pdata[i];
        if (opened->config == config)
            return opened;
    }
    opened = hr_opened_new(&opening, config, error);
    if (opened != NULL)
        g_ptr_array_add(session->opened, opened);
    return opened;
}

static void
tick(void *data)
{
    HrSession *session = data;

    if (hr_signals_pending() != 0 && !hr_cancel_triggered(session->cancel)) {
        hr_progress_bar_clear(session->bar);
        hr_log(HR_LOG_WARNING, "interrupted: ending what is under way; once "
                               "more quits at once");
        hr_cancel_trigger(session->cancel);
    }
    for (guint i = 0; i < session->opened->len; i++) {
        const HrOpened *opened = session->opened->pdata[i];

        if (opened->gathering != NULL)
            hr_gathering_tick(opened->gathering, hr_clock_monotonic_us(),
                              hr_cancel_triggered(session->cancel));
    }
    hr_progress_bar_draw(session->bar, hr_clock_monotonic_us());
}

HrRegistry *
hr_session_open_registry(HrSession *session, const HrEndpointConfig *config,
                         GError **error)
{
    const HrOpened *opened = open_endpoint(session, config, error);

    return opened != NULL ? opened->registry : NULL;
}

typedef struct SingleJob {
    void (*func)(void *data, HrCall *call);
    void *data;
    HrCall *call;
    HrGroup *group;
} SingleJob;

static void
run_single(void *data)
{
    SingleJob *job = data;

    job->func(job->data, job->call);
    hr_group_leave(job->group);
}

bool
hr_session_run_job(HrSession *session, void (*func)(void *data, HrCall *call),
                   void *data)
{
    g_autoptr(HrCall) call = hr_call_new(session->cancel, HR_TIME_NEVER);
    g_autoptr(HrGroup) group = hr_group_new();
    SingleJob job = {func, data, call, group};

    hr_call_set_priority(call, HR_PRIORITY_INTERACTIVE);
    hr_group_enter(group);
    if (!hr_pool_submit(hr_pool_lane(session->pool, "command", 1),
                        HR_PRIORITY_INTERACTIVE, run_single, &job,
                        session->cancel, HR_TIME_NEVER, NULL)) {
        hr_group_leave(group);
        return false;
    }
    hr_group_wait(group, JOB_TICK_MS, tick, session);
    return true;
}

static Account *
open_account(HrSession *session, const char *name)
{
    size_t size = strlen(name) + 1;
    Account *account = g_malloc0(sizeof *account + size);

    memcpy(account->name, name, size);
    g_ptr_array_add(session->accounts, account);
    hr_progress_bar_add(session->bar, account->name, &account->progress);
    return account;
}

static bool
prepare_sides(HrSession *session, const char *name,
              const HrEndpointConfig *source, const HrEndpointConfig *target,
              HrPass *pass, GError **error)
{
    Account *account = open_account(session, name);
    g_autofree char *big_name = g_strconcat(name, ": big blobs", NULL);
    HrOpened *one = open_endpoint(session, source, error);
    HrOpened *other =
        one != NULL ? open_endpoint(session, target, error) : NULL;

    if (other == NULL)
        return false;
    if (other->board == NULL)
        other->board = hr_blob_board_new(BOARD_LIMIT,
                                         hr_registry_mounts(other->registry));
    if (one->gathering == NULL)
        one->gathering = hr_gathering_new();
    *pass = (HrPass){
        .name = account->name,
        .source = one->registry,
        .target = other->registry,
        .patience_us =
            MAX(source->policy.patience_us, target->policy.patience_us),
        .lane = hr_pool_lane(session->pool, name, count_workers(session)),
        .big_lane =
            hr_pool_lane(session->pool, big_name, count_movers(session)),
        .priority = HR_PRIORITY_NORMAL,
        .cancel = session->cancel,
        .feed = session->feed,
        .progress = &account->progress,
        .board = other->board,
        .turns = session->turns,
        .gathering = one->gathering,
        .self = hr_gathering_join(one->gathering, other),
        .creations = session->creations,
        .wall_us = hr_clock_wall_us(),
    };
    return true;
}

static bool
open_strategy(HrSession *session, const char *name, HrSettings *settings,
              HrPass *pass, GError **error)
{
    g_autoptr(HrCall) call = hr_call_new(session->cancel, HR_TIME_NEVER);
    const hr_provider *provider =
        hr_plugins_provider(session->plugins, HR_KIND_STRATEGY, name, error);

    if (provider != NULL)
        pass->strategy = hr_strategy_open(session->plugins, provider, settings,
                                          call, error);
    if (pass->strategy == NULL)
        return false;
    g_ptr_array_add(session->strategies, pass->strategy);
    return true;
}

void
hr_session_look_below_tags(HrSession *session)
{
    session->complete = true;
}

bool
hr_session_prepare(HrSession *session, const HrSyncConfig *sync, HrPass *pass,
                   GError **error)
{
    if (!prepare_sides(session, sync->name, sync->source, sync->target, pass,
                       error))
        return false;
    pass->select = &sync->select;
    pass->complete = session->complete;
    pass->foreign_layers = sync->foreign_layers;
    pass->referrers = sync->referrers;
    if (sync->rename.strip != NULL || sync->rename.prefix != NULL ||
        sync->rename.template != NULL)
        pass->rename = &sync->rename;
    return open_strategy(session, sync->strategy, sync->strategy_settings,
                         pass, error);
}

bool
hr_session_prepare_copy(HrSession *session, const HrEndpointConfig *source,
                        const HrEndpointConfig *target, HrPass *pass,
                        GError **error)
{
    if (!prepare_sides(session, "copy", source, target, pass, error))
        return false;
    /* Somebody waits for it. */
    pass->priority = HR_PRIORITY_INTERACTIVE;
    return open_strategy(session, "source-wins", NULL, pass, error);
}

void
hr_session_run(HrSession *session, const HrDriven *passes, unsigned count)
{
    unsigned limit =
        session->config != NULL ? session->config->parallel_syncs : 1;

    hr_side_by_side_run(passes, count, limit, tick, session);
    hr_progress_bar_clear(session->bar);
    for (guint i = 0; i < session->opened->len; i++) {
        HrOpened *opened = session->opened->pdata[i];

        g_clear_pointer(&opened->board, hr_blob_board_free);
        g_clear_pointer(&opened->gathering, hr_gathering_free);
    }
}

unsigned
hr_session_report_guards(const HrPass *pass, HrGuardReport guards[2])
{
    HrRegistry *const sides[] = {pass->source, pass->target};
    unsigned count = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(sides); i++) {
        HrEndpoint *endpoint;

        if (sides[i] == NULL || (i == 1 && sides[1] == sides[0]))
            continue;
        endpoint = hr_registry_endpoint(sides[i]);
        /* A directory needs no guards. */
        if (hr_endpoint_origin(endpoint) == NULL)
            continue;
        guards[count].endpoint = hr_endpoint_name(endpoint);
        hr_endpoint_stats(endpoint, &guards[count++].stats);
    }
    return count;
}

GPtrArray *
hr_session_choose_syncs(const HrSession *session, char *const *names,
                        GError **error)
{
    const HrConfig *config = session->config;
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();

    for (guint i = 0; names[0] == NULL && i < config->syncs->len; i++)
        g_ptr_array_add(chosen, config->syncs->pdata[i]);
    for (; *names != NULL; names++) {
        const HrSyncConfig *sync = hr_config_sync(config, *names);
        g_autoptr(GPtrArray) known = g_ptr_array_new();
        const char *nearest;

        /* One that is named twice runs once. */
        if (sync != NULL && g_ptr_array_find(chosen, sync, NULL))
            continue;
        if (sync != NULL) {
            g_ptr_array_add(chosen, (gpointer)sync);
            continue;
        }
        for (guint i = 0; i < config->syncs->len; i++)
            g_ptr_array_add(known,
                            ((HrSyncConfig *)config->syncs->pdata[i])->name);
        g_ptr_array_add(known, NULL);
        nearest = hr_text_nearest(*names, (const char *const *)known->pdata);
        hr_error_set(
            error, HR_CONFIG, "%s: there is no sync '%s'%s%s%s", config->path,
            *names, nearest != NULL ? "; did you mean '" : "",
            nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
        return NULL;
    }
    if (chosen->len == 0) {
        hr_error_set(error, HR_CONFIG,
                     "%s: there is no sync: add one to `syncs`", config->path);
        return NULL;
    }
    return g_steal_pointer(&chosen);
}

void
hr_session_end_pass(HrSession *session)
{
    if (!hr_feed_flush(session->feed, hr_clock_monotonic_us() + SINK_WAIT_US))
        hr_log(HR_LOG_WARNING, "a sink did not take the metrics of the pass");
}

/* Configuration mistakes are many lines, and each stands for itself. */
static void
log_lines(const char *message)
{
    g_auto(GStrv) lines = g_strsplit(message, "\n", -1);

    for (char **line = lines; *line != NULL; line++)
        if (**line != '\0')
            hr_log(HR_LOG_ERROR, "%s", *line);
}

int
hr_session_report_error(const GError *error)
{
    log_lines(error->message);
    switch (hr_error_status(error)) {
    case HR_CONFIG:
        return HR_EXIT_USAGE;
    case HR_AUTH_DENIED:
    case HR_AUTH_EXPIRED:
        return HR_EXIT_CREDENTIALS;
    case HR_PRECONDITION:
        return HR_EXIT_REFUSED;
    default:
        return HR_EXIT_NOTHING_DONE;
    }
}
