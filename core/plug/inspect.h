/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inspect: what a file is, without letting it into this process.  Reads the
 * ELF tables first; then a child process, with a time limit and without
 * privileges to keep, loads the file, asks for the description and validates
 * it.  init is never called.
 */
#ifndef HR_PLUG_INSPECT_H
#define HR_PLUG_INSPECT_H

#include <glib.h>
#include <stdbool.h>

/* Describes the file as lines of text (`json` false) or as a JSON object.
 * *acceptable tells whether this host would load it; if not the text says
 * why.  NULL and an error only if the file cannot be read at all. */
char *
hr_plugin_inspect(const char *path, bool json, bool *acceptable,
                  GError **error);

#endif
