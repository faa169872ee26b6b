/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Accounts of people as documents and as bodies. */
#include "user-document.h"

#include <string.h>

#include "document.h"
#include "fit.h"
#include "texts.h"

/* Harbor stores so many characters of each. */
#define NAME_LIMIT 255u
#define COMMENT_LIMIT 30u

static const char *const profile[] = {"comment", "email", "realname"};

#define PROFILE_COUNT (sizeof profile / sizeof *profile)

static json_t *
document_of(const json_t *from, int sysadmin)
{
    json_t *document = json_object();

    for (size_t i = 0; i < PROFILE_COUNT; i++)
        harbor_document_text(document, profile[i], from, profile[i]);
    if (sysadmin)
        json_object_set_new(document, "sysadmin", json_true());
    return document;
}

json_t *
harbor_user_document(const json_t *user)
{
    return document_of(user, harbor_json_flag(user, "sysadmin_flag", false));
}

const char *
harbor_user_password(const json_t *secrets)
{
    return json_string_value(json_object_get(secrets, "/password"));
}

json_t *
harbor_user_profile_body(const json_t *document)
{
    json_t *body = json_object();

    for (size_t i = 0; i < PROFILE_COUNT; i++)
        json_object_set_new(
            body, profile[i],
            json_string(harbor_json_text(document, profile[i], "")));
    return body;
}

json_t *
harbor_user_create_body(const char *key, const json_t *document,
                        const char *password)
{
    json_t *body = harbor_user_profile_body(document);

    json_object_set_new(body, "username", json_string(key));
    json_object_set_new(body, "password", json_string(password));
    return body;
}

json_t *
harbor_user_sysadmin_body(const json_t *document)
{
    json_t *body = json_object();

    json_object_set_new(
        body, "sysadmin_flag",
        json_boolean(harbor_json_flag(document, "sysadmin", false)));
    return body;
}

int
harbor_user_profiles_differ(const json_t *one, const json_t *other)
{
    for (size_t i = 0; i < PROFILE_COUNT; i++)
        if (strcmp(harbor_json_text(one, profile[i], ""),
                   harbor_json_text(other, profile[i], "")) != 0)
            return 1;
    return 0;
}

static int
has_password(const hr_document_fit *fit)
{
    json_t *secrets =
        fit->secrets != NULL ? harbor_text_read(fit->secrets) : NULL;
    int has = harbor_user_password(secrets) != NULL;

    harbor_secrets_wipe(secrets);
    return has;
}

static int
check_user(hr_document_fit *fit, const json_t *document)
{
    if (*harbor_json_text(document, "email", "") == '\0')
        return harbor_fit_refuse(fit,
                                 "Harbor takes no account without /email");
    if (*harbor_json_text(document, "realname", "") == '\0')
        return harbor_fit_refuse(fit,
                                 "Harbor takes no account without /realname");
    if (harbor_text_length(fit->key) > NAME_LIMIT)
        return harbor_fit_refuse(fit, "its name is longer than %u characters",
                                 NAME_LIMIT);
    if (harbor_text_length(harbor_json_text(document, "comment", "")) >
        COMMENT_LIMIT)
        return harbor_fit_refuse(fit, "/comment is longer than %u characters",
                                 COMMENT_LIMIT);
    if (fit->found == NULL && !has_password(fit))
        return harbor_fit_refuse(fit,
                                 "no registry tells a password, and none is "
                                 "known: create the account by hand, and it "
                                 "is kept up from then on");
    return 1;
}

void
harbor_user_fit(hr_document_fit *fit)
{
    static const char *const members[] = {"comment", "email", "realname",
                                          "sysadmin", NULL};
    json_t *document = harbor_text_read(fit->text);

    harbor_fit_begin(fit);
    if (check_user(fit, document)) {
        harbor_fit_members(fit, document, members);
        harbor_fit_take(
            fit, document_of(document,
                             harbor_json_flag(document, "sysadmin", false)));
    }
    json_decref(document);
}
