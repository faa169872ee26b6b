/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Credential helpers: programs named docker-credential-NAME that keep secrets
 * in a key ring.  They read a server's name and answer a JSON object.
 */
#ifndef HR_CONFIG_SECRET_HELPER_H
#define HR_CONFIG_SECRET_HELPER_H

#include <stdint.h>

#include "base/secret.h"

/* Asks docker-credential-HELPER for the secret of a server; waits for at most
 * `limit_ms`.  HR_CONFIG with a sentence that never has the answer in it. */
HrSecret *
hr_secret_helper_ask(const char *helper, const char *server, int64_t limit_ms,
                     GError **error);

/* The text of member `name` of a JSON object that has texts only, in place:
 * `json` is overwritten.  NULL if it is no such object. */
const char *
hr_secret_helper_member(char *json, const char *name);

#endif
