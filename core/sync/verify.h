/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verify: proves that the target equals the source, or lists where not.
 *
 * Every selected tag must have the same digest on both sides, and everything
 * below it must be on the target: manifests are read and their digests
 * computed, blobs must be there with their size.  `deep` reads the blobs too.
 * What hangs on the tags must be there as well, and be listed; that the target
 * lists more than the source is no difference.  Documents must be as the
 * target can hold them (sync/document-verify.h).
 * Writes nothing.
 */
#ifndef HR_SYNC_VERIFY_H
#define HR_SYNC_VERIFY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "sync/pass.h"

/* How an item differs. */
typedef enum HrDifferenceKind {
    HR_DIFFERENCE_MISSING, /* the target lacks it                     */
    HR_DIFFERENCE_EXTRA,   /* the target has it, the source does not  */
    HR_DIFFERENCE_OTHER,   /* another digest                          */
    HR_DIFFERENCE_DAMAGED, /* same digest, but content is not whole   */
    HR_DIFFERENCE_UNKNOWN, /* could not be looked at                  */
    HR_DIFFERENCE_KEPT     /* not selected any more, and still there  */
} HrDifferenceKind;

const char *
hr_difference_name(HrDifferenceKind kind);

typedef struct HrDifference {
    HrDifferenceKind kind;
    const char *item_kind; /* of a document; NULL: content.  For ever */
    char *key;
    char *message;
} HrDifference;

typedef struct HrVerification {
    GPtrArray *differences; /* HrDifference, sorted by key */
    GPtrArray *kept;        /* HrDifference that are none: what latest chose
                               once stays until somebody deletes it       */
    uint64_t checked;       /* tags and documents compared         */
    uint64_t equal;         /* of those, equal and whole           */
    uint64_t manifests;     /* read and hashed on the target       */
    uint64_t blobs;         /* found, or with `deep` read, there   */
} HrVerification;

/* NULL if there is nothing to say: a side is away, the pass was cancelled. */
HrVerification *
hr_verify_run(const HrPass *pass, bool deep, GError **error);

/* Adds a difference, or what is none (HR_DIFFERENCE_KEPT).  `item_kind` NULL
 * for content. */
void
hr_verification_add(HrVerification *result, HrDifferenceKind kind,
                    const char *item_kind, const char *key,
                    const char *message);

void
hr_verification_free(HrVerification *verification);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrVerification, hr_verification_free)

#endif
