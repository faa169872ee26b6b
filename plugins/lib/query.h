/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The query of a URI reference. */
#ifndef HR_LIB_QUERY_H
#define HR_LIB_QUERY_H

/* A copy of `uri`, as it came, with `name=value` added to its query; `value`
 * is percent-encoded as far as needed.  The caller frees it; NULL without
 * memory. */
char *
hr_lib_query_add(const char *uri, const char *name, const char *value);

#endif
