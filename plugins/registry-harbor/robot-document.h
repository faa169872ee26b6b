/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Robot accounts as documents, and documents as bodies of requests.  Pure.
 *
 *     full name     robot$team+ci    what a client logs in with
 *     stored name         team+ci    what q= compares
 *     short name               ci    what POST takes
 *     key                 team/ci    of a robot of a project; ci of another
 *
 * Harbor gives permissions in another order each time, and deadlocks when two
 * writers list the same accesses in different orders: they are sorted here, in
 * documents as in bodies.
 *
 * A robot cannot be created with a given secret, nor disabled.  One that needs
 * more than the POST gets a description that says so until it is finished, so
 * that a creation that broke off can be told from a robot that is there.
 */
#ifndef HARBOR_ROBOT_DOCUMENT_H
#define HARBOR_ROBOT_DOCUMENT_H

#include <harbor-replicator/hr-document.h>
#include <jansson.h>

/* Description of a robot that is not finished. */
#define HARBOR_ROBOT_UNFINISHED                                               \
    "Not finished: harbor-replicator is creating this robot."

/* The short name in a full one; `project` NULL is system level.  NULL if it is
 * of another form.  Borrowed. */
const char *
harbor_robot_short_name(const char *full, const char *prefix,
                        const char *project);

/* The stored and the full name of a key; the caller's. */
char *
harbor_robot_stored_name(const char *key);

char *
harbor_robot_full_name(const char *prefix, const char *key);

/* 1 if its creation broke off, or is under way. */
int
harbor_robot_unfinished(const json_t *robot);

/* The document of a robot. */
json_t *
harbor_robot_document(const json_t *robot);

/* A document of these; takes `permissions`, which are sorted. */
json_t *
harbor_robot_document_of(const char *description, int64_t duration,
                         int disabled, json_t *permissions);

enum {
    HARBOR_ROBOT_AS_WANTED = 0,
    HARBOR_ROBOT_AS_UNFINISHED = 1
};

/* Body of POST /robots. */
json_t *
harbor_robot_create_body(const char *key, const json_t *document, int stage);

/* Body of PUT /robots/ID, which replaces everything. */
json_t *
harbor_robot_update_body(const char *full, const char *key,
                         const json_t *document, int stage);

/* What a Harbor cannot hold. */
typedef struct HarborRobotLimits {
    const char *product;     /* "Harbor 2.12.0", for reasons              */
    unsigned minor;          /* the 12 of it                              */
    const json_t *catalogue; /* answer of GET /permissions; NULL: there is
                                none, or it was not told                  */
} HarborRobotLimits;

/* Answers one question of fit_documents. */
void
harbor_robot_fit(const HarborRobotLimits *limits, hr_document_fit *fit);

#endif
