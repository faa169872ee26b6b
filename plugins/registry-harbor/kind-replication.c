/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kind replication: rules that name a registry. */
#include <string.h>

#include "find.h"
#include "policy-documents.h"

#define KIND "replication"
#define PATH "/replication/policies"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "system", "replication-policy", "list"},
    {HR_ACCESS_WRITE, "system", "replication-policy", "create"},
    {HR_ACCESS_WRITE, "system", "replication-policy", "update"},
    {0, NULL, NULL, NULL},
};

static const HarborList policies = {
    .path = PATH,
    .what = "list the replication rules",
    .sort = "-id",
};

static const HarborList registries = {
    .path = "/registries",
    .what = "list the registries",
    .sort = "-id",
};

static hr_status
give_policy(const HarborAsk *ask, const json_t *row, hr_document_sink *sink)
{
    const char *name = harbor_json_text(row, "name", "");

    harbor_remember(ask->registry, KIND, name,
                    harbor_json_number(row, "id", 0));
    return harbor_give(ask, sink, KIND, name, harbor_replication_document(row),
                       NULL, NULL);
}

static hr_status
list(const HarborAsk *ask, const hr_document_scope *scope,
     hr_document_sink *sink)
{
    (void)scope;
    return harbor_give_rows(ask, &policies, give_policy, sink);
}

static hr_status
read(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    return harbor_find(ask, &harbor_kind_replication, key, false, sink);
}

/* 0 where the document names none. */
static hr_status
registry_id(const HarborAsk *ask, const json_t *document, const char *member,
            int64_t *id)
{
    const char *name = harbor_json_text(document, member, "");

    *id = 0;
    return *name != '\0'
               ? harbor_named_id(ask, "registry", name, &registries, id)
               : HR_OK;
}

/* One of the names may belong to another by now. */
static void
forget_registries(const HarborAsk *ask, const json_t *document)
{
    harbor_forget(ask->registry, "registry",
                  harbor_json_text(document, "src_registry", ""));
    harbor_forget(ask->registry, "registry",
                  harbor_json_text(document, "dest_registry", ""));
}

static hr_status
write_policy(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *path = NULL;
    bool create = write->action == HR_WRITE_CREATE;
    int64_t id = 0;
    int64_t source;
    int64_t destination;
    json_t *body;
    hr_status status =
        registry_id(ask, write->wanted, "src_registry", &source);

    if (status == HR_OK)
        status =
            registry_id(ask, write->wanted, "dest_registry", &destination);
    if (status == HR_OK && !create)
        status =
            harbor_listed_id(ask, &harbor_kind_replication, write->key, &id);
    if (status != HR_OK)
        return status;
    path = harbor_text(PATH "/%lld", (long long)id);
    body = harbor_replication_body(write->key, write->wanted, source,
                                   destination);
    if (!create)
        json_object_set_new(body, "id", json_integer(id));
    status = harbor_write(ask, create ? HR_HTTP_POST : HR_HTTP_PUT,
                          create ? PATH : path, body,
                          create ? "create the replication rule"
                                 : "replace the replication rule",
                          NULL);
    if (status != HR_OK)
        forget_registries(ask, write->wanted);
    return status;
}

static void
fit_policy(const HarborAsk *ask, hr_document_fit *fit)
{
    static const char *const members[] = {"copy_by_chunk",
                                          "deletion",
                                          "description",
                                          "dest_namespace",
                                          "dest_namespace_replace_count",
                                          "dest_registry",
                                          "enabled",
                                          "filters",
                                          "override",
                                          "single_active_replication",
                                          "speed",
                                          "src_registry",
                                          "trigger",
                                          NULL};
    json_t *wanted = harbor_fit_wanted(fit);
    json_t *fitted = json_deep_copy(wanted);
    bool pulls = json_object_get(wanted, "src_registry") != NULL;
    bool pushes = json_object_get(wanted, "dest_registry") != NULL;

    if (pulls == pushes)
        harbor_fit_refuse(fit, "it needs either src_registry or "
                               "dest_registry");
    if (json_object_get(fitted, "single_active_replication") != NULL &&
        ask->who->version < HARBOR_VERSION(2, 14, 0)) {
        harbor_fit_lacks(fit, "/single_active_replication",
                         "%s has no such field", ask->who->product);
        json_object_del(fitted, "single_active_replication");
    }
    harbor_fit_end(fit, wanted, members, fitted);
    json_decref(wanted);
}

const HarborKind harbor_kind_replication = {
    .name = KIND,
    .rights = rights,
    .probe = "/replication/policies?page_size=1",
    .list = list,
    .read = read,
    .write = write_policy,
    .fit = fit_policy,
};
