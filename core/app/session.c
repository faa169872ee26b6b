/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Session: everything a command works with. */
#include "app/session.h"

#include <unistd.h>

#include "app/session-state.h"
#include "app/signals.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

/* Digests of which it is remembered when they were created; about 150 bytes
 * each.  What is forgotten is read again. */
#define CREATIONS_LIMIT 8192

/* How long the end of a pass waits for the sinks. */
#define SINK_WAIT_US (5 * G_USEC_PER_SEC)

/* What all parts together get to end.  Commands wait for their jobs: only
 * sinks may still have something to do. */
#define STOP_WAIT_US (5 * G_USEC_PER_SEC)

/* How often signals are looked at while a job runs. */
#define JOB_TICK_MS 50

static void
free_secrets(gpointer data)
{
    hr_robot_secrets_free(data);
}

HrSession *
hr_session_new(const HrApp *app)
{
    HrSession *session = g_new0(HrSession, 1);
    g_auto(GStrv) directories = hr_plugins_default_directories();

    session->app = app;
    session->plugins = hr_plugins_new((const char *const *)directories);
    session->cancel = hr_cancel_new(NULL);
    session->accounts = g_ptr_array_new_with_free_func(g_free);
    session->secrets = g_ptr_array_new_with_free_func(free_secrets);
    session->creations = hr_creation_memory_new(CREATIONS_LIMIT);
    session->turns = hr_turns_new();
    session->bar =
        hr_progress_bar_new(STDERR_FILENO, app->progress, app->colour);
    session->parts = hr_assembly_new("the program");
    hr_session_add_parts(session);
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
    g_ptr_array_unref(session->secrets);
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

HrOpened *
hr_session_open_endpoint(HrSession *session, const HrEndpointConfig *config,
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

void
hr_session_tick(void *data)
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
    const HrOpened *opened = hr_session_open_endpoint(session, config, error);

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
    hr_group_wait(group, JOB_TICK_MS, hr_session_tick, session);
    return true;
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
        const HrSyncConfig *sync =
            hr_config_require_sync(config, *names, error);

        if (sync == NULL)
            return NULL;
        /* One that is named twice runs once. */
        if (!g_ptr_array_find(chosen, sync, NULL))
            g_ptr_array_add(chosen, (gpointer)sync);
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
