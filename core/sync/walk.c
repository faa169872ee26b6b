/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walk: every selected tag, seen on both sides. */
#include "sync/walk.h"

#include <string.h>

#include "base/error.h"
#include "model/item.h"
#include "model/reference.h"
#include "model/referrer.h"
#include "sync/follow.h"
#include "sync/selection.h"
#include "sync/tag-ages.h"
#include "sync/tag-batch.h"
#include "sync/tag-list.h"

/* From so many tags on, a list of the target's is worth its one request. */
#define LIST_TARGET_MIN 16

/* One that tells what they lead to is, unless it has more pages than there are
 * tags to be asked about.  It is about as long as the source's. */
#define ARTIFACTS_PAGE 100

typedef struct Walk {
    const HrPass *pass;
    const HrVisitor *visitor;
    HrGroup *group;
    GPtrArray *repositories; /* answer of the list job */
    GError *error;
    HrParking parking; /* of that job */
} Walk;

typedef struct RepositoryJob {
    Walk *walk;
    char *repository;
    char *target; /* its name there */
    HrSelection *selection;
    bool named;       /* its tags were, and not listed */
    bool looked;      /* at the target's list, or found it not worthwhile */
    HrTagList *there; /* that list; or NULL */
    HrParking parking;
} RepositoryJob;

static bool
are_tags_named(const HrPass *pass)
{
    return pass->select != NULL && pass->select->tags.names != NULL;
}

/* A repository's tags: those that are named, or what the source has.  NULL if
 * that could not be found out. */
static HrSelection *
find_tags(const HrPass *pass, const char *repository, HrCall *call,
          GError **error)
{
    g_autoptr(GPtrArray) names = NULL;
    g_autoptr(HrTagList) list = NULL;
    HrSelection *selection;

    if (!are_tags_named(pass)) {
        list = hr_tag_list_ask(pass->source, call, repository, error);
        if (list == NULL)
            return NULL;
        selection = hr_selection_new(pass->select, list->names);
        hr_tag_list_tell(list, selection, 0);
        return selection;
    }
    names = g_ptr_array_new_with_free_func(g_free);
    for (char **name = pass->select->tags.names; *name != NULL; name++)
        g_ptr_array_add(names, g_strdup(*name));
    return hr_selection_new(pass->select, names);
}

static size_t
count_wanted(const HrSelection *selection)
{
    size_t count = 0;

    for (guint i = 0; i < selection->count; i++)
        count += selection->candidates[i].out == HR_TAG_RULE_NONE;
    return count;
}

/* True if the target's list saves questions, or the one that it costs. */
static bool
is_list_worthwhile(const Walk *walk, const HrSelection *selection)
{
    size_t enough = hr_registry_has_artifacts(walk->pass->target)
                        ? 1 + selection->count / ARTIFACTS_PAGE
                        : LIST_TARGET_MIN;
    bool promised = false;

    for (guint i = 0; i < selection->count; i++) {
        const HrCandidate *candidate = &selection->candidates[i];

        if (candidate->out != HR_TAG_RULE_NONE)
            continue;
        promised = promised ||
                   (walk->visitor->immutable != NULL &&
                    hr_select_is_immutable(selection->select, candidate->tag));
    }
    return promised || count_wanted(selection) >= enough;
}

/* Nothing, in a repository that is not there. */
static HrTagList *
list_nothing(const HrVisitor *visitor, const char *repository)
{
    if (visitor->absent != NULL)
        visitor->absent(visitor->data, repository);
    return hr_tag_list_new();
}

/* What the target has of a repository.  NULL if it cannot say; an empty list
 * if it has no such repository. */
static HrTagList *
list_target(Walk *walk, const char *repository, HrCall *call)
{
    g_autoptr(GError) error = NULL;
    HrTagList *list =
        hr_tag_list_ask(walk->pass->target, call, repository, &error);

    if (list != NULL || hr_error_status(error) != HR_NOT_FOUND)
        return list;
    return list_nothing(walk->visitor, repository);
}

bool
hr_visitor_lacks(const HrVisitor *visitor, const char *target_repository)
{
    return visitor->lacks != NULL &&
           visitor->lacks(visitor->data, target_repository);
}

/* Finds out what the target has, once, if it is worth it. */
static void
look_at_target(RepositoryJob *job, HrCall *call)
{
    if (!job->looked && hr_visitor_lacks(job->walk->visitor, job->target))
        job->there = list_nothing(job->walk->visitor, job->target);
    else if (!job->looked && is_list_worthwhile(job->walk, job->selection))
        job->there = list_target(job->walk, job->target, call);
    if (!job->looked && job->there != NULL)
        hr_tag_list_tell(job->there, job->selection, 1);
    job->looked = true;
}

/* The tags that the target has; NULL: not known. */
static GHashTable *
known_tags(const RepositoryJob *job)
{
    return job->there != NULL ? job->there->known : NULL;
}

/* True, and explained, if a tag never moves and the target has it. */
static bool
is_settled(const Walk *walk, const char *repository, const char *tag,
           GHashTable *known)
{
    HrExplanation *explanation = walk->pass->explanation;

    if (walk->visitor->immutable == NULL || walk->pass->complete ||
        known == NULL || !g_hash_table_contains(known, tag) ||
        !hr_select_is_immutable(walk->pass->select, tag))
        return false;
    /* Lists grow, whatever is promised of tags. */
    if (walk->pass->referrers && hr_companion_of(tag) == HR_COMPANION_FALLBACK)
        return false;
    if (explanation != NULL)
        hr_explanation_note(explanation, repository, tag,
                            "immutable and on the target: nobody is asked");
    return true;
}

/* Hands a batch to the workers.  It continues this job, which was admitted:
 * resuming it never blocks the worker. */
static void
submit_batch(Walk *walk, HrFollow *follow, HrTagBatch *batch)
{
    if (batch == NULL)
        return;
    if (follow != NULL)
        hr_follow_expect(follow, hr_tag_batch_count(batch));
    hr_group_enter(walk->group);
    hr_pool_resume(walk->pass->lane, hr_tag_batch_run, batch);
}

/* Splits the tags that are in into batches. */
static void
split_tags(RepositoryJob *job, HrCall *call)
{
    Walk *walk = job->walk;
    const HrSelection *selection = job->selection;
    const HrPass *pass = walk->pass;
    const HrVisitor *visitor = walk->visitor;
    HrTagBatch *batch = NULL;
    HrFollow *follow;
    size_t left = count_wanted(selection);
    size_t settled = 0;
    GHashTable *known;

    look_at_target(job, call);
    known = known_tags(job);
    follow = hr_follow_new(pass, walk->visitor, walk->group, job->repository,
                           job->target, job->named ? NULL : selection, known);
    if (follow != NULL)
        visitor = hr_follow_visitor(follow);
    for (guint i = 0; i < selection->count; i++) {
        HrCandidate *candidate = &selection->candidates[i];
        const char *tag = candidate->tag;
        HrTagPair *pair;

        if (candidate->out != HR_TAG_RULE_NONE)
            continue;
        left--;
        if (is_settled(walk, job->repository, tag, known)) {
            settled++;
            continue;
        }
        if (batch == NULL)
            batch =
                hr_tag_batch_new(pass, visitor, walk->group,
                                 MIN(HR_TAG_BATCH_SIZE, left + 1), job->named);
        pair = hr_tag_batch_add(batch, job->repository, tag, job->target, tag);
        pair->missing = known != NULL && !g_hash_table_contains(known, tag);
        pair->seen[0] = g_steal_pointer(&candidate->seen[0]);
        pair->seen[1] = g_steal_pointer(&candidate->seen[1]);
        if (hr_tag_batch_full(batch))
            submit_batch(walk, follow, g_steal_pointer(&batch));
    }
    submit_batch(walk, follow, batch);
    if (follow != NULL)
        hr_follow_begin(follow);
    if (settled > 0)
        walk->visitor->immutable(walk->visitor->data, settled);
}

static void
end_repository(RepositoryJob *job)
{
    HrGroup *group = job->walk->group;

    hr_selection_free(job->selection);
    hr_tag_list_free(job->there);
    g_free(job->target);
    g_free(job->repository);
    g_free(job);
    hr_group_leave(group);
}

static void
report_unreadable(const RepositoryJob *job)
{
    const HrVisitor *visitor = job->walk->visitor;
    const HrSelection *selection = job->selection;

    for (guint i = 0; i < selection->count; i++) {
        const HrCandidate *candidate = &selection->candidates[i];
        g_autoptr(GError) error = NULL;
        g_autofree char *key = NULL;

        if (candidate->out != HR_TAG_RULE_UNREADABLE)
            continue;
        key = hr_tag_key(job->repository, candidate->tag);
        hr_error_set(&error, candidate->seen[0]->status,
                     "its age could not be found out: %s",
                     candidate->seen[0]->message);
        visitor->problem(visitor->data, key, error);
    }
}

/* Once the ages of its tags are known, if anybody asks for them. */
static void
finish_repository(void *data)
{
    RepositoryJob *job = data;
    const HrPass *pass = job->walk->pass;
    const HrVisitor *visitor = job->walk->visitor;
    g_autoptr(HrCall) call = hr_pass_call(pass);

    hr_selection_finish(job->selection, pass->wall_us);
    if (pass->explanation != NULL)
        hr_selection_explain(job->selection, job->repository,
                             pass->explanation);
    atomic_fetch_add(&pass->progress->repositories, 1);
    report_unreadable(job);
    split_tags(job, call);
    if (visitor->listed != NULL)
        visitor->listed(visitor->data, call, job->repository,
                        job->named ? NULL : job->selection);
    end_repository(job);
}

/* Of tags that nobody asks about nobody asks for the age. */
static void
spare_settled(RepositoryJob *job)
{
    for (guint i = 0; i < job->selection->count; i++) {
        HrCandidate *candidate = &job->selection->candidates[i];

        candidate->taken = candidate->out == HR_TAG_RULE_NONE &&
                           is_settled(job->walk, job->repository,
                                      candidate->tag, known_tags(job));
    }
}

static void
find_ages(RepositoryJob *job, HrCall *call)
{
    HrTagAges ages = {
        .pass = job->walk->pass,
        .source_repository = job->repository,
        .target_repository = job->target,
        .selection = job->selection,
        .then = finish_repository,
        .data = job,
    };

    if (hr_selection_spares_taken(job->selection)) {
        look_at_target(job, call);
        spare_settled(job);
    }
    ages.known = known_tags(job);
    hr_tag_ages_find(&ages);
}

static void
run_repository(void *data)
{
    RepositoryJob *job = data;
    Walk *walk = job->walk;
    const HrPass *pass = walk->pass;
    const HrVisitor *visitor = walk->visitor;
    g_autoptr(HrCall) call = hr_pass_call(pass);
    g_autoptr(GError) error = NULL;

    job->selection = find_tags(pass, job->repository, call, &error);
    if (job->selection == NULL &&
        hr_pass_park(pass, &job->parking, call, hr_error_status(error),
                     run_repository, job))
        return;
    if (job->selection == NULL) {
        visitor->problem(visitor->data, job->repository, error);
        end_repository(job);
        return;
    }
    job->named = are_tags_named(pass);
    job->target = hr_pass_target_name(pass, job->repository);
    if (pass->referrers)
        hr_selection_set_aside(job->selection);
    if (hr_selection_needs_ages(job->selection))
        find_ages(job, call);
    else
        finish_repository(job);
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
            hr_group_wait(walk->group, 0, NULL, NULL);
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
    hr_group_wait(walk->group, 0, NULL, NULL);
    if (hr_cancel_triggered(walk->pass->cancel))
        return hr_error_set(error, HR_CANCELLED, "interrupted");
    return true;
}

bool
hr_walk(const HrPass *pass, const HrVisitor *visitor, GError **error)
{
    g_autoptr(HrGroup) group = hr_group_new();
    Walk walk = {.pass = pass, .visitor = visitor, .group = group};

    bool selected = select_repositories(&walk, error);

    for (guint i = 0; selected && i < walk.repositories->len; i++) {
        RepositoryJob *job = g_new0(RepositoryJob, 1);

        job->walk = &walk;
        job->repository = g_strdup(walk.repositories->pdata[i]);
        if (!hr_pass_submit(pass, group, run_repository, job)) {
            g_free(job->repository);
            g_free(job);
            break;
        }
    }
    g_clear_pointer(&walk.repositories, g_ptr_array_unref);
    return selected && finish_walk(&walk, error);
}

static bool
add_keys(HrTagBatch *batch, const HrVisitor *visitor, const char *source_key,
         const char *target_key, GError **error)
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
    hr_tag_batch_add(batch, source_repository, source_reference,
                     target_repository, target_reference)
        ->missing = hr_visitor_lacks(visitor, target_repository);
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

    for (size_t start = 0; good && start < count; start += HR_TAG_BATCH_SIZE) {
        size_t end = MIN(start + HR_TAG_BATCH_SIZE, count);
        HrTagBatch *batch =
            hr_tag_batch_new(pass, visitor, group, end - start, true);

        for (size_t i = start; good && i < end; i++)
            good = add_keys(batch, visitor, source_keys[i], target_keys[i],
                            error);
        if (!good || !hr_pass_submit(pass, group, hr_tag_batch_run, batch)) {
            hr_tag_batch_free(batch);
            break;
        }
    }
    if (!good) {
        hr_group_wait(group, 0, NULL, NULL);
        return false;
    }
    return finish_walk(&walk, error);
}

bool
hr_walk_one(const HrPass *pass, const char *source_key, const char *target_key,
            const HrVisitor *visitor, GError **error)
{
    g_autoptr(HrGroup) group = hr_group_new();
    Walk walk = {.pass = pass, .visitor = visitor, .group = group};
    g_autofree char *source = NULL;
    g_autofree char *target = NULL;
    g_autofree char *source_reference = NULL;
    g_autofree char *target_reference = NULL;
    HrFollow *follow;
    HrTagBatch *batch;

    if (!hr_tag_key_parse(source_key, &source, &source_reference, error) ||
        !hr_tag_key_parse(target_key, &target, &target_reference, error))
        return false;
    follow = hr_follow_new(pass, visitor, group, source, target, NULL, NULL);
    if (follow != NULL)
        visitor = hr_follow_visitor(follow);
    batch = hr_tag_batch_new(pass, visitor, group, 1, true);
    hr_tag_batch_add(batch, source, source_reference, target,
                     target_reference);
    /* There is nothing else that it could be in the way of. */
    submit_batch(&walk, follow, batch);
    if (follow != NULL)
        hr_follow_begin(follow);
    return finish_walk(&walk, error);
}
