/* SPDX-License-Identifier: MIT-0 */
/*
 * A conflict strategy: what to do about an item that both sides have and
 * that differs.  Pure decisions: no request, no file, no clock.
 */
#ifndef HR_STRATEGY_H
#define HR_STRATEGY_H

#include <harbor-replicator/hr-abi.h>
#include <harbor-replicator/hr-host.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An open strategy: the plugin's own state. */
typedef struct hr_strategy hr_strategy;

enum {
    HR_MODE_ONE_WAY = 1,
    HR_MODE_TWO_WAY = 2
};

/* A difference to decide.  Documents are canonical JSON texts; NULL stands
 * for "does not exist" or, for the base, "not known". */
typedef struct hr_conflict {
    uint32_t struct_size;
    uint32_t mode;    /* HR_MODE_*                               */
    const char *kind; /* "tag", "project", ...                   */
    const char *key;  /* "library/nginx:1.27"                    */
    const char *source;
    const char *target;
    const char *base; /* the state last agreed, if one is known  */
} hr_conflict;

enum {
    HR_DECIDE_SOURCE = 1, /* the target becomes as the source is     */
    HR_DECIDE_TARGET = 2, /* one-way: the target stays as it is      */
    HR_DECIDE_FAIL = 3,   /* the item fails, with the reason given   */
    HR_DECIDE_SKIP = 4    /* leave both alone, without failure       */
};

/* The answer, filled in by the plugin. */
typedef struct hr_decision {
    uint32_t struct_size;
    uint32_t action;  /* HR_DECIDE_*                             */
    char reason[256]; /* half a sentence for the plan; optional  */
} hr_decision;

typedef struct hr_strategy_ops {
    uint32_t struct_size;
    uint32_t reserved;

    /* Opens a strategy with the settings that the configuration gives it. */
    hr_status (*open)(hr_call *call, hr_settings *settings,
                      hr_strategy **strategy);

    /* Closes it. */
    void (*close)(hr_strategy *strategy);

    /* Decides one conflict.  The same question gets the same answer. */
    hr_status (*decide)(hr_strategy *strategy, hr_call *call,
                        const hr_conflict *conflict, hr_decision *decision);
} hr_strategy_ops;

#ifdef __cplusplus
}
#endif

#endif
