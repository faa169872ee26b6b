/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Platform: what an image runs on. */
#include "model/platform.h"

#include <string.h>

#include "base/error.h"

#define PART_LIMIT 32

/* The words of the Go language, which images use. */
static bool
is_part(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-");

    return length > 0 && length <= PART_LIMIT && text[length] == '\0';
}

/* Words that people know from elsewhere. */
static const char *
correct_architecture(const char *architecture)
{
    static const char *const others[][2] = {
        {"x86_64", "amd64"}, {"x86-64", "amd64"}, {"aarch64", "arm64"},
        {"armv7l", "arm"},   {"armhf", "arm"},    {"i386", "386"},
        {"i686", "386"},     {"x86", "386"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
        if (strcmp(others[i][0], architecture) == 0)
            return others[i][1];
    return NULL;
}

HrPlatform *
hr_platform_parse(const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 4);
    guint count = g_strv_length(parts);
    HrPlatform *platform = NULL;
    const char *other;

    if (count < 2 || count > 3) {
        hr_error_set(error, HR_CONFIG,
                     "'%s' is not of the form os/architecture or "
                     "os/architecture/variant: \"linux/amd64\"",
                     text);
        return NULL;
    }
    other = correct_architecture(parts[1]);
    if (other != NULL) {
        hr_error_set(error, HR_CONFIG,
                     "'%s': images call this architecture %s", text, other);
        return NULL;
    }
    platform = hr_platform_new(parts[0], parts[1], parts[2]);
    if (platform == NULL || (count == 3 && platform->variant == NULL)) {
        g_clear_pointer(&platform, hr_platform_free);
        hr_error_set(error, HR_CONFIG,
                     "'%s' is no platform: write it in lower-case letters "
                     "and digits, as \"linux/arm64/v8\"",
                     text);
    }
    return platform;
}

HrPlatform *
hr_platform_new(const char *os, const char *architecture, const char *variant)
{
    HrPlatform *platform;

    if (os == NULL || architecture == NULL || !is_part(os) ||
        !is_part(architecture) || strcmp(os, "unknown") == 0 ||
        strcmp(architecture, "unknown") == 0)
        return NULL;
    platform = g_new0(HrPlatform, 1);
    platform->os = g_strdup(os);
    platform->architecture = g_strdup(architecture);
    if (variant != NULL && is_part(variant))
        platform->variant = g_strdup(variant);
    return platform;
}

void
hr_platform_free(HrPlatform *platform)
{
    if (platform == NULL)
        return;
    g_free(platform->os);
    g_free(platform->architecture);
    g_free(platform->variant);
    g_free(platform);
}

static const char *
find_variant(const HrPlatform *platform)
{
    static const char *const usual[][2] = {
        {"arm64", "v8"}, {"arm", "v7"}, {"amd64", "v1"}};

    if (platform->variant != NULL)
        return platform->variant;
    for (unsigned i = 0; i < G_N_ELEMENTS(usual); i++)
        if (strcmp(usual[i][0], platform->architecture) == 0)
            return usual[i][1];
    return NULL;
}

bool
hr_platform_holds(const HrPlatform *wanted, const HrPlatform *platform)
{
    return strcmp(wanted->os, platform->os) == 0 &&
           strcmp(wanted->architecture, platform->architecture) == 0 &&
           (wanted->variant == NULL ||
            g_strcmp0(wanted->variant, find_variant(platform)) == 0);
}

char *
hr_platform_text(const HrPlatform *platform)
{
    return g_strjoin("/", platform->os, platform->architecture,
                     platform->variant, NULL);
}
