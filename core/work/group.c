/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Group: counts jobs under way. */
#include "work/group.h"

#include "base/clock.h"
#include "base/lock.h"

struct HrGroup {
    pthread_mutex_t mutex;
    HrCond cond;
    unsigned count;
};

HrGroup *
hr_group_new(void)
{
    HrGroup *group = g_new0(HrGroup, 1);

    pthread_mutex_init(&group->mutex, NULL);
    hr_cond_init(&group->cond);
    return group;
}

void
hr_group_free(HrGroup *group)
{
    if (group == NULL)
        return;
    /* The last one to leave may still hold the lock. */
    pthread_mutex_lock(&group->mutex);
    pthread_mutex_unlock(&group->mutex);
    hr_cond_clear(&group->cond);
    pthread_mutex_destroy(&group->mutex);
    g_free(group);
}

void
hr_group_enter(HrGroup *group)
{
    HR_LOCKED(&group->mutex);
    group->count++;
}

void
hr_group_leave(HrGroup *group)
{
    HR_LOCKED(&group->mutex);
    if (--group->count == 0)
        hr_cond_broadcast(&group->cond);
}

void
hr_group_wait(HrGroup *group, unsigned interval_ms, void (*tick)(void *data),
              void *data)
{
    int64_t interval_us = (int64_t)interval_ms * 1000;
    int64_t next =
        tick == NULL ? HR_TIME_NEVER : hr_clock_monotonic_us() + interval_us;

    pthread_mutex_lock(&group->mutex);
    while (group->count > 0) {
        if (hr_cond_wait_until(&group->cond, &group->mutex, next))
            continue;
        pthread_mutex_unlock(&group->mutex);
        tick(data);
        next = hr_clock_monotonic_us() + interval_us;
        pthread_mutex_lock(&group->mutex);
    }
    pthread_mutex_unlock(&group->mutex);
}
