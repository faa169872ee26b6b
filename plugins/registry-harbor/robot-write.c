/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Robot accounts: writing.
 *
 * A POST takes neither secret nor `disable`.  One that needs either is made in
 * steps, and says in its description that it is not finished until the last of
 * them is done; what broke off is found by the 409 to the next POST, and goes
 * on here.
 *
 *     POST not finished -> [PUT disabled, not finished] -> [PATCH the secret]
 *                                             -> PUT as it is wanted
 *
 * Nobody can log in before the PATCH, since nobody has seen the secret that
 * the POST made up; a robot that is to be disabled is so before it gets one.
 */
#include <inttypes.h>
#include <string.h>

#include "robot-document.h"
#include "robots.h"

/* One robot that is written. */
typedef struct Writing {
    const HarborAsk *ask;
    const HarborWrite *write;
    const char *secret; /* NULL: none is to be set                         */
    int64_t id;
    char *full; /* name                                                    */
} Writing;

static hr_status
put_robot(const Writing *writing, int stage)
{
    const HarborWrite *write = writing->write;
    HARBOR_AUTOFREE char *what = harbor_text("change robot %s", write->key);
    HARBOR_AUTOFREE char *path = harbor_text("/robots/%" PRId64, writing->id);

    return harbor_write(writing->ask, HR_HTTP_PUT, path,
                        harbor_robot_update_body(writing->full, write->key,
                                                 write->wanted, stage),
                        what, NULL);
}

static hr_status
patch_secret(const Writing *writing)
{
    HARBOR_AUTOFREE char *what =
        harbor_text("set the secret of robot %s", writing->write->key);
    HARBOR_AUTOFREE char *path = harbor_text("/robots/%" PRId64, writing->id);
    json_t *body;

    if (writing->secret == NULL)
        return HR_OK;
    body = json_object();
    json_object_set_new(body, "secret", json_string(writing->secret));
    return harbor_write(writing->ask, HR_HTTP_PATCH, path, body, what, NULL);
}

/* All that a POST does not take. */
static hr_status
finish(const Writing *writing)
{
    hr_status status = HR_OK;

    if (writing->secret != NULL &&
        harbor_json_flag(writing->write->wanted, "disabled", false))
        status = put_robot(writing, HARBOR_ROBOT_AS_UNFINISHED);
    if (status == HR_OK)
        status = patch_secret(writing);
    return status == HR_OK ? put_robot(writing, HARBOR_ROBOT_AS_WANTED)
                           : status;
}

static bool
is_as_wanted(const Writing *writing, const json_t *robot)
{
    json_t *document = harbor_robot_document(robot);
    bool same = json_equal(document, writing->write->wanted) == 1;

    json_decref(document);
    return same;
}

static void
take_robot(Writing *writing, const json_t *robot)
{
    writing->id = harbor_json_number(robot, "id", 0);
    writing->full = harbor_text("%s", harbor_json_text(robot, "name", ""));
}

/* There is one of that name: ours, on which we go on, or another. */
static hr_status
go_on(Writing *writing)
{
    const HarborAsk *ask = writing->ask;
    json_t *robot;
    hr_status status = harbor_robot_find(ask, writing->write->key, &robot);

    if (status == HR_NOT_FOUND)
        status = dist_fail(ask->call, HR_UNSUPPORTED,
                           "create robot %s: the name belongs to a robot that "
                           "Harbor shows to nobody",
                           writing->write->key);
    if (status != HR_OK)
        return status;
    if (harbor_robot_unfinished(robot)) {
        take_robot(writing, robot);
        status = finish(writing);
    } else if (writing->secret != NULL || !is_as_wanted(writing, robot)) {
        status = dist_fail(ask->call, HR_CONFLICT,
                           "create robot %s: there is one of that name",
                           writing->write->key);
    } else {
        /* The answer to our own POST was lost. */
        dist_host->call->forgive(dist_module, ask->call);
    }
    json_decref(robot);
    return status;
}

static hr_status
post_robot(Writing *writing, int stage, bool *clash)
{
    const HarborWrite *write = writing->write;
    HARBOR_AUTOFREE char *what = harbor_text("create robot %s", write->key);
    json_t *body = harbor_robot_create_body(write->key, write->wanted, stage);
    HarborRequest request = {
        .method = HR_HTTP_POST,
        .path = "/robots",
        .body = body,
    };
    HarborAnswer answer;
    hr_status status = harbor_request(writing->ask, &request, what, &answer);

    *clash = answer.status == 409;
    if (status == HR_OK)
        take_robot(writing, answer.body);
    /* Without a number the next request would be about any robot. */
    if (status == HR_OK && (writing->id == 0 || *writing->full == '\0'))
        status =
            dist_fail(writing->ask->call, HR_INVALID,
                      "%s: the answer does not say which robot it is", what);
    /* It has a secret, though one that is not used. */
    harbor_secrets_wipe(json_incref(answer.body));
    harbor_answer_end(&answer);
    json_decref(body);
    return status;
}

static hr_status
create_robot(Writing *writing)
{
    bool more = writing->secret != NULL ||
                harbor_json_flag(writing->write->wanted, "disabled", false);
    bool clash;
    hr_status status = post_robot(
        writing, more ? HARBOR_ROBOT_AS_UNFINISHED : HARBOR_ROBOT_AS_WANTED,
        &clash);

    if (clash)
        return go_on(writing);
    return status == HR_OK && more ? finish(writing) : status;
}

/* Where the robot is, and what it is called in full. */
static hr_status
recall_robot(Writing *writing)
{
    const HarborAsk *ask = writing->ask;
    const char *key = writing->write->key;
    json_t *robot;
    hr_status status;

    writing->id = harbor_recall(ask->registry, "robot", key);
    writing->full = harbor_recall_text(ask->registry, "robot-name", key);
    if (writing->id != 0 && writing->full != NULL)
        return HR_OK;
    status = harbor_robot_find(ask, key, &robot);
    if (status == HR_OK) {
        harbor_free_text(&writing->full);
        take_robot(writing, robot);
    }
    json_decref(robot);
    return status;
}

static hr_status
update_robot(Writing *writing)
{
    const HarborWrite *write = writing->write;
    hr_status status = recall_robot(writing);

    if (status == HR_OK)
        status = patch_secret(writing);
    if (status == HR_OK && !json_equal(write->wanted, write->found))
        status = put_robot(writing, HARBOR_ROBOT_AS_WANTED);
    if (status != HR_OK) {
        harbor_forget(writing->ask->registry, "robot", write->key);
        harbor_forget(writing->ask->registry, "robot-name", write->key);
    }
    return status;
}

hr_status
harbor_robot_write(const HarborAsk *ask, const HarborWrite *write)
{
    Writing writing = {
        .ask = ask,
        .write = write,
        .secret =
            json_string_value(json_object_get(write->secrets, "/secret")),
    };
    hr_status status = write->action == HR_WRITE_CREATE
                           ? create_robot(&writing)
                           : update_robot(&writing);

    harbor_free_text(&writing.full);
    return status;
}
