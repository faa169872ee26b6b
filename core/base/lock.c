/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conditions on the monotonic clock. */
#include "base/lock.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

void
hr_cond_init(HrCond *cond)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&cond->cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

void
hr_cond_clear(HrCond *cond)
{
    pthread_cond_destroy(&cond->cond);
}

void
hr_cond_signal(HrCond *cond)
{
    pthread_cond_signal(&cond->cond);
}

void
hr_cond_broadcast(HrCond *cond)
{
    pthread_cond_broadcast(&cond->cond);
}

void
hr_cond_wait(HrCond *cond, pthread_mutex_t *mutex)
{
    pthread_cond_wait(&cond->cond, mutex);
}

bool
hr_cond_wait_until(HrCond *cond, pthread_mutex_t *mutex, int64_t until_us)
{
    struct timespec until;

    if (until_us == HR_TIME_NEVER) {
        pthread_cond_wait(&cond->cond, mutex);
        return true;
    }
    /* A time before the clock began is a time that has come, not an error
     * that would make the caller spin. */
    until_us = MAX(until_us, 0);
    until.tv_sec = (time_t)(until_us / 1000000);
    until.tv_nsec = (long)(until_us % 1000000) * 1000;
    return pthread_cond_timedwait(&cond->cond, mutex, &until) != ETIMEDOUT;
}
