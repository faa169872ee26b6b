/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Seen content: the artifacts that a walk has selected, where rules choose
 * among tags, and their repositories.  Documents about artifacts (their labels)
 * and repositories are wanted only for these: the others are none of the sync's
 * business.
 */
#ifndef HR_SYNC_SEEN_CONTENT_H
#define HR_SYNC_SEEN_CONTENT_H

#include <glib.h>
#include <stdbool.h>

#include "sync/plan.h"
#include "sync/verify.h"
#include "sync/walk.h"

typedef struct HrSeenContent HrSeenContent;

/* NULL where the pass selects all tags, or asks about none. */
HrSeenContent *
hr_seen_content_new(const HrPass *pass);

void
hr_seen_content_free(HrSeenContent *seen);

/* Takes a sighting; from any worker.  `seen` may be NULL. */
void
hr_seen_content_note(HrSeenContent *seen, const HrSighting *sighting);

/* Takes changes of documents about others out of a plan, unless there are
 * immutable tags that the walk has not looked at.  `seen` may be NULL: nothing
 * is done.  After the walk. */
void
hr_seen_content_narrow_plan(const HrSeenContent *seen, HrPlan *plan);

/* Differences of such documents are none.  Likewise. */
void
hr_seen_content_narrow_verification(const HrSeenContent *seen,
                                    HrVerification *verification);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrSeenContent, hr_seen_content_free)

#endif
