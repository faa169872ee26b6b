/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all kinds need to make documents of what Harbor says.
 *
 * Members that have their usual value are left out, sets are sorted: so the
 * same meaning gives the same document, whatever the server fills in.
 */
#ifndef HARBOR_DOCUMENT_H
#define HARBOR_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>

/* Copies a member that is a text, but not an empty one, as `name`. */
void
harbor_document_text(json_t *document, const char *name, const json_t *given,
                     const char *member);

/* Copies a boolean that is not the `usual` one. */
void
harbor_document_flag(json_t *document, const char *name, const json_t *given,
                     const char *member, bool usual);

/* Copies an integer that is not the `usual` one. */
void
harbor_document_number(json_t *document, const char *name, const json_t *given,
                       const char *member, json_int_t usual);

/* Sets `name` to a value, which is taken, unless that is empty or NULL. */
void
harbor_document_set(json_t *document, const char *name, json_t *value);

/* The text, the flag or the number of a member, or the `usual` one. */
const char *
harbor_json_text(const json_t *object, const char *name, const char *usual);

bool
harbor_json_flag(const json_t *object, const char *name, bool usual);

json_int_t
harbor_json_number(const json_t *object, const char *name, json_int_t usual);

/* Sorts the elements by their canonical text and drops what is there twice.
 * Returns the array, which is taken; an empty one for what is none. */
json_t *
harbor_json_sorted(json_t *array);

/* Members sorted, no white space; the caller's (free).  Ends the program when
 * there is no memory, as the host does. */
char *
harbor_json_canonical(const json_t *value);

/* The object or array that a text spells out, or the text itself. */
json_t *
harbor_json_spelled_out(const json_t *text);

/* The other way round: a text for what Harbor keeps as one. */
json_t *
harbor_json_spelled(const json_t *value);

/* "/targets/0/auth_header" -> value, in an object that is made when it is
 * needed; nothing for an empty value. */
void
harbor_secret_add(json_t **secrets, const char *pointer, const char *value);

#endif
