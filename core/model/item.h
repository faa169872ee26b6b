/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Item: one thing that is kept the same on both sides: a kind, a key that is
 * natural and portable, and a canonical document.
 *
 * The document of a tag is its digest, media type and size.
 */
#ifndef HR_MODEL_ITEM_H
#define HR_MODEL_ITEM_H

#include <glib.h>
#include <harbor-replicator/hr-abi.h>
#include <stdbool.h>
#include <stdint.h>

/* The kind of content: key "repository:tag". */
#define HR_KIND_TAG "tag"

/* The kind of what refers to content: key "repository@digest". */
#define HR_KIND_REFERRER "referrer"

/* The canonical document of a referrer: that of a tag, and the digest of its
 * subject (NULL: not known).  Caller frees. */
char *
hr_referrer_document(const char *digest, const char *media_type, uint64_t size,
                     const char *subject);

/* The subject in such a document, or NULL.  Caller frees. */
char *
hr_referrer_document_subject(const char *document);

/* The canonical document of a tag.  Caller frees. */
char *
hr_tag_document(const char *digest, const char *media_type, uint64_t size);

/* What a tag's document says; the strings are the caller's.  HR_INVALID if it
 * is none. */
bool
hr_tag_document_parse(const char *document, char **digest, char **media_type,
                      uint64_t *size, GError **error);

/* "repository:tag", or "repository@sha256:..." for a digest.  Caller
 * frees. */
char *
hr_tag_key(const char *repository, const char *reference);

/* Takes a key apart again; the parts are the caller's. */
bool
hr_tag_key_parse(const char *key, char **repository, char **reference,
                 GError **error);

/* SHA-256 of a canonical document, as a digest. */
void
hr_document_fingerprint(const char *document,
                        char fingerprint[HR_DIGEST_CAPACITY]);

#endif
