/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apply: do exactly what a saved plan says. */
#include <string.h>

#include "app/app.h"
#include "app/options.h"
#include "app/pass-runner.h"
#include "app/session.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "sync/document-plan.h"
#include "sync/planner.h"

/* A plan of a million changes is about 500 MB of JSON; this is 50,000. */
#define PLAN_LIMIT_BYTES (64 * 1024 * 1024)

static HrPlan *
read_plan(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(HrJson) json = NULL;
    HrPlan *plan;
    size_t size;

    if (!hr_file_read(path, PLAN_LIMIT_BYTES, &text, &size, error))
        return NULL;
    json = hr_json_parse(text, size, error);
    plan = json != NULL ? hr_plan_from_json(json, error) : NULL;
    if (plan == NULL)
        g_prefix_error(error, "%s: ", path);
    return plan;
}

/* The plan's sync, which must still connect the same endpoints. */
static const HrSyncConfig *
find_sync(const HrConfig *config, const HrPlan *plan, GError **error)
{
    const HrSyncConfig *sync = hr_config_sync(config, plan->sync);

    if (sync != NULL && strcmp(sync->source->name, plan->source) == 0 &&
        strcmp(sync->target->name, plan->target) == 0)
        return sync;
    hr_error_set(error, HR_CONFIG,
                 "%s: the plan is for a sync '%s' from '%s' to '%s', which is "
                 "not there: use the configuration it was made with, or plan "
                 "again",
                 config->path, plan->sync, plan->source, plan->target);
    return NULL;
}

/* A plan on its way. */
typedef struct Application {
    HrPass pass;
    HrReport *report;
    GError *error; /* why nothing was written */
} Application;

static void
drive_apply(void *data)
{
    Application *application = data;
    HrReport *report = application->report;
    int64_t start = hr_clock_monotonic_us();

    application->pass.exact = true;
    if (hr_planner_check_fresh(&application->pass, report->plan,
                               &application->error)) {
        /* The configuration may have become stricter. */
        hr_document_plan_judge_all(&application->pass, report->plan);
        hr_pass_runner_apply(&application->pass, report);
    }
    report->duration_us = hr_clock_monotonic_us() - start;
}

static int
run_apply(HrSession *session, const HrSyncConfig *sync, HrPlan *plan,
          bool json, bool quiet)
{
    g_autoptr(GPtrArray) reports = g_ptr_array_new();
    g_autoptr(HrReport) report =
        hr_report_new(plan->sync, plan->source, plan->target);
    Application application = {.report = report};
    g_autoptr(GError) error = NULL;

    report->plan = plan;
    if (hr_session_prepare(session, sync, &application.pass,
                           &application.error))
        hr_session_run(
            session, &(HrDriven){&application.pass, drive_apply, &application},
            1);
    error = application.error;
    if (error != NULL) {
        g_prefix_error(&error, "sync %s: ", plan->sync);
        return hr_session_report_error(error);
    }
    g_ptr_array_add(reports, report);
    hr_session_end_pass(session);
    return hr_pass_runner_tell(reports, json, quiet);
}

int
hr_command_apply(const HrApp *app, int argc, char **argv)
{
    HrOptions options = {
        .usage = "PLAN",
        .summary = "Carries out a plan that `plan --out` saved: exactly its "
                   "changes and nothing else.\nRefuses, and writes nothing, "
                   "if either side has changed since, or another "
                   "account\nasks than the one that planned.",
        .output = true,
    };
    g_auto(GStrv) names = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(HrSession) session = NULL;
    g_autoptr(HrPlan) plan = NULL;
    const HrSyncConfig *sync = NULL;
    int code;

    if (!hr_options_parse(&options, argc, argv, &names, &code))
        return code;
    if (g_strv_length(names) != 1)
        return hr_options_usage_error("apply", "give one plan file");
    session = hr_session_load(app, &error);
    if (session != NULL)
        plan = read_plan(names[0], &error);
    if (plan != NULL)
        sync = find_sync(hr_session_config(session), plan, &error);
    if (sync == NULL || !hr_session_start(session, &error))
        return hr_session_report_error(error);
    return run_apply(session, sync, g_steal_pointer(&plan), options.json,
                     app->quiet);
}
