/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Robot accounts: one of them, and whether its secret is right. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "robot-document.h"
#include "robots.h"

/* How long a login that failed may take, and locks its name. */
#define LOGIN_PAUSE_MS 2000

void
harbor_robot_remember(const HarborAsk *ask, const char *key,
                      const json_t *robot)
{
    harbor_remember(ask->registry, "robot", key,
                    harbor_json_number(robot, "id", 0));
    harbor_remember_text(ask->registry, "robot-name", key,
                         harbor_json_text(robot, "name", ""));
}

/* Path of a list that has the robot, if there is one.  Harbor compares the
 * name as it is stored. */
static hr_status
make_path(const HarborAsk *ask, const char *key, char **path)
{
    HARBOR_AUTOFREE char *stored = harbor_robot_stored_name(key);
    HARBOR_AUTOFREE char *value = harbor_escape_twice(stored);
    HARBOR_AUTOFREE char *project = NULL;
    const char *name;
    int64_t id = 0;
    hr_status status;

    *path = NULL;
    if (!harbor_key_split(key, &project, &name)) {
        *path = harbor_text("/robots?q=name%%3D%s", value);
        return HR_OK;
    }
    status = harbor_project_id(ask, project, &id);
    if (status == HR_OK)
        *path = harbor_text("/robots?q=Level%%3Dproject%%2CProjectID%%3D"
                            "%" PRId64 "%%2Cname%%3D%s",
                            id, value);
    return status;
}

/* The row whose name is of that key; the filter is not relied on. */
static json_t *
pick(const HarborAsk *ask, const char *key, const json_t *rows)
{
    HARBOR_AUTOFREE char *project = NULL;
    const char *wanted;

    harbor_key_split(key, &project, &wanted);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        const char *name = harbor_robot_short_name(
            harbor_json_text(row, "name", ""), ask->who->prefix, project);

        if (name != NULL && strcmp(name, wanted) == 0)
            return json_incref(row);
    }
    return NULL;
}

hr_status
harbor_robot_find(const HarborAsk *ask, const char *key, json_t **robot)
{
    HARBOR_AUTOFREE char *what = harbor_text("look for robot %s", key);
    HARBOR_AUTOFREE char *path = NULL;
    HarborList list = {.what = what, .sort = "-id"};
    json_t *rows = NULL;
    hr_status status = make_path(ask, key, &path);

    *robot = NULL;
    if (status != HR_OK)
        return status;
    list.path = path;
    status = harbor_list(ask, &list, &rows);
    if (status == HR_OK)
        *robot = pick(ask, key, rows);
    json_decref(rows);
    if (status == HR_OK && *robot == NULL)
        status = dist_fail(ask->call, HR_NOT_FOUND, "%s: there is none", what);
    return status;
}

/* 1 if nobody can log in as it, whatever the secret. */
static int
is_idle(const HarborAsk *ask, const json_t *robot)
{
    int64_t end_s = harbor_json_number(robot, "expires_at", -1);
    int64_t now_s = (int64_t)time(NULL) + ask->who->clock_ahead_ms / 1000;

    return harbor_json_flag(robot, "disable", false) ||
           (end_s >= 0 && end_s <= now_s);
}

/* After a refused login: is it the secret? */
static hr_status
judge_refusal(const HarborAsk *ask, const char *key)
{
    json_t *robot;
    hr_status status = harbor_robot_find(ask, key, &robot);
    int idle = status == HR_OK && is_idle(ask, robot);

    json_decref(robot);
    if (status != HR_OK)
        return status;
    if (idle)
        return dist_fail(ask->call, HR_UNSUPPORTED,
                         "robot %s is disabled, or its term is over: nobody "
                         "can tell whether a secret is right",
                         key);
    return dist_fail(ask->call, HR_AUTH_DENIED, "robot %s has another secret",
                     key);
}

/* Asks, as the robot, who we are: 412 says that a robot has no such thing, and
 * so that it is one. */
static hr_status
log_in(const HarborAsk *ask, const char *full, const char *secret,
       uint32_t *answered)
{
    HARBOR_AUTOFREE char *what = harbor_text("log in as %s", full);
    HarborRequest request = {
        .method = HR_HTTP_GET,
        .path = "/users/current",
        .username = full,
        .password = secret,
    };
    HarborAnswer answer;
    hr_status status = harbor_request(ask, &request, what, &answer);

    *answered = answer.status;
    harbor_answer_end(&answer);
    return status;
}

/* Marks a name as being tried.  False if somebody tries it already: a login
 * that fails locks the name for all. */
static bool
claim_name(hr_registry *registry, const char *full)
{
    bool is_free;

    pthread_mutex_lock(&registry->lock);
    if (registry->trying == NULL)
        registry->trying = json_object();
    is_free = json_object_get(registry->trying, full) == NULL;
    if (is_free)
        json_object_set_new(registry->trying, full, json_true());
    pthread_mutex_unlock(&registry->lock);
    return is_free;
}

static void
release_name(hr_registry *registry, const char *full)
{
    pthread_mutex_lock(&registry->lock);
    json_object_del(registry->trying, full);
    pthread_mutex_unlock(&registry->lock);
}

static hr_status
refuse_two(const HarborAsk *ask, const char *key)
{
    hr_status status = dist_fail(ask->call, HR_TRANSIENT,
                                 "robot %s: its secret is being tried by "
                                 "another pass",
                                 key);

    dist_host->call->hint(dist_module, ask->call, HR_RETRY_AFTER,
                          LOGIN_PAUSE_MS);
    return status;
}

hr_status
harbor_robot_check(const HarborAsk *ask, const char *key,
                   const json_t *secrets)
{
    HARBOR_AUTOFREE char *full = harbor_robot_full_name(ask->who->prefix, key);
    const char *secret =
        json_string_value(json_object_get(secrets, "/secret"));
    uint32_t answered;
    hr_status status;

    if (secret == NULL)
        return dist_fail(ask->call, HR_UNSUPPORTED,
                         "robot %s: no secret is known for it", key);
    if (!claim_name(ask->registry, full))
        return refuse_two(ask, key);
    status = log_in(ask, full, secret, &answered);
    release_name(ask->registry, full);
    if (answered == 412) {
        dist_host->call->forgive(dist_module, ask->call);
        return HR_OK;
    }
    return answered == 401 ? judge_refusal(ask, key) : status;
}
