/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kinds: what registry-harbor does about each kind of document.  README tells
 * how one is added.
 */
#ifndef HARBOR_KINDS_H
#define HARBOR_KINDS_H

#include "fit.h"
#include "harbor.h"

/* What a robot needs for a kind, in Harbor's words. */
typedef struct HarborRight {
    uint32_t access;      /* HR_ACCESS_*, for which it is needed           */
    const char *level;    /* "system" or "project"                         */
    const char *resource; /* "label"; NULL ends the list                   */
    const char *action;   /* "list"                                        */
} HarborRight;

/* A document to be written, taken apart.  All borrowed. */
typedef struct HarborWrite {
    uint32_t action; /* HR_WRITE_*                                   */
    const char *key;
    const json_t *wanted;
    const json_t *found;   /* NULL for HR_WRITE_CREATE                     */
    const json_t *secrets; /* by their places; or NULL                     */
} HarborWrite;

/* What the keys of a kind are made of. */
typedef enum HarborKeys {
    HARBOR_KEYS_ANY,
    HARBOR_KEYS_PROJECTS,   /* "PROJECT"     */
    HARBOR_KEYS_IN_PROJECTS /* "PROJECT/..." */
} HarborKeys;

typedef struct HarborKind {
    const char *name;
    HarborKeys keys;
    unsigned since;            /* HARBOR_VERSION that has it; 0: all       */
    const HarborRight *rights; /* NULL: no robot may                       */
    const char *probe; /* path whose GET shows whether a robot may read it;
                          without a slash in front it is below a project's,
                          with "=" at its end it wants a project's id, with
                          "/" that of a retention; or NULL                */

    /* Whether this Harbor has such documents, beside rights and versions:
     * HR_OK, or the failure is recorded.  No request.  May be NULL. */
    hr_status (*known)(const HarborAsk *ask, uint32_t access);

    hr_status (*list)(const HarborAsk *ask, const hr_document_scope *scope,
                      hr_document_sink *sink);

    /* HR_NOT_FOUND, recorded, if there is none. */
    hr_status (*read)(const HarborAsk *ask, const char *key,
                      hr_document_sink *sink);
    hr_status (*write)(const HarborAsk *ask, const HarborWrite *write);

    /* Answers one question; no request.  NULL: everything fits. */
    void (*fit)(const HarborAsk *ask, hr_document_fit *fit);

    /* Tells whether the secrets are right, as the function of its name in
     * hr_registry_ops: the failure is recorded.  NULL: nobody can tell. */
    hr_status (*check)(const HarborAsk *ask, const char *key,
                       const json_t *secrets);
} HarborKind;

/* One in each kind-NAME.c. */
extern const HarborKind harbor_kind_artifact_label;
extern const HarborKind harbor_kind_configuration;
extern const HarborKind harbor_kind_cve_allowlist;
extern const HarborKind harbor_kind_immutable;
extern const HarborKind harbor_kind_label;
extern const HarborKind harbor_kind_member;
extern const HarborKind harbor_kind_preheat_instance;
extern const HarborKind harbor_kind_preheat_policy;
extern const HarborKind harbor_kind_project;
extern const HarborKind harbor_kind_quota;
extern const HarborKind harbor_kind_registry;
extern const HarborKind harbor_kind_replication;
extern const HarborKind harbor_kind_repository;
extern const HarborKind harbor_kind_retention;
extern const HarborKind harbor_kind_robot;
extern const HarborKind harbor_kind_scanner;
extern const HarborKind harbor_kind_schedule;
extern const HarborKind harbor_kind_user;
extern const HarborKind harbor_kind_usergroup;
extern const HarborKind harbor_kind_webhook;

/* All of them; ends in NULL. */
extern const HarborKind *const harbor_kinds[];

/* Whether the robot that we log in as has a right; its permissions are
 * known. */
bool
harbor_robot_may(const HarborIdentity *who, const HarborRight *right);

/* The same, in one project. */
bool
harbor_robot_may_in(const HarborIdentity *who, const HarborRight *right,
                    const char *project);

/* Hands a document over.  `document` and `secrets`, which may be NULL, are
 * taken; secrets are wiped.  `reason` says why it is never to be written;
 * NULL: it may be. */
hr_status
harbor_give(const HarborAsk *ask, hr_document_sink *sink, const char *kind,
            const char *key, json_t *document, json_t *secrets,
            const char *reason);

/* What is below `scope` could not be seen: takes the recorded failure. */
void
harbor_gap(const HarborAsk *ask, hr_document_sink *sink, const char *scope,
           hr_status status);

/* The id of a label, by its key; HR_NOT_FOUND, recorded, if there is none. */
hr_status
harbor_label_id(const HarborAsk *ask, const char *key, int64_t *id);

/* The operations of hr_registry_ops. */
hr_status
harbor_knows(hr_registry *registry, hr_call *call, const char *kind,
             uint32_t access);

hr_status
harbor_list_documents(hr_registry *registry, hr_call *call,
                      const hr_document_scope *scope, hr_document_sink *sink);

hr_status
harbor_read_document(hr_registry *registry, hr_call *call, const char *kind,
                     const char *key, hr_document_sink *sink);

hr_status
harbor_fit_documents(hr_registry *registry, hr_call *call,
                     hr_document_fit *const *fits, size_t count);

hr_status
harbor_write_document(hr_registry *registry, hr_call *call,
                      const hr_document_write *write);

/* Beside what dist_examine tells: which documents may be had. */
hr_status
harbor_examine(hr_registry *registry, hr_call *call,
               const hr_examination *examination);

hr_status
harbor_check_secrets(hr_registry *registry, hr_call *call,
                     hr_secret_check *const *checks, size_t count);

#endif
