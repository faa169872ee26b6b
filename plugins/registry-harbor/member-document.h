/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Members of projects as documents, and documents as bodies of requests.
 * Pure.
 *
 *     PROJECT/user/NAME       a user
 *     PROJECT/oidc/NAME       a group, as in group-document.h
 *
 * Harbor tells of a member that is a group the group's id and name, not its
 * type: that has to be looked up.
 */
#ifndef HARBOR_MEMBER_DOCUMENT_H
#define HARBOR_MEMBER_DOCUMENT_H

#include <harbor-replicator/hr-document.h>
#include <jansson.h>

/* A key taken apart. */
typedef struct HarborMemberKey {
    char *project;    /* ended by harbor_member_key_end                   */
    const char *who;  /* "user/NAME" or the key of a group                */
    const char *name; /* the user's name, the group's name or DN          */
    int group_type;   /* HARBOR_GROUP_*; 0 for a user                     */
} HarborMemberKey;

/* 0 if it is no such key. */
int
harbor_member_key_read(const char *key, HarborMemberKey *member);

void
harbor_member_key_end(HarborMemberKey *member);

/* The key of a member; the caller's.  `group` is what is known of the group
 * that it is, or NULL.  NULL if it has none. */
char *
harbor_member_key(const char *project, const json_t *member,
                  const json_t *group);

/* 1 if a member is a user; 0 if it is a group. */
int
harbor_member_is_user(const json_t *member);

/* The document of a member, NULL if its role has no name. */
json_t *
harbor_member_document(const json_t *member);

/* Body of POST /projects/PROJECT/members; `group_id` 0 is not known. */
json_t *
harbor_member_create_body(const HarborMemberKey *member,
                          const json_t *document, int64_t group_id);

/* Body of PUT /projects/PROJECT/members/ID. */
json_t *
harbor_member_update_body(const json_t *document);

/* Answers one question of fit_documents; `login` is the account that asks,
 * NULL if it is no user. */
void
harbor_member_fit(const char *login, hr_document_fit *fit);

#endif
