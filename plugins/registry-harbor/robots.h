/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files about robot accounts share. */
#ifndef HARBOR_ROBOTS_H
#define HARBOR_ROBOTS_H

#include "kinds.h"

/* Keeps the number and the full name of a robot. */
void
harbor_robot_remember(const HarborAsk *ask, const char *key,
                      const json_t *robot);

/* The robot of a key, finished or not; *robot is the caller's.  HR_NOT_FOUND
 * if there is none. */
hr_status
harbor_robot_find(const HarborAsk *ask, const char *key, json_t **robot);

/* As in HarborKind. */
hr_status
harbor_robot_write(const HarborAsk *ask, const HarborWrite *write);

hr_status
harbor_robot_check(const HarborAsk *ask, const char *key,
                   const json_t *secrets);

#endif
