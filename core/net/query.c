/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The query of a URI reference. */
#include "net/query.h"

#include <glib.h>
#include <string.h>

/* What RFC 3986 allows in a query beside letters, digits and "-._~", without
 * what separates or may be decoded to something else ("&", "=", "+"). */
#define PLAIN ":@/?!$'()*,;"

/* What goes between a reference and its next parameter. */
static const char *
find_separator(const char *uri, size_t length)
{
    if (memchr(uri, '?', length) == NULL)
        return "?";
    return uri[length - 1] == '?' || uri[length - 1] == '&' ? "" : "&";
}

char *
hr_query_add(const char *uri, const char *name, const char *value)
{
    /* A fragment never reaches a server; what is added comes before it. */
    size_t length = strcspn(uri, "#");
    g_autofree char *encoded = g_uri_escape_string(value, PLAIN, FALSE);

    return g_strdup_printf("%.*s%s%s=%s%s", (int)length, uri,
                           find_separator(uri, length), name, encoded,
                           uri + length);
}
