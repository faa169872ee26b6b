/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs that tell secrets.  Credential helpers are named
 * docker-credential-NAME and keep them in a key ring: they read a server's name
 * and answer a JSON object.  Others answer with the secret alone.  What is asked
 * goes through a pipe, never through arguments.
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

/* Runs a program without arguments that reads `question` and a line break and
 * prints a secret, of which one final line break is cut off; as above. */
HrSecret *
hr_secret_command_ask(const char *path, const char *question, int64_t limit_ms,
                      GError **error);

/* Takes an answer apart, in place: `json` is overwritten, and both texts are
 * in it; *username may be NULL.  False if it is no object of texts only, or
 * has no Secret. */
bool
hr_secret_helper_read(char *json, const char **username, const char **secret);

#endif
