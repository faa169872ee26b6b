/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The query of a URI reference. */
#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What RFC 3986 allows in a query, without what separates or may be decoded
 * to something else ("&", "=", "+"). */
static int
is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~:@/?!$'()*,;", c) != NULL);
}

static size_t
encode(const char *value, char *out)
{
    size_t length = 0;

    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;

        if (is_plain(c))
            out[length++] = (char)c;
        else
            length += (size_t)sprintf(out + length, "%%%02X", c);
    }
    out[length] = '\0';
    return length;
}

/* What goes between a reference and its next parameter. */
static const char *
find_separator(const char *uri, size_t length)
{
    if (memchr(uri, '?', length) == NULL)
        return "?";
    return uri[length - 1] == '?' || uri[length - 1] == '&' ? "" : "&";
}

char *
hr_lib_query_add(const char *uri, const char *name, const char *value)
{
    /* A fragment never reaches a server; what is added comes before it. */
    size_t length = strcspn(uri, "#");
    char *out =
        malloc(strlen(uri) + strlen(name) + 3 * strlen(value) + sizeof "&=");
    char *end = out;

    if (out == NULL)
        return NULL;
    memcpy(out, uri, length);
    end += length;
    end += sprintf(end, "%s%s=", find_separator(uri, length), name);
    end += encode(value, end);
    strcpy(end, uri + length);
    return out;
}
