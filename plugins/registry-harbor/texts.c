/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts: pieces, keys, escapes. */
#include "texts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest key that the host takes, bytes. */
#define KEY_LIMIT 1024u

void
harbor_free_text(char **text)
{
    free(*text);
}

/* Without memory the program ends, as the host's does. */
static char *
take_room(size_t size)
{
    char *room = malloc(size);

    if (room == NULL)
        abort();
    return room;
}

char *
harbor_text(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    va_end(arguments);
    return text;
}

json_t *
harbor_text_read(const char *text)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    if (object != NULL && !json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static void
overwrite(json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;

    if (json_is_string(value))
        explicit_bzero((char *)json_string_value(value),
                       json_string_length(value));
    json_object_foreach (value, name, member)
        if (member->refcount == 1)
            overwrite(member);
    json_array_foreach (value, i, member)
        if (member->refcount == 1)
            overwrite(member);
}

void
harbor_secrets_wipe(json_t *object)
{
    overwrite(object);
    json_decref(object);
}

void
harbor_text_wipe(char *text)
{
    if (text == NULL)
        return;
    explicit_bzero(text, strlen(text));
    free(text);
}

int
harbor_key_split(const char *key, char **first, const char **rest)
{
    const char *slash = strchr(key, '/');

    *first = NULL;
    *rest = key;
    if (slash == NULL)
        return 0;
    *first = harbor_text("%.*s", (int)(slash - key), key);
    *rest = slash + 1;
    return 1;
}

/* U+0000 to U+001F, and U+007F to U+009F. */
static int
is_control(const unsigned char *at)
{
    return at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0);
}

int
harbor_key_valid(const char *key)
{
    size_t length = strlen(key);

    for (size_t i = 0; i < length; i++)
        if (is_control((const unsigned char *)key + i))
            return 0;
    return length > 0 && length <= KEY_LIMIT;
}

size_t
harbor_text_length(const char *text)
{
    size_t length = 0;

    for (; *text != '\0'; text++)
        length += ((unsigned char)*text & 0xc0) != 0x80;
    return length;
}

static int
is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~", c) != NULL);
}

/* `percent` is what stands for the sign in front of two digits. */
static char *
escape(const char *text, const char *percent)
{
    char *escaped = take_room(strlen(text) * (strlen(percent) + 2) + 1);
    char *end = escaped;

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (is_unreserved(c))
            *end++ = (char)c;
        else
            end += sprintf(end, "%s%02X", percent, c);
    }
    *end = '\0';
    return escaped;
}

char *
harbor_escape(const char *text)
{
    return escape(text, "%");
}

char *
harbor_escape_twice(const char *text)
{
    return escape(text, "%25");
}

int
harbor_path_plain(const char *path)
{
    const char *end = path + strcspn(path, "?");

    if (*path != '/')
        return 0;
    while (path < end) {
        size_t length = strcspn(++path, "/?");

        if (length == 0 || (length == 1 && *path == '.') ||
            (length == 2 && strncmp(path, "..", 2) == 0))
            return 0;
        path += length;
    }
    return 1;
}

int
harbor_project_plain(const char *name)
{
    return harbor_query_plain(name) && strchr("._-", *name) == NULL;
}

int
harbor_digest_plain(const char *text)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz+._-";
    size_t name = strspn(text, letters);

    return name > 0 && text[name] == ':' && text[name + 1] != '\0' &&
           text[name + 1 + strspn(text + name + 1, digits)] == '\0';
}

int
harbor_query_plain(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (!is_unreserved((unsigned char)*at) || *at == '~')
            return 0;
    return *text != '\0';
}
