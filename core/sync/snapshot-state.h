/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshot, inside: what its own files share.  Nobody else includes this. */
#ifndef HR_SYNC_SNAPSHOT_STATE_H
#define HR_SYNC_SNAPSHOT_STATE_H

#include "sync/snapshot.h"

/* The kinds that documents are asked for (HrKind, owned); the others are told
 * to the visitor, or logged. */
GPtrArray *
hr_snapshot_choose(const HrPass *pass, char *const *kinds, bool writes,
                   const HrDocumentVisitor *visitor);

#endif
