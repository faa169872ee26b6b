/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What robots may do: the one order of permissions and accesses.  Pure. */
#ifndef HARBOR_ROBOT_RIGHTS_H
#define HARBOR_ROBOT_RIGHTS_H

#include <jansson.h>

/* A list of permissions, sorted by kind and namespace, and their accesses by
 * resource, action and effect; without duplicates, without permissions that
 * allow nothing, and without the effect "allow", which is meant where there is
 * none.  Null and anything that is no list have none. */
json_t *
harbor_rights_sorted(const json_t *permissions);

/* 1 if the catalogue (the answer of GET /permissions) has an access of a
 * permission of this kind. */
int
harbor_rights_known(const json_t *catalogue, const char *kind,
                    const json_t *access);

#endif
