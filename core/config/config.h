/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Configuration: an immutable snapshot of one file.
 *
 * One schema table (schema.c) drives parsing, defaults, ranges, `config
 * schema`, the sample and the manual.  All mistakes are found in one go, each
 * as "file:line: path: what is wrong".  The only folder with libconfig.
 */
#ifndef HR_CONFIG_CONFIG_H
#define HR_CONFIG_CONFIG_H

#include <glib.h>
#include <harbor-replicator/hr-plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"
#include "guard/classify.h"
#include "guard/policy.h"
#include "model/platform.h"
#include "model/semver.h"

/* Where something stands in the file, for messages: "file:line". */
typedef struct HrConfigPlace {
    char *file;
    unsigned line;
} HrConfigPlace;

typedef struct HrEndpointConfig {
    HrConfigPlace place;
    char *name;
    char *type; /* provider of kind registry                    */
    char *url;  /* NULL if none                                 */
    char *username;
    char *password; /* a reference, or the secret itself when
                             allow_inline_secrets is on                   */
    bool password_inline;
    char **token_hosts;      /* ends in NULL; or NULL                        */
    char *ca_file;           /* tls.ca, absolute                             */
    char *client_cert;       /* tls.cert, absolute                           */
    char *client_key;        /* tls.key, absolute                            */
    bool insecure;           /* tls.insecure                                 */
    bool allow_private;      /* it may send us to private addresses          */
    bool http2;              /* where it is offered                          */
    HrPolicy policy;         /* preset, profile and settings, put together   */
    HrErrorRules rules;      /* policy.errors                                */
    HrErrorRule *rule_items; /* what `rules` points to                  */
    HrSettings *settings;    /* the provider's own options                   */
} HrEndpointConfig;

/* Which names are wanted.  Patterns are regular expressions anchored at both
 * ends; deny wins; without allow everything is allowed.  `names` are literal:
 * if given, nothing needs to be listed and allow is not looked at. */
typedef struct HrFilter {
    char **names;     /* NULL, or ends in NULL */
    GPtrArray *allow; /* GRegex */
    GPtrArray *deny;  /* GRegex */
} HrFilter;

/* True if the filter lets `name` through.  `rule` (may be NULL) gets which of
 * its rules decided: "deny rc-.*"; caller frees. */
bool
hr_filter_judge(const HrFilter *filter, const char *name, char **rule);

/* A pattern of a filter as it was written; caller frees. */
char *
hr_filter_pattern(const GRegex *regex);

typedef enum HrTagOrder {
    HR_TAG_ORDER_SEMVER,       /* versions, the highest first; then the rest */
    HR_TAG_ORDER_ALPHABETICAL, /* the last first                            */
    HR_TAG_ORDER_CREATED /* the newest first; then those that do not say    */
} HrTagOrder;

/* Rules of a selection, in the order in which they are asked; see
 * sync/selection.h. */
typedef struct HrSelect {
    HrFilter projects; /* of repositories, and of what belongs to them */
    HrFilter repositories;
    HrFilter tags;
    HrVersionRange *semver; /* of tags; NULL: any */
    char *semver_text;
    bool prereleases;     /* lie in ranges that name none, too */
    int64_t min_age_us;   /* since its image was created; 0: any */
    int64_t max_age_us;   /* 0: any */
    HrTagOrder order;     /* for `latest` */
    unsigned latest;      /* so many tags of each repository; 0: all */
    GPtrArray *platforms; /* HrPlatform wanted of indexes; NULL: all */
    bool sparse_fails;    /* sparse_index: what a registry does not take fails,
                          instead of being completed */
    GPtrArray *immutable; /* GRegex of tags that never move, as the owner of
                             the registry promises; or NULL */
} HrSelect;

/* "semver", "alphabetical", "created" */
const char *
hr_tag_order_name(HrTagOrder order);

/* False if it is none of these words. */
bool
hr_tag_order_from_name(const char *name, HrTagOrder *order);

/* True if a tag is promised never to move.  `select` may be NULL. */
bool
hr_select_is_immutable(const HrSelect *select, const char *tag);

/* What repositories are called on the target: first `strip` is taken from the
 * front, then the template or the prefix is put to it. */
typedef struct HrRename {
    char *strip;    /* NULL: nothing */
    char *prefix;   /* NULL: nothing */
    char *template; /* with {repository}, {namespace}, {basename}; or NULL */
} HrRename;

/* The name on the target; caller frees.  It need not be a valid one. */
char *
hr_rename_repository(const HrRename *rename, const char *repository);

/* Where the secrets of robot accounts come from. */
typedef enum HrRobotSecretsFrom {
    HR_ROBOT_SECRETS_KEEP,   /* from nowhere: each endpoint has its own */
    HR_ROBOT_SECRETS_REPORT, /* likewise, and that is told of each      */
    HR_ROBOT_SECRETS_FILE,
    HR_ROBOT_SECRETS_ENV,
    HR_ROBOT_SECRETS_EXEC,
    HR_ROBOT_SECRETS_DERIVE
} HrRobotSecretsFrom;

/* robot_secrets of a sync; see sync/robot-secrets.h. */
typedef struct HrRobotSecretsConfig {
    HrRobotSecretsFrom from;
    char *path;        /* file: the directory, absolute               */
    char *prefix;      /* env: of the variables' names                */
    char *command;     /* exec: the program, absolute                 */
    char *key;         /* derive: reference to the master key         */
    unsigned version;  /* derive: of the secrets, from 1 on           */
    bool check_always; /* in every pass, not in complete ones only    */
} HrRobotSecretsConfig;

/* "keep", "derive" */
const char *
hr_robot_secrets_from_name(HrRobotSecretsFrom from);

/* What becomes of a change that gives somebody rights that he did not have. */
typedef enum HrEscalation {
    HR_ESCALATION_MARK, /* it is made, and said so */
    HR_ESCALATION_REFUSE,
    HR_ESCALATION_ALLOW /* it is made without a word */
} HrEscalation;

/* "mark", "refuse", "allow" */
const char *
hr_escalation_name(HrEscalation escalation);

/* False if it is none of these words. */
bool
hr_escalation_from_name(const char *name, HrEscalation *escalation);

typedef struct HrSyncConfig {
    HrConfigPlace place;
    char *name;
    const HrEndpointConfig *source;
    const HrEndpointConfig *target;
    HrSelect select;
    HrRename rename;
    bool foreign_layers; /* are brought too                            */
    bool referrers;      /* what hangs on tags comes with them         */
    HrRobotSecretsConfig robot_secrets;
    char **kinds; /* NULL, or ends in NULL                             */
    HrEscalation escalation;
    char *strategy; /* conflict.default, "source-wins"             */
    HrSettings *strategy_settings;
} HrSyncConfig;

typedef struct HrSinkConfig {
    HrConfigPlace place;
    char *type;
    HrSettings *settings;
} HrSinkConfig;

typedef struct HrConfig {
    char *path;
    unsigned workers;        /* 1..256, default 8                            */
    unsigned loops;          /* 1..16, default 2                             */
    unsigned parallel_syncs; /* 1..64, default 4                      */
    bool allow_inline_secrets;
    char *auth_file;   /* of saved logins; NULL: the usual ones; "": none   */
    int64_t bandwidth; /* bytes a second of all endpoints; 0: no limit  */
    HrProfile profile;
    GPtrArray *endpoints; /* HrEndpointConfig */
    GPtrArray *syncs;     /* HrSyncConfig */
    GPtrArray *sinks;     /* HrSinkConfig */
} HrConfig;

/* Finds the provider of a kind (HR_KIND_*) that the file names, loading its
 * plugin if need be; NULL and a sentence in *error if there is none.  Given
 * by the application, since this folder knows no plugins. */
typedef const hr_provider *(*HrProviderLookup)(uint32_t kind, const char *name,
                                               void *data, GError **error);

/* Loads a file.  On failure *error is HR_CONFIG and its message has one line
 * per mistake, in the order of the file. */
HrConfig *
hr_config_load(const char *path, HrProviderLookup lookup, void *data,
               GError **error);

/* As hr_config_load, from a text; `path` is used in messages and as the place
 * that relative paths start from. */
HrConfig *
hr_config_parse(const char *text, const char *path, HrProviderLookup lookup,
                void *data, GError **error);

void
hr_config_free(HrConfig *config);

const HrEndpointConfig *
hr_config_endpoint(const HrConfig *config, const char *name);

const HrSyncConfig *
hr_config_sync(const HrConfig *config, const char *name);

/* The same of one that somebody named: HR_CONFIG, with the nearest name, for
 * one that does not exist. */
const HrEndpointConfig *
hr_config_require_endpoint(const HrConfig *config, const char *name,
                           GError **error);

const HrSyncConfig *
hr_config_require_sync(const HrConfig *config, const char *name,
                       GError **error);

/* The effective configuration, defaults filled in, secrets as references
 * only (inline ones as "***").  libconfig text.  Caller frees. */
char *
hr_config_show(const HrConfig *config);

/* The effective configuration as canonical JSON text.  Caller frees. */
char *
hr_config_show_json(const HrConfig *config);

/* The schema for people, one key a line: path, type, default, range, help;
 * or as JSON.  Caller frees. */
char *
hr_config_schema_text(void);

char *
hr_config_schema_json(void);

/* An endpoint configuration with all defaults, for commands that need no
 * file.  Its strings are the caller's to set. */
HrEndpointConfig *
hr_endpoint_config_new(const char *name, const char *type);

void
hr_endpoint_config_free(HrEndpointConfig *endpoint);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrConfig, hr_config_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrEndpointConfig, hr_endpoint_config_free)

#endif
