/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plan: what a pass would change. */
#include "app/app.h"
#include "app/options.h"
#include "app/pass-runner.h"
#include "app/session.h"

int
hr_command_plan(const HrApp *app, int argc, char **argv)
{
    g_autofree char *out = NULL;
    gboolean exit_code = false;
    gboolean explain = false;
    gboolean complete = false;
    GOptionEntry entries[] = {
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &out,
         "Save the plan of one sync, for `apply`", "FILE"},
        {"explain", 0, 0, G_OPTION_ARG_NONE, &explain,
         "Say of each repository and tag why it is in or out", NULL},
        {"complete", 0, 0, G_OPTION_ARG_NONE, &complete,
         "Find what the target lacks of tags that are equal", NULL},
        {"exit-code", 0, 0, G_OPTION_ARG_NONE, &exit_code,
         "Exit with 5 if there is something to change", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    HrOptions options = {
        .usage = "[SYNC...]",
        .summary = "Compares both sides of each sync and prints what a pass "
                   "would change, with reasons.\nWrites nothing.",
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
    if (syncs == NULL)
        return hr_session_report_error(error);
    if (out != NULL && syncs->len != 1)
        return hr_options_usage_error(
            "plan", "--out saves the plan of one sync: name it");
    if (!hr_session_start(session, &error))
        return hr_session_report_error(error);
    if (complete)
        hr_session_look_below_tags(session);
    return hr_pass_runner_plan(session, syncs,
                               &(HrPlanOptions){.json = options.json,
                                                .out = out,
                                                .exit_code = exit_code,
                                                .explain = explain});
}
