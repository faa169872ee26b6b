/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blob fetch: reads a small blob into memory. */
#ifndef HR_SYNC_BLOB_FETCH_H
#define HR_SYNC_BLOB_FETCH_H

#include <glib.h>

#include "model/manifest.h"
#include "plug/registry.h"

/* The bytes of a blob, found to have its digest; the caller's.  Repeats what
 * failed for a passing reason, under the retry policy.  HR_INVALID if it is
 * larger than `limit_bytes`: nothing is asked then. */
GBytes *
hr_blob_fetch(HrRegistry *registry, const char *repository,
              const HrDescriptor *blob, int64_t limit_bytes, HrCall *call,
              GError **error);

#endif
