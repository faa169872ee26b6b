/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of names in JSON, as registries answer them. */
#include "json-names.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

int
hr_lib_json_shallow(const char *text, size_t size)
{
    unsigned depth = 0;
    int in_string = 0;

    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0;
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            if (++depth > HR_LIB_JSON_DEPTH)
                return 0;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return 1;
}

static int
read_array(const json_t *array, hr_lib_name_func func, void *data,
           char *problem, size_t capacity)
{
    size_t count = json_array_size(array);

    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(array, i));
        int result;

        if (name == NULL) {
            snprintf(problem, capacity, "entry %zu is no text", i);
            return -1;
        }
        result = func(data, name);
        if (result != 0)
            return result;
    }
    return 0;
}

int
hr_lib_json_names(const char *text, size_t size, const char *member,
                  hr_lib_name_func func, void *data, char *problem,
                  size_t capacity)
{
    const char *zero = memchr(text, '\0', size);
    json_error_t error;
    json_t *root;
    json_t *array;
    int result = 0;

    /* Behind a number jansson takes it for nothing at all. */
    if (zero != NULL) {
        snprintf(problem, capacity, "malformed JSON: byte %zu is zero",
                 (size_t)(zero - text));
        return -1;
    }
    if (!hr_lib_json_shallow(text, size)) {
        snprintf(problem, capacity, "JSON is nested more than %d deep",
                 HR_LIB_JSON_DEPTH);
        return -1;
    }
    root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        snprintf(problem, capacity,
                 "malformed JSON at line %d, column %d: %.100s", error.line,
                 error.column, error.text);
        return -1;
    }
    array = json_object_get(root, member);
    if (!json_is_object(root) ||
        (array != NULL && !json_is_null(array) && !json_is_array(array))) {
        snprintf(problem, capacity, "there is no list '%s'", member);
        result = -1;
    } else if (json_is_array(array)) {
        result = read_array(array, func, data, problem, capacity);
    }
    json_decref(root);
    return result;
}
