/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schema: the one table of what a configuration may say. */
#ifndef HR_CONFIG_SCHEMA_H
#define HR_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

typedef enum HrSchemaType {
    HR_SCHEMA_GROUP, /* { ... }                      */
    HR_SCHEMA_LIST,  /* ( { ... }, { ... } )         */
    HR_SCHEMA_STRING,
    HR_SCHEMA_STRINGS, /* [ "a", "b" ]                 */
    HR_SCHEMA_INTEGER,
    HR_SCHEMA_NUMBER, /* fractions allowed */
    HR_SCHEMA_BOOLEAN,
    HR_SCHEMA_DURATION, /* "10m"; ranges in milliseconds */
    HR_SCHEMA_SIZE      /* "5GiB"; ranges in bytes       */
} HrSchemaType;

typedef struct HrSchemaKey {
    const char *parent; /* path of the group, "" for the top; list entries
                           end in "[]" */
    const char *name;
    HrSchemaType type;
    bool required;
    bool open;            /* takes the options of a plugin as well, so that
                             who knows the plugin checks it */
    const char *fallback; /* default as written; NULL for none */
    int64_t minimum;
    int64_t maximum;
    const char *help;
} HrSchemaKey;

/* All keys, parents before children; ends in one without a name. */
extern const HrSchemaKey hr_schema[];

/* The key of a name in a group, or NULL. */
const HrSchemaKey *
hr_schema_find(const char *parent, const char *name);

/* Word for a type: "duration". */
const char *
hr_schema_type_name(HrSchemaType type);

/* "endpoints[].policy" for a group's key.  Caller frees. */
char *
hr_schema_path(const HrSchemaKey *key);

/* "90s", "10m", "250ms": one unit, as it is written in the file.  Caller
 * frees. */
char *
hr_schema_format_duration(int64_t ms);

/* "1 to 256", "100ms to 10m"; NULL if all values are good.  Caller frees. */
char *
hr_schema_format_range(const HrSchemaKey *key);

#endif
