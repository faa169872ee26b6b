/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Members of projects: the requests.
 *
 * A member that is a group comes with the group's id: its type and DN are in
 * the list of groups, which is read once if there is any such member.  With
 * some auth_modes that list has groups of one type only; the others are asked
 * for one by one.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "group-document.h"
#include "kinds.h"
#include "member-document.h"

#define FAMILY "member"

/* The account with this number may do everything, and is made a member of
 * what it creates. */
#define ADMINISTRATOR 1

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "project", "member", "list"},
    {HR_ACCESS_READ, "system", "user-group", "list"},
    {HR_ACCESS_READ, "system", "user-group", "read"},
    {HR_ACCESS_WRITE, "project", "member", "create"},
    {HR_ACCESS_WRITE, "project", "member", "update"},
    {0, NULL, NULL, NULL},
};

/* Members on their way to the host. */
typedef struct Giving {
    const HarborAsk *ask;
    hr_document_sink *sink;
    json_t *groups; /* rows by id; NULL: not read yet                      */
    json_t *given;  /* keys of those of a list that were handed over       */
} Giving;

/* --------------------------------------------------------------- groups */

static char *
id_text(int64_t id)
{
    return harbor_text("%" PRId64, id);
}

static hr_status
read_groups(Giving *giving)
{
    static const HarborList list = {
        .path = "/usergroups",
        .what = "list the user groups that are members",
    };
    json_t *rows = NULL;
    hr_status status = harbor_list(giving->ask, &list, &rows);

    if (status != HR_OK)
        return status;
    giving->groups = json_object();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        HARBOR_AUTOFREE char *id = id_text(harbor_json_number(row, "id", 0));
        HARBOR_AUTOFREE char *key = harbor_group_key(row);

        json_object_set(giving->groups, id, row);
        if (key != NULL)
            harbor_remember(giving->ask->registry, "usergroup", key,
                            harbor_json_number(row, "id", 0));
    }
    json_decref(rows);
    return HR_OK;
}

/* Asks for a group that is not in the list; null if it is gone. */
static hr_status
read_group(Giving *giving, const char *id, const char *name)
{
    HARBOR_AUTOFREE char *path = harbor_text("/usergroups/%s", id);
    HARBOR_AUTOFREE char *what = harbor_text("read user group %s", name);
    hr_call *call = giving->ask->call;
    json_t *group = NULL;
    hr_status status = harbor_get(giving->ask, path, what, &group);

    if (status == HR_NOT_FOUND) {
        dist_host->call->forgive(dist_module, call);
        group = json_null();
        status = HR_OK;
    }
    if (status == HR_OK)
        json_object_set_new(giving->groups, id, group);
    return status;
}

/* What is known of the group that a member is; NULL for a user, and for a
 * group that is gone.  Borrowed. */
static hr_status
find_group(Giving *giving, const json_t *member, const json_t **group)
{
    HARBOR_AUTOFREE char *id =
        id_text(harbor_json_number(member, "entity_id", 0));
    hr_status status = HR_OK;

    *group = NULL;
    if (harbor_member_is_user(member))
        return HR_OK;
    if (giving->groups == NULL)
        status = read_groups(giving);
    if (status == HR_OK && json_object_get(giving->groups, id) == NULL)
        status = read_group(giving, id,
                            harbor_json_text(member, "entity_name", ""));
    if (status == HR_OK)
        *group = json_object_get(giving->groups, id);
    return status;
}

/* --------------------------------------------------------------- giving */

static bool
is_administrator(const json_t *member)
{
    return harbor_member_is_user(member) &&
           harbor_json_number(member, "entity_id", 0) == ADMINISTRATOR;
}

static bool
is_login(const HarborAsk *ask, const json_t *member)
{
    return !ask->who->robot && harbor_member_is_user(member) &&
           strcmp(harbor_json_text(member, "entity_name", ""),
                  ask->who->name) == 0;
}

/* Why a member is left as it is, NULL if it is not. */
static const char *
protection_of(const HarborAsk *ask, const json_t *member)
{
    if (is_login(ask, member))
        return "it is the account that logs in";
    return is_administrator(member) ? "it is the administrator" : NULL;
}

/* The key of a member, NULL if it has none. */
static hr_status
find_key(Giving *giving, const char *project, const json_t *member, char **key)
{
    const json_t *group;
    hr_status status = find_group(giving, member, &group);

    *key = NULL;
    if (status == HR_OK)
        *key = harbor_member_key(project, member, group);
    return status;
}

static hr_status
give_member(const Giving *giving, const char *key, const json_t *member)
{
    const HarborAsk *ask = giving->ask;
    json_t *document = harbor_member_document(member);

    if (document == NULL || !harbor_key_valid(key)) {
        json_decref(document);
        return HR_OK;
    }
    harbor_remember(ask->registry, FAMILY, key,
                    harbor_json_number(member, "id", 0));
    return harbor_give(ask, giving->sink, "member", key, document, NULL,
                       protection_of(ask, member));
}

/* Whoever creates a project becomes a member of it: those are left out. */
static hr_status
list_member(Giving *giving, const char *project, const json_t *member)
{
    HARBOR_AUTOFREE char *key = NULL;
    hr_status status;

    if (protection_of(giving->ask, member) != NULL)
        return HR_OK;
    status = find_key(giving, project, member, &key);
    /* Two groups of LDAP may have DNs that differ in case only. */
    if (status != HR_OK || key == NULL ||
        json_object_get(giving->given, key) != NULL)
        return status;
    json_object_set_new(giving->given, key, json_true());
    return give_member(giving, key, member);
}

static char *
path_of_project(void *data, const json_t *project)
{
    HARBOR_AUTOFREE char *name =
        harbor_escape(harbor_json_text(project, "name", ""));

    (void)data;
    return harbor_text("/projects/%s/members", name);
}

static hr_status
take_members(void *data, const json_t *project, json_t *rows)
{
    const char *name = harbor_json_text(project, "name", "");
    hr_status status = HR_OK;

    for (size_t i = 0; i < json_array_size(rows) && status == HR_OK; i++)
        status = list_member(data, name, json_array_get(rows, i));
    return status;
}

static hr_status
list_members(const HarborAsk *ask, const hr_document_scope *scope,
             hr_document_sink *sink)
{
    Giving giving = {.ask = ask, .sink = sink, .given = json_object()};
    HarborWalk walk = {
        .data = &giving,
        .things = "members",
        .path = path_of_project,
        .take = take_members,
    };
    hr_status status = harbor_walk(ask, scope, &walk, sink);

    json_decref(giving.groups);
    json_decref(giving.given);
    return status;
}

/* -------------------------------------------------------------- reading */

/* Path of a list that has the member.  One of LDAP may be called anything. */
static char *
path_of_member(const HarborMemberKey *member)
{
    HARBOR_AUTOFREE char *project = harbor_escape(member->project);
    HARBOR_AUTOFREE char *name = harbor_escape(member->name);

    return member->group_type == HARBOR_GROUP_LDAP
               ? harbor_text("/projects/%s/members", project)
               : harbor_text("/projects/%s/members?entityname=%s", project,
                             name);
}

/* One member of a list, if it is the one of that key. */
static hr_status
compare_key(Giving *giving, const HarborMemberKey *wanted, const char *key,
            json_t *row, json_t **member)
{
    HARBOR_AUTOFREE char *found = NULL;
    hr_status status;

    if (harbor_member_is_user(row) != (wanted->group_type == 0))
        return HR_OK;
    status = find_key(giving, wanted->project, row, &found);
    if (status == HR_OK && found != NULL && strcmp(found, key) == 0)
        *member = json_incref(row);
    return status;
}

/* A list with a filter is no more than a few rows, and its X-Total-Count is
 * that of the project. */
static hr_status
ask_filtered(const HarborAsk *ask, const char *path, const char *what,
             json_t **rows)
{
    HarborRequest request = {.method = HR_HTTP_GET, .path = path};
    HarborAnswer answer;
    hr_status status = harbor_request(ask, &request, what, &answer);

    *rows = json_incref(answer.body);
    harbor_answer_end(&answer);
    return status;
}

static hr_status
ask_candidates(const HarborAsk *ask, const HarborMemberKey *wanted,
               const char *what, json_t **rows)
{
    HARBOR_AUTOFREE char *path = path_of_member(wanted);
    HarborList list = {.path = path, .what = what};

    *rows = NULL;
    return wanted->group_type == HARBOR_GROUP_LDAP
               ? harbor_list(ask, &list, rows)
               : ask_filtered(ask, path, what, rows);
}

/* The member of a key.  HR_NOT_FOUND if there is none. */
static hr_status
search(Giving *giving, const HarborMemberKey *wanted, const char *key,
       json_t **member)
{
    HARBOR_AUTOFREE char *what = harbor_text("look for member %s", key);
    json_t *rows = NULL;
    hr_status status = ask_candidates(giving->ask, wanted, what, &rows);

    for (size_t i = 0;
         i < json_array_size(rows) && status == HR_OK && *member == NULL; i++)
        status =
            compare_key(giving, wanted, key, json_array_get(rows, i), member);
    json_decref(rows);
    if (status == HR_OK && *member == NULL)
        status = dist_fail(giving->ask->call, HR_NOT_FOUND,
                           "%s: there is none", what);
    return status;
}

static hr_status
find_member(Giving *giving, const char *key, json_t **member)
{
    HarborMemberKey wanted;
    hr_status status;

    *member = NULL;
    /* For one group it does not take the list of all. */
    giving->groups = json_object();
    if (harbor_member_key_read(key, &wanted))
        status = search(giving, &wanted, key, member);
    else
        status = dist_fail(giving->ask->call, HR_NOT_FOUND,
                           "member %s: there is no such member", key);
    harbor_member_key_end(&wanted);
    json_decref(giving->groups);
    giving->groups = NULL;
    return status;
}

static hr_status
read_member(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    Giving giving = {.ask = ask, .sink = sink};
    json_t *member;
    hr_status status = find_member(&giving, key, &member);

    if (status == HR_OK)
        status = give_member(&giving, key, member);
    json_decref(member);
    return status;
}

/* -------------------------------------------------------------- writing */

/* A 404 is about the project, or about whom it is to have as a member. */
static hr_status
explain_404(const HarborAsk *ask, const HarborMemberKey *member,
            const char *what)
{
    int64_t id;
    hr_status status;

    harbor_forget(ask->registry, "project", member->project);
    status = harbor_project_id(ask, member->project, &id);
    if (status != HR_OK)
        return status;
    if (member->group_type != 0)
        return dist_fail(ask->call, HR_UNSUPPORTED,
                         "%s: there is no such group here, and with auth_mode "
                         "%s none is made on the way",
                         what, ask->who->auth_mode);
    if (strcmp(ask->who->auth_mode, "db_auth") == 0)
        return dist_fail(ask->call, HR_UNSUPPORTED,
                         "%s: there is no such user here: create the account, "
                         "or add user to the kinds",
                         what);
    return dist_fail(ask->call, HR_UNSUPPORTED,
                     "%s: nobody of that name has logged in here so far, and "
                     "with auth_mode %s a user is known from then on",
                     what, ask->who->auth_mode);
}

/* Only of LDAP: groups of other types are found by their names. */
static int64_t
recall_group(const HarborAsk *ask, const HarborMemberKey *member)
{
    return member->group_type == HARBOR_GROUP_LDAP
               ? harbor_recall(ask->registry, "usergroup", member->who)
               : 0;
}

static hr_status
send_new_member(const HarborAsk *ask, const HarborWrite *write,
                const HarborMemberKey *member)
{
    HARBOR_AUTOFREE char *what = harbor_text("add member %s", write->key);
    HARBOR_AUTOFREE char *project = harbor_escape(member->project);
    HARBOR_AUTOFREE char *path = harbor_text("/projects/%s/members", project);
    int64_t group_id = recall_group(ask, member);
    int64_t id = 0;
    hr_status status = harbor_write(
        ask, HR_HTTP_POST, path,
        harbor_member_create_body(member, write->wanted, group_id), what, &id);

    if (status == HR_OK)
        harbor_remember(ask->registry, FAMILY, write->key, id);
    else if (group_id != 0)
        harbor_forget(ask->registry, "usergroup", member->who);
    return status == HR_NOT_FOUND ? explain_404(ask, member, what) : status;
}

static hr_status
create_member(const HarborAsk *ask, const HarborWrite *write)
{
    HarborMemberKey member;
    hr_status status;

    if (harbor_member_key_read(write->key, &member))
        status = send_new_member(ask, write, &member);
    else
        status = dist_fail(ask->call, HR_INVALID,
                           "add member %s: there can be no such member",
                           write->key);
    harbor_member_key_end(&member);
    return status;
}

static hr_status
find_id(const HarborAsk *ask, const char *key, int64_t *id)
{
    Giving giving = {.ask = ask};
    json_t *member = NULL;
    hr_status status = HR_OK;

    *id = harbor_recall(ask->registry, FAMILY, key);
    if (*id == 0)
        status = find_member(&giving, key, &member);
    if (member != NULL)
        *id = harbor_json_number(member, "id", 0);
    json_decref(member);
    return status;
}

/* A member that is gone is answered with 200. */
static hr_status
update_member(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *what =
        harbor_text("change the role of member %s", write->key);
    HARBOR_AUTOFREE char *name = NULL;
    HARBOR_AUTOFREE char *project = NULL;
    HARBOR_AUTOFREE char *path = NULL;
    const char *rest;
    int64_t id;
    hr_status status = find_id(ask, write->key, &id);

    if (status != HR_OK)
        return status;
    harbor_key_split(write->key, &name, &rest);
    project = harbor_escape(name);
    path = harbor_text("/projects/%s/members/%" PRId64, project, id);
    status =
        harbor_write(ask, HR_HTTP_PUT, path,
                     harbor_member_update_body(write->wanted), what, NULL);
    harbor_forget(ask->registry, FAMILY, write->key);
    return status;
}

static hr_status
write_member(const HarborAsk *ask, const HarborWrite *write)
{
    return write->action == HR_WRITE_CREATE ? create_member(ask, write)
                                            : update_member(ask, write);
}

static void
fit_member(const HarborAsk *ask, hr_document_fit *fit)
{
    harbor_member_fit(ask->who->robot ? NULL : ask->who->name, fit);
}

const HarborKind harbor_kind_member = {
    .name = "member",
    .keys = HARBOR_KEYS_IN_PROJECTS,
    .rights = rights,
    .probe = "members?page_size=1",
    .list = list_members,
    .read = read_member,
    .write = write_member,
    .fit = fit_member,
};
