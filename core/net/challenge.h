/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Challenge: what a server asks for with WWW-Authenticate (RFC 9110, 11.6.1).
 * Malformed ones are read as far as they go: registries get this wrong, and a
 * challenge that is not understood is a registry that cannot be used.
 * Internal to core/net; pure.
 */
#ifndef HR_NET_CHALLENGE_H
#define HR_NET_CHALLENGE_H

#include <glib.h>
#include <stdbool.h>

typedef struct HrChallenge {
    char *scheme;          /* lower case: "bearer" */
    GPtrArray *parameters; /* char: name in lower case, value, name, ... */
} HrChallenge;

/* All challenges of the header's values, in order; never NULL. */
GPtrArray *
hr_challenges_parse(const char *const *values, unsigned count);

/* Value of a parameter, or NULL. */
const char *
hr_challenge_parameter(const HrChallenge *challenge, const char *name);

/* The one to answer: a Bearer with a realm, else a Basic; NULL if there is
 * neither. */
const HrChallenge *
hr_challenges_pick(const GPtrArray *challenges);

/* True if it says that the token was good, but not for this. */
bool
hr_challenge_wants_more(const HrChallenge *challenge);

/* Takes the body of a quoted string for what it stands for; NULL if it is
 * none.  Caller frees. */
char *
hr_challenge_unquote(const char *body);

#endif
