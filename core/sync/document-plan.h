/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Document plan: what to do about the documents of both sides.
 *
 *     source    target       what becomes of it
 *     ------------------------------------------------------------------
 *     there     missing      create
 *     there     as it fits   nothing
 *     there     other        the strategy decides: update, keep or refuse
 *     protected, or it       keep, and why
 *     missing   there        extra: told, and left as it is
 *
 * What the target cannot hold of a document is a remark, and no difference.  A
 * change that gives somebody rights that he had not there says so, or is
 * refused, as the pass says (model/rights.h).
 */
#ifndef HR_SYNC_DOCUMENT_PLAN_H
#define HR_SYNC_DOCUMENT_PLAN_H

#include <glib.h>
#include <stdbool.h>

#include "sync/pass.h"
#include "sync/plan.h"
#include "sync/snapshot.h"

/* Adds the changes of all documents to the plan.  False if the pass was
 * cancelled.  Nobody else uses the plan meanwhile.  Not from a worker. */
bool
hr_document_plan_add(const HrPass *pass, HrPlan *plan, GError **error);

/* What to do about one pair: the caller's; NULL without error if nothing.  Its
 * rights are not yet looked at. */
HrChange *
hr_document_plan_compare(const HrPass *pass, HrCall *call,
                         const HrDocumentPair *pair, GError **error);

/* The reason why a document is never written, the caller's; or NULL. */
char *
hr_document_plan_protection(const HrDocumentPair *pair);

/* Looks at the rights that a change would give; it may be refused for them.
 * `fresh`: its project is created with it. */
void
hr_document_plan_judge_rights(const HrPass *pass, HrChange *change,
                              bool fresh);

/* The same of all changes of a plan: who comes into a project that is created
 * with it gets nothing that was anybody's. */
void
hr_document_plan_judge_all(const HrPass *pass, HrPlan *plan);

/* Looks at both sides of the documents of a plan again; tells `stale` the name
 * of each that is no longer as planned, and on which side, or why it could not
 * be looked at.  False if the pass was cancelled.  Not from a worker. */
bool
hr_document_plan_check(const HrPass *pass, const HrPlan *plan,
                       void (*stale)(void *data, const char *name,
                                     const char *side),
                       void *data, GError **error);

#endif
