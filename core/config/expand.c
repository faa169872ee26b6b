/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expansion of environment variables in the strings of a configuration. */
#include "config/expand.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"

static bool
variable_valid(const char *name)
{
    return *name != '\0' && !g_ascii_isdigit(*name) &&
           strspn(name, "0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "abcdefghijklmnopqrstuvwxyz") == strlen(name);
}

/* Appends the value of "NAME" or "NAME:-default". */
static bool
append_value(GString *out, const char *inside, GError **error)
{
    const char *separator = strstr(inside, ":-");
    g_autofree char *name =
        separator != NULL ? g_strndup(inside, (gsize)(separator - inside))
                          : g_strdup(inside);
    const char *value;

    if (!variable_valid(name) || strstr(inside, "${") != NULL)
        return hr_error_set(error, HR_CONFIG,
                            "'${%s}' is not of the form ${NAME} or "
                            "${NAME:-default}: write $$ for a dollar sign",
                            inside);
    value = g_getenv(name);
    if (separator != NULL && (value == NULL || *value == '\0'))
        value = separator + strlen(":-");
    if (value == NULL)
        return hr_error_set(error, HR_CONFIG,
                            "the environment variable %s is not set: set it, "
                            "or write ${%s:-default}",
                            name, name);
    g_string_append(out, value);
    return true;
}

char *
hr_config_expand(const char *text, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);

    while (*text != '\0') {
        if (g_str_has_prefix(text, "${")) {
            size_t length = strcspn(text + 2, "}");
            g_autofree char *inside = g_strndup(text + 2, length);

            if (text[2 + length] == '\0') {
                hr_error_set(error, HR_CONFIG,
                             "'${' without '}': write $$ for a dollar sign");
                return NULL;
            }
            if (!append_value(out, inside, error))
                return NULL;
            text += length + strlen("${}");
        } else {
            text += g_str_has_prefix(text, "$$");
            g_string_append_c(out, *text++);
        }
    }
    return g_string_free(g_steal_pointer(&out), false);
}

char *
hr_config_escape(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "$", -1);

    return g_strjoinv("$$", parts);
}
