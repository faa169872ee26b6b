/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Creation: finds out when the image of a digest was created.
 *
 *     index   its annotation, or else the newest of its images
 *     image   `created` of its config, or else its annotation
 *     other   its annotation
 *
 * The annotation is org.opencontainers.image.created.  Whatever a digest says
 * it says for ever, so that answers are remembered for the life of the
 * process, the latest so many of them.
 */
#ifndef HR_SYNC_CREATION_H
#define HR_SYNC_CREATION_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/created.h"
#include "plug/registry.h"

/* What is remembered; used from any thread. */
typedef struct HrCreationMemory HrCreationMemory;

HrCreationMemory *
hr_creation_memory_new(size_t limit);

void
hr_creation_memory_free(HrCreationMemory *memory);

/* False if nothing is remembered of this digest. */
bool
hr_creation_memory_find(HrCreationMemory *memory, const char *digest,
                        int64_t *created_us);

void
hr_creation_memory_add(HrCreationMemory *memory, const char *digest,
                       int64_t created_us);

/* Manifests that were read (digest -> HrManifest), kept for who tries again
 * after a failure: under a tight limit, asking for them anew would leave no
 * room for what comes after them.  For one thread at a time. */
GHashTable *
hr_creation_manifests_new(void);

/* Reads manifests and configs as needed.  *created_us is HR_CREATED_UNKNOWN if
 * the artifact does not say, and for an index with more than 64 manifests
 * below it.  False if they could not be read; HR_NOT_FOUND: the manifest of
 * this digest is gone. */
bool
hr_creation_find(HrCreationMemory *memory, GHashTable *manifests,
                 HrRegistry *registry, const char *repository,
                 const char *digest, HrCall *call, int64_t *created_us,
                 GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrCreationMemory, hr_creation_memory_free)

#endif
