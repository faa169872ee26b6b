/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Projects: most kinds belong to them, so that their list is kept.
 *
 *     GET /projects ---> rows, whole ----> the first who lists projects for
 *          |                               their own sake, and nobody else
 *          '-----------> rows, shortened   whoever wants to know which there
 *                                          are: a copy
 *
 * Identify reads the list, as part of what may be seen.
 */
#include <string.h>

#include "harbor.h"

/* What others than the kind of projects look at. */
static json_t *
shorten(const json_t *row)
{
    static const char *const members[] = {
        "name",     "project_id",           "registry_id",
        "metadata", "current_user_role_id", "current_user_role_ids"};
    json_t *kept = json_object();

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *value = json_object_get(row, members[i]);

        if (value != NULL)
            json_object_set_new(kept, members[i], json_deep_copy(value));
    }
    return kept;
}

static void
keep(const HarborAsk *ask, const json_t *rows)
{
    hr_registry *registry = ask->registry;
    json_t *kept = json_array();
    size_t i;
    json_t *row;

    json_array_foreach (rows, i, row) {
        harbor_remember(registry, "project", harbor_json_text(row, "name", ""),
                        harbor_json_number(row, "project_id", 0));
        json_array_append_new(kept, shorten(row));
    }
    pthread_mutex_lock(&registry->lock);
    json_decref(registry->projects);
    registry->projects = kept;
    pthread_mutex_unlock(&registry->lock);
}

static hr_status
list_projects(const HarborAsk *ask, json_t **rows)
{
    const HarborList list = {.path = "/projects",
                             .what = "list the projects",
                             .sort = "-project_id",
                             .id = "project_id"};
    hr_status status = harbor_list(ask, &list, rows);

    if (status == HR_OK)
        keep(ask, *rows);
    return status;
}

hr_status
harbor_projects(const HarborAsk *ask, json_t **rows)
{
    hr_registry *registry = ask->registry;

    pthread_mutex_lock(&registry->lock);
    *rows = json_deep_copy(registry->projects);
    pthread_mutex_unlock(&registry->lock);
    return *rows != NULL ? HR_OK : list_projects(ask, rows);
}

/* Takes the whole rows away; NULL: there are none. */
static json_t *
take_whole(hr_registry *registry)
{
    json_t *rows;

    pthread_mutex_lock(&registry->lock);
    rows = registry->whole_projects;
    registry->whole_projects = NULL;
    pthread_mutex_unlock(&registry->lock);
    return rows;
}

hr_status
harbor_projects_anew(const HarborAsk *ask, json_t **rows)
{
    *rows = take_whole(ask->registry);
    return *rows != NULL ? HR_OK : list_projects(ask, rows);
}

hr_status
harbor_projects_learn(const HarborAsk *ask)
{
    hr_registry *registry = ask->registry;
    json_t *rows = NULL;
    hr_status status = list_projects(ask, &rows);

    json_decref(take_whole(registry));
    pthread_mutex_lock(&registry->lock);
    if (status == HR_OK && registry->whole_projects == NULL) {
        registry->whole_projects = rows;
        rows = NULL;
    }
    pthread_mutex_unlock(&registry->lock);
    json_decref(rows);
    return status;
}

void
harbor_projects_forget(hr_registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    json_decref(registry->projects);
    registry->projects = NULL;
    pthread_mutex_unlock(&registry->lock);
    json_decref(take_whole(registry));
}

char *
harbor_project_path(const char *name, const char *rest)
{
    HARBOR_AUTOFREE char *escaped = harbor_escape(name);

    return harbor_text("/projects/%s/%s", escaped, rest);
}

/* Only administrators are told that there is none: others get 403 for it.  What
 * is in the list of projects is there, and refused. */
static hr_status
tell_missing(const HarborAsk *ask, const char *name, const char *what)
{
    json_auto_t *rows = NULL;
    hr_status status;

    dist_host->call->forgive(dist_module, ask->call);
    status = harbor_projects(ask, &rows);
    if (status != HR_OK)
        return status;
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (strcmp(harbor_json_text(json_array_get(rows, i), "name", ""),
                   name) == 0)
            return dist_fail(ask->call, HR_AUTH_DENIED,
                             "%s: %s may not see it", what, ask->who->name);
    return dist_fail(ask->call, HR_NOT_FOUND,
                     "%s: there is none that %s may see", what,
                     ask->who->name);
}

hr_status
harbor_project_read(const HarborAsk *ask, const char *name, json_t **row)
{
    HARBOR_AUTOFREE char *path = NULL;
    HARBOR_AUTOFREE char *escaped = harbor_escape(name);
    HARBOR_AUTOFREE char *what = harbor_text("read project %s", name);
    hr_status status;

    path = harbor_text("/projects/%s", escaped);
    status = harbor_get(ask, path, what, row);
    if (status == HR_AUTH_DENIED && !ask->who->administrator)
        status = tell_missing(ask, name, what);
    if (status == HR_OK)
        harbor_remember(ask->registry, "project", name,
                        harbor_json_number(*row, "project_id", 0));
    return status;
}

hr_status
harbor_project_id(const HarborAsk *ask, const char *name, int64_t *id)
{
    json_auto_t *row = NULL;
    hr_status status;

    *id = harbor_recall(ask->registry, "project", name);
    if (*id != 0)
        return HR_OK;
    status = harbor_project_read(ask, name, &row);
    if (status == HR_OK)
        *id = harbor_json_number(row, "project_id", 0);
    return status;
}
