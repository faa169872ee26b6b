/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Resolving: manifests of projects that are not there are not there either.
 *
 * The protocol's own answer to that is 401, as if the password were wrong.  An
 * administrator sees all projects, and so need not ask; to others Harbor does
 * not tell what is not there from what they may not see, and so do we not.
 */
#include <stdio.h>
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

/* Whoever got here has been taken for who he is. */
static void
explain(const HarborAsk *ask, const char *repository, char *message)
{
    snprintf(message, HR_MESSAGE_CAPACITY,
             "%s: there is no project %.*s, or %s may not see it", repository,
             (int)strcspn(repository, "/"), repository, ask->who->name);
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

static hr_status
resolve_as_seen(const HarborAsk *ask, hr_manifest_query *const *queries,
                size_t count)
{
    hr_status status = dist_resolve(ask->registry, ask->call, queries, count);

    for (size_t i = 0; i < count && status == HR_OK; i++)
        if (queries[i]->status == HR_AUTH_DENIED)
            explain(ask, queries[i]->repository, queries[i]->message);
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
        status = projects != NULL ? resolve_in(&ask, projects, queries, count)
                                  : resolve_as_seen(&ask, queries, count);
    harbor_ask_end(&ask);
    return status;
}

static hr_status
fail_unseen(const HarborAsk *ask, const char *repository)
{
    char message[HR_MESSAGE_CAPACITY];

    explain(ask, repository, message);
    return dist_fail(ask->call, HR_AUTH_DENIED, "%s", message);
}

static hr_status
check_project(const HarborAsk *ask, const char *repository)
{
    json_auto_t *projects = NULL;
    hr_status status = harbor_projects(ask, &projects);

    if (status == HR_OK && !has_project(projects, repository))
        status = dist_fail(ask->call, HR_NOT_FOUND, "there is no project %.*s",
                           (int)strcspn(repository, "/"), repository);
    return status;
}

hr_status
harbor_list_tags(hr_registry *registry, hr_call *call, const char *repository,
                 hr_names *names)
{
    HarborAsk ask;
    hr_status status = harbor_ask_begin(&ask, registry, call);

    if (status == HR_OK && ask.who->administrator)
        status = check_project(&ask, repository);
    if (status == HR_OK)
        status = dist_list_tags(registry, call, repository, names);
    if (status == HR_AUTH_DENIED && ask.who != NULL)
        status = fail_unseen(&ask, repository);
    harbor_ask_end(&ask);
    return status;
}
