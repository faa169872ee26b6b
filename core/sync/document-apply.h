/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Document apply: writes the documents of a plan, one rank (model/kind.h)
 * after the other; within one, each change is a job.
 *
 *     read target ---> as planned? ---> write ---> read it back ---> done
 *                           |                          '- differs: failed
 *                           '- no: compare anew; an exact pass: failed, stale
 *
 * Where the source tells secrets, it is read as well: plans have none.
 * What could not be created blocks what needs it, and nothing else.
 */
#ifndef HR_SYNC_DOCUMENT_APPLY_H
#define HR_SYNC_DOCUMENT_APPLY_H

#include <glib.h>
#include <stdbool.h>

#include "sync/blobs.h"
#include "sync/pass.h"
#include "sync/plan.h"

typedef struct HrDocumentApply HrDocumentApply;

/* All are borrowed; `counts` is added to. */
HrDocumentApply *
hr_document_apply_new(const HrPass *pass, HrPlan *plan, HrWriteCounts *counts);

void
hr_document_apply_free(HrDocumentApply *apply);

/* Writes what has a rank from `first` to before `end`, and records in each
 * change how it ended; returns when all have.  Not from a worker. */
void
hr_document_apply_run(HrDocumentApply *apply, HrRank first, HrRank end);

/* True, with the reason, if a change of content cannot be made since something
 * that it needs could not be created. */
bool
hr_document_apply_blocks(HrDocumentApply *apply, const HrChange *change,
                         GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrDocumentApply, hr_document_apply_free)

#endif
