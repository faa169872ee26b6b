/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Resolving: manifests of projects that are not there are not there either.
 *
 * The protocol's own answer to that is 401, as if the password were wrong.  An
 * administrator sees all projects, and so need not ask; to others Harbor does
 * not tell what is not there from what they may not see.
 */
#include <stdlib.h>
#include <string.h>

#include "harbor.h"

static bool
has_project(const json_t *projects, const char *repository)
{
    HARBOR_AUTOFREE char *project = NULL;
    const char *rest;

    if (!harbor_key_split(repository, &project, &rest))
        return false;
    for (size_t i = 0; i < json_array_size(projects); i++)
        if (strcmp(harbor_json_text(json_array_get(projects, i), "name", ""),
                   project) == 0)
            return true;
    return false;
}

/* Asks about those whose project is there; the others are answered. */
static hr_status
resolve_in(const HarborAsk *ask, const json_t *projects,
           hr_manifest_query *const *queries, size_t count)
{
    hr_manifest_query **there = calloc(count + 1, sizeof *there);
    const char *before = NULL;
    bool found = false;
    size_t left = 0;
    hr_status status = HR_OK;

    if (there == NULL)
        return dist_fail(ask->call, HR_LOCAL_RESOURCE, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const char *repository = queries[i]->repository;

        if (before == NULL || strcmp(before, repository) != 0)
            found = has_project(projects, repository);
        before = repository;
        if (found)
            there[left++] = queries[i];
        else
            queries[i]->status = HR_NOT_FOUND;
    }
    if (left > 0)
        status = dist_resolve(ask->registry, ask->call, there, left);
    free(there);
    return status;
}

hr_status
harbor_resolve(hr_registry *registry, hr_call *call,
               hr_manifest_query *const *queries, size_t count)
{
    json_auto_t *projects = NULL;
    HarborAsk ask;
    hr_status status = harbor_ask_begin(&ask, registry, call);

    if (status == HR_OK && ask.who->administrator)
        status = harbor_projects(&ask, &projects);
    if (status == HR_OK)
        status = projects != NULL
                     ? resolve_in(&ask, projects, queries, count)
                     : dist_resolve(registry, call, queries, count);
    harbor_ask_end(&ask);
    return status;
}
