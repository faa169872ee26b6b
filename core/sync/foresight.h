/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Foresight: what the target would say to a plan's writes of content, asked
 * before the first byte.
 *
 *     certain    the change becomes a refusal, with the reason
 *     possible   the reason is put to the change's own
 *
 * What the plan itself does about it first (it creates the project, it changes
 * its quota) is no reason.
 */
#ifndef HR_SYNC_FORESIGHT_H
#define HR_SYNC_FORESIGHT_H

#include "sync/pass.h"
#include "sync/plan.h"

/* Nothing, where the target cannot tell, or nothing is written.  What could
 * not be found out shows when it is written.  Not from a worker; before the
 * plan is sealed. */
void
hr_foresight_add(const HrPass *pass, HrPlan *plan);

#endif
