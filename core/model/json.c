/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON: an HrJson is a json_t that only this file knows to be one. */
#include "model/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define TOO_DEEP                                                              \
    "JSON is nested more than " G_STRINGIFY(HR_JSON_DEPTH_LIMIT) " deep"

static json_t *
unwrap(const HrJson *json)
{
    return (json_t *)json;
}

static HrJson *
wrap(json_t *json)
{
    return (HrJson *)json;
}

/* Says what is wrong with the byte at `place`. */
static bool
refuse_at(const char *text, size_t place, const char *what, GError **error)
{
    unsigned line = 1;
    unsigned column = 0;

    for (size_t i = 0; i <= place; i++) {
        if (i > 0 && text[i - 1] == '\n') {
            line++;
            column = 0;
        }
        /* Only the first byte of a character counts. */
        column += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return hr_error_set(error, HR_INVALID, "%s at line %u, column %u", what,
                        line, column);
}

/* Refuses nesting over the limit before the parser recurses into it.  Quotes
 * and escapes are all that has to be understood for that. */
static bool
check_depth(const char *text, size_t size, GError **error)
{
    unsigned depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < size; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
            continue;
        }
        switch (text[i]) {
        case '"':
            in_string = true;
            break;
        case '{':
        case '[':
            if (++depth > HR_JSON_DEPTH_LIMIT)
                return refuse_at(text, i, TOO_DEEP, error);
            break;
        case '}':
        case ']':
            depth -= depth > 0;
            break;
        default:
            break;
        }
    }
    return true;
}

/* jansson takes a zero byte behind a number for nothing at all. */
static bool
check_zeros(const char *text, size_t size, GError **error)
{
    const char *zero = memchr(text, '\0', size);

    return zero == NULL ||
           refuse_at(text, (size_t)(zero - text),
                     "malformed JSON: there is a zero byte", error);
}

/* jansson quotes what it stumbled over, which may be a secret; the place is
 * enough to find it. */
static void
cut_excerpt(char *sentence)
{
    char *excerpt = strstr(sentence, " near '");

    if (excerpt != NULL)
        *excerpt = '\0';
}

HrJson *
hr_json_parse(const char *text, size_t size, GError **error)
{
    json_error_t mistake;
    json_t *json;

    if (size == 0) {
        hr_error_set(error, HR_INVALID,
                     "malformed JSON at line 1, column 0: it is empty");
        return NULL;
    }
    if (!check_zeros(text, size, error) || !check_depth(text, size, error))
        return NULL;
    json = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                      &mistake);
    if (json == NULL) {
        cut_excerpt(mistake.text);
        hr_error_set(error, HR_INVALID,
                     "malformed JSON at line %d, column %d: %s", mistake.line,
                     mistake.column, mistake.text);
    }
    return wrap(json);
}

HrJson *
hr_json_new_object(void)
{
    return wrap(json_object());
}

HrJson *
hr_json_new_array(void)
{
    return wrap(json_array());
}

void
hr_json_unref(HrJson *json)
{
    json_decref(unwrap(json));
}

bool
hr_json_is_object(const HrJson *json)
{
    return json_is_object(unwrap(json));
}

bool
hr_json_is_array(const HrJson *json)
{
    return json_is_array(unwrap(json));
}

bool
hr_json_is_null(const HrJson *json)
{
    return json_is_null(unwrap(json));
}

HrJson *
hr_json_get(const HrJson *json, const char *name)
{
    return wrap(json_object_get(unwrap(json), name));
}

const char *
hr_json_text(const HrJson *json)
{
    return json_string_value(unwrap(json));
}

void
hr_json_foreach(HrJson *object,
                void (*visit)(const char *name, HrJson *value, void *data),
                void *data)
{
    const char *name;
    json_t *value;

    json_object_foreach (unwrap(object), name, value)
        visit(name, wrap(value), data);
}

/* As deep as hr_json_parse allows. */
static void
overwrite(json_t *value)
{
    const char *name;
    json_t *inner;
    size_t i;

    if (json_is_string(value))
        explicit_bzero((char *)json_string_value(value),
                       json_string_length(value));
    json_array_foreach (value, i, inner)
        overwrite(inner);
    json_object_foreach (value, name, inner)
        overwrite(inner);
}

void
hr_json_wipe(HrJson *json)
{
    overwrite(unwrap(json));
    hr_json_unref(json);
}

bool
hr_json_number(const HrJson *json, int64_t *number)
{
    if (!json_is_integer(unwrap(json)))
        return false;
    *number = json_integer_value(unwrap(json));
    return true;
}

bool
hr_json_boolean(const HrJson *json, bool *value)
{
    if (!json_is_boolean(unwrap(json)))
        return false;
    *value = json_is_true(unwrap(json));
    return true;
}

size_t
hr_json_length(const HrJson *json)
{
    return json_array_size(unwrap(json));
}

HrJson *
hr_json_at(const HrJson *json, size_t index)
{
    return wrap(json_array_get(unwrap(json), index));
}

/* A text that is no UTF-8 is repaired rather than lost. */
static json_t *
new_string(const char *text)
{
    json_t *json = json_string(text);

    if (json == NULL) {
        g_autofree char *valid = g_utf8_make_valid(text, -1);

        json = json_string(valid);
    }
    return json;
}

void
hr_json_set_text(HrJson *object, const char *name, const char *text)
{
    if (text != NULL)
        json_object_set_new(unwrap(object), name, new_string(text));
}

void
hr_json_set_number(HrJson *object, const char *name, int64_t number)
{
    json_object_set_new(unwrap(object), name, json_integer(number));
}

void
hr_json_set_boolean(HrJson *object, const char *name, bool value)
{
    json_object_set_new(unwrap(object), name, json_boolean(value));
}

void
hr_json_set(HrJson *object, const char *name, HrJson *value)
{
    json_object_set_new(unwrap(object), name, unwrap(value));
}

void
hr_json_append(HrJson *array, HrJson *value)
{
    json_array_append_new(unwrap(array), unwrap(value));
}

void
hr_json_append_text(HrJson *array, const char *text)
{
    json_array_append_new(unwrap(array), new_string(text));
}

/* Hands a text of jansson's allocator over to GLib's. */
static char *
dump(const HrJson *json, size_t flags, const char *end)
{
    char *text = json_dumps(unwrap(json), flags | JSON_ENCODE_ANY);
    char *copy = g_strconcat(text, end, NULL);

    free(text);
    return copy;
}

char *
hr_json_canonical(const HrJson *json)
{
    return dump(json, JSON_COMPACT | JSON_SORT_KEYS, "");
}

char *
hr_json_pretty(const HrJson *json)
{
    return dump(json, JSON_INDENT(2), "\n");
}
