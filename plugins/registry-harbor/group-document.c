/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* User groups as documents and as bodies. */
#include "group-document.h"

#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "fit.h"
#include "texts.h"

/* Harbor stores names of so many characters. */
#define NAME_LIMIT 255u

/* In keys, by Harbor's numbers. */
static const char *const words[] = {NULL, "ldap", "http", "oidc"};

/* A DN as Harbor compares it: without white space around it, in lower case;
 * the caller's. */
static char *
plain_dn(const char *dn)
{
    size_t length;
    char *plain;

    dn += strspn(dn, " \t\r\n");
    plain = harbor_text("%s", dn);
    for (char *at = plain; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    length = strlen(plain);
    while (length > 0 && strchr(" \t\r\n", plain[length - 1]) != NULL)
        plain[--length] = '\0';
    return plain;
}

char *
harbor_group_key(const json_t *group)
{
    int64_t type = harbor_json_number(group, "group_type", 0);
    HARBOR_AUTOFREE char *name = NULL;

    if (type < HARBOR_GROUP_LDAP || type > HARBOR_GROUP_OIDC)
        return NULL;
    name = type == HARBOR_GROUP_LDAP
               ? plain_dn(harbor_json_text(group, "ldap_group_dn", ""))
               : harbor_text("%s", harbor_json_text(group, "group_name", ""));
    return *name != '\0' ? harbor_text("%s/%s", words[type], name) : NULL;
}

int
harbor_group_key_read(const char *key, const char **name)
{
    for (int type = HARBOR_GROUP_LDAP; type <= HARBOR_GROUP_OIDC; type++) {
        size_t length = strlen(words[type]);

        if (strncmp(key, words[type], length) != 0 || key[length] != '/' ||
            key[length + 1] == '\0')
            continue;
        *name = key + length + 1;
        return type;
    }
    return 0;
}

static json_t *
document_of(int type, const char *name)
{
    json_t *document = json_object();

    if (type == HARBOR_GROUP_LDAP)
        json_object_set_new(document, "name", json_string(name));
    return document;
}

json_t *
harbor_group_document(const json_t *group)
{
    return document_of((int)harbor_json_number(group, "group_type", 0),
                       harbor_json_text(group, "group_name", ""));
}

/* What the group is called. */
static const char *
name_of(int type, const char *name, const json_t *document)
{
    const char *called = harbor_json_text(document, "name", "");

    return type == HARBOR_GROUP_LDAP && *called != '\0' ? called : name;
}

json_t *
harbor_group_create_body(const char *key, const json_t *document)
{
    const char *name = "";
    int type = harbor_group_key_read(key, &name);
    json_t *body = json_object();

    json_object_set_new(body, "group_name",
                        json_string(name_of(type, name, document)));
    json_object_set_new(body, "group_type", json_integer(type));
    if (type == HARBOR_GROUP_LDAP)
        json_object_set_new(body, "ldap_group_dn", json_string(name));
    return body;
}

json_t *
harbor_group_update_body(const char *key, const json_t *document)
{
    const char *name = "";
    int type = harbor_group_key_read(key, &name);
    json_t *body = json_object();

    json_object_set_new(body, "group_name",
                        json_string(name_of(type, name, document)));
    return body;
}

const char *
harbor_group_obstacle(int type, const char *auth_mode)
{
    if (strcmp(auth_mode, "ldap_auth") == 0)
        return type == HARBOR_GROUP_LDAP
                   ? NULL
                   : "with auth_mode ldap_auth it shows groups of LDAP only";
    if (strcmp(auth_mode, "http_auth") == 0)
        return type == HARBOR_GROUP_HTTP
                   ? NULL
                   : "with auth_mode http_auth it shows groups of HTTP only";
    if (strcmp(auth_mode, "oidc_auth") != 0 && type == HARBOR_GROUP_LDAP)
        return "groups of LDAP need auth_mode ldap_auth or oidc_auth";
    return NULL;
}

/* The key of another group that is called like that, or NULL; the
 * caller's. */
static char *
find_rival(const HarborGroupLimits *limits, const char *called,
           const char *key)
{
    char *holder = limits->holder(limits->data, called);

    if (holder != NULL && strcmp(holder, key) == 0) {
        free(holder);
        return NULL;
    }
    return holder;
}

static int
check_name(const HarborGroupLimits *limits, hr_document_fit *fit, int type,
           const char *called)
{
    HARBOR_AUTOFREE char *rival = find_rival(limits, called, fit->key);

    if (harbor_text_length(called) > NAME_LIMIT)
        return harbor_fit_refuse(fit, "its name is longer than %u characters",
                                 NAME_LIMIT);
    /* One that is there has its name. */
    if (rival == NULL || type == HARBOR_GROUP_LDAP || fit->found != NULL)
        return 1;
    return harbor_fit_refuse(fit,
                             "its name belongs to the group \"%.100s\" here, "
                             "and Harbor holds each name once, over all types",
                             rival);
}

/* What a group of LDAP can be called: as it is wanted, else as it is called
 * now, else by its DN, as Harbor itself does it. */
static char *
choose_name(const HarborGroupLimits *limits, hr_document_fit *fit,
            const char *wanted, const char *dn)
{
    HARBOR_AUTOFREE char *rival = find_rival(limits, wanted, fit->key);
    json_t *found;
    char *chosen;

    if (rival == NULL)
        return harbor_text("%s", wanted);
    found = fit->found != NULL ? harbor_text_read(fit->found) : NULL;
    chosen = harbor_text(
        "%s", found != NULL ? harbor_json_text(found, "name", "") : dn);
    json_decref(found);
    if (strcmp(chosen, wanted) != 0)
        harbor_fit_lacks(fit, "/name",
                         "the group \"%.100s\" is called that here, and "
                         "Harbor holds each name once, over all types",
                         rival);
    return chosen;
}

static void
fit_document(const HarborGroupLimits *limits, hr_document_fit *fit,
             const json_t *document)
{
    static const char *const of_ldap[] = {"name", NULL};
    const char *name = "";
    int type = harbor_group_key_read(fit->key, &name);
    const char *obstacle = harbor_group_obstacle(type, limits->auth_mode);
    HARBOR_AUTOFREE char *called = NULL;

    if (type == 0) {
        harbor_fit_refuse(fit, "a group is \"oidc/NAME\", \"http/NAME\" or "
                               "\"ldap/DN\"");
        return;
    }
    if (obstacle != NULL) {
        harbor_fit_refuse(fit, "%s", obstacle);
        return;
    }
    called =
        type == HARBOR_GROUP_LDAP
            ? choose_name(limits, fit, name_of(type, name, document), name)
            : harbor_text("%s", name);
    if (!check_name(limits, fit, type, called))
        return;
    harbor_fit_members(fit, document,
                       type == HARBOR_GROUP_LDAP ? of_ldap : of_ldap + 1);
    harbor_fit_take(fit, document_of(type, called));
}

void
harbor_group_fit(const HarborGroupLimits *limits, hr_document_fit *fit)
{
    json_t *document = harbor_text_read(fit->text);

    harbor_fit_begin(fit);
    fit_document(limits, fit, document);
    json_decref(document);
}
