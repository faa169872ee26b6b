/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kind configuration: a document for each setting that is kept the same. */
#include <string.h>

#include "find.h"
#include "policy-documents.h"

#define KIND "configuration"
#define PATH "/configurations"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "system", "configuration", "read"},
    {HR_ACCESS_WRITE, "system", "configuration", "update"},
    {0, NULL, NULL, NULL},
};

static hr_status
give_setting(const HarborAsk *ask, const char *name, const json_t *setting,
             hr_document_sink *sink)
{
    bool editable = harbor_json_flag(setting, "editable", false);
    json_t *value = json_object_get(setting, "value");

    return harbor_give(ask, sink, KIND, name,
                       json_pack("{s:O}", "value", value), NULL,
                       editable ? NULL : "it is fixed by the installation");
}

/* Hands over all that are wanted, or only `key`. */
static hr_status
give_settings(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    json_t *settings = NULL;
    const char *name;
    json_t *setting;
    bool found = false;
    hr_status status = harbor_get(ask, PATH, "read the settings", &settings);

    json_object_foreach (settings, name, setting) {
        if (status != HR_OK || json_object_get(setting, "value") == NULL ||
            (key != NULL
                 ? strcmp(key, name) != 0
                 : !harbor_configuration_wants(ask->registry->settings, name)))
            continue;
        status = give_setting(ask, name, setting, sink);
        found = true;
    }
    json_decref(settings);
    if (status == HR_OK && key != NULL && !found)
        status = dist_fail(ask->call, HR_NOT_FOUND, "%s has no setting \"%s\"",
                           ask->who->product, key);
    return status;
}

static hr_status
list(const HarborAsk *ask, const hr_document_scope *scope,
     hr_document_sink *sink)
{
    (void)scope;
    return give_settings(ask, NULL, sink);
}

static hr_status
read(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    return give_settings(ask, key, sink);
}

static hr_status
write_setting(const HarborAsk *ask, const HarborWrite *write)
{
    return harbor_write(ask, HR_HTTP_PUT, PATH,
                        json_pack("{s:O}", write->key,
                                  json_object_get(write->wanted, "value")),
                        "change the setting", NULL);
}

/* A document on disk may name anything. */
static void
fit_setting(const HarborAsk *ask, hr_document_fit *fit)
{
    static const char *const members[] = {"value", NULL};
    json_t *wanted = harbor_fit_wanted(fit);
    json_t *value = json_object_get(wanted, "value");

    if (!harbor_configuration_wants("default", fit->key) &&
        !harbor_configuration_wants(ask->registry->settings, fit->key))
        harbor_fit_refuse(fit, "it is none of the settings that are kept the "
                               "same here; the endpoint's `settings` names "
                               "others");
    else if (ask->who->settings != NULL &&
             json_object_get(ask->who->settings, fit->key) == NULL)
        harbor_fit_refuse(fit, "%s has no such setting", ask->who->product);
    else if (value == NULL)
        harbor_fit_refuse(fit, "it has no value");
    harbor_fit_end(fit, wanted, members, json_pack("{s:O?}", "value", value));
    json_decref(wanted);
}

const HarborKind harbor_kind_configuration = {
    .name = KIND,
    .rights = rights,
    .probe = "/configurations",
    .list = list,
    .read = read,
    .write = write_setting,
    .fit = fit_setting,
};
