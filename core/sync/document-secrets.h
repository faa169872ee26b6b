/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Document secrets: whether robot accounts have the secrets that robot_secrets
 * tells.  Each is asked about once, as a login of the robot itself.
 */
#ifndef HR_SYNC_DOCUMENT_SECRETS_H
#define HR_SYNC_DOCUMENT_SECRETS_H

#include <glib.h>
#include <stdbool.h>

#include "plug/documents.h"
#include "sync/pass.h"

/* True if the secrets of a kind can be told, and held against the registry. */
bool
hr_document_secrets_known(const HrPass *pass, const HrRegistry *registry,
                          const char *kind);

/* Asks one side about robots (keys, char *).  `wrong` gets those with another
 * secret (HR_AUTH_DENIED), and those of which it could not be found out; from
 * any worker, several at once.  False if the pass was cancelled.  Not from a
 * worker. */
bool
hr_document_secrets_check(const HrPass *pass, HrRegistry *registry,
                          const GPtrArray *keys,
                          void (*wrong)(void *data, HrCall *call,
                                        const char *key, const GError *error),
                          void *data, GError **error);

#endif
