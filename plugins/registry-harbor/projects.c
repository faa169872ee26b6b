/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Projects: most kinds belong to them, so that their list is kept.  Identify
 * reads it, as part of what may be seen; the first who lists projects for
 * their own sake gets that one, the next a new one.
 */
#include "harbor.h"

static void
keep(const HarborAsk *ask, json_t *rows)
{
    hr_registry *registry = ask->registry;
    size_t i;
    json_t *row;

    json_array_foreach (rows, i, row) {
        harbor_remember(registry, "project", harbor_json_text(row, "name", ""),
                        harbor_json_number(row, "project_id", 0));
    }
    pthread_mutex_lock(&registry->lock);
    json_decref(registry->projects);
    registry->projects = json_deep_copy(rows);
    pthread_mutex_unlock(&registry->lock);
}

/* The rows that are kept, if they will do. */
static json_t *
take_kept(hr_registry *registry, bool unused)
{
    json_t *rows = NULL;

    pthread_mutex_lock(&registry->lock);
    if (!unused || registry->projects_unused)
        rows = json_deep_copy(registry->projects);
    if (unused)
        registry->projects_unused = false;
    pthread_mutex_unlock(&registry->lock);
    return rows;
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
    *rows = take_kept(ask->registry, false);
    return *rows != NULL ? HR_OK : list_projects(ask, rows);
}

hr_status
harbor_projects_anew(const HarborAsk *ask, json_t **rows)
{
    *rows = take_kept(ask->registry, true);
    return *rows != NULL ? HR_OK : list_projects(ask, rows);
}

hr_status
harbor_projects_learn(const HarborAsk *ask)
{
    json_auto_t *rows = NULL;
    hr_status status = list_projects(ask, &rows);

    pthread_mutex_lock(&ask->registry->lock);
    ask->registry->projects_unused = status == HR_OK;
    pthread_mutex_unlock(&ask->registry->lock);
    return status;
}

void
harbor_projects_forget(hr_registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    json_decref(registry->projects);
    registry->projects = NULL;
    registry->projects_unused = false;
    pthread_mutex_unlock(&registry->lock);
}

char *
harbor_project_path(const char *name, const char *rest)
{
    HARBOR_AUTOFREE char *escaped = harbor_escape(name);

    return harbor_text("/projects/%s/%s", escaped, rest);
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
