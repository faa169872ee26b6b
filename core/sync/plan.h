/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plan: the changes that make a target as its source, with their reasons and
 * preconditions, in an order that is always the same.
 *
 *     {"version":1, "sync":"...", "source":"...", "target":"...",
 *      "hash":"sha256:...", "checked":N, "unchanged":N, "immutable":N,
 *      "vanished":N,
 *      "changes":[{"kind":"tag", "key":"repo:tag", "from":"repo:tag",
 *                  "action":"create", "reason":"...",
 *                  "source":{document}, "target":{document}}],
 *      "problems":[{"key":"...", "status":"...", "message":"..."}]}
 *
 * "from" is left out where it equals the key, "target" where there is none.
 * The hash covers everything but itself: a plan edited by hand is refused.
 * Filled by many workers; read by one thread once it is sealed.
 */
#ifndef HR_SYNC_PLAN_H
#define HR_SYNC_PLAN_H

#include <glib.h>
#include <harbor-replicator/hr-abi.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/json.h"
#include "sync/compare.h"

/* What became of a change. */
typedef enum HrResult {
    HR_RESULT_PENDING,
    HR_RESULT_DONE,
    HR_RESULT_SKIPPED, /* nothing to do after all: kept, vanished */
    HR_RESULT_FAILED,
    HR_RESULT_BLOCKED /* something it depends on failed          */
} HrResult;

const char *
hr_result_name(HrResult result);

/* What is known of a failure beside its class and its text. */
typedef struct HrFailureFacts {
    bool known;
    HrEligibility eligibility;
    unsigned attempts;
    char *endpoint;
    char *operation;
    char *correlation;
} HrFailureFacts;

typedef struct HrChange {
    const char *kind; /* HR_KIND_TAG, HR_KIND_REFERRER */
    char *key;        /* on the target */
    char *from;       /* key on the source; NULL: the same */
    HrAction action;
    HrResult result;
    hr_status status; /* class of the failure, HR_OK if there is none */
    char *reason;     /* why it is planned */
    char *message;    /* what went wrong, or why it was skipped; or NULL */
    HrFailureFacts facts;
    char *source; /* document wanted */
    char *target; /* document found (the precondition); NULL: missing */
} HrChange;

/* An item, or a whole listing, that could not be compared. */
typedef struct HrProblem {
    char *key;
    hr_status status;
    char *message;
} HrProblem;

typedef struct HrPlan {
    char *sync;
    char *source; /* names of the endpoints */
    char *target;
    GPtrArray *changes;  /* HrChange */
    GPtrArray *problems; /* HrProblem */
    GHashTable *absent;  /* repositories that the target did not have; not
                            kept in a file: there it may be long ago */
    uint64_t checked;    /* items compared */
    uint64_t unchanged;
    uint64_t immutable; /* of those, so many that nobody was asked about */
    uint64_t vanished;  /* listed, but gone when asked */
    char hash[HR_DIGEST_CAPACITY]; /* once sealed */
} HrPlan;

HrPlan *
hr_plan_new(const char *sync, const char *source, const char *target);

void
hr_plan_free(HrPlan *plan);

/* Takes `change`. */
void
hr_plan_add(HrPlan *plan, HrChange *change);

void
hr_plan_add_problem(HrPlan *plan, const char *key, const GError *error);

void
hr_change_free(HrChange *change);

/* Records how a change ended; `error` NULL for HR_RESULT_DONE. */
void
hr_change_end(HrChange *change, HrResult result, const GError *error);

/* Number of changes of an action. */
uint64_t
hr_plan_count(const HrPlan *plan, HrAction action);

/* True if there is something to write. */
bool
hr_plan_has_work(const HrPlan *plan);

/* Sorts changes and problems by key and computes the hash. */
void
hr_plan_seal(HrPlan *plan);

/* The plan as a JSON value of a sealed plan; the caller's. */
HrJson *
hr_plan_to_json(const HrPlan *plan);

/* Reads a plan and checks its hash.  HR_INVALID with a sentence. */
HrPlan *
hr_plan_from_json(const HrJson *json, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrPlan, hr_plan_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrChange, hr_change_free)

#endif
