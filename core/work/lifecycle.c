/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lifecycle: one shape for everything that is started and stopped. */
#include "work/lifecycle.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

/* What the parts that did start get to end when another one failed; nothing
 * of the program's own work is under way then. */
#define FAILED_START_GRACE_US (5 * G_USEC_PER_SEC)

/* The word: the number of starts above, the state in the lowest bits. */
#define STATE_BITS 3u
#define STATE_MASK ((1u << STATE_BITS) - 1u)

struct HrLifecycle {
    HrComponent component;
    void *data;
    atomic_uint word;
    atomic_bool whole; /* the last stop gave nothing up */
    pthread_mutex_t mutex;
    HrCond moved;
    GError *failure; /* of the last start; under the mutex */
};

struct HrAssembly {
    HrLifecycle *lifecycle;
    GPtrArray *parts; /* HrLifecycle */
};

const char *
hr_life_state_name(HrLifeState state)
{
    static const char *const names[] = {
        [HR_LIFE_NEW] = "new",           [HR_LIFE_STARTING] = "starting",
        [HR_LIFE_RUNNING] = "running",   [HR_LIFE_DRAINING] = "draining",
        [HR_LIFE_STOPPING] = "stopping", [HR_LIFE_STOPPED] = "stopped",
        [HR_LIFE_FAILED] = "failed",
    };

    return names[state];
}

static HrLifeState
state_of(unsigned word)
{
    return (HrLifeState)(word & STATE_MASK);
}

/* Somebody else is at work on it. */
static bool
is_moving(unsigned word)
{
    HrLifeState state = state_of(word);

    return state == HR_LIFE_STARTING || state == HR_LIFE_DRAINING ||
           state == HR_LIFE_STOPPING;
}

HrLifecycle *
hr_lifecycle_new(const HrComponent *component, void *data)
{
    HrLifecycle *lifecycle = g_new0(HrLifecycle, 1);

    lifecycle->component = *component;
    lifecycle->data = data;
    atomic_init(&lifecycle->word, HR_LIFE_NEW);
    atomic_init(&lifecycle->whole, true);
    pthread_mutex_init(&lifecycle->mutex, NULL);
    hr_cond_init(&lifecycle->moved);
    return lifecycle;
}

void
hr_lifecycle_free(HrLifecycle *lifecycle)
{
    if (lifecycle == NULL)
        return;
    g_clear_error(&lifecycle->failure);
    hr_cond_clear(&lifecycle->moved);
    pthread_mutex_destroy(&lifecycle->mutex);
    g_free(lifecycle);
}

/* True for the one thread that may do what comes next. */
static bool
win(HrLifecycle *lifecycle, unsigned *word, HrLifeState next, bool count)
{
    unsigned starts = (*word >> STATE_BITS) + (count ? 1 : 0);
    unsigned wanted = starts << STATE_BITS | next;

    if (!atomic_compare_exchange_strong(&lifecycle->word, word, wanted))
        return false;
    *word = wanted;
    return true;
}

/* Only the winner moves a word that says starting, draining or stopping. */
static void
move_on(HrLifecycle *lifecycle, HrLifeState next, GError *failure)
{
    unsigned word = atomic_load(&lifecycle->word);

    HR_LOCKED(&lifecycle->mutex);
    g_clear_error(&lifecycle->failure);
    lifecycle->failure = failure;
    atomic_store(&lifecycle->word, (word & ~STATE_MASK) | next);
    hr_cond_broadcast(&lifecycle->moved);
}

/* Waits for another thread to be done; false if the time came before. */
static bool
wait_settled_locked(HrLifecycle *lifecycle, int64_t until_us)
{
    while (is_moving(atomic_load(&lifecycle->word)))
        if (!hr_cond_wait_until(&lifecycle->moved, &lifecycle->mutex,
                                until_us))
            return !is_moving(atomic_load(&lifecycle->word));
    return true;
}

static bool
run_start(HrLifecycle *lifecycle, GError **error)
{
    GError *failure = NULL;

    if (lifecycle->component.start(lifecycle->data, &failure)) {
        move_on(lifecycle, HR_LIFE_RUNNING, NULL);
        return true;
    }
    if (error != NULL)
        *error = g_error_copy(failure);
    move_on(lifecycle, HR_LIFE_FAILED, failure);
    return false;
}

/* Waits for what another thread does.  True if that was a start which failed:
 * its failure is the caller's, too. */
static bool
share_failure(HrLifecycle *lifecycle, unsigned seen, GError **error)
{
    unsigned failed = (seen & ~STATE_MASK) | HR_LIFE_FAILED;

    HR_LOCKED(&lifecycle->mutex);
    wait_settled_locked(lifecycle, HR_TIME_NEVER);
    if (state_of(seen) != HR_LIFE_STARTING ||
        atomic_load(&lifecycle->word) != failed)
        return false;
    if (error != NULL)
        *error = g_error_copy(lifecycle->failure);
    return true;
}

bool
hr_lifecycle_start(HrLifecycle *lifecycle, GError **error)
{
    for (;;) {
        unsigned word = atomic_load(&lifecycle->word);

        if (state_of(word) == HR_LIFE_RUNNING)
            return true;
        if (is_moving(word)) {
            if (share_failure(lifecycle, word, error))
                return false;
        } else if (win(lifecycle, &word, HR_LIFE_STARTING, true)) {
            return run_start(lifecycle, error);
        }
    }
}

static bool
run_stop(HrLifecycle *lifecycle, int64_t until_us)
{
    const HrComponent *component = &lifecycle->component;
    bool drained = component->drain == NULL ||
                   component->drain(lifecycle->data, until_us);
    bool whole;

    move_on(lifecycle, HR_LIFE_STOPPING, NULL);
    whole = component->stop(lifecycle->data, until_us, drained) && drained;
    atomic_store(&lifecycle->whole, whole);
    move_on(lifecycle, HR_LIFE_STOPPED, NULL);
    return whole;
}

bool
hr_lifecycle_stop(HrLifecycle *lifecycle, int64_t until_us)
{
    for (;;) {
        unsigned word = atomic_load(&lifecycle->word);

        if (is_moving(word)) {
            HR_LOCKED(&lifecycle->mutex);
            if (!wait_settled_locked(lifecycle, until_us))
                return false;
        } else if (state_of(word) == HR_LIFE_RUNNING) {
            if (win(lifecycle, &word, HR_LIFE_DRAINING, false))
                return run_stop(lifecycle, until_us);
        } else if (state_of(word) != HR_LIFE_NEW ||
                   win(lifecycle, &word, HR_LIFE_STOPPED, false)) {
            return atomic_load(&lifecycle->whole);
        }
    }
}

bool
hr_lifecycle_restart(HrLifecycle *lifecycle, int64_t until_us, GError **error)
{
    hr_lifecycle_stop(lifecycle, until_us);
    if (is_moving(atomic_load(&lifecycle->word)))
        return hr_error_set(error, HR_TIMEOUT,
                            "%s cannot be started again: it is still %s",
                            lifecycle->component.name,
                            hr_life_state_name(hr_lifecycle_state(lifecycle)));
    return hr_lifecycle_start(lifecycle, error);
}

HrLifeState
hr_lifecycle_state(const HrLifecycle *lifecycle)
{
    return state_of(atomic_load(&lifecycle->word));
}

unsigned
hr_lifecycle_starts(const HrLifecycle *lifecycle)
{
    return atomic_load(&lifecycle->word) >> STATE_BITS;
}

/* The first `count` parts, last first. */
static bool
stop_parts(HrAssembly *assembly, guint count, int64_t until_us)
{
    bool whole = true;

    while (count > 0)
        whole &= hr_lifecycle_stop(assembly->parts->pdata[--count], until_us);
    return whole;
}

static bool
start_assembly(void *data, GError **error)
{
    HrAssembly *assembly = data;

    for (guint i = 0; i < assembly->parts->len; i++) {
        if (hr_lifecycle_start(assembly->parts->pdata[i], error))
            continue;
        stop_parts(assembly, i,
                   hr_clock_monotonic_us() + FAILED_START_GRACE_US);
        return false;
    }
    return true;
}

/* Each part drains while those that it depends on still run. */
static bool
stop_assembly(void *data, int64_t until_us, bool drained)
{
    HrAssembly *assembly = data;

    (void)drained;
    return stop_parts(assembly, assembly->parts->len, until_us);
}

HrAssembly *
hr_assembly_new(const char *name)
{
    HrComponent component = {
        .name = name,
        .start = start_assembly,
        .stop = stop_assembly,
    };
    HrAssembly *assembly = g_new0(HrAssembly, 1);

    assembly->lifecycle = hr_lifecycle_new(&component, assembly);
    assembly->parts =
        g_ptr_array_new_with_free_func((GDestroyNotify)hr_lifecycle_free);
    return assembly;
}

void
hr_assembly_free(HrAssembly *assembly)
{
    if (assembly == NULL)
        return;
    hr_lifecycle_free(assembly->lifecycle);
    g_ptr_array_unref(assembly->parts);
    g_free(assembly);
}

HrLifecycle *
hr_assembly_add(HrAssembly *assembly, const HrComponent *component, void *data)
{
    HrLifecycle *part = hr_lifecycle_new(component, data);

    g_ptr_array_add(assembly->parts, part);
    return part;
}

HrLifecycle *
hr_assembly_lifecycle(HrAssembly *assembly)
{
    return assembly->lifecycle;
}
