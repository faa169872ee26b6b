/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Configurations: what is shown of one reads as the same one, and every line
 * of what is said of mistakes names the file.
 */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "config/config.h"
#include "model/json.h"

#define PATH "dir/a.conf"

#define OPTION(type, name, fallback)                                          \
    {                                                                         \
        sizeof(hr_option), type, name, fallback, "Help.", 0, 0                \
    }

const char fuzz_noun[] = "config";

static const hr_option option_path = OPTION(HR_OPTION_PATH, "path", NULL);
static const hr_option option_size = OPTION(HR_OPTION_SIZE, "size", "1GiB");
static const hr_option option_wait = OPTION(HR_OPTION_DURATION, "wait", "5s");
static const hr_option option_depth = OPTION(HR_OPTION_INTEGER, "depth", "3");
static const hr_option option_sync =
    OPTION(HR_OPTION_BOOLEAN, "fsync", "true");
static const hr_option option_note = OPTION(HR_OPTION_STRING, "note", NULL);
static const hr_option *const options[] = {
    &option_path, &option_size, &option_wait, &option_depth,
    &option_sync, &option_note, NULL,
};

static const hr_provider providers[] = {
    {sizeof(hr_provider), HR_KIND_REGISTRY, "oci", "", 0, 0, NULL, NULL},
    {sizeof(hr_provider), HR_KIND_REGISTRY, "box", "", 0, 0, NULL, options},
    {sizeof(hr_provider), HR_KIND_STRATEGY, "source-wins", "", 0, 0, NULL,
     NULL},
    {sizeof(hr_provider), HR_KIND_SINK, "box", "", 0, 0, NULL, options},
};

/* libconfig forgets the string that it was at when a text is malformed. */
__attribute__((visibility("default"))) const char *
__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
    return "leak:libconfig\n";
}

static const hr_provider *
look_up(uint32_t kind, const char *name, void *data, GError **error)
{
    (void)data;
    for (unsigned i = 0; i < G_N_ELEMENTS(providers); i++)
        if (providers[i].kind == kind && strcmp(providers[i].name, name) == 0)
            return &providers[i];
    hr_error_set(error, HR_CONFIG, "no plugin offers it");
    return NULL;
}

static void
check_mistakes(const GError *error)
{
    g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);

    g_assert_cmpint(hr_error_status(error), ==, HR_CONFIG);
    for (char **line = lines; *line != NULL; line++)
        g_assert_true(g_str_has_prefix(*line, PATH ":"));
}

static void
check_shown(const HrConfig *config)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *shown = hr_config_show(config);
    g_autofree char *document = hr_config_show_json(config);
    g_autoptr(HrJson) json = hr_json_parse(document, strlen(document), &error);
    g_autoptr(HrConfig) again = NULL;
    g_autofree char *same = NULL;
    g_autofree char *other = NULL;

    g_assert_nonnull(json);
    again = hr_config_parse(shown, PATH, look_up, NULL, &error);
    g_assert_no_error(error);
    same = hr_config_show(again);
    g_assert_cmpstr(same, ==, shown);
    other = hr_config_show_json(again);
    g_assert_cmpstr(other, ==, document);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(HrConfig) config = NULL;

    /* Other files are no part of the input. */
    if (strstr(text, "@include") != NULL)
        return 0;
    config = hr_config_parse(text, PATH, look_up, NULL, &error);
    fuzz_check_error(config == NULL, error);
    if (config == NULL)
        check_mistakes(error);
    else
        check_shown(config);
    return 0;
}
