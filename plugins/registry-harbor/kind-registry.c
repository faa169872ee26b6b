/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kind registry: other registries that Harbor knows.  Their secrets are never
 * shown, and Harbor calls them before it stores anything about them.
 */
#include <string.h>
#include <strings.h>

#include "find.h"
#include "policy-documents.h"

#define KIND "registry"
#define PATH "/registries"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "system", "registry", "list"},
    {HR_ACCESS_WRITE, "system", "registry", "create"},
    {HR_ACCESS_WRITE, "system", "registry", "update"},
    {0, NULL, NULL, NULL},
};

static const HarborList registries = {
    .path = PATH,
    .what = "list the registries",
    .sort = "-id",
};

static hr_status
give_registry(const HarborAsk *ask, const json_t *row, hr_document_sink *sink)
{
    const char *name = harbor_json_text(row, "name", "");

    harbor_remember(ask->registry, KIND, name,
                    harbor_json_number(row, "id", 0));
    return harbor_give(ask, sink, KIND, name, harbor_registry_document(row),
                       NULL, NULL);
}

static hr_status
list(const HarborAsk *ask, const hr_document_scope *scope,
     hr_document_sink *sink)
{
    (void)scope;
    return harbor_give_rows(ask, &registries, give_registry, sink);
}

static hr_status
read(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    return harbor_find(ask, &harbor_kind_registry, key, false, sink);
}

static hr_status
update(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *path = NULL;
    int64_t id;
    hr_status status =
        harbor_listed_id(ask, &harbor_kind_registry, write->key, &id);

    if (status != HR_OK)
        return status;
    path = harbor_text(PATH "/%lld", (long long)id);
    return harbor_write(
        ask, HR_HTTP_PUT, path,
        harbor_registry_update(write->wanted, write->found, write->secrets),
        "change the registry (Harbor calls it)", NULL);
}

static hr_status
write_registry(const HarborAsk *ask, const HarborWrite *write)
{
    if (write->action == HR_WRITE_UPDATE)
        return update(ask, write);
    return harbor_write(
        ask, HR_HTTP_POST, PATH,
        harbor_registry_body(write->key, write->wanted, write->secrets),
        "create the registry (Harbor calls it)", NULL);
}

/* True if an address is the one that this Harbor gives as its own. */
static bool
is_itself(const HarborAsk *ask, const char *url)
{
    const char *own = ask->who->address;
    size_t length = strlen(own);

    while (length > 0 && own[length - 1] == '/')
        length--;
    return length > 0 && strncasecmp(own, url, length) == 0 &&
           (url[length] == '\0' || strcmp(url + length, "/") == 0);
}

/* The fields that stay as they are, with the reason. */
static void
keep_found(hr_document_fit *fit, const json_t *found, json_t *fitted)
{
    bool credential = json_object_get(found, "credential") != NULL;
    json_t *secrets = harbor_text_read(fit->secrets);
    bool known =
        *harbor_json_text(secrets, "/credential/access_secret", "") != '\0';

    if (strcmp(harbor_json_text(found, "type", ""),
               harbor_json_text(fitted, "type", "")) != 0) {
        harbor_fit_lacks(fit, "/type", "Harbor cannot change it");
        json_object_set(fitted, "type", json_object_get(found, "type"));
    }
    if (credential && !known &&
        strcmp(harbor_json_text(found, "url", ""),
               harbor_json_text(fitted, "url", "")) != 0) {
        harbor_fit_lacks(fit, "/url",
                         "Harbor would forget its secret with the address");
        json_object_set(fitted, "url", json_object_get(found, "url"));
    }
    harbor_secrets_wipe(secrets);
}

/* Without its secret it would be another one. */
static void
fit_new(hr_document_fit *fit, const json_t *fitted)
{
    json_t *secrets = harbor_text_read(fit->secrets);

    if (json_object_get(fitted, "credential") != NULL &&
        *harbor_json_text(secrets, "/credential/access_secret", "") == '\0')
        harbor_fit_refuse(fit, "Harbor does not show its secret: create it by "
                               "hand under this name, then the rest is kept "
                               "the same");
    harbor_secrets_wipe(secrets);
}

static void
fit_registry(const HarborAsk *ask, hr_document_fit *fit)
{
    static const char *const members[] = {
        "ca_certificate", "credential", "description", "insecure",
        "type",           "url",        NULL};
    json_t *wanted = harbor_fit_wanted(fit);
    json_t *fitted = harbor_registry_document(wanted);
    json_t *found = harbor_text_read(fit->found);
    const char *url = harbor_json_text(fitted, "url", "");

    if (json_object_get(fitted, "ca_certificate") != NULL &&
        ask->who->version < HARBOR_VERSION(2, 15, 3)) {
        harbor_fit_lacks(fit, "/ca_certificate", "%s has no such field",
                         ask->who->product);
        json_object_del(fitted, "ca_certificate");
    }
    if (is_itself(ask, url))
        harbor_fit_refuse(fit,
                          "%s is this Harbor itself: it would replicate "
                          "to itself",
                          url);
    else if (found != NULL)
        keep_found(fit, found, fitted);
    else
        fit_new(fit, fitted);
    harbor_fit_end(fit, wanted, members, fitted);
    json_decref(found);
    json_decref(wanted);
}

const HarborKind harbor_kind_registry = {
    .name = KIND,
    .rights = rights,
    .probe = "/registries?page_size=1",
    .list = list,
    .read = read,
    .write = write_registry,
    .fit = fit_registry,
};
