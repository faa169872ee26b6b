/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kind webhook: PUT replaces all of a policy, so that what is not known of it
 * (a secret that a copy on disk lacks) is read first and sent again.
 */
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "policy-documents.h"

#define KIND "webhook"

/* Family of the ids; a policy's name may be one of another project, too. */
#define FAMILY KIND

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "project", "notification-policy", "list"},
    {HR_ACCESS_WRITE, "project", "notification-policy", "create"},
    {HR_ACCESS_WRITE, "project", "notification-policy", "update"},
    {0, NULL, NULL, NULL},
};

typedef struct Policies {
    const HarborAsk *ask;
    hr_document_sink *sink;
} Policies;

static char *
path_of(void *data, const json_t *project)
{
    (void)data;
    return harbor_project_path(harbor_json_text(project, "name", ""),
                               "webhook/policies");
}

static hr_status
take_policies(void *data, const json_t *project, json_t *rows)
{
    Policies *policies = data;
    hr_status status = HR_OK;

    for (size_t i = 0; status == HR_OK && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        HARBOR_AUTOFREE char *key =
            harbor_text("%s/%s", harbor_json_text(project, "name", ""),
                        harbor_json_text(row, "name", ""));
        json_t *secrets = NULL;
        json_t *document = harbor_webhook_document(row, &secrets);

        harbor_remember(policies->ask->registry, FAMILY, key,
                        harbor_json_number(row, "id", 0));
        status = harbor_give(policies->ask, policies->sink, KIND, key,
                             document, secrets, NULL);
    }
    return status;
}

static hr_status
list(const HarborAsk *ask, const hr_document_scope *scope,
     hr_document_sink *sink)
{
    Policies policies = {.ask = ask, .sink = sink};
    HarborWalk walk = {
        .data = &policies,
        .things = "webhooks",
        .sort = "-id",
        .path = path_of,
        .take = take_policies,
    };

    return harbor_walk(ask, scope, &walk, sink);
}

static hr_status
read(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    return harbor_find(ask, &harbor_kind_webhook, key, true, sink);
}

static hr_status
replace(const HarborAsk *ask, const HarborWrite *write, const char *place,
        const char *name)
{
    HARBOR_AUTOFREE char *path = NULL;
    json_t *now = NULL;
    int64_t id;
    hr_status status =
        harbor_listed_id(ask, &harbor_kind_webhook, write->key, &id);

    path = harbor_text("%s/%lld", place, (long long)id);
    if (status == HR_OK)
        status = harbor_get(ask, path, "read the webhook", &now);
    if (status == HR_OK) {
        json_t *body =
            harbor_webhook_body(name, write->wanted, write->secrets, now);

        json_object_set_new(body, "id", json_integer(id));
        status = harbor_write(ask, HR_HTTP_PUT, path, body,
                              "replace the webhook", NULL);
    }
    harbor_secrets_wipe(now);
    return status;
}

static hr_status
write_policy(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *project = NULL;
    HARBOR_AUTOFREE char *place = NULL;
    const char *name;

    harbor_key_split(write->key, &project, &name);
    place = harbor_project_path(project, "webhook/policies");
    if (write->action == HR_WRITE_UPDATE)
        return replace(ask, write, place, name);
    return harbor_write(
        ask, HR_HTTP_POST, place,
        harbor_webhook_body(name, write->wanted, write->secrets, NULL),
        "create the webhook", NULL);
}

/* The same ten from 2.9 to 2.16 (GET webhook/events lists them): a target that
 * is asked for another refuses the whole policy. */
static bool
is_event(const char *event)
{
    static const char *const always[] = {"PUSH_ARTIFACT",
                                         "PULL_ARTIFACT",
                                         "DELETE_ARTIFACT",
                                         "SCANNING_FAILED",
                                         "QUOTA_EXCEED",
                                         "SCANNING_COMPLETED",
                                         "SCANNING_STOPPED",
                                         "QUOTA_WARNING",
                                         "TAG_RETENTION",
                                         "REPLICATION",
                                         NULL};

    for (const char *const *one = always; *one != NULL; one++)
        if (strcmp(*one, event) == 0)
            return true;
    return false;
}

static void
fit_events(const HarborAsk *ask, hr_document_fit *fit, json_t *fitted)
{
    json_t *events = json_object_get(fitted, "event_types");
    json_t *kept = json_array();

    for (size_t i = 0; i < json_array_size(events); i++) {
        const char *event = json_string_value(json_array_get(events, i));

        if (event != NULL && is_event(event)) {
            json_array_append_new(kept, json_string(event));
        } else {
            HARBOR_AUTOFREE char *pointer = harbor_text("/event_types/%zu", i);

            harbor_fit_lacks(fit, pointer, "%s knows no event \"%s\"",
                             ask->who->product, event != NULL ? event : "");
        }
    }
    if (json_array_size(kept) == 0)
        harbor_fit_refuse(fit, "it needs an event that %s knows",
                          ask->who->product);
    harbor_document_set(fitted, "event_types", kept);
}

/* What a target asks for and nobody knows cannot be created; where there is
 * one, it keeps its own. */
static void
fit_secrets(hr_document_fit *fit, const json_t *fitted)
{
    const json_t *targets = json_object_get(fitted, "targets");
    json_t *secrets = harbor_text_read(fit->secrets);

    for (size_t i = 0; fit->found == NULL && i < json_array_size(targets);
         i++) {
        HARBOR_AUTOFREE char *pointer =
            harbor_text("/targets/%zu/auth_header", i);

        if (harbor_json_flag(json_array_get(targets, i), "auth_header",
                             false) &&
            *harbor_json_text(secrets, pointer, "") == '\0')
            harbor_fit_refuse(fit,
                              "the auth_header of %s is not known: create "
                              "the webhook by hand",
                              harbor_json_text(json_array_get(targets, i),
                                               "address", "a target"));
    }
    harbor_secrets_wipe(secrets);
}

static void
fit_policy(const HarborAsk *ask, hr_document_fit *fit)
{
    static const char *const members[] = {"description", "enabled",
                                          "event_types", "targets", NULL};
    json_t *wanted = harbor_fit_wanted(fit);
    json_t *none = NULL;
    json_t *fitted = harbor_webhook_document(wanted, &none);

    json_decref(none);
    /* What stands for a secret there is no text, and was dropped. */
    harbor_document_set(fitted, "targets",
                        harbor_json_sorted(json_deep_copy(
                            json_object_get(wanted, "targets"))));
    fit_events(ask, fit, fitted);
    if (json_array_size(json_object_get(fitted, "targets")) == 0)
        harbor_fit_refuse(fit, "it needs a target");
    fit_secrets(fit, fitted);
    harbor_fit_end(fit, wanted, members, fitted);
    json_decref(wanted);
}

const HarborKind harbor_kind_webhook = {
    .name = KIND,
    .keys = HARBOR_KEYS_IN_PROJECTS,
    .rights = rights,
    .probe = "webhook/policies?page_size=1",
    .list = list,
    .read = read,
    .write = write_policy,
    .fit = fit_policy,
};
