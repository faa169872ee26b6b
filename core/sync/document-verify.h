/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Document verify: the documents of both sides, held against each other.  One
 * that only the target has is a difference; what the target cannot hold is
 * none, and listed beside them.
 */
#ifndef HR_SYNC_DOCUMENT_VERIFY_H
#define HR_SYNC_DOCUMENT_VERIFY_H

#include <glib.h>
#include <stdbool.h>

#include "sync/pass.h"
#include "sync/verify.h"

/* Adds to the result, which nobody else uses meanwhile.  False if the pass was
 * cancelled.  Not from a worker. */
bool
hr_document_verify(const HrPass *pass, HrVerification *result, GError **error);

#endif
