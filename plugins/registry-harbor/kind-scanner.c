/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kind scanner: registered adapters.  Their ids are texts; the one that is
 * built in cannot be changed; another becomes the default with a request of
 * its own.
 */
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "policy-documents.h"

#define KIND "scanner"
#define PATH "/scanners"

/* What Harbor itself installs, by address and name. */
#define BUILT_IN "Trivy"
#define BUILT_IN_HOST "trivy-adapter"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "system", "scanner", "list"},
    {HR_ACCESS_WRITE, "system", "scanner", "create"},
    {HR_ACCESS_WRITE, "system", "scanner", "update"},
    {0, NULL, NULL, NULL},
};

static const HarborList scanners = {
    .path = PATH,
    .what = "list the scanners",
    .sort = NULL,
    .id = "uuid",
};

static hr_status
give_scanner(const HarborAsk *ask, const json_t *row, hr_document_sink *sink)
{
    const char *name = harbor_json_text(row, "name", "");
    bool built_in =
        strcmp(name, BUILT_IN) == 0 &&
        strstr(harbor_json_text(row, "url", ""), BUILT_IN_HOST) != NULL;
    json_t *secrets = NULL;
    json_t *document = harbor_scanner_document(row, &secrets);

    harbor_remember_text(ask->registry, KIND, name,
                         harbor_json_text(row, "uuid", ""));
    return harbor_give(ask, sink, KIND, name, document, secrets,
                       built_in ? "it is the built-in one" : NULL);
}

static hr_status
list(const HarborAsk *ask, const hr_document_scope *scope,
     hr_document_sink *sink)
{
    (void)scope;
    return harbor_give_rows(ask, &scanners, give_scanner, sink);
}

static hr_status
read(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    return harbor_find(ask, &harbor_kind_scanner, key, false, sink);
}

static hr_status
make_default(const HarborAsk *ask, const char *uuid)
{
    HARBOR_AUTOFREE char *escaped = harbor_escape(uuid);
    HARBOR_AUTOFREE char *path = harbor_text(PATH "/%s", escaped);

    return harbor_write(ask, HR_HTTP_PATCH, path,
                        json_pack("{s:b}", "is_default", 1),
                        "make the scanner the default", NULL);
}

/* The id of what was created is the end of its Location. */
static hr_status
create(const HarborAsk *ask, const HarborWrite *write, char **uuid)
{
    json_t *body =
        harbor_scanner_body(write->key, write->wanted, write->secrets);
    HarborRequest request = {
        .method = HR_HTTP_POST,
        .path = PATH,
        .body = body,
    };
    HarborAnswer answer;
    hr_status status = harbor_request(
        ask, &request, "register the scanner (Harbor calls it)", &answer);
    const char *last =
        answer.location != NULL ? strrchr(answer.location, '/') : NULL;

    *uuid = harbor_text("%s", last != NULL ? last + 1 : "");
    harbor_answer_end(&answer);
    harbor_secrets_wipe(body);
    return status;
}

/* The credential that nobody gave, as long as Harbor shows it: up to 2.14.3
 * and 2.15.1 a PUT without it takes it away, later ones keep it.  *secrets is
 * the caller's. */
static hr_status
read_credential(const HarborAsk *ask, const HarborWrite *write,
                const char *path, json_t **secrets)
{
    json_t *now = NULL;
    hr_status status = HR_OK;

    *secrets = NULL;
    if (*harbor_json_text(write->wanted, "auth", "") == '\0' ||
        *harbor_json_text(write->secrets, "/access_credential", "") != '\0')
        return HR_OK;
    status = harbor_get(ask, path, "read the scanner", &now);
    json_decref(harbor_scanner_document(now, secrets));
    harbor_secrets_wipe(now);
    return status;
}

static bool
is_as_wanted(const HarborWrite *write)
{
    json_auto_t *now = json_copy((json_t *)write->found);
    json_auto_t *then = json_copy((json_t *)write->wanted);

    json_object_del(now, "default");
    json_object_del(then, "default");
    return json_equal(now, then) && write->secrets == NULL;
}

static hr_status
replace(const HarborAsk *ask, const HarborWrite *write, const char *uuid)
{
    HARBOR_AUTOFREE char *escaped = harbor_escape(uuid);
    HARBOR_AUTOFREE char *path = harbor_text(PATH "/%s", escaped);
    json_t *shown = NULL;
    hr_status status;

    if (is_as_wanted(write))
        return HR_OK;
    status = read_credential(ask, write, path, &shown);
    if (status == HR_OK)
        status = harbor_write(
            ask, HR_HTTP_PUT, path,
            harbor_scanner_body(write->key, write->wanted,
                                shown != NULL ? shown : write->secrets),
            "change the scanner (Harbor calls it)", NULL);
    harbor_secrets_wipe(shown);
    return status;
}

static hr_status
write_scanner(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *uuid =
        harbor_recall_text(ask->registry, KIND, write->key);
    hr_status status;

    if (write->action == HR_WRITE_CREATE) {
        harbor_text_wipe(uuid);
        status = create(ask, write, &uuid);
    } else if (uuid == NULL) {
        status = dist_fail(ask->call, HR_NOT_FOUND,
                           "there is no scanner %s any more", write->key);
    } else {
        status = replace(ask, write, uuid);
    }
    if (status == HR_OK && harbor_json_flag(write->wanted, "default", false) &&
        !harbor_json_flag(write->found, "default", false))
        status = make_default(ask, uuid);
    return status;
}

/* An adapter that wants a credential gets none from us. */
static void
fit_credential(hr_document_fit *fit, const json_t *fitted, const json_t *found)
{
    json_t *secrets = harbor_text_read(fit->secrets);

    if (found == NULL && *harbor_json_text(fitted, "auth", "") != '\0' &&
        *harbor_json_text(secrets, "/access_credential", "") == '\0')
        harbor_fit_refuse(fit, "its credential is not known: register it by "
                               "hand under this name, then the rest is kept "
                               "the same");
    harbor_secrets_wipe(secrets);
}

static void
fit_scanner(const HarborAsk *ask, hr_document_fit *fit)
{
    static const char *const members[] = {"auth",
                                          "default",
                                          "description",
                                          "disabled",
                                          "skip_cert_verify",
                                          "url",
                                          "use_internal_addr",
                                          NULL};
    json_t *wanted = harbor_fit_wanted(fit);
    json_t *fitted = json_deep_copy(wanted);
    json_t *found = harbor_text_read(fit->found);

    (void)ask;
    if (harbor_json_flag(found, "default", false) &&
        !harbor_json_flag(fitted, "default", false)) {
        harbor_fit_lacks(fit, "/default",
                         "it is until another scanner becomes the default");
        json_object_set_new(fitted, "default", json_true());
    }
    fit_credential(fit, fitted, found);
    harbor_fit_end(fit, wanted, members, fitted);
    json_decref(found);
    json_decref(wanted);
}

const HarborKind harbor_kind_scanner = {
    .name = KIND,
    .rights = rights,
    .probe = "/scanners?page_size=1",
    .list = list,
    .read = read,
    .write = write_scanner,
    .fit = fit_scanner,
};
