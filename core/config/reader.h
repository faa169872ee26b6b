/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reader: values of a parsed file, checked against the schema.  Collects every
 * mistake instead of stopping at the first; what it returns after a mistake
 * is good enough to go on looking for more.
 */
#ifndef HR_CONFIG_READER_H
#define HR_CONFIG_READER_H

#include <glib.h>
#include <libconfig.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "config/mistakes.h"

typedef struct HrReader {
    char *path;      /* of the file, for settings that have none  */
    char *prefix;    /* put before the names of included files    */
    char *directory; /* absolute: relative paths start here       */
    HrMistakes *mistakes;
} HrReader;

void
hr_reader_init(HrReader *reader, const char *path);

void
hr_reader_clear(HrReader *reader);

/* The file that a setting stands in, as messages name it.  Caller frees. */
char *
hr_reader_file(const HrReader *reader, const config_setting_t *setting);

/* Where a setting stands; clear with hr_config_place_clear. */
void
hr_reader_place(const HrReader *reader, const config_setting_t *setting,
                HrConfigPlace *place);

void
hr_config_place_clear(HrConfigPlace *place);

/* Adds "file:line: place: message". */
void
hr_reader_mistake(HrReader *reader, const config_setting_t *setting,
                  const char *place, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* "; did you mean 'NAME'?", or "" if none is near.  `names` ends in NULL.
 * Caller frees. */
char *
hr_reader_hint(const char *name, const GPtrArray *names);

/* Checks names, types and presence of a group's members against the schema.
 * Names that `options` (may be NULL) declares are left to the caller;
 * `lenient` leaves all unknown names.  Groups inside are checked as well,
 * except the open ones. */
void
hr_reader_check_group(HrReader *reader, const config_setting_t *group,
                      const char *path, const hr_option *const *options,
                      bool lenient);

/* Says that a member is missing, and what it is for. */
void
hr_reader_missing(HrReader *reader, const config_setting_t *group,
                  const char *path, const char *name, const char *help);

/* The member of that name, or the group itself: where to point to. */
const config_setting_t *
hr_reader_spot(const config_setting_t *group, const char *name);

/* A member that is a group; NULL if there is none. */
const config_setting_t *
hr_reader_group(const config_setting_t *group, const char *name);

/* For all that follow: `path` is the group's in the schema; `group` may be
 * NULL and then gives the defaults. */

/* The member's text, variables expanded, or its default; NULL if it has
 * neither, or was a mistake.  Caller frees. */
char *
hr_reader_text(HrReader *reader, const config_setting_t *group,
               const char *path, const char *name);

/* True if the group, which may be NULL, has a member of that name. */
bool
hr_reader_has(const config_setting_t *group, const char *name);

/* The member's number (integer, boolean, duration in ms, size in bytes), in
 * range; without a default 0. */
int64_t
hr_reader_number(HrReader *reader, const config_setting_t *group,
                 const char *path, const char *name);

/* The member's number, fractions allowed, in range; without a default 0. */
double
hr_reader_fraction(HrReader *reader, const config_setting_t *group,
                   const char *path, const char *name);

/* The member's list of texts, ends in NULL; NULL if it is not there.  Caller
 * frees with g_strfreev. */
char **
hr_reader_texts(HrReader *reader, const config_setting_t *group,
                const char *path, const char *name);

/* Reads the options of a provider; those left out get their defaults.  `spot`
 * is where to point to if one is missing. */
void
hr_reader_options(HrReader *reader, const config_setting_t *group,
                  const config_setting_t *spot, const char *path,
                  const hr_provider *provider, HrSettings *settings);

#endif
