/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registry, from the inside of core/plug. */
#ifndef HR_PLUG_REGISTRY_INSTANCE_H
#define HR_PLUG_REGISTRY_INSTANCE_H

#include <stdatomic.h>

#include "plug/instance.h"
#include "plug/registry.h"

struct HrRegistry {
    HrInstance instance;
    const hr_provider *provider;
    const hr_registry_ops *ops;
    HrEndpoint *endpoint;
    hr_registry *plugin;  /* the plugin's own                        */
    atomic_int referrers; /* HrReferrerLists, learned from answers   */
};

/* Before an operation: forgets old failures and takes the locks. */
void
hr_registry_enter(HrRegistry *registry, HrCall *call);

/* After it: gives the locks back and turns the status into an error. */
bool
hr_registry_leave(HrRegistry *registry, HrCall *call, hr_status status,
                  GError **error);

#endif
