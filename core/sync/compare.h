/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compare: what to do about one item.  Pure but for the strategy it asks,
 * which is pure too.
 *
 *     source   target     one-way
 *     -----------------------------------------------------
 *     there    missing    create
 *     there    equal      nothing
 *     there    other      the strategy decides
 *     missing  there      nothing (deletion is never implied)
 */
#ifndef HR_SYNC_COMPARE_H
#define HR_SYNC_COMPARE_H

#include <glib.h>
#include <harbor-replicator/hr-strategy.h>
#include <stdbool.h>

typedef enum HrAction {
    HR_ACTION_NONE,   /* both sides agree                             */
    HR_ACTION_CREATE, /* the target gets what it does not have        */
    HR_ACTION_UPDATE, /* the target becomes as the source is          */
    HR_ACTION_KEEP,   /* they differ, and the target stays as it is   */
    HR_ACTION_REFUSE, /* they differ, and that is a failure           */
    HR_ACTION_EXTRA   /* only on the target, which stays as it is     */
} HrAction;

/* Word for an action as in plans: "create". */
const char *
hr_action_name(HrAction action);

/* The action for a word; false if it is none. */
bool
hr_action_from_name(const char *name, HrAction *action);

/* Asks the strategy about a conflict. */
typedef bool (*HrCompareDecide)(void *data, const hr_conflict *conflict,
                                hr_decision *decision, GError **error);

/* One item as seen on each side; documents are canonical, NULL is missing. */
typedef struct HrComparison {
    const char *kind;
    const char *key;
    const char *source;
    const char *target;
    const char *base; /* last agreed state, NULL if none is known */
} HrComparison;

/* Decides.  *reason is half a sentence, the caller's; NULL for
 * HR_ACTION_NONE. */
bool
hr_compare(const HrComparison *comparison, HrCompareDecide decide, void *data,
           HrAction *action, char **reason, GError **error);

#endif
