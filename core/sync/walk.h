/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walk: every selected tag, seen on both sides.
 *
 *     repositories --> one job each: tags --> selection --> batches of 64:
 *     (or names)         (or names)            |     ^       resolve both sides
 *                                              '-ages'               |
 *                                              (batches of 16)       v
 *                                                      visit, once per batch
 *
 * Where many tags are wanted, the target's list is asked for first: a tag that
 * it does not have needs no question of its own.  The same list tells which of
 * the immutable tags are there already.
 *
 * A repository whose tags could not be listed is a problem of its own and
 * counts as not seen: nothing may be concluded from its absence.
 */
#ifndef HR_SYNC_WALK_H
#define HR_SYNC_WALK_H

#include <glib.h>
#include <harbor-replicator/hr-registry.h>
#include <stdbool.h>

#include "sync/pass.h"
#include "sync/selection.h"

/* What ties something to what was selected, though no rule names it. */
typedef struct HrTie {
    const char *reason;  /* "refers to app:1.0 (text/sbom)" */
    const char *subject; /* digest that a referrer refers to; may be NULL */
    bool referrer;       /* named by its digest */
    bool listed;         /* the target has it, and lists it as a referrer */
} HrTie;

/* One tag on both sides.  `named`: the configuration asks for it by name, so
 * that its absence on the source is a failure. */
typedef struct HrSighting {
    const hr_manifest_query *source;
    const hr_manifest_query *target;
    bool named;
    const HrTie *tie;      /* NULL: it was selected itself */
    uint64_t content_size; /* of the source's, with all that belongs to it,
                              bytes; 0: not known */
} HrSighting;

typedef struct HrVisitor {
    /* A batch was resolved on both sides; on a worker, several at once. */
    void (*visit)(void *data, HrCall *call, const HrSighting *sightings,
                  size_t count);
    /* What is selected of a repository that the source has; NULL if its tags
     * were named and not listed.  May be NULL. */
    void (*listed)(void *data, HrCall *call, const char *repository,
                   const HrSelection *selection);
    /* So many tags are immutable and the target has them: they count as seen.
     * NULL, or a complete pass: they are asked about as all others are. */
    void (*immutable)(void *data, size_t count);
    /* The target has no such repository (its name there); before any tag of
     * it is visited.  May be NULL. */
    void (*absent)(void *data, const char *target_repository);
    /* True if the target is known to have no such repository: it is not
     * asked.  From any worker.  May be NULL. */
    bool (*lacks)(void *data, const char *target_repository);
    /* A listing or a batch failed. */
    void (*problem)(void *data, const char *key, const GError *error);
    void *data;
    bool follows; /* wants to see what hangs on the tags, if the pass does */
    bool proves;  /* wants to be sure of it, whatever that costs */
} HrVisitor;

/* Asks `lacks`, if the visitor has that. */
bool
hr_visitor_lacks(const HrVisitor *visitor, const char *target_repository);

/* Walks everything that the pass selects.  False if not even the list of
 * repositories could be had, or the pass was cancelled.  Not from a
 * worker. */
bool
hr_walk(const HrPass *pass, const HrVisitor *visitor, GError **error);

/* One artifact, from one key to another, and what hangs on it. */
bool
hr_walk_one(const HrPass *pass, const char *source_key, const char *target_key,
            const HrVisitor *visitor, GError **error);

/* Resolves one given list: keys on the source and on the target, `count` of
 * each.  For applying plans. */
bool
hr_walk_keys(const HrPass *pass, const char *const *source_keys,
             const char *const *target_keys, size_t count,
             const HrVisitor *visitor, GError **error);

#endif
