/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Accounts of people as documents, and documents as bodies of requests.  Pure.
 *
 * The key is the name that one logs in with.  The password is a secret at
 * "/password"; it is needed to create an account and never asked for again.
 */
#ifndef HARBOR_USER_DOCUMENT_H
#define HARBOR_USER_DOCUMENT_H

#include <harbor-replicator/hr-document.h>
#include <jansson.h>

/* The document of an account. */
json_t *
harbor_user_document(const json_t *user);

/* The password among secrets, NULL if there is none; borrowed from the
 * object that the text was read to. */
const char *
harbor_user_password(const json_t *secrets);

/* Body of POST /users. */
json_t *
harbor_user_create_body(const char *key, const json_t *document,
                        const char *password);

/* Bodies of PUT /users/ID and of PUT /users/ID/sysadmin. */
json_t *
harbor_user_profile_body(const json_t *document);

json_t *
harbor_user_sysadmin_body(const json_t *document);

/* 1 if two documents differ in what PUT /users/ID takes. */
int
harbor_user_profiles_differ(const json_t *one, const json_t *other);

/* Answers one question of fit_documents. */
void
harbor_user_fit(hr_document_fit *fit);

#endif
