/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One document of a list, and what else kinds that come in lists share. */
#ifndef HARBOR_FIND_H
#define HARBOR_FIND_H

#include "kinds.h"

/* Reads the document `key` by listing what is in its place: the project that
 * the key begins with, or the system.  For kinds that Harbor has no other
 * answer for, or whose ids only a list tells. */
hr_status
harbor_find(const HarborAsk *ask, const HarborKind *kind, const char *key,
            bool in_project, hr_document_sink *sink);

/* Takes one row of a list over: malloced key, document, secrets (or NULL). */
typedef hr_status (*HarborGiveRow)(const HarborAsk *ask, const json_t *row,
                                   hr_document_sink *sink);

/* Lists rows of the system and hands each over. */
hr_status
harbor_give_rows(const HarborAsk *ask, const HarborList *list,
                 HarborGiveRow give, hr_document_sink *sink);

/* Starts an answer and reads what is wanted; the caller's. */
json_t *
harbor_fit_wanted(hr_document_fit *fit);

/* Ends it: which members the kind does not have, and the document
 * as it would be, `fitted`, which is taken. */
void
harbor_fit_end(hr_document_fit *fit, const json_t *wanted,
               const char *const *members, json_t *fitted);

/* The id of what was listed under that key, for a change of it; records
 * HR_NOT_FOUND if there is none any more. */
hr_status
harbor_listed_id(const HarborAsk *ask, const HarborKind *kind, const char *key,
                 int64_t *id);

/* The id of what a document names; records HR_NOT_FOUND with a sentence if
 * there is none here. */
hr_status
harbor_named_id(const HarborAsk *ask, const char *family, const char *name,
                const HarborList *list, int64_t *id);

#endif
