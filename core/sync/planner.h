/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Planner: compares both sides of a sync and writes down what to change.
 * Only reads: HEAD requests and lists, never a manifest, unless the pass is to
 * look into equal indexes (HrPass.complete).
 */
#ifndef HR_SYNC_PLANNER_H
#define HR_SYNC_PLANNER_H

#include <glib.h>

#include "sync/pass.h"
#include "sync/plan.h"

/* Plans everything that the pass selects.  NULL if it could not be planned at
 * all (a side is away, the pass was cancelled); single items that could not
 * be compared are problems of the plan.  The plan is sealed. */
HrPlan *
hr_planner_plan(const HrPass *pass, GError **error);

/* Plans one artifact, from one key to another (hr_tag_key). */
HrPlan *
hr_planner_plan_one(const HrPass *pass, const char *source_key,
                    const char *target_key, GError **error);

/* Looks at both sides of every change of a plan again.  False, and
 * HR_PRECONDITION with the items, if one is no longer as planned. */
bool
hr_planner_check_fresh(const HrPass *pass, const HrPlan *plan, GError **error);

#endif
