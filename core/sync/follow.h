/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Follow: what hangs on the tags of one repository, though no rule names it:
 * signatures, SBOMs, and what hangs on those.  Part of the walk.
 *
 *     tags, seen on both sides --> visitor
 *         |
 *         v        a round: about everything that was seen for the first time
 *     source has lists of referrers?
 *         yes: asked for each digest, and for each manifest of an index
 *         no:  companion tags (model/referrer.h) in the list of its tags;
 *              indexes are read only while some of these belong to nobody yet
 *         |
 *         v
 *     what was found is seen on both sides --> visitor; the next round
 *
 * A fallback tag is no tag like others: where it differs, its entries are what
 * is looked at, since the target may list more than the source does.  Where it
 * is equal, it is shown as a tag, and all that it lists is there.
 *
 * What refers to a manifest is shown with its digest.  If the target has it,
 * it is `listed` there or not: a registry with lists does that itself, of
 * others the fallback tag is looked at.
 *
 * Tags that were named have no list.  Their companions are asked for, with one
 * HEAD for each that there might be, when the tag is new or has moved, and
 * when the visitor wants proof.
 */
#ifndef HR_SYNC_FOLLOW_H
#define HR_SYNC_FOLLOW_H

#include "sync/walk.h"

typedef struct HrFollow HrFollow;

/* Follows the tags of one repository, if there may be something to follow;
 * otherwise NULL.  `selection` is what was listed, NULL if the tags were
 * named; borrowed for this call.  `known` is what the target has, or NULL;
 * the rest is borrowed until the group has been left. */
HrFollow *
hr_follow_new(const HrPass *pass, const HrVisitor *visitor, HrGroup *group,
              const char *source_repository, const char *target_repository,
              const HrSelection *selection, GHashTable *known);

/* To be shown the batches of the walk, which it hands on. */
const HrVisitor *
hr_follow_visitor(const HrFollow *follow);

/* `count` tags will be shown, before they are. */
void
hr_follow_expect(HrFollow *follow, size_t count);

/* All have been announced.  The follow belongs to itself from now on, and ends
 * by itself. */
void
hr_follow_begin(HrFollow *follow);

#endif
