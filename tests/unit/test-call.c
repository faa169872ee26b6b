/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls: deadline, cancel, failure, waiting and waking. */
#include <glib.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "guard/retry.h"
#include "work/call.h"

#define ROUNDS 2000
#define PAUSE_US 20000

static void
test_correlation(void)
{
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (unsigned i = 0; i < 1000; i++) {
        g_autoptr(HrCall) call = hr_call_new(NULL, HR_TIME_NEVER);
        const char *name = hr_call_correlation(call);

        g_assert_cmpuint(strlen(name), ==, 32);
        g_assert_cmpuint(strspn(name, "0123456789abcdef"), ==, 32);
        g_assert_true(g_hash_table_add(seen, g_strdup(name)));
    }
}

static void
test_over(void)
{
    g_autoptr(HrCancel) cancel = hr_cancel_new(NULL);
    g_autoptr(HrCall) call = hr_call_new(cancel, HR_TIME_NEVER);
    g_autoptr(HrCall) late = hr_call_new(NULL, hr_clock_monotonic_us());
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(hr_call_deadline_us(call), ==, HR_TIME_NEVER);
    g_assert_true(hr_call_over(late));
    g_assert_false(hr_call_set_over_error(late, &error));
    g_assert_error(error, HR_ERROR, HR_TIMEOUT);
    g_clear_error(&error);
    g_assert_false(hr_call_over(call));
    hr_cancel_trigger(cancel);
    g_assert_true(hr_call_over(call));
    g_assert_false(hr_call_set_over_error(call, &error));
    g_assert_error(error, HR_ERROR, HR_CANCELLED);
}

/* One call given up takes no other with it. */
static void
test_own_token(void)
{
    g_autoptr(HrCancel) cancel = hr_cancel_new(NULL);
    g_autoptr(HrCall) one = hr_call_new(cancel, HR_TIME_NEVER);
    g_autoptr(HrCall) other = hr_call_new(cancel, HR_TIME_NEVER);

    hr_cancel_trigger(hr_call_cancel_token(one));
    g_assert_true(hr_call_over(one));
    g_assert_false(hr_call_over(other));
    g_assert_false(hr_cancel_triggered(cancel));
}

static void
test_failure(void)
{
    g_autoptr(HrCall) call = hr_call_new(NULL, HR_TIME_NEVER);
    g_autoptr(GError) error = NULL;

    g_assert_cmpstr(hr_call_reason(call), ==, "");
    g_assert_cmpint(hr_call_fail(call, HR_NETWORK, "first"), ==, HR_NETWORK);
    g_assert_cmpint(hr_call_fail(call, HR_NOT_FOUND, "50% gone"), ==,
                    HR_NOT_FOUND);
    g_assert_cmpstr(hr_call_reason(call), ==, "50% gone");
    g_assert_false(hr_call_take_error(call, HR_NOT_FOUND, &error));
    g_assert_error(error, HR_ERROR, HR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, "50% gone");
    g_assert_cmpstr(hr_call_reason(call), ==, "");
}

static void
test_failure_from_error(void)
{
    g_autoptr(HrCall) call = hr_call_new(NULL, HR_TIME_NEVER);
    GError *error = NULL;

    hr_error_set(&error, HR_TLS, "no trust");
    g_assert_cmpint(hr_call_fail_error(call, error), ==, HR_TLS);
    g_assert_cmpstr(hr_call_reason(call), ==, "no trust");
    hr_call_forgive(call);
    g_assert_cmpstr(hr_call_reason(call), ==, "");
}

/* A plugin may say nothing, or return something else than it said last. */
static void
test_no_reason(void)
{
    g_autoptr(HrCall) call = hr_call_new(NULL, HR_TIME_NEVER);
    g_autoptr(GError) error = NULL;

    g_assert_false(hr_call_take_error(call, HR_QUOTA, &error));
    g_assert_error(error, HR_ERROR, HR_QUOTA);
    g_assert_nonnull(strstr(error->message, "quota"));
    g_clear_error(&error);
    hr_call_fail(call, HR_NOT_FOUND, "an older story");
    g_assert_false(hr_call_take_error(call, HR_QUOTA, &error));
    g_assert_error(error, HR_ERROR, HR_QUOTA);
    g_assert_null(strstr(error->message, "older"));
    g_assert_cmpstr(hr_call_reason(call), ==, "");
}

static void
test_wait_until(void)
{
    g_autoptr(HrCall) call = hr_call_new(NULL, HR_TIME_NEVER);
    int64_t until = hr_clock_monotonic_us() + PAUSE_US;

    hr_call_wait(call, hr_call_ticket(call), until);
    g_assert_cmpint(hr_clock_monotonic_us(), >=, until);
    /* Times long gone, and before the clock began. */
    hr_call_wait(call, hr_call_ticket(call), 0);
    hr_call_wait(call, hr_call_ticket(call), -1);
    hr_call_wait(call, hr_call_ticket(call), INT64_MIN);
    /* A ticket that has moved. */
    hr_call_wait(call, hr_call_ticket(call) - 1, HR_TIME_NEVER);
}

static void
test_deadline(void)
{
    int64_t deadline = hr_clock_monotonic_us() + PAUSE_US;
    g_autoptr(HrCall) call = hr_call_new(NULL, deadline);
    atomic_bool flag = false;

    hr_call_wait(call, hr_call_ticket(call), HR_TIME_NEVER);
    g_assert_cmpint(hr_clock_monotonic_us(), >=, deadline);
    g_assert_true(hr_call_over(call));
    g_assert_false(hr_call_wait_raised(call, &flag));
    g_assert_false(hr_call_sleep_until(call, HR_TIME_NEVER));
}

typedef struct Other {
    HrCall *call;
    HrCancel *cancel;
    atomic_bool *flag;
    atomic_bool *decoy;
    atomic_bool came;
} Other;

static void *
cancel_soon(void *data)
{
    Other *other = data;

    g_usleep(PAUSE_US);
    atomic_store(&other->came, true);
    hr_cancel_trigger(other->cancel);
    return NULL;
}

static void
test_cancel_wakes(void)
{
    for (unsigned way = 0; way < 3; way++) {
        g_autoptr(HrCancel) cancel = hr_cancel_new(NULL);
        g_autoptr(HrCall) call = hr_call_new(cancel, HR_TIME_NEVER);
        Other other = {.cancel = cancel};
        atomic_bool flag = false;
        pthread_t thread;

        g_assert_cmpint(pthread_create(&thread, NULL, cancel_soon, &other), ==,
                        0);
        if (way == 0)
            hr_call_wait(call, hr_call_ticket(call), HR_TIME_NEVER);
        else if (way == 1)
            g_assert_false(hr_call_wait_raised(call, &flag));
        else
            g_assert_false(hr_call_sleep_until(call, HR_TIME_NEVER));
        g_assert_true(atomic_load(&other.came));
        g_assert_true(hr_call_over(call));
        /* And it waits no more. */
        hr_call_wait(call, hr_call_ticket(call), HR_TIME_NEVER);
        pthread_join(thread, NULL);
    }
}

static void *
wake_soon(void *data)
{
    Other *other = data;

    g_usleep(PAUSE_US);
    atomic_store(&other->came, true);
    hr_call_wake(other->call);
    return NULL;
}

static void
test_wake(void)
{
    g_autoptr(HrCall) call = hr_call_new(NULL, HR_TIME_NEVER);
    Other other = {.call = call};
    uint64_t ticket = hr_call_ticket(call);
    pthread_t thread;

    g_assert_cmpint(pthread_create(&thread, NULL, wake_soon, &other), ==, 0);
    hr_call_wait(call, ticket, HR_TIME_NEVER);
    g_assert_true(atomic_load(&other.came));
    g_assert_cmpuint(hr_call_ticket(call), !=, ticket);
    pthread_join(thread, NULL);
    g_assert_false(hr_call_over(call));
}

/* Waking alone does not end a sleep. */
static void
test_sleep(void)
{
    g_autoptr(HrCall) call = hr_call_new(NULL, HR_TIME_NEVER);
    Other other = {.call = call};
    int64_t until = hr_clock_monotonic_us() + 3 * PAUSE_US;
    pthread_t thread;

    g_assert_cmpint(pthread_create(&thread, NULL, wake_soon, &other), ==, 0);
    g_assert_true(hr_call_sleep_until(call, until));
    g_assert_cmpint(hr_clock_monotonic_us(), >=, until);
    pthread_join(thread, NULL);
}

static void *
raise_both(void *data)
{
    Other *other = data;

    hr_call_raise(other->call, other->decoy);
    g_usleep(PAUSE_US);
    atomic_store(&other->came, true);
    hr_call_raise(other->call, other->flag);
    return NULL;
}

static void
test_raise(void)
{
    for (unsigned way = 0; way < 2; way++) {
        g_autoptr(HrCall) call = hr_call_new(NULL, HR_TIME_NEVER);
        atomic_bool flag = false;
        atomic_bool decoy = false;
        Other other = {.call = call, .flag = &flag, .decoy = &decoy};
        pthread_t thread;

        g_assert_false(hr_call_raised(call, &flag));
        g_assert_cmpint(pthread_create(&thread, NULL, raise_both, &other), ==,
                        0);
        if (way == 0)
            g_assert_true(hr_call_wait_raised(call, &flag));
        else
            hr_call_await_raised(call, &flag);
        g_assert_true(atomic_load(&other.came));
        g_assert_true(hr_call_raised(call, &flag));
        g_assert_true(hr_call_raised(call, &decoy));
        pthread_join(thread, NULL);
    }
}

/* What a loop still works on must be awaited, cancelled or not. */
static void
test_await_cancelled(void)
{
    g_autoptr(HrCancel) cancel = hr_cancel_new(NULL);
    g_autoptr(HrCall) call = hr_call_new(cancel, hr_clock_monotonic_us());
    atomic_bool flag = false;
    atomic_bool decoy = false;
    Other other = {.call = call, .flag = &flag, .decoy = &decoy};
    pthread_t thread;

    hr_cancel_trigger(cancel);
    g_assert_false(hr_call_wait_raised(call, &flag));
    g_assert_cmpint(pthread_create(&thread, NULL, raise_both, &other), ==, 0);
    hr_call_await_raised(call, &flag);
    g_assert_true(atomic_load(&other.came));
    pthread_join(thread, NULL);
}

typedef struct Service {
    pthread_barrier_t turn;
    HrCall *call;
    atomic_bool flag;
    HrCancel *cancel; /* NULL: raise only */
} Service;

static void *
serve(void *data)
{
    Service *service = data;

    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&service->turn);
        if (service->cancel != NULL)
            hr_cancel_trigger(service->cancel);
        else
            hr_call_raise(service->call, &service->flag);
        pthread_barrier_wait(&service->turn);
    }
    return NULL;
}

/* Whoever saw the flag raised frees the call under the raiser's feet. */
static void
test_free_after_raise(void)
{
    Service service = {.cancel = NULL};
    pthread_t thread;

    pthread_barrier_init(&service.turn, NULL, 2);
    g_assert_cmpint(pthread_create(&thread, NULL, serve, &service), ==, 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        service.call = hr_call_new(NULL, HR_TIME_NEVER);
        atomic_store(&service.flag, false);
        pthread_barrier_wait(&service.turn);
        if (i % 3 == 0)
            while (!hr_call_raised(service.call, &service.flag))
                sched_yield();
        else
            hr_call_await_raised(service.call, &service.flag);
        hr_call_free(service.call);
        pthread_barrier_wait(&service.turn);
    }
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&service.turn);
}

/* A call may be freed while somebody cancels what is above it. */
static void
test_free_while_cancelled(void)
{
    Service service = {.call = NULL};
    HrCall *call;
    pthread_t thread;

    pthread_barrier_init(&service.turn, NULL, 2);
    service.cancel = hr_cancel_new(NULL);
    g_assert_cmpint(pthread_create(&thread, NULL, serve, &service), ==, 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        call = hr_call_new(service.cancel, HR_TIME_NEVER);
        pthread_barrier_wait(&service.turn);
        if (i % 2 == 0)
            hr_call_wait(call, hr_call_ticket(call), HR_TIME_NEVER);
        hr_call_free(call);
        pthread_barrier_wait(&service.turn);
        hr_cancel_unref(service.cancel);
        service.cancel = i + 1 < ROUNDS ? hr_cancel_new(NULL) : NULL;
    }
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&service.turn);
}

/* A plugin knows better what may be done about its failure. */
static void
test_hint(void)
{
    g_autoptr(HrCancel) cancel = hr_cancel_new(NULL);
    g_autoptr(HrCall) call = hr_call_new(cancel, HR_TIME_NEVER);
    g_autoptr(GError) error = NULL;
    int64_t before = hr_clock_monotonic_us();

    hr_call_hint(call, HR_RETRY_PARK, 1000000);
    g_assert_cmpint(hr_call_retry_at_us(call), ==, 0);
    hr_call_fail(call, HR_CONFLICT, "in use");
    hr_call_hint(call, HR_RETRY_PARK, 1000000);
    g_assert_cmpint(hr_call_retry_at_us(call), >=, before + 1000000);
    hr_call_hint(call, HR_RETRY_NEVER, 0);
    g_assert_cmpint(hr_call_retry_at_us(call), ==, 0);
    hr_call_hint(call, HR_RETRY_PARK, 0);
    g_assert_cmpint(hr_call_retry_at_us(call), >=,
                    before + HR_RETRY_PARKED_US);
    hr_call_hint(call, HR_RETRY_AFTER, INT64_MAX);
    g_assert_cmpint(hr_call_retry_at_us(call), ==, INT64_MAX);
    g_assert_false(hr_call_take_error(call, HR_CONFLICT, &error));
    g_assert_cmpint(hr_error_details(error)->eligibility, ==, HR_RETRY_AFTER);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/call/has-a-name-of-its-own", test_correlation);
    g_test_add_func("/call/is-over-when-cancelled-or-late", test_over);
    g_test_add_func("/call/cancelling-one-leaves-the-others", test_own_token);
    g_test_add_func("/call/the-last-failure-counts", test_failure);
    g_test_add_func("/call/takes-an-error-for-failure",
                    test_failure_from_error);
    g_test_add_func("/call/makes-a-sentence-for-the-silent", test_no_reason);
    g_test_add_func("/call/waits-until-the-time", test_wait_until);
    g_test_add_func("/call/deadline-ends-every-wait", test_deadline);
    g_test_add_func("/call/cancel-ends-every-wait", test_cancel_wakes);
    g_test_add_func("/call/wake-ends-a-wait", test_wake);
    g_test_add_func("/call/wake-does-not-end-a-sleep", test_sleep);
    g_test_add_func("/call/waits-for-its-flag-only", test_raise);
    g_test_add_func("/call/awaits-a-flag-whatever-happens",
                    test_await_cancelled);
    g_test_add_func("/call/may-be-freed-after-the-flag",
                    test_free_after_raise);
    g_test_add_func("/call/may-be-freed-while-cancelled",
                    test_free_while_cancelled);
    g_test_add_func("/call/takes-hints-about-its-failure", test_hint);
    return g_test_run();
}
