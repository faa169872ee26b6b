/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opened: an endpoint of the configuration in use: its login, its trust, the
 * connection to it, the registry behind it, and what passes share of it.
 */
#ifndef HR_APP_OPENED_H
#define HR_APP_OPENED_H

#include "config/certs-d.h"
#include "config/config.h"
#include "plug/registry.h"
#include "sync/blob-board.h"
#include "sync/gathering.h"

/* An endpoint in use. */
typedef struct HrOpened {
    const HrEndpointConfig *config;
    HrSecret *password;
    GPtrArray *saved; /* HrSavedLogin; or NULL */
    HrCertsD certs;
    HrEndpoint *endpoint;
    HrRegistry *registry;
    HrBlobBoard *board;     /* NULL unless passes write to it */
    HrGathering *gathering; /* NULL unless passes read it     */
} HrOpened;

/* What opening takes; borrowed. */
typedef struct HrOpening {
    HrPlugins *plugins;
    HrNet *net;
    HrCancel *cancel;
    const HrConfig *config; /* NULL: there is no file              */
    const char *auth_file;  /* of saved logins, from the command
                               line; NULL: not given               */
} HrOpening;

/* Finds the login and the certificates, and opens the registry; no request
 * yet.  Warns of what weakens the transport.  Main thread. */
HrOpened *
hr_opened_new(const HrOpening *opening, const HrEndpointConfig *config,
              GError **error);

/* No call to its registry is under way. */
void
hr_opened_free(HrOpened *opened);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrOpened, hr_opened_free)

#endif
