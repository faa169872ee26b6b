/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types: what a value in a file is, what it must be, and words for both. */
#include "config/types.h"

#include <string.h>

#define A_STRING "a string"
#define A_NUMBER "a whole number"
#define A_BOOLEAN "true or false"
#define A_DURATION "a string with a unit, as \"10s\" or \"5m\""
#define A_SIZE "a string with a unit, as \"64KiB\" or \"5GiB\""

static bool
is_number(const config_setting_t *setting)
{
    int type = config_setting_type(setting);

    return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

bool
hr_type_fits_key(const config_setting_t *setting, const HrSchemaKey *key)
{
    int type = config_setting_type(setting);

    switch (key->type) {
    case HR_SCHEMA_GROUP:
        /* The name of a block defined elsewhere stands for it. */
        return type == CONFIG_TYPE_GROUP ||
               ((strcmp(key->name, "select") == 0 ||
                 strcmp(key->name, "policy") == 0) &&
                type == CONFIG_TYPE_STRING);
    case HR_SCHEMA_LIST:
        return type == CONFIG_TYPE_LIST;
    case HR_SCHEMA_STRINGS:
        return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST;
    case HR_SCHEMA_INTEGER:
        return is_number(setting);
    case HR_SCHEMA_NUMBER:
        return is_number(setting) || type == CONFIG_TYPE_FLOAT;
    case HR_SCHEMA_BOOLEAN:
        return type == CONFIG_TYPE_BOOL;
    default:
        return type == CONFIG_TYPE_STRING;
    }
}

bool
hr_type_fits_option(const config_setting_t *setting, const hr_option *option)
{
    int type = config_setting_type(setting);

    switch (option->type) {
    case HR_OPTION_INTEGER:
        return is_number(setting);
    case HR_OPTION_BOOLEAN:
        return type == CONFIG_TYPE_BOOL;
    default:
        return type == CONFIG_TYPE_STRING;
    }
}

const char *
hr_type_of_setting(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_GROUP:
        return "a group { ... }";
    case CONFIG_TYPE_LIST:
        return "a list ( ... )";
    case CONFIG_TYPE_ARRAY:
        return "an array [ ... ]";
    case CONFIG_TYPE_STRING:
        return A_STRING;
    case CONFIG_TYPE_BOOL:
        return "a boolean";
    case CONFIG_TYPE_FLOAT:
        return "a fraction";
    default:
        return "a number";
    }
}

const char *
hr_type_of_key(const HrSchemaKey *key)
{
    switch (key->type) {
    case HR_SCHEMA_GROUP:
        return "a group { ... }";
    case HR_SCHEMA_LIST:
        return "a list of groups ( { ... }, { ... } )";
    case HR_SCHEMA_STRINGS:
        return "an array of strings [ \"...\" ]";
    case HR_SCHEMA_INTEGER:
        return A_NUMBER;
    case HR_SCHEMA_BOOLEAN:
        return A_BOOLEAN;
    case HR_SCHEMA_NUMBER:
        return "a number";
    case HR_SCHEMA_DURATION:
        return A_DURATION;
    case HR_SCHEMA_SIZE:
        return A_SIZE;
    default:
        return A_STRING;
    }
}

const char *
hr_type_of_option(const hr_option *option)
{
    switch (option->type) {
    case HR_OPTION_INTEGER:
        return A_NUMBER;
    case HR_OPTION_BOOLEAN:
        return A_BOOLEAN;
    case HR_OPTION_SIZE:
        return A_SIZE;
    case HR_OPTION_DURATION:
        return A_DURATION;
    default:
        return A_STRING;
    }
}
