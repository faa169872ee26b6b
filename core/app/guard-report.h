/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guard report: what the guards of an endpoint did in a pass, for people and
 * for programs. */
#ifndef HR_APP_GUARD_REPORT_H
#define HR_APP_GUARD_REPORT_H

#include "model/json.h"
#include "net/net.h"

/* One endpoint at the end of a pass. */
typedef struct HrGuardReport {
    const char *endpoint; /* borrowed from the configuration */
    HrEndpointStats stats;
} HrGuardReport;

/* The caller's: {"name": ..., "classes": {...}, "retry_budget": ..., ...}. */
HrJson *
hr_guard_report_to_json(const HrGuardReport *report);

/* One line, if the guards had anything to do; nothing on a quiet day. */
void
hr_guard_report_print(const HrGuardReport *report);

#endif
