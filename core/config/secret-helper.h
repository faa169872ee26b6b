/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Credential helpers: programs named docker-credential-NAME that keep secrets
 * in a key ring.  They read a server's name and answer a JSON object.
 */
#ifndef HR_CONFIG_SECRET_HELPER_H
#define HR_CONFIG_SECRET_HELPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

/* Asks docker-credential-HELPER for the secret of a server, and whose it is
 * (`username` may be NULL; caller frees); waits for at most `limit_ms`.
 * HR_CONFIG with a sentence that never has the answer in it. */
HrSecret *
hr_secret_helper_ask(const char *helper, const char *server, int64_t limit_ms,
                     char **username, GError **error);

/* Takes an answer apart, in place: `json` is overwritten, and both texts are
 * in it; *username may be NULL.  False if it is no object of texts only, or
 * has no Secret. */
bool
hr_secret_helper_read(char *json, const char **username, const char **secret);

#endif
