/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Robots walk: which robots there are, and where. */
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "model/kind.h"
#include "sync/robots-state.h"

static const char kind_name[] = "robot";

/* True if the pass brings this robot to its target. */
static bool
pass_wants(const HrPass *pass, const char *key)
{
    HrKind kind = hr_kind_of(kind_name);
    g_autofree char *project = hr_kind_project(&kind, key);

    if (project == NULL)
        return true;
    /* Where repositories get other names, projects do, too. */
    return pass->rename == NULL &&
           hr_filter_judge(&pass->select->projects, project, NULL);
}

bool
hr_robots_belongs(const HrRobotsWalk *walk, const HrRobotsEnd *end,
                  const char *key)
{
    for (unsigned i = 0; i < walk->pass_count; i++)
        if (!end->is_target || (walk->passes[i]->target == end->registry &&
                                pass_wants(walk->passes[i], key)))
            return true;
    return false;
}

/* ---------------------------------------------------------------- begin */

/* Makes sure of who we are, and lists the robots. */
static HrDocumentList *
list_robots(const HrRobotsWalk *walk, HrRegistry *registry, uint32_t access,
            GError **error)
{
    hr_identity identity = {.struct_size = sizeof identity};

    if ((hr_registry_has_identity(registry) &&
         !hr_registry_identify(registry, walk->call, &identity, error)) ||
        !hr_registry_knows(registry, walk->call, kind_name, access, error))
        return NULL;
    if ((access & HR_ACCESS_WRITE) != 0 &&
        (identity.flags & HR_IDENTITY_READ_ONLY) != 0) {
        hr_error_set(error, HR_PRECONDITION,
                     "%s: it is read-only now: nothing can be set",
                     hr_registry_name(registry));
        return NULL;
    }
    return hr_registry_list_documents(registry, walk->call, kind_name, NULL,
                                      NULL, error);
}

/* Adds an endpoint, unless it is one without secrets, or there already. */
static bool
add_place(HrRobotsWalk *walk, HrRegistry *registry, bool is_target,
          GError **error)
{
    uint32_t access = HR_ACCESS_READ;
    HrRobotsEnd *place = &walk->places[walk->place_count];

    if (!hr_registry_has_secrets(registry)) {
        hr_log(HR_LOG_INFO, "%s has no secrets of robots: it is left out",
               hr_registry_name(registry));
        return true;
    }
    for (unsigned i = 0; i < walk->place_count; i++)
        if (walk->places[i].registry == registry)
            return true;
    if (walk->order->task != HR_ROBOTS_CHECK && !walk->order->dry_run)
        access |= HR_ACCESS_WRITE;
    place->list = list_robots(walk, registry, access, error);
    if (place->list == NULL)
        return false;
    place->registry = registry;
    place->is_target = is_target;
    walk->place_count++;
    return true;
}

static bool
add_places(HrRobotsWalk *walk, GError **error)
{
    for (unsigned i = 0; i < walk->pass_count; i++)
        if (!add_place(walk, walk->passes[i]->target, true, error))
            return false;
    if (!add_place(walk, walk->passes[0]->source, false, error))
        return false;
    if (walk->place_count > 0)
        return true;
    return hr_error_set(error, HR_UNSUPPORTED,
                        "no endpoint of it has secrets of robots");
}

/* ----------------------------------------------------------------- walk */

static bool
is_wanted(const HrRobotsWalk *walk, const char *key)
{
    if (walk->order->only != NULL)
        return strcmp(walk->order->only, key) == 0;
    for (unsigned i = 0; i < walk->pass_count; i++)
        if (pass_wants(walk->passes[i], key))
            return true;
    return false;
}

/* Robots that could not be seen are none that are as they should be. */
static void
tell_gaps(const HrRobotsWalk *walk, const HrDocumentList *robots)
{
    for (guint i = 0; i < robots->gaps->len; i++) {
        const HrDocumentGap *gap = robots->gaps->pdata[i];
        g_autofree char *below = g_strconcat(gap->scope, "/", NULL);
        const HrRobot robot = {
            .key = *gap->scope != '\0' ? gap->scope : "all",
            .result = HR_ROBOT_UNKNOWN,
            .message = gap->error->message,
        };

        if (walk->order->only == NULL &&
            (*gap->scope == '\0' || is_wanted(walk, below)))
            walk->order->tell(&robot, walk->order->data);
    }
}

static bool
visit_all(HrRobotsWalk *walk, const HrDocumentList *robots, GError **error)
{
    const char *only = walk->order->only;
    bool found = false;

    for (guint i = 0; i < robots->documents->len; i++) {
        const HrDocument *robot = robots->documents->pdata[i];

        if (!is_wanted(walk, robot->key))
            continue;
        found = true;
        if (hr_call_over(walk->call))
            return hr_call_set_over_error(walk->call, error);
        if (!hr_robots_visit(walk, robot->key, error))
            return false;
    }
    tell_gaps(walk, robots);
    if (only == NULL || found)
        return true;
    return hr_error_set(error, HR_NOT_FOUND,
                        "%s: there is no robot %s (robots of projects are "
                        "PROJECT/NAME, those of the system NAME)",
                        hr_registry_name(walk->passes[0]->source), only);
}

/* The source's robots are what there is, also if it has no secrets. */
static bool
visit_source(HrRobotsWalk *walk, GError **error)
{
    HrRegistry *source = walk->passes[0]->source;
    const HrRobotsEnd *last = &walk->places[walk->place_count - 1];
    g_autoptr(HrDocumentList) list = NULL;

    if (last->registry == source)
        return visit_all(walk, last->list, error);
    if (!hr_registry_has_documents(source))
        return hr_error_set(error, HR_UNSUPPORTED, "%s has no robots",
                            hr_registry_name(source));
    list = list_robots(walk, source, HR_ACCESS_READ, error);
    return list != NULL && visit_all(walk, list, error);
}

bool
hr_robots_run(const HrRobotsOrder *order, const HrPass *const *passes,
              unsigned count, HrCall *call, GError **error)
{
    g_autofree HrRobotsEnd *places = g_new0(HrRobotsEnd, count + 1);
    HrRobotsWalk walk = {
        .order = order,
        .passes = passes,
        .pass_count = count,
        .secrets = passes[0]->robot_secrets,
        .call = call,
        .places = places,
        .old_first = true,
    };
    bool good = add_places(&walk, error) && visit_source(&walk, error);

    for (unsigned i = 0; i < walk.place_count; i++)
        hr_document_list_free(places[i].list);
    hr_secret_unref(walk.wanted);
    hr_secret_unref(walk.old);
    return good;
}
