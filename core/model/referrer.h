/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Referrer: a manifest that has another as its `subject`: a signature, an
 * SBOM.
 *
 * A registry lists what refers to a digest, or leaves that to its clients:
 * then they keep an index under a tag that is made of the digest (the
 * distribution specification's referrers tag schema).
 *
 *     sha256:ab12...  -->  sha256-ab12...        index of its referrers
 *                          sha256-ab12....sig    cosign's way, of before:
 *                          sha256-ab12....att    artifacts without subject
 *                          sha256-ab12....sbom
 */
#ifndef HR_MODEL_REFERRER_H
#define HR_MODEL_REFERRER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/manifest.h"

/* Referrers of one manifest; nobody has as many. */
#define HR_REFERRERS_LIMIT 10000

/* How far referrers of referrers are followed. */
#define HR_REFERRER_DEPTH_LIMIT 8

/* An entry of a list of referrers. */
typedef struct HrReferrer {
    char *digest;
    char *media_type;
    int64_t size;
    char *artifact_type; /* or NULL                              */
    char *text;          /* the whole descriptor, canonical JSON */
} HrReferrer;

void
hr_referrer_free(HrReferrer *referrer);

/* The entry that a list has for a manifest with a subject. */
HrReferrer *
hr_referrer_describe(const HrManifest *manifest, GError **error);

/* A list of HrReferrer, each digest once; the caller's. */
GPtrArray *
hr_referrers_new(void);

/* Adds what an index lists; `text` is the index, or a page of one.  HR_INVALID
 * names the entry that is none. */
bool
hr_referrers_read(GPtrArray *referrers, const char *text, size_t size,
                  GError **error);

/* True if the list has every entry of `wanted`, by digest. */
bool
hr_referrers_have(const GPtrArray *referrers, const GPtrArray *wanted);

/* The index of a fallback tag: what `current` lists (NULL: there is none),
 * with `added` in place of entries of the same digest.  Everything else in
 * `current` keeps its meaning; the same entries always make the same bytes.
 * `like` (may be NULL) is returned as it is if it lists the same.  HR_CONFLICT
 * if `current` is no OCI index. */
HrManifest *
hr_referrers_merge(const HrManifest *current, const GPtrArray *added,
                   const HrManifest *like, GError **error);

/* What a tag is to a digest. */
typedef enum HrCompanion {
    HR_COMPANION_NONE,
    HR_COMPANION_FALLBACK, /* lists its referrers */
    HR_COMPANION_COSIGN
} HrCompanion;

/* By its name alone. */
HrCompanion
hr_companion_of(const char *tag);

/* The fallback tag of a digest.  Caller frees. */
char *
hr_referrers_tag(const char *digest);

/* Its companions of all kinds, the fallback tag first; ends in NULL.  Caller
 * frees. */
char **
hr_companion_tags(const char *digest);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrReferrer, hr_referrer_free)

#endif
