/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Call: one operation on behalf of somebody.  Carries the deadline, the
 * cancel token and the correlation id down to every request, and the error
 * of a plugin up.  Used by one worker; loops only signal it.
 *
 * A plugin sees it as hr_call.
 */
#ifndef HR_WORK_CALL_H
#define HR_WORK_CALL_H

#include <glib.h>
#include <harbor-replicator/hr-host.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "guard/outcome.h"
#include "observe/progress.h"
#include "work/cancel.h"

typedef struct hr_call HrCall;

/* `cancel` may be NULL (never cancelled); the call makes a child of it.
 * `deadline_us` is monotonic or HR_TIME_NEVER. */
HrCall *
hr_call_new(HrCancel *cancel, int64_t deadline_us);

/* No exchange of the call is under way any more. */
void
hr_call_free(HrCall *call);

/* 32 hex digits that name the operation in logs, events and X-Request-Id. */
const char *
hr_call_correlation(const HrCall *call);

int64_t
hr_call_deadline_us(const HrCall *call);

HrCancel *
hr_call_cancel_token(HrCall *call);

/* How urgent the operation is; HR_PRIORITY_NORMAL unless said otherwise
 * before the first request. */
void
hr_call_set_priority(HrCall *call, HrPriority priority);

HrPriority
hr_call_priority(const HrCall *call);

/* Where its requests and bytes are counted, also by loops: it outlives them.
 * NULL, as at first: nowhere.  Before the first request. */
void
hr_call_set_progress(HrCall *call, HrProgress *progress);

HrProgress *
hr_call_progress(const HrCall *call);

/* The job behind the call can be parked: long waits end the operation with an
 * error that tells when to try again, instead of being sat out.  Off unless
 * set before the first request. */
void
hr_call_set_parks(HrCall *call, bool parks);

bool
hr_call_parks(const HrCall *call);

/* True once it is cancelled or past its deadline. */
bool
hr_call_over(const HrCall *call);

/* Something of the operation was put off until `at_us`; `exhausted` if it was
 * tried as often as it may be.  From any thread.  The latest time counts. */
void
hr_call_put_off(HrCall *call, int64_t at_us, bool exhausted);

/* True if something of what was put off had been tried in vain. */
bool
hr_call_exhausted(const HrCall *call);

/* When the operation may sensibly be tried again; 0 if nothing of it was put
 * off. */
int64_t
hr_call_retry_at_us(const HrCall *call);

/* The error for a call that is over: HR_CANCELLED or HR_TIMEOUT.  Returns
 * false, like hr_error_set. */
bool
hr_call_set_over_error(const HrCall *call, GError **error);

/* Records a failure (the last one counts) and returns `status`. */
hr_status
hr_call_fail(HrCall *call, hr_status status, const char *message);

/* Records `error` as the failure; takes it. */
hr_status
hr_call_fail_error(HrCall *call, GError *error);

/* Takes the failure off the call and into *error; if a plugin returned
 * `status` without saying why, a sentence is made.  Returns false. */
bool
hr_call_take_error(HrCall *call, hr_status status, GError **error);

/* Text of the recorded failure, "" if there is none; borrowed until the next
 * failure is recorded or forgotten. */
const char *
hr_call_reason(const HrCall *call);

/* Says what may be done about the recorded failure, and when: not before
 * `wait_us` from now, 0 if nothing is known.  Nothing is recorded: nothing
 * happens. */
void
hr_call_hint(HrCall *call, HrEligibility eligibility, int64_t wait_us);

/* Forgets a recorded failure. */
void
hr_call_forgive(HrCall *call);

/* Waiting and waking.  A worker that waits for things that loops do on its
 * behalf reads the ticket, looks whether what it waits for is there, and if
 * not waits until the ticket moves:
 *
 *     for (;;) {
 *         uint64_t ticket = hr_call_ticket(call);
 *         if (done(...))
 *             break;
 *         hr_call_wait(call, ticket, HR_TIME_NEVER);
 *     }
 *
 * hr_call_wait returns also when the call is over or `until_us` has come. */
uint64_t
hr_call_ticket(HrCall *call);

void
hr_call_wait(HrCall *call, uint64_t ticket, int64_t until_us);

/* From any thread. */
void
hr_call_wake(HrCall *call);

/* One flag of one thing that a loop does for the call.  Raising is the last
 * that the loop does with the call: whoever has seen a flag raised through
 * these functions may free the call. */
void
hr_call_raise(HrCall *call, atomic_bool *flag);

bool
hr_call_raised(HrCall *call, const atomic_bool *flag);

/* Waits for one flag; wakes for no other.  False if the call was over
 * before. */
bool
hr_call_wait_raised(HrCall *call, const atomic_bool *flag);

/* As hr_call_wait_raised, but whatever happens to the call. */
void
hr_call_await_raised(HrCall *call, const atomic_bool *flag);

/* Sleeps until the time; false if the call was over before. */
bool
hr_call_sleep_until(HrCall *call, int64_t until_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrCall, hr_call_free)

#endif
