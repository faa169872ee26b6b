/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rights: what documents grant. */
#include "model/rights.h"

#include <string.h>

#include "base/text.h"
#include "model/json.h"

/* Each has what those before it have. */
static const char *const roles[] = {"limited-guest", "guest", "developer",
                                    "maintainer", "project-admin"};

static void
grant(GPtrArray *rights, const char *right)
{
    g_ptr_array_add(rights, g_strdup(right));
}

/* What a permission allows, or what it denies. */
static void
grant_access(GPtrArray *rights, const HrJson *permission, bool denied)
{
    const char *kind = hr_json_text(hr_json_get(permission, "kind"));
    const char *name = hr_json_text(hr_json_get(permission, "namespace"));
    const HrJson *list = hr_json_get(permission, "access");

    for (size_t i = 0; i < hr_json_length(list); i++) {
        const HrJson *one = hr_json_at(list, i);
        const char *resource = hr_json_text(hr_json_get(one, "resource"));
        const char *action = hr_json_text(hr_json_get(one, "action"));
        const char *effect = hr_json_text(hr_json_get(one, "effect"));

        if ((g_strcmp0(effect, "deny") == 0) != denied)
            continue;
        g_ptr_array_add(
            rights, g_strdup_printf("%s %s %s:%s", kind != NULL ? kind : "*",
                                    name != NULL ? name : "*",
                                    action != NULL ? action : "*",
                                    resource != NULL ? resource : "*"));
    }
}

static bool
is_true(const HrJson *json, const char *name)
{
    bool value = false;

    return hr_json_boolean(hr_json_get(json, name), &value) && value;
}

static void
grant_robot(GPtrArray *rights, const HrJson *json, bool denied)
{
    const HrJson *permissions = hr_json_get(json, "permissions");

    for (size_t i = 0;
         !is_true(json, "disabled") && i < hr_json_length(permissions); i++)
        grant_access(rights, hr_json_at(permissions, i), denied);
}

/* `implied`: with those that it includes. */
static void
grant_role(GPtrArray *rights, const HrJson *json, bool implied)
{
    const char *role = hr_json_text(hr_json_get(json, "role"));
    unsigned rank = 0;

    if (role == NULL)
        return;
    while (rank < G_N_ELEMENTS(roles) && strcmp(roles[rank], role) != 0)
        rank++;
    g_ptr_array_add(rights, g_strconcat("role ", role, NULL));
    /* A role that is none of these includes nothing that is known. */
    for (unsigned i = 0; implied && rank < G_N_ELEMENTS(roles) && i < rank;
         i++)
        g_ptr_array_add(rights, g_strconcat("role ", roles[i], NULL));
}

/* Settings that let anybody in, and those that make administrators of all who
 * are in a group. */
static void
grant_setting(GPtrArray *rights, const char *key, const HrJson *json)
{
    static const char *const groups[] = {
        "oidc_admin_group", "ldap_group_admin_dn",
        "http_authproxy_admin_groups", "http_authproxy_admin_usernames"};
    const char *text = hr_json_text(hr_json_get(json, "value"));

    if (strcmp(key, "self_registration") == 0 && is_true(json, "value"))
        grant(rights, "anybody may register");
    if (strcmp(key, "project_creation_restriction") == 0 &&
        g_strcmp0(text, "everyone") == 0)
        grant(rights, "everyone may create projects");
    for (unsigned i = 0; i < G_N_ELEMENTS(groups); i++)
        if (strcmp(key, groups[i]) == 0 && text != NULL && *text != '\0')
            g_ptr_array_add(rights,
                            g_strconcat("administrators: ", text, NULL));
}

static GPtrArray *
list_rights(const char *kind, const char *key, const char *text, bool implied)
{
    GPtrArray *rights = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(HrJson) json =
        text != NULL ? hr_json_parse(text, strlen(text), NULL) : NULL;

    if (strcmp(kind, "robot") == 0)
        grant_robot(rights, json, false);
    else if (strcmp(kind, "member") == 0)
        grant_role(rights, json, implied);
    else if (strcmp(kind, "user") == 0 && is_true(json, "sysadmin"))
        grant(rights, "administrator");
    else if (strcmp(kind, "project") == 0 && is_true(json, "public"))
        grant(rights, "public");
    else if (strcmp(kind, "configuration") == 0)
        grant_setting(rights, key, json);
    return rights;
}

/* What a document denies, whatever it allows. */
static GPtrArray *
list_denials(const char *kind, const char *text)
{
    GPtrArray *denials = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(HrJson) json = NULL;

    if (strcmp(kind, "robot") != 0 || text == NULL)
        return denials;
    json = hr_json_parse(text, strlen(text), NULL);
    grant_robot(denials, json, true);
    return denials;
}

/* True if each part of `right` is that of `holder`, or everything there. */
static bool
covers(const char *holder, const char *right)
{
    g_auto(GStrv) held = g_strsplit_set(holder, " :", -1);
    g_auto(GStrv) asked = g_strsplit_set(right, " :", -1);
    guint count = g_strv_length(held);

    if (count != g_strv_length(asked))
        return false;
    for (guint i = 0; i < count; i++)
        if (strcmp(held[i], asked[i]) != 0 && strcmp(held[i], "*") != 0)
            return false;
    return true;
}

static bool
is_held(const GPtrArray *held, const char *right)
{
    for (guint i = 0; i < held->len; i++)
        if (strcmp(held->pdata[i], right) == 0)
            return true;
    for (guint i = 0; i < held->len; i++)
        if (covers(held->pdata[i], right))
            return true;
    return false;
}

/* True if some of a right was denied, and is no longer. */
static bool
is_freed(const GPtrArray *before, const GPtrArray *after, const char *right)
{
    for (guint i = 0; i < before->len; i++) {
        const char *denial = before->pdata[i];

        if ((covers(denial, right) || covers(right, denial)) &&
            !is_held(after, denial))
            return true;
    }
    return false;
}

/* Names in rights come from a registry. */
static void
settle(GPtrArray *rights)
{
    for (guint i = 0; i < rights->len; i++) {
        char *line = hr_text_one_line(rights->pdata[i]);

        g_free(rights->pdata[i]);
        rights->pdata[i] = line;
    }
}

static gint
order_rights(gconstpointer left, gconstpointer right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

GPtrArray *
hr_rights_widened(const char *kind, const char *key, const char *wanted,
                  const char *found, bool fresh)
{
    g_autoptr(GPtrArray) asked = NULL;
    g_autoptr(GPtrArray) held = NULL;
    g_autoptr(GPtrArray) before = NULL;
    g_autoptr(GPtrArray) after = NULL;

    if (found == NULL &&
        (fresh || strcmp(kind, "robot") == 0 || strcmp(kind, "project") == 0))
        return NULL;
    asked = list_rights(kind, key, wanted, false);
    held = list_rights(kind, key, found, true);
    before = list_denials(kind, found);
    after = list_denials(kind, wanted);
    for (guint i = asked->len; i > 0; i--)
        if (is_held(held, asked->pdata[i - 1]) &&
            !is_freed(before, after, asked->pdata[i - 1]))
            g_ptr_array_remove_index(asked, i - 1);
    if (asked->len == 0)
        return NULL;
    settle(asked);
    g_ptr_array_sort(asked, order_rights);
    return g_steal_pointer(&asked);
}
