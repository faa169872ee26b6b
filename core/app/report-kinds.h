/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Report by kind: how many items of each kind met what, where there are any
 * beside content. */
#ifndef HR_APP_REPORT_KINDS_H
#define HR_APP_REPORT_KINDS_H

#include "model/json.h"
#include "sync/plan.h"

/* "robot 2 to create, 1 extra; member 1 failed" of a plan; "" if it is about
 * content only.  Caller frees. */
char *
hr_report_kinds_planned(const HrPlan *plan);

/* "robot 2 changed, 1 extra; member 1 failed" of one that was applied. */
char *
hr_report_kinds_done(const HrPlan *plan);

/* {"robot": {"create": 2, "extra": 1}, ...}: actions, and failed, of a plan or
 * (`done`) changed, skipped, failed and extra. */
HrJson *
hr_report_kinds_to_json(const HrPlan *plan, bool done);

#endif
