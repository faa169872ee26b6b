/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kind schedule: three of them, at addresses of their own.  One that is not
 * set answers with an empty body; that of scans with 412 where nothing could
 * scan.
 */
#include <string.h>

#include "find.h"
#include "policy-documents.h"

#define KIND "schedule"

typedef struct Schedule {
    const char *key;
    const char *path;
} Schedule;

static const Schedule schedules[] = {
    {"gc", "/system/gc/schedule"},
    {"purge-audit", "/system/purgeaudit/schedule"},
    {"scan-all", "/system/scanAll/schedule"},
};

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "system", "garbage-collection", "read"},
    {HR_ACCESS_READ, "system", "purge-audit", "read"},
    {HR_ACCESS_READ, "system", "scan-all", "read"},
    {HR_ACCESS_WRITE, "system", "garbage-collection", "update"},
    {HR_ACCESS_WRITE, "system", "purge-audit", "update"},
    {HR_ACCESS_WRITE, "system", "scan-all", "update"},
    {0, NULL, NULL, NULL},
};

static const Schedule *
find_schedule(const char *key)
{
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++)
        if (strcmp(schedules[i].key, key) == 0)
            return &schedules[i];
    return NULL;
}

/* *document is NULL where none is set. */
static hr_status
ask_for(const HarborAsk *ask, const Schedule *schedule, json_t **document)
{
    HARBOR_AUTOFREE char *what =
        harbor_text("read the schedule %s", schedule->key);
    HarborRequest request = {.method = HR_HTTP_GET, .path = schedule->path};
    HarborAnswer answer;
    hr_status status = harbor_request(ask, &request, what, &answer);

    *document = NULL;
    if (status == HR_OK && answer.body != NULL)
        *document = harbor_schedule_document(answer.body);
    if (answer.status == 412) {
        dist_host->call->forgive(dist_module, ask->call);
        status = HR_OK;
    }
    harbor_answer_end(&answer);
    return status;
}

static hr_status
list(const HarborAsk *ask, const hr_document_scope *scope,
     hr_document_sink *sink)
{
    hr_status status = HR_OK;

    (void)scope;
    for (size_t i = 0;
         status == HR_OK && i < sizeof schedules / sizeof *schedules; i++) {
        json_t *document = NULL;

        status = ask_for(ask, &schedules[i], &document);
        if (document != NULL)
            status = harbor_give(ask, sink, KIND, schedules[i].key, document,
                                 NULL, NULL);
    }
    return status;
}

static hr_status
read(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    const Schedule *schedule = find_schedule(key);
    json_t *document = NULL;
    hr_status status =
        schedule != NULL ? ask_for(ask, schedule, &document) : HR_OK;

    if (status != HR_OK)
        return status;
    if (document == NULL)
        return dist_fail(ask->call, HR_NOT_FOUND, "nothing is scheduled");
    return harbor_give(ask, sink, KIND, key, document, NULL, NULL);
}

/* POST where there is none, PUT where there is one: the other answers 412 for
 * scans. */
static hr_status
write_schedule(const HarborAsk *ask, const HarborWrite *write)
{
    const Schedule *schedule = find_schedule(write->key);

    if (schedule == NULL)
        return dist_fail(ask->call, HR_INVALID, "there is no schedule %s",
                         write->key);
    return harbor_write(
        ask, write->action == HR_WRITE_CREATE ? HR_HTTP_POST : HR_HTTP_PUT,
        schedule->path, harbor_schedule_body(write->key, write->wanted),
        "set the schedule", NULL);
}

/* Parameters that only some versions have. */
static void
fit_parameters(const HarborAsk *ask, hr_document_fit *fit, json_t *fitted)
{
    bool new = ask->who->version >= HARBOR_VERSION(2, 13, 0);
    const char *unknown = new ? "include_operations" : "include_event_types";
    const char *needed = new ? "include_event_types" : "include_operations";
    json_t *parameters = json_object_get(fitted, "parameters");
    HARBOR_AUTOFREE char *pointer = harbor_text("/parameters/%s", unknown);

    if (json_object_get(parameters, needed) == NULL)
        harbor_fit_refuse(fit, "%s wants to be told %s", ask->who->product,
                          needed);
    if (json_object_get(parameters, unknown) == NULL)
        return;
    harbor_fit_lacks(fit, pointer, "%s calls it otherwise", ask->who->product);
    json_object_del(parameters, unknown);
}

static void
fit_schedule(const HarborAsk *ask, hr_document_fit *fit)
{
    static const char *const members[] = {"cron", "parameters", "type", NULL};
    json_t *wanted = harbor_fit_wanted(fit);
    json_t *body = harbor_schedule_body("gc", wanted);
    json_t *fitted = harbor_schedule_document(body);

    if (find_schedule(fit->key) == NULL)
        harbor_fit_refuse(fit, "there are gc, purge-audit and scan-all");
    else if (fitted == NULL)
        harbor_fit_refuse(fit, "type \"%s\" would run at once or never",
                          harbor_json_text(wanted, "type", ""));
    if (fitted == NULL)
        fitted = json_object();
    if (strcmp(fit->key, "purge-audit") == 0)
        fit_parameters(ask, fit, fitted);
    harbor_fit_end(fit, wanted, members, fitted);
    json_decref(body);
    json_decref(wanted);
}

const HarborKind harbor_kind_schedule = {
    .name = KIND,
    .rights = rights,
    .probe = "/system/gc/schedule",
    .list = list,
    .read = read,
    .write = write_schedule,
    .fit = fit_schedule,
};
