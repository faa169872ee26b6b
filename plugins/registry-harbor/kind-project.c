/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Projects.
 *
 *     create    POST --> PUT of the list of vulnerabilities --> scanner
 *     change    PUT of what differs --> DELETE of what is to be unset
 *                                   --> scanner
 *
 * PUT merges, and takes any text; POST takes no list of vulnerabilities.
 * Which scanner a project has is asked only where there are two: otherwise all
 * have the same.
 */
#include <string.h>

#include "kinds.h"
#include "policy-documents.h"
#include "project-document.h"

/* -------------------------------------------------- registries, scanners */

/* What registries are called now, if any of the projects is a cache of one. */
static hr_status
learn_registries(const HarborAsk *ask, const json_t *projects)
{
    const HarborList list = {
        .path = "/registries", .what = "list the registries", .sort = "-id"};
    json_auto_t *rows = NULL;
    bool caches = false;
    hr_status status = HR_OK;

    for (size_t i = 0; i < json_array_size(projects); i++)
        caches = caches || harbor_json_number(json_array_get(projects, i),
                                              "registry_id", 0) != 0;
    if (caches)
        status = harbor_list(ask, &list, &rows);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        harbor_remember(ask->registry, "registry",
                        harbor_json_text(row, "name", ""),
                        harbor_json_number(row, "id", 0));
    }
    return status;
}

/* Name of the registry that a project is a cache of; the caller's. */
static hr_status
find_registry(const HarborAsk *ask, const json_t *project, char **name)
{
    int64_t id = harbor_json_number(project, "registry_id", 0);

    *name = NULL;
    if (id == 0)
        return HR_OK;
    *name = harbor_recall_name(ask->registry, "registry", id);
    if (*name != NULL)
        return HR_OK;
    return dist_fail(ask->call, HR_CONFLICT,
                     "project %s is a cache of a registry that is gone",
                     harbor_json_text(project, "name", ""));
}

static hr_status
list_scanners(const HarborAsk *ask, json_t **rows)
{
    const HarborList list = {
        .path = "/scanners", .what = "list the scanners", .id = "uuid"};
    hr_status status = harbor_list(ask, &list, rows);

    for (size_t i = 0; i < json_array_size(*rows); i++) {
        const json_t *row = json_array_get(*rows, i);

        harbor_remember_text(ask->registry, "scanner",
                             harbor_json_text(row, "name", ""),
                             harbor_json_text(row, "uuid", ""));
    }
    return status;
}

/* The default one is what a project has that was given none. */
static const char *
scanner_name(const json_t *scanner)
{
    return harbor_json_flag(scanner, "is_default", false)
               ? NULL
               : harbor_json_text(scanner, "name", NULL);
}

static char *
scanner_path(const json_t *project)
{
    HARBOR_AUTOFREE char *name =
        harbor_escape(harbor_json_text(project, "name", ""));

    return harbor_text("/projects/%s/scanner", name);
}

/* ------------------------------------------------------------------ lists */

typedef struct Listing {
    const HarborAsk *ask;
    const hr_document_scope *scope;
    hr_document_sink *sink;
    const json_t *projects;
} Listing;

static hr_status
give(const HarborAsk *ask, const json_t *project, const json_t *scanner,
     hr_document_sink *sink)
{
    HARBOR_AUTOFREE char *registry = NULL;
    hr_status status = find_registry(ask, project, &registry);

    if (status != HR_OK)
        return status;
    return harbor_give(
        ask, sink, "project", harbor_json_text(project, "name", ""),
        harbor_project_document(project, registry, scanner_name(scanner)),
        NULL, NULL);
}

static hr_status
give_all(const Listing *listing)
{
    hr_status status = HR_OK;
    size_t count = json_array_size(listing->projects);

    for (size_t i = 0; i < count && status == HR_OK; i++) {
        const json_t *project = json_array_get(listing->projects, i);

        if (harbor_in_scope(listing->scope,
                            harbor_json_text(project, "name", "")))
            status = give(listing->ask, project, NULL, listing->sink);
    }
    return status;
}

static char *
batch_path(void *data, size_t index)
{
    const Listing *listing = data;
    const json_t *project = json_array_get(listing->projects, index);

    return harbor_in_scope(listing->scope,
                           harbor_json_text(project, "name", ""))
               ? scanner_path(project)
               : NULL;
}

static char *
batch_what(void *data, size_t index)
{
    const Listing *listing = data;

    return harbor_text(
        "read the scanner of project %s",
        harbor_json_text(json_array_get(listing->projects, index), "name",
                         ""));
}

static hr_status
batch_take(void *data, size_t index, hr_status status, HarborAnswer *answer)
{
    const Listing *listing = data;
    const json_t *project = json_array_get(listing->projects, index);

    if (status == HR_OK)
        return give(listing->ask, project, answer->body, listing->sink);
    if (answer->status != 403 && answer->status != 404)
        return status;
    harbor_gap(listing->ask, listing->sink,
               harbor_json_text(project, "name", ""), status);
    return HR_OK;
}

static hr_status
list_projects(const HarborAsk *ask, const hr_document_scope *scope,
              hr_document_sink *sink)
{
    json_auto_t *projects = NULL;
    json_auto_t *scanners = NULL;
    hr_status status = harbor_projects_anew(ask, &projects);
    Listing listing = {ask, scope, sink, projects};
    const HarborBatch batch = {.count = json_array_size(projects),
                               .data = &listing,
                               .path = batch_path,
                               .what = batch_what,
                               .take = batch_take};

    if (status == HR_OK)
        status = learn_registries(ask, projects);
    if (status == HR_OK)
        status = list_scanners(ask, &scanners);
    if (status != HR_OK)
        return status;
    return json_array_size(scanners) > 1 ? harbor_batch(ask, &batch)
                                         : give_all(&listing);
}

static hr_status
read_project(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    json_auto_t *project = NULL;
    json_auto_t *scanners = NULL;
    HarborAnswer scanner = {.total = -1};
    hr_status status = harbor_project_read(ask, key, &project);
    json_auto_t *alone = json_pack("[O?]", project);

    if (status == HR_OK)
        status = learn_registries(ask, alone);
    if (status == HR_OK)
        status = list_scanners(ask, &scanners);
    if (status == HR_OK && json_array_size(scanners) > 1) {
        HARBOR_AUTOFREE char *path = scanner_path(project);
        HARBOR_AUTOFREE char *what =
            harbor_text("read the scanner of project %s", key);
        const HarborRequest request = {.method = HR_HTTP_GET, .path = path};

        status = harbor_request(ask, &request, what, &scanner);
    }
    if (status == HR_OK)
        status = give(ask, project, scanner.body, sink);
    harbor_answer_end(&scanner);
    return status;
}

/* ---------------------------------------------------------------- writing */

static hr_status
put(const HarborAsk *ask, const char *key, json_t *body)
{
    HARBOR_AUTOFREE char *name = harbor_escape(key);
    HARBOR_AUTOFREE char *path = harbor_text("/projects/%s", name);
    HARBOR_AUTOFREE char *what = harbor_text("change project %s", key);

    return harbor_write(ask, HR_HTTP_PUT, path, body, what, NULL);
}

static hr_status
unset(const HarborAsk *ask, const char *key, const json_t *names)
{
    HARBOR_AUTOFREE char *name = harbor_escape(key);
    hr_status status = HR_OK;

    for (size_t i = 0; i < json_array_size(names) && status == HR_OK; i++) {
        const char *setting = json_string_value(json_array_get(names, i));
        HARBOR_AUTOFREE char *escaped = harbor_escape(setting);
        HARBOR_AUTOFREE char *path =
            harbor_text("/projects/%s/metadatas/%s", name, escaped);
        HARBOR_AUTOFREE char *what =
            harbor_text("unset %s of project %s", setting, key);

        status = harbor_write(ask, HR_HTTP_DELETE, path, NULL, what, NULL);
    }
    return status;
}

/* The id of a scanner; of the default one for NULL.  The caller's. */
static hr_status
find_scanner(const HarborAsk *ask, const char *name, char **uuid)
{
    json_auto_t *scanners = NULL;
    hr_status status = list_scanners(ask, &scanners);

    *uuid = NULL;
    for (size_t i = 0; i < json_array_size(scanners) && *uuid == NULL; i++) {
        const json_t *row = json_array_get(scanners, i);
        bool fits = name != NULL
                        ? strcmp(harbor_json_text(row, "name", ""), name) == 0
                        : harbor_json_flag(row, "is_default", false);

        if (fits)
            *uuid = harbor_text("%s", harbor_json_text(row, "uuid", ""));
    }
    if (status == HR_OK && *uuid == NULL)
        status = dist_fail(ask->call, HR_NOT_FOUND, "there is no scanner %s",
                           name != NULL ? name : "that is the default");
    return status;
}

static hr_status
set_scanner(const HarborAsk *ask, const HarborWrite *write)
{
    const char *wanted = harbor_json_text(write->wanted, "scanner", NULL);
    const char *found = harbor_json_text(write->found, "scanner", NULL);
    HARBOR_AUTOFREE char *name = harbor_escape(write->key);
    HARBOR_AUTOFREE char *path = harbor_text("/projects/%s/scanner", name);
    HARBOR_AUTOFREE char *what =
        harbor_text("set the scanner of project %s", write->key);
    HARBOR_AUTOFREE char *uuid = NULL;
    hr_status status;

    if (wanted == NULL ? found == NULL
                       : found != NULL && strcmp(wanted, found) == 0)
        return HR_OK;
    status = find_scanner(ask, wanted, &uuid);
    if (status != HR_OK)
        return dist_explain(ask->call, status, "%s", what);
    return harbor_write(ask, HR_HTTP_PUT, path,
                        json_pack("{s:s}", "uuid", uuid), what, NULL);
}

static hr_status
find_registry_id(const HarborAsk *ask, const char *name, int64_t *id)
{
    HARBOR_AUTOFREE char *escaped = NULL;
    HARBOR_AUTOFREE char *path = NULL;
    HarborList list = {.what = "look for the registry", .sort = "-id"};
    json_auto_t *rows = NULL;
    hr_status status;

    *id = 0;
    if (name == NULL)
        return HR_OK;
    escaped = harbor_escape_twice(name);
    path = harbor_query_plain(name)
               ? harbor_text("/registries?q=name%%3D%s", escaped)
               : harbor_text("/registries");
    list.path = path;
    status = harbor_list(ask, &list, &rows);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        if (strcmp(harbor_json_text(row, "name", ""), name) == 0)
            *id = harbor_json_number(row, "id", 0);
    }
    if (status == HR_OK && *id == 0)
        status = dist_fail(ask->call, HR_NOT_FOUND,
                           "there is no registry %s that it could be a cache "
                           "of",
                           name);
    return status;
}

static hr_status
create(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *what = harbor_text("create project %s", write->key);
    const json_t *list = json_object_get(write->wanted, "cve_allowlist");
    int64_t registry_id;
    int64_t id = 0;
    hr_status status = find_registry_id(
        ask, harbor_json_text(write->wanted, "proxy_registry", NULL),
        &registry_id);

    if (status != HR_OK)
        return dist_explain(ask->call, status, "%s", what);
    status = harbor_write(
        ask, HR_HTTP_POST, "/projects",
        harbor_project_create_body(write->key, write->wanted, registry_id),
        what, &id);
    if (status != HR_OK)
        return status;
    harbor_projects_forget(ask->registry);
    harbor_forget(ask->registry, "quota", write->key);
    harbor_remember(ask->registry, "project", write->key, id);
    if (list == NULL)
        return HR_OK;
    return put(ask, write->key,
               json_pack("{s:o}", "cve_allowlist", harbor_cve_body(list)));
}

static hr_status
change(const HarborAsk *ask, const HarborWrite *write)
{
    json_auto_t *names = NULL;
    json_t *body =
        harbor_project_update_body(write->wanted, write->found, &names);
    hr_status status = body != NULL ? put(ask, write->key, body) : HR_OK;

    return status == HR_OK ? unset(ask, write->key, names) : status;
}

static hr_status
write_project(const HarborAsk *ask, const HarborWrite *write)
{
    hr_status status = write->action == HR_WRITE_CREATE ? create(ask, write)
                                                        : change(ask, write);

    return status == HR_OK ? set_scanner(ask, write) : status;
}

static void
fit_project(const HarborAsk *ask, hr_document_fit *fit)
{
    const HarborProjectLimits limits = {.product = ask->who->product,
                                        .version = ask->who->version};

    harbor_project_fit(&limits, fit);
}

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "system", "project", "list"},
    {HR_ACCESS_READ, "system", "scanner", "list"},
    {HR_ACCESS_WRITE, "system", "project", "create"},
    {HR_ACCESS_WRITE, "project", "project", "update"},
    {HR_ACCESS_WRITE, "project", "metadata", "delete"},
    {0},
};

const HarborKind harbor_kind_project = {
    .name = "project",
    .rights = rights,
    .probe = "/scanners?page_size=1",
    .list = list_projects,
    .read = read_project,
    .write = write_project,
    .fit = fit_project,
};
