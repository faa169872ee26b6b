/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lifecycle: one shape for everything that is started and stopped.
 *
 *     new --> starting --> running --> draining --> stopping --> stopped
 *                 |           ^                                     |
 *                 v           '------------- started again ---------'
 *              failed
 *
 * A component says how it starts, drains and stops; who may do what, and
 * when, is decided here: whatever threads ask for at once, its hooks run one
 * at a time, each on the thread that won, and everybody else waits for the
 * outcome.  State and generation are one atomic word.
 *
 * An assembly is a component made of components: they start in order and stop
 * in reverse order, also when one of them fails to start.
 */
#ifndef HR_WORK_LIFECYCLE_H
#define HR_WORK_LIFECYCLE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum HrLifeState {
    HR_LIFE_NEW,
    HR_LIFE_STARTING,
    HR_LIFE_RUNNING,
    HR_LIFE_DRAINING,
    HR_LIFE_STOPPING,
    HR_LIFE_STOPPED,
    HR_LIFE_FAILED
} HrLifeState;

/* "running" and so on; static. */
const char *
hr_life_state_name(HrLifeState state);

/* What a component does.  No hook may start, stop or restart the component
 * that it belongs to. */
typedef struct HrComponent {
    const char *name; /* static; for messages */
    /* Takes what it needs.  If it fails it has given back all of it, and
     * may be started again. */
    bool (*start)(void *data, GError **error);
    /* Takes in nothing new and waits for what is under way, until `until_us`
     * (monotonic) at most: false if it is not done by then.  NULL if nothing
     * can be under way. */
    bool (*drain)(void *data, int64_t until_us);
    /* Gives back what start took.  `drained` false: what is under way is given
     * up first.  `until_us` as above; false if something was abandoned. */
    bool (*stop)(void *data, int64_t until_us, bool drained);
} HrComponent;

typedef struct HrLifecycle HrLifecycle;

/* `component` is copied, `data` is handed to its hooks. */
HrLifecycle *
hr_lifecycle_new(const HrComponent *component, void *data);

/* It was stopped, or never started. */
void
hr_lifecycle_free(HrLifecycle *lifecycle);

/* From any thread, at any time: */

/* True once it runs, whoever started it.  Whoever waited for another thread's
 * start that failed gets that failure; a later call tries again.  While it
 * stops this waits, and starts it again. */
bool
hr_lifecycle_start(HrLifecycle *lifecycle, GError **error);

/* Returns when it is down: stopped, failed, or never started.  False if what
 * was under way at the last stop had to be given up, whoever stopped it.
 * Whoever waits for another thread's start or stop waits until `until_us`
 * (monotonic) at most, and gets false when it has come. */
bool
hr_lifecycle_stop(HrLifecycle *lifecycle, int64_t until_us);

/* Stops and starts.  False and HR_TIMEOUT if another thread's transition was
 * not over by `until_us`. */
bool
hr_lifecycle_restart(HrLifecycle *lifecycle, int64_t until_us, GError **error);

HrLifeState
hr_lifecycle_state(const HrLifecycle *lifecycle);

/* How often it was started so far. */
unsigned
hr_lifecycle_starts(const HrLifecycle *lifecycle);

typedef struct HrAssembly HrAssembly;

/* `name` is static. */
HrAssembly *
hr_assembly_new(const char *name);

/* It is stopped; frees the lifecycles of its parts. */
void
hr_assembly_free(HrAssembly *assembly);

/* A part that depends on those added before.  Returns its lifecycle, owned by
 * the assembly.  Before the first start. */
HrLifecycle *
hr_assembly_add(HrAssembly *assembly, const HrComponent *component,
                void *data);

/* To start and stop the whole; owned by the assembly.  A part that was
 * stopped or failed by itself is started with the next start. */
HrLifecycle *
hr_assembly_lifecycle(HrAssembly *assembly);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrLifecycle, hr_lifecycle_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrAssembly, hr_assembly_free)

#endif
