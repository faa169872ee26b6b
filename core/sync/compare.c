/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compare: what to do about one item. */
#include "sync/compare.h"

#include <string.h>

#include "base/error.h"

static const char *const action_names[] = {
    [HR_ACTION_NONE] = "none",     [HR_ACTION_CREATE] = "create",
    [HR_ACTION_UPDATE] = "update", [HR_ACTION_KEEP] = "keep",
    [HR_ACTION_REFUSE] = "refuse", [HR_ACTION_EXTRA] = "extra",
};

const char *
hr_action_name(HrAction action)
{
    return action_names[action];
}

bool
hr_action_from_name(const char *name, HrAction *action)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(action_names); i++) {
        if (strcmp(name, action_names[i]) == 0) {
            *action = (HrAction)i;
            return true;
        }
    }
    return false;
}

static bool
decide_difference(const HrComparison *comparison, HrCompareDecide decide,
                  void *data, HrAction *action, char **reason, GError **error)
{
    hr_conflict conflict = {
        .struct_size = sizeof conflict,
        .mode = HR_MODE_ONE_WAY,
        .kind = comparison->kind,
        .key = comparison->key,
        .source = comparison->source,
        .target = comparison->target,
        .base = comparison->base,
    };
    hr_decision decision = {.struct_size = sizeof decision};

    if (!decide(data, &conflict, &decision, error))
        return false;
    switch (decision.action) {
    case HR_DECIDE_SOURCE:
        *action = HR_ACTION_UPDATE;
        break;
    case HR_DECIDE_TARGET:
    case HR_DECIDE_SKIP:
        *action = HR_ACTION_KEEP;
        break;
    default:
        *action = HR_ACTION_REFUSE;
        break;
    }
    *reason = g_strdup(decision.reason[0] != '\0' ? decision.reason
                                                  : "the two sides differ");
    return true;
}

bool
hr_compare(const HrComparison *comparison, HrCompareDecide decide, void *data,
           HrAction *action, char **reason, GError **error)
{
    g_return_val_if_fail(comparison != NULL && action != NULL, false);

    *action = HR_ACTION_NONE;
    *reason = NULL;
    if (comparison->source == NULL)
        return true;
    if (comparison->target == NULL) {
        *action = HR_ACTION_CREATE;
        *reason = g_strdup("not on the target");
        return true;
    }
    if (strcmp(comparison->source, comparison->target) == 0)
        return true;
    return decide_difference(comparison, decide, data, action, reason, error);
}
