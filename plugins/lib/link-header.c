/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Link header:  <target>; name=value; name="value", <target> ...
 */
#include "link-header.h"

#include <string.h>
#include <strings.h>

#define NAME_CHARACTERS                                                       \
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"          \
    "!#$%&'*+-.^_`|~"

static const char *
skip_space(const char *text)
{
    return text + strspn(text, " \t");
}

/* Moves over one value: a token or a quoted string.  NULL if it is neither.
 * *start and *length are what is inside. */
static const char *
skip_value(const char *text, const char **start, size_t *length)
{
    if (*text != '"') {
        *start = text;
        *length = strcspn(text, ";,\\\"<> \t");
        text += *length;
        return *text != '\0' && strchr("\\\"<>", *text) != NULL ? NULL : text;
    }
    *start = ++text;
    while (*text != '"') {
        if (*text == '\\' && text[1] != '\0')
            text++;
        if (*text == '\0')
            return NULL;
        text++;
    }
    *length = (size_t)(text - *start);
    return text + 1;
}

/* True if a list of relation types, separated by spaces, has "next". */
static int
has_next(const char *value, size_t length)
{
    while (length > 0) {
        size_t word = 0;

        while (word < length && value[word] != ' ' && value[word] != '\t')
            word++;
        if (word == 4 && strncasecmp(value, "next", 4) == 0)
            return 1;
        word += word < length;
        value += word;
        length -= word;
    }
    return 0;
}

static int
is_separator(char c)
{
    return c == '\0' || c == ';' || c == ',';
}

/* Reads one parameter, which may be empty.  NULL if it is malformed. */
static const char *
read_parameter(const char *text, int *seen_rel, int *is_next)
{
    const char *name = text;
    const char *value = "";
    size_t name_length = strspn(text, NAME_CHARACTERS);
    size_t value_length = 0;

    text = skip_space(text + name_length);
    if (*text == '=' && name_length > 0) {
        text = skip_value(skip_space(text + 1), &value, &value_length);
        if (text == NULL)
            return NULL;
        text = skip_space(text);
    }
    if (!is_separator(*text))
        return NULL;
    /* Only the first rel counts. */
    if (name_length == 3 && strncasecmp(name, "rel", 3) == 0 && !*seen_rel) {
        *seen_rel = 1;
        *is_next = has_next(value, value_length);
    }
    return text;
}

/* Reads the parameters of one link.  NULL if they are malformed. */
static const char *
read_parameters(const char *text, int *is_next)
{
    int seen_rel = 0;

    *is_next = 0;
    text = skip_space(text);
    if (!is_separator(*text))
        return NULL;
    while (*text == ';') {
        text = read_parameter(skip_space(text + 1), &seen_rel, is_next);
        if (text == NULL)
            return NULL;
    }
    return text;
}

int
hr_lib_link_next(const char *header, char *target, size_t capacity)
{
    const char *text = skip_space(header);

    while (*text != '\0') {
        const char *start;
        size_t length;
        int is_next;

        if (*text == ',') {
            text = skip_space(text + 1);
            continue;
        }
        if (*text != '<')
            return -1;
        start = text + 1;
        length = strcspn(start, ">");
        if (start[length] != '>')
            return -1;
        text = read_parameters(start + length + 1, &is_next);
        if (text == NULL)
            return -1;
        if (is_next) {
            if (length == 0 || length >= capacity)
                return -1;
            memcpy(target, start, length);
            target[length] = '\0';
            return 1;
        }
    }
    return 0;
}
