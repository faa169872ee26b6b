/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all kinds need to make documents of what Harbor says. */
#include "document.h"

#include <stdlib.h>
#include <string.h>

typedef struct Spelling {
    char *text;
    json_t *value;
} Spelling;

void
harbor_document_text(json_t *document, const char *name, const json_t *given,
                     const char *member)
{
    json_t *value = json_object_get(given, member);

    if (json_string_length(value) > 0)
        json_object_set(document, name, value);
}

void
harbor_document_flag(json_t *document, const char *name, const json_t *given,
                     const char *member, bool usual)
{
    bool flag = harbor_json_flag(given, member, usual);

    if (flag != usual)
        json_object_set_new(document, name, json_boolean(flag));
}

void
harbor_document_number(json_t *document, const char *name, const json_t *given,
                       const char *member, json_int_t usual)
{
    json_int_t number = harbor_json_number(given, member, usual);

    if (number != usual)
        json_object_set_new(document, name, json_integer(number));
}

void
harbor_document_set(json_t *document, const char *name, json_t *value)
{
    if (json_array_size(value) > 0 || json_object_size(value) > 0 ||
        json_string_length(value) > 0)
        json_object_set_new(document, name, value);
    else
        json_decref(value);
}

const char *
harbor_json_text(const json_t *object, const char *name, const char *usual)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : usual;
}

bool
harbor_json_flag(const json_t *object, const char *name, bool usual)
{
    const json_t *value = json_object_get(object, name);

    return json_is_boolean(value) ? json_is_true(value) : usual;
}

json_int_t
harbor_json_number(const json_t *object, const char *name, json_int_t usual)
{
    const json_t *value = json_object_get(object, name);

    return json_is_integer(value) ? json_integer_value(value) : usual;
}

static int
order_spellings(const void *left, const void *right)
{
    const Spelling *one = left;
    const Spelling *other = right;

    return strcmp(one->text, other->text);
}

json_t *
harbor_json_sorted(json_t *array)
{
    size_t count = json_array_size(array);
    json_t *sorted = json_array();
    Spelling *spellings = calloc(count + 1, sizeof *spellings);

    if (spellings == NULL || sorted == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        spellings[i].value = json_array_get(array, i);
        spellings[i].text = harbor_json_canonical(spellings[i].value);
    }
    qsort(spellings, count, sizeof *spellings, order_spellings);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(spellings[i - 1].text, spellings[i].text) != 0)
            json_array_append(sorted, spellings[i].value);
    for (size_t i = 0; i < count; i++)
        free(spellings[i].text);
    free(spellings);
    json_decref(array);
    return sorted;
}

char *
harbor_json_canonical(const json_t *value)
{
    char *text =
        json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);

    if (text == NULL)
        abort();
    return text;
}

json_t *
harbor_json_spelled_out(const json_t *text)
{
    json_t *value = json_loadb(
        json_string_value(text) != NULL ? json_string_value(text) : "",
        json_string_length(text), JSON_REJECT_DUPLICATES, NULL);

    return value != NULL ? value : json_deep_copy(text);
}

json_t *
harbor_json_spelled(const json_t *value)
{
    char *text;
    json_t *spelled;

    if (json_is_string(value))
        return json_deep_copy(value);
    text = harbor_json_canonical(value);
    spelled = json_string(text);
    free(text);
    return spelled;
}

void
harbor_secret_add(json_t **secrets, const char *pointer, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    if (*secrets == NULL)
        *secrets = json_object();
    json_object_set_new(*secrets, pointer, json_string(value));
}
