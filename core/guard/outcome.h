/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Outcome: the words in which all guards speak of requests.
 *
 * Every error has a category (what happened: an hr_status) and an eligibility
 * (what may be done about it).  Guards decide from these two, never from the
 * text of a message.
 */
#ifndef HR_GUARD_OUTCOME_H
#define HR_GUARD_OUTCOME_H

#include <harbor-replicator/hr-abi.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Kinds of requests that fail, and are limited, apart from each other. */
typedef enum HrOperationClass {
    HR_CLASS_AUTH,  /* tokens                                     */
    HR_CLASS_READ,  /* metadata: GET, HEAD                        */
    HR_CLASS_WRITE, /* metadata: POST, PUT, PATCH, DELETE         */
    HR_CLASS_BLOB,  /* bodies of blobs, either way                */
    HR_CLASS_COUNT
} HrOperationClass;

/* How much somebody cares; smaller is more urgent. */
typedef enum HrPriority {
    HR_PRIORITY_INTERACTIVE, /* somebody sits before the terminal           */
    HR_PRIORITY_SECURITY,    /* revocations, permissions                    */
    HR_PRIORITY_NORMAL,
    HR_PRIORITY_BULK, /* first copies, backfill                      */
    HR_PRIORITY_COUNT
} HrPriority;

/* What became of one attempt. */
typedef struct HrOutcome {
    hr_status status; /* HR_OK, or the category                      */
    HrEligibility eligibility;
    bool idempotent;        /* the operation may be done twice             */
    bool sent;              /* any of it may have reached the server       */
    bool connect_failed;    /* no connection, name or handshake            */
    bool elsewhere;         /* it was another server that failed (tokens)  */
    int64_t retry_after_us; /* what the server asked for, 0 for nothing    */
    int64_t latency_us;     /* until the first byte of the answer          */
    uint64_t bytes;         /* of bodies, both ways                        */
} HrOutcome;

/* A source of numbers uniform in [0, 1): jitter needs one, tests give their
 * own. */
typedef struct HrRandom {
    double (*next)(void *data);
    void *data;
} HrRandom;

static inline double
hr_random_next(const HrRandom *random)
{
    return random->next(random->data);
}

/* True for what was decided here and not by the server (rejected, cancelled,
 * short of memory, a bug), or by another one: no guard may take it for a
 * failure of the endpoint, nor for a success. */
static inline bool
hr_outcome_is_local(const HrOutcome *outcome)
{
    if (outcome->elsewhere)
        return true;
    switch (outcome->status) {
    case HR_LOCAL_REJECT:
    case HR_LOCAL_RESOURCE:
    case HR_CANCELLED:
    case HR_BUG:
    case HR_CONFIG:
        return true;
    default:
        return false;
    }
}

/* True for what says that the endpoint is ill: 5xx, timeout, connection, TLS
 * reset.  A refusal (4xx) is an answer of a healthy server; throttling is the
 * limiters' business. */
static inline bool
hr_outcome_is_failure(const HrOutcome *outcome)
{
    switch (outcome->status) {
    case HR_TRANSIENT:
    case HR_TIMEOUT:
    case HR_NETWORK:
    case HR_TLS:
        return true;
    case HR_OVERLOAD:
        return outcome->retry_after_us == 0;
    default:
        return false;
    }
}

#endif
