/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Principal: who asks for the repositories below a prefix, and the secrets
 * that show it.  Internal to core/net; once it is made, the loop's of its
 * endpoint.
 */
#ifndef HR_NET_PRINCIPAL_H
#define HR_NET_PRINCIPAL_H

#include "net/net.h"

typedef struct HrPrincipal {
    char *prefix;             /* "" for all repositories                  */
    char *username;           /* or NULL                                  */
    HrSecret *password;       /* or NULL                                  */
    HrSecret *basic;          /* header line; NULL without a password     */
    HrSecret *registry_token; /* header line of a token that was given    */
    HrSecret *identity_token; /* to get tokens with; may be renewed       */
} HrPrincipal;

/* Copies `given`.  HR_CONFIG if its parts could not be sent. */
HrPrincipal *
hr_principal_new(const HrAccount *given, GError **error);

void
hr_principal_free(HrPrincipal *principal);

/* The one of an array (of HrPrincipal, as hr_principals_sort left it) for a
 * repository, or, with NULL, for what is of none; NULL: nobody. */
HrPrincipal *
hr_principals_find(const GPtrArray *principals, const char *repository);

/* The longest prefix first. */
void
hr_principals_sort(GPtrArray *principals);

/* "Authorization: Basic ...". */
HrSecret *
hr_principal_basic(const char *username, const char *password);

/* "Authorization: Bearer ..."; NULL if the token does not fit a header. */
HrSecret *
hr_principal_bearer(const char *token);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrPrincipal, hr_principal_free)

#endif
