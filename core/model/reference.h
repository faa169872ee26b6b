/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names: the grammars of repositories and tags, and the spelling of places
 * on the command line (docker://HOST/REPO:TAG, oci:DIR:TAG).
 */
#ifndef HR_MODEL_REFERENCE_H
#define HR_MODEL_REFERENCE_H

#include <glib.h>
#include <stdbool.h>

/* A repository name of the distribution specification, 255 bytes at most. */
bool
hr_repository_valid(const char *name);

/* A tag: [A-Za-z0-9_][A-Za-z0-9._-]{0,127}. */
bool
hr_tag_valid(const char *tag);

/* A tag or a digest. */
bool
hr_reference_valid(const char *reference);

typedef enum HrPlaceKind {
    HR_PLACE_REGISTRY, /* docker:// */
    HR_PLACE_LAYOUT    /* oci:      */
} HrPlaceKind;

/* A place that skopeo's spelling names. */
typedef struct HrPlace {
    HrPlaceKind kind;
    char *host;       /* registry: "localhost:5000"; docker.io as given */
    char *directory;  /* layout                                         */
    char *repository; /* registry                                       */
    char *reference;  /* tag or digest; NULL if none was given          */
} HrPlace;

/* Parses one; HR_INVALID with a sentence that says what is accepted. */
HrPlace *
hr_place_parse(const char *text, GError **error);

void
hr_place_free(HrPlace *place);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrPlace, hr_place_free)

#endif
