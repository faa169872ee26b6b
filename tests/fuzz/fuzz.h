/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz: what the targets share.  A target is one file that defines the two
 * things below; it is linked with libFuzzer (make fuzz), or with replay.c,
 * which hands it the files of its corpus (make check).
 *
 * A target looks at more than whether a parser survives: what it found must be
 * within its bounds, and must read the same when it is written down again.  It
 * says so with GLib's assertions, which end the program.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* The folder of the target below tests/fuzz/corpus. */
extern const char fuzz_noun[];

/* One input, borrowed.  Always 0. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Called before the first input. */
int
LLVMFuzzerInitialize(int *argc, char ***argv);

/* The input up to its first zero byte, as a text no longer than needed, so
 * that reading behind its end is noticed.  Caller frees. */
char *
fuzz_text(const uint8_t *data, size_t size);

/* The lines of that text; of more than `limit` the last holds the rest.  Ends
 * in NULL; caller frees (g_strfreev). */
char **
fuzz_lines(const uint8_t *data, size_t size, unsigned limit);

/* Fails unless this is a digest, read without the help of core. */
void
fuzz_check_digest(const char *digest);

/* Fails unless a function that returned `failed` and left `error` behaved as
 * all do: an error with a message if and only if it failed. */
void
fuzz_check_error(gboolean failed, const GError *error);

#endif
