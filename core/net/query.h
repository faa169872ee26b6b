/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The query of a URI reference.  Internal to core/net. */
#ifndef HR_NET_QUERY_H
#define HR_NET_QUERY_H

/* A copy of `uri`, as it came, with `name=value` added to its query; `value`
 * is percent-encoded as far as needed.  Caller frees. */
char *
hr_query_add(const char *uri, const char *name, const char *value);

#endif
