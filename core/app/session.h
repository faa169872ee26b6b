/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Session: everything a command works with, opened in order and closed in
 * reverse: plugins, configuration, loops, workers, sinks, registries.
 */
#ifndef HR_APP_SESSION_H
#define HR_APP_SESSION_H

#include <glib.h>
#include <stdbool.h>

#include "app/app.h"
#include "app/guard-report.h"
#include "app/side-by-side.h"
#include "config/config.h"
#include "plug/plugins.h"
#include "sync/pass.h"

typedef struct HrSession HrSession;

/* Only plugins and configuration: enough for `config`. */
HrSession *
hr_session_load(const HrApp *app, GError **error);

/* Without a configuration file, for `copy`. */
HrSession *
hr_session_new(const HrApp *app);

/* Starts loops, workers and sinks. */
bool
hr_session_start(HrSession *session, GError **error);

/* Ends everything; waits for the sinks, 5 s at most. */
void
hr_session_free(HrSession *session);

const HrConfig *
hr_session_config(const HrSession *session);

HrPlugins *
hr_session_plugins(const HrSession *session);

/* Passes prepared from now on look below tags that are equal, too. */
void
hr_session_look_below_tags(HrSession *session);

/* A pass for a sync of the configuration, with its registries open.  The
 * session owns what the pass points to.  Main thread: all passes are prepared
 * before the first one runs. */
bool
hr_session_prepare(HrSession *session, const HrSyncConfig *sync, HrPass *pass,
                   GError **error);

/* A pass between two endpoints that no file describes; borrowed for the life
 * of the session.  What the target has is replaced. */
bool
hr_session_prepare_copy(HrSession *session, const HrEndpointConfig *source,
                        const HrEndpointConfig *target, HrPass *pass,
                        GError **error);

/* Drives passes that were prepared, as many at once as the configuration says,
 * with progress on the terminal; a signal ends all of them in good order.
 * What they know together of their endpoints is forgotten with their end. */
void
hr_session_run(HrSession *session, const HrDriven *passes, unsigned count);

/* What the guards of both sides have done so far; fills in up to two and
 * returns how many. */
unsigned
hr_session_report_guards(const HrPass *pass, HrGuardReport guards[2]);

/* The registry of an endpoint, open; the session's. */
HrRegistry *
hr_session_open_registry(HrSession *session, const HrEndpointConfig *config,
                         GError **error);

/* Runs one job on a worker and waits for it, heeding signals.  False if the
 * session was interrupted before it began. */
bool
hr_session_run_job(HrSession *session, void (*func)(void *data, HrCall *call),
                   void *data);

/* The syncs that the command line names (ends in NULL), or all; the caller's
 * (g_ptr_array_unref).  NULL and HR_CONFIG, with the nearest name, for one that
 * does not exist. */
GPtrArray *
hr_session_choose_syncs(const HrSession *session, char *const *names,
                        GError **error);

/* Hands metrics to the sinks: the end of a pass. */
void
hr_session_end_pass(HrSession *session);

/* The configuration file that -c, the environment or the default names. */
const char *
hr_session_config_path(const HrApp *app);

/* The exit code that an error of a whole command stands for, after logging
 * it. */
int
hr_session_report_error(const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrSession, hr_session_free)

#endif
