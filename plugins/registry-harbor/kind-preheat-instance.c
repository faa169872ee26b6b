/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kind preheat-instance: addressed by name, though a PUT must repeat the
 * number, and replaces the credentials with all the rest.
 */
#include <string.h>

#include "find.h"
#include "policy-documents.h"

#define KIND "preheat-instance"
#define PATH "/p2p/preheat/instances"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "system", "preheat-instance", "list"},
    {HR_ACCESS_WRITE, "system", "preheat-instance", "create"},
    {HR_ACCESS_WRITE, "system", "preheat-instance", "update"},
    {0, NULL, NULL, NULL},
};

static const HarborList instances = {
    .path = PATH,
    .what = "list the preheat instances",
    .sort = "-id",
};

static hr_status
give_instance(const HarborAsk *ask, const json_t *row, hr_document_sink *sink)
{
    const char *name = harbor_json_text(row, "name", "");
    json_t *secrets = NULL;
    json_t *document = harbor_preheat_instance_document(row, &secrets);

    harbor_remember(ask->registry, KIND, name,
                    harbor_json_number(row, "id", 0));
    return harbor_give(ask, sink, KIND, name, document, secrets, NULL);
}

static hr_status
list(const HarborAsk *ask, const hr_document_scope *scope,
     hr_document_sink *sink)
{
    (void)scope;
    return harbor_give_rows(ask, &instances, give_instance, sink);
}

static hr_status
read(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    return harbor_find(ask, &harbor_kind_preheat_instance, key, false, sink);
}

static hr_status
replace(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *name = harbor_escape(write->key);
    HARBOR_AUTOFREE char *path = harbor_text(PATH "/%s", name);
    json_t *now = NULL;
    json_t *secrets = NULL;
    hr_status status =
        harbor_get(ask, path, "read the preheat instance", &now);

    if (status == HR_OK) {
        json_decref(harbor_preheat_instance_document(now, &secrets));
        status =
            harbor_write(ask, HR_HTTP_PUT, path,
                         harbor_preheat_instance_body(
                             write->key, write->wanted,
                             write->secrets != NULL ? write->secrets : secrets,
                             harbor_json_number(now, "id", 0)),
                         "replace the preheat instance", NULL);
    }
    harbor_secrets_wipe(secrets);
    harbor_secrets_wipe(now);
    return status;
}

static hr_status
write_instance(const HarborAsk *ask, const HarborWrite *write)
{
    if (write->action == HR_WRITE_UPDATE)
        return replace(ask, write);
    return harbor_write(ask, HR_HTTP_POST, PATH,
                        harbor_preheat_instance_body(write->key, write->wanted,
                                                     write->secrets, 0),
                        "create the preheat instance", NULL);
}

static bool
shows_credentials(const HarborIdentity *who)
{
    return who->version < HARBOR_VERSION(2, 14, 4) ||
           (who->version >= HARBOR_VERSION(2, 15, 0) &&
            who->version < HARBOR_VERSION(2, 15, 2));
}

static void
fit_instance(const HarborAsk *ask, hr_document_fit *fit)
{
    static const char *const members[] = {
        "auth_mode", "default",  "description", "enabled",
        "endpoint",  "insecure", "vendor",      NULL};
    json_t *wanted = harbor_fit_wanted(fit);
    json_t *fitted = json_deep_copy(wanted);
    json_t *secrets = harbor_text_read(fit->secrets);
    bool needs = json_object_get(fitted, "auth_mode") != NULL;
    bool known = json_object_size(secrets) > 0 ||
                 (fit->found != NULL && shows_credentials(ask->who));

    if (needs && !known && fit->found == NULL) {
        harbor_fit_refuse(fit, "its credentials are not known: create it by "
                               "hand under this name");
    } else if (needs && !known) {
        json_t *found = harbor_text_read(fit->found);

        if (!json_equal(found, fitted))
            harbor_fit_lacks(fit, "",
                             "%s does not show its credentials, and "
                             "would lose them",
                             ask->who->product);
        json_decref(fitted);
        fitted = found;
    }
    harbor_fit_end(fit, wanted, members, fitted);
    harbor_secrets_wipe(secrets);
    json_decref(wanted);
}

const HarborKind harbor_kind_preheat_instance = {
    .name = KIND,
    .rights = rights,
    .probe = "/p2p/preheat/instances?page_size=1",
    .list = list,
    .read = read,
    .write = write_instance,
    .fit = fit_instance,
};
