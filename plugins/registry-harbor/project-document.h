/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Projects and their quotas as documents, and documents as bodies of requests.
 * Pure.
 *
 * What Harbor calls metadata are texts, each with a meaning of its own where
 * it is not set; one that is set to just that is left out of the document.
 */
#ifndef HARBOR_PROJECT_DOCUMENT_H
#define HARBOR_PROJECT_DOCUMENT_H

#include <harbor-replicator/hr-document.h>
#include <jansson.h>

/* The document of a row of GET /projects; `registry` and `scanner` are names,
 * or NULL. */
json_t *
harbor_project_document(const json_t *project, const char *registry,
                        const char *scanner);

/* Body of POST /projects; `registry_id` 0: it is no cache.  The list of
 * vulnerabilities is not taken there. */
json_t *
harbor_project_create_body(const char *key, const json_t *document,
                           int64_t registry_id);

/* Body of PUT /projects/PROJECT, which merges: what of `wanted` differs from
 * `found`; NULL if nothing does.  What is only found has to be taken away one
 * by one: `*unset` gets an array of those names. */
json_t *
harbor_project_update_body(const json_t *wanted, const json_t *found,
                           json_t **unset);

/* What a Harbor cannot hold. */
typedef struct HarborProjectLimits {
    const char *product; /* "Harbor 2.12.0", for reasons                  */
    unsigned version;    /* as HARBOR_VERSION                             */
} HarborProjectLimits;

/* Answers one question of fit_documents. */
void
harbor_project_fit(const HarborProjectLimits *limits, hr_document_fit *fit);

/* ----------------------------------------------------------------- quotas */

/* The document of a row of GET /quotas; NULL if it limits no storage. */
json_t *
harbor_quota_document(const json_t *quota);

/* Body of PUT /quotas/ID. */
json_t *
harbor_quota_body(const json_t *document);

void
harbor_quota_fit(hr_document_fit *fit);

#endif
