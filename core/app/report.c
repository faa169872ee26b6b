/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Report: what became of each sync, and how it is told. */
#include "app/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "app/report-kinds.h"
#include "app/signals.h"
#include "base/error.h"
#include "base/text.h"
#include "model/document.h"
#include "model/item.h"

#define REPORT_VERSION 1

HrReport *
hr_report_new(const char *sync, const char *source, const char *target)
{
    HrReport *report = g_new0(HrReport, 1);

    report->sync = g_strdup(sync);
    report->source = g_strdup(source);
    report->target = g_strdup(target);
    return report;
}

void
hr_report_free(HrReport *report)
{
    if (report == NULL)
        return;
    g_free(report->sync);
    g_free(report->source);
    g_free(report->target);
    hr_plan_free(report->plan);
    g_clear_error(&report->error);
    g_free(report);
}

/* "sha256:ab12cd34ef56  1.2 KiB" of a tag's document. */
static char *
describe_document(const char *document)
{
    g_autofree char *digest = NULL;
    g_autofree char *media_type = NULL;
    uint64_t size;

    if (!hr_tag_document_parse(document, &digest, &media_type, &size, NULL))
        return g_strdup("?");
    return g_strdup_printf("%.19s", digest);
}

static void
print_content(const char *word, const HrChange *change, const char *note)
{
    g_autofree char *content = describe_document(change->source);

    /* A key that is a digest says it already. */
    printf("  %-7s %-40s %s%s%s%s\n", word, change->key,
           strchr(change->key, '@') == NULL ? content : "",
           note != NULL ? "  (" : "", note != NULL ? note : "",
           note != NULL ? ")" : "");
    if (change->from != NULL)
        printf("          from %s\n", change->from);
}

/* One difference is told in the line of the change, several below it. */
static void
print_fields(const HrChange *change)
{
    g_autoptr(GPtrArray) fields = NULL;

    if (change->source == NULL || change->target == NULL)
        return;
    fields = hr_document_compare(change->target, change->source);
    for (guint i = 0; fields->len > 1 && i < fields->len; i++) {
        const HrFieldDifference *field = fields->pdata[i];

        printf("          %s: %s\n", field->pointer, field->text);
    }
}

/* What follows the key: the one difference, or the one field of what is new;
 * caller frees. */
static char *
describe_change(const HrChange *change)
{
    const char *before = change->target != NULL ? change->target : "{}";
    g_autoptr(GPtrArray) fields = NULL;
    g_autofree char *line = NULL;

    if (change->source == NULL)
        return g_strdup("");
    fields = hr_document_compare(before, change->source);
    if (fields->len != 1)
        return g_strdup("");
    line = hr_document_compare_line(before, change->source);
    return g_strconcat("  ", line, NULL);
}

/* "  (widens: +role developer)" */
static void
print_widens(const HrChange *change)
{
    if (change->widens == NULL)
        return;
    printf("  (widens:");
    for (guint i = 0; i < change->widens->len; i++)
        printf("%s +%s", i > 0 ? "," : "",
               (const char *)change->widens->pdata[i]);
    printf(")");
}

static void
print_document(const char *word, const HrChange *change, const char *note)
{
    g_autofree char *name = hr_plan_item_name(change->kind, change->key);
    g_autofree char *difference = describe_change(change);

    printf("  %-7s %s%s", word, name, difference);
    print_widens(change);
    if (note != NULL)
        printf("  (%s)", note);
    printf("\n");
    print_fields(change);
}

static void
print_change(const char *word, const HrChange *change, const char *note)
{
    if (hr_change_is_content(change))
        print_content(word, change, note);
    else
        print_document(word, change, note);
}

static void
print_problems(const HrPlan *plan)
{
    for (guint i = 0; i < plan->problems->len; i++) {
        const HrProblem *problem = plan->problems->pdata[i];
        g_autofree char *name = hr_plan_item_name(problem->kind, problem->key);

        printf("  %-7s %-40s (%s)\n", "failed", name, problem->message);
    }
}

static void
print_remarks(const HrPlan *plan)
{
    for (guint i = 0; i < plan->remarks->len; i++) {
        const HrRemark *remark = plan->remarks->pdata[i];

        printf("  %-7s %s %s  (%s)\n", "note", remark->kind, remark->key,
               remark->message);
    }
}

/* How many of the tags cost nothing; "" if none did. */
static char *
tell_immutable(const HrPlan *plan)
{
    if (plan->immutable == 0)
        return g_strdup("");
    return g_strdup_printf(" (%" PRIu64 " immutable, not asked)",
                           plan->immutable);
}

void
hr_report_print_plan(const HrPlan *plan)
{
    g_autofree char *immutable = tell_immutable(plan);
    g_autofree char *kinds = hr_report_kinds_planned(plan);

    printf("plan %s: %s -> %s\n", plan->sync, plan->source, plan->target);
    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];

        print_change(hr_action_name(change->action), change, change->reason);
    }
    print_problems(plan);
    print_remarks(plan);
    if (*kinds != '\0')
        printf("plan %s: %s\n", plan->sync, kinds);
    printf("plan %s: checked %" PRIu64 ", to create %" PRIu64
           ", to update %" PRIu64 ", kept %" PRIu64 ", refused %" PRIu64
           ", unchanged %" PRIu64 "%s, failed %u\n",
           plan->sync, plan->checked, hr_plan_count(plan, HR_ACTION_CREATE),
           hr_plan_count(plan, HR_ACTION_UPDATE),
           hr_plan_count(plan, HR_ACTION_KEEP),
           hr_plan_count(plan, HR_ACTION_REFUSE), plan->unchanged, immutable,
           plan->problems->len);
}

typedef struct Totals {
    uint64_t changed;
    uint64_t skipped;
    uint64_t failed;
} Totals;

static Totals
count_results(const HrPlan *plan)
{
    Totals totals = {.skipped = plan->vanished, .failed = plan->problems->len};

    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];

        totals.changed += change->result == HR_RESULT_DONE;
        totals.skipped += change->result == HR_RESULT_SKIPPED &&
                          change->action != HR_ACTION_EXTRA;
        totals.failed += change->result == HR_RESULT_FAILED ||
                         change->result == HR_RESULT_BLOCKED;
    }
    return totals;
}

static uint64_t
count_writes(const HrReport *report)
{
    return report->counts.copied + report->counts.mounted +
           report->counts.manifests + report->counts.documents;
}

static void
print_summary(const HrReport *report)
{
    Totals totals = count_results(report->plan);
    g_autofree char *bytes =
        hr_text_format_size((int64_t)report->counts.bytes);
    g_autofree char *duration = hr_text_format_duration(report->duration_us);
    g_autofree char *immutable = tell_immutable(report->plan);
    g_autofree char *kinds = hr_report_kinds_done(report->plan);

    if (*kinds != '\0')
        printf("%s: %s\n", report->sync, kinds);
    printf("%s: checked %" PRIu64 "%s, changed %" PRIu64 ", skipped %" PRIu64
           ", failed %" PRIu64 ", %s in %" PRIu64 " writes (blobs copied "
           "%" PRIu64 ", mounted %" PRIu64 ", present %" PRIu64
           "), requests %" PRIu64 " (retried %" PRIu64 "), time %s\n",
           report->sync, report->plan->checked + report->plan->problems->len,
           immutable, totals.changed, totals.skipped, totals.failed, bytes,
           count_writes(report), (uint64_t)report->counts.copied,
           (uint64_t)report->counts.mounted, (uint64_t)report->counts.present,
           report->requests, report->retries, duration);
}

void
hr_report_print(const HrReport *report, bool quiet)
{
    const HrPlan *plan = report->plan;

    if (plan == NULL) {
        printf("%s: nothing could be done: %s\n", report->sync,
               report->error->message);
        return;
    }
    for (guint i = 0; !quiet && i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];
        bool plain = change->result == HR_RESULT_DONE ||
                     change->action == HR_ACTION_EXTRA;

        print_change(plain ? hr_action_name(change->action)
                           : hr_result_name(change->result),
                     change, change->message);
    }
    if (!quiet) {
        print_problems(plan);
        print_remarks(plan);
    }
    for (unsigned i = 0; i < report->guard_count; i++)
        hr_guard_report_print(&report->guards[i]);
    print_summary(report);
}

static HrJson *
guards_to_json(const HrReport *report)
{
    HrJson *list = hr_json_new_array();

    for (unsigned i = 0; i < report->guard_count; i++)
        hr_json_append(list, hr_guard_report_to_json(&report->guards[i]));
    return list;
}

static void
set_failure(HrJson *item, const HrFailureFacts *facts)
{
    hr_json_set_text(item, "eligibility",
                     hr_eligibility_name(facts->eligibility));
    hr_json_set_text(item, "endpoint", facts->endpoint);
    hr_json_set_text(item, "operation", facts->operation);
    hr_json_set_text(item, "request_id", facts->correlation);
    if (facts->attempts > 0)
        hr_json_set_number(item, "attempts", facts->attempts);
}

/* What is particular to documents: the fields, and the rights. */
static void
set_document(HrJson *item, const HrChange *change)
{
    g_autofree char *fields = NULL;
    HrJson *widens;

    if (hr_change_is_content(change))
        return;
    if (change->source != NULL && change->target != NULL) {
        fields = hr_document_compare_line(change->target, change->source);
        hr_json_set_text(item, "fields", fields);
    }
    if (change->widens == NULL)
        return;
    widens = hr_json_new_array();
    for (guint i = 0; i < change->widens->len; i++)
        hr_json_append_text(widens, change->widens->pdata[i]);
    hr_json_set(item, "widens", widens);
}

static HrJson *
remarks_to_json(const HrPlan *plan)
{
    HrJson *list = hr_json_new_array();

    for (guint i = 0; i < plan->remarks->len; i++) {
        const HrRemark *remark = plan->remarks->pdata[i];
        HrJson *item = hr_json_new_object();

        hr_json_set_text(item, "kind", remark->kind);
        hr_json_set_text(item, "key", remark->key);
        hr_json_set_text(item, "message", remark->message);
        hr_json_append(list, item);
    }
    return list;
}

static HrJson *
items_to_json(const HrPlan *plan)
{
    HrJson *items = hr_json_new_array();

    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];
        HrJson *item = hr_json_new_object();

        hr_json_set_text(item, "kind", change->kind);
        hr_json_set_text(item, "key", change->key);
        hr_json_set_text(item, "from", change->from);
        hr_json_set_text(item, "action", hr_action_name(change->action));
        hr_json_set_text(item, "reason", change->reason);
        hr_json_set_text(item, "result", hr_result_name(change->result));
        if (change->status != HR_OK)
            hr_json_set_text(item, "status", hr_status_name(change->status));
        if (change->facts.known)
            set_failure(item, &change->facts);
        hr_json_set_text(item, "message", change->message);
        set_document(item, change);
        hr_json_append(items, item);
    }
    for (guint i = 0; i < plan->problems->len; i++) {
        const HrProblem *problem = plan->problems->pdata[i];
        HrJson *item = hr_json_new_object();

        hr_json_set_text(item, "kind",
                         problem->kind != NULL ? problem->kind : HR_KIND_TAG);
        hr_json_set_text(item, "key", problem->key);
        hr_json_set_text(item, "action", "compare");
        hr_json_set_text(item, "result", "failed");
        hr_json_set_text(item, "status", hr_status_name(problem->status));
        hr_json_set_text(item, "message", problem->message);
        hr_json_append(items, item);
    }
    return items;
}

static void
set_counter(HrJson *json, const char *name, uint64_t value)
{
    hr_json_set_number(json, name, (int64_t)value);
}

HrJson *
hr_report_to_json(const HrReport *report)
{
    HrJson *json = hr_json_new_object();
    Totals totals;

    hr_json_set_text(json, "name", report->sync);
    hr_json_set_text(json, "source", report->source);
    hr_json_set_text(json, "target", report->target);
    hr_json_set(json, "endpoints", guards_to_json(report));
    if (report->plan == NULL) {
        hr_json_set_text(json, "status", "failed");
        hr_json_set_text(json, "message", report->error->message);
        return json;
    }
    totals = count_results(report->plan);
    hr_json_set_text(json, "status",
                     totals.failed == 0 ? "done" : "incomplete");
    set_counter(json, "checked",
                report->plan->checked + report->plan->problems->len);
    set_counter(json, "unchanged", report->plan->unchanged);
    set_counter(json, "immutable", report->plan->immutable);
    set_counter(json, "changed", totals.changed);
    set_counter(json, "skipped", totals.skipped);
    set_counter(json, "failed", totals.failed);
    set_counter(json, "bytes", report->counts.bytes);
    set_counter(json, "writes", count_writes(report));
    set_counter(json, "blobs_copied", report->counts.copied);
    set_counter(json, "blobs_mounted", report->counts.mounted);
    set_counter(json, "blobs_present", report->counts.present);
    set_counter(json, "requests", report->requests);
    set_counter(json, "retries", report->retries);
    hr_json_set_number(json, "duration_us", report->duration_us);
    hr_json_set(json, "kinds", hr_report_kinds_to_json(report->plan, true));
    hr_json_set(json, "items", items_to_json(report->plan));
    hr_json_set(json, "remarks", remarks_to_json(report->plan));
    return json;
}

static int
error_code(const GError *error)
{
    switch (hr_error_status(error)) {
    case HR_AUTH_DENIED:
    case HR_AUTH_EXPIRED:
        return HR_EXIT_CREDENTIALS;
    case HR_CONFIG:
        return HR_EXIT_USAGE;
    case HR_PRECONDITION:
        return HR_EXIT_REFUSED;
    default:
        return HR_EXIT_NOTHING_DONE;
    }
}

static int
report_code(const HrReport *report)
{
    Totals totals;

    if (report->plan == NULL)
        return error_code(report->error);
    totals = count_results(report->plan);
    if (totals.failed == 0)
        return HR_EXIT_DONE;
    return HR_EXIT_SOME_FAILED;
}

int
hr_report_exit_code(const GPtrArray *reports)
{
    int first = HR_EXIT_DONE;
    bool same = true;

    for (guint i = 0; i < reports->len; i++) {
        int code = report_code(reports->pdata[i]);

        if (i == 0)
            first = code;
        same = same && code == first;
    }
    return same ? first : HR_EXIT_SOME_FAILED;
}

void
hr_report_print_json(const char *name, HrJson *list, int exit_code)
{
    g_autoptr(HrJson) json = hr_json_new_object();
    g_autofree char *text = NULL;

    /* As main does: a signal says more than what it left undone. */
    if (hr_signals_pending() != 0)
        exit_code = 128 + hr_signals_pending();
    hr_json_set_number(json, "version", REPORT_VERSION);
    hr_json_set(json, name, list);
    hr_json_set_number(json, "exit_code", exit_code);
    text = hr_json_pretty(json);
    fputs(text, stdout);
}
