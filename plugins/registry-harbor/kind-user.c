/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Accounts of people: the requests. */
#include <inttypes.h>
#include <string.h>

#include "kinds.h"
#include "user-document.h"

#define FAMILY "user"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "system", "user", "list"},
    {HR_ACCESS_WRITE, "system", "user", "create"},
    {HR_ACCESS_WRITE, "system", "user", "update"},
    {0, NULL, NULL, NULL},
};

static hr_status
know_users(const HarborAsk *ask, uint32_t access)
{
    const char *mode = ask->who->auth_mode;

    (void)access;
    if (ask->who->robot && ask->who->version < HARBOR_VERSION(2, 10, 0))
        return dist_fail(ask->call, HR_AUTH_DENIED,
                         "before 2.10 no robot account may, whatever its "
                         "rights");
    if (strcmp(mode, "db_auth") == 0)
        return HR_OK;
    return dist_fail(ask->call, HR_UNSUPPORTED,
                     "with auth_mode %s accounts come from outside",
                     *mode != '\0' ? mode : "unknown");
}

static hr_status
give_user(const HarborAsk *ask, hr_document_sink *sink, const json_t *user)
{
    const char *name = harbor_json_text(user, "username", "");
    bool own = !ask->who->robot && strcmp(name, ask->who->name) == 0;

    if (!harbor_key_valid(name))
        return HR_OK;
    harbor_remember(ask->registry, FAMILY, name,
                    harbor_json_number(user, "user_id", 0));
    return harbor_give(ask, sink, "user", name, harbor_user_document(user),
                       NULL, own ? "it is the account that logs in" : NULL);
}

static hr_status
list_users(const HarborAsk *ask, const hr_document_scope *scope,
           hr_document_sink *sink)
{
    static const HarborList list = {
        .path = "/users",
        .what = "list the users",
        .sort = "-user_id",
        .id = "user_id",
    };
    json_t *rows = NULL;
    hr_status status = harbor_list(ask, &list, &rows);

    (void)scope;
    for (size_t i = 0; i < json_array_size(rows) && status == HR_OK; i++)
        status = give_user(ask, sink, json_array_get(rows, i));
    json_decref(rows);
    return status;
}

static char *
path_of_user(const char *name)
{
    HARBOR_AUTOFREE char *value = NULL;

    if (!harbor_query_plain(name))
        return harbor_text("/users");
    value = harbor_escape_twice(name);
    return harbor_text("/users?q=username%%3D%s", value);
}

/* HR_NOT_FOUND if there is none of that name. */
static hr_status
find_user(const HarborAsk *ask, const char *name, json_t **user)
{
    HARBOR_AUTOFREE char *path = path_of_user(name);
    HARBOR_AUTOFREE char *what = harbor_text("look for user %s", name);
    HarborList list = {
        .path = path,
        .what = what,
        .sort = "-user_id",
        .id = "user_id",
    };
    json_t *rows = NULL;
    hr_status status = harbor_list(ask, &list, &rows);

    *user = NULL;
    for (size_t i = 0; i < json_array_size(rows) && *user == NULL; i++) {
        json_t *row = json_array_get(rows, i);

        if (strcmp(harbor_json_text(row, "username", ""), name) == 0)
            *user = json_incref(row);
    }
    json_decref(rows);
    if (status == HR_OK && *user == NULL)
        status = dist_fail(ask->call, HR_NOT_FOUND, "%s: there is none", what);
    return status;
}

static hr_status
read_user(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    json_t *user;
    hr_status status = find_user(ask, key, &user);

    if (status == HR_OK)
        status = give_user(ask, sink, user);
    json_decref(user);
    return status;
}

static hr_status
set_sysadmin(const HarborAsk *ask, const HarborWrite *write, int64_t id)
{
    HARBOR_AUTOFREE char *path =
        harbor_text("/users/%" PRId64 "/sysadmin", id);
    HARBOR_AUTOFREE char *what =
        harbor_text("set whether user %s is an administrator", write->key);

    return harbor_write(ask, HR_HTTP_PUT, path,
                        harbor_user_sysadmin_body(write->wanted), what, NULL);
}

/* A 409 is about the name or about the e-mail address. */
static hr_status
explain_conflict(const HarborAsk *ask, const HarborWrite *write)
{
    json_t *user;
    hr_status status = find_user(ask, write->key, &user);

    json_decref(user);
    if (status == HR_OK)
        return dist_fail(ask->call, HR_CONFLICT,
                         "create user %s: there is one of that name",
                         write->key);
    if (status != HR_NOT_FOUND)
        return status;
    return dist_fail(ask->call, HR_UNSUPPORTED,
                     "create user %s: its e-mail address %s is that of "
                     "another account",
                     write->key, harbor_json_text(write->wanted, "email", ""));
}

static hr_status
send_new_user(const HarborAsk *ask, const HarborWrite *write,
              const char *password, int64_t *id)
{
    HARBOR_AUTOFREE char *what = harbor_text("create user %s", write->key);

    return harbor_write(
        ask, HR_HTTP_POST, "/users",
        harbor_user_create_body(write->key, write->wanted, password), what,
        id);
}

static hr_status
create_user(const HarborAsk *ask, const HarborWrite *write)
{
    const char *password = harbor_user_password(write->secrets);
    int64_t id = 0;
    hr_status status;

    if (password == NULL)
        return dist_fail(ask->call, HR_UNSUPPORTED,
                         "create user %s: no password is known for it",
                         write->key);
    status = send_new_user(ask, write, password, &id);
    if (status == HR_CONFLICT)
        return explain_conflict(ask, write);
    if (status == HR_OK && harbor_json_flag(write->wanted, "sysadmin", false))
        status = set_sysadmin(ask, write, id);
    return status;
}

static hr_status
find_id(const HarborAsk *ask, const char *key, int64_t *id)
{
    json_t *user = NULL;
    hr_status status = HR_OK;

    *id = harbor_recall(ask->registry, FAMILY, key);
    if (*id == 0)
        status = find_user(ask, key, &user);
    if (user != NULL)
        *id = harbor_json_number(user, "user_id", 0);
    json_decref(user);
    return status;
}

static hr_status
update_user(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *what = harbor_text("change user %s", write->key);
    HARBOR_AUTOFREE char *path = NULL;
    int64_t id;
    hr_status status = find_id(ask, write->key, &id);

    if (status != HR_OK)
        return status;
    path = harbor_text("/users/%" PRId64, id);
    if (harbor_user_profiles_differ(write->wanted, write->found))
        status =
            harbor_write(ask, HR_HTTP_PUT, path,
                         harbor_user_profile_body(write->wanted), what, NULL);
    if (status == HR_OK &&
        harbor_json_flag(write->wanted, "sysadmin", false) !=
            harbor_json_flag(write->found, "sysadmin", false))
        status = set_sysadmin(ask, write, id);
    if (status == HR_NOT_FOUND)
        harbor_forget(ask->registry, FAMILY, write->key);
    return status;
}

static hr_status
write_user(const HarborAsk *ask, const HarborWrite *write)
{
    if (!ask->who->robot && strcmp(write->key, ask->who->name) == 0)
        return dist_fail(ask->call, HR_UNSUPPORTED,
                         "change user %s: it is the account that logs in",
                         write->key);
    return write->action == HR_WRITE_CREATE ? create_user(ask, write)
                                            : update_user(ask, write);
}

static void
fit_user(const HarborAsk *ask, hr_document_fit *fit)
{
    (void)ask;
    harbor_user_fit(fit);
}

const HarborKind harbor_kind_user = {
    .name = "user",
    .rights = rights,
    .known = know_users,
    .probe = "/users?page_size=1",
    .list = list_users,
    .read = read_user,
    .write = write_user,
    .fit = fit_user,
};
