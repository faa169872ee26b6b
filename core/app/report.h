/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Report: what became of each sync, and how it is told: as text for people,
 * as JSON for programs, as one exit code for scripts.
 */
#ifndef HR_APP_REPORT_H
#define HR_APP_REPORT_H

#include <glib.h>
#include <stdbool.h>

#include "app/guard-report.h"
#include "model/json.h"
#include "sync/apply.h"
#include "sync/plan.h"

/* One sync's pass. */
typedef struct HrReport {
    char *sync;
    char *source;
    char *target;
    HrPlan *plan;  /* NULL if it could not be planned */
    GError *error; /* why, then                       */
    HrWriteCounts counts;
    uint64_t requests;
    uint64_t retries;
    int64_t duration_us;
    HrGuardReport guards[2]; /* of source and target */
    unsigned guard_count;
} HrReport;

HrReport *
hr_report_new(const char *sync, const char *source, const char *target);

void
hr_report_free(HrReport *report);

/* Prints a plan, one change a line and a line of totals. */
void
hr_report_print_plan(const HrPlan *plan);

/* Prints what was done, one change a line and the line of summary; `quiet`
 * only the summary. */
void
hr_report_print(const HrReport *report, bool quiet);

/* The same as a JSON value; the caller's. */
HrJson *
hr_report_to_json(const HrReport *report);

/* The exit code for all reports (HrReport) together. */
int
hr_report_exit_code(const GPtrArray *reports);

/* Prints {"version":1,...,"exit_code":N}; takes `list` as member `name`. */
void
hr_report_print_json(const char *name, HrJson *list, int exit_code);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrReport, hr_report_free)

#endif
