/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pass runner: runs the passes that commands ask for, and tells about them. */
#ifndef HR_APP_PASS_RUNNER_H
#define HR_APP_PASS_RUNNER_H

#include <glib.h>
#include <stdbool.h>

#include "app/report.h"
#include "app/session.h"

/* Plans and applies the syncs (HrSyncConfig), side by side, and tells about
 * them in their order.  Returns the exit code. */
int
hr_pass_runner_once(HrSession *session, const GPtrArray *syncs, bool json,
                    bool quiet);

typedef struct HrPlanOptions {
    bool json;
    const char *out; /* where to write the only plan; NULL: nowhere      */
    bool exit_code;  /* HR_EXIT_DIFFERENT if there is something to write */
    bool explain;    /* say why each tag is in or out                    */
} HrPlanOptions;

/* Plans the syncs, side by side, and prints the plans in their order. */
int
hr_pass_runner_plan(HrSession *session, const GPtrArray *syncs,
                    const HrPlanOptions *options);

/* Applies the report's plan and fills in its counts.  Not from the main
 * thread: from what drives the pass. */
void
hr_pass_runner_apply(const HrPass *pass, HrReport *report);

/* Prints reports (HrReport) and returns their exit code. */
int
hr_pass_runner_tell(const GPtrArray *reports, bool json, bool quiet);

#endif
