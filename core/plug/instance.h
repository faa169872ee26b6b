/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Instance: the lock and the pin that all open providers have. */
#ifndef HR_PLUG_INSTANCE_H
#define HR_PLUG_INSTANCE_H

#include <harbor-replicator/hr-plugin.h>
#include <pthread.h>
#include <stdint.h>

#include "plug/plugins.h"

typedef struct HrInstance {
    HrModule *module;
    uint32_t threads;
    pthread_mutex_t mutex; /* HR_THREADS_PER_INSTANCE */
} HrInstance;

/* Pins the provider's module. */
void
hr_instance_init(HrInstance *instance, HrPlugins *plugins,
                 const hr_provider *provider);

void
hr_instance_clear(HrInstance *instance);

/* Around every call into the plugin: keeps to its thread model. */
void
hr_instance_enter(HrInstance *instance);

void
hr_instance_leave(HrInstance *instance);

#endif
