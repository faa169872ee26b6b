/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walk: every selected tag, seen on both sides. */
#include "sync/walk.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "model/item.h"
#include "model/reference.h"

/* Tags resolved by one job: enough to fill an endpoint's limit of requests in
 * flight several times over, few enough to keep all workers busy. */
#define BATCH_SIZE 64

/* From so many tags on, a list of the target's is worth its one request. */
#define LIST_TARGET_MIN 16

typedef struct Walk {
    const HrPass *pass;
    const HrVisitor *visitor;
    HrGroup *group;
    GPtrArray *repositories; /* answer of the list job */
    GError *error;
    HrParking parking; /* of that job */
} Walk;

/* One tag of a batch: its names on each side. */
typedef struct Pair {
    char *repository[2]; /* source, target */
    char *reference[2];
    bool missing; /* the target is known not to have it */
} Pair;

/* A batch of up to BATCH_SIZE tags.  Many wait at once, so that a batch holds
 * names only: its queries are made when it runs. */
typedef struct Batch {
    const Walk *walk;
    Pair *pairs;
    size_t count;
    bool named;
    hr_manifest_query *queries; /* source and target, alternating */
    HrParking parking;
} Batch;

typedef struct RepositoryJob {
    Walk *walk;
    char *repository;
    HrParking parking;
} RepositoryJob;

static void
free_batch(Batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        Pair *pair = &batch->pairs[i];
        Pair *next = i + 1 < batch->count ? pair + 1 : NULL;

        if (pair->reference[1] != pair->reference[0])
            g_free(pair->reference[1]);
        g_free(pair->reference[0]);
        for (unsigned side = 0; side < 2; side++)
            if (next == NULL ||
                next->repository[side] != pair->repository[side])
                g_free(pair->repository[side]);
    }
    g_free(batch->pairs);
    g_free(batch->queries);
    g_free(batch);
}

static Batch *
new_batch(const Walk *walk, size_t capacity, bool named)
{
    Batch *batch = g_new0(Batch, 1);

    batch->walk = walk;
    batch->pairs = g_new0(Pair, capacity);
    batch->named = named;
    return batch;
}

/* A neighbour's name is shared if it is the same: mostly it is. */
static void
share_repository(const Batch *batch, Pair *pair, unsigned side,
                 const char *name)
{
    Pair *before = pair > batch->pairs ? pair - 1 : NULL;

    if (before != NULL && strcmp(before->repository[side], name) == 0)
        pair->repository[side] = before->repository[side];
    else
        pair->repository[side] = g_strdup(name);
}

static Pair *
add_to_batch(Batch *batch, const char *source_repository,
             const char *source_reference, const char *target_repository,
             const char *target_reference)
{
    Pair *pair = &batch->pairs[batch->count++];

    share_repository(batch, pair, 0, source_repository);
    share_repository(batch, pair, 1, target_repository);
    pair->reference[0] = g_strdup(source_reference);
    pair->reference[1] = strcmp(source_reference, target_reference) == 0
                             ? pair->reference[0]
                             : g_strdup(target_reference);
    return pair;
}

static void
make_queries(Batch *batch)
{
    if (batch->queries != NULL)
        return;
    batch->queries = g_new0(hr_manifest_query, 2 * batch->count);
    for (size_t i = 0; i < 2 * batch->count; i++) {
        const Pair *pair = &batch->pairs[i / 2];
        hr_manifest_query *query = &batch->queries[i];

        query->struct_size = sizeof *query;
        query->repository = pair->repository[i % 2];
        query->reference = pair->reference[i % 2];
        if (i % 2 == 1 && pair->missing)
            query->status = HR_NOT_FOUND;
    }
}

static bool
resolve_side(const Batch *batch, HrCall *call, HrRegistry *registry,
             unsigned side, GError **error)
{
    hr_manifest_query *queries[BATCH_SIZE];
    size_t count = 0;

    for (size_t i = 0; i < batch->count; i++) {
        hr_manifest_query *query = &batch->queries[2 * i + side];

        /* One that was put off has the others' answers with it. */
        if (query->status == HR_OK && query->digest[0] == '\0')
            queries[count++] = query;
    }
    return count == 0 ||
           hr_registry_resolve(registry, call, queries, count, error);
}

static void
report_batch(const Batch *batch, const GError *error)
{
    const HrVisitor *visitor = batch->walk->visitor;

    for (size_t i = 0; i < batch->count; i++) {
        const hr_manifest_query *query = &batch->queries[2 * i];
        g_autofree char *key = hr_tag_key(query->repository, query->reference);

        visitor->problem(visitor->data, key, error);
    }
}

/* The first failure that better times may cure, or HR_OK. */
static hr_status
find_put_off(const Batch *batch, const GError *error)
{
    if (error != NULL)
        return hr_error_status(error);
    for (size_t i = 0; i < 2 * batch->count; i++)
        if (hr_pass_may_park(batch->queries[i].status))
            return batch->queries[i].status;
    return HR_OK;
}

/* Those that failed are asked again. */
static void
reset_failed(const Batch *batch)
{
    for (size_t i = 0; i < 2 * batch->count; i++)
        if (hr_pass_may_park(batch->queries[i].status))
            batch->queries[i].status = HR_OK;
}

static void
run_batch(void *data)
{
    Batch *batch = data;
    const Walk *walk = batch->walk;
    const HrPass *pass = walk->pass;
    g_autoptr(HrCall) call = hr_pass_call(pass);
    g_autoptr(GError) error = NULL;
    HrSighting sightings[BATCH_SIZE];
    bool good;

    make_queries(batch);
    reset_failed(batch);
    good = resolve_side(batch, call, pass->source, 0, &error) &&
           resolve_side(batch, call, pass->target, 1, &error);
    if (hr_pass_park(pass, &batch->parking, call, find_put_off(batch, error),
                     run_batch, batch))
        return;
    if (!good) {
        report_batch(batch, error);
    } else {
        for (size_t i = 0; i < batch->count; i++)
            sightings[i] = (HrSighting){
                .source = &batch->queries[2 * i],
                .target = &batch->queries[2 * i + 1],
                .named = batch->named,
            };
        walk->visitor->visit(walk->visitor->data, call, sightings,
                             batch->count);
    }
    free_batch(batch);
    hr_group_leave(walk->group);
}

/* The tags wanted from a repository: named, or listed and filtered.  *listed
 * tells which. */
static GPtrArray *
select_tags(const HrPass *pass, const char *repository, HrCall *call,
            bool *listed, GError **error)
{
    const HrSelect *select = pass->select;
    g_autoptr(GPtrArray) tags = NULL;

    *listed = select == NULL || select->tags.names == NULL;
    if (!*listed) {
        tags = g_ptr_array_new_with_free_func(g_free);
        for (char **name = select->tags.names; *name != NULL; name++)
            g_ptr_array_add(tags, g_strdup(*name));
    } else {
        tags = hr_registry_list_tags(pass->source, call, repository, error);
    }
    if (tags != NULL)
        hr_selection_keep_tags(select, repository, tags, pass->explanation);
    return g_steal_pointer(&tags);
}

/* What the target has of a repository, if it is worth asking: NULL if not, or
 * if it cannot say; an empty set if it has no such repository. */
static GHashTable *
list_target(Walk *walk, const char *repository, size_t wanted, HrCall *call)
{
    const HrVisitor *visitor = walk->visitor;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) tags = NULL;
    GHashTable *known;

    if (wanted < LIST_TARGET_MIN)
        return NULL;
    tags = hr_registry_list_tags(walk->pass->target, call, repository, &error);
    if (tags == NULL && hr_error_status(error) != HR_NOT_FOUND)
        return NULL;
    known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (tags == NULL && visitor->absent != NULL)
        visitor->absent(visitor->data, repository);
    for (guint i = 0; tags != NULL && i < tags->len; i++)
        g_hash_table_add(known, g_strdup(tags->pdata[i]));
    return known;
}

static void
submit_batch(Walk *walk, Batch *batch)
{
    hr_group_enter(walk->group);
    hr_pool_resume(walk->pass->lane, run_batch, batch);
}

/* Splits a repository's tags into batches.  They continue this job, which was
 * admitted: resuming them never blocks the worker. */
static void
split_tags(Walk *walk, const char *repository, const GPtrArray *tags,
           bool named, HrCall *call)
{
    const HrPass *pass = walk->pass;
    g_autofree char *target_repository = hr_pass_target_name(pass, repository);
    g_autoptr(GHashTable) known =
        list_target(walk, target_repository, tags->len, call);
    Batch *batch = NULL;

    for (guint i = 0; i < tags->len; i++) {
        const char *tag = tags->pdata[i];
        Pair *pair;

        if (batch == NULL)
            batch = new_batch(walk, MIN(BATCH_SIZE, tags->len - i), named);
        pair = add_to_batch(batch, repository, tag, target_repository, tag);
        pair->missing = known != NULL && !g_hash_table_contains(known, tag);
        if (batch->count == BATCH_SIZE || i + 1 == tags->len)
            submit_batch(walk, g_steal_pointer(&batch));
    }
}

static void
run_repository(void *data)
{
    RepositoryJob *job = data;
    Walk *walk = job->walk;
    const HrVisitor *visitor = walk->visitor;
    g_autoptr(HrCall) call = hr_pass_call(walk->pass);
    g_autoptr(GError) error = NULL;
    bool listed;
    g_autoptr(GPtrArray) tags =
        select_tags(walk->pass, job->repository, call, &listed, &error);

    if (tags == NULL &&
        hr_pass_park(walk->pass, &job->parking, call, hr_error_status(error),
                     run_repository, job))
        return;
    if (tags == NULL) {
        visitor->problem(visitor->data, job->repository, error);
    } else {
        atomic_fetch_add(&walk->pass->progress->repositories, 1);
        split_tags(walk, job->repository, tags, !listed, call);
        if (visitor->listed != NULL)
            visitor->listed(visitor->data, call, job->repository,
                            listed ? tags : NULL);
    }
    g_free(job->repository);
    g_free(job);
    hr_group_leave(walk->group);
}

static void
run_list(void *data)
{
    Walk *walk = data;
    g_autoptr(HrCall) call = hr_pass_call(walk->pass);

    g_clear_error(&walk->error);
    walk->repositories =
        hr_registry_list_repositories(walk->pass->source, call, &walk->error);
    if (walk->error != NULL &&
        hr_pass_park(walk->pass, &walk->parking, call,
                     hr_error_status(walk->error), run_list, walk))
        return;
    if (walk->error != NULL && hr_error_status(walk->error) == HR_UNSUPPORTED)
        g_prefix_error(&walk->error,
                       "name the repositories in select.repositories.names: ");
    hr_group_leave(walk->group);
}

/* Two repositories that become one would overwrite each other's tags, in
 * every pass anew. */
static bool
check_names(const Walk *walk, GError **error)
{
    g_autoptr(GHashTable) names =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    if (walk->pass->rename == NULL)
        return true;
    for (guint i = 0; i < walk->repositories->len; i++) {
        const char *repository = walk->repositories->pdata[i];
        g_autofree char *name = hr_pass_target_name(walk->pass, repository);
        const char *other = g_hash_table_lookup(names, name);

        if (!hr_repository_valid(name))
            return hr_error_set(error, HR_CONFIG,
                                "rename makes '%s' of %s, which is no name "
                                "of a repository",
                                name, repository);
        if (other != NULL)
            return hr_error_set(error, HR_CONFIG,
                                "rename makes %s of both %s and %s: deselect "
                                "one of them",
                                name, other, repository);
        g_hash_table_insert(names, g_steal_pointer(&name),
                            (gpointer)repository);
    }
    return true;
}

static bool
select_repositories(Walk *walk, GError **error)
{
    const HrPass *pass = walk->pass;
    const HrSelect *select = pass->select;

    if (select != NULL && select->repositories.names != NULL) {
        walk->repositories = g_ptr_array_new_with_free_func(g_free);
        for (char **name = select->repositories.names; *name != NULL; name++)
            g_ptr_array_add(walk->repositories, g_strdup(*name));
    } else {
        if (hr_pass_submit(pass, walk->group, run_list, walk))
            hr_pass_wait(pass, walk->group);
        if (walk->repositories == NULL) {
            if (walk->error == NULL)
                return hr_error_set(error, HR_CANCELLED, "interrupted");
            g_propagate_error(error, g_steal_pointer(&walk->error));
            return false;
        }
    }
    for (guint i = walk->repositories->len; i > 0; i--)
        if (!hr_selection_wants_repository(
                select, walk->repositories->pdata[i - 1], pass->explanation))
            g_ptr_array_remove_index(walk->repositories, i - 1);
    return check_names(walk, error);
}

static bool
finish_walk(const Walk *walk, GError **error)
{
    hr_pass_wait(walk->pass, walk->group);
    if (hr_cancel_triggered(walk->pass->cancel))
        return hr_error_set(error, HR_CANCELLED, "interrupted");
    return true;
}

bool
hr_walk(const HrPass *pass, const HrVisitor *visitor, GError **error)
{
    g_autoptr(HrGroup) group = hr_group_new();
    Walk walk = {.pass = pass, .visitor = visitor, .group = group};

    if (!select_repositories(&walk, error))
        return false;
    for (guint i = 0; i < walk.repositories->len; i++) {
        RepositoryJob *job = g_new0(RepositoryJob, 1);

        job->walk = &walk;
        job->repository = g_strdup(walk.repositories->pdata[i]);
        if (!hr_pass_submit(pass, group, run_repository, job)) {
            g_free(job->repository);
            g_free(job);
            break;
        }
    }
    g_ptr_array_unref(walk.repositories);
    return finish_walk(&walk, error);
}

static bool
add_keys(Batch *batch, const char *source_key, const char *target_key,
         GError **error)
{
    g_autofree char *source_repository = NULL;
    g_autofree char *source_reference = NULL;
    g_autofree char *target_repository = NULL;
    g_autofree char *target_reference = NULL;

    if (!hr_tag_key_parse(source_key, &source_repository, &source_reference,
                          error) ||
        !hr_tag_key_parse(target_key, &target_repository, &target_reference,
                          error))
        return false;
    add_to_batch(batch, source_repository, source_reference, target_repository,
                 target_reference);
    return true;
}

bool
hr_walk_keys(const HrPass *pass, const char *const *source_keys,
             const char *const *target_keys, size_t count,
             const HrVisitor *visitor, GError **error)
{
    g_autoptr(HrGroup) group = hr_group_new();
    Walk walk = {.pass = pass, .visitor = visitor, .group = group};
    bool good = true;

    for (size_t start = 0; good && start < count; start += BATCH_SIZE) {
        size_t end = MIN(start + BATCH_SIZE, count);
        Batch *batch = new_batch(&walk, end - start, true);

        for (size_t i = start; good && i < end; i++)
            good = add_keys(batch, source_keys[i], target_keys[i], error);
        if (!good || !hr_pass_submit(pass, group, run_batch, batch)) {
            free_batch(batch);
            break;
        }
    }
    if (!good) {
        hr_pass_wait(pass, group);
        return false;
    }
    return finish_walk(&walk, error);
}
