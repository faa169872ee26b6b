/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Manifest: what an artifact is made of.  Reads image manifests, indexes,
 * and their Docker schema 2 forms; never writes one: bytes are passed on as
 * they came.
 */
#ifndef HR_MODEL_MANIFEST_H
#define HR_MODEL_MANIFEST_H

#include <glib.h>
#include <harbor-replicator/hr-abi.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/platform.h"

/* Bounds on what a registry may send (DESIGN.md 6). */
#define HR_MANIFEST_LIMIT_BYTES (4 * 1024 * 1024)
#define HR_INDEX_DEPTH_LIMIT 4
#define HR_MANIFEST_GRAPH_LIMIT 10000

/* Reference to content: digest (of valid grammar), size and type. */
typedef struct HrDescriptor {
    char *digest;
    char *media_type;
    int64_t size;
    bool foreign;         /* a layer that is not distributed by the registry */
    HrPlatform *platform; /* of an image in an index; or NULL */
    char **urls;          /* of a foreign one: addresses by https; or NULL */
    char *attests; /* digest of the image that this one, of an index, says
                      something about (BuildKit's attestations); or NULL */
} HrDescriptor;

/* Not changed once it is made; shared by those who hold a reference. */
typedef struct HrManifest {
    atomic_int references;
    char *digest;
    char *media_type;
    GBytes *bytes;
    GPtrArray *blobs;      /* HrDescriptor: config and layers; each digest
                              once                                        */
    GPtrArray *children;   /* HrDescriptor: manifests of an index         */
    HrDescriptor *subject; /* what a referrer refers to, or NULL          */
    int64_t created_us;    /* by its annotation; see model/created.h      */
} HrManifest;

/* Takes `bytes` apart.  `media_type` is what the registry said (NULL: look
 * inside).  Errors are HR_INVALID, HR_UNSUPPORTED (schema 1, unknown type)
 * and name the field; the digest is computed with the algorithm of
 * `expected_digest` (NULL: sha256), HR_INTEGRITY if it is not that. */
HrManifest *
hr_manifest_parse(GBytes *bytes, const char *media_type,
                  const char *expected_digest, GError **error);

HrManifest *
hr_manifest_ref(HrManifest *manifest);

/* Gives back a reference, the first one included. */
void
hr_manifest_free(HrManifest *manifest);

/* True if media type `type` is one of an index or Docker manifest list. */
bool
hr_media_type_is_index(const char *type);

/* True if `type` is one of the config of an image, which says when the image
 * was created and for which platform it is. */
bool
hr_media_type_is_image_config(const char *type);

/* The media types to put into Accept, ends in NULL. */
extern const char *const hr_manifest_media_types[];

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrManifest, hr_manifest_free)

#endif
