/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rights: what the robot that we log in as may do.
 *
 * It is asked for its own permissions, if it may see robots.  Otherwise each
 * kind is tried with one GET: what is refused is not to be had, and what may be
 * written shows when it is.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.h"
#include "robot-rights.h"

/* What can be in a short name, beside the + behind a project. */
static bool
is_name_character(char c)
{
    return islower((unsigned char)c) || isdigit((unsigned char)c) ||
           strchr("._-+", c) != NULL;
}

char *
harbor_prefix_of(const char *full)
{
    size_t length = strlen(full);

    while (length > 0 && is_name_character(full[length - 1]))
        length--;
    return harbor_text("%.*s", (int)length, full);
}

/* ------------------------------------------------------------- asked for */

/* The list that has a robot in it whose stored name this is: "team+ci" of
 * "robot$team+ci". */
static hr_status
make_path(const HarborAsk *ask, const char *stored, char **path)
{
    const char *plus = strchr(stored, '+');
    HARBOR_AUTOFREE char *escaped = harbor_escape_twice(stored);
    HARBOR_AUTOFREE char *project = NULL;
    int64_t id;
    hr_status status;

    *path = NULL;
    if (plus == NULL) {
        *path = harbor_text("/robots?q=name%%3D%s", escaped);
        return HR_OK;
    }
    project = harbor_text("%.*s", (int)(plus - stored), stored);
    status = harbor_project_id(ask, project, &id);
    if (status == HR_OK)
        *path = harbor_text("/robots?q=Level%%3Dproject%%2CProjectID%%3D%lld"
                            "%%2Cname%%3D%s",
                            (long long)id, escaped);
    return status;
}

static void
take_own(HarborIdentity *who, const json_t *robots)
{
    for (size_t i = 0; i < json_array_size(robots); i++) {
        const json_t *robot = json_array_get(robots, i);

        if (strcmp(harbor_json_text(robot, "name", ""), who->name) == 0)
            who->permissions =
                harbor_rights_sorted(json_object_get(robot, "permissions"));
    }
}

/* Asks under one name; what it may not see it does not find. */
static hr_status
ask_as(const HarborAsk *ask, HarborIdentity *who, const char *stored)
{
    HARBOR_AUTOFREE char *path = NULL;
    json_auto_t *robots = NULL;
    HarborList list = {.what = "read our own permissions", .sort = "-id"};
    hr_status status = make_path(ask, stored, &path);

    list.path = path;
    if (status == HR_OK)
        status = harbor_list(ask, &list, &robots);
    if (status == HR_OK)
        take_own(who, robots);
    if (status != HR_AUTH_DENIED && status != HR_NOT_FOUND)
        return status;
    dist_host->call->forgive(dist_module, ask->call);
    return HR_OK;
}

/* Where a name may begin, behind a prefix that nobody has told: the next place
 * after `at`; NULL: there is none. */
static const char *
next_start(const char *at)
{
    at += strcspn(at, "._-+");
    return *at != '\0' && at[1] != '\0' ? at + 1 : NULL;
}

/* Most prefixes end in what no name can have; "bot-" could be part of one. */
static hr_status
ask_own(const HarborAsk *ask, HarborIdentity *who)
{
    const char *stored = who->name + strlen(who->prefix);
    hr_status status = HR_OK;

    if (strncmp(who->name, who->prefix, strlen(who->prefix)) != 0)
        stored = who->name;
    while (stored != NULL && status == HR_OK) {
        status = ask_as(ask, who, stored);
        if (who->permissions != NULL) {
            free(who->prefix);
            who->prefix =
                harbor_text("%.*s", (int)(stored - who->name), who->name);
            return status;
        }
        stored = next_start(stored);
    }
    return status;
}

/* ----------------------------------------------------------------- tried */

typedef struct Probing {
    const HarborAsk *ask;
    HarborIdentity *who;
    json_t *projects; /* one of them stands for all */
} Probing;

/* One that is not public: what anybody may see of others tells nothing. */
static const json_t *
choose_project(const json_t *projects)
{
    for (size_t i = 0; i < json_array_size(projects); i++) {
        const json_t *row = json_array_get(projects, i);
        const json_t *metadata = json_object_get(row, "metadata");

        if (strcmp(harbor_json_text(metadata, "public", ""), "true") != 0)
            return row;
    }
    return json_array_get(projects, 0);
}

/* Of a project that has one; NULL: there is none to be read. */
static char *
retention_path(const json_t *projects, const char *probe)
{
    for (size_t i = 0; i < json_array_size(projects); i++) {
        const json_t *metadata =
            json_object_get(json_array_get(projects, i), "metadata");
        HARBOR_AUTOFREE char *id =
            harbor_escape(harbor_json_text(metadata, "retention_id", ""));

        if (*id != '\0')
            return harbor_text("%s%s", probe, id);
    }
    return NULL;
}

static char *
probe_path(void *data, size_t index)
{
    const Probing *probing = data;
    const char *probe = harbor_kinds[index]->probe;
    const json_t *project = choose_project(probing->projects);

    if (probe == NULL)
        return NULL;
    if (*probe != '/')
        return project != NULL
                   ? harbor_text("/projects/%s/%s",
                                 harbor_json_text(project, "name", ""), probe)
                   : NULL;
    if (probe[strlen(probe) - 1] == '/')
        return retention_path(probing->projects, probe);
    if (probe[strlen(probe) - 1] != '=')
        return harbor_text("%s", probe);
    return harbor_text(
        "%s%lld", probe,
        (long long)harbor_json_number(project, "project_id", 0));
}

static char *
probe_what(void *data, size_t index)
{
    (void)data;
    return harbor_text("find out whether documents of the kind %s may be read",
                       harbor_kinds[index]->name);
}

static hr_status
probe_take(void *data, size_t index, hr_status status, HarborAnswer *answer)
{
    const Probing *probing = data;

    if (status == HR_OK)
        return HR_OK;
    if (answer->status == 0 || answer->status >= 500)
        return status;
    dist_host->call->forgive(dist_module, probing->ask->call);
    /* What has gone since it was named is nobody's to refuse. */
    if (answer->status != 404)
        json_object_set_new(probing->who->denied, harbor_kinds[index]->name,
                            json_true());
    return HR_OK;
}

static hr_status
try_kinds(const HarborAsk *ask, HarborIdentity *who)
{
    Probing probing = {.ask = ask, .who = who};
    HarborBatch batch = {.data = &probing,
                         .path = probe_path,
                         .what = probe_what,
                         .take = probe_take};
    hr_status status = harbor_projects(ask, &probing.projects);

    who->denied = json_object();
    while (harbor_kinds[batch.count] != NULL)
        batch.count++;
    if (status == HR_AUTH_DENIED) {
        dist_host->call->forgive(dist_module, ask->call);
        status = HR_OK;
    }
    if (status == HR_OK)
        status = harbor_batch(ask, &batch);
    json_decref(probing.projects);
    return status;
}

hr_status
harbor_rights_learn(const HarborAsk *ask, HarborIdentity *who)
{
    hr_status status = HR_OK;

    if (*who->name != '\0')
        status = ask_own(ask, who);
    if (status == HR_OK && who->permissions == NULL)
        status = try_kinds(ask, who);
    return status;
}

/* --------------------------------------------------------------- looked up */

static bool
allows(const json_t *permission, const HarborRight *right)
{
    const json_t *accesses = json_object_get(permission, "access");

    if (strcmp(harbor_json_text(permission, "kind", ""), right->level) != 0)
        return false;
    for (size_t i = 0; i < json_array_size(accesses); i++) {
        const json_t *access = json_array_get(accesses, i);
        const char *resource = harbor_json_text(access, "resource", "");
        const char *action = harbor_json_text(access, "action", "");

        if ((strcmp(resource, right->resource) == 0 ||
             strcmp(resource, "*") == 0) &&
            (strcmp(action, right->action) == 0 || strcmp(action, "*") == 0) &&
            strcmp(harbor_json_text(access, "effect", "allow"), "deny") != 0)
            return true;
    }
    return false;
}

/* Before 2.10 rights in the system put those in projects out of force. */
static bool
heeds(const HarborIdentity *who, const HarborRight *right)
{
    if (who->version >= HARBOR_VERSION(2, 10, 0) ||
        strcmp(right->level, "system") == 0)
        return true;
    for (size_t i = 0; i < json_array_size(who->permissions); i++)
        if (strcmp(harbor_json_text(json_array_get(who->permissions, i),
                                    "kind", ""),
                   "system") == 0)
            return false;
    return true;
}

/* Of a project that is all it has, a robot may have the right, too. */
bool
harbor_robot_may(const HarborIdentity *who, const HarborRight *right)
{
    if (!heeds(who, right))
        return false;
    for (size_t i = 0; i < json_array_size(who->permissions); i++)
        if (allows(json_array_get(who->permissions, i), right))
            return true;
    return false;
}

bool
harbor_robot_may_in(const HarborIdentity *who, const HarborRight *right,
                    const char *project)
{
    for (size_t i = 0; i < json_array_size(who->permissions); i++) {
        const json_t *permission = json_array_get(who->permissions, i);
        const char *namespace = harbor_json_text(permission, "namespace", "");

        if ((strcmp(namespace, project) == 0 || strcmp(namespace, "*") == 0) &&
            allows(permission, right))
            return true;
    }
    return false;
}
