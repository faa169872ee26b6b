/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory: which name has which id at this Harbor.  What was learnt last holds.
 * A name may have got another id since, which shows when the id is used: whoever
 * is told that there is no such thing forgets it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harbor.h"

/* A number of 64 bits. */
#define ID_CAPACITY 24

static json_t *
family_of(json_t **table, const char *family)
{
    json_t *members;

    if (*table == NULL)
        *table = json_object();
    members = json_object_get(*table, family);
    if (members == NULL) {
        members = json_object();
        json_object_set_new(*table, family, members);
    }
    return members;
}

static char *
look_up(hr_registry *registry, json_t **table, const char *family,
        const char *name)
{
    const char *found;
    char *copy = NULL;

    pthread_mutex_lock(&registry->lock);
    found = json_string_value(json_object_get(family_of(table, family), name));
    if (found != NULL)
        copy = harbor_text("%s", found);
    pthread_mutex_unlock(&registry->lock);
    return copy;
}

/* Where `key` led to another than now, that one leads back no more: what was
 * renamed has no former name, what was made anew no former id. */
static void
part(json_t *from, json_t *to, const char *key, const char *other)
{
    const char *before = json_string_value(json_object_get(from, key));
    const char *back;

    if (before == NULL || strcmp(before, other) == 0)
        return;
    back = json_string_value(json_object_get(to, before));
    if (back != NULL && strcmp(back, key) == 0)
        json_object_del(to, before);
}

void
harbor_remember_text(hr_registry *registry, const char *family,
                     const char *name, const char *id)
{
    HarborMemory *memory = &registry->memory;
    json_t *ids;
    json_t *names;

    if (*name == '\0' || *id == '\0')
        return;
    pthread_mutex_lock(&registry->lock);
    ids = family_of(&memory->ids, family);
    names = family_of(&memory->names, family);
    part(ids, names, name, id);
    part(names, ids, id, name);
    json_object_set_new(ids, name, json_string(id));
    json_object_set_new(names, id, json_string(name));
    pthread_mutex_unlock(&registry->lock);
}

void
harbor_remember(hr_registry *registry, const char *family, const char *name,
                int64_t id)
{
    char text[ID_CAPACITY];

    if (id == 0)
        return;
    snprintf(text, sizeof text, "%" PRId64, id);
    harbor_remember_text(registry, family, name, text);
}

char *
harbor_recall_text(hr_registry *registry, const char *family, const char *name)
{
    return look_up(registry, &registry->memory.ids, family, name);
}

char *
harbor_recall_text_name(hr_registry *registry, const char *family,
                        const char *id)
{
    return look_up(registry, &registry->memory.names, family, id);
}

int64_t
harbor_recall(hr_registry *registry, const char *family, const char *name)
{
    HARBOR_AUTOFREE char *id = harbor_recall_text(registry, family, name);
    int64_t number = 0;

    if (id != NULL)
        sscanf(id, "%" SCNd64, &number);
    return number;
}

char *
harbor_recall_name(hr_registry *registry, const char *family, int64_t id)
{
    char text[ID_CAPACITY];

    snprintf(text, sizeof text, "%" PRId64, id);
    return harbor_recall_text_name(registry, family, text);
}

void
harbor_forget(hr_registry *registry, const char *family, const char *name)
{
    HarborMemory *memory = &registry->memory;
    HARBOR_AUTOFREE char *id = harbor_recall_text(registry, family, name);

    pthread_mutex_lock(&registry->lock);
    json_object_del(family_of(&memory->ids, family), name);
    if (id != NULL)
        json_object_del(family_of(&memory->names, family), id);
    pthread_mutex_unlock(&registry->lock);
}
