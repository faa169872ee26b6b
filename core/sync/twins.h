/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Twins: tags of one artifact in one repository, as 1, 1.27 and latest often
 * are.  One of them brings the artifact, the others only put their tags.
 *
 *     add      each tag is counted, before any of them begins
 *     enter    the first goes on; the others park until it has left
 *     leave    with its root: all go on, and find it there
 *              without (it failed, or has to wait): the next one tries
 *
 * From any thread once all are added.
 */
#ifndef HR_SYNC_TWINS_H
#define HR_SYNC_TWINS_H

#include <glib.h>
#include <stdbool.h>

#include "model/manifest.h"

typedef struct HrTwins HrTwins;

typedef void (*HrTwinReady)(void *data);

HrTwins *
hr_twins_new(void);

/* Nobody waits. */
void
hr_twins_free(HrTwins *twins);

void
hr_twins_add(HrTwins *twins, const char *repository, const char *digest);

/* True: goes on, until it leaves.  False: it parks, and `ready(data)` is
 * called when it may go on, maybe before this returns. */
bool
hr_twins_enter(HrTwins *twins, const char *repository, const char *digest,
               HrTwinReady ready, void *data);

/* Of one that has entered: the root that a twin has put, with all that it
 * needs, or NULL; the caller's (hr_manifest_free). */
HrManifest *
hr_twins_root(HrTwins *twins, const char *repository, const char *digest);

/* `root` is there now under this tag (a reference is taken, until all tags are
 * there); NULL: it is not. */
void
hr_twins_leave(HrTwins *twins, const char *repository, const char *digest,
               HrManifest *root);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrTwins, hr_twins_free)

#endif
