/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strategy: an open instance of a strategy plugin, seen from core. */
#include "plug/strategy.h"

#include "base/error.h"
#include "plug/instance.h"

struct HrStrategy {
    HrInstance instance;
    const hr_provider *provider;
    const hr_strategy_ops *ops;
    hr_strategy *plugin;
};

static bool
leave(HrStrategy *strategy, HrCall *call, hr_status status, GError **error)
{
    hr_instance_leave(&strategy->instance);
    if (status == HR_OK)
        return true;
    hr_call_take_error(call, status, error);
    g_prefix_error(error, "strategy %s: ", strategy->provider->name);
    return false;
}

HrStrategy *
hr_strategy_open(HrPlugins *plugins, const hr_provider *provider,
                 HrSettings *settings, HrCall *call, GError **error)
{
    HrStrategy *strategy = g_new0(HrStrategy, 1);
    hr_status status;

    strategy->provider = provider;
    strategy->ops = provider->ops;
    hr_instance_init(&strategy->instance, plugins, provider);
    hr_call_forgive(call);
    hr_instance_enter(&strategy->instance);
    status = strategy->ops->open(call, settings, &strategy->plugin);
    if (leave(strategy, call, status, error))
        return strategy;
    hr_instance_clear(&strategy->instance);
    g_free(strategy);
    return NULL;
}

void
hr_strategy_close(HrStrategy *strategy)
{
    if (strategy == NULL)
        return;
    hr_instance_enter(&strategy->instance);
    strategy->ops->close(strategy->plugin);
    hr_instance_leave(&strategy->instance);
    hr_instance_clear(&strategy->instance);
    g_free(strategy);
}

const char *
hr_strategy_name(const HrStrategy *strategy)
{
    return strategy->provider->name;
}

bool
hr_strategy_decide(HrStrategy *strategy, HrCall *call,
                   const hr_conflict *conflict, hr_decision *decision,
                   GError **error)
{
    hr_status status;

    decision->struct_size = sizeof *decision;
    decision->action = 0;
    decision->reason[0] = '\0';
    hr_call_forgive(call);
    hr_instance_enter(&strategy->instance);
    status = strategy->ops->decide(strategy->plugin, call, conflict, decision);
    if (!leave(strategy, call, status, error))
        return false;
    decision->reason[sizeof decision->reason - 1] = '\0';
    if (decision->action >= HR_DECIDE_SOURCE &&
        decision->action <= HR_DECIDE_SKIP)
        return true;
    return hr_error_set(error, HR_BUG,
                        "strategy %s: it decided for an action that there is "
                        "not (%u)",
                        strategy->provider->name, decision->action);
}
