/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strategy: an open instance of a strategy plugin, seen from core. */
#ifndef HR_PLUG_STRATEGY_H
#define HR_PLUG_STRATEGY_H

#include <glib.h>
#include <harbor-replicator/hr-strategy.h>
#include <stdbool.h>

#include "config/settings.h"
#include "plug/plugins.h"
#include "work/call.h"

typedef struct HrStrategy HrStrategy;

HrStrategy *
hr_strategy_open(HrPlugins *plugins, const hr_provider *provider,
                 HrSettings *settings, HrCall *call, GError **error);

void
hr_strategy_close(HrStrategy *strategy);

const char *
hr_strategy_name(const HrStrategy *strategy);

/* Fills `decision` (struct_size set here).  From any worker.  An action that
 * is none of HR_DECIDE_* is HR_BUG. */
bool
hr_strategy_decide(HrStrategy *strategy, HrCall *call,
                   const hr_conflict *conflict, hr_decision *decision,
                   GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrStrategy, hr_strategy_close)

#endif
