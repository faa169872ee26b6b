/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of projects as documents and as bodies. */
#include "member-document.h"

#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "fit.h"
#include "group-document.h"
#include "texts.h"

/* In documents, by Harbor's numbers. */
static const char *const roles[] = {NULL,    "project-admin", "developer",
                                    "guest", "maintainer",    "limited-guest"};

#define ROLE_COUNT (sizeof roles / sizeof *roles)

/* The number of the role of a document, 0 if there is none of that name. */
static int
role_number(const json_t *document)
{
    const char *role = harbor_json_text(document, "role", "");

    for (size_t i = 1; i < ROLE_COUNT; i++)
        if (strcmp(roles[i], role) == 0)
            return (int)i;
    return 0;
}

int
harbor_member_key_read(const char *key, HarborMemberKey *member)
{
    static const char user[] = "user/";

    memset(member, 0, sizeof *member);
    if (!harbor_key_split(key, &member->project, &member->who))
        return 0;
    if (strncmp(member->who, user, sizeof user - 1) == 0) {
        member->name = member->who + sizeof user - 1;
        return *member->name != '\0';
    }
    member->group_type = harbor_group_key_read(member->who, &member->name);
    return member->group_type != 0;
}

void
harbor_member_key_end(HarborMemberKey *member)
{
    free(member->project);
}

int
harbor_member_is_user(const json_t *member)
{
    return strcmp(harbor_json_text(member, "entity_type", ""), "u") == 0;
}

char *
harbor_member_key(const char *project, const json_t *member,
                  const json_t *group)
{
    const char *name = harbor_json_text(member, "entity_name", "");
    HARBOR_AUTOFREE char *who = NULL;

    if (harbor_member_is_user(member))
        return *name != '\0' ? harbor_text("%s/user/%s", project, name) : NULL;
    who = group != NULL ? harbor_group_key(group) : NULL;
    return who != NULL ? harbor_text("%s/%s", project, who) : NULL;
}

json_t *
harbor_member_document(const json_t *member)
{
    int64_t role = harbor_json_number(member, "role_id", 0);
    json_t *document;

    if (role <= 0 || role >= (int64_t)ROLE_COUNT)
        return NULL;
    document = json_object();
    json_object_set_new(document, "role", json_string(roles[role]));
    return document;
}

/* A group by its id, where that is known: else Harbor may look for it where
 * people log in. */
static json_t *
group_of(const HarborMemberKey *member, int64_t group_id)
{
    json_t *group = json_object();

    if (group_id != 0) {
        json_object_set_new(group, "id", json_integer(group_id));
    } else if (member->group_type == HARBOR_GROUP_LDAP) {
        json_object_set_new(group, "ldap_group_dn", json_string(member->name));
    } else {
        json_object_set_new(group, "group_name", json_string(member->name));
        json_object_set_new(group, "group_type",
                            json_integer(member->group_type));
    }
    return group;
}

json_t *
harbor_member_create_body(const HarborMemberKey *member,
                          const json_t *document, int64_t group_id)
{
    json_t *body = harbor_member_update_body(document);
    json_t *user;

    if (member->group_type != 0) {
        json_object_set_new(body, "member_group", group_of(member, group_id));
        return body;
    }
    user = json_object();
    json_object_set_new(user, "username", json_string(member->name));
    json_object_set_new(body, "member_user", user);
    return body;
}

json_t *
harbor_member_update_body(const json_t *document)
{
    json_t *body = json_object();

    json_object_set_new(body, "role_id", json_integer(role_number(document)));
    return body;
}

static int
check_member(const char *login, hr_document_fit *fit, const json_t *document)
{
    HarborMemberKey member;
    int fits;

    if (!harbor_member_key_read(fit->key, &member))
        fits = harbor_fit_refuse(fit, "a member is PROJECT/user/NAME, or "
                                      "PROJECT/ and the key of a group");
    else if (member.group_type == 0 && login != NULL &&
             strcmp(member.name, login) == 0)
        fits = harbor_fit_refuse(
            fit, "it is the account that logs in here, and its own rights are "
                 "left as they are");
    else if (role_number(document) == 0)
        fits = harbor_fit_refuse(fit, "/role is project-admin, maintainer, "
                                      "developer, guest or limited-guest");
    else
        fits = 1;
    harbor_member_key_end(&member);
    return fits;
}

void
harbor_member_fit(const char *login, hr_document_fit *fit)
{
    static const char *const members[] = {"role", NULL};
    json_t *document = harbor_text_read(fit->text);
    json_t *fitted;

    harbor_fit_begin(fit);
    if (check_member(login, fit, document)) {
        harbor_fit_members(fit, document, members);
        fitted = json_object();
        json_object_set(fitted, "role", json_object_get(document, "role"));
        harbor_fit_take(fit, fitted);
    }
    json_decref(document);
}
