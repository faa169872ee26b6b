/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Call: one operation on behalf of somebody. */
#include "work/call.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "guard/retry.h"

#define CORRELATION_BYTES 16

struct hr_call {
    HrCancel *cancel;
    unsigned watch;
    int64_t deadline_us;
    HrPriority priority;
    bool parks;
    HrProgress *progress;
    _Atomic int64_t retry_at_us;
    atomic_bool exhausted;
    GError *failure; /* the worker's only */
    pthread_mutex_t mutex;
    HrCond cond;
    uint64_t ticket;           /* under mutex */
    const atomic_bool *wanted; /* under mutex: what the worker waits for,
                                  NULL for anything */
    char correlation[2 * CORRELATION_BYTES + 1];
};

static void
make_correlation(char *text)
{
    unsigned char bytes[CORRELATION_BYTES];

    /* Up to 256 bytes come whole once the system has started. */
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        g_error("the system gives no random numbers");
    for (unsigned i = 0; i < sizeof bytes; i++)
        snprintf(text + 2 * (size_t)i, 3, "%02x", bytes[i]);
}

static void
wake_cb(void *data)
{
    hr_call_wake(data);
}

HrCall *
hr_call_new(HrCancel *cancel, int64_t deadline_us)
{
    HrCall *call = g_new0(HrCall, 1);

    call->cancel = hr_cancel_new(cancel);
    call->deadline_us = deadline_us;
    call->priority = HR_PRIORITY_NORMAL;
    pthread_mutex_init(&call->mutex, NULL);
    hr_cond_init(&call->cond);
    make_correlation(call->correlation);
    call->watch = hr_cancel_watch(call->cancel, wake_cb, call);
    return call;
}

void
hr_call_free(HrCall *call)
{
    if (call == NULL)
        return;
    hr_cancel_unwatch(call->cancel, call->watch);
    hr_cancel_unref(call->cancel);
    g_clear_error(&call->failure);
    hr_cond_clear(&call->cond);
    pthread_mutex_destroy(&call->mutex);
    g_free(call);
}

const char *
hr_call_correlation(const HrCall *call)
{
    return call->correlation;
}

int64_t
hr_call_deadline_us(const HrCall *call)
{
    return call->deadline_us;
}

HrCancel *
hr_call_cancel_token(HrCall *call)
{
    return call->cancel;
}

void
hr_call_set_priority(HrCall *call, HrPriority priority)
{
    call->priority = priority;
}

HrPriority
hr_call_priority(const HrCall *call)
{
    return call->priority;
}

void
hr_call_set_progress(HrCall *call, HrProgress *progress)
{
    call->progress = progress;
}

HrProgress *
hr_call_progress(const HrCall *call)
{
    return call->progress;
}

void
hr_call_set_parks(HrCall *call, bool parks)
{
    call->parks = parks;
}

bool
hr_call_parks(const HrCall *call)
{
    return call->parks;
}

void
hr_call_put_off(HrCall *call, int64_t at_us, bool exhausted)
{
    int64_t known = atomic_load(&call->retry_at_us);

    if (exhausted)
        atomic_store(&call->exhausted, true);
    while (at_us > known &&
           !atomic_compare_exchange_weak(&call->retry_at_us, &known, at_us))
        ;
}

bool
hr_call_exhausted(const HrCall *call)
{
    return atomic_load(&call->exhausted);
}

int64_t
hr_call_retry_at_us(const HrCall *call)
{
    return atomic_load(&call->retry_at_us);
}

bool
hr_call_over(const HrCall *call)
{
    return hr_cancel_triggered(call->cancel) ||
           (call->deadline_us != HR_TIME_NEVER &&
            hr_clock_monotonic_us() >= call->deadline_us);
}

bool
hr_call_set_over_error(const HrCall *call, GError **error)
{
    if (hr_cancel_triggered(call->cancel))
        return hr_error_set(error, HR_CANCELLED, "interrupted");
    return hr_error_set(error, HR_TIMEOUT, "not done by its deadline");
}

hr_status
hr_call_fail(HrCall *call, hr_status status, const char *message)
{
    g_autoptr(GError) before = g_steal_pointer(&call->failure);

    call->failure = g_error_new_literal(HR_ERROR, status, message);
    /* The same failure in other words keeps what is known of it. */
    if (hr_error_status(before) == status)
        hr_error_inherit_details(call->failure, before);
    return status;
}

hr_status
hr_call_fail_error(HrCall *call, GError *error)
{
    g_clear_error(&call->failure);
    call->failure = error;
    return hr_error_status(error);
}

bool
hr_call_take_error(HrCall *call, hr_status status, GError **error)
{
    if (call->failure == NULL || hr_error_status(call->failure) != status) {
        g_clear_error(&call->failure);
        return hr_error_set(error, status, "%s (the plugin gives no reason)",
                            hr_status_name(status));
    }
    g_propagate_error(error, g_steal_pointer(&call->failure));
    return false;
}

const char *
hr_call_reason(const HrCall *call)
{
    return call->failure != NULL ? call->failure->message : "";
}

void
hr_call_hint(HrCall *call, HrEligibility eligibility, int64_t wait_us)
{
    HrErrorDetails *details = hr_error_details(call->failure);
    int64_t now = hr_clock_monotonic_us();

    if (details == NULL)
        return;
    details->eligibility = eligibility;
    details->classified = true;
    details->retry_at_us = 0;
    if (eligibility == HR_RETRY_NEVER || eligibility == HR_RETRY_REFETCH) {
        atomic_store(&call->retry_at_us, 0);
        return;
    }
    if (wait_us == 0 && eligibility == HR_RETRY_PARK)
        wait_us = HR_RETRY_PARKED_US;
    if (wait_us == 0)
        return;
    details->retry_at_us =
        wait_us < INT64_MAX - now ? now + wait_us : INT64_MAX;
    hr_call_put_off(call, details->retry_at_us, false);
}

void
hr_call_forgive(HrCall *call)
{
    g_clear_error(&call->failure);
}

uint64_t
hr_call_ticket(HrCall *call)
{
    HR_LOCKED(&call->mutex);
    return call->ticket;
}

void
hr_call_wait(HrCall *call, uint64_t ticket, int64_t until_us)
{
    int64_t until = MIN(until_us, call->deadline_us);

    HR_LOCKED(&call->mutex);
    while (call->ticket == ticket && !hr_cancel_triggered(call->cancel))
        if (!hr_cond_wait_until(&call->cond, &call->mutex, until))
            return;
}

void
hr_call_wake(HrCall *call)
{
    HR_LOCKED(&call->mutex);
    call->ticket++;
    hr_cond_signal(&call->cond);
}

void
hr_call_raise(HrCall *call, atomic_bool *flag)
{
    HR_LOCKED(&call->mutex);
    atomic_store(flag, true);
    call->ticket++;
    if (call->wanted == NULL || call->wanted == flag)
        hr_cond_signal(&call->cond);
}

bool
hr_call_raised(HrCall *call, const atomic_bool *flag)
{
    HR_LOCKED(&call->mutex);
    return atomic_load(flag);
}

bool
hr_call_wait_raised(HrCall *call, const atomic_bool *flag)
{
    HR_LOCKED(&call->mutex);
    call->wanted = flag;
    while (!atomic_load(flag) && !hr_cancel_triggered(call->cancel))
        if (!hr_cond_wait_until(&call->cond, &call->mutex, call->deadline_us))
            break;
    call->wanted = NULL;
    return atomic_load(flag);
}

void
hr_call_await_raised(HrCall *call, const atomic_bool *flag)
{
    HR_LOCKED(&call->mutex);
    call->wanted = flag;
    while (!atomic_load(flag))
        hr_cond_wait(&call->cond, &call->mutex);
    call->wanted = NULL;
}

bool
hr_call_sleep_until(HrCall *call, int64_t until_us)
{
    while (!hr_call_over(call) && hr_clock_monotonic_us() < until_us)
        hr_call_wait(call, hr_call_ticket(call), until_us);
    return !hr_call_over(call);
}
