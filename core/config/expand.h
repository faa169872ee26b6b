/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expansion of environment variables in the strings of a configuration. */
#ifndef HR_CONFIG_EXPAND_H
#define HR_CONFIG_EXPAND_H

#include <glib.h>

/* Replaces ${NAME}, ${NAME:-default} (also for an empty NAME) and $$.  A lone
 * "$" is itself.  HR_CONFIG for an unset variable without default, a name that
 * is none, or a brace that is not closed.  Caller frees. */
char *
hr_config_expand(const char *text, GError **error);

/* The opposite: a text that expands to `text`.  Caller frees. */
char *
hr_config_escape(const char *text);

#endif
