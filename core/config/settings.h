/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Settings: the options of one provider as the configuration gives them,
 * checked against what the provider declared.  A plugin sees hr_settings.
 * Immutable once built.
 */
#ifndef HR_CONFIG_SETTINGS_H
#define HR_CONFIG_SETTINGS_H

#include <glib.h>
#include <harbor-replicator/hr-plugin.h>
#include <stdbool.h>

typedef struct hr_settings HrSettings;

HrSettings *
hr_settings_new(void);

void
hr_settings_free(HrSettings *settings);

/* Sets a declared option from its text as written in the file, variables
 * already expanded.  `directory` is what a relative path is relative to.
 * HR_CONFIG with a sentence if the text does not fit the type. */
bool
hr_settings_set(HrSettings *settings, const hr_option *option,
                const char *text, const char *directory, GError **error);

/* The text, absolute for a path; NULL if it is neither set nor has a
 * default. */
const char *
hr_settings_text(const HrSettings *settings, const char *name);

/* Number of an integer, boolean, size (bytes) or duration (ms); 0 if it is
 * neither set nor has a default. */
int64_t
hr_settings_number(const HrSettings *settings, const char *name);

/* Calls `func` for every option that has a value, sorted by name; `type` is
 * HR_OPTION_*. */
void
hr_settings_foreach(const HrSettings *settings,
                    void (*func)(const char *name, uint32_t type,
                                 const char *text, void *data),
                    void *data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrSettings, hr_settings_free)

#endif
