/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Broken uploads: what a target has of blobs whose upload broke off, until
 * somebody brings them again.
 *
 *     attempt --breaks off--> put --- the job is put off --- take --> goes on
 *                              \---- nobody comes: free ends the session
 *
 * This is all that is known of an upload between its attempts.  From any
 * thread.
 */
#ifndef HR_SYNC_BROKEN_UPLOADS_H
#define HR_SYNC_BROKEN_UPLOADS_H

#include <glib.h>

#include "plug/registry.h"

typedef struct HrBrokenUploads HrBrokenUploads;

/* `cancel` is that of the pass: once it is triggered no registry is asked. */
HrBrokenUploads *
hr_broken_uploads_new(HrCancel *cancel);

/* Ends all sessions that are left, as far as that takes no longer than a few
 * seconds: registries clean up by themselves, too. */
void
hr_broken_uploads_free(HrBrokenUploads *broken);

/* Takes over a transfer that may be resumed.  Beyond a hundred the oldest is
 * given up. */
void
hr_broken_uploads_put(HrBrokenUploads *broken, HrTransfer *transfer);

/* The one of that blob and repository, which is the caller's now; or NULL. */
HrTransfer *
hr_broken_uploads_take(HrBrokenUploads *broken, const char *repository,
                       const char *digest);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrBrokenUploads, hr_broken_uploads_free)

#endif
