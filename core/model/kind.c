/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kind: the table of standard kinds, and what it says of a document. */
#include "model/kind.h"

#include <stdint.h>
#include <string.h>

#include "base/lock.h"
#include "model/item.h"
#include "model/json.h"

#define NAME_LIMIT 64

static const HrKind standard[] = {
    {.name = "configuration", .rank = HR_RANK_CONFIGURATION},
    {.name = "cve-allowlist", .rank = HR_RANK_CVE_ALLOWLIST},
    {.name = "user", .rank = HR_RANK_USER, .opt_in = true},
    {.name = "usergroup", .rank = HR_RANK_USERGROUP},
    {.name = "registry", .rank = HR_RANK_REGISTRY},
    {.name = "scanner", .rank = HR_RANK_SCANNER},
    {.name = "preheat-instance", .rank = HR_RANK_PREHEAT_INSTANCE},
    {.name = "project", HR_SCOPE_PROJECT, HR_RANK_PROJECT},
    {.name = "quota", HR_SCOPE_PROJECT, HR_RANK_QUOTA},
    {.name = "member", HR_SCOPE_IN_PROJECT, HR_RANK_MEMBER},
    {.name = "label", HR_SCOPE_IN_PROJECT, HR_RANK_PROJECT_LABEL},
    {.name = "robot", HR_SCOPE_IN_PROJECT, HR_RANK_ROBOT},
    {.name = "webhook", HR_SCOPE_IN_PROJECT, HR_RANK_WEBHOOK},
    {.name = "repository", HR_SCOPE_CONTENT, HR_RANK_REPOSITORY},
    {.name = "artifact-label", HR_SCOPE_CONTENT, HR_RANK_ARTIFACT_LABEL},
    {.name = "retention", HR_SCOPE_PROJECT, HR_RANK_RETENTION},
    {.name = "immutable", HR_SCOPE_IN_PROJECT, HR_RANK_IMMUTABLE},
    {.name = "preheat-policy", HR_SCOPE_IN_PROJECT, HR_RANK_PREHEAT_POLICY},
    {.name = "replication", .rank = HR_RANK_REPLICATION},
    {.name = "schedule", .rank = HR_RANK_SCHEDULE},
};

const HrKind *
hr_kind_standard(unsigned index)
{
    return index < G_N_ELEMENTS(standard) ? &standard[index] : NULL;
}

static const HrKind *
find(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(standard); i++)
        if (strcmp(standard[i].name, name) == 0)
            return &standard[i];
    return NULL;
}

/* Names of other kinds: as many as a configuration has. */
static const char *
intern_other(const char *name)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static GHashTable *names;
    char *known;

    HR_LOCKED(&mutex);
    if (names == NULL)
        names = g_hash_table_new(g_str_hash, g_str_equal);
    known = g_hash_table_lookup(names, name);
    if (known == NULL) {
        known = g_strdup(name);
        g_hash_table_add(names, known);
    }
    return known;
}

const char *
hr_kind_intern(const char *name)
{
    static const char *const content[] = {HR_KIND_TAG, HR_KIND_REFERRER};
    const HrKind *known = name != NULL ? find(name) : NULL;

    if (name == NULL || known != NULL)
        return known != NULL ? known->name : NULL;
    for (unsigned i = 0; i < G_N_ELEMENTS(content); i++)
        if (strcmp(content[i], name) == 0)
            return content[i];
    return intern_other(name);
}

bool
hr_kind_is_standard(const char *name)
{
    return find(name) != NULL;
}

HrKind
hr_kind_of(const char *name)
{
    const HrKind *known = find(name);

    if (known != NULL)
        return *known;
    return (HrKind){
        .name = hr_kind_intern(name),
        .rank = hr_kind_is_content(name) ? HR_RANK_CONTENT : HR_RANK_OTHER,
    };
}

bool
hr_kind_name_valid(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= NAME_LIMIT && g_ascii_islower(*name) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

bool
hr_kind_is_content(const char *name)
{
    return strcmp(name, HR_KIND_TAG) == 0 ||
           strcmp(name, HR_KIND_REFERRER) == 0;
}

char *
hr_kind_project(const HrKind *kind, const char *key)
{
    const char *end = strchr(key, '/');

    switch (kind->scope) {
    case HR_SCOPE_PROJECT:
        return g_strdup(key);
    case HR_SCOPE_IN_PROJECT:
    case HR_SCOPE_CONTENT:
        return end != NULL && end != key ? g_strndup(key, (gsize)(end - key))
                                         : NULL;
    default:
        return NULL;
    }
}

char *
hr_kind_repository(const char *key)
{
    return g_strndup(key, strcspn(key, "@"));
}

static HrJson *
parse(const char *text)
{
    return text != NULL ? hr_json_parse(text, strlen(text), NULL) : NULL;
}

/* Bytes that a quota allows; INT64_MAX: as many as one likes. */
static int64_t
read_storage(const char *text)
{
    g_autoptr(HrJson) json = parse(text);
    int64_t bytes = -1;

    hr_json_number(hr_json_get(json, "storage"), &bytes);
    return bytes < 0 ? INT64_MAX : bytes;
}

HrRank
hr_kind_rank(const HrKind *kind, const char *key, const char *wanted,
             const char *found)
{
    if (kind->rank == HR_RANK_PROJECT_LABEL && *key == '/')
        return HR_RANK_GLOBAL_LABEL;
    if (kind->rank == HR_RANK_QUOTA && wanted != NULL && found != NULL &&
        read_storage(wanted) < read_storage(found))
        return HR_RANK_QUOTA_LOWERED;
    return kind->rank;
}

static void
need(GPtrArray *list, const char *kind, const char *key)
{
    if (key != NULL)
        g_ptr_array_add(list, g_strconcat(kind, ":", key, NULL));
}

/* "PROJECT/user/NAME", "PROJECT/oidc/NAME" */
static void
need_principal(GPtrArray *list, const char *key)
{
    const char *principal = strchr(key, '/');

    if (principal == NULL)
        return;
    principal++;
    if (g_str_has_prefix(principal, "user/"))
        need(list, "user", principal + strlen("user/"));
    else
        need(list, "usergroup", principal);
}

static void
need_labels(GPtrArray *list, const HrJson *labels)
{
    for (size_t i = 0; i < hr_json_length(labels); i++)
        need(list, "label", hr_json_text(hr_json_at(labels, i)));
}

/* A robot account may have rights in any number of projects. */
static void
need_namespaces(GPtrArray *list, const HrJson *permissions)
{
    for (size_t i = 0; i < hr_json_length(permissions); i++) {
        const HrJson *one = hr_json_at(permissions, i);
        const char *kind = hr_json_text(hr_json_get(one, "kind"));
        const char *name = hr_json_text(hr_json_get(one, "namespace"));

        if (g_strcmp0(kind, "project") == 0 && g_strcmp0(name, "*") != 0)
            need(list, "project", name);
    }
}

/* The members of a document that name others. */
static const struct {
    HrRank rank;
    const char *member;
    const char *kind;
} references[] = {
    {HR_RANK_PROJECT, "proxy_registry", "registry"},
    {HR_RANK_PROJECT, "scanner", "scanner"},
    {HR_RANK_REPLICATION, "src_registry", "registry"},
    {HR_RANK_REPLICATION, "dest_registry", "registry"},
    {HR_RANK_PREHEAT_POLICY, "provider", "preheat-instance"},
};

GPtrArray *
hr_kind_dependencies(const HrKind *kind, const char *key, const char *text)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *project = hr_kind_project(kind, key);
    g_autoptr(HrJson) json = parse(text);

    if (kind->rank != HR_RANK_PROJECT)
        need(list, "project", project);
    if (kind->rank == HR_RANK_MEMBER)
        need_principal(list, key);
    else if (kind->rank == HR_RANK_ARTIFACT_LABEL)
        need_labels(list, hr_json_get(json, "labels"));
    else if (kind->rank == HR_RANK_ROBOT)
        need_namespaces(list, hr_json_get(json, "permissions"));
    for (unsigned i = 0; i < G_N_ELEMENTS(references); i++)
        if (references[i].rank == kind->rank)
            need(list, references[i].kind,
                 hr_json_text(hr_json_get(json, references[i].member)));
    return list;
}
