/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz: what the targets share. */
#include "fuzz.h"

#include <string.h>

/* Every complaint of GLib is a finding. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
    return 0;
}

char *
fuzz_text(const uint8_t *data, size_t size)
{
    return g_strndup((const char *)data, strnlen((const char *)data, size));
}

char **
fuzz_lines(const uint8_t *data, size_t size, unsigned limit)
{
    g_autofree char *text = fuzz_text(data, size);

    return g_strsplit(text, "\n", (int)limit);
}

void
fuzz_check_digest(const char *digest)
{
    size_t wanted = 0;

    g_assert_nonnull(digest);
    if (strncmp(digest, "sha256:", 7) == 0)
        wanted = 64;
    else if (strncmp(digest, "sha512:", 7) == 0)
        wanted = 128;
    else
        g_error("no digest: '%s'", digest);
    g_assert_cmpuint(strlen(digest), ==, 7 + wanted);
    for (const char *c = digest + 7; *c != '\0'; c++)
        g_assert_true((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'f'));
}

void
fuzz_check_error(gboolean failed, const GError *error)
{
    if (!failed) {
        g_assert_no_error(error);
        return;
    }
    g_assert_nonnull(error);
    g_assert_cmpstr(error->message, !=, "");
}
