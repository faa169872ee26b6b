/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads an entry of syncs, and the selections that it may refer to. */
#include <string.h>

#include "config/loader.h"
#include "model/reference.h"

#define SYNC "syncs[]"
#define SELECTS "selects[]"

#define MS_US INT64_C(1000)

static void
free_regex(gpointer data)
{
    g_regex_unref(data);
}

/* GLib's sentence repeats the pattern; what counts is what comes after. */
static const char *
shorten_complaint(const char *message)
{
    const char *where = g_strrstr(message, " at char ");

    return where != NULL ? where + 1 : message;
}

/* Compiled twice: as it was written, so that a mistake is shown where it
 * stands and "a)|(b" does not slip through, then anchored at both ends. */
static GRegex *
compile_pattern(const char *text, GError **error)
{
    g_autofree char *anchored = g_strconcat("^(?:", text, ")$", NULL);
    g_autoptr(GRegex) plain =
        g_regex_new(text, G_REGEX_DOLLAR_ENDONLY, 0, error);

    return plain != NULL
               ? g_regex_new(anchored, G_REGEX_DOLLAR_ENDONLY, 0, error)
               : NULL;
}

static GPtrArray *
read_patterns(HrReader *reader, const config_setting_t *group,
              const char *path, const char *name)
{
    g_auto(GStrv) texts = hr_reader_texts(reader, group, path, name);
    g_autofree char *place = g_strconcat(path, ".", name, NULL);
    GPtrArray *patterns;

    if (texts == NULL)
        return NULL;
    patterns = g_ptr_array_new_with_free_func(free_regex);
    for (char **text = texts; *text != NULL; text++) {
        g_autoptr(GError) error = NULL;
        GRegex *regex = compile_pattern(*text, &error);

        if (regex != NULL)
            g_ptr_array_add(patterns, regex);
        else
            hr_reader_mistake(reader, hr_reader_spot(group, name), place,
                              "'%s' is no regular expression: %s", *text,
                              shorten_complaint(error->message));
    }
    return patterns;
}

void
hr_loader_drop_repeated(char **names)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    char **end = names;

    for (char **name = names; *name != NULL; name++)
        if (g_hash_table_add(known, *name))
            *end++ = *name;
        else
            g_free(*name);
    *end = NULL;
}

static char **
read_names(HrReader *reader, const config_setting_t *group, const char *path,
           bool (*valid)(const char *name), const char *what)
{
    char **names = hr_reader_texts(reader, group, path, "names");
    g_autofree char *place = g_strconcat(path, ".names", NULL);

    for (char **name = names; name != NULL && *name != NULL; name++)
        if (!valid(*name))
            hr_reader_mistake(reader, hr_reader_spot(group, "names"), place,
                              "'%s' is no name of a %s; patterns belong to "
                              "allow",
                              *name, what);
    if (names != NULL)
        hr_loader_drop_repeated(names);
    return names;
}

/* An empty list would select nothing without a word. */
static void
refuse_empty(HrReader *reader, const config_setting_t *group, const char *path,
             const char *name)
{
    const config_setting_t *list = config_setting_get_member(group, name);
    g_autofree char *place = g_strconcat(path, ".", name, NULL);

    if (list != NULL && config_setting_is_aggregate(list) &&
        !config_setting_is_group(list) && config_setting_length(list) == 0)
        hr_reader_mistake(reader, list, place,
                          "is empty and would select nothing: leave it out "
                          "to select everything");
}

static void
read_filter(HrReader *reader, const config_setting_t *select, const char *path,
            const char *name, bool (*valid)(const char *name),
            const char *what, HrFilter *filter)
{
    const config_setting_t *group = hr_reader_group(select, name);
    g_autofree char *place = g_strconcat(path, ".", name, NULL);

    if (group == NULL)
        return;
    refuse_empty(reader, group, place, "names");
    refuse_empty(reader, group, place, "allow");
    filter->names = read_names(reader, group, place, valid, what);
    filter->allow = read_patterns(reader, group, place, "allow");
    filter->deny = read_patterns(reader, group, place, "deny");
}

static void
read_versions(HrReader *reader, const config_setting_t *tags, const char *path,
              HrSelect *filters)
{
    g_autofree char *place = g_strconcat(path, ".tags", NULL);
    g_autofree char *semver = NULL;
    g_autofree char *order = NULL;
    g_autofree char *spot = g_strconcat(place, ".semver", NULL);
    g_autofree char *sort_spot = g_strconcat(place, ".sort", NULL);
    g_autoptr(GError) error = NULL;

    if (tags == NULL)
        return;
    semver = hr_reader_text(reader, tags, place, "semver");
    order = hr_reader_text(reader, tags, place, "sort");
    filters->prereleases =
        hr_reader_number(reader, tags, place, "prereleases") != 0;
    if (hr_reader_has(tags, "latest"))
        filters->latest =
            (unsigned)hr_reader_number(reader, tags, place, "latest");
    if (order != NULL && !hr_tag_order_from_name(order, &filters->order))
        hr_reader_mistake(reader, hr_reader_spot(tags, "sort"), sort_spot,
                          "is semver, alphabetical or created, not '%s'",
                          order);
    if (semver == NULL)
        return;
    filters->semver = hr_version_range_parse(semver, &error);
    if (filters->semver == NULL)
        hr_reader_mistake(reader, hr_reader_spot(tags, "semver"), spot, "%s",
                          error->message);
    filters->semver_text = g_steal_pointer(&semver);
}

static void
read_ages(HrReader *reader, const config_setting_t *tags, const char *path,
          HrSelect *filters)
{
    g_autofree char *spot = g_strconcat(path, ".min_age", NULL);

    filters->min_age_us =
        hr_reader_number(reader, tags, path, "min_age") * MS_US;
    filters->max_age_us =
        hr_reader_number(reader, tags, path, "max_age") * MS_US;
    if (filters->max_age_us > 0 && filters->min_age_us > filters->max_age_us)
        hr_reader_mistake(reader, hr_reader_spot(tags, "min_age"), spot,
                          "is more than max_age: no tag could be both");
}

static void
free_platform(gpointer data)
{
    hr_platform_free(data);
}

static void
read_platforms(HrReader *reader, const config_setting_t *select,
               const char *path, HrSelect *filters)
{
    g_auto(GStrv) texts = hr_reader_texts(reader, select, path, "platforms");
    g_autofree char *sparse =
        hr_reader_text(reader, select, path, "sparse_index");
    g_autofree char *spot = g_strconcat(path, ".platforms", NULL);
    g_autofree char *sparse_spot = g_strconcat(path, ".sparse_index", NULL);

    filters->sparse_fails = g_strcmp0(sparse, "fail") == 0;
    if (sparse != NULL && !filters->sparse_fails &&
        strcmp(sparse, "complete") != 0)
        hr_reader_mistake(reader, hr_reader_spot(select, "sparse_index"),
                          sparse_spot, "is complete or fail, not '%s'",
                          sparse);
    if (texts == NULL)
        return;
    refuse_empty(reader, select, path, "platforms");
    filters->platforms = g_ptr_array_new_with_free_func(free_platform);
    for (char **text = texts; *text != NULL; text++) {
        g_autoptr(GError) error = NULL;
        HrPlatform *platform = hr_platform_parse(*text, &error);

        if (platform != NULL)
            g_ptr_array_add(filters->platforms, platform);
        else
            hr_reader_mistake(reader, hr_reader_spot(select, "platforms"),
                              spot, "%s", error->message);
    }
}

/* The first part of the name of a repository. */
static bool
is_project(const char *name)
{
    return hr_repository_valid(name) && strchr(name, '/') == NULL;
}

static void
read_filters(HrReader *reader, const config_setting_t *select,
             const char *path, HrSelect *filters)
{
    g_autofree char *tags_path = g_strconcat(path, ".tags", NULL);

    read_filter(reader, select, path, "projects", is_project, "project",
                &filters->projects);
    read_filter(reader, select, path, "repositories", hr_repository_valid,
                "repository", &filters->repositories);
    read_filter(reader, select, path, "tags", hr_tag_valid, "tag",
                &filters->tags);
    read_versions(reader, hr_reader_group(select, "tags"), path, filters);
    read_platforms(reader, select, path, filters);
    read_ages(reader, hr_reader_group(select, "tags"), tags_path, filters);
    filters->immutable = read_patterns(reader, hr_reader_group(select, "tags"),
                                       tags_path, "immutable");
}

void
hr_loader_check_select(HrLoader *loader, const config_setting_t *group)
{
    g_autofree char *name = NULL;
    HrSelect unused = {0};

    hr_reader_check_group(&loader->reader, group, SELECTS, NULL, false);
    name = hr_loader_name(loader, group, SELECTS);
    read_filters(&loader->reader, group, SELECTS, &unused);
    hr_select_clear(&unused);
}

static void
read_select(HrLoader *loader, const config_setting_t *group, HrSelect *select)
{
    HrReader *reader = &loader->reader;
    const config_setting_t *block = config_setting_get_member(group, "select");
    const config_setting_t *named;
    g_autofree char *name = NULL;

    if (block == NULL || config_setting_type(block) != CONFIG_TYPE_STRING) {
        read_filters(reader, hr_reader_group(group, "select"), SYNC ".select",
                     select);
        return;
    }
    name = hr_reader_text(reader, group, SYNC, "select");
    if (name == NULL)
        return;
    named = hr_loader_named(loader, "selects", name, group, SYNC, "select");
    if (named != NULL)
        read_filters(reader, named, SELECTS, select);
}

static bool
knows_all_parts(const char *template)
{
    static const char *const known[] = {"{repository}", "{namespace}",
                                        "{basename}"};
    bool any = false;

    while ((template = strpbrk(template, "{}")) != NULL) {
        size_t length = 0;

        for (unsigned i = 0; i < G_N_ELEMENTS(known); i++)
            if (g_str_has_prefix(template, known[i]))
                length = strlen(known[i]);
        if (length == 0)
            return false;
        any = any || template[1] != 'n';
        template += length;
    }
    return any;
}

static void
read_rename(HrReader *reader, const config_setting_t *sync, HrRename *rename)
{
    const config_setting_t *group = hr_reader_group(sync, "rename");
    const char *path = SYNC ".rename";
    g_autofree char *sample = NULL;

    if (group == NULL)
        return;
    rename->strip = hr_reader_text(reader, group, path, "strip");
    rename->prefix = hr_reader_text(reader, group, path, "prefix");
    rename->template = hr_reader_text(reader, group, path, "template");
    if (rename->template != NULL && rename->prefix != NULL)
        hr_reader_mistake(reader, hr_reader_spot(group, "template"),
                          SYNC ".rename.template",
                          "stands beside prefix: keep one of the two");
    if (rename->template != NULL && !knows_all_parts(rename->template)) {
        hr_reader_mistake(reader, hr_reader_spot(group, "template"),
                          SYNC ".rename.template",
                          "needs {repository} or {basename}, and knows "
                          "{namespace} beside them");
        return;
    }
    sample = hr_rename_repository(rename, "some/name");
    if (!hr_repository_valid(sample))
        hr_reader_mistake(reader, hr_reader_spot(sync, "rename"), path,
                          "makes '%s' of 'some/name', which is no name of a "
                          "repository",
                          sample);
}

static const HrEndpointConfig *
read_side(HrLoader *loader, const config_setting_t *group, const char *key)
{
    g_autofree char *name = hr_reader_text(&loader->reader, group, SYNC, key);

    if (name == NULL ||
        hr_loader_named(loader, "endpoints", name, group, SYNC, key) == NULL)
        return NULL;
    return hr_config_endpoint(loader->config, name);
}

static void
check_mode(HrReader *reader, const config_setting_t *group)
{
    g_autofree char *mode = hr_reader_text(reader, group, SYNC, "mode");

    if (mode != NULL && strcmp(mode, "one-way") != 0)
        hr_reader_mistake(reader, hr_reader_spot(group, "mode"), SYNC ".mode",
                          "this version replicates \"one-way\" only, not "
                          "'%s'",
                          mode);
}

static void
read_foreign_layers(HrReader *reader, const config_setting_t *group,
                    HrSyncConfig *sync)
{
    g_autofree char *word =
        hr_reader_text(reader, group, SYNC, "foreign_layers");

    sync->foreign_layers = g_strcmp0(word, "include") == 0;
    if (word != NULL && !sync->foreign_layers && strcmp(word, "skip") != 0)
        hr_reader_mistake(reader, hr_reader_spot(group, "foreign_layers"),
                          SYNC ".foreign_layers",
                          "is skip or include, not '%s'", word);
}

static void
read_strategy(HrLoader *loader, const config_setting_t *group,
              HrSyncConfig *sync)
{
    HrReader *reader = &loader->reader;
    const char *path = SYNC ".conflict";
    const config_setting_t *conflict = hr_reader_group(group, "conflict");
    const hr_provider *provider = NULL;

    sync->strategy_settings = hr_settings_new();
    sync->strategy = hr_reader_text(reader, conflict, path, "default");
    if (sync->strategy != NULL)
        provider = hr_loader_provider(
            loader, conflict != NULL ? conflict : group, path, "default",
            HR_KIND_STRATEGY, sync->strategy);
    if (conflict != NULL)
        hr_reader_check_group(reader, conflict, path,
                              provider != NULL ? provider->options : NULL,
                              provider == NULL);
    if (provider != NULL)
        hr_reader_options(reader, conflict,
                          conflict != NULL ? conflict : group, path, provider,
                          sync->strategy_settings);
}

void
hr_loader_read_sync(HrLoader *loader, const config_setting_t *group)
{
    HrReader *reader = &loader->reader;
    HrSyncConfig *sync = g_new0(HrSyncConfig, 1);

    hr_reader_check_group(reader, group, SYNC, NULL, false);
    hr_reader_place(reader, group, &sync->place);
    sync->name = hr_loader_name(loader, group, SYNC);
    sync->source = read_side(loader, group, "source");
    sync->target = read_side(loader, group, "target");
    if (sync->source != NULL && sync->source == sync->target)
        hr_reader_mistake(reader, hr_reader_spot(group, "target"),
                          SYNC ".target",
                          "'%s' is the source as well: name another endpoint",
                          sync->target->name);
    check_mode(reader, group);
    refuse_empty(reader, group, SYNC, "kinds");
    hr_loader_read_kinds(loader, group, sync);
    read_select(loader, group, &sync->select);
    read_rename(&loader->reader, group, &sync->rename);
    read_foreign_layers(reader, group, sync);
    sync->referrers = hr_reader_number(reader, group, SYNC, "referrers") != 0;
    hr_loader_read_robot_secrets(loader, group, &sync->robot_secrets);
    read_strategy(loader, group, sync);
    g_ptr_array_add(loader->config->syncs, sync);
}
