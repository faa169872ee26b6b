/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pass runner: runs the passes that commands ask for, and tells about them. */
#ifndef HR_APP_PASS_RUNNER_H
#define HR_APP_PASS_RUNNER_H

#include <glib.h>
#include <stdbool.h>

#include "app/report.h"
#include "app/session.h"

/* Plans and applies each sync (HrSyncConfig).  Returns the exit code. */
int
hr_pass_runner_once(HrSession *session, const GPtrArray *syncs, bool json,
                    bool quiet);

typedef struct HrPlanOptions {
    bool json;
    const char *out; /* where to write the only plan; NULL: nowhere      */
    bool exit_code;  /* HR_EXIT_DIFFERENT if there is something to write */
    bool explain;    /* say why each tag is in or out                    */
} HrPlanOptions;

/* Plans each sync and prints the plans. */
int
hr_pass_runner_plan(HrSession *session, const GPtrArray *syncs,
                    const HrPlanOptions *options);

/* Applies a plan, fills in the report's counts, tells the sinks. */
void
hr_pass_runner_apply(HrSession *session, const HrPass *pass, HrReport *report);

/* Prints reports (HrReport) and returns their exit code. */
int
hr_pass_runner_tell(const GPtrArray *reports, bool json, bool quiet);

#endif
