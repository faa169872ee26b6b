/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types: what a value in a file is, what it must be, and words for both. */
#ifndef HR_CONFIG_TYPES_H
#define HR_CONFIG_TYPES_H

#include <harbor-replicator/hr-plugin.h>
#include <libconfig.h>
#include <stdbool.h>

#include "config/schema.h"

/* True if a value may stand for a key of the schema. */
bool
hr_type_fits_key(const config_setting_t *setting, const HrSchemaKey *key);

/* True if a value may stand for an option of a plugin. */
bool
hr_type_fits_option(const config_setting_t *setting, const hr_option *option);

/* "a number" */
const char *
hr_type_of_setting(const config_setting_t *setting);

/* "a string with a unit, as \"10s\" or \"5m\"" */
const char *
hr_type_of_key(const HrSchemaKey *key);

const char *
hr_type_of_option(const hr_option *option);

#endif
