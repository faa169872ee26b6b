/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Content by the lists of the API, which raise no pull event.
 *
 *     artifacts of a repository, 100 a page --> tag, digest, type, bytes, labels
 *       |
 *       '-- one of them has accessories (signatures, SBOMs): their tags are in
 *           no such list; those that the protocol lists beside are asked for
 *           by HEAD
 *
 * Who wants labels lists the same artifacts: what they found is kept for the
 * one who wants tags next, up to a number.
 */
#include <stdlib.h>
#include <string.h>

#include "../lib/json-names.h"
#include "kinds.h"

/* Artifacts kept for another who lists them. */
#define KEPT_LIMIT 50000u

/* Names asked for in a page. */
#define NAMES_PAGE 1000

hr_status
harbor_probe(hr_registry *registry, hr_call *call)
{
    return harbor_identity_learn(registry, call);
}

/* ----------------------------------------------------------- repositories */

hr_status
harbor_repositories(const HarborAsk *ask, json_t **rows)
{
    const HarborList list = {.path = "/repositories",
                             .what = "list the repositories",
                             .sort = "-creation_time"};

    return harbor_list(ask, &list, rows);
}

hr_status
harbor_list_repositories(hr_registry *registry, hr_call *call, hr_names *names)
{
    json_auto_t *rows = NULL;
    HarborAsk ask;
    hr_status status = harbor_ask_begin(&ask, registry, call);

    if (status == HR_OK)
        status = harbor_repositories(&ask, &rows);
    for (size_t i = 0; i < json_array_size(rows) && status == HR_OK; i++)
        status = dist_host->names->add(
            dist_module, call, names,
            harbor_json_text(json_array_get(rows, i), "name", ""));
    harbor_ask_end(&ask);
    return status;
}

char *
harbor_repository_path(const char *repository)
{
    HARBOR_AUTOFREE char *name = NULL;
    HARBOR_AUTOFREE char *project = NULL;
    HARBOR_AUTOFREE char *escaped = NULL;
    const char *rest;

    if (!harbor_key_split(repository, &name, &rest))
        return NULL;
    project = harbor_escape(name);
    escaped = harbor_escape_twice(rest);
    return harbor_text("/projects/%s/repositories/%s", project, escaped);
}

/* -------------------------------------------------------------- artifacts */

static json_t *
names_of(const json_t *tags)
{
    json_t *names = json_array();

    for (size_t i = 0; i < json_array_size(tags); i++)
        json_array_append(names,
                          json_object_get(json_array_get(tags, i), "name"));
    return names;
}

/* What an index lists, if all of it are images of a platform: what else it is
 * is not told, and could be another index.  NULL: it is none, or not known. */
static json_t *
parts_of(const json_t *references)
{
    json_t *parts;

    if (json_array_size(references) == 0)
        return NULL;
    parts = json_array();
    for (size_t i = 0; i < json_array_size(references); i++) {
        const json_t *reference = json_array_get(references, i);
        const json_t *platform = json_object_get(reference, "platform");
        const json_t *digest = json_object_get(reference, "child_digest");

        if (*harbor_json_text(platform, "os", "") == '\0' ||
            !json_is_string(digest)) {
            json_decref(parts);
            return NULL;
        }
        json_array_append(parts, (json_t *)digest);
    }
    return parts;
}

static json_t *
shorten(const json_t *row)
{
    const json_t *accessories = json_object_get(row, "accessories");
    json_t *labels = json_object_get(row, "labels");
    json_t *kept = json_pack("{s:o, s:s, s:s, s:I, s:b}", "tags",
                             names_of(json_object_get(row, "tags")), "digest",
                             harbor_json_text(row, "digest", ""), "media_type",
                             harbor_json_text(row, "manifest_media_type", ""),
                             "size", harbor_json_number(row, "size", 0),
                             "accessories", json_array_size(accessories) > 0);

    json_t *parts = parts_of(json_object_get(row, "references"));

    if (json_array_size(labels) > 0)
        json_object_set(kept, "labels", labels);
    if (parts != NULL)
        json_object_set_new(kept, "parts", parts);
    return kept;
}

/* How those of a repository are listed. */
typedef struct Listing {
    char *path;
    char *what;
    HarborList list;
} Listing;

/* False if the repository is in no project. */
static bool
listing_begin(Listing *listing, const char *repository)
{
    HARBOR_AUTOFREE char *place = harbor_repository_path(repository);

    *listing =
        (Listing){.list = {.sort = "-id", .paged = true, .shorten = shorten}};
    if (place == NULL)
        return false;
    listing->path = harbor_text("%s/artifacts?q=tags%%3D*&with_tag=true"
                                "&with_label=true&with_accessory=true",
                                place);
    listing->what = harbor_text("list the artifacts of %s", repository);
    listing->list.path = listing->path;
    listing->list.what = listing->what;
    return true;
}

static void
listing_end(Listing *listing)
{
    free(listing->path);
    free(listing->what);
}

/* `first` is the answer to the first request, NULL if there was none. */
static hr_status
list_rows(const HarborAsk *ask, const char *repository,
          const HarborAnswer *first, json_t **rows)
{
    Listing listing;
    hr_status status;

    *rows = NULL;
    if (!listing_begin(&listing, repository))
        return dist_fail(ask->call, HR_NOT_FOUND,
                         "%s: it is in no project, and there is nothing "
                         "outside of projects",
                         repository);
    status = first != NULL
                 ? harbor_list_complete(ask, &listing.list, first, rows)
                 : harbor_list(ask, &listing.list, rows);
    listing_end(&listing);
    if (status == HR_OK)
        harbor_told_remember(ask->registry, repository, *rows);
    return status;
}

/* Under the lock. */
static void
drop_kept(hr_registry *registry, const char *repository)
{
    registry->artifacts_kept -=
        json_array_size(json_object_get(registry->artifacts, repository));
    json_object_del(registry->artifacts, repository);
}

static json_t *
take_kept(hr_registry *registry, const char *repository)
{
    json_t *rows;

    pthread_mutex_lock(&registry->lock);
    rows = json_incref(json_object_get(registry->artifacts, repository));
    drop_kept(registry, repository);
    pthread_mutex_unlock(&registry->lock);
    return rows;
}

static void
keep(hr_registry *registry, const char *repository, json_t *rows)
{
    pthread_mutex_lock(&registry->lock);
    if (registry->artifacts == NULL)
        registry->artifacts = json_object();
    drop_kept(registry, repository);
    if (registry->artifacts_kept + json_array_size(rows) <= KEPT_LIMIT) {
        json_object_set(registry->artifacts, repository, rows);
        registry->artifacts_kept += json_array_size(rows);
    }
    pthread_mutex_unlock(&registry->lock);
}

void
harbor_artifacts_forget(hr_registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    json_decref(registry->artifacts);
    registry->artifacts = NULL;
    registry->artifacts_kept = 0;
    pthread_mutex_unlock(&registry->lock);
}

/* ------------------------------------------------- of many repositories */

typedef struct Walking {
    const HarborAsk *ask;
    const HarborArtifacts *wanted;
} Walking;

static const char *
walk_name(const Walking *walking, size_t index)
{
    return json_string_value(
        json_array_get(walking->wanted->repositories, index));
}

static char *
walk_path(void *data, size_t index)
{
    Listing listing;
    char *path = NULL;

    if (listing_begin(&listing, walk_name(data, index)))
        path = harbor_list_path(&listing.list);
    listing_end(&listing);
    return path;
}

static char *
walk_what(void *data, size_t index)
{
    return harbor_text("list the artifacts of %s", walk_name(data, index));
}

static hr_status
walk_take(void *data, size_t index, hr_status status, HarborAnswer *answer)
{
    const Walking *walking = data;
    const HarborArtifacts *wanted = walking->wanted;
    const char *repository = walk_name(walking, index);
    json_auto_t *rows = NULL;

    if (status == HR_OK)
        status = list_rows(walking->ask, repository, answer, &rows);
    if (status == HR_OK) {
        keep(walking->ask->registry, repository, rows);
        return wanted->take(wanted->data, repository, rows);
    }
    if (status == HR_NOT_FOUND)
        dist_host->call->forgive(dist_module, walking->ask->call);
    else if (answer->status == 403 || status == HR_UNKNOWN)
        wanted->refused(wanted->data, repository, status);
    else
        return status;
    return HR_OK;
}

hr_status
harbor_artifacts(const HarborAsk *ask, const HarborArtifacts *wanted)
{
    Walking walking = {ask, wanted};
    const HarborBatch batch = {.count = json_array_size(wanted->repositories),
                               .data = &walking,
                               .path = walk_path,
                               .what = walk_what,
                               .take = walk_take};

    return harbor_batch(ask, &batch);
}

/* ----------------------------------------------------- tags that are theirs */

/* What leads to it. */
typedef struct Telling {
    const HarborAsk *ask;
    const char *repository;
    hr_artifact_sink *sink;
    json_t *told; /* tags */
} Telling;

static hr_status
tell(const Telling *telling, const hr_artifact *artifact)
{
    json_object_set_new(telling->told, artifact->tag, json_true());
    return telling->sink->take(telling->sink, telling->ask->call, artifact);
}

static hr_status
tell_row(const Telling *telling, const json_t *row)
{
    const json_t *tags = json_object_get(row, "tags");
    hr_artifact artifact = {
        .struct_size = sizeof artifact,
        .digest = harbor_json_text(row, "digest", ""),
        .media_type = harbor_json_text(row, "media_type", ""),
        .content_size = (uint64_t)harbor_json_number(row, "size", 0),
    };
    hr_status status = HR_OK;

    for (size_t i = 0; i < json_array_size(tags) && status == HR_OK; i++) {
        artifact.tag = json_string_value(json_array_get(tags, i));
        if (artifact.tag != NULL)
            status = tell(telling, &artifact);
    }
    return status;
}

/* Names of all tags, as the protocol lists them. */
typedef struct Naming {
    DistPages pages; /* first */
    const json_t *told;
    json_t *others;
} Naming;

static int
take_name(void *data, const char *name)
{
    const Naming *naming = data;

    if (json_object_get(naming->told, name) == NULL)
        json_array_append_new(naming->others, json_string(name));
    return 0;
}

static hr_status
take_names(void *data, const hr_http_exchange *exchange)
{
    Naming *naming = data;
    char problem[256] = "";
    uint64_t size;
    const char *body = dist_host->http->body(dist_module, exchange, &size);

    if (dist_host->http->status(dist_module, exchange) != 200)
        return dist_refused(naming->pages.call, exchange, "%s",
                            naming->pages.what);
    if (hr_lib_json_names(body, (size_t)size, "tags", take_name, naming,
                          problem, sizeof problem) == 0)
        return HR_OK;
    return dist_fail(naming->pages.call, HR_INVALID, "%s: %s",
                     naming->pages.what, problem);
}

static hr_status
name_others(const Telling *telling, json_t **others)
{
    HARBOR_AUTOFREE char *first =
        harbor_text("/v2/%s/tags/list?n=%d", telling->repository, NAMES_PAGE);
    HARBOR_AUTOFREE char *what =
        harbor_text("list tags of %s", telling->repository);
    Naming naming = {
        .pages = {.call = telling->ask->call,
                  .what = what,
                  .first = first,
                  .take = take_names,
                  .limit_bytes = UINT64_C(16) * 1024 * 1024},
        .told = telling->told,
        .others = json_array(),
    };
    hr_registry *registry = telling->ask->registry;
    hr_http_exchange *exchange = NULL;
    hr_status status;

    naming.pages.data = &naming;
    status = dist_pages_begin(registry, &naming.pages, &exchange);
    if (status == HR_OK)
        status = dist_pages_end(registry, &naming.pages, exchange);
    *others = naming.others;
    return status;
}

static hr_status
tell_query(const Telling *telling, const hr_manifest_query *query)
{
    const hr_artifact artifact = {
        .struct_size = sizeof artifact,
        .tag = query->reference,
        .digest = query->digest,
        .media_type = query->media_type,
        .size = query->size,
    };

    if (query->status == HR_OK)
        return tell(telling, &artifact);
    /* It has gone since it was named. */
    if (query->status == HR_NOT_FOUND)
        return HR_OK;
    return dist_fail(telling->ask->call, query->status, "%s", query->message);
}

static hr_status
resolve_others(const Telling *telling, const json_t *others)
{
    size_t count = json_array_size(others);
    hr_manifest_query *queries = calloc(count + 1, sizeof *queries);
    hr_manifest_query **list = calloc(count + 1, sizeof *list);
    hr_status status = HR_OK;

    if (queries == NULL || list == NULL)
        status =
            dist_fail(telling->ask->call, HR_LOCAL_RESOURCE, "out of memory");
    for (size_t i = 0; i < count && status == HR_OK; i++) {
        queries[i].struct_size = sizeof queries[i];
        queries[i].repository = telling->repository;
        queries[i].reference = json_string_value(json_array_get(others, i));
        list[i] = &queries[i];
    }
    if (status == HR_OK && count > 0)
        status = dist_resolve(telling->ask->registry, telling->ask->call, list,
                              count);
    for (size_t i = 0; i < count && status == HR_OK; i++)
        status = tell_query(telling, &queries[i]);
    free(queries);
    free(list);
    return status;
}

static hr_status
tell_others(const Telling *telling)
{
    json_auto_t *others = NULL;
    hr_status status = name_others(telling, &others);

    return status == HR_OK ? resolve_others(telling, others) : status;
}

/* ---------------------------------------------------------- list_artifacts */

/* The list of what does not exist is as empty as that of what is empty. */
static hr_status
check_there(const HarborAsk *ask, const char *repository)
{
    HARBOR_AUTOFREE char *path = harbor_repository_path(repository);
    HARBOR_AUTOFREE char *what = harbor_text("look for %s", repository);
    json_auto_t *row = NULL;

    return harbor_get(ask, path, what, &row);
}

static hr_status
tell_all(const Telling *telling, const json_t *rows)
{
    bool accessories = false;
    hr_status status = HR_OK;

    for (size_t i = 0; i < json_array_size(rows) && status == HR_OK; i++) {
        const json_t *row = json_array_get(rows, i);

        accessories =
            accessories || harbor_json_flag(row, "accessories", false);
        status = tell_row(telling, row);
    }
    return status == HR_OK && accessories ? tell_others(telling) : status;
}

hr_status
harbor_list_artifacts(hr_registry *registry, hr_call *call,
                      const char *repository, hr_artifact_sink *sink)
{
    json_auto_t *told = json_object();
    json_auto_t *rows = NULL;
    HarborAsk ask;
    hr_status status = harbor_ask_begin(&ask, registry, call);
    const Telling telling = {&ask, repository, sink, told};

    if (status == HR_OK) {
        rows = take_kept(registry, repository);
        if (rows == NULL)
            status = list_rows(&ask, repository, NULL, &rows);
    }
    if (status == HR_OK && json_array_size(rows) == 0)
        status = check_there(&ask, repository);
    if (status == HR_OK)
        status = tell_all(&telling, rows);
    harbor_ask_end(&ask);
    return status;
}
