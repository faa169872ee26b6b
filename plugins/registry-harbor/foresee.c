/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Foreseeing: what writes of images would meet, before the first byte.
 *
 *     of each project, once     is it there; is it a cache of another
 *                               registry; may we push; how much room is left;
 *                               are there immutable tags
 *     of a tag that would move  Harbor's own word whether it is immutable
 *
 * Only asked when there is something to write, and of what that touches.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.h"

/* Roles whose members push: administrator, developer, maintainer. */
static bool
is_pushing_role(json_int_t role)
{
    return role == 1 || role == 2 || role == 4;
}

/* A project that is written to. */
typedef struct Place {
    char *name;
    const json_t *row;  /* of the list of projects; NULL: none */
    int64_t hard_bytes; /* -1: no limit, or it is not known    */
    int64_t used_bytes;
    bool immutables; /* it has such rules                      */
} Place;

/* All that is asked about. */
typedef struct Foreseeing {
    const HarborAsk *ask;
    hr_content_write *const *writes;
    size_t count;
    const json_t *projects;
    Place *places;
    size_t place_count;
} Foreseeing;

__attribute__((format(printf, 4, 5))) static void
refuse(hr_content_write *write, hr_status status, bool certain,
       const char *format, ...)
{
    va_list arguments;

    write->status = status;
    write->certain = certain;
    va_start(arguments, format);
    vsnprintf(write->message, sizeof write->message, format, arguments);
    va_end(arguments);
}

/* ---------------------------------------------------------------- places */

static size_t
project_length(const char *repository)
{
    return strcspn(repository, "/");
}

static Place *
find_place(const Foreseeing *all, const char *repository)
{
    size_t length = project_length(repository);

    for (size_t i = 0; i < all->place_count; i++)
        if (strlen(all->places[i].name) == length &&
            strncmp(all->places[i].name, repository, length) == 0)
            return &all->places[i];
    return NULL;
}

static const json_t *
find_row(const json_t *projects, const char *name)
{
    for (size_t i = 0; i < json_array_size(projects); i++) {
        const json_t *row = json_array_get(projects, i);

        if (strcmp(harbor_json_text(row, "name", ""), name) == 0)
            return row;
    }
    return NULL;
}

static void
add_places(Foreseeing *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const char *repository = all->writes[i]->repository;
        Place *place;

        if (find_place(all, repository) != NULL)
            continue;
        place = &all->places[all->place_count++];
        place->name =
            harbor_text("%.*s", (int)project_length(repository), repository);
        place->row = find_row(all->projects, place->name);
        place->hard_bytes = -1;
    }
}

/* Of what there is: two questions for each. */
static char *
place_path(void *data, size_t index)
{
    const Foreseeing *all = data;
    const Place *place = &all->places[index / 2];

    if (place->row == NULL)
        return NULL;
    if (index % 2 == 1)
        return harbor_project_path(place->name,
                                   "immutabletagrules?page_size=0");
    return all->ask->who->quotas
               ? harbor_text("/quotas?reference=project&reference_id=%lld",
                             (long long)harbor_json_number(place->row,
                                                           "project_id", 0))
               : NULL;
}

static char *
place_what(void *data, size_t index)
{
    const Foreseeing *all = data;

    return harbor_text(index % 2 == 1 ? "list immutable rules of project %s"
                                      : "read the quota of %s",
                       all->places[index / 2].name);
}

static void
take_quota(Place *place, const json_t *rows)
{
    const json_t *row = json_array_get(rows, 0);

    place->hard_bytes =
        harbor_json_number(json_object_get(row, "hard"), "storage", -1);
    place->used_bytes =
        harbor_json_number(json_object_get(row, "used"), "storage", 0);
}

/* What may not be seen is not foreseen.  With 401 nothing is to be seen any
 * more: whoever asks on locks the account. */
static bool
is_refused(const HarborAnswer *answer)
{
    return answer->status >= 400 && answer->status < 500 &&
           answer->status != 401;
}

static hr_status
place_take(void *data, size_t index, hr_status status, HarborAnswer *answer)
{
    const Foreseeing *all = data;
    Place *place = &all->places[index / 2];

    if (is_refused(answer)) {
        dist_host->call->forgive(dist_module, all->ask->call);
        return HR_OK;
    }
    if (status != HR_OK)
        return status;
    if (index % 2 == 0)
        take_quota(place, answer->body);
    for (size_t i = 0; index % 2 == 1 && i < json_array_size(answer->body);
         i++)
        place->immutables = place->immutables ||
                            !harbor_json_flag(json_array_get(answer->body, i),
                                              "disabled", false);
    return HR_OK;
}

static hr_status
look_at_places(Foreseeing *all)
{
    const HarborBatch batch = {.count = 2 * all->place_count,
                               .data = all,
                               .path = place_path,
                               .what = place_what,
                               .take = place_take};

    return harbor_batch(all->ask, &batch);
}

/* ------------------------------------------------------------------ rights */

static bool
robot_may_push(const HarborIdentity *who, const char *project)
{
    static const HarborRight push = {
        .level = "project", .resource = "repository", .action = "push"};

    return who->permissions == NULL ||
           harbor_robot_may_in(who, &push, project);
}

static bool
user_may_push(const json_t *row)
{
    const json_t *roles = json_object_get(row, "current_user_role_ids");

    for (size_t i = 0; i < json_array_size(roles); i++)
        if (is_pushing_role(json_integer_value(json_array_get(roles, i))))
            return true;
    return is_pushing_role(harbor_json_number(row, "current_user_role_id", 0));
}

static bool
may_push(const HarborIdentity *who, const Place *place)
{
    if (who->robot)
        return robot_may_push(who, place->name);
    return who->administrator || user_may_push(place->row);
}

/* ------------------------------------------------------------------ verdicts */

/* What is there already takes no room, and nobody knows what that is: only what
 * is larger than everything cannot fit. */
static void
judge_room(const Place *place, hr_content_write *write)
{
    uint64_t hard = (uint64_t)place->hard_bytes;
    uint64_t used = (uint64_t)place->used_bytes;
    uint64_t left = used < hard ? hard - used : 0;

    if (place->hard_bytes < 0)
        return;
    if (write->content_size > hard && used < write->content_size)
        refuse(write, HR_QUOTA, true,
               "it has %llu bytes, and the quota of %s is %llu",
               (unsigned long long)write->content_size, place->name,
               (unsigned long long)hard);
    else if (left == 0 || write->total_size > left)
        refuse(write, HR_QUOTA, false,
               "%llu bytes are left of the quota of %s, which may be too few",
               (unsigned long long)left, place->name);
}

static void
judge(const Foreseeing *all, hr_content_write *write)
{
    const HarborIdentity *who = all->ask->who;
    const Place *place = find_place(all, write->repository);

    write->status = HR_OK;
    write->certain = 0;
    write->message[0] = '\0';
    if (place->row == NULL)
        refuse(write, HR_NOT_FOUND, true, "there is no project %s",
               place->name);
    else if (harbor_json_number(place->row, "registry_id", 0) != 0)
        refuse(write, HR_UNSUPPORTED, true,
               "project %s is a cache of another registry, which takes "
               "nothing else",
               place->name);
    else if (!may_push(who, place))
        refuse(write, HR_AUTH_DENIED, true, "%s may not push to project %s",
               who->name, place->name);
    else
        judge_room(place, write);
}

/* -------------------------------------------------------------- immutable */

static bool
may_be_immutable(const Foreseeing *all, const hr_content_write *write)
{
    return write->action == HR_WRITE_UPDATE && !write->certain &&
           strchr(write->tag, ':') == NULL &&
           find_place(all, write->repository)->immutables;
}

static char *
tag_path(void *data, size_t index)
{
    const Foreseeing *all = data;
    const hr_content_write *write = all->writes[index];
    HARBOR_AUTOFREE char *place = NULL;
    HARBOR_AUTOFREE char *tag = NULL;

    if (!may_be_immutable(all, write))
        return NULL;
    place = harbor_repository_path(write->repository);
    tag = harbor_escape_twice(write->tag);
    return harbor_text("%s/artifacts?q=tags%%3D%s&with_tag=true"
                       "&with_immutable_status=true",
                       place, tag);
}

static char *
tag_what(void *data, size_t index)
{
    const Foreseeing *all = data;

    return harbor_text("look whether %s:%s is immutable",
                       all->writes[index]->repository,
                       all->writes[index]->tag);
}

static bool
is_immutable(const json_t *artifacts, const char *tag)
{
    for (size_t i = 0; i < json_array_size(artifacts); i++) {
        const json_t *tags =
            json_object_get(json_array_get(artifacts, i), "tags");

        for (size_t j = 0; j < json_array_size(tags); j++) {
            const json_t *one = json_array_get(tags, j);

            if (strcmp(harbor_json_text(one, "name", ""), tag) == 0)
                return harbor_json_flag(one, "immutable", false);
        }
    }
    return false;
}

static hr_status
tag_take(void *data, size_t index, hr_status status, HarborAnswer *answer)
{
    const Foreseeing *all = data;
    hr_content_write *write = all->writes[index];

    if (is_refused(answer)) {
        dist_host->call->forgive(dist_module, all->ask->call);
        return HR_OK;
    }
    if (status == HR_OK && is_immutable(answer->body, write->tag))
        refuse(write, HR_IMMUTABLE, true,
               "a rule of the target's project makes the tag immutable");
    return status;
}

static hr_status
look_at_tags(Foreseeing *all)
{
    const HarborBatch batch = {.count = all->count,
                               .data = all,
                               .path = tag_path,
                               .what = tag_what,
                               .take = tag_take};

    return harbor_batch(all->ask, &batch);
}

/* ---------------------------------------------------------------- foresee */

static hr_status
foresee(Foreseeing *all)
{
    hr_status status;

    add_places(all);
    status = look_at_places(all);
    if (status != HR_OK)
        return status;
    for (size_t i = 0; i < all->count; i++)
        judge(all, all->writes[i]);
    return look_at_tags(all);
}

hr_status
harbor_foresee(hr_registry *registry, hr_call *call,
               hr_content_write *const *writes, size_t count)
{
    json_auto_t *projects = NULL;
    HarborAsk ask;
    Foreseeing all = {.ask = &ask,
                      .writes = writes,
                      .count = count,
                      .places = calloc(count + 1, sizeof *all.places)};
    hr_status status = harbor_ask_begin(&ask, registry, call);

    if (status == HR_OK && all.places == NULL)
        status = dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    if (status == HR_OK)
        status = harbor_projects(&ask, &projects);
    all.projects = projects;
    if (status == HR_OK)
        status = foresee(&all);
    for (size_t i = 0; i < all.place_count; i++)
        free(all.places[i].name);
    free(all.places);
    harbor_ask_end(&ask);
    return status;
}
