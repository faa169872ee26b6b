/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Texts: pieces, keys, what goes into addresses, and what is overwritten
 * before it is freed.  Pure: no request, no host.
 */
#ifndef HARBOR_TEXTS_H
#define HARBOR_TEXTS_H

#include <jansson.h>
#include <stdint.h>

/* Frees a text of malloc at the end of its block. */
#define HARBOR_AUTOFREE __attribute__((cleanup(harbor_free_text)))

void
harbor_free_text(char **text);

/* A text made of pieces; the caller's. */
char *
harbor_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reads the object that a text of the host holds.  NULL if it is none, which
 * no document is. */
json_t *
harbor_text_read(const char *text);

/* Frees what holds secrets: its texts, at any depth, are overwritten first,
 * but for those that somebody else holds, too.  NULL is allowed. */
void
harbor_secrets_wipe(json_t *object);

/* Overwrites a text of malloc and frees it.  NULL is allowed. */
void
harbor_text_wipe(char *text);

/* Takes a key apart at its first slash: *first is the caller's, `*rest` in
 * the key.  0 without a slash: all of it is `*rest`, and *first NULL. */
int
harbor_key_split(const char *key, char **first, const char **rest);

/* 1 if the host takes that for a key: it is not empty, not longer than 1024
 * bytes, and has no control characters. */
int
harbor_key_valid(const char *key);

/* Number of characters of a text in UTF-8. */
size_t
harbor_text_length(const char *text);

/* `text` as a part of a query or a path, each byte that is not unreserved as
 * %XX.  The caller's. */
char *
harbor_escape(const char *text);

/* The same for a value within q=..., which Harbor decodes twice. */
char *
harbor_escape_twice(const char *text);

/* 1 if each part of a path, up to a query, is a name of something: none is
 * empty, "." or "..", which would make it the path of something else. */
int
harbor_path_plain(const char *path);

/* 1 if a text can be the name of a project. */
int
harbor_project_plain(const char *name);

/* 1 if a text is a digest: ALGORITHM:HEX. */
int
harbor_digest_plain(const char *text);

/* 1 if a text can be asked for with q=NAME=TEXT and nothing else comes of it:
 * it has only letters and digits of ASCII, and "._-". */
int
harbor_query_plain(const char *text);

#endif
