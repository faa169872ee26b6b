/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Document write: one change of a document being made. */
#ifndef HR_SYNC_DOCUMENT_WRITE_H
#define HR_SYNC_DOCUMENT_WRITE_H

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "sync/pass.h"
#include "sync/plan.h"

/* Makes a change, if it is still to be made.  Where the two sides are no longer
 * as planned it is compared anew, and the change says what was done instead; an
 * exact pass refuses.  May be asked again after a failure: *attempted, false at
 * first, is for its own use.  `*error` says why it failed, or (HR_OK) why it
 * was skipped or what is to be known of it.  `written` counts. */
HrResult
hr_document_write_run(const HrPass *pass, HrCall *call, HrChange *change,
                      bool fresh, bool *attempted,
                      atomic_uint_least64_t *written, GError **error);

#endif
