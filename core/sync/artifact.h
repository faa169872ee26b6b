/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Artifact: a manifest and everything below it that a target still lacks.
 *
 * Of an index only the children for wanted platforms may be loaded.  Children
 * without a platform belong to all of them, attestations to the image that
 * they are about, and indexes inside are looked into.  The index itself stays
 * as it is and is then sparse on the target, so that one that a target has
 * says nothing about its children: those are asked about one by one.  Nor does
 * an image that a target has say anything about its foreign layers.
 */
#ifndef HR_SYNC_ARTIFACT_H
#define HR_SYNC_ARTIFACT_H

#include <glib.h>
#include <stdbool.h>

#include "model/manifest.h"
#include "plug/registry.h"
#include "sync/gathering.h"

typedef struct HrArtifact {
    GPtrArray *manifests; /* HrManifest; children before parents, root last */
    GPtrArray *looked;    /* HrManifest that the target has, which are not
                             brought, but looked into                      */
    GPtrArray *blobs;     /* HrDescriptor of those manifests, each once;
                             borrowed from them                            */
    bool sparse;          /* children were left out */
} HrArtifact;

/* Where an artifact is read from and, to leave out children that are there
 * already, where it will be written to (`target` NULL: nowhere, load all). */
typedef struct HrArtifactPlace {
    HrRegistry *source;
    const char *source_repository;
    HrRegistry *target;
    const char *target_repository;
    const GPtrArray *platforms; /* HrPlatform wanted; NULL: all */
    bool foreign_layers;        /* are blobs of it, too */
    HrGathering *gathering;     /* others that read the same; or NULL */
} HrArtifactPlace;

/* Loads the artifact with this root digest.  Errors name the manifest.
 * HR_INVALID when an index is nested deeper than HR_INDEX_DEPTH_LIMIT or the
 * artifact has more than HR_MANIFEST_GRAPH_LIMIT manifests; HR_NOT_FOUND when
 * the root is not there, HR_PRECONDITION when something below it is not;
 * HR_UNSUPPORTED when none of its images is for a wanted platform. */
HrArtifact *
hr_artifact_load(const HrArtifactPlace *place, const char *digest,
                 HrCall *call, GError **error);

/* Which of an index's children are for wanted platforms (NULL: all are);
 * caller frees. */
bool *
hr_artifact_choose(const GPtrArray *platforms, const GPtrArray *children);

/* An artifact of which only the root is left to bring; takes a reference. */
HrArtifact *
hr_artifact_new_root(HrManifest *root);

/* The root. */
const HrManifest *
hr_artifact_root(const HrArtifact *artifact);

void
hr_artifact_free(HrArtifact *artifact);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrArtifact, hr_artifact_free)

#endif
