/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schema: the one table of what a configuration may say. */
#include "config/schema.h"

#include <glib.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"

#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)

#define KEY(parent, name, type, fallback, minimum, maximum, help)             \
    {                                                                         \
        parent, name, HR_SCHEMA_##type, false, false, fallback, minimum,      \
            maximum, help                                                     \
    }
#define NEEDED(parent, name, type, help)                                      \
    {                                                                         \
        parent, name, HR_SCHEMA_##type, true, false, NULL, 0, 0, help         \
    }
/* A group that also takes the options of the plugin that it names. */
#define OPEN(parent, name, type, help)                                        \
    {                                                                         \
        parent, name, HR_SCHEMA_##type, false, true, NULL, 0, 0, help         \
    }

#define FILTER(parent, name, help)                                            \
    KEY(parent, name, GROUP, NULL, 0, 0, help),                               \
        KEY(parent "." name, "names", STRINGS, NULL, 0, 0,                    \
            "Exactly these; nothing is listed."),                             \
        KEY(parent "." name, "allow", STRINGS, NULL, 0, 0,                    \
            "Anchored regular expressions; left out: all."),                  \
        KEY(parent "." name, "deny", STRINGS, NULL, 0, 0,                     \
            "Anchored regular expressions; deny wins.")
#define FILTERS(parent)                                                       \
    FILTER(parent, "repositories", "Which repositories are wanted."),         \
        FILTER(parent, "tags", "Which tags are wanted.")

#define PASSWORD_HELP                                                         \
    "Where the password is: env:NAME, file:/PATH, cred:NAME or exec:HELPER."

const HrSchemaKey hr_schema[] = {
    KEY("", "workers", INTEGER, "8", 1, 256,
        "Threads that carry out the work."),
    KEY("", "loops", INTEGER, "2", 1, 16, "Threads that move bytes."),
    KEY("", "allow_inline_secrets", BOOLEAN, "false", 0, 0,
        "Accept passwords in this file instead of references."),
    KEY("", "credentials", LIST, NULL, 0, 0,
        "Named credentials that endpoints refer to."),
    NEEDED("credentials[]", "name", STRING, "The name to refer to."),
    NEEDED("credentials[]", "username", STRING, "User or robot account."),
    NEEDED("credentials[]", "password", STRING, PASSWORD_HELP),
    KEY("", "selects", LIST, NULL, 0, 0,
        "Named selections that syncs refer to."),
    NEEDED("selects[]", "name", STRING, "The name to refer to."),
    FILTERS("selects[]"),
    NEEDED("", "endpoints", LIST, "The registries."),
    NEEDED("endpoints[]", "name", STRING, "The name that syncs refer to."),
    NEEDED("endpoints[]", "type", STRING,
           "Kind of registry: the NAME of a plugin registry-NAME."),
    KEY("endpoints[]", "url", STRING, NULL, 0, 0,
        "Address: https://HOST[:PORT][/PATH] or http://."),
    KEY("endpoints[]", "username", STRING, NULL, 0, 0,
        "User or robot account; left out: anonymous."),
    KEY("endpoints[]", "password", STRING, NULL, 0, 0, PASSWORD_HELP),
    KEY("endpoints[]", "credentials", STRING, NULL, 0, 0,
        "Name of an entry of credentials, instead of username and "
        "password."),
    KEY("endpoints[]", "tls", GROUP, NULL, 0, 0, "Trust."),
    KEY("endpoints[].tls", "ca", STRING, NULL, 0, 0,
        "File with the CA certificates to trust; left out: the system's."),
    KEY("endpoints[].tls", "insecure", BOOLEAN, "false", 0, 0,
        "Do not verify certificates; warned about at every run."),
    KEY("endpoints[]", "policy", GROUP, NULL, 0, 0, "Limits and patience."),
    KEY("endpoints[].policy", "requests", INTEGER, "16", 1, 256,
        "Metadata requests in flight."),
    KEY("endpoints[].policy", "transfers", INTEGER, "4", 1, 64,
        "Blobs in flight."),
    KEY("endpoints[].policy", "attempts", INTEGER, "4", 1, 10,
        "Attempts at a request that may be repeated, all in all."),
    KEY("endpoints[].policy", "connect_timeout", DURATION, "10s", 100,
        10 * MINUTE, "Longest wait for a connection."),
    KEY("endpoints[].policy", "timeout", DURATION, "30s", 100, 60 * MINUTE,
        "Longest attempt at a metadata request."),
    KEY("endpoints[].policy", "stall", DURATION, "30s", 1000, DAY,
        "A blob that moves less than 1 KiB/s for so long is given up."),
    KEY("", "syncs", LIST, NULL, 0, 0, "What is replicated where."),
    NEEDED("syncs[]", "name", STRING, "The name to call it by."),
    NEEDED("syncs[]", "source", STRING, "Name of the endpoint to read."),
    NEEDED("syncs[]", "target", STRING, "Name of the endpoint to write."),
    KEY("syncs[]", "mode", STRING, "one-way", 0, 0,
        "one-way: the target follows the source."),
    KEY("syncs[]", "kinds", STRINGS, NULL, 0, 0,
        "Kinds of items; tag is what there is."),
    KEY("syncs[]", "select", GROUP, NULL, 0, 0,
        "What is wanted, or the name of an entry of selects."),
    FILTERS("syncs[].select"),
    OPEN("syncs[]", "conflict", GROUP,
         "What to do about items that differ; takes the strategy's options."),
    KEY("syncs[].conflict", "default", STRING, "source-wins", 0, 0,
        "The NAME of a plugin strategy-NAME."),
    KEY("", "sinks", LIST, NULL, 0, 0, "Where metrics and events go."),
    NEEDED("sinks[]", "type", STRING, "The NAME of a plugin sink-NAME."),
    {0},
};

const HrSchemaKey *
hr_schema_find(const char *parent, const char *name)
{
    for (const HrSchemaKey *key = hr_schema; key->name != NULL; key++)
        if (strcmp(key->parent, parent) == 0 && strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

const char *
hr_schema_type_name(HrSchemaType type)
{
    static const char *const names[] = {
        [HR_SCHEMA_GROUP] = "group",       [HR_SCHEMA_LIST] = "list",
        [HR_SCHEMA_STRING] = "string",     [HR_SCHEMA_STRINGS] = "strings",
        [HR_SCHEMA_INTEGER] = "integer",   [HR_SCHEMA_BOOLEAN] = "boolean",
        [HR_SCHEMA_DURATION] = "duration",
    };

    return names[type];
}

char *
hr_schema_path(const HrSchemaKey *key)
{
    return g_strconcat(key->parent, *key->parent != '\0' ? "." : "", key->name,
                       key->type == HR_SCHEMA_LIST ? "[]" : "", NULL);
}

char *
hr_schema_format_duration(int64_t ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        {"d", DAY}, {"h", 60 * MINUTE}, {"m", MINUTE}, {"s", 1000}, {"ms", 1},
    };
    unsigned unit = 0;

    if (ms == 0)
        return g_strdup("0s");
    while (ms % units[unit].ms != 0)
        unit++;
    return g_strdup_printf("%" G_GINT64_FORMAT "%s", ms / units[unit].ms,
                           units[unit].name);
}

char *
hr_schema_format_range(const HrSchemaKey *key)
{
    g_autofree char *minimum = NULL;
    g_autofree char *maximum = NULL;

    if (key->minimum == key->maximum)
        return NULL;
    if (key->type != HR_SCHEMA_DURATION)
        return g_strdup_printf("%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                               key->minimum, key->maximum);
    minimum = hr_schema_format_duration(key->minimum);
    maximum = hr_schema_format_duration(key->maximum);
    return g_strconcat(minimum, " to ", maximum, NULL);
}

/* "integer 1 to 256, default 8" */
static char *
describe_value(const HrSchemaKey *key)
{
    g_autofree char *range = hr_schema_format_range(key);
    GString *text = g_string_new(hr_schema_type_name(key->type));

    if (range != NULL)
        g_string_append_printf(text, " %s", range);
    if (key->required)
        g_string_append(text, ", required");
    if (key->fallback != NULL)
        g_string_append_printf(text, ", default %s", key->fallback);
    return g_string_free(text, false);
}

char *
hr_config_schema_text(void)
{
    GString *out = g_string_new(NULL);

    for (const HrSchemaKey *key = hr_schema; key->name != NULL; key++) {
        g_autofree char *path = hr_schema_path(key);
        g_autofree char *value = describe_value(key);

        g_string_append_printf(out, "%-34s  %-34s  %s\n", path, value,
                               key->help);
    }
    return g_string_free(out, false);
}

static void
append_member(GString *out, const char *name, const char *value)
{
    g_string_append(out, ", ");
    hr_text_append_json(out, name);
    g_string_append(out, ": ");
    hr_text_append_json(out, value);
}

char *
hr_config_schema_json(void)
{
    GString *out = g_string_new("{\"version\": 1, \"keys\": [");

    for (const HrSchemaKey *key = hr_schema; key->name != NULL; key++) {
        g_autofree char *path = hr_schema_path(key);

        g_string_append(out, key == hr_schema ? "\n  {" : ",\n  {");
        g_string_append(out, "\"path\": ");
        hr_text_append_json(out, path);
        append_member(out, "type", hr_schema_type_name(key->type));
        g_string_append_printf(out, ", \"required\": %s",
                               key->required ? "true" : "false");
        if (key->fallback != NULL)
            append_member(out, "default", key->fallback);
        if (key->minimum != key->maximum)
            g_string_append_printf(out,
                                   ", \"minimum\": %" G_GINT64_FORMAT
                                   ", \"maximum\": %" G_GINT64_FORMAT,
                                   key->minimum, key->maximum);
        append_member(out, "help", key->help);
        g_string_append_c(out, '}');
    }
    g_string_append(out, "\n]}\n");
    return g_string_free(out, false);
}
