/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * User groups: the requests.
 *
 * The list has no order and is asked for in one piece.  What the groups of the
 * last list are called is kept: a name that another group has cannot be had.
 */
#include <inttypes.h>
#include <string.h>

#include "group-document.h"
#include "kinds.h"

#define FAMILY "usergroup"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "system", "user-group", "list"},
    {HR_ACCESS_WRITE, "system", "user-group", "create"},
    {HR_ACCESS_WRITE, "system", "user-group", "update"},
    {0, NULL, NULL, NULL},
};

/* What stands for a group where its name is taken: its key, or its name if it
 * has none. */
static char *
holder_of(const json_t *group)
{
    char *key = harbor_group_key(group);

    return key != NULL
               ? key
               : harbor_text("%s", harbor_json_text(group, "group_name", ""));
}

static void
keep_names(const HarborAsk *ask, const json_t *rows)
{
    hr_registry *registry = ask->registry;
    json_t *names = json_object();

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *group = json_array_get(rows, i);
        HARBOR_AUTOFREE char *holder = holder_of(group);

        json_object_set_new(names, harbor_json_text(group, "group_name", ""),
                            json_string(holder));
    }
    pthread_mutex_lock(&registry->lock);
    json_decref(registry->group_names);
    registry->group_names = names;
    pthread_mutex_unlock(&registry->lock);
}

static char *
find_holder(const void *data, const char *name)
{
    const HarborAsk *ask = data;
    hr_registry *registry = ask->registry;
    const char *holder;
    char *copy = NULL;

    pthread_mutex_lock(&registry->lock);
    holder = json_string_value(json_object_get(registry->group_names, name));
    if (holder != NULL)
        copy = harbor_text("%s", holder);
    pthread_mutex_unlock(&registry->lock);
    return copy;
}

/* Groups of a type without a name are nobody's. */
static hr_status
give_group(const HarborAsk *ask, hr_document_sink *sink, const json_t *group)
{
    HARBOR_AUTOFREE char *key = harbor_group_key(group);

    if (key == NULL || !harbor_key_valid(key))
        return HR_OK;
    harbor_remember(ask->registry, FAMILY, key,
                    harbor_json_number(group, "id", 0));
    return harbor_give(ask, sink, "usergroup", key,
                       harbor_group_document(group), NULL, NULL);
}

static hr_status
list_groups(const HarborAsk *ask, const hr_document_scope *scope,
            hr_document_sink *sink)
{
    static const HarborList list = {
        .path = "/usergroups",
        .what = "list the user groups",
    };
    json_auto_t *rows = NULL;
    json_auto_t *given = json_object();
    hr_status status = harbor_list(ask, &list, &rows);

    (void)scope;
    if (status == HR_OK)
        keep_names(ask, rows);
    for (size_t i = 0; i < json_array_size(rows) && status == HR_OK; i++) {
        const json_t *group = json_array_get(rows, i);
        HARBOR_AUTOFREE char *key = harbor_group_key(group);

        /* Two of LDAP may have DNs that differ in case only. */
        if (key == NULL || json_object_get(given, key) != NULL)
            continue;
        json_object_set_new(given, key, json_true());
        status = give_group(ask, sink, group);
    }
    return status;
}

/* Path of a list with the groups that are called like that in it.  The filter
 * finds parts of names, and some signs not at all. */
static char *
path_of_name(const char *name)
{
    HARBOR_AUTOFREE char *value = NULL;

    if (*name == '\0' || strpbrk(name, "%\\") != NULL)
        return harbor_text("/usergroups");
    value = harbor_escape(name);
    return harbor_text("/usergroups?group_name=%s", value);
}

/* The group for which `fits` is true.  HR_NOT_FOUND if there is none. */
static hr_status
find_group(const HarborAsk *ask, const char *name, const char *what,
           bool (*fits)(const json_t *group, const char *wanted),
           const char *wanted, json_t **group)
{
    HARBOR_AUTOFREE char *path = path_of_name(name);
    HarborList list = {.path = path, .what = what};
    json_t *rows = NULL;
    hr_status status = harbor_list(ask, &list, &rows);

    *group = NULL;
    for (size_t i = 0; i < json_array_size(rows) && *group == NULL; i++) {
        json_t *row = json_array_get(rows, i);

        if (fits(row, wanted))
            *group = json_incref(row);
    }
    json_decref(rows);
    if (status == HR_OK && *group == NULL)
        status = dist_fail(ask->call, HR_NOT_FOUND, "%s: there is none", what);
    return status;
}

static bool
has_key(const json_t *group, const char *wanted)
{
    HARBOR_AUTOFREE char *key = harbor_group_key(group);

    return key != NULL && strcmp(key, wanted) == 0;
}

static bool
has_name(const json_t *group, const char *wanted)
{
    return strcmp(harbor_json_text(group, "group_name", ""), wanted) == 0;
}

/* One of LDAP may be called anything. */
static hr_status
find_by_key(const HarborAsk *ask, const char *key, json_t **group)
{
    HARBOR_AUTOFREE char *what = harbor_text("look for group %s", key);
    const char *name = "";

    if (harbor_group_key_read(key, &name) == HARBOR_GROUP_LDAP)
        name = "";
    return find_group(ask, name, what, has_key, key, group);
}

static hr_status
read_group(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    json_t *group;
    hr_status status = find_by_key(ask, key, &group);

    if (status == HR_OK)
        status = give_group(ask, sink, group);
    json_decref(group);
    return status;
}

/* A name that another group has is answered with 500.  Returns the failure
 * that is recorded, or a better one. */
static hr_status
explain_500(const HarborAsk *ask, const char *what, const char *name,
            hr_status failure)
{
    HARBOR_AUTOFREE char *reason =
        harbor_text("%s", dist_host->call->reason(dist_module, ask->call));
    HARBOR_AUTOFREE char *holder = NULL;
    json_t *group;
    hr_status status = find_group(ask, name, what, has_name, name, &group);

    if (status != HR_OK) {
        dist_host->call->fail(dist_module, ask->call, failure, reason);
        return failure;
    }
    holder = holder_of(group);
    json_decref(group);
    return dist_fail(ask->call, HR_UNSUPPORTED,
                     "%s: the group \"%s\" is called \"%s\" here, and Harbor "
                     "holds each name once, over all types",
                     what, holder, name);
}

/* Sends a body with a name in it. */
static hr_status
send_group(const HarborAsk *ask, uint32_t method, const char *path,
           const json_t *body, const char *what)
{
    HarborRequest request = {.method = method, .path = path, .body = body};
    HarborAnswer answer;
    hr_status status = harbor_request(ask, &request, what, &answer);

    if (status != HR_OK && answer.status == 500)
        status = explain_500(ask, what,
                             harbor_json_text(body, "group_name", ""), status);
    harbor_answer_end(&answer);
    return status;
}

static hr_status
create_group(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *what = harbor_text("create group %s", write->key);
    json_t *body = harbor_group_create_body(write->key, write->wanted);
    hr_status status =
        send_group(ask, HR_HTTP_POST, "/usergroups", body, what);

    json_decref(body);
    return status;
}

static hr_status
find_id(const HarborAsk *ask, const char *key, int64_t *id)
{
    json_t *group = NULL;
    hr_status status = HR_OK;

    *id = harbor_recall(ask->registry, FAMILY, key);
    if (*id == 0)
        status = find_by_key(ask, key, &group);
    if (group != NULL)
        *id = harbor_json_number(group, "id", 0);
    json_decref(group);
    return status;
}

static hr_status
rename_group(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *what = harbor_text("rename group %s", write->key);
    HARBOR_AUTOFREE char *path = NULL;
    json_t *body;
    int64_t id;
    hr_status status = find_id(ask, write->key, &id);

    if (status != HR_OK)
        return status;
    path = harbor_text("/usergroups/%" PRId64, id);
    body = harbor_group_update_body(write->key, write->wanted);
    status = send_group(ask, HR_HTTP_PUT, path, body, what);
    json_decref(body);
    if (status == HR_NOT_FOUND)
        harbor_forget(ask->registry, FAMILY, write->key);
    return status;
}

static hr_status
write_group(const HarborAsk *ask, const HarborWrite *write)
{
    return write->action == HR_WRITE_CREATE ? create_group(ask, write)
                                            : rename_group(ask, write);
}

static void
fit_group(const HarborAsk *ask, hr_document_fit *fit)
{
    HarborGroupLimits limits = {
        .auth_mode = ask->who->auth_mode,
        .holder = find_holder,
        .data = ask,
    };

    harbor_group_fit(&limits, fit);
}

const HarborKind harbor_kind_usergroup = {
    .name = "usergroup",
    .rights = rights,
    .probe = "/usergroups?page_size=1",
    .list = list_groups,
    .read = read_group,
    .write = write_group,
    .fit = fit_group,
};
