/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kind preheat-policy: of projects, each with an instance that it names. */
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "policy-documents.h"

#define KIND "preheat-policy"
#define INSTANCE "preheat-instance"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "project", "preheat-policy", "list"},
    {HR_ACCESS_WRITE, "project", "preheat-policy", "create"},
    {HR_ACCESS_WRITE, "project", "preheat-policy", "update"},
    {0, NULL, NULL, NULL},
};

static const HarborList instances = {
    .path = "/p2p/preheat/instances",
    .what = "list the preheat instances",
    .sort = "-id",
};

typedef struct Policies {
    const HarborAsk *ask;
    hr_document_sink *sink;
} Policies;

static char *
path_of(void *data, const json_t *project)
{
    (void)data;
    return harbor_project_path(harbor_json_text(project, "name", ""),
                               "preheat/policies");
}

static hr_status
take_policies(void *data, const json_t *project, json_t *rows)
{
    Policies *policies = data;
    hr_status status = HR_OK;

    for (size_t i = 0; status == HR_OK && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        HARBOR_AUTOFREE char *key =
            harbor_text("%s/%s", harbor_json_text(project, "name", ""),
                        harbor_json_text(row, "name", ""));

        harbor_remember(policies->ask->registry, KIND, key,
                        harbor_json_number(row, "id", 0));
        status = harbor_give(policies->ask, policies->sink, KIND, key,
                             harbor_preheat_policy_document(row), NULL, NULL);
    }
    return status;
}

static hr_status
list(const HarborAsk *ask, const hr_document_scope *scope,
     hr_document_sink *sink)
{
    Policies policies = {.ask = ask, .sink = sink};
    HarborWalk walk = {
        .data = &policies,
        .things = "preheat policies",
        .sort = "-id",
        .path = path_of,
        .take = take_policies,
    };

    return harbor_walk(ask, scope, &walk, sink);
}

static hr_status
read(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    return harbor_find(ask, &harbor_kind_preheat_policy, key, true, sink);
}

static hr_status
send_policy(const HarborAsk *ask, const HarborWrite *write,
            const char *project, const char *name, int64_t provider)
{
    bool create = write->action == HR_WRITE_CREATE;
    int64_t id = create ? 0 : harbor_recall(ask->registry, KIND, write->key);
    HARBOR_AUTOFREE char *escaped = harbor_escape(name);
    HARBOR_AUTOFREE char *place =
        harbor_project_path(project, "preheat/policies");
    HARBOR_AUTOFREE char *path = harbor_text("%s/%s", place, escaped);
    int64_t project_id = 0;
    hr_status status = harbor_project_id(ask, project, &project_id);

    if (status != HR_OK)
        return status;
    return harbor_write(
        ask, create ? HR_HTTP_POST : HR_HTTP_PUT, create ? place : path,
        harbor_preheat_policy_body(name, write->wanted, project_id, provider,
                                   id),
        create ? "create the preheat policy" : "replace the preheat policy",
        NULL);
}

static hr_status
write_policy(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *project = NULL;
    const char *name;
    int64_t provider = 0;
    hr_status status = harbor_named_id(
        ask, INSTANCE, harbor_json_text(write->wanted, "provider", ""),
        &instances, &provider);

    harbor_key_split(write->key, &project, &name);
    if (status != HR_OK)
        return status;
    status = send_policy(ask, write, project, name, provider);
    if (status != HR_OK)
        harbor_forget(ask->registry, INSTANCE,
                      harbor_json_text(write->wanted, "provider", ""));
    return status;
}

static void
fit_policy(const HarborAsk *ask, hr_document_fit *fit)
{
    static const char *const members[] = {
        "description", "enabled", "extra_attrs", "filters",
        "provider",    "trigger", NULL};
    json_t *wanted = harbor_fit_wanted(fit);
    json_t *fitted = json_deep_copy(wanted);

    if (json_object_get(fitted, "extra_attrs") != NULL &&
        ask->who->version < HARBOR_VERSION(2, 13, 0)) {
        harbor_fit_lacks(fit, "/extra_attrs", "%s has no such field",
                         ask->who->product);
        json_object_del(fitted, "extra_attrs");
    }
    harbor_fit_end(fit, wanted, members, fitted);
    json_decref(wanted);
}

const HarborKind harbor_kind_preheat_policy = {
    .name = KIND,
    .keys = HARBOR_KEYS_IN_PROJECTS,
    .rights = rights,
    .probe = "preheat/policies?page_size=1",
    .list = list,
    .read = read,
    .write = write_policy,
    .fit = fit_policy,
};
