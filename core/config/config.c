/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration: the snapshot and what is asked of it. */
#include "config/config.h"

#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "config/loader.h"
#include "config/reader.h"

static void
clear_filter(HrFilter *filter)
{
    g_strfreev(filter->names);
    if (filter->allow != NULL)
        g_ptr_array_unref(filter->allow);
    if (filter->deny != NULL)
        g_ptr_array_unref(filter->deny);
}

void
hr_select_clear(HrSelect *select)
{
    clear_filter(&select->projects);
    clear_filter(&select->repositories);
    clear_filter(&select->tags);
    g_clear_pointer(&select->semver, hr_version_range_free);
    g_clear_pointer(&select->semver_text, g_free);
    g_clear_pointer(&select->immutable, g_ptr_array_unref);
    g_clear_pointer(&select->platforms, g_ptr_array_unref);
}

/* The pattern that matches, or NULL.  One that gives up on a name (a limit of
 * the library) counts as `doubt`. */
static const GRegex *
find_match(const GPtrArray *patterns, const char *name, bool doubt)
{
    for (guint i = 0; patterns != NULL && i < patterns->len; i++) {
        g_autoptr(GError) error = NULL;

        if (g_regex_match_full(patterns->pdata[i], name, -1, 0, 0, NULL,
                               &error) ||
            (error != NULL && doubt))
            return patterns->pdata[i];
    }
    return NULL;
}

char *
hr_filter_pattern(const GRegex *regex)
{
    const char *anchored = g_regex_get_pattern(regex);

    /* As it was written: without "^(?:" and ")$". */
    return g_strndup(anchored + 4, strlen(anchored) - 6);
}

static void
tell(char **rule, const char *word, const GRegex *regex)
{
    g_autofree char *pattern = NULL;

    if (rule == NULL)
        return;
    pattern = regex != NULL ? hr_filter_pattern(regex) : g_strdup("");
    *rule = g_strconcat(word, regex != NULL ? " " : "", pattern, NULL);
}

bool
hr_filter_judge(const HrFilter *filter, const char *name, char **rule)
{
    const GRegex *match = find_match(filter->deny, name, true);
    bool in = true;

    if (match != NULL) {
        tell(rule, "deny", match);
        return false;
    }
    if (filter->names != NULL) {
        in = g_strv_contains((const char *const *)filter->names, name);
        tell(rule, in ? "names" : "not one of names", NULL);
    } else if (filter->allow != NULL) {
        match = find_match(filter->allow, name, false);
        in = match != NULL;
        tell(rule, in ? "allow" : "nothing in allow", match);
    } else {
        tell(rule, "everything is wanted", NULL);
    }
    return in;
}

static const char *const tag_orders[] = {
    [HR_TAG_ORDER_SEMVER] = "semver",
    [HR_TAG_ORDER_ALPHABETICAL] = "alphabetical",
    [HR_TAG_ORDER_CREATED] = "created",
};

const char *
hr_tag_order_name(HrTagOrder order)
{
    return tag_orders[order];
}

bool
hr_tag_order_from_name(const char *name, HrTagOrder *order)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(tag_orders); i++)
        if (strcmp(tag_orders[i], name) == 0) {
            *order = i;
            return true;
        }
    return false;
}

bool
hr_select_is_immutable(const HrSelect *select, const char *tag)
{
    return select != NULL && find_match(select->immutable, tag, false) != NULL;
}

static void
append_part(GString *text, const char *part, const char *repository)
{
    const char *slash = strrchr(repository, '/');
    const char *base = slash != NULL ? slash + 1 : repository;

    if (strcmp(part, "repository") == 0)
        g_string_append(text, repository);
    else if (strcmp(part, "basename") == 0)
        g_string_append(text, base);
    else if (slash != NULL)
        g_string_append_len(text, repository, slash - repository);
}

static char *
fill_template(const char *template, const char *repository)
{
    GString *text = g_string_new(NULL);

    while (*template != '\0') {
        const char *end = strchr(template, '}');

        if (*template == '{' && end != NULL) {
            g_autofree char *part =
                g_strndup(template + 1, (gsize)(end - template - 1));

            append_part(text, part, repository);
            template = end + 1;
        } else {
            g_string_append_c(text, *template ++);
        }
    }
    return g_string_free(text, false);
}

char *
hr_rename_repository(const HrRename *rename, const char *repository)
{
    if (rename == NULL)
        return g_strdup(repository);
    if (rename->strip != NULL && g_str_has_prefix(repository, rename->strip) &&
        strlen(repository) > strlen(rename->strip))
        repository += strlen(rename->strip);
    if (rename->template != NULL)
        return fill_template(rename->template, repository);
    return g_strconcat(rename->prefix != NULL ? rename->prefix : "",
                       repository, NULL);
}

HrEndpointConfig *
hr_endpoint_config_new(const char *name, const char *type)
{
    HrEndpointConfig *endpoint = g_new0(HrEndpointConfig, 1);

    endpoint->name = g_strdup(name);
    endpoint->type = g_strdup(type);
    endpoint->http2 = true;
    hr_policy_init(&endpoint->policy, "default", HR_PROFILE_PRODUCTION);
    endpoint->settings = hr_settings_new();
    return endpoint;
}

void
hr_endpoint_config_free(HrEndpointConfig *endpoint)
{
    if (endpoint == NULL)
        return;
    hr_config_place_clear(&endpoint->place);
    g_free(endpoint->name);
    g_free(endpoint->type);
    g_free(endpoint->url);
    g_free(endpoint->username);
    if (endpoint->password != NULL && endpoint->password_inline)
        hr_secret_wipe(endpoint->password, strlen(endpoint->password));
    g_free(endpoint->password);
    g_strfreev(endpoint->token_hosts);
    g_free(endpoint->ca_file);
    g_free(endpoint->client_cert);
    g_free(endpoint->client_key);
    for (unsigned i = 0; i < endpoint->rules.count; i++)
        g_free((char *)endpoint->rule_items[i].code);
    g_free(endpoint->rule_items);
    hr_settings_free(endpoint->settings);
    g_free(endpoint);
}

static void
free_endpoint(gpointer data)
{
    hr_endpoint_config_free(data);
}

static void
free_sync(gpointer data)
{
    HrSyncConfig *sync = data;

    hr_config_place_clear(&sync->place);
    g_free(sync->name);
    hr_select_clear(&sync->select);
    g_free(sync->rename.strip);
    g_free(sync->rename.prefix);
    g_free(sync->rename.template);
    hr_robot_secrets_config_clear(&sync->robot_secrets);
    g_strfreev(sync->kinds);
    g_free(sync->strategy);
    hr_settings_free(sync->strategy_settings);
    g_free(sync);
}

static void
free_sink(gpointer data)
{
    HrSinkConfig *sink = data;

    hr_config_place_clear(&sink->place);
    g_free(sink->type);
    hr_settings_free(sink->settings);
    g_free(sink);
}

HrConfig *
hr_config_new(const char *path)
{
    HrConfig *config = g_new0(HrConfig, 1);

    config->path = g_strdup(path);
    config->endpoints = g_ptr_array_new_with_free_func(free_endpoint);
    config->syncs = g_ptr_array_new_with_free_func(free_sync);
    config->sinks = g_ptr_array_new_with_free_func(free_sink);
    return config;
}

void
hr_config_free(HrConfig *config)
{
    if (config == NULL)
        return;
    g_ptr_array_unref(config->syncs);
    g_ptr_array_unref(config->endpoints);
    g_ptr_array_unref(config->sinks);
    g_free(config->auth_file);
    g_free(config->path);
    g_free(config);
}

const HrEndpointConfig *
hr_config_endpoint(const HrConfig *config, const char *name)
{
    for (guint i = 0; i < config->endpoints->len; i++) {
        const HrEndpointConfig *endpoint = config->endpoints->pdata[i];

        if (strcmp(endpoint->name, name) == 0)
            return endpoint;
    }
    return NULL;
}

const HrSyncConfig *
hr_config_sync(const HrConfig *config, const char *name)
{
    for (guint i = 0; i < config->syncs->len; i++) {
        const HrSyncConfig *sync = config->syncs->pdata[i];

        if (strcmp(sync->name, name) == 0)
            return sync;
    }
    return NULL;
}

static void
set_unknown(const HrConfig *config, const char *what, const char *name,
            GPtrArray *known, GError **error)
{
    g_autofree char *hint = NULL;

    g_ptr_array_add(known, NULL);
    hint = hr_reader_hint(name, known);
    hr_error_set(error, HR_CONFIG, "%s: there is no %s '%s'%s", config->path,
                 what, name, hint);
}

const HrEndpointConfig *
hr_config_require_endpoint(const HrConfig *config, const char *name,
                           GError **error)
{
    const HrEndpointConfig *endpoint = hr_config_endpoint(config, name);
    g_autoptr(GPtrArray) known = g_ptr_array_new();

    if (endpoint != NULL)
        return endpoint;
    for (guint i = 0; i < config->endpoints->len; i++)
        g_ptr_array_add(
            known, ((HrEndpointConfig *)config->endpoints->pdata[i])->name);
    set_unknown(config, "endpoint", name, known, error);
    return NULL;
}

const HrSyncConfig *
hr_config_require_sync(const HrConfig *config, const char *name,
                       GError **error)
{
    const HrSyncConfig *sync = hr_config_sync(config, name);
    g_autoptr(GPtrArray) known = g_ptr_array_new();

    if (sync != NULL)
        return sync;
    for (guint i = 0; i < config->syncs->len; i++)
        g_ptr_array_add(known,
                        ((HrSyncConfig *)config->syncs->pdata[i])->name);
    set_unknown(config, "sync", name, known, error);
    return NULL;
}
