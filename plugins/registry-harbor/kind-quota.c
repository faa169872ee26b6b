/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Quotas: how much a project may hold.  Each project has one, from the moment
 * it is there until it goes. */
#include "kinds.h"
#include "project-document.h"

static const char *
project_of(const json_t *quota)
{
    return harbor_json_text(json_object_get(quota, "ref"), "name", "");
}

/* One of a project that is going has no name any more. */
static hr_status
give(const HarborAsk *ask, const json_t *quota, hr_document_sink *sink)
{
    const char *project = project_of(quota);
    json_t *document = harbor_quota_document(quota);

    if (document == NULL || *project == '\0') {
        json_decref(document);
        return HR_OK;
    }
    harbor_remember(ask->registry, "quota", project,
                    harbor_json_number(quota, "id", 0));
    return harbor_give(ask, sink, "quota", project, document, NULL, NULL);
}

static hr_status
list_quotas(const HarborAsk *ask, const hr_document_scope *scope,
            hr_document_sink *sink)
{
    /* Up to 2.9 no other order than this can be had. */
    const HarborList list = {.path = "/quotas?reference=project",
                             .what = "list the quotas",
                             .sort = "-creation_time"};
    json_auto_t *rows = NULL;
    hr_status status = harbor_list(ask, &list, &rows);

    for (size_t i = 0; i < json_array_size(rows) && status == HR_OK; i++) {
        const json_t *quota = json_array_get(rows, i);

        if (harbor_in_scope(scope, project_of(quota)))
            status = give(ask, quota, sink);
    }
    return status;
}

/* The quota of a project, as a row that is the caller's. */
static hr_status
read_row(const HarborAsk *ask, const char *project, json_t **row)
{
    HARBOR_AUTOFREE char *path = NULL;
    HARBOR_AUTOFREE char *what = harbor_text("read the quota of %s", project);
    HarborList list = {.what = what, .sort = "-creation_time"};
    json_auto_t *rows = NULL;
    int64_t id;
    hr_status status = harbor_project_id(ask, project, &id);

    *row = NULL;
    if (status != HR_OK)
        return status;
    path = harbor_text("/quotas?reference=project&reference_id=%lld",
                       (long long)id);
    list.path = path;
    status = harbor_list(ask, &list, &rows);
    if (status == HR_OK && json_array_size(rows) == 0)
        status = dist_fail(ask->call, HR_NOT_FOUND, "project %s has no quota",
                           project);
    if (status == HR_OK)
        *row = json_incref(json_array_get(rows, 0));
    return status;
}

static hr_status
read_quota(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    json_auto_t *row = NULL;
    hr_status status = read_row(ask, key, &row);

    return status == HR_OK ? give(ask, row, sink) : status;
}

static hr_status
write_quota(const HarborAsk *ask, const HarborWrite *write)
{
    int64_t id = harbor_recall(ask->registry, "quota", write->key);
    HARBOR_AUTOFREE char *path = NULL;
    HARBOR_AUTOFREE char *what =
        harbor_text("set the quota of %s", write->key);
    json_auto_t *row = NULL;

    if (id == 0) {
        hr_status status = read_row(ask, write->key, &row);

        if (status != HR_OK)
            return status;
        id = harbor_json_number(row, "id", 0);
    }
    path = harbor_text("/quotas/%lld", (long long)id);
    return harbor_write(ask, HR_HTTP_PUT, path,
                        harbor_quota_body(write->wanted), what, NULL);
}

static hr_status
known(const HarborAsk *ask, uint32_t access)
{
    (void)access;
    return ask->who->quotas ? HR_OK
                            : dist_fail(ask->call, HR_UNSUPPORTED,
                                        "they are switched off here "
                                        "(quota_per_project_enable)");
}

static void
fit_quota(const HarborAsk *ask, hr_document_fit *fit)
{
    (void)ask;
    harbor_quota_fit(fit);
}

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "system", "quota", "list"},
    {HR_ACCESS_WRITE, "system", "quota", "update"},
    {0},
};

const HarborKind harbor_kind_quota = {
    .name = "quota",
    .keys = HARBOR_KEYS_PROJECTS,
    .rights = rights,
    .probe = "/quotas?page_size=1",
    .known = known,
    .list = list_quotas,
    .read = read_quota,
    .write = write_quota,
    .fit = fit_quota,
};
