/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Apply: carries out a plan, one job a change.
 *
 *     load ---> move blobs ---> publish children, then the tag ---> done
 *                  |   ^            |
 *                  |   '- resumed when a blob that another job moves is there
 *                  '- parks         '- deferred: a referrer waits for the
 *                                      wave after its subject's
 *
 * A tag is the last thing that becomes visible.  A failed change blocks what
 * refers to it and never its siblings.
 *
 * Documents (sync/document-apply.h) are written before and after content, as
 * their rank is; content waits for the project that it lies in.
 */
#ifndef HR_SYNC_APPLY_H
#define HR_SYNC_APPLY_H

#include <glib.h>

#include "sync/blobs.h"
#include "sync/pass.h"
#include "sync/plan.h"

/* Carries out every change of the plan that writes, and records in each how
 * it ended.  `counts` is added to.  Returns when all have ended; a cancelled
 * pass ends its changes as failed.  Not from a worker. */
void
hr_apply_run(const HrPass *pass, HrPlan *plan, HrWriteCounts *counts);

#endif
