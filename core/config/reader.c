/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reader: places in a file, and values checked against the schema. */
#include "config/reader.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "config/expand.h"
#include "config/schema.h"
#include "config/types.h"

void
hr_reader_init(HrReader *reader, const char *path)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    const char *slash = strrchr(path, '/');

    reader->path = g_strdup(path);
    reader->prefix =
        g_strndup(path, slash != NULL ? (gsize)(slash + 1 - path) : 0);
    reader->directory = g_path_get_dirname(absolute);
    reader->mistakes = hr_mistakes_new(path);
}

void
hr_reader_clear(HrReader *reader)
{
    g_free(reader->path);
    g_free(reader->prefix);
    g_free(reader->directory);
    hr_mistakes_free(reader->mistakes);
}

char *
hr_reader_file(const HrReader *reader, const config_setting_t *setting)
{
    const char *file = config_setting_source_file(setting);

    if (file == NULL)
        return g_strdup(reader->path);
    /* libconfig 1.5 gives the name as it stands after @include, later ones
     * with the directory before it. */
    return g_strconcat(g_path_is_absolute(file) ? "" : reader->prefix, file,
                       NULL);
}

void
hr_reader_place(const HrReader *reader, const config_setting_t *setting,
                HrConfigPlace *place)
{
    place->file = hr_reader_file(reader, setting);
    /* The file as a whole has no line. */
    place->line = MAX(config_setting_source_line(setting), 1);
}

void
hr_config_place_clear(HrConfigPlace *place)
{
    g_free(place->file);
    place->file = NULL;
}

void
hr_reader_mistake(HrReader *reader, const config_setting_t *setting,
                  const char *place, const char *format, ...)
{
    HrConfigPlace where;
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    hr_reader_place(reader, setting, &where);
    hr_mistakes_add(reader->mistakes, where.file, where.line, place, message);
    hr_config_place_clear(&where);
}

char *
hr_reader_hint(const char *name, const GPtrArray *names)
{
    const char *nearest =
        hr_text_nearest(name, (const char *const *)names->pdata);

    return nearest != NULL ? g_strdup_printf("; did you mean '%s'?", nearest)
                           : g_strdup("");
}

static char *
join_place(const char *path, const char *name)
{
    return g_strconcat(path, *path != '\0' ? "." : "", name, NULL);
}

const config_setting_t *
hr_reader_spot(const config_setting_t *group, const char *name)
{
    const config_setting_t *member = config_setting_get_member(group, name);

    return member != NULL ? member : group;
}

const config_setting_t *
hr_reader_group(const config_setting_t *group, const char *name)
{
    const config_setting_t *member =
        group != NULL ? config_setting_get_member(group, name) : NULL;

    return member != NULL && config_setting_is_group(member) ? member : NULL;
}

/* The member if it is there and of the right type; other types were reported
 * when the group was checked. */
static const config_setting_t *
find_member(const config_setting_t *group, const HrSchemaKey *key)
{
    const config_setting_t *member =
        group != NULL ? config_setting_get_member(group, key->name) : NULL;

    return member != NULL && hr_type_fits_key(member, key) ? member : NULL;
}

/* A string's text with variables expanded; NULL after a mistake. */
static char *
expand_setting(HrReader *reader, const config_setting_t *setting,
               const char *place)
{
    g_autoptr(GError) error = NULL;
    char *text = hr_config_expand(config_setting_get_string(setting), &error);

    if (text == NULL)
        hr_reader_mistake(reader, setting, place, "%s", error->message);
    return text;
}

char *
hr_reader_text(HrReader *reader, const config_setting_t *group,
               const char *path, const char *name)
{
    const HrSchemaKey *key = hr_schema_find(path, name);
    const config_setting_t *member = find_member(group, key);
    g_autofree char *place = join_place(path, name);

    if (member == NULL)
        return g_strdup(key->fallback);
    return expand_setting(reader, member, place);
}

/* A duration or a size. */
static bool
read_quantity(HrReader *reader, const config_setting_t *member,
              const char *place, bool size, int64_t *number)
{
    g_autofree char *text = expand_setting(reader, member, place);
    g_autoptr(GError) error = NULL;

    if (text == NULL)
        return false;
    if (size ? hr_text_parse_size(text, number, &error)
             : hr_text_parse_duration(text, number, &error))
        return true;
    hr_reader_mistake(reader, member, place, "%s", error->message);
    return false;
}

static int64_t
parse_fallback(const HrSchemaKey *key)
{
    int64_t number = 0;

    if (key->fallback == NULL)
        return 0;
    if (key->type == HR_SCHEMA_BOOLEAN)
        return strcmp(key->fallback, "true") == 0;
    if (key->type == HR_SCHEMA_DURATION)
        hr_text_parse_duration(key->fallback, &number, NULL);
    else
        number = g_ascii_strtoll(key->fallback, NULL, 10);
    return number;
}

int64_t
hr_reader_number(HrReader *reader, const config_setting_t *group,
                 const char *path, const char *name)
{
    const HrSchemaKey *key = hr_schema_find(path, name);
    const config_setting_t *member = find_member(group, key);
    g_autofree char *place = join_place(path, name);
    g_autofree char *range = NULL;
    int64_t number = 0;

    if (member == NULL)
        return parse_fallback(key);
    if (key->type == HR_SCHEMA_BOOLEAN)
        return config_setting_get_bool(member);
    if (key->type == HR_SCHEMA_INTEGER)
        number = config_setting_get_int64(member);
    else if (!read_quantity(reader, member, place, key->type == HR_SCHEMA_SIZE,
                            &number))
        return parse_fallback(key);
    if (number >= key->minimum && number <= key->maximum)
        return number;
    range = hr_schema_format_range(key);
    hr_reader_mistake(reader, member, place, "must be %s", range);
    return parse_fallback(key);
}

bool
hr_reader_has(const config_setting_t *group, const char *name)
{
    return group != NULL && config_setting_get_member(group, name) != NULL;
}

double
hr_reader_fraction(HrReader *reader, const config_setting_t *group,
                   const char *path, const char *name)
{
    const HrSchemaKey *key = hr_schema_find(path, name);
    const config_setting_t *member = find_member(group, key);
    g_autofree char *place = join_place(path, name);
    g_autofree char *range = NULL;
    double number;

    if (member == NULL)
        return 0;
    number = config_setting_type(member) == CONFIG_TYPE_FLOAT
                 ? config_setting_get_float(member)
                 : (double)config_setting_get_int64(member);
    if (number >= (double)key->minimum && number <= (double)key->maximum)
        return number;
    range = hr_schema_format_range(key);
    hr_reader_mistake(reader, member, place, "must be %s", range);
    return (double)key->minimum;
}

char **
hr_reader_texts(HrReader *reader, const config_setting_t *group,
                const char *path, const char *name)
{
    const HrSchemaKey *key = hr_schema_find(path, name);
    const config_setting_t *member = find_member(group, key);
    g_autofree char *place = join_place(path, name);
    GPtrArray *texts;

    if (member == NULL)
        return NULL;
    texts = g_ptr_array_new();
    for (int i = 0; i < config_setting_length(member); i++) {
        const config_setting_t *entry =
            config_setting_get_elem(member, (unsigned)i);
        char *text = NULL;

        if (config_setting_type(entry) == CONFIG_TYPE_STRING)
            text = expand_setting(reader, entry, place);
        else
            hr_reader_mistake(reader, entry, place,
                              "entry %d is %s, must be a string", i + 1,
                              hr_type_of_setting(entry));
        if (text != NULL)
            g_ptr_array_add(texts, text);
    }
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_free(texts, false);
}

/* A value of the right type as text; NULL after a mistake. */
static char *
read_value(HrReader *reader, const config_setting_t *setting,
           const char *place, const hr_option *option)
{
    if (!hr_type_fits_option(setting, option)) {
        hr_reader_mistake(reader, setting, place, "is %s, must be %s",
                          hr_type_of_setting(setting),
                          hr_type_of_option(option));
        return NULL;
    }
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        return expand_setting(reader, setting, place);
    case CONFIG_TYPE_BOOL:
        return g_strdup(config_setting_get_bool(setting) ? "true" : "false");
    default:
        return g_strdup_printf("%lld", config_setting_get_int64(setting));
    }
}

/* `spot` is where to point to if there is no member. */
static void
read_option(HrReader *reader, const config_setting_t *member,
            const config_setting_t *spot, const char *path,
            const hr_option *option, HrSettings *settings)
{
    g_autofree char *place = join_place(path, option->name);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (member != NULL)
        text = read_value(reader, member, place, option);
    else if ((option->flags & HR_OPTION_REQUIRED) != 0)
        hr_reader_missing(reader, spot, path, option->name, option->help);
    else
        text = g_strdup(option->default_value);
    if (text != NULL &&
        !hr_settings_set(settings, option, text, reader->directory, &error))
        hr_reader_mistake(reader, member != NULL ? member : spot, place, "%s",
                          error->message);
}

void
hr_reader_options(HrReader *reader, const config_setting_t *group,
                  const config_setting_t *spot, const char *path,
                  const hr_provider *provider, HrSettings *settings)
{
    for (const hr_option *const *option = provider->options;
         option != NULL && *option != NULL; option++)
        read_option(reader,
                    group != NULL
                        ? config_setting_get_member(group, (*option)->name)
                        : NULL,
                    spot, path, *option, settings);
}
