/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Link header (RFC 8288), as far as paging needs it. */
#ifndef HR_LIB_LINK_HEADER_H
#define HR_LIB_LINK_HEADER_H

#include <stddef.h>

/* Finds the target of the first link with rel="next" and writes it to
 * `target`.  1 if there is one, 0 if there is none, -1 if the header is
 * malformed or the target does not fit. */
int
hr_lib_link_next(const char *header, char *target, size_t capacity);

#endif
