/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole files: bounded reading, and replacing that never leaves a torn one. */
#ifndef HR_BASE_FILE_H
#define HR_BASE_FILE_H

#include <glib.h>
#include <stdbool.h>

/* Reads a regular file of at most `limit` bytes.  *data is zero-terminated
 * and the caller's. */
bool
hr_file_read(const char *path, size_t limit, char **data, size_t *size,
             GError **error);

/* Writes to a temporary file beside `path`, fsyncs it, renames it over `path`
 * and fsyncs the directory. */
bool
hr_file_replace(const char *path, const void *data, size_t size, int mode,
                GError **error);

#endif
