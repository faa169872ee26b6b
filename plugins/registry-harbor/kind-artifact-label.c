/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kind artifact-label: the labels on artifacts, by the keys of the labels.
 * They are put on and taken off one by one.
 */
#include <stdlib.h>
#include <string.h>

#include "find.h"

#define KIND "artifact-label"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "project", "repository", "list"},
    {HR_ACCESS_READ, "project", "artifact", "list"},
    {HR_ACCESS_WRITE, "project", "artifact-label", "create"},
    {HR_ACCESS_WRITE, "project", "artifact-label", "delete"},
    {0, NULL, NULL, NULL},
};

/* ------------------------------------------------------------- documents */

/* Keys of labels as Harbor gives them with an artifact of `project`. */
static json_t *
label_keys(const json_t *labels, const char *project)
{
    json_t *keys = json_array();

    for (size_t i = 0; i < json_array_size(labels); i++) {
        const json_t *label = json_array_get(labels, i);
        bool global = strcmp(harbor_json_text(label, "scope", ""), "g") == 0;
        HARBOR_AUTOFREE char *key =
            harbor_text("%s/%s", global ? "" : project,
                        harbor_json_text(label, "name", ""));

        json_array_append_new(keys, json_string(key));
    }
    return harbor_json_sorted(keys);
}

/* Nothing where an artifact has none. */
static hr_status
give_artifact(const HarborAsk *ask, const char *repository, const char *digest,
              const json_t *labels, hr_document_sink *sink)
{
    HARBOR_AUTOFREE char *key = harbor_text("%s@%s", repository, digest);
    HARBOR_AUTOFREE char *project = NULL;
    const char *rest;

    if (json_array_size(labels) == 0)
        return HR_OK;
    harbor_key_split(repository, &project, &rest);
    return harbor_give(
        ask, sink, KIND, key,
        json_pack("{s:o}", "labels", label_keys(labels, project)), NULL, NULL);
}

/* ----------------------------------------------------------------- lists */

static bool
in_scope(const hr_document_scope *scope, const char *repository)
{
    HARBOR_AUTOFREE char *project = NULL;
    const char *rest;

    harbor_key_split(repository, &project, &rest);
    if (project == NULL || !harbor_in_scope(scope, project))
        return false;
    if (scope->repositories == NULL)
        return true;
    for (const char *const *one = scope->repositories; *one != NULL; one++)
        if (strcmp(*one, repository) == 0)
            return true;
    return false;
}

typedef struct Giving {
    const HarborAsk *ask;
    hr_document_sink *sink;
} Giving;

static hr_status
give_repository(void *data, const char *repository, const json_t *rows)
{
    const Giving *giving = data;
    hr_status status = HR_OK;

    for (size_t i = 0; status == HR_OK && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        status = give_artifact(giving->ask, repository,
                               harbor_json_text(row, "digest", ""),
                               json_object_get(row, "labels"), giving->sink);
    }
    return status;
}

static void
note_refused(void *data, const char *repository, hr_status status)
{
    const Giving *giving = data;

    harbor_gap(giving->ask, giving->sink, repository, status);
}

static hr_status
list(const HarborAsk *ask, const hr_document_scope *scope,
     hr_document_sink *sink)
{
    json_auto_t *rows = NULL;
    json_auto_t *names = json_array();
    Giving giving = {ask, sink};
    const HarborArtifacts wanted = {.repositories = names,
                                    .data = &giving,
                                    .take = give_repository,
                                    .refused = note_refused};
    hr_status status = harbor_repositories(ask, &rows);

    for (size_t i = 0; status == HR_OK && i < json_array_size(rows); i++) {
        json_t *name = json_object_get(json_array_get(rows, i), "name");

        if (json_is_string(name) && in_scope(scope, json_string_value(name)))
            json_array_append(names, name);
    }
    return status == HR_OK ? harbor_artifacts(ask, &wanted) : status;
}

/* -------------------------------------------------------- one, by digest */

/* "/projects/.../artifacts/sha256:..."; malloced.  NULL if the key is none. */
static char *
path_of(const char *key, char **repository)
{
    const char *at = strchr(key, '@');
    HARBOR_AUTOFREE char *place = NULL;

    *repository = NULL;
    if (at == NULL || !harbor_digest_plain(at + 1))
        return NULL;
    *repository = harbor_text("%.*s", (int)(at - key), key);
    place = harbor_repository_path(*repository);
    return place != NULL ? harbor_text("%s/artifacts/%s", place, at + 1)
                         : NULL;
}

static hr_status
read(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    HARBOR_AUTOFREE char *repository = NULL;
    HARBOR_AUTOFREE char *path = path_of(key, &repository);
    HARBOR_AUTOFREE char *target = NULL;
    json_t *artifact = NULL;
    const json_t *labels;
    hr_status status;

    if (path == NULL)
        return dist_fail(ask->call, HR_NOT_FOUND,
                         "%s is no artifact of a project", key);
    target = harbor_text("%s?with_label=true", path);
    status = harbor_get(ask, target, "read the labels", &artifact);
    labels = json_object_get(artifact, "labels");
    if (status == HR_OK && json_array_size(labels) == 0)
        status = dist_fail(ask->call, HR_NOT_FOUND, "it has no labels");
    if (status == HR_OK)
        status =
            give_artifact(ask, repository, strchr(key, '@') + 1, labels, sink);
    json_decref(artifact);
    return status;
}

/* --------------------------------------------------------------- writing */

static bool
has_label(const json_t *document, const char *key)
{
    const json_t *labels = json_object_get(document, "labels");

    for (size_t i = 0; i < json_array_size(labels); i++)
        if (strcmp(json_string_value(json_array_get(labels, i)), key) == 0)
            return true;
    return false;
}

static hr_status
put_on(const HarborAsk *ask, const char *path, const char *label)
{
    HARBOR_AUTOFREE char *target = harbor_text("%s/labels", path);
    int64_t id;
    hr_status status = harbor_label_id(ask, label, &id);

    if (status != HR_OK)
        return status;
    status = harbor_write(ask, HR_HTTP_POST, target,
                          json_pack("{s:I}", "id", (json_int_t)id),
                          "put a label on", NULL);
    if (status == HR_NOT_FOUND)
        harbor_forget(ask->registry, "label", label);
    if (status != HR_CONFLICT)
        return status;
    /* It is there already. */
    dist_host->call->forgive(dist_module, ask->call);
    return HR_OK;
}

static hr_status
take_off(const HarborAsk *ask, const char *path, const char *label)
{
    int64_t id;
    hr_status status = harbor_label_id(ask, label, &id);
    HARBOR_AUTOFREE char *target =
        harbor_text("%s/labels/%lld", path, (long long)id);

    if (status != HR_OK)
        return status;
    status = harbor_write(ask, HR_HTTP_DELETE, target, NULL,
                          "take a label off", NULL);
    if (status != HR_NOT_FOUND)
        return status;
    harbor_forget(ask->registry, "label", label);
    dist_host->call->forgive(dist_module, ask->call);
    return HR_OK;
}

/* Does `change` to each label of `one` that `other` does not have. */
static hr_status
change_labels(const HarborAsk *ask, const char *path, const json_t *one,
              const json_t *other,
              hr_status (*change)(const HarborAsk *, const char *,
                                  const char *))
{
    const json_t *labels = json_object_get(one, "labels");
    hr_status status = HR_OK;

    for (size_t i = 0; status == HR_OK && i < json_array_size(labels); i++) {
        const char *label = json_string_value(json_array_get(labels, i));

        if (!has_label(other, label))
            status = change(ask, path, label);
    }
    return status;
}

static hr_status
write_labels(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *repository = NULL;
    HARBOR_AUTOFREE char *path = path_of(write->key, &repository);
    hr_status status;

    if (path == NULL)
        return dist_fail(ask->call, HR_INVALID,
                         "%s is no artifact of a project", write->key);
    status = change_labels(ask, path, write->wanted, write->found, put_on);
    return status == HR_OK ? change_labels(ask, path, write->found,
                                           write->wanted, take_off)
                           : status;
}

/* Labels of another project cannot be put on. */
static void
fit_labels(const HarborAsk *ask, hr_document_fit *fit)
{
    static const char *const members[] = {"labels", NULL};
    json_t *wanted = harbor_fit_wanted(fit);
    json_t *labels = json_object_get(wanted, "labels");
    json_t *kept = json_array();
    size_t length = strcspn(fit->key, "/");

    (void)ask;
    for (size_t i = 0; i < json_array_size(labels); i++) {
        json_t *label = json_array_get(labels, i);
        const char *key = json_string_value(label);
        HARBOR_AUTOFREE char *pointer = harbor_text("/labels/%zu", i);

        if (key != NULL &&
            (*key == '/' ||
             (strncmp(key, fit->key, length) == 0 && key[length] == '/')))
            json_array_append(kept, label);
        else
            harbor_fit_lacks(fit, pointer, "it is none of this project");
    }
    harbor_fit_end(fit, wanted, members,
                   json_pack("{s:o}", "labels", harbor_json_sorted(kept)));
    json_decref(wanted);
}

const HarborKind harbor_kind_artifact_label = {
    .name = KIND,
    .keys = HARBOR_KEYS_IN_PROJECTS,
    .rights = rights,
    .list = list,
    .read = read,
    .write = write_labels,
    .fit = fit_labels,
};
