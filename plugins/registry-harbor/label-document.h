/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Labels as documents, and documents as bodies of requests.  Pure.
 *
 * A key is "/NAME" of a label of the whole Harbor, "PROJECT/NAME" of one of a
 * project; NAME may have slashes of its own.
 */
#ifndef HARBOR_LABEL_DOCUMENT_H
#define HARBOR_LABEL_DOCUMENT_H

#include <harbor-replicator/hr-document.h>
#include <jansson.h>

/* The key of a label; the caller's.  NULL for one without a name, which
 * nobody can refer to. */
char *
harbor_label_key(const char *project, const json_t *label);

/* The document of a label. */
json_t *
harbor_label_document(const json_t *label);

/* Body of POST /labels and of PUT /labels/ID, which both take all of it;
 * `project_id` 0 is the whole Harbor. */
json_t *
harbor_label_body(const char *key, const json_t *document, int64_t project_id);

/* Answers one question of fit_documents. */
void
harbor_label_fit(hr_document_fit *fit);

#endif
