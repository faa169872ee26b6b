/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trust: whether a plugin file may be let into the process.  Whoever can
 * write the file, or a directory above it, could put anything there.
 */
#ifndef HR_PLUG_TRUST_H
#define HR_PLUG_TRUST_H

#include <glib.h>

/* Opens `name` in `directory` if both can be trusted: a regular file, owned by
 * root or by us, not writable by others; so for every directory up to the
 * root, except that one above the plugin directory may be sticky, as /tmp is.
 * A symbolic link must not lead out of the directory.  Returns a descriptor,
 * or -1 and HR_CONFIG; HR_NOT_FOUND if there is no such file.  *path is the
 * file's real name, the caller's. */
int
hr_trust_open(const char *directory, const char *name, char **path,
              GError **error);

#endif
