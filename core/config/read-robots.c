/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading robot_secrets of a sync. */
#include <string.h>

#include "config/loader.h"
#include "config/secret-reference.h"

#define SECRETS "syncs[].robot_secrets"

/* A source of secrets, and the key that it needs; all others do nothing
 * there. */
typedef struct Source {
    const char *name;
    const char *needs; /* NULL: nothing */
    const char *help;
} Source;

static const Source sources[] = {
    [HR_ROBOT_SECRETS_KEEP] = {"keep", NULL, NULL},
    [HR_ROBOT_SECRETS_REPORT] = {"report", NULL, NULL},
    [HR_ROBOT_SECRETS_FILE] = {"file", "path",
                               "the directory with the secrets"},
    [HR_ROBOT_SECRETS_ENV] = {"env", "prefix",
                              "what the variables' names begin with"},
    [HR_ROBOT_SECRETS_EXEC] = {"exec", "command",
                               "the program that tells secrets"},
    [HR_ROBOT_SECRETS_DERIVE] = {"derive", "key", "the master key"},
};

const char *
hr_robot_secrets_from_name(HrRobotSecretsFrom from)
{
    return sources[from].name;
}

static void
read_from(HrReader *reader, const config_setting_t *group,
          HrRobotSecretsConfig *secrets)
{
    g_autofree char *word = hr_reader_text(reader, group, SECRETS, "from");

    for (unsigned i = 0; word != NULL && i < G_N_ELEMENTS(sources); i++)
        if (strcmp(sources[i].name, word) == 0) {
            secrets->from = (HrRobotSecretsFrom)i;
            return;
        }
    if (word != NULL)
        hr_reader_mistake(reader, hr_reader_spot(group, "from"),
                          SECRETS ".from",
                          "is keep, report, file, env, exec or derive, not "
                          "'%s'",
                          word);
}

/* What the source needs must be there, and what another one needs must not:
 * it would do nothing. */
static void
check_needs(HrReader *reader, const config_setting_t *group,
            HrRobotSecretsFrom from)
{
    const Source *own = &sources[from];

    if (own->needs != NULL && !hr_reader_has(group, own->needs))
        hr_reader_missing(reader, group, SECRETS, own->needs, own->help);
    for (unsigned i = 0; i < G_N_ELEMENTS(sources); i++) {
        g_autofree char *spot = NULL;
        const char *name = sources[i].needs;

        if (i == from || name == NULL || !hr_reader_has(group, name))
            continue;
        spot = g_strconcat(SECRETS ".", name, NULL);
        hr_reader_mistake(reader, hr_reader_spot(group, name), spot,
                          "is for from = \"%s\" only, and it says \"%s\"",
                          sources[i].name, own->name);
    }
    if (from != HR_ROBOT_SECRETS_DERIVE && hr_reader_has(group, "version"))
        hr_reader_mistake(reader, hr_reader_spot(group, "version"),
                          SECRETS ".version",
                          "is for from = \"derive\" only, and it says "
                          "\"%s\"",
                          own->name);
}

/* A path, absolute: relative ones start at the file; NULL if it is not
 * given. */
static char *
read_path(HrReader *reader, const config_setting_t *group, const char *name)
{
    g_autofree char *text = hr_reader_text(reader, group, SECRETS, name);
    g_autofree char *spot = g_strconcat(SECRETS ".", name, NULL);

    if (text == NULL)
        return NULL;
    if (*text == '\0')
        hr_reader_mistake(reader, hr_reader_spot(group, name), spot,
                          "is empty");
    return g_canonicalize_filename(text, reader->directory);
}

/* A master key in the file would be the key to every robot: there is no way
 * to allow it. */
static void
check_key(HrReader *reader, const config_setting_t *group,
          const HrRobotSecretsConfig *secrets)
{
    const char *problem;

    if (secrets->key == NULL || hr_secret_reference_valid(secrets->key))
        return;
    problem = hr_secret_reference_problem(secrets->key);
    hr_reader_mistake(
        reader, hr_reader_spot(group, "key"), SECRETS ".key", "%s",
        problem != NULL ? problem
                        : "is not written here, but where it is: "
                          "env:NAME, file:/PATH, cred:NAME or exec:HELPER");
}

static void
check_prefix(HrReader *reader, const config_setting_t *group,
             const HrRobotSecretsConfig *secrets)
{
    g_autofree char *sample = NULL;

    if (secrets->prefix == NULL)
        return;
    sample = g_strconcat("env:", secrets->prefix, NULL);
    if (!hr_secret_reference_valid(sample))
        hr_reader_mistake(reader, hr_reader_spot(group, "prefix"),
                          SECRETS ".prefix",
                          "must begin like the name of a variable: a letter "
                          "or _, then letters, digits and _");
}

static void
read_check(HrReader *reader, const config_setting_t *group,
           HrRobotSecretsConfig *secrets)
{
    g_autofree char *word = hr_reader_text(reader, group, SECRETS, "check");

    secrets->check_always = g_strcmp0(word, "always") == 0;
    if (word != NULL && !secrets->check_always &&
        strcmp(word, "complete") != 0)
        hr_reader_mistake(reader, hr_reader_spot(group, "check"),
                          SECRETS ".check", "is complete or always, not '%s'",
                          word);
}

void
hr_loader_read_robot_secrets(HrLoader *loader, const config_setting_t *sync,
                             HrRobotSecretsConfig *secrets)
{
    HrReader *reader = &loader->reader;
    const config_setting_t *group = hr_reader_group(sync, "robot_secrets");

    read_from(reader, group, secrets);
    if (group != NULL)
        check_needs(reader, group, secrets->from);
    secrets->path = read_path(reader, group, "path");
    secrets->command = read_path(reader, group, "command");
    secrets->prefix = hr_reader_text(reader, group, SECRETS, "prefix");
    secrets->key = hr_reader_text(reader, group, SECRETS, "key");
    secrets->version =
        (unsigned)hr_reader_number(reader, group, SECRETS, "version");
    check_key(reader, group, secrets);
    check_prefix(reader, group, secrets);
    read_check(reader, group, secrets);
}

void
hr_robot_secrets_config_clear(HrRobotSecretsConfig *secrets)
{
    g_free(secrets->path);
    g_free(secrets->prefix);
    g_free(secrets->command);
    if (secrets->key != NULL)
        hr_secret_wipe(secrets->key, strlen(secrets->key));
    g_free(secrets->key);
}
