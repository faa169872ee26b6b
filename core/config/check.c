/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Check: the names, types and presence of a group's members. */
#include <string.h>

#include "config/reader.h"
#include "config/schema.h"
#include "config/types.h"

static const hr_option *
find_option(const hr_option *const *options, const char *name)
{
    for (; options != NULL && *options != NULL; options++)
        if (strcmp((*options)->name, name) == 0)
            return *options;
    return NULL;
}

static void
report_unknown(HrReader *reader, const config_setting_t *member,
               const char *place, const char *path,
               const hr_option *const *options)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *hint = NULL;

    for (const HrSchemaKey *key = hr_schema; key->name != NULL; key++)
        if (strcmp(key->parent, path) == 0)
            g_ptr_array_add(names, (gpointer)key->name);
    for (; options != NULL && *options != NULL; options++)
        g_ptr_array_add(names, (gpointer)(*options)->name);
    g_ptr_array_add(names, NULL);
    hint = hr_reader_hint(config_setting_name(member), names);
    hr_reader_mistake(reader, member, place, "there is no such key%s", hint);
}

static void
check_member(HrReader *reader, const config_setting_t *member,
             const char *path, const hr_option *const *options, bool lenient)
{
    const char *name = config_setting_name(member);
    const HrSchemaKey *key = hr_schema_find(path, name);
    g_autofree char *place =
        g_strconcat(path, *path != '\0' ? "." : "", name, NULL);

    if (key == NULL) {
        if (find_option(options, name) == NULL && !lenient)
            report_unknown(reader, member, place, path, options);
        return;
    }
    if (!hr_type_fits_key(member, key))
        hr_reader_mistake(reader, member, place, "is %s, must be %s",
                          hr_type_of_setting(member), hr_type_of_key(key));
    else if (config_setting_is_group(member) && !key->open)
        hr_reader_check_group(reader, member, place, NULL, false);
}

void
hr_reader_missing(HrReader *reader, const config_setting_t *group,
                  const char *path, const char *name, const char *help)
{
    g_autofree char *place =
        g_strconcat(path, *path != '\0' ? "." : "", name, NULL);

    hr_reader_mistake(reader, group, place, "is missing: %s", help);
}

void
hr_reader_check_group(HrReader *reader, const config_setting_t *group,
                      const char *path, const hr_option *const *options,
                      bool lenient)
{
    int count = config_setting_length(group);

    for (int i = 0; i < count; i++)
        check_member(reader, config_setting_get_elem(group, (unsigned)i), path,
                     options, lenient);
    for (const HrSchemaKey *key = hr_schema; key->name != NULL; key++)
        if (key->required && strcmp(key->parent, path) == 0 &&
            config_setting_get_member(group, key->name) == NULL)
            hr_reader_missing(reader, group, path, key->name, key->help);
}
