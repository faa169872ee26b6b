/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON: bounded parsing, and the one canonical spelling of a document.
 *
 * The only place that knows jansson; the rest of core sees HrJson.  Values
 * inside a document are borrowed from it; only the root is owned.
 */
#ifndef HR_MODEL_JSON_H
#define HR_MODEL_JSON_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Deepest nesting accepted from anybody. */
#define HR_JSON_DEPTH_LIMIT 64

typedef struct HrJson HrJson;

/* Parses `size` bytes.  HR_INVALID, with line and column, for malformed text,
 * duplicate keys, text after the value, and nesting over the limit (found
 * before the parser sees it). */
HrJson *
hr_json_parse(const char *text, size_t size, GError **error);

HrJson *
hr_json_new_object(void);

HrJson *
hr_json_new_array(void);

void
hr_json_unref(HrJson *json);

bool
hr_json_is_object(const HrJson *json);

bool
hr_json_is_array(const HrJson *json);

/* True for a null that stands in the document; false for NULL. */
bool
hr_json_is_null(const HrJson *json);

/* Member of an object, or NULL (also if `json` is NULL or no object). */
HrJson *
hr_json_get(const HrJson *json, const char *name);

/* Text of a string value, or NULL (also if `json` is NULL or no string). */
const char *
hr_json_text(const HrJson *json);

/* True and *number if `json` is an integer. */
bool
hr_json_number(const HrJson *json, int64_t *number);

/* True and *value if `json` is true or false. */
bool
hr_json_boolean(const HrJson *json, bool *value);

/* Calls `visit` with each member of an object; with nothing for anything
 * else. */
void
hr_json_foreach(HrJson *object,
                void (*visit)(const char *name, HrJson *value, void *data),
                void *data);

/* Frees a document that holds secrets: its texts are overwritten first.  NULL
 * is allowed. */
void
hr_json_wipe(HrJson *json);

/* Length of an array (0 for anything else), and its elements. */
size_t
hr_json_length(const HrJson *json);

HrJson *
hr_json_at(const HrJson *json, size_t index);

/* Set a member of an object.  `text` NULL sets nothing. */
void
hr_json_set_text(HrJson *object, const char *name, const char *text);

void
hr_json_set_number(HrJson *object, const char *name, int64_t number);

void
hr_json_set_boolean(HrJson *object, const char *name, bool value);

/* Takes ownership of `value`. */
void
hr_json_set(HrJson *object, const char *name, HrJson *value);

/* Takes ownership of `value`. */
void
hr_json_append(HrJson *array, HrJson *value);

void
hr_json_append_text(HrJson *array, const char *text);

/* Canonical text: members sorted by name, no white space.  Caller frees. */
char *
hr_json_canonical(const HrJson *json);

/* For people: indented by two, members in the order they were set, ends in a
 * line break.  Caller frees. */
char *
hr_json_pretty(const HrJson *json);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrJson, hr_json_unref)

#endif
