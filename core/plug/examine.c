/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Examining a registry: what its plugin finds out that it can do. */
#include "base/error.h"
#include "base/text.h"
#include "plug/registry-instance.h"

typedef struct Sink {
    hr_ability_sink base; /* first: the plugin's view */
    GPtrArray *abilities;
} Sink;

static void
free_ability(gpointer data)
{
    HrAbility *ability = data;

    g_free(ability->name);
    g_free(ability->detail);
    g_free(ability);
}

static void
take_ability(hr_ability_sink *base, const hr_ability *given)
{
    Sink *sink = (Sink *)base;
    HrAbility *ability;

    if (given == NULL || !HR_HAS(given, hr_ability, detail) ||
        given->name == NULL)
        return;
    ability = g_new0(HrAbility, 1);
    ability->name = hr_text_one_line(given->name);
    ability->state = given->state;
    ability->detail =
        hr_text_one_line(given->detail != NULL ? given->detail : "");
    g_ptr_array_add(sink->abilities, ability);
}

GPtrArray *
hr_registry_examine(HrRegistry *registry, HrCall *call, const char *repository,
                    bool write, GError **error)
{
    Sink sink = {
        .base = {.struct_size = sizeof sink.base, .take = take_ability},
        .abilities = g_ptr_array_new_with_free_func(free_ability),
    };
    hr_examination examination = {
        .struct_size = sizeof examination,
        .flags = write ? HR_EXAMINE_WRITE : 0,
        .repository = repository,
        .sink = &sink.base,
    };
    hr_status status;

    if (!HR_HAS(registry->ops, hr_registry_ops, examine) ||
        registry->ops->examine == NULL) {
        g_ptr_array_unref(sink.abilities);
        hr_error_set(error, HR_UNSUPPORTED,
                     "%s: there is nothing to find out about endpoints of "
                     "type %s",
                     hr_registry_name(registry), registry->provider->name);
        return NULL;
    }
    hr_registry_enter(registry, call);
    status = registry->ops->examine(registry->plugin, call, &examination);
    if (hr_registry_leave(registry, call, status, error)) {
        if (!hr_call_over(call))
            return sink.abilities;
        /* What it could not ask any more is not unknown. */
        hr_call_set_over_error(call, error);
    }
    g_ptr_array_unref(sink.abilities);
    return NULL;
}
