/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Group: counts jobs under way, so that somebody who is no worker can wait
 * for all of them.
 */
#ifndef HR_WORK_GROUP_H
#define HR_WORK_GROUP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct HrGroup HrGroup;

HrGroup *
hr_group_new(void);

/* No job is under way any more. */
void
hr_group_free(HrGroup *group);

/* Before a job is submitted, and when it is over; from any thread. */
void
hr_group_enter(HrGroup *group);

void
hr_group_leave(HrGroup *group);

/* Waits until none is under way; calls `tick` (may be NULL) on this thread
 * every `interval_ms` meanwhile. */
void
hr_group_wait(HrGroup *group, unsigned interval_ms, void (*tick)(void *data),
              void *data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrGroup, hr_group_free)

#endif
