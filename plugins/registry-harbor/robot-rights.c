/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Permissions and accesses, in their one order. */
#include "robot-rights.h"

#include <stdlib.h>
#include <string.h>

#include "document.h"

/* One right: what an access of a permission allows, or denies.  In the order
 * in which rights are sorted; texts are borrowed. */
enum {
    KIND,
    NAMESPACE,
    RESOURCE,
    ACTION,
    EFFECT,
    FIELDS
};

typedef struct Right {
    const char *fields[FIELDS];
} Right;

static int
compare_fields(const Right *one, const Right *other, int count)
{
    int difference = 0;

    for (int i = 0; i < count && difference == 0; i++)
        difference = strcmp(one->fields[i], other->fields[i]);
    return difference;
}

static int
order_rights(const void *one, const void *other)
{
    return compare_fields(one, other, FIELDS);
}

static const char *
read_effect(const json_t *access)
{
    const char *effect = harbor_json_text(access, "effect", "");

    return strcmp(effect, "allow") == 0 ? "" : effect;
}

static size_t
count_rights(const json_t *permissions)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(permissions); i++)
        count += json_array_size(
            json_object_get(json_array_get(permissions, i), "access"));
    return count;
}

/* Adds those of one permission, and tells how many there are now. */
static size_t
add_rights(Right *rights, size_t count, const json_t *permission)
{
    const json_t *accesses = json_object_get(permission, "access");

    for (size_t i = 0; i < json_array_size(accesses); i++) {
        const json_t *access = json_array_get(accesses, i);
        Right right = {{
            harbor_json_text(permission, "kind", ""),
            harbor_json_text(permission, "namespace", ""),
            harbor_json_text(access, "resource", ""),
            harbor_json_text(access, "action", ""),
            read_effect(access),
        }};

        rights[count++] = right;
    }
    return count;
}

static json_t *
write_access(const Right *right)
{
    json_t *access = json_object();

    json_object_set_new(access, "resource",
                        json_string(right->fields[RESOURCE]));
    json_object_set_new(access, "action", json_string(right->fields[ACTION]));
    if (*right->fields[EFFECT] != '\0')
        json_object_set_new(access, "effect",
                            json_string(right->fields[EFFECT]));
    return access;
}

/* Adds a permission without accesses; returns the list for them. */
static json_t *
start_permission(json_t *permissions, const Right *right)
{
    json_t *permission = json_object();
    json_t *accesses = json_array();

    json_object_set_new(permission, "kind", json_string(right->fields[KIND]));
    json_object_set_new(permission, "namespace",
                        json_string(right->fields[NAMESPACE]));
    json_object_set_new(permission, "access", accesses);
    json_array_append_new(permissions, permission);
    return accesses;
}

static json_t *
write_permissions(const Right *rights, size_t count)
{
    json_t *permissions = json_array();
    json_t *accesses = NULL;

    for (size_t i = 0; i < count; i++) {
        const Right *before = i > 0 ? &rights[i - 1] : NULL;

        if (before == NULL ||
            compare_fields(before, &rights[i], RESOURCE) != 0)
            accesses = start_permission(permissions, &rights[i]);
        else if (compare_fields(before, &rights[i], FIELDS) == 0)
            continue;
        json_array_append_new(accesses, write_access(&rights[i]));
    }
    return permissions;
}

json_t *
harbor_rights_sorted(const json_t *permissions)
{
    size_t room = count_rights(permissions);
    Right *rights = calloc(room + 1, sizeof *rights);
    size_t count = 0;
    json_t *sorted;

    if (rights == NULL)
        abort();
    for (size_t i = 0; i < json_array_size(permissions); i++)
        count = add_rights(rights, count, json_array_get(permissions, i));
    qsort(rights, count, sizeof *rights, order_rights);
    sorted = write_permissions(rights, count);
    free(rights);
    return sorted;
}

int
harbor_rights_known(const json_t *catalogue, const char *kind,
                    const json_t *access)
{
    const json_t *list = json_object_get(catalogue, kind);
    const char *resource = harbor_json_text(access, "resource", "");
    const char *action = harbor_json_text(access, "action", "");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);

        if (strcmp(harbor_json_text(one, "resource", ""), resource) == 0 &&
            strcmp(harbor_json_text(one, "action", ""), action) == 0)
            return 1;
    }
    return 0;
}
