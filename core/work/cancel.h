/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cancel token: one word that tells everybody below to give up.
 *
 *     pass ---- job ---- call          cancelling a token cancels all below
 *          \--- job ---- call
 *
 * Any thread may cancel or ask.  A child holds a reference to its parent.
 */
#ifndef HR_WORK_CANCEL_H
#define HR_WORK_CANCEL_H

#include <glib.h>
#include <stdbool.h>

typedef struct HrCancel HrCancel;

/* `parent` may be NULL. */
HrCancel *
hr_cancel_new(HrCancel *parent);

HrCancel *
hr_cancel_ref(HrCancel *cancel);

void
hr_cancel_unref(HrCancel *cancel);

/* Cancels this token and all below; runs the watchers of all of them on this
 * thread, each once. */
void
hr_cancel_trigger(HrCancel *cancel);

bool
hr_cancel_triggered(const HrCancel *cancel);

typedef void (*HrCancelWatch)(void *data);

/* Has `watch` run when the token is cancelled: at once, on this thread, if it
 * is already.  It must be short, and of these functions it may call none but
 * hr_cancel_triggered and hr_cancel_unwatch.  Returns an id for
 * hr_cancel_unwatch, never 0. */
unsigned
hr_cancel_watch(HrCancel *cancel, HrCancelWatch watch, void *data);

/* After it returns the watcher is neither running nor will it run.  Within a
 * watcher it may take away any other; for the one that is running it does
 * nothing, since that one is off the token already. */
void
hr_cancel_unwatch(HrCancel *cancel, unsigned id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrCancel, hr_cancel_unref)

#endif
