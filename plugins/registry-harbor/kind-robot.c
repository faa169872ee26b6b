/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Robot accounts: lists and reading.  robot-write.c has the rest.
 *
 * Level=system written out lists robots of all levels up to Harbor 2.12:
 * robots of the system are asked for without it, those of projects by the
 * project's number.
 */
#include <inttypes.h>
#include <string.h>

#include "kinds.h"
#include "robot-document.h"
#include "robots.h"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "system", "robot", "list"},
    {HR_ACCESS_READ, "project", "robot", "list"},
    {HR_ACCESS_WRITE, "system", "robot", "create"},
    {HR_ACCESS_WRITE, "system", "robot", "update"},
    {HR_ACCESS_WRITE, "project", "robot", "create"},
    {HR_ACCESS_WRITE, "project", "robot", "update"},
    {0, NULL, NULL, NULL},
};

typedef struct Giving {
    const HarborAsk *ask;
    hr_document_sink *sink;
} Giving;

/* Since 2.10 no robot can be given the right to change others. */
static hr_status
know_robots(const HarborAsk *ask, uint32_t access)
{
    if ((access & HR_ACCESS_WRITE) == 0 || !ask->who->robot ||
        ask->who->version < HARBOR_VERSION(2, 10, 0))
        return HR_OK;
    return dist_fail(ask->call, HR_AUTH_DENIED,
                     "a robot account changes no robot accounts: log in as a "
                     "user who is an administrator");
}

/* Why a robot is left as it is, NULL if it is not. */
static const char *
protection_of(const HarborAsk *ask, const json_t *robot)
{
    if (ask->who->robot &&
        strcmp(harbor_json_text(robot, "name", ""), ask->who->name) == 0)
        return "it is the account that logs in";
    return harbor_json_flag(robot, "editable", true)
               ? NULL
               : "it is of Harbor 1.x and cannot be edited: a new secret, set "
                 "by hand, makes it one that can";
}

/* The key of a robot; the caller's. */
static hr_status
find_key(const HarborAsk *ask, const char *project, const json_t *robot,
         char **key)
{
    const char *full = harbor_json_text(robot, "name", "");
    const char *name =
        harbor_robot_short_name(full, ask->who->prefix, project);

    *key = NULL;
    if (name == NULL)
        return dist_fail(ask->call, HR_CONFLICT,
                         "robot %s: its name does not begin with %s any more: "
                         "robot_name_prefix has changed meanwhile",
                         full, ask->who->prefix);
    *key = project != NULL ? harbor_text("%s/%s", project, name)
                           : harbor_text("%s", name);
    return HR_OK;
}

/* Those that are not finished count as not there. */
static hr_status
give_robot(const Giving *giving, const char *project, const json_t *robot)
{
    const HarborAsk *ask = giving->ask;
    HARBOR_AUTOFREE char *key = NULL;
    hr_status status = find_key(ask, project, robot, &key);

    if (status != HR_OK || harbor_robot_unfinished(robot))
        return status;
    harbor_robot_remember(ask, key, robot);
    return harbor_give(ask, giving->sink, "robot", key,
                       harbor_robot_document(robot), NULL,
                       protection_of(ask, robot));
}

static hr_status
give_robots(const Giving *giving, const char *project, const json_t *rows)
{
    hr_status status = HR_OK;

    for (size_t i = 0; i < json_array_size(rows) && status == HR_OK; i++)
        status = give_robot(giving, project, json_array_get(rows, i));
    return status;
}

static char *
path_of_project(void *data, const json_t *project)
{
    (void)data;
    return harbor_text(
        "/robots?q=Level%%3Dproject%%2CProjectID%%3D%" JSON_INTEGER_FORMAT,
        harbor_json_number(project, "project_id", 0));
}

static hr_status
take_robots(void *data, const json_t *project, json_t *rows)
{
    return give_robots(data, harbor_json_text(project, "name", ""), rows);
}

static hr_status
list_of_system(const Giving *giving)
{
    static const HarborList list = {
        .path = "/robots",
        .what = "list the robots of the system",
        .sort = "-id",
    };
    json_t *rows = NULL;
    hr_status status = harbor_list(giving->ask, &list, &rows);

    if (status == HR_OK)
        status = give_robots(giving, NULL, rows);
    json_decref(rows);
    return status;
}

static hr_status
list_robots(const HarborAsk *ask, const hr_document_scope *scope,
            hr_document_sink *sink)
{
    Giving giving = {.ask = ask, .sink = sink};
    HarborWalk walk = {
        .data = &giving,
        .things = "robots",
        .sort = "-id",
        .path = path_of_project,
        .take = take_robots,
    };
    hr_status status = list_of_system(&giving);

    return status == HR_OK ? harbor_walk(ask, scope, &walk, sink) : status;
}

static hr_status
read_robot(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    Giving giving = {.ask = ask, .sink = sink};
    HARBOR_AUTOFREE char *project = NULL;
    const char *name;
    json_t *robot;
    hr_status status = harbor_robot_find(ask, key, &robot);

    harbor_key_split(key, &project, &name);
    if (status == HR_OK && harbor_robot_unfinished(robot))
        status = dist_fail(ask->call, HR_NOT_FOUND,
                           "robot %s: its creation was not finished", key);
    if (status == HR_OK)
        status = give_robot(&giving, project, robot);
    json_decref(robot);
    return status;
}

static void
fit_robot(const HarborAsk *ask, hr_document_fit *fit)
{
    HarborRobotLimits limits = {
        .product = ask->who->product,
        .minor = ask->who->version / 1000 % 1000,
        .catalogue = ask->who->catalogue,
    };

    harbor_robot_fit(&limits, fit);
}

const HarborKind harbor_kind_robot = {
    .name = "robot",
    .rights = rights,
    .probe = "/robots?page_size=1",
    .known = know_robots,
    .list = list_robots,
    .read = read_robot,
    .write = harbor_robot_write,
    .fit = fit_robot,
    .check = harbor_robot_check,
};
