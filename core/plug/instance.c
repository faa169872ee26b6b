/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Instance: the lock and the pin that all open providers have. */
#include "plug/instance.h"

void
hr_instance_init(HrInstance *instance, HrPlugins *plugins,
                 const hr_provider *provider)
{
    instance->module = hr_plugins_module(plugins, provider);
    instance->threads = provider->threads;
    pthread_mutex_init(&instance->mutex, NULL);
    hr_module_pin(instance->module);
}

void
hr_instance_clear(HrInstance *instance)
{
    pthread_mutex_destroy(&instance->mutex);
    hr_module_unpin(instance->module);
}

void
hr_instance_enter(HrInstance *instance)
{
    if (instance->threads == HR_THREADS_SERIAL)
        hr_module_lock(instance->module);
    else if (instance->threads == HR_THREADS_PER_INSTANCE)
        pthread_mutex_lock(&instance->mutex);
}

void
hr_instance_leave(HrInstance *instance)
{
    if (instance->threads == HR_THREADS_SERIAL)
        hr_module_unlock(instance->module);
    else if (instance->threads == HR_THREADS_PER_INSTANCE)
        pthread_mutex_unlock(&instance->mutex);
}
