/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * User groups as documents, and documents as bodies of requests.  Pure.
 *
 * A group is known by its type and name, "oidc/devs" or "http/devs", or, if it
 * is of LDAP, by its DN: "ldap/cn=devs,dc=example"; then its name is no more
 * than what it is called here.  A Harbor holds each name once, over all types.
 */
#ifndef HARBOR_GROUP_DOCUMENT_H
#define HARBOR_GROUP_DOCUMENT_H

#include <harbor-replicator/hr-document.h>
#include <jansson.h>

/* Harbor's numbers of types. */
enum {
    HARBOR_GROUP_LDAP = 1,
    HARBOR_GROUP_HTTP = 2,
    HARBOR_GROUP_OIDC = 3
};

/* Key of a group as Harbor lists it; the caller's.  NULL for one of another
 * type, which nobody can be a member through, and one without a name. */
char *
harbor_group_key(const json_t *group);

/* The type that a key is of, 0 if it is none of a group; `*name` is the name
 * or DN in it. */
int
harbor_group_key_read(const char *key, const char **name);

/* The document of a group. */
json_t *
harbor_group_document(const json_t *group);

/* Body of POST /usergroups. */
json_t *
harbor_group_create_body(const char *key, const json_t *document);

/* Body of PUT /usergroups/ID, which can change the name of a group of LDAP
 * and nothing else. */
json_t *
harbor_group_update_body(const char *key, const json_t *document);

/* What a Harbor cannot hold. */
typedef struct HarborGroupLimits {
    const char *auth_mode; /* "db_auth" and so on                          */

    /* Key of the group that is called like that here; the caller's.  NULL:
     * none, or nobody knows. */
    char *(*holder)(const void *data, const char *name);
    const void *data;
} HarborGroupLimits;

/* Why groups of this type cannot be had in this auth_mode, half a sentence;
 * NULL if they can. */
const char *
harbor_group_obstacle(int type, const char *auth_mode);

/* Answers one question of fit_documents. */
void
harbor_group_fit(const HarborGroupLimits *limits, hr_document_fit *fit);

#endif
