/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kinds' answers to fit_documents have in common.  Pure. */
#ifndef HARBOR_FIT_H
#define HARBOR_FIT_H

#include <harbor-replicator/hr-document.h>
#include <jansson.h>

/* Starts an answer: nothing is known against it. */
void
harbor_fit_begin(hr_document_fit *fit);

/* It cannot be here at all; returns 0. */
int
harbor_fit_refuse(hr_document_fit *fit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Something of it cannot be here. */
void
harbor_fit_lacks(hr_document_fit *fit, const char *pointer, const char *format,
                 ...) __attribute__((format(printf, 3, 4)));

/* Says which members of a document are none of the kind's; `members` ends in
 * NULL. */
void
harbor_fit_members(hr_document_fit *fit, const json_t *document,
                   const char *const *members);

/* The document as it would be held; takes `fitted`. */
void
harbor_fit_take(hr_document_fit *fit, json_t *fitted);

#endif
