/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decide: what a pass's strategy says of a change. */
#ifndef HR_SYNC_DECIDE_H
#define HR_SYNC_DECIDE_H

#include <glib.h>
#include <stdbool.h>

#include "sync/pass.h"
#include "sync/plan.h"

/* Compares the two documents of a change, and asks the strategy where they
 * differ: sets its action and its reason (NULL for HR_ACTION_NONE). */
bool
hr_change_decide(HrChange *change, const HrPass *pass, HrCall *call,
                 GError **error);

#endif
