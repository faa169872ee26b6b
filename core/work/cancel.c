/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cancel token.  One lock for all tokens: cancelling is rare, and a tree with
 * a lock a node could not be walked without ordering them.
 */
#include "work/cancel.h"

#include <stdatomic.h>

#include "base/lock.h"

typedef struct Watch {
    struct Watch *next;
    HrCancelWatch func;
    void *data;
    unsigned id;
} Watch;

struct HrCancel {
    atomic_int references;
    atomic_bool triggered;
    HrCancel *parent;
    /* under the lock: */
    HrCancel *first_child;
    HrCancel *next_sibling;
    HrCancel *previous_sibling;
    Watch *watches;
};

static pthread_mutex_t tree_mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned last_watch_id;

/* This thread is inside a watcher, and so holds the lock already. */
static _Thread_local bool in_watcher;

HrCancel *
hr_cancel_new(HrCancel *parent)
{
    HrCancel *cancel = g_new0(HrCancel, 1);

    atomic_init(&cancel->references, 1);
    if (parent == NULL)
        return cancel;
    cancel->parent = hr_cancel_ref(parent);
    HR_LOCKED(&tree_mutex);
    atomic_store(&cancel->triggered, atomic_load(&parent->triggered));
    cancel->next_sibling = parent->first_child;
    if (parent->first_child != NULL)
        parent->first_child->previous_sibling = cancel;
    parent->first_child = cancel;
    return cancel;
}

HrCancel *
hr_cancel_ref(HrCancel *cancel)
{
    atomic_fetch_add(&cancel->references, 1);
    return cancel;
}

static void
unlink_from_parent(HrCancel *cancel)
{
    HR_LOCKED(&tree_mutex);
    if (cancel->previous_sibling != NULL)
        cancel->previous_sibling->next_sibling = cancel->next_sibling;
    else
        cancel->parent->first_child = cancel->next_sibling;
    if (cancel->next_sibling != NULL)
        cancel->next_sibling->previous_sibling = cancel->previous_sibling;
}

void
hr_cancel_unref(HrCancel *cancel)
{
    while (cancel != NULL && atomic_fetch_sub(&cancel->references, 1) == 1) {
        HrCancel *parent = cancel->parent;

        if (parent != NULL)
            unlink_from_parent(cancel);
        while (cancel->watches != NULL) {
            Watch *watch = cancel->watches;

            cancel->watches = watch->next;
            g_free(watch);
        }
        g_free(cancel);
        cancel = parent;
    }
}

static void
run_watcher_locked(HrCancelWatch func, void *data)
{
    in_watcher = true;
    func(data);
    in_watcher = false;
}

/* Watchers run under the lock: that is what lets hr_cancel_unwatch promise
 * that none is running when it returns. */
static void
trigger_locked(HrCancel *cancel)
{
    if (atomic_exchange(&cancel->triggered, true))
        return;
    while (cancel->watches != NULL) {
        Watch *watch = cancel->watches;

        cancel->watches = watch->next;
        run_watcher_locked(watch->func, watch->data);
        g_free(watch);
    }
    for (HrCancel *child = cancel->first_child; child != NULL;
         child = child->next_sibling)
        trigger_locked(child);
}

void
hr_cancel_trigger(HrCancel *cancel)
{
    HR_LOCKED(&tree_mutex);
    trigger_locked(cancel);
}

bool
hr_cancel_triggered(const HrCancel *cancel)
{
    return atomic_load_explicit(&cancel->triggered, memory_order_acquire);
}

unsigned
hr_cancel_watch(HrCancel *cancel, HrCancelWatch func, void *data)
{
    HR_LOCKED(&tree_mutex);
    if (++last_watch_id == 0)
        last_watch_id = 1;
    if (atomic_load(&cancel->triggered)) {
        run_watcher_locked(func, data);
    } else {
        Watch *watch = g_new0(Watch, 1);

        watch->func = func;
        watch->data = data;
        watch->id = last_watch_id;
        watch->next = cancel->watches;
        cancel->watches = watch;
    }
    return last_watch_id;
}

static void
unwatch_locked(HrCancel *cancel, unsigned id)
{
    for (Watch **place = &cancel->watches; *place != NULL;
         place = &(*place)->next) {
        Watch *watch = *place;

        if (watch->id == id) {
            *place = watch->next;
            g_free(watch);
            return;
        }
    }
}

void
hr_cancel_unwatch(HrCancel *cancel, unsigned id)
{
    if (in_watcher) {
        unwatch_locked(cancel, id);
        return;
    }
    HR_LOCKED(&tree_mutex);
    unwatch_locked(cancel, id);
}
