/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Session parts: what a session starts in order and stops in reverse: loops,
 * sinks, instances of plugins, workers. */
#include "app/opened.h"
#include "app/session-state.h"
#include "base/error.h"
#include "plug/sink.h"

/* Jobs that wait for a worker, per worker. */
#define QUEUE_PER_WORKER 4

#define DEFAULT_WORKERS 16

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

unsigned
hr_session_workers(const HrSession *session)
{
    return session->config != NULL ? session->config->workers
                                   : DEFAULT_WORKERS;
}

unsigned
hr_session_movers(const HrSession *session)
{
    return MAX(hr_session_workers(session) / 2, 1);
}

static bool
start_workers(void *data, GError **error)
{
    HrSession *session = data;
    unsigned workers = hr_session_workers(session);
    unsigned syncs =
        session->config != NULL ? session->config->parallel_syncs : 1;

    (void)error;
    session->pool = hr_pool_new(workers, workers * QUEUE_PER_WORKER);
    hr_pool_may_grow(session->pool,
                     (workers + hr_session_movers(session)) * syncs);
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

void
hr_session_add_parts(HrSession *session)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(components); i++)
        hr_assembly_add(session->parts, &components[i], session);
}
