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
 *                  "source":{document}, "target":{document},
 *                  "secrets":true, "widens":["role developer"]}],
 *      "problems":[{"kind":"...", "key":"...", "status":"...",
 *                   "message":"..."}],
 *      "remarks":[{"kind":"robot", "key":"...", "message":"..."}]}
 *
 * "from" is left out where it equals the key, "source" and "target" where
 * there is none, "secrets" and "widens" where there are none, the kind of a
 * problem where it is one with content, and remarks if there are none.  The
 * source of a document is what would become of it on the target; secrets are
 * never part of a plan.
 * The hash covers everything but itself: a plan edited by hand is refused, and
 * so is one that says two things of one item.  What it does not say is whether
 * something is allowed: that is asked when it is carried out.
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
#include "model/kind.h"
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
    const char *kind; /* HR_KIND_TAG, ...; for ever */
    char *key;        /* on the target */
    char *from;       /* key on the source; NULL: the same */
    HrAction action;
    HrResult result;
    hr_status status; /* class of the failure, HR_OK if there is none */
    char *reason;     /* why it is planned */
    char *message;    /* what went wrong, or why it was skipped; or NULL */
    HrFailureFacts facts;
    char *source;      /* document wanted; NULL for HR_ACTION_EXTRA */
    char *target;      /* document found (the precondition); NULL: missing */
    bool secrets;      /* the source tells some: they are read again when it
                          is written                                      */
    GPtrArray *widens; /* rights that somebody gets by it (char *); or NULL */
    uint64_t content_size; /* bytes that it takes at most; 0: not known; not
                              kept in a file */
    HrRank rank; /* set by hr_plan_add                                */
} HrChange;

/* An item, or a whole listing, that could not be compared. */
typedef struct HrProblem {
    const char *kind; /* of documents; NULL: content.  For ever */
    char *key;        /* "": all of the kind */
    hr_status status;
    char *message;
} HrProblem;

/* Something about a document that no pass can change: what the target cannot
 * hold of it. */
typedef struct HrRemark {
    const char *kind; /* for ever */
    char *key;
    char *message;
} HrRemark;

/* Who asked: what one account sees another may not.  Fingerprints of the
 * logins and their rights; "" where a registry knows none. */
typedef struct HrLogins {
    char source[HR_DIGEST_CAPACITY];
    char target[HR_DIGEST_CAPACITY];
} HrLogins;

typedef struct HrPlan {
    char *sync;
    char *source; /* names of the endpoints */
    char *target;
    HrLogins logins;
    GPtrArray *changes;  /* HrChange */
    GPtrArray *problems; /* HrProblem */
    GPtrArray *remarks;  /* HrRemark */
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

/* The same of a document, or of all of a kind: `key` "". */
void
hr_plan_add_document_problem(HrPlan *plan, const char *kind, const char *key,
                             const GError *error);

void
hr_plan_add_remark(HrPlan *plan, const char *kind, const char *key,
                   const char *message);

/* True for a tag, or what refers to one. */
bool
hr_change_is_content(const HrChange *change);

/* True if it writes to the target. */
bool
hr_change_writes(const HrChange *change);

/* "library/nginx:1.27" of content, "robot library/ci" of a document, for
 * people; caller frees. */
char *
hr_plan_item_name(const char *kind, const char *key);

void
hr_change_free(HrChange *change);

/* Records how a change ended; `error` (NULL: nothing to say) is one of HR_OK
 * for HR_RESULT_DONE. */
void
hr_change_end(HrChange *change, HrResult result, const GError *error);

/* Number of changes of an action. */
uint64_t
hr_plan_count(const HrPlan *plan, HrAction action);

/* True if there is something to write. */
bool
hr_plan_has_work(const HrPlan *plan);

/* Sorts changes by their order of writing and key, the rest by key, and
 * computes the hash. */
void
hr_plan_seal(HrPlan *plan);

/* The hash of everything else in a plan that is in order. */
void
hr_plan_hash(const HrPlan *plan, char hash[HR_DIGEST_CAPACITY]);

/* The plan as a JSON value of a sealed plan; the caller's. */
HrJson *
hr_plan_to_json(const HrPlan *plan);

/* Reads a plan and checks its hash.  HR_INVALID with a sentence. */
HrPlan *
hr_plan_from_json(const HrJson *json, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrPlan, hr_plan_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrChange, hr_change_free)

#endif
