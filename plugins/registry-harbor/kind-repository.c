/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kind repository: what is said of those that something is said of. */
#include <stdlib.h>
#include <string.h>

#include "find.h"

#define KIND "repository"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "project", "repository", "list"},
    {HR_ACCESS_WRITE, "project", "repository", "update"},
    {0, NULL, NULL, NULL},
};

static const HarborList repositories = {
    .path = "/repositories",
    .what = "list the repositories",
    .sort = "-id",
};

static bool
in_scope(const hr_document_scope *scope, const char *name)
{
    HARBOR_AUTOFREE char *project = NULL;
    const char *rest;

    harbor_key_split(name, &project, &rest);
    if (project == NULL || !harbor_in_scope(scope, project))
        return false;
    if (scope->repositories == NULL)
        return true;
    for (const char *const *one = scope->repositories; *one != NULL; one++)
        if (strcmp(*one, name) == 0)
            return true;
    return false;
}

static hr_status
give_repository(const HarborAsk *ask, const json_t *row,
                hr_document_sink *sink)
{
    const char *name = harbor_json_text(row, "name", "");
    const char *description = harbor_json_text(row, "description", "");

    return harbor_give(ask, sink, KIND, name,
                       json_pack("{s:s}", "description", description), NULL,
                       NULL);
}

static hr_status
list(const HarborAsk *ask, const hr_document_scope *scope,
     hr_document_sink *sink)
{
    json_t *rows = NULL;
    hr_status status = harbor_list(ask, &repositories, &rows);

    for (size_t i = 0; status == HR_OK && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        if (*harbor_json_text(row, "description", "") != '\0' &&
            in_scope(scope, harbor_json_text(row, "name", "")))
            status = give_repository(ask, row, sink);
    }
    json_decref(rows);
    return status;
}

static hr_status
read(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    HARBOR_AUTOFREE char *path = harbor_repository_path(key);
    json_t *row = NULL;
    hr_status status = harbor_get(ask, path, "read the repository", &row);

    if (status == HR_OK && *harbor_json_text(row, "description", "") == '\0')
        status = dist_fail(ask->call, HR_NOT_FOUND,
                           "nothing is said of repository %s", key);
    else if (status == HR_OK)
        status = give_repository(ask, row, sink);
    json_decref(row);
    return status;
}

static hr_status
write_description(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *path = harbor_repository_path(write->key);
    return harbor_write(
        ask, HR_HTTP_PUT, path,
        json_pack("{s:s}", "description",
                  harbor_json_text(write->wanted, "description", "")),
        "describe the repository", NULL);
}

static void
fit_description(const HarborAsk *ask, hr_document_fit *fit)
{
    static const char *const members[] = {"description", NULL};
    json_t *wanted = harbor_fit_wanted(fit);

    (void)ask;
    harbor_fit_end(fit, wanted, members,
                   json_pack("{s:s}", "description",
                             harbor_json_text(wanted, "description", "")));
    json_decref(wanted);
}

const HarborKind harbor_kind_repository = {
    .name = KIND,
    .keys = HARBOR_KEYS_IN_PROJECTS,
    .rights = rights,
    .list = list,
    .read = read,
    .write = write_description,
    .fit = fit_description,
};
