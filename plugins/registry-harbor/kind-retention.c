/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kind retention: a project points to its policy with a member of its
 * metadata, and up to 2.13 to one that is gone, too.
 */
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "policy-documents.h"

#define KIND "retention"
#define RULES_LIMIT 15

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "project", "tag-retention", "read"},
    {HR_ACCESS_WRITE, "project", "tag-retention", "create"},
    {HR_ACCESS_WRITE, "project", "tag-retention", "update"},
    {0, NULL, NULL, NULL},
};

/* Those that point somewhere, and where what was found goes. */
typedef struct Policies {
    const HarborAsk *ask;
    const hr_document_scope *scope;
    json_t *projects;
    hr_document_sink *sink;
} Policies;

static const char *
policy_id(const json_t *project)
{
    const json_t *metadata = json_object_get(project, "metadata");

    return harbor_json_text(metadata, "retention_id", "");
}

static char *
policy_path(const json_t *project)
{
    HARBOR_AUTOFREE char *id = harbor_escape(policy_id(project));

    return harbor_text("/retentions/%s", id);
}

static const json_t *
project_at(const Policies *policies, size_t index)
{
    return json_array_get(policies->projects, index);
}

static char *
path_of(void *data, size_t index)
{
    const Policies *policies = data;
    const json_t *project = project_at(policies, index);

    if (*policy_id(project) == '\0' ||
        !harbor_in_scope(policies->scope,
                         harbor_json_text(project, "name", "")))
        return NULL;
    return policy_path(project);
}

static char *
what_of(void *data, size_t index)
{
    return harbor_text("read the retention of %s",
                       harbor_json_text(project_at(data, index), "name", ""));
}

/* A policy that is gone is none; Harbor's word for that is 500. */
static bool
is_gone(const HarborAnswer *answer)
{
    return answer->status == 404 || answer->status == 500;
}

static hr_status
take_policy(void *data, size_t index, hr_status status, HarborAnswer *answer)
{
    Policies *policies = data;
    const HarborAsk *ask = policies->ask;
    const char *name =
        harbor_json_text(project_at(policies, index), "name", "");
    json_t *document;

    if (status != HR_OK && is_gone(answer)) {
        dist_host->call->forgive(dist_module, ask->call);
        return HR_OK;
    }
    if (status != HR_OK && answer->status == 403) {
        harbor_gap(ask, policies->sink, name, status);
        return HR_OK;
    }
    if (status != HR_OK)
        return status;
    document = harbor_retention_document(answer->body);
    return document == NULL ? HR_OK
                            : harbor_give(ask, policies->sink, KIND, name,
                                          document, NULL, NULL);
}

static hr_status
list(const HarborAsk *ask, const hr_document_scope *scope,
     hr_document_sink *sink)
{
    Policies policies = {.ask = ask, .scope = scope, .sink = sink};
    HarborBatch batch = {
        .data = &policies,
        .path = path_of,
        .what = what_of,
        .take = take_policy,
    };
    hr_status status = harbor_projects(ask, &policies.projects);

    batch.count = json_array_size(policies.projects);
    if (status == HR_OK)
        status = harbor_batch(ask, &batch);
    json_decref(policies.projects);
    return status;
}

/* *policy is NULL where a project has none, or its pointer leads nowhere. */
static hr_status
read_policy(const HarborAsk *ask, const json_t *project, json_t **policy)
{
    HARBOR_AUTOFREE char *path = policy_path(project);
    HarborRequest request = {.method = HR_HTTP_GET, .path = path};
    HarborAnswer answer;
    hr_status status;

    *policy = NULL;
    if (*policy_id(project) == '\0')
        return HR_OK;
    status = harbor_request(ask, &request, "read the retention", &answer);
    if (status != HR_OK && is_gone(&answer)) {
        dist_host->call->forgive(dist_module, ask->call);
        status = HR_OK;
    } else if (status == HR_OK) {
        *policy = json_incref(answer.body);
    }
    harbor_answer_end(&answer);
    return status;
}

static hr_status
read(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    json_t *project = NULL;
    json_t *policy = NULL;
    json_t *document = NULL;
    hr_status status = harbor_project_read(ask, key, &project);

    if (status == HR_OK)
        status = read_policy(ask, project, &policy);
    if (policy != NULL)
        document = harbor_retention_document(policy);
    if (status == HR_OK && document == NULL)
        status = dist_fail(ask->call, HR_NOT_FOUND,
                           "project %s has no retention", key);
    else if (status == HR_OK)
        status = harbor_give(ask, sink, KIND, key, document, NULL, NULL);
    json_decref(policy);
    json_decref(project);
    return status;
}

static hr_status
create(const HarborAsk *ask, const HarborWrite *write, const json_t *project)
{
    return harbor_write(
        ask, HR_HTTP_POST, "/retentions",
        harbor_retention_body(write->wanted,
                              harbor_json_number(project, "project_id", 0)),
        "create the retention", NULL);
}

/* Where the pointer leads to nothing, it is in the way. */
static hr_status
remove_pointer(const HarborAsk *ask, const char *name)
{
    HARBOR_AUTOFREE char *path =
        harbor_project_path(name, "metadatas/retention_id");

    return harbor_write(ask, HR_HTTP_DELETE, path, NULL,
                        "remove the pointer to a retention that is gone",
                        NULL);
}

static hr_status
replace(const HarborAsk *ask, const HarborWrite *write, const json_t *project)
{
    HARBOR_AUTOFREE char *path = policy_path(project);
    json_t *body = harbor_retention_body(
        write->wanted, harbor_json_number(project, "project_id", 0));

    json_object_set_new(body, "id",
                        json_integer(strtoll(policy_id(project), NULL, 10)));
    return harbor_write(ask, HR_HTTP_PUT, path, body, "replace the retention",
                        NULL);
}

static hr_status
write_policy(const HarborAsk *ask, const HarborWrite *write)
{
    json_t *project = NULL;
    json_t *policy = NULL;
    hr_status status = harbor_project_read(ask, write->key, &project);

    if (status == HR_OK)
        status = read_policy(ask, project, &policy);
    if (status == HR_OK && policy == NULL && *policy_id(project) != '\0')
        status = remove_pointer(ask, write->key);
    if (status == HR_OK)
        status = policy != NULL ? replace(ask, write, project)
                                : create(ask, write, project);
    json_decref(policy);
    json_decref(project);
    return status;
}

static void
fit_policy(const HarborAsk *ask, hr_document_fit *fit)
{
    static const char *const members[] = {"algorithm", "cron", "rules", NULL};
    json_t *wanted = harbor_fit_wanted(fit);
    json_t *body = harbor_retention_body(wanted, 0);
    json_t *fitted = harbor_retention_document(body);

    (void)ask;
    if (fitted == NULL) {
        fitted = json_object();
        harbor_fit_lacks(fit, "", "it says nothing: that is no retention");
    }
    if (json_array_size(json_object_get(fitted, "rules")) > RULES_LIMIT)
        harbor_fit_refuse(fit, "Harbor takes %d rules at most", RULES_LIMIT);
    harbor_fit_end(fit, wanted, members, fitted);
    json_decref(body);
    json_decref(wanted);
}

const HarborKind harbor_kind_retention = {
    .name = KIND,
    .keys = HARBOR_KEYS_PROJECTS,
    .rights = rights,
    .probe = "/retentions/",
    .list = list,
    .read = read,
    .write = write_policy,
    .fit = fit_policy,
};
