/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Auth files: logins that `docker login`, `podman login` and others saved, and
 * the helpers that keep them.
 *
 *     { "auths": { "HOST[:PORT][/PATH]": { "auth": ... } },
 *       "credHelpers": { "HOST": "NAME" }, "credsStore": "NAME" }
 *
 * A key with a path is for the repositories below it, and the longest counts;
 * "https://HOST/v1/" is what docker once wrote, and stands for the host.
 * docker.io, index.docker.io and registry-1.docker.io are one.
 */
#ifndef HR_CONFIG_AUTH_FILE_H
#define HR_CONFIG_AUTH_FILE_H

#include <glib.h>
#include <stdbool.h>

#include "base/secret.h"

typedef struct HrSavedLogin {
    char *prefix;             /* of repositories; "" for all                */
    char *username;           /* NULL: only tokens                          */
    HrSecret *password;       /* NULL: none                                 */
    HrSecret *identity_token; /* NULL: none                                 */
    HrSecret *registry_token; /* NULL: none                                 */
} HrSavedLogin;

void
hr_saved_login_free(HrSavedLogin *login);

/* The logins for `host` ("HOST[:PORT]") in the text of a file: HrSavedLogin,
 * each prefix once; the caller's.  NULL and HR_CONFIG if the text is no such
 * file, or an entry for the host cannot be read. */
GPtrArray *
hr_auth_file_read(const char *text, const char *host, GError **error);

/* The helper that the text names for `host`, "" for none; caller frees.
 * *for_host (may be NULL): for this host, not for all. */
char *
hr_auth_file_helper(const char *text, const char *host, bool *for_host);

/* What key rings keep the login of a host under: docker's own name for Docker
 * Hub, else the host itself.  Borrowed, or `host`. */
const char *
hr_auth_file_key(const char *host);

/* Where logins are looked for, in this order: `chosen` alone if it is not
 * NULL, or $REGISTRY_AUTH_FILE alone ("" for nowhere); else what podman and
 * docker use.  Ends in NULL; caller frees (g_strfreev). */
char **
hr_auth_file_paths(const char *chosen);

/* The logins for `host` in the first of the files that has some, or in a
 * helper that it names; an empty array if there is none. */
GPtrArray *
hr_auth_file_find(const char *chosen, const char *host, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrSavedLogin, hr_saved_login_free)

#endif
