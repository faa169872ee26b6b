/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * certs.d: certificates that docker and podman use for a registry:
 *
 *     /etc/containers/certs.d/HOST[:PORT]/
 *         *.crt              CAs, which are trusted instead of the system's
 *         NAME.cert, .key    the client's certificate and its key
 */
#ifndef HR_CONFIG_CERTS_D_H
#define HR_CONFIG_CERTS_D_H

#include <stdbool.h>

typedef struct HrCertsD {
    char *directory; /* where they are; NULL: nowhere */
    char *ca_text;   /* all *.crt, one after the other; NULL: none */
    char *cert;      /* paths; both or none */
    char *key;
} HrCertsD;

/* Looks for "HOST[:PORT]" in `directories` (ends in NULL; NULL stands for
 * those of the system); the first that has such a folder counts. */
void
hr_certs_d_find(const char *const *directories, const char *host,
                HrCertsD *found);

void
hr_certs_d_clear(HrCertsD *found);

#endif
