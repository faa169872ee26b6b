/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Content: artifacts that follow from numbers, and the way back from a digest
 * to its numbers.
 */
#ifndef CONTENT_H
#define CONTENT_H

#include <harbor-replicator/hr-host.h>
#include <stdbool.h>

#define CONTENT_MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define CONTENT_CONFIG_CAPACITY 128

/* Where a digest belongs.  Parts below the number of blobs are layers, then
 * come the config and the manifest. */
typedef struct Spot {
    uint32_t repository;
    uint32_t tag;
    uint32_t part;
} Spot;

/* How much there is. */
typedef struct Extent {
    uint32_t repositories, tags, blobs;
    uint64_t size; /* of each layer */
} Extent;

/* One artifact, made up. */
typedef struct Made {
    char config[CONTENT_CONFIG_CAPACITY];
    char *manifest; /* to be freed */
    size_t manifest_size;
    char digest[HR_DIGEST_CAPACITY];
} Made;

typedef struct Content Content;

/* Given by init. */
extern const hr_host *null_host;
extern hr_module *null_module;

/* Ends the program when memory is short, as the host does. */
Content *
content_new(const Extent *extent);

void
content_free(Content *content);

/* Makes the artifact of a tag.  With `remember_blobs` their digests are
 * looked for soon. */
void
content_make(Content *content, Spot spot, bool remember_blobs, Made *made);

/* Finds a digest of a repository. */
bool
content_find(Content *content, hr_call *call, uint32_t repository,
             const char *digest, Spot *spot);

/* Bytes of a layer, from `at` on. */
void
content_bytes(Spot spot, uint64_t at, void *buffer, size_t size);

#endif
