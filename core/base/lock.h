/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pthread mutex and condition with scope guards.
 *
 * GLib's own locks are not used between threads: distributions build GLib
 * without instrumentation, and ThreadSanitizer then reports false races.
 */
#ifndef HR_BASE_LOCK_H
#define HR_BASE_LOCK_H

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct HrCond {
    pthread_cond_t cond; /* bound to CLOCK_MONOTONIC */
} HrCond;

void
hr_cond_init(HrCond *cond);

void
hr_cond_clear(HrCond *cond);

void
hr_cond_signal(HrCond *cond);

void
hr_cond_broadcast(HrCond *cond);

/* Waits, mutex held, until signalled. */
void
hr_cond_wait(HrCond *cond, pthread_mutex_t *mutex);

/* Waits until signalled or until the monotonic time; HR_TIME_NEVER waits for
 * ever.  False when the time has come. */
bool
hr_cond_wait_until(HrCond *cond, pthread_mutex_t *mutex, int64_t until_us);

typedef pthread_mutex_t HrMutexGuard;

static inline void
hr_mutex_unlock_guard(HrMutexGuard **guard)
{
    if (*guard != NULL)
        pthread_mutex_unlock(*guard);
}

static inline HrMutexGuard *
hr_mutex_lock_guard(pthread_mutex_t *mutex)
{
    pthread_mutex_lock(mutex);
    return mutex;
}

/* Holds the mutex until the end of the scope. */
#define HR_LOCKED(mutex)                                                      \
    __attribute__((cleanup(hr_mutex_unlock_guard), unused)) HrMutexGuard *    \
    G_PASTE(guard_, __LINE__) = hr_mutex_lock_guard(mutex)

#endif
