/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Secret references: where a secret is, instead of the secret.
 *
 *   env:NAME      environment variable
 *   file:/path    regular file, ours, mode 0600 or 0400, no symlink; one final
 *                 line break is cut off
 *   cred:NAME     file NAME in $CREDENTIALS_DIRECTORY (systemd)
 *   exec:HELPER   docker-credential-HELPER, asked for the server's entry
 */
#ifndef HR_CONFIG_SECRET_REFERENCE_H
#define HR_CONFIG_SECRET_REFERENCE_H

#include <glib.h>
#include <stdbool.h>

#include "base/secret.h"

/* True if `text` has the form of a reference. */
bool
hr_secret_reference_valid(const char *text);

/* What is wrong with a text that starts like a reference and is none
 * ("file:relative"); NULL if it is one, or does not start like one. */
const char *
hr_secret_reference_problem(const char *text);

/* Reads the secret.  `server` is the host[:port] that exec: asks for.
 * HR_CONFIG with a sentence that names the reference, never the secret. */
HrSecret *
hr_secret_reference_resolve(const char *text, const char *server,
                            GError **error);

#endif
