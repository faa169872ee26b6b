/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshot: what both sides hold of the kinds that a pass is about, side by
 * side, one kind after the other being held against its counterpart.
 *
 *     knows ---> list, source ---.
 *        |                       +--> fit ---> visit, pair by pair
 *        '-----> list, target ---'
 *
 * Each list is a job of its own.  The last one of a kind goes on with the rest
 * and lets go of both lists, so that not all kinds are in memory at once.
 */
#ifndef HR_SYNC_SNAPSHOT_H
#define HR_SYNC_SNAPSHOT_H

#include <glib.h>
#include <stdbool.h>

#include "model/kind.h"
#include "plug/documents.h"
#include "sync/pass.h"

/* One document as seen on each side; borrowed. */
typedef struct HrDocumentPair {
    const HrKind *kind;
    const char *key;
    const HrDocument *source; /* NULL: not there */
    const HrDocument *target;
    const HrFit *fit; /* what would become of the source's; NULL without */
} HrDocumentPair;

/* Who looks.  From any worker, several at once. */
typedef struct HrDocumentVisitor {
    /* A pair of which both sides are known. */
    void (*visit)(void *data, HrCall *call, const HrDocumentPair *pair);

    /* Something could not be looked at: a document, what is below a scope, or
     * all of a kind (`key` ""). */
    void (*problem)(void *data, const char *kind, const char *key,
                    const GError *error);

    void *data;
} HrDocumentVisitor;

/* Shows all documents of the pass's kinds, or of `kinds` (ends in NULL) if
 * that is not NULL.  `writes`: only kinds that the target lets us write.  A
 * kind that the configuration names and that cannot be had is a problem; of
 * others it is only logged.  False if the pass was cancelled, or if it is not
 * known which projects are meant.  Not from a worker. */
bool
hr_snapshot_walk(const HrPass *pass, char *const *kinds, bool writes,
                 const HrDocumentVisitor *visitor, GError **error);

#endif
