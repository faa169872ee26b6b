/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Validate: whether a description is one that this host can work with.  Looks
 * at nothing but the description: calls no function of the plugin.
 */
#ifndef HR_PLUG_VALIDATE_H
#define HR_PLUG_VALIDATE_H

#include <glib.h>
#include <harbor-replicator/hr-plugin.h>
#include <stdbool.h>

/* HR_CONFIG with one sentence that does not name the file. */
bool
hr_plugin_validate(const hr_plugin *plugin, GError **error);

/* True for [a-z0-9]+(-[a-z0-9]+)*, 63 characters at most. */
bool
hr_provider_name_valid(const char *name);

#endif
