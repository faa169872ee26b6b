/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fallback tag: the index of what refers to a manifest, which clients keep
 * themselves where the registry has no such lists.
 *
 *     read --> merge --> look: still what was read? --no--> read again
 *       |                   |
 *       |                 write --> look: is it ours? --no--> read again
 *       |                                  |
 *       '--has all of it: done           done
 *
 * Others write it too, and nothing in the protocol forbids that they do so at
 * the same time.  What can be noticed is done over, a bounded number of times;
 * nothing that somebody else put there is ever taken out.
 */
#ifndef HR_SYNC_FALLBACK_TAG_H
#define HR_SYNC_FALLBACK_TAG_H

#include <glib.h>
#include <stdbool.h>

#include "model/referrer.h"
#include "plug/registry.h"

/* Where a tag is kept. */
typedef struct HrFallbackStore {
    /* Its index; *index is NULL if there is none. */
    bool (*read)(void *data, HrManifest **index, GError **error);
    /* Digest that it leads to, "" if there is none. */
    bool (*look)(void *data, char digest[HR_DIGEST_CAPACITY], GError **error);
    /* Makes it lead to another index.  HR_PRECONDITION, HR_CONFLICT: it was
     * not `expected` any more. */
    bool (*write)(void *data, const HrManifest *index, const char *expected,
                  GError **error);
    void *data;
} HrFallbackStore;

/* Sees to it that the tag lists `entries` (HrReferrer); `like` as in
 * hr_referrers_merge.  HR_CONFLICT if others got in between every time. */
bool
hr_fallback_tag_grow(const HrFallbackStore *store, const GPtrArray *entries,
                     const HrManifest *like, GError **error);

/* The tag of one manifest in a registry; everything is borrowed. */
typedef struct HrFallbackTag {
    HrRegistry *registry;
    HrCall *call;
    const char *repository;
    const char *name; /* hr_referrers_tag */
} HrFallbackTag;

/* Its index; *index is NULL if there is none. */
bool
hr_fallback_tag_read(const HrFallbackTag *tag, HrManifest **index,
                     GError **error);

/* As hr_fallback_tag_grow; *written grows by the manifests put. */
bool
hr_fallback_tag_update(const HrFallbackTag *tag, const GPtrArray *entries,
                       const HrManifest *like, unsigned *written,
                       GError **error);

#endif
