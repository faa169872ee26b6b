/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Side by side: several passes at once. */
#include "app/side-by-side.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "base/log.h"

/* How often signals are looked at and progress is drawn. */
#define TICK_MS 50

/* They hold lists of names and wait. */
#define STACK_BYTES (512 * 1024)

/* Passes of one source take part in its gathering while they run. */
static void
begin(HrPass *pass)
{
    if (pass->self == 0 || !hr_gathering_has_others(pass->gathering))
        pass->gathering = NULL;
    if (pass->gathering != NULL)
        hr_gathering_begin(pass->gathering, pass->self);
}

static void
end(const HrPass *pass)
{
    if (pass->gathering != NULL)
        hr_gathering_leave(pass->gathering, pass->self);
}

typedef struct Drivers {
    const HrDriven *passes;
    unsigned count;
    unsigned at_once;
    atomic_uint next;
    HrGroup *group;
} Drivers;

static void *
drive_passes(void *data)
{
    Drivers *drivers = data;

    for (;;) {
        unsigned i = atomic_fetch_add(&drivers->next, 1);
        const HrDriven *driven;

        if (i >= drivers->count)
            break;
        driven = &drivers->passes[i];
        if (i >= drivers->at_once)
            begin(driven->pass);
        atomic_store(&driven->pass->progress->running, true);
        driven->drive(driven->data);
        atomic_store(&driven->pass->progress->running, false);
        end(driven->pass);
    }
    hr_group_leave(drivers->group);
    return NULL;
}

/* Signals are for the main thread. */
static bool
start_driver(Drivers *drivers, unsigned number, pthread_t *thread)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t old;
    char name[16];
    int code;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    hr_group_enter(drivers->group);
    code = pthread_create(thread, &attributes, drive_passes, drivers);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    if (code != 0) {
        hr_group_leave(drivers->group);
        hr_log(HR_LOG_WARNING, "only %u syncs run at once: %s", number,
               g_strerror(code));
        return false;
    }
    snprintf(name, sizeof name, "hr-pass-%u", number % 1000);
    pthread_setname_np(*thread, name);
    return true;
}

void
hr_side_by_side_run(const HrDriven *passes, unsigned count, unsigned limit,
                    void (*tick)(void *data), void *tick_data)
{
    unsigned wanted = MIN(count, limit);
    g_autofree pthread_t *threads = g_new0(pthread_t, (gsize)wanted + 1);
    g_autoptr(HrGroup) group = hr_group_new();
    Drivers drivers = {
        .passes = passes, .count = count, .at_once = wanted, .group = group};
    unsigned started = 0;

    /* Before any of them: each knows of the others. */
    for (unsigned i = 0; i < wanted; i++)
        begin(passes[i].pass);

    while (started < wanted &&
           start_driver(&drivers, started, &threads[started]))
        started++;
    if (started == 0 && wanted > 0)
        g_error("cannot start a thread for a sync");
    hr_group_wait(group, TICK_MS, tick, tick_data);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}
