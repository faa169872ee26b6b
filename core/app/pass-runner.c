/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pass runner: runs the passes that commands ask for. */
#include "app/pass-runner.h"

#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "app/signals.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "model/item.h"
#include "model/referrer.h"
#include "observe/metrics.h"
#include "sync/apply.h"
#include "sync/planner.h"

static void
free_report(gpointer data)
{
    hr_report_free(data);
}

static void
count(const char *name, const char *help, const char *sync, uint64_t value)
{
    static const char *const labels[] = {"sync", NULL};
    const char *const values[] = {sync, NULL};
    HrMetric *metric =
        hr_metric_declare(HR_METRIC_COUNTER, name, help, labels, NULL, 0);

    hr_sample_add(hr_metric_sample(metric, values), value);
}

static void
gauge(const char *name, const char *help, const char *sync, double value)
{
    static const char *const labels[] = {"sync", NULL};
    const char *const values[] = {sync, NULL};
    HrMetric *metric =
        hr_metric_declare(HR_METRIC_GAUGE, name, help, labels, NULL, 0);

    hr_sample_set(hr_metric_sample(metric, values), value);
}

static void
count_pass(const HrReport *report)
{
    const HrPlan *plan = report->plan;
    uint64_t failed = plan != NULL ? plan->problems->len : 0;
    uint64_t changed = 0;

    for (guint i = 0; plan != NULL && i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];

        changed += change->result == HR_RESULT_DONE;
        failed += change->result == HR_RESULT_FAILED ||
                  change->result == HR_RESULT_BLOCKED;
    }
    count("harbor_replicator_passes_total", "Passes ended.", report->sync, 1);
    count("harbor_replicator_items_checked_total", "Items compared.",
          report->sync, plan != NULL ? plan->checked : 0);
    count("harbor_replicator_items_changed_total", "Items written.",
          report->sync, changed);
    count("harbor_replicator_items_failed_total",
          "Items that could not be compared or written.", report->sync,
          failed);
    count("harbor_replicator_written_bytes_total",
          "Bytes of blobs and manifests written.", report->sync,
          report->counts.bytes);
    gauge("harbor_replicator_last_pass_duration_seconds",
          "How long the last pass took.", report->sync,
          (double)report->duration_us / G_USEC_PER_SEC);
    gauge("harbor_replicator_last_pass_success",
          "1 if the last pass ended without a failure, else 0.", report->sync,
          plan != NULL && failed == 0 ? 1 : 0);
    gauge("harbor_replicator_last_pass_timestamp_seconds",
          "When the last pass ended, in seconds since 1970.", report->sync,
          (double)hr_clock_wall_us() / G_USEC_PER_SEC);
}

/* True for a referrer, or a tag that belongs to a digest. */
static bool
hangs_on_another(const char *kind, const char *key)
{
    g_autofree char *repository = NULL;
    g_autofree char *reference = NULL;

    return (kind == NULL || hr_kind_is_content(kind)) &&
           hr_tag_key_parse(key, &repository, &reference, NULL) &&
           (strchr(reference, ':') != NULL ||
            hr_companion_of(reference) != HR_COMPANION_NONE);
}

static bool
has_left_behind(const HrPlan *plan)
{
    for (guint i = 0; i < plan->problems->len; i++) {
        const HrProblem *problem = plan->problems->pdata[i];

        if (hangs_on_another(problem->kind, problem->key))
            return true;
    }
    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];

        if ((change->result == HR_RESULT_FAILED ||
             change->result == HR_RESULT_BLOCKED) &&
            hangs_on_another(change->kind, change->key))
            return true;
    }
    return false;
}

/* Whoever is told once that something failed expects the next pass to make up
 * for it. */
static void
warn_of_immutable(const HrPass *pass, const HrPlan *plan)
{
    if (pass->select != NULL && pass->select->immutable != NULL &&
        pass->referrers && has_left_behind(plan))
        hr_log(HR_LOG_WARNING,
               "%s: what hangs on tags that are immutable is looked for when "
               "they are brought: only `once --complete` does so again",
               pass->name);
}

void
hr_pass_runner_apply(const HrPass *pass, HrReport *report)
{
    if (hr_plan_has_work(report->plan))
        hr_log(HR_LOG_INFO,
               "%s: plan: %u changes, %" G_GUINT64_FORMAT " unchanged",
               pass->name, report->plan->changes->len,
               report->plan->unchanged);
    hr_apply_run(pass, report->plan, &report->counts);
    warn_of_immutable(pass, report->plan);
    report->requests = atomic_load(&pass->progress->requests);
    report->retries = atomic_load(&pass->progress->retries);
}

/* A sync on its way. */
typedef struct Once {
    HrPass pass;
    HrReport *report;
} Once;

static void
drive_once(void *data)
{
    Once *once = data;
    const HrPass *pass = &once->pass;
    HrReport *report = once->report;
    int64_t start = hr_clock_monotonic_us();

    hr_pass_event(pass, HR_LOG_INFO, "pass.started", NULL, NULL, NULL);
    report->plan = hr_planner_plan(pass, &report->error);
    if (report->plan != NULL)
        hr_pass_runner_apply(pass, report);
    report->guard_count = hr_session_report_guards(pass, report->guards);
    hr_pass_event(pass, HR_LOG_INFO, "pass.ended", NULL, NULL,
                  report->error != NULL ? report->error->message : NULL);
    report->duration_us = hr_clock_monotonic_us() - start;
}

static GPtrArray *
run_once(HrSession *session, const GPtrArray *syncs)
{
    GPtrArray *reports = g_ptr_array_new_with_free_func(free_report);
    g_autofree Once *all = g_new0(Once, syncs->len);
    g_autofree HrDriven *driven = g_new0(HrDriven, syncs->len);
    unsigned count = 0;

    for (guint i = 0; i < syncs->len; i++) {
        const HrSyncConfig *sync = syncs->pdata[i];
        HrReport *report =
            hr_report_new(sync->name, sync->source->name, sync->target->name);

        g_ptr_array_add(reports, report);
        all[i].report = report;
        if (hr_session_prepare(session, sync, &all[i].pass, &report->error))
            driven[count++] = (HrDriven){&all[i].pass, drive_once, &all[i]};
    }
    hr_session_run(session, driven, count);
    for (guint i = 0; i < reports->len; i++) {
        HrReport *report = reports->pdata[i];

        if (report->error != NULL)
            g_prefix_error(&report->error, "sync %s: ", report->sync);
        count_pass(report);
    }
    return reports;
}

int
hr_pass_runner_tell(const GPtrArray *reports, bool json, bool quiet)
{
    int code = hr_report_exit_code(reports);
    HrJson *list = json ? hr_json_new_array() : NULL;

    for (guint i = 0; i < reports->len; i++) {
        const HrReport *report = reports->pdata[i];

        if (report->error != NULL)
            hr_log(HR_LOG_ERROR, "%s", report->error->message);
        if (json)
            hr_json_append(list, hr_report_to_json(report));
        else
            hr_report_print(report, quiet);
    }
    if (json)
        hr_report_print_json("syncs", list, code);
    return code;
}

int
hr_pass_runner_once(HrSession *session, const GPtrArray *syncs, bool json,
                    bool quiet)
{
    g_autoptr(GPtrArray) reports = run_once(session, syncs);

    hr_session_end_pass(session);
    return hr_pass_runner_tell(reports, json, quiet);
}

static bool
write_plan(const HrPlan *plan, const char *path, GError **error)
{
    g_autoptr(HrJson) json = hr_plan_to_json(plan);
    g_autofree char *text = hr_json_pretty(json);

    return hr_file_replace(path, text, strlen(text), 0644, error);
}

/* A plan, and why it is about what it is about. */
typedef struct Planned {
    HrPass pass;
    HrPlan *plan;               /* NULL if it could not be planned */
    GError *error;              /* why, then                       */
    HrExplanation *explanation; /* or NULL */
} Planned;

static void
free_planned(gpointer data)
{
    Planned *planned = data;

    hr_plan_free(planned->plan);
    g_clear_error(&planned->error);
    hr_explanation_free(planned->explanation);
    g_free(planned);
}

static void
print_explanation(HrExplanation *explanation)
{
    const GPtrArray *list = hr_explanation_list(explanation);

    for (guint i = 0; i < list->len; i++) {
        const HrExplained *one = list->pdata[i];

        printf("  %-4s %-50s %s\n", one->in ? "in" : "out", one->key,
               one->rule);
    }
}

static HrJson *
explanation_to_json(HrExplanation *explanation)
{
    const GPtrArray *list = hr_explanation_list(explanation);
    HrJson *array = hr_json_new_array();

    for (guint i = 0; i < list->len; i++) {
        const HrExplained *one = list->pdata[i];
        HrJson *entry = hr_json_new_object();

        hr_json_set_text(entry, "key", one->key);
        hr_json_set_boolean(entry, "in", one->in);
        hr_json_set_text(entry, "rule", one->rule);
        hr_json_append(array, entry);
    }
    return array;
}

static HrJson *
planned_to_json(const Planned *planned)
{
    HrJson *json = hr_plan_to_json(planned->plan);

    if (planned->explanation != NULL)
        hr_json_set(json, "selection",
                    explanation_to_json(planned->explanation));
    return json;
}

static int
print_plans(const GPtrArray *plans, const HrPlanOptions *options, bool failed)
{
    HrJson *list = options->json ? hr_json_new_array() : NULL;
    int code = HR_EXIT_DONE;

    for (guint i = 0; i < plans->len; i++) {
        const Planned *planned = plans->pdata[i];
        const HrPlan *plan = planned->plan;

        if (plan == NULL)
            continue;
        if (options->exit_code && code == HR_EXIT_DONE &&
            plan->changes->len > hr_plan_count(plan, HR_ACTION_EXTRA))
            code = HR_EXIT_DIFFERENT;
        if (plan->problems->len > 0)
            code = HR_EXIT_SOME_FAILED;
        if (options->json) {
            hr_json_append(list, planned_to_json(planned));
            continue;
        }
        if (planned->explanation != NULL)
            print_explanation(planned->explanation);
        hr_report_print_plan(plan);
    }
    if (failed)
        code = HR_EXIT_SOME_FAILED;
    if (options->json)
        hr_report_print_json("plans", list, code);
    return code;
}

static void
drive_plan(void *data)
{
    Planned *planned = data;

    planned->plan = hr_planner_plan(&planned->pass, &planned->error);
}

static GPtrArray *
run_plans(HrSession *session, const GPtrArray *syncs, bool explain)
{
    GPtrArray *plans = g_ptr_array_new_with_free_func(free_planned);
    g_autofree HrDriven *driven = g_new0(HrDriven, syncs->len);
    unsigned count = 0;

    for (guint i = 0; i < syncs->len; i++) {
        Planned *planned = g_new0(Planned, 1);

        g_ptr_array_add(plans, planned);
        if (explain)
            planned->explanation = hr_explanation_new();
        if (!hr_session_prepare(session, syncs->pdata[i], &planned->pass,
                                &planned->error))
            continue;
        planned->pass.explanation = planned->explanation;
        driven[count++] = (HrDriven){&planned->pass, drive_plan, planned};
    }
    hr_session_run(session, driven, count);
    return plans;
}

int
hr_pass_runner_plan(HrSession *session, const GPtrArray *syncs,
                    const HrPlanOptions *options)
{
    g_autoptr(GPtrArray) plans = run_plans(session, syncs, options->explain);
    g_autoptr(GError) error = NULL;
    unsigned made = 0;
    int failed = HR_EXIT_DONE;

    for (guint i = 0; i < plans->len; i++) {
        Planned *planned = plans->pdata[i];
        const HrSyncConfig *sync = syncs->pdata[i];

        made += planned->plan != NULL;
        if (planned->plan != NULL)
            continue;
        g_prefix_error(&planned->error, "sync %s: ", sync->name);
        failed = hr_session_report_error(planned->error);
    }
    /* Those that could be planned are printed, unless somebody has lost
     * interest. */
    if (made == 0 || hr_signals_pending() != 0)
        return failed;
    if (options->out != NULL && !write_plan(((Planned *)plans->pdata[0])->plan,
                                            options->out, &error)) {
        g_prefix_error(&error, "the plan was not saved: ");
        return hr_session_report_error(error);
    }
    return print_plans(plans, options, failed != HR_EXIT_DONE);
}
