/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tag ages: finds out when the tags of a selection were created, a few tags a
 * job.  Internal to the walk.
 *
 *     HEAD of the tags --> what the memory knows of their digests
 *                     \-> GET of manifests and configs for the rest
 *
 * No job waits for the others: whichever is the last to end goes on with what
 * comes after.
 */
#ifndef HR_SYNC_TAG_AGES_H
#define HR_SYNC_TAG_AGES_H

#include "sync/pass.h"
#include "sync/selection.h"

/* Fills in the candidates that are in, then calls `then` once, on a worker.
 * A tag that is gone, or could not be looked at, says so in `seen`.  The
 * caller is in the pass's group until then, and keeps what is given here. */
void
hr_tag_ages_find(const HrPass *pass, const char *repository,
                 HrSelection *selection, void (*then)(void *data), void *data);

#endif
