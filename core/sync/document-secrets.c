/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Document secrets: whether robots have the secrets that they should. */
#include "sync/document-secrets.h"

#include <string.h>

#include "base/error.h"

#define ROBOT "robot"

typedef struct Check {
    const HrPass *pass;
    HrRegistry *registry;
    HrGroup *group;
    void (*wrong)(void *data, HrCall *call, const char *key,
                  const GError *error);
    void *data;
} Check;

typedef struct Job {
    const Check *check;
    const char *key;
    HrParking parking;
} Job;

bool
hr_document_secrets_known(const HrPass *pass, const HrRegistry *registry,
                          const char *kind)
{
    return strcmp(kind, ROBOT) == 0 &&
           hr_robot_secrets_tells(pass->robot_secrets) &&
           hr_registry_has_secrets(registry);
}

static void
run_check(void *data)
{
    Job *job = data;
    const Check *check = job->check;
    HrGroup *group = check->group;
    g_autoptr(HrCall) call = hr_pass_call(check->pass);
    g_autoptr(GError) error = NULL;
    g_autoptr(HrSecret) secret =
        hr_robot_secrets_get(check->pass->robot_secrets, job->key, &error);

    if (secret != NULL)
        hr_registry_check_secret(check->registry, call, ROBOT, job->key,
                                 secret, &error);
    if (hr_pass_park(check->pass, &job->parking, call, hr_error_status(error),
                     run_check, job))
        return;
    /* Of one that is disabled nobody can tell. */
    if (error != NULL && hr_error_status(error) != HR_UNSUPPORTED)
        check->wrong(check->data, call, job->key, error);
    g_free(job);
    hr_group_leave(group);
}

bool
hr_document_secrets_check(const HrPass *pass, HrRegistry *registry,
                          const GPtrArray *keys,
                          void (*wrong)(void *data, HrCall *call,
                                        const char *key, const GError *error),
                          void *data, GError **error)
{
    g_autoptr(HrGroup) group = hr_group_new();
    Check check = {
        .pass = pass,
        .registry = registry,
        .group = group,
        .wrong = wrong,
        .data = data,
    };

    for (guint i = 0; i < keys->len; i++) {
        Job *job = g_new0(Job, 1);

        job->check = &check;
        job->key = keys->pdata[i];
        if (!hr_pass_submit(pass, group, run_check, job)) {
            g_free(job);
            break;
        }
    }
    hr_group_wait(group, 0, NULL, NULL);
    return !hr_cancel_triggered(pass->cancel) ||
           hr_error_set(error, HR_CANCELLED, "interrupted");
}
