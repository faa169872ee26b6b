/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Document: one item of a registry beside content, as a plugin gave it and as
 * it was found to be right: canonical text, secrets apart from it.
 *
 * Who holds a document owns all of it.  Only texts are kept, since there are
 * thousands: whoever looks inside parses, and lets go again.
 */
#ifndef HR_MODEL_DOCUMENT_H
#define HR_MODEL_DOCUMENT_H

#include <glib.h>
#include <harbor-replicator/hr-document.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

/* Longest key and largest document accepted from anybody. */
#define HR_DOCUMENT_KEY_LIMIT 1024
#define HR_DOCUMENT_LIMIT_BYTES (1024 * 1024)

typedef struct HrDocument {
    const char *kind; /* for ever */
    char *key;
    char *text;        /* canonical */
    HrSecret *secrets; /* canonical, too; NULL: none are known */
    bool is_protected; /* never to be written */
    char *reason;      /* of that; or NULL */
} HrDocument;

/* A copy of what a plugin says, which must be a document of `kind`:
 * HR_INVALID with what is wrong otherwise. */
HrDocument *
hr_document_take(const hr_document *given, const char *kind, GError **error);

void
hr_document_free(HrDocument *document);

/* True for a key that can be shown and written down: not empty, UTF-8, no
 * control characters, no longer than the limit. */
bool
hr_document_key_valid(const char *key);

/* The canonical text of a JSON object; HR_INVALID if it is none, or too
 * large.  Caller frees. */
char *
hr_document_canonical(const char *text, GError **error);

/* True if nothing that both know is different.  NULL knows nothing. */
bool
hr_secrets_agree(const HrSecret *one, const HrSecret *other);

/* How one place of a document differs. */
typedef struct HrFieldDifference {
    char *pointer; /* JSON pointer, "" is the document itself */
    char *text;    /* "guest -> developer", "+push:repository -x" */
} HrFieldDifference;

/* What makes `wanted` of `found` (both canonical), as HrFieldDifference, in
 * the order of the pointers; the caller's.  What only one side has is told as
 * "-> x", "x ->"; what is in an array in no order that counts as "+x", "-x". */
GPtrArray *
hr_document_compare(const char *found, const char *wanted);

/* The same on one line: "role: guest -> developer; public: ..."; caller
 * frees. */
char *
hr_document_compare_line(const char *found, const char *wanted);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrDocument, hr_document_free)

#endif
