/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Semver: versions in tags, and ranges of them, in the language that skopeo
 * and Harbor use:
 *
 *     >=1.2.0, <2   ^1.4   ~1.2   1.x   1.2 - 1.4   !=1.3.7   || between
 *                                                             alternatives
 *
 * Versions are read generously: a leading v, a missing minor or patch number
 * and leading zeros of numbers are no mistake.  A pre-release lies in a range
 * only if one of its comparators names one, or the caller wants them all.
 */
#ifndef HR_MODEL_SEMVER_H
#define HR_MODEL_SEMVER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct HrVersion {
    uint64_t number[3]; /* major, minor, patch */
    char *prerelease;   /* "rc.1"; "" for none */
} HrVersion;

typedef struct HrVersionRange HrVersionRange;

/* Reads a tag as a version; cleared by hr_version_clear.  False if it is
 * none. */
bool
hr_version_parse(HrVersion *version, const char *text);

void
hr_version_clear(HrVersion *version);

/* Below 0, 0, above 0, as the specification orders them; build metadata does
 * not count. */
int
hr_version_compare(const HrVersion *one, const HrVersion *other);

/* NULL and HR_CONFIG, with the part that is wrong, for what is no range. */
HrVersionRange *
hr_version_range_parse(const char *text, GError **error);

void
hr_version_range_free(HrVersionRange *range);

bool
hr_version_range_holds(const HrVersionRange *range, const HrVersion *version,
                       bool prereleases);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrVersionRange, hr_version_range_free)

#endif
