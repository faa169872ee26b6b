/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files that read a configuration's blocks share. */
#ifndef HR_CONFIG_LOADER_H
#define HR_CONFIG_LOADER_H

#include "config/reader.h"

typedef struct HrLoader {
    HrReader reader;
    HrConfig *config;
    const config_setting_t *root;
    bool from_file; /* and not from a text */
    HrProviderLookup lookup;
    void *lookup_data;
} HrLoader;

/* An empty snapshot. */
HrConfig *
hr_config_new(const char *path);

void
hr_select_clear(HrSelect *select);

/* A name that others refer to; NULL after a mistake.  Caller frees. */
char *
hr_loader_name(HrLoader *loader, const config_setting_t *group,
               const char *path);

/* The entry of a list of groups at or after *index, which moves behind it;
 * entries that are no group are mistakes.  NULL at the end. */
const config_setting_t *
hr_loader_next(HrLoader *loader, const char *list, int *index);

/* The entry of a list that has this name, or NULL after a mistake: told at
 * `group`, which refers to it as its `key`. */
const config_setting_t *
hr_loader_named(HrLoader *loader, const char *list, const char *name,
                const config_setting_t *group, const char *path,
                const char *key);

/* Finds the provider that the member `key` names.  NULL after a mistake. */
const hr_provider *
hr_loader_provider(HrLoader *loader, const config_setting_t *group,
                   const char *path, const char *key, uint32_t kind,
                   const char *name);

/* read-endpoint.c: one entry of endpoints and of credentials. */
void
hr_loader_read_endpoint(HrLoader *loader, const config_setting_t *group);

void
hr_loader_check_credentials(HrLoader *loader, const config_setting_t *group);

/* read-policy.c: the policy of an entry of endpoints, and one entry of
 * policies. */
void
hr_loader_read_policy(HrLoader *loader, const config_setting_t *group,
                      HrEndpointConfig *endpoint);

void
hr_loader_check_policy(HrLoader *loader, const config_setting_t *group);

/* read-sync.c: one entry of syncs and of selects. */
void
hr_loader_read_sync(HrLoader *loader, const config_setting_t *group);

/* read-sync.c: what is named twice is wanted once. */
void
hr_loader_drop_repeated(char **names);

/* read-kinds.c: kinds and escalation of an entry of syncs. */
void
hr_loader_read_kinds(HrLoader *loader, const config_setting_t *group,
                     HrSyncConfig *sync);

/* read-robots.c: robot_secrets of an entry of syncs. */
void
hr_loader_read_robot_secrets(HrLoader *loader, const config_setting_t *sync,
                             HrRobotSecretsConfig *secrets);

void
hr_robot_secrets_config_clear(HrRobotSecretsConfig *secrets);

void
hr_loader_check_select(HrLoader *loader, const config_setting_t *group);

#endif
