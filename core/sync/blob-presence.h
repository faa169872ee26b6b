/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blob presence: whether a registry has all of some blobs. */
#ifndef HR_SYNC_BLOB_PRESENCE_H
#define HR_SYNC_BLOB_PRESENCE_H

#include <glib.h>
#include <stdbool.h>

#include "model/manifest.h"
#include "plug/registry.h"

/* Asks about blobs (HrDescriptor) of a repository.  *missing is the first that
 * is not there, or has another size, NULL if there is none.  False if not all
 * of them could be asked about and none is known to be missing; the error
 * names the blob. */
bool
hr_blob_presence_check(HrRegistry *registry, const char *repository,
                       const GPtrArray *blobs, HrCall *call,
                       const HrDescriptor **missing, GError **error);

#endif
