/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Structured field: read from left to right, refused at the first wrong sign.
 * Negative numbers are refused too: no limit is.
 */
#include "guard/structured-field.h"

#include <string.h>

#define DIGITS 15 /* what the grammar allows, and a double holds exactly */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_token(char c)
{
    return is_alpha(c) || is_digit(c) ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~:/", c) != NULL);
}

static bool
is_base64(char c)
{
    return is_alpha(c) || is_digit(c) || c == '+' || c == '/' || c == '=';
}

static void
skip_blanks(const char **at)
{
    while (**at == ' ' || **at == '\t')
        (*at)++;
}

static bool
read_digits(const char **at, double *number, double *scale)
{
    unsigned count = 0;

    for (; is_digit(**at); (*at)++) {
        if (++count > DIGITS)
            return false;
        *number = *number * 10 + (**at - '0');
        *scale *= 10;
    }
    return count > 0;
}

/* Neither sign nor exponent: nothing here can be negative. */
static bool
read_number(const char **at, double *number)
{
    double fraction = 0;
    double scale = 1;

    *number = 0;
    if (!read_digits(at, number, &scale))
        return false;
    if (**at != '.')
        return true;
    (*at)++;
    scale = 1;
    if (!read_digits(at, &fraction, &scale))
        return false;
    *number += fraction / scale;
    return true;
}

static bool
read_string(const char **at, HrFieldText *text)
{
    text->at = ++*at;
    for (; **at != '"'; (*at)++) {
        if (**at < ' ' || **at > '~')
            return false;
        if (**at == '\\' && *++*at != '"' && **at != '\\')
            return false;
    }
    text->length = (size_t)(*at - text->at);
    (*at)++;
    return true;
}

static bool
read_bytes(const char **at)
{
    do
        (*at)++;
    while (is_base64(**at));
    return *(*at)++ == ':';
}

static bool
read_boolean(const char **at)
{
    (*at)++;
    if (**at != '0' && **at != '1')
        return false;
    (*at)++;
    return true;
}

static bool
read_token(const char **at, HrFieldText *text)
{
    if (!is_alpha(**at) && **at != '*')
        return false;
    text->at = *at;
    while (is_token(**at))
        (*at)++;
    text->length = (size_t)(*at - text->at);
    return true;
}

static bool
read_value(const char **at, HrFieldValue *value)
{
    *value = (HrFieldValue){.number = -1};
    if (is_digit(**at)) {
        value->is_number = true;
        return read_number(at, &value->number);
    }
    switch (**at) {
    case '"':
        return read_string(at, &value->text);
    case ':':
        return read_bytes(at);
    case '?':
        return read_boolean(at);
    default:
        return read_token(at, &value->text);
    }
}

static bool
is_key(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) ||
           (c != '\0' && strchr("_-.*", c) != NULL);
}

static bool
read_parameter(const char **at, HrFieldPart *part)
{
    HrFieldParameter parameter = {.key.at = *at};

    if (is_digit(**at))
        return false;
    while (is_key(**at))
        (*at)++;
    parameter.key.length = (size_t)(*at - parameter.key.at);
    if (parameter.key.length == 0)
        return false;
    if (**at == '=') {
        (*at)++;
        if (!read_value(at, &parameter.value))
            return false;
    }
    if (part->count < HR_FIELD_PARAMETERS)
        part->parameters[part->count++] = parameter;
    return true;
}

static bool
read_part(const char **at, HrFieldPart *part)
{
    HrFieldValue value;

    if (!read_value(at, &value) || (!value.is_number && value.text.at == NULL))
        return false;
    *part = (HrFieldPart){.kind = HR_FIELD_NAME, .name = value.text};
    if (value.is_number) {
        part->kind = HR_FIELD_NUMBER;
    } else if (**at == '=') {
        (*at)++;
        part->kind = HR_FIELD_PAIR;
        if (!read_value(at, &value) || !value.is_number)
            return false;
    }
    part->number = value.number;
    while (**at == ';') {
        (*at)++;
        skip_blanks(at);
        if (!read_parameter(at, part))
            return false;
    }
    return true;
}

unsigned
hr_field_read(const char *value, HrFieldPart parts[HR_FIELD_PARTS])
{
    const char *at = value;
    unsigned count = 0;

    do {
        if (count > 0)
            at++;
        skip_blanks(&at);
        if (count == HR_FIELD_PARTS || !read_part(&at, &parts[count]) ||
            parts[count].kind != parts[0].kind)
            return 0;
        count++;
        skip_blanks(&at);
    } while (*at == ',');
    return *at == '\0' ? count : 0;
}

bool
hr_field_text_is(HrFieldText text, const char *expected)
{
    return text.length == strlen(expected) &&
           memcmp(text.at, expected, text.length) == 0;
}

const HrFieldValue *
hr_field_parameter(const HrFieldPart *part, const char *key)
{
    for (unsigned i = part->count; i > 0; i--)
        if (hr_field_text_is(part->parameters[i - 1].key, key))
            return &part->parameters[i - 1].value;
    return NULL;
}

bool
hr_field_number(const HrFieldPart *part, const char *key, double *number)
{
    const HrFieldValue *value = hr_field_parameter(part, key);

    if (value == NULL)
        return true;
    *number = value->number;
    return value->is_number;
}
