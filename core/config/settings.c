/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings: the options of one provider as the configuration gives them. */
#include "config/settings.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

typedef struct Setting {
    uint32_t type; /* HR_OPTION_* */
    char *text;
    int64_t number;
} Setting;

struct hr_settings {
    GHashTable *values; /* name -> Setting */
};

static void
free_setting(gpointer data)
{
    Setting *setting = data;

    g_free(setting->text);
    g_free(setting);
}

HrSettings *
hr_settings_new(void)
{
    HrSettings *settings = g_new0(HrSettings, 1);

    settings->values =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_setting);
    return settings;
}

void
hr_settings_free(HrSettings *settings)
{
    if (settings == NULL)
        return;
    g_hash_table_unref(settings->values);
    g_free(settings);
}

static bool
parse_integer(const char *text, int64_t *number, GError **error)
{
    char *end;

    errno = 0;
    *number = g_ascii_strtoll(text, &end, 10);
    /* strtoll takes leading spaces; nobody means them. */
    return (errno == 0 && end != text && *end == '\0' &&
            !g_ascii_isspace(*text)) ||
           hr_error_set(error, HR_CONFIG, "'%s' is no whole number", text);
}

static bool
parse_boolean(const char *text, int64_t *number, GError **error)
{
    *number = strcmp(text, "true") == 0;
    return *number || strcmp(text, "false") == 0 ||
           hr_error_set(error, HR_CONFIG, "'%s' is neither true nor false",
                        text);
}

static bool
parse_value(const hr_option *option, const char *text, Setting *setting,
            const char *directory, GError **error)
{
    switch (option->type) {
    case HR_OPTION_INTEGER:
        return parse_integer(text, &setting->number, error);
    case HR_OPTION_BOOLEAN:
        return parse_boolean(text, &setting->number, error);
    case HR_OPTION_SIZE:
        return hr_text_parse_size(text, &setting->number, error);
    case HR_OPTION_DURATION:
        return hr_text_parse_duration(text, &setting->number, error);
    case HR_OPTION_PATH:
        if (*text == '\0')
            return hr_error_set(error, HR_CONFIG, "an empty path");
        /* "-" stands for a standard stream. */
        if (strcmp(text, "-") != 0) {
            g_free(setting->text);
            setting->text = g_canonicalize_filename(text, directory);
        }
        return true;
    default:
        return true;
    }
}

bool
hr_settings_set(HrSettings *settings, const hr_option *option,
                const char *text, const char *directory, GError **error)
{
    Setting *setting = g_new0(Setting, 1);

    setting->type = option->type;
    setting->text = g_strdup(text);
    if (!parse_value(option, text, setting, directory, error)) {
        free_setting(setting);
        if (error != NULL && *error != NULL)
            (*error)->code = HR_CONFIG;
        return false;
    }
    g_hash_table_insert(settings->values, g_strdup(option->name), setting);
    return true;
}

const char *
hr_settings_text(const HrSettings *settings, const char *name)
{
    const Setting *setting = g_hash_table_lookup(settings->values, name);

    return setting != NULL ? setting->text : NULL;
}

int64_t
hr_settings_number(const HrSettings *settings, const char *name)
{
    const Setting *setting = g_hash_table_lookup(settings->values, name);

    return setting != NULL ? setting->number : 0;
}

static gint
order_names(gconstpointer left, gconstpointer right)
{
    return strcmp(left, right);
}

void
hr_settings_foreach(const HrSettings *settings,
                    void (*func)(const char *name, uint32_t type,
                                 const char *text, void *data),
                    void *data)
{
    g_autoptr(GList) names =
        g_list_sort(g_hash_table_get_keys(settings->values), order_names);

    for (GList *name = names; name != NULL; name = name->next) {
        const Setting *setting =
            g_hash_table_lookup(settings->values, name->data);

        func(name->data, setting->type, setting->text, data);
    }
}
