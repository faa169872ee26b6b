/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* once: one pass over the syncs of the configuration. */
#include <stdio.h>

#include "app/app.h"
#include "app/options.h"
#include "app/pass-runner.h"
#include "app/report.h"
#include "app/session.h"

int
hr_command_once(const HrApp *app, int argc, char **argv)
{
    gboolean dry_run = false;
    gboolean complete = false;
    GOptionEntry entries[] = {
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run,
         "Only plan: write nothing", NULL},
        {"complete", 0, 0, G_OPTION_ARG_NONE, &complete,
         "Bring what the target lacks of tags that are equal", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    HrOptions options = {
        .usage = "[SYNC...]",
        .summary = "Makes each target as its source, once: plans, applies and "
                   "tells what was done.\nWithout SYNC, every sync of the "
                   "configuration.",
        .entries = entries,
        .output = true,
    };
    g_auto(GStrv) names = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(HrSession) session = NULL;
    g_autoptr(GPtrArray) syncs = NULL;
    int code;

    if (!hr_options_parse(&options, argc, argv, &names, &code))
        return code;
    session = hr_session_load(app, &error);
    if (session == NULL)
        return hr_session_report_error(error);
    syncs = hr_session_choose_syncs(session, names, &error);
    if (syncs == NULL || !hr_session_start(session, &error))
        return hr_session_report_error(error);
    if (complete)
        hr_session_look_below_tags(session);
    if (dry_run)
        return hr_pass_runner_plan(session, syncs,
                                   &(HrPlanOptions){.json = options.json});
    return hr_pass_runner_once(session, syncs, options.json, app->quiet);
}
