/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loader: from a file to a snapshot, or to the list of its mistakes. */
#include "config/loader.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/secret.h"
#include "config/expand.h"
#include "config/numbers.h"

#define FILE_LIMIT_BYTES (16 * 1024 * 1024)

static bool
name_valid(const char *name)
{
    return g_ascii_isalnum(name[0]) &&
           strspn(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "abcdefghijklmnopqrstuvwxyz._-") == strlen(name);
}

char *
hr_loader_name(HrLoader *loader, const config_setting_t *group,
               const char *path)
{
    g_autofree char *name =
        hr_reader_text(&loader->reader, group, path, "name");
    g_autofree char *place = g_strconcat(path, ".name", NULL);

    if (name == NULL || name_valid(name))
        return g_steal_pointer(&name);
    hr_reader_mistake(&loader->reader, hr_reader_spot(group, "name"), place,
                      "'%s' is no name: use letters, digits, '.', '_' and "
                      "'-', a letter or digit first",
                      name);
    return NULL;
}

static const config_setting_t *
find_list(const HrLoader *loader, const char *name)
{
    const config_setting_t *list =
        config_setting_get_member(loader->root, name);

    return list != NULL && config_setting_is_list(list) ? list : NULL;
}

const config_setting_t *
hr_loader_next(HrLoader *loader, const char *list, int *index)
{
    const config_setting_t *setting = find_list(loader, list);

    while (setting != NULL && *index < config_setting_length(setting)) {
        const config_setting_t *entry =
            config_setting_get_elem(setting, (unsigned)(*index)++);

        if (config_setting_is_group(entry))
            return entry;
        hr_reader_mistake(&loader->reader, entry, list,
                          "entry %d is no group { ... }", *index);
    }
    return NULL;
}

/* The name of an entry as it is after expansion; NULL if it has none. */
static char *
entry_name(const config_setting_t *entry)
{
    const char *text = NULL;

    if (!config_setting_is_group(entry) ||
        !config_setting_lookup_string(entry, "name", &text))
        return NULL;
    return hr_config_expand(text, NULL);
}

const config_setting_t *
hr_loader_named(HrLoader *loader, const char *list, const char *name,
                const config_setting_t *group, const char *path,
                const char *key)
{
    const config_setting_t *setting = find_list(loader, list);
    int count = setting != NULL ? config_setting_length(setting) : 0;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *place = g_strconcat(path, ".", key, NULL);
    g_autofree char *hint = NULL;

    for (int i = 0; i < count; i++) {
        const config_setting_t *entry =
            config_setting_get_elem(setting, (unsigned)i);
        char *known = entry_name(entry);

        if (known == NULL)
            continue;
        g_ptr_array_add(names, known);
        if (strcmp(known, name) == 0)
            return entry;
    }
    g_ptr_array_add(names, NULL);
    hint = hr_reader_hint(name, names);
    hr_reader_mistake(&loader->reader, hr_reader_spot(group, key), place,
                      "there is no '%s' in %s%s", name, list, hint);
    return NULL;
}

const hr_provider *
hr_loader_provider(HrLoader *loader, const config_setting_t *group,
                   const char *path, const char *key, uint32_t kind,
                   const char *name)
{
    g_autofree char *place = g_strconcat(path, ".", key, NULL);
    g_autoptr(GError) error = NULL;
    const hr_provider *provider =
        loader->lookup(kind, name, loader->lookup_data, &error);

    if (provider == NULL)
        hr_reader_mistake(&loader->reader, hr_reader_spot(group, key), place,
                          "%s", error->message);
    return provider;
}

static void
read_sink(HrLoader *loader, const config_setting_t *group)
{
    HrReader *reader = &loader->reader;
    HrSinkConfig *sink = g_new0(HrSinkConfig, 1);
    const hr_provider *provider = NULL;

    hr_reader_place(reader, group, &sink->place);
    sink->settings = hr_settings_new();
    sink->type = hr_reader_text(reader, group, "sinks[]", "type");
    if (sink->type != NULL)
        provider = hr_loader_provider(loader, group, "sinks[]", "type",
                                      HR_KIND_SINK, sink->type);
    /* Without its provider, nobody knows which options are right. */
    hr_reader_check_group(reader, group, "sinks[]",
                          provider != NULL ? provider->options : NULL,
                          provider == NULL);
    if (provider != NULL)
        hr_reader_options(reader, group, group, "sinks[]", provider,
                          sink->settings);
    g_ptr_array_add(loader->config->sinks, sink);
}

/* Two entries of one name. */
static void
check_unique(HrLoader *loader, const char *list)
{
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const config_setting_t *setting = find_list(loader, list);
    int count = setting != NULL ? config_setting_length(setting) : 0;
    g_autofree char *place = g_strconcat(list, "[].name", NULL);

    for (int i = 0; i < count; i++) {
        const config_setting_t *entry =
            config_setting_get_elem(setting, (unsigned)i);
        g_autofree char *name = entry_name(entry);
        const config_setting_t *first;
        HrConfigPlace where;

        if (name == NULL)
            continue;
        first = g_hash_table_lookup(seen, name);
        if (first == NULL) {
            g_hash_table_insert(seen, g_steal_pointer(&name),
                                (gpointer)hr_reader_spot(entry, "name"));
            continue;
        }
        hr_reader_place(&loader->reader, first, &where);
        hr_reader_mistake(&loader->reader, hr_reader_spot(entry, "name"),
                          place, "there is a '%s' already, at %s:%u", name,
                          where.file, where.line);
        hr_config_place_clear(&where);
    }
}

static void
read_each(HrLoader *loader, const char *list,
          void (*func)(HrLoader *loader, const config_setting_t *group))
{
    const config_setting_t *entry;
    int index = 0;

    while ((entry = hr_loader_next(loader, list, &index)) != NULL)
        func(loader, entry);
    check_unique(loader, list);
}

static void
read_profile(HrLoader *loader)
{
    HrReader *reader = &loader->reader;
    g_autofree char *name =
        hr_reader_text(reader, loader->root, "", "profile");
    g_autofree char *known = g_strjoinv(", ", (char **)hr_policy_profiles);
    int profile = name != NULL ? hr_policy_find_profile(name) : 0;

    if (profile < 0)
        hr_reader_mistake(reader, hr_reader_spot(loader->root, "profile"),
                          "profile", "there is no profile '%s'; there are %s",
                          name, known);
    loader->config->profile = (HrProfile)MAX(profile, 0);
}

static void
read_auth_file(HrLoader *loader)
{
    g_autofree char *text =
        hr_reader_text(&loader->reader, loader->root, "", "authfile");

    if (text != NULL && *text != '\0')
        loader->config->auth_file =
            g_canonicalize_filename(text, loader->reader.directory);
    else
        loader->config->auth_file = g_steal_pointer(&text);
}

static void
read_root(HrLoader *loader)
{
    HrReader *reader = &loader->reader;
    HrConfig *config = loader->config;

    hr_reader_check_group(reader, loader->root, "", NULL, false);
    config->workers =
        (unsigned)hr_reader_number(reader, loader->root, "", "workers");
    config->loops =
        (unsigned)hr_reader_number(reader, loader->root, "", "loops");
    config->parallel_syncs =
        (unsigned)hr_reader_number(reader, loader->root, "", "parallel_syncs");
    config->allow_inline_secrets =
        hr_reader_number(reader, loader->root, "", "allow_inline_secrets") !=
        0;
    read_auth_file(loader);
    config->bandwidth =
        hr_reader_number(reader, loader->root, "", "bandwidth");
    read_profile(loader);
    read_each(loader, "policies", hr_loader_check_policy);
    read_each(loader, "credentials", hr_loader_check_credentials);
    read_each(loader, "selects", hr_loader_check_select);
    read_each(loader, "endpoints", hr_loader_read_endpoint);
    read_each(loader, "syncs", hr_loader_read_sync);
    read_each(loader, "sinks", read_sink);
}

/* Every included file that left a setting, once. */
static void
collect_files(const config_setting_t *setting, const HrReader *reader,
              GHashTable *files)
{
    if (config_setting_source_file(setting) != NULL)
        g_hash_table_add(files, hr_reader_file(reader, setting));
    if (!config_setting_is_aggregate(setting))
        return;
    for (int i = 0; i < config_setting_length(setting); i++)
        collect_files(config_setting_get_elem(setting, (unsigned)i), reader,
                      files);
}

static void
check_numbers(HrLoader *loader, const char *text)
{
    HrReader *reader = &loader->reader;
    g_autoptr(GHashTable) files =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iterator;
    gpointer file;

    hr_numbers_check(text, reader->path, reader->mistakes);
    collect_files(loader->root, reader, files);
    g_hash_table_iter_init(&iterator, files);
    while (g_hash_table_iter_next(&iterator, &file, NULL)) {
        g_autofree char *included = NULL;
        size_t size;

        if (hr_file_read(file, FILE_LIMIT_BYTES, &included, &size, NULL))
            hr_numbers_check(included, file, reader->mistakes);
    }
}

/* The text of a line, without the spaces around it. */
static char *
get_line(const char *text, int number)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", number + 1);

    if (number < 1 || (guint)number > g_strv_length(lines))
        return g_strdup("");
    return g_strstrip(g_strdup(lines[number - 1]));
}

static bool
report_syntax(const HrLoader *loader, const char *text, const config_t *file,
              GError **error)
{
    const char *name = config_error_file(file);
    int line = config_error_line(file);
    /* Only the main file's text is here; a secret may stand in any line but
     * the one that includes. */
    g_autofree char *source =
        name == NULL ? get_line(text, line) : g_strdup("");
    bool include = g_str_has_prefix(source, "@include");

    return hr_error_set(error, HR_CONFIG, "%s%s:%d: %s%s%s",
                        name != NULL ? loader->reader.prefix : "",
                        name != NULL ? name : loader->reader.path, line,
                        config_error_text(file), include ? ": " : "",
                        include ? source : "");
}

static bool
read_text(HrLoader *loader, const char *text, config_t *file, GError **error)
{
    g_autofree char *mistakes = NULL;

    config_set_include_dir(file, loader->reader.directory);
    if (config_read_string(file, text) != CONFIG_TRUE)
        return report_syntax(loader, text, file, error);
    loader->root = config_root_setting(file);
    check_numbers(loader, text);
    read_root(loader);
    mistakes = hr_mistakes_text(loader->reader.mistakes);
    return mistakes == NULL || hr_error_set(error, HR_CONFIG, "%s", mistakes);
}

static HrConfig *
parse(const char *text, const char *path, bool from_file,
      HrProviderLookup lookup, void *data, GError **error)
{
    g_autoptr(HrConfig) config = hr_config_new(path);
    HrLoader loader = {
        .config = config,
        .from_file = from_file,
        .lookup = lookup,
        .lookup_data = data,
    };
    config_t file;
    bool good;

    hr_reader_init(&loader.reader, path);
    config_init(&file);
    good = read_text(&loader, text, &file, error);
    config_destroy(&file);
    hr_reader_clear(&loader.reader);
    return good ? g_steal_pointer(&config) : NULL;
}

HrConfig *
hr_config_parse(const char *text, const char *path, HrProviderLookup lookup,
                void *data, GError **error)
{
    return parse(text, path, false, lookup, data, error);
}

HrConfig *
hr_config_load(const char *path, HrProviderLookup lookup, void *data,
               GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) failure = NULL;
    HrConfig *config;
    size_t size;

    if (!hr_file_read(path, FILE_LIMIT_BYTES, &text, &size, &failure)) {
        hr_error_set(error, HR_CONFIG,
                     hr_error_status(failure) == HR_NOT_FOUND
                         ? "there is no configuration: %s; write one, or name "
                           "another with -c FILE"
                         : "the configuration cannot be read: %s",
                     failure->message);
        return NULL;
    }
    if (strlen(text) != size) {
        hr_error_set(error, HR_CONFIG, "%s: is no text: has a zero byte",
                     path);
        return NULL;
    }
    config = parse(text, path, true, lookup, data, error);
    /* It may hold a password. */
    hr_secret_wipe(text, size);
    return config;
}
