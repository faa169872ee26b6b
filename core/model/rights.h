/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rights: what a document grants, as a set, so that nobody is given more than
 * he had without it being seen.
 *
 *     robot       "project library pull:repository", none while disabled
 *     member      "role developer", and every role below it
 *     user        "administrator"
 *     project     "public"
 *     configuration  what lets anybody in, or makes groups administrators
 */
#ifndef HR_MODEL_RIGHTS_H
#define HR_MODEL_RIGHTS_H

#include <glib.h>
#include <stdbool.h>

/* The rights that `wanted` grants and `found` (NULL: not there) does not, as
 * char *, sorted; NULL if there are none.  Both are canonical.
 *
 * `fresh`: what the document belongs to is created with it, so that nothing
 * that was there before is opened to anybody.  A robot account that is created
 * is no widening: nobody held it. */
GPtrArray *
hr_rights_widened(const char *kind, const char *key, const char *wanted,
                  const char *found, bool fresh);

#endif
