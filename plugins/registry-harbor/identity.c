/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who we are to a Harbor, and what it is.
 *
 * A Harbor shows strangers, and whoever has a wrong password, its public
 * projects as if they were all: 200, and no word about it.  Only /users/current
 * tells: 200 for a user, 412 for a robot, 401 for nobody.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harbor.h"

#define OLDEST HARBOR_VERSION(2, 9, 0)

void
harbor_identity_unref(HarborIdentity *who)
{
    if (who == NULL || atomic_fetch_sub(&who->references, 1) != 1)
        return;
    free(who->product);
    free(who->address);
    free(who->auth_mode);
    free(who->name);
    free(who->prefix);
    json_decref(who->permissions);
    json_decref(who->denied);
    json_decref(who->catalogue);
    harbor_secrets_wipe(who->settings); /* some versions tell a secret */
    free(who);
}

hr_status
harbor_ask_begin(HarborAsk *ask, hr_registry *registry, hr_call *call)
{
    hr_status status = HR_OK;

    *ask = (HarborAsk){.registry = registry, .call = call};
    for (;;) {
        pthread_mutex_lock(&registry->lock);
        ask->who = registry->identity;
        if (ask->who != NULL)
            atomic_fetch_add(&ask->who->references, 1);
        pthread_mutex_unlock(&registry->lock);
        if (ask->who != NULL || status != HR_OK)
            return status;
        status = harbor_identity_learn(registry, call);
    }
}

void
harbor_ask_end(HarborAsk *ask)
{
    harbor_identity_unref(ask->who);
    ask->who = NULL;
}

/* ------------------------------------------------------- /users/current */

static hr_status
read_user(const HarborAsk *ask, HarborIdentity *who)
{
    const HarborRequest request = {.method = HR_HTTP_GET,
                                   .path = "/users/current"};
    HarborAnswer answer;
    hr_status status =
        harbor_request(ask, &request, "find out who we are", &answer);

    if (answer.status == 412) {
        who->robot = true;
        dist_host->call->forgive(dist_module, ask->call);
        status = HR_OK;
    } else if (answer.status == 401) {
        status = dist_fail(ask->call, HR_AUTH_DENIED,
                           "the user name and password are not taken: as a "
                           "stranger we would see a part of this Harbor and "
                           "take it for all");
    } else if (status == HR_OK) {
        who->administrator =
            harbor_json_flag(answer.body, "sysadmin_flag", false) ||
            harbor_json_flag(answer.body, "admin_role_in_auth", false);
        free(who->name);
        who->name =
            harbor_text("%s", harbor_json_text(answer.body, "username", "?"));
    }
    harbor_answer_end(&answer);
    return status;
}

/* ----------------------------------------------------------- systeminfo */

/* "2026-11-23T19:03:36.701Z" */
static bool
read_time_ms(const char *text, int64_t *time_ms)
{
    struct tm parts = {0};
    int milliseconds = 0;

    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &parts.tm_year,
               &parts.tm_mon, &parts.tm_mday, &parts.tm_hour, &parts.tm_min,
               &parts.tm_sec, &milliseconds) < 6)
        return false;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    *time_ms = (int64_t)timegm(&parts) * 1000 + milliseconds;
    return true;
}

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static hr_status
read_version(const HarborAsk *ask, const json_t *info, HarborIdentity *who)
{
    const char *text = harbor_json_text(info, "harbor_version", "");
    unsigned major = 0;
    unsigned minor = 0;
    unsigned patch = 0;

    if (sscanf(text, "v%u.%u.%u", &major, &minor, &patch) < 2)
        return dist_fail(ask->call, HR_UNSUPPORTED,
                         "it does not say which version of Harbor it is: "
                         "check the url");
    who->version = HARBOR_VERSION(major, minor, patch);
    who->product = harbor_text("Harbor %u.%u.%u", major, minor, patch);
    if (who->version < OLDEST)
        return dist_fail(ask->call, HR_UNSUPPORTED,
                         "it is %s: the oldest that is known is 2.9",
                         who->product);
    return HR_OK;
}

static hr_status
read_system(const HarborAsk *ask, HarborIdentity *who)
{
    int64_t asked_ms = now_ms();
    int64_t theirs_ms;
    json_auto_t *info = NULL;
    hr_status status =
        harbor_get(ask, "/systeminfo", "find out what Harbor it is", &info);

    if (status == HR_OK)
        status = read_version(ask, info, who);
    if (status != HR_OK)
        return status;
    who->address =
        harbor_text("%s", harbor_json_text(info, "external_url", ""));
    who->auth_mode =
        harbor_text("%s", harbor_json_text(info, "auth_mode", ""));
    who->read_only = harbor_json_flag(info, "read_only", false);
    if (read_time_ms(harbor_json_text(info, "current_time", ""), &theirs_ms))
        who->clock_ahead_ms = theirs_ms - (asked_ms + now_ms()) / 2;
    return HR_OK;
}

/* ------------------------------------------------ settings, permissions */

/* What may be told or not: *object stays NULL where it is not. */
static hr_status
get_if_allowed(const HarborAsk *ask, const char *path, const char *what,
               json_t **object)
{
    const HarborRequest request = {.method = HR_HTTP_GET, .path = path};
    HarborAnswer answer;
    hr_status status = harbor_request(ask, &request, what, &answer);

    if (answer.status == 403 || answer.status == 404 || answer.status == 412) {
        dist_host->call->forgive(dist_module, ask->call);
        status = HR_OK;
    } else if (json_is_object(answer.body)) {
        *object = json_incref(answer.body);
    }
    harbor_answer_end(&answer);
    return status;
}

static const json_t *
setting_of(const HarborIdentity *who, const char *name)
{
    return json_object_get(json_object_get(who->settings, name), "value");
}

static void
use_settings(HarborIdentity *who)
{
    const char *prefix =
        json_string_value(setting_of(who, "robot_name_prefix"));
    const json_t *quotas = setting_of(who, "quota_per_project_enable");

    who->quotas = !json_is_boolean(quotas) || json_is_true(quotas);
    if (prefix != NULL)
        who->prefix = harbor_text("%s", prefix);
    else if (who->robot && who->name != NULL)
        who->prefix = harbor_prefix_of(who->name);
    else
        who->prefix = harbor_text("robot$");
}

/* The catalogue of a version does not change: it is read once. */
static hr_status
read_catalogue(const HarborAsk *ask, HarborIdentity *who)
{
    hr_registry *registry = ask->registry;

    if (who->version < HARBOR_VERSION(2, 10, 0))
        return HR_OK;
    pthread_mutex_lock(&registry->lock);
    if (registry->identity != NULL &&
        registry->identity->version == who->version)
        who->catalogue = json_deep_copy(registry->identity->catalogue);
    pthread_mutex_unlock(&registry->lock);
    if (who->catalogue != NULL)
        return HR_OK;
    return get_if_allowed(ask, "/permissions",
                          "read the catalogue of permissions",
                          &who->catalogue);
}

static hr_status
read_rights(const HarborAsk *ask, HarborIdentity *who)
{
    hr_status status = HR_OK;

    if (who->administrator || who->robot)
        status = get_if_allowed(ask, "/configurations",
                                "read the configuration", &who->settings);
    if (status != HR_OK)
        return status;
    use_settings(who);
    if (who->administrator || who->robot)
        status = read_catalogue(ask, who);
    if (status == HR_OK && who->robot)
        status = harbor_rights_learn(ask, who);
    return status;
}

static hr_status
learn_projects(const HarborAsk *ask)
{
    hr_status status = harbor_projects_learn(ask);

    /* Whoever needs the list is told then. */
    if (status == HR_AUTH_DENIED) {
        dist_host->call->forgive(dist_module, ask->call);
        status = HR_OK;
    }
    return status;
}

hr_status
harbor_identity_learn(hr_registry *registry, hr_call *call)
{
    const char *name = dist_host->config->endpoint_username(
        dist_module, registry->dist.endpoint);
    HarborIdentity *who = calloc(1, sizeof *who);
    HarborAsk ask = {.registry = registry, .call = call, .who = who};
    hr_status status;

    if (who == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    atomic_init(&who->references, 1);
    who->name = harbor_text("%s", name != NULL ? name : "");
    status = read_user(&ask, who);
    if (status == HR_OK)
        status = read_system(&ask, who);
    if (status == HR_OK)
        status = read_rights(&ask, who);
    if (status == HR_OK)
        status = learn_projects(&ask);
    harbor_artifacts_forget(registry);
    harbor_told_forget(registry, NULL);
    if (status == HR_OK) {
        HarborIdentity *before;

        pthread_mutex_lock(&registry->lock);
        before = registry->identity;
        registry->identity = who;
        pthread_mutex_unlock(&registry->lock);
        who = before;
    }
    harbor_identity_unref(who);
    return status;
}

/* ------------------------------------------------------------- the answer */

static void
make_fingerprint(const HarborIdentity *who, char digest[HR_DIGEST_CAPACITY])
{
    json_auto_t *all = json_pack(
        "{s:s, s:b, s:b, s:O?}", "name", who->name, "robot", who->robot,
        "administrator", who->administrator, "permissions", who->permissions);
    HARBOR_AUTOFREE char *text = harbor_json_canonical(all);

    dist_digest_of(text, strlen(text), digest);
}

static void
tell(const HarborIdentity *who, hr_identity *identity)
{
    identity->flags = (who->read_only ? HR_IDENTITY_READ_ONLY : 0u) |
                      (who->robot ? HR_IDENTITY_ROBOT : 0u) |
                      (who->administrator ? HR_IDENTITY_ALL_RIGHTS : 0u);
    snprintf(identity->principal, sizeof identity->principal, "%s %s%s",
             who->robot ? "robot account" : "user", who->name,
             who->administrator ? ", administrator" : "");
    snprintf(identity->product, sizeof identity->product, "%s", who->product);
    identity->clock_ahead_ms = who->clock_ahead_ms;
    make_fingerprint(who, identity->fingerprint);
}

hr_status
harbor_identify(hr_registry *registry, hr_call *call, hr_identity *identity)
{
    HarborAsk ask = {0};
    hr_status status = harbor_identity_learn(registry, call);

    if (status == HR_OK)
        status = harbor_ask_begin(&ask, registry, call);
    if (status == HR_OK)
        tell(ask.who, identity);
    harbor_ask_end(&ask);
    return status;
}
