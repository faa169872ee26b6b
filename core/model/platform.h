/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Platform: what an image runs on, written os/architecture[/variant]. */
#ifndef HR_MODEL_PLATFORM_H
#define HR_MODEL_PLATFORM_H

#include <glib.h>
#include <stdbool.h>

typedef struct HrPlatform {
    char *os;
    char *architecture;
    char *variant; /* NULL: none */
} HrPlatform;

/* Reads what a person wrote: "linux/amd64", "linux/arm64/v8".  HR_CONFIG with
 * half a sentence. */
HrPlatform *
hr_platform_parse(const char *text, GError **error);

/* From what an index says (any may be NULL).  NULL for what is no platform:
 * "unknown", or not of the grammar. */
HrPlatform *
hr_platform_new(const char *os, const char *architecture, const char *variant);

void
hr_platform_free(HrPlatform *platform);

/* True if `wanted` means `platform` too: without a variant it means all of
 * them, and what has no variant has the usual one (arm64 v8, arm v7, amd64
 * v1). */
bool
hr_platform_holds(const HrPlatform *wanted, const HrPlatform *platform);

/* As it is written; caller frees. */
char *
hr_platform_text(const HrPlatform *platform);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrPlatform, hr_platform_free)

#endif
