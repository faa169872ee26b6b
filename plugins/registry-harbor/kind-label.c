/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels: the requests. */
#include <inttypes.h>
#include <string.h>

#include "kinds.h"
#include "label-document.h"

#define FAMILY "label"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "project", "label", "list"},
    {HR_ACCESS_WRITE, "project", "label", "create"},
    {HR_ACCESS_WRITE, "project", "label", "update"},
    {HR_ACCESS_WRITE, "system", "label", "create"},
    {HR_ACCESS_WRITE, "system", "label", "update"},
    {0, NULL, NULL, NULL},
};

typedef struct Giving {
    const HarborAsk *ask;
    hr_document_sink *sink;
} Giving;

/* Labels without a name have no key. */
static hr_status
give_label(const Giving *giving, const char *key, const json_t *label)
{
    const HarborAsk *ask = giving->ask;

    harbor_remember(ask->registry, FAMILY, key,
                    harbor_json_number(label, "id", 0));
    return harbor_give(ask, giving->sink, "label", key,
                       harbor_label_document(label), NULL, NULL);
}

static hr_status
give_labels(const Giving *giving, const char *project, const json_t *rows)
{
    hr_status status = HR_OK;

    for (size_t i = 0; i < json_array_size(rows) && status == HR_OK; i++) {
        const json_t *label = json_array_get(rows, i);
        HARBOR_AUTOFREE char *key = harbor_label_key(project, label);

        if (key != NULL && harbor_key_valid(key))
            status = give_label(giving, key, label);
    }
    return status;
}

static char *
path_of_project(void *data, const json_t *project)
{
    (void)data;
    return harbor_text("/labels?scope=p&project_id=%" JSON_INTEGER_FORMAT,
                       harbor_json_number(project, "project_id", 0));
}

static hr_status
take_labels(void *data, const json_t *project, json_t *rows)
{
    return give_labels(data, harbor_json_text(project, "name", ""), rows);
}

static hr_status
list_global(const Giving *giving)
{
    static const HarborList list = {
        .path = "/labels?scope=g",
        .what = "list the global labels",
        .sort = "-id",
    };
    json_t *rows = NULL;
    hr_status status = harbor_list(giving->ask, &list, &rows);

    if (status == HR_OK)
        status = give_labels(giving, "", rows);
    json_decref(rows);
    return status;
}

static hr_status
list_labels(const HarborAsk *ask, const hr_document_scope *scope,
            hr_document_sink *sink)
{
    Giving giving = {.ask = ask, .sink = sink};
    HarborWalk walk = {
        .data = &giving,
        .things = "labels",
        .sort = "-id",
        .path = path_of_project,
        .take = take_labels,
    };
    hr_status status = list_global(&giving);

    return status == HR_OK ? harbor_walk(ask, scope, &walk, sink) : status;
}

/* Id of the project of a key, 0 for a global label. */
static hr_status
find_project(const HarborAsk *ask, const char *key, int64_t *id)
{
    HARBOR_AUTOFREE char *project = NULL;
    const char *name;

    *id = 0;
    if (!harbor_key_split(key, &project, &name) || *project == '\0')
        return HR_OK;
    return harbor_project_id(ask, project, id);
}

/* Path of a list that has the label of that key, if there is one. */
static char *
path_of_label(const char *key, int64_t project_id)
{
    HARBOR_AUTOFREE char *scope =
        project_id != 0
            ? harbor_text("/labels?scope=p&project_id=%" PRId64, project_id)
            : harbor_text("/labels?scope=g");
    HARBOR_AUTOFREE char *project = NULL;
    HARBOR_AUTOFREE char *value = NULL;
    const char *name;

    harbor_key_split(key, &project, &name);
    if (!harbor_query_plain(name))
        return harbor_text("%s", scope);
    value = harbor_escape_twice(name);
    return harbor_text("%s&q=name%%3D%s", scope, value);
}

/* The label of a key.  HR_NOT_FOUND if there is none. */
static hr_status
find_label(const HarborAsk *ask, const char *key, json_t **label)
{
    HARBOR_AUTOFREE char *path = NULL;
    HARBOR_AUTOFREE char *what = harbor_text("look for label %s", key);
    HarborList list = {.what = what, .sort = "-id"};
    const char *slash = strchr(key, '/');
    int64_t project_id;
    json_t *rows = NULL;
    hr_status status = find_project(ask, key, &project_id);

    *label = NULL;
    if (status != HR_OK)
        return status;
    list.path = path = path_of_label(key, project_id);
    status = harbor_list(ask, &list, &rows);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);

        if (slash != NULL && *label == NULL &&
            strcmp(harbor_json_text(row, "name", ""), slash + 1) == 0)
            *label = json_incref(row);
    }
    json_decref(rows);
    if (status == HR_OK && *label == NULL)
        status = dist_fail(ask->call, HR_NOT_FOUND, "%s: there is none", what);
    return status;
}

static hr_status
read_label(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    Giving giving = {.ask = ask, .sink = sink};
    json_t *label;
    hr_status status = find_label(ask, key, &label);

    if (status == HR_OK)
        status = give_label(&giving, key, label);
    json_decref(label);
    return status;
}

hr_status
harbor_label_id(const HarborAsk *ask, const char *key, int64_t *id)
{
    json_t *label = NULL;
    hr_status status = HR_OK;

    *id = harbor_recall(ask->registry, FAMILY, key);
    if (*id == 0)
        status = find_label(ask, key, &label);
    if (label != NULL)
        *id = harbor_json_number(label, "id", 0);
    json_decref(label);
    return status;
}

static hr_status
create_label(const HarborAsk *ask, const HarborWrite *write,
             int64_t project_id)
{
    HARBOR_AUTOFREE char *what = harbor_text("create label %s", write->key);
    int64_t id;
    hr_status status = harbor_write(
        ask, HR_HTTP_POST, "/labels",
        harbor_label_body(write->key, write->wanted, project_id), what, &id);

    if (status == HR_OK)
        harbor_remember(ask->registry, FAMILY, write->key, id);
    return status;
}

static hr_status
update_label(const HarborAsk *ask, const HarborWrite *write,
             int64_t project_id)
{
    HARBOR_AUTOFREE char *what = harbor_text("change label %s", write->key);
    HARBOR_AUTOFREE char *path = NULL;
    int64_t id;
    hr_status status = harbor_label_id(ask, write->key, &id);

    if (status != HR_OK)
        return status;
    path = harbor_text("/labels/%" PRId64, id);
    status = harbor_write(
        ask, HR_HTTP_PUT, path,
        harbor_label_body(write->key, write->wanted, project_id), what, NULL);
    if (status == HR_NOT_FOUND)
        harbor_forget(ask->registry, FAMILY, write->key);
    return status;
}

static hr_status
write_label(const HarborAsk *ask, const HarborWrite *write)
{
    int64_t project_id;
    /* Harbor takes a label for a project that does not exist. */
    hr_status status = find_project(ask, write->key, &project_id);

    if (status != HR_OK)
        return status;
    return write->action == HR_WRITE_CREATE
               ? create_label(ask, write, project_id)
               : update_label(ask, write, project_id);
}

/* Before 2.10 no robot account writes labels of the whole Harbor. */
static bool
may_write(const HarborAsk *ask, const hr_document_fit *fit)
{
    return !ask->who->robot || ask->who->version >= HARBOR_VERSION(2, 10, 0) ||
           *fit->key != '/' ||
           (fit->found != NULL && strcmp(fit->found, fit->text) == 0);
}

static void
fit_label(const HarborAsk *ask, hr_document_fit *fit)
{
    if (may_write(ask, fit))
        harbor_label_fit(fit);
    else
        harbor_fit_refuse(fit, "before 2.10 no robot account writes global "
                               "labels, whatever its rights");
}

const HarborKind harbor_kind_label = {
    .name = "label",
    .rights = rights,
    .probe = "/labels?page_size=1&scope=p&project_id=",
    .list = list_labels,
    .read = read_label,
    .write = write_label,
    .fit = fit_label,
};
