/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Robot secrets: where they come from; see robot-secrets.h. */
#include "sync/robot-secrets.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "config/secret-helper.h"
#include "config/secret-reference.h"
#include "model/robot-secret.h"

#define COMMAND_LIMIT_MS 30000

/* What a credential helper is asked for, in the place of a server. */
#define KEY_SERVER "harbor-replicator-robots"

struct HrRobotSecrets {
    const HrRobotSecretsConfig *config;
    HrSecret *key; /* the master key; or NULL */

    pthread_mutex_t lock;  /* guards the rest */
    GHashTable *variables; /* name -> the robot that it stands for */
};

static HrSecret *
read_key(const HrRobotSecretsConfig *config, GError **error)
{
    HrSecret *key =
        hr_secret_reference_resolve(config->key, KEY_SERVER, error);

    if (key == NULL) {
        g_prefix_error(error, "robot_secrets.key: ");
        return NULL;
    }
    if (strlen(hr_secret_reveal(key)) >= HR_ROBOT_KEY_MINIMUM)
        return key;
    hr_secret_unref(key);
    hr_error_set(error, HR_CONFIG,
                 "robot_secrets.key: the master key at %s is shorter than %d "
                 "characters: whoever knows the secret of one robot could "
                 "guess it; make one with `openssl rand -hex 32`",
                 config->key, HR_ROBOT_KEY_MINIMUM);
    return NULL;
}

HrRobotSecrets *
hr_robot_secrets_new(const HrRobotSecretsConfig *config, GError **error)
{
    HrRobotSecrets *secrets = g_new0(HrRobotSecrets, 1);

    secrets->config = config;
    secrets->variables =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    pthread_mutex_init(&secrets->lock, NULL);
    if (config->from != HR_ROBOT_SECRETS_DERIVE)
        return secrets;
    secrets->key = read_key(config, error);
    if (secrets->key != NULL)
        return secrets;
    hr_robot_secrets_free(secrets);
    return NULL;
}

void
hr_robot_secrets_free(HrRobotSecrets *secrets)
{
    if (secrets == NULL)
        return;
    hr_secret_unref(secrets->key);
    g_hash_table_unref(secrets->variables);
    pthread_mutex_destroy(&secrets->lock);
    g_free(secrets);
}

bool
hr_robot_secrets_tells(const HrRobotSecrets *secrets)
{
    return secrets != NULL && secrets->config->from != HR_ROBOT_SECRETS_KEEP &&
           secrets->config->from != HR_ROBOT_SECRETS_REPORT;
}

bool
hr_robot_secrets_reports(const HrRobotSecrets *secrets)
{
    return secrets != NULL && secrets->config->from == HR_ROBOT_SECRETS_REPORT;
}

unsigned
hr_robot_secrets_version(const HrRobotSecrets *secrets)
{
    return secrets != NULL && secrets->key != NULL ? secrets->config->version
                                                   : 0;
}

/* -------------------------------------------------------------- sources */

/* A key comes from a registry: it must not lead out of the directory. */
static bool
stays_inside(const char *key)
{
    g_auto(GStrv) parts = g_strsplit(key, "/", -1);

    for (char **part = parts; *part != NULL; part++)
        if (**part == '\0' || **part == '.')
            return false;
    return true;
}

static HrSecret *
read_file(const HrRobotSecrets *secrets, const char *key, GError **error)
{
    g_autofree char *reference =
        g_strconcat("file:", secrets->config->path, "/", key, NULL);

    if (stays_inside(key))
        return hr_secret_reference_resolve(reference, KEY_SERVER, error);
    hr_error_set(error, HR_CONFIG,
                 "a robot of that name can have no file below %s: give it "
                 "another name",
                 secrets->config->path);
    return NULL;
}

/* Two robots of one variable would have one secret without anybody having
 * wanted that. */
static bool
claim_variable(HrRobotSecrets *secrets, const char *name, const char *key,
               GError **error)
{
    const char *other;
    HR_LOCKED(&secrets->lock);

    other = g_hash_table_lookup(secrets->variables, name);
    if (other == NULL)
        g_hash_table_insert(secrets->variables, g_strdup(name), g_strdup(key));
    else if (strcmp(other, key) != 0)
        return hr_error_set(error, HR_CONFIG,
                            "the variable %s would stand for robot %s as well",
                            name, other);
    return true;
}

static HrSecret *
read_variable(HrRobotSecrets *secrets, const char *key, GError **error)
{
    g_autofree char *reference =
        g_strconcat("env:", secrets->config->prefix, key, NULL);
    char *name = reference + strlen("env:");

    for (char *at = name + strlen(secrets->config->prefix); *at != '\0'; at++)
        *at = g_ascii_isalnum(*at) ? g_ascii_toupper(*at) : '_';
    if (!claim_variable(secrets, name, key, error))
        return NULL;
    return hr_secret_reference_resolve(reference, KEY_SERVER, error);
}

static HrSecret *
find(HrRobotSecrets *secrets, const char *key, GError **error)
{
    const HrRobotSecretsConfig *config = secrets->config;

    switch (config->from) {
    case HR_ROBOT_SECRETS_FILE:
        return read_file(secrets, key, error);
    case HR_ROBOT_SECRETS_ENV:
        return read_variable(secrets, key, error);
    case HR_ROBOT_SECRETS_EXEC:
        return hr_secret_command_ask(config->command, key, COMMAND_LIMIT_MS,
                                     error);
    case HR_ROBOT_SECRETS_DERIVE:
        return hr_robot_secret_derive(secrets->key, config->version, key);
    case HR_ROBOT_SECRETS_KEEP:
    case HR_ROBOT_SECRETS_REPORT:
        break;
    }
    return NULL;
}

/* Where the secret is, for a sentence about it; caller frees. */
static char *
name_place(const HrRobotSecretsConfig *config)
{
    switch (config->from) {
    case HR_ROBOT_SECRETS_FILE:
        return g_strdup_printf("its file below %s", config->path);
    case HR_ROBOT_SECRETS_ENV:
        return g_strdup_printf("its variable %s...", config->prefix);
    case HR_ROBOT_SECRETS_EXEC:
        return g_strdup(config->command);
    default:
        return g_strdup("the master key");
    }
}

/* {"/secret":"..."}, in memory that is large enough from the start and wiped:
 * no copy stays behind.  The text is known to be valid and to have no control
 * characters. */
static HrSecret *
wrap(const HrSecret *secret)
{
    const char *text = hr_secret_reveal(secret);
    GString *json = g_string_sized_new(2 * strlen(text) + 64);
    HrSecret *wrapped;

    g_string_append(json, "{\"/secret\":\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            g_string_append_c(json, '\\');
        g_string_append_c(json, *text);
    }
    g_string_append(json, "\"}");
    wrapped = hr_secret_new(json->str);
    hr_secret_wipe(json->str, json->allocated_len);
    g_string_free(json, true);
    return wrapped;
}

static HrSecret *
finish(const HrRobotSecrets *secrets, const char *key, const HrSecret *secret,
       GError **error)
{
    const char *problem = hr_robot_secret_problem(hr_secret_reveal(secret));
    g_autofree char *place = NULL;

    if (problem == NULL)
        return wrap(secret);
    place = name_place(secrets->config);
    hr_error_set(error, HR_CONFIG,
                 "the secret of robot %s, from %s, %s: it needs 8 to 128 "
                 "characters with an upper and a lower case letter and a "
                 "digit",
                 key, place, problem);
    return NULL;
}

HrSecret *
hr_robot_secrets_get(HrRobotSecrets *secrets, const char *key, GError **error)
{
    g_autoptr(HrSecret) secret = NULL;
    GError *failed = NULL;

    if (!hr_robot_secrets_tells(secrets))
        return NULL;
    secret = find(secrets, key, &failed);
    if (secret != NULL)
        return finish(secrets, key, secret, error);
    g_propagate_prefixed_error(error, failed, "robot %s: ", key);
    return NULL;
}

HrSecret *
hr_robot_secrets_get_version(HrRobotSecrets *secrets, const char *key,
                             unsigned version, GError **error)
{
    g_autoptr(HrSecret) secret = NULL;

    if (hr_robot_secrets_version(secrets) == 0) {
        hr_error_set(error, HR_CONFIG,
                     "secrets have versions only where they are derived "
                     "(robot_secrets.from = \"derive\")");
        return NULL;
    }
    secret = hr_robot_secret_derive(secrets->key, version, key);
    return finish(secrets, key, secret, error);
}
