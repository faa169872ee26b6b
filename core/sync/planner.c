/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Planner: compares both sides of a sync and writes down what to change. */
#include "sync/planner.h"

#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "model/item.h"
#include "sync/artifact.h"
#include "sync/blob-presence.h"
#include "sync/decide.h"
#include "sync/document-plan.h"
#include "sync/foresight.h"
#include "sync/seen-content.h"
#include "sync/walk.h"

/* Stale items named in an error; the rest is counted. */
#define STALE_NAMED 5

typedef struct Planner {
    const HrPass *pass;
    GHashTable *created; /* projects that are not there yet */
    HrSeenContent *seen;
    HrPlan *plan; /* under mutex while workers are at it */
    pthread_mutex_t mutex;
} Planner;

static void
add_problem(Planner *planner, const char *key, const GError *error)
{
    HR_LOCKED(&planner->mutex);
    hr_plan_add_problem(planner->plan, key, error);
}

static void
note_problem(void *data, const char *key, const GError *error)
{
    add_problem(data, key, error);
}

static void
note_absent(void *data, const char *target_repository)
{
    Planner *planner = data;

    HR_LOCKED(&planner->mutex);
    g_hash_table_add(planner->plan->absent, g_strdup(target_repository));
}

/* The projects that a plan creates: nobody need ask what is in them, and a
 * registry may call that a want of rights. */
static GHashTable *
find_created(const HrPlan *plan)
{
    GHashTable *created =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];

        if (change->rank == HR_RANK_PROJECT && change->target == NULL)
            g_hash_table_add(created, g_strdup(change->key));
    }
    return created;
}

static bool
is_created(GHashTable *created, const char *repository)
{
    g_autofree char *project = g_strndup(repository, strcspn(repository, "/"));

    return g_hash_table_contains(created, project);
}

static bool
lacks(void *data, const char *target_repository)
{
    return is_created(((Planner *)data)->created, target_repository);
}

static void
note_immutable(void *data, size_t count)
{
    Planner *planner = data;

    atomic_fetch_add(&planner->pass->progress->checked, count);
    HR_LOCKED(&planner->mutex);
    planner->plan->checked += count;
    planner->plan->unchanged += count;
    planner->plan->immutable += count;
}

/* The sentence for one side that could not be asked about a reference. */
static void
report_query(Planner *planner, const char *key, const HrRegistry *registry,
             const hr_manifest_query *query)
{
    g_autoptr(GError) error = NULL;

    hr_error_set(&error, query->status, "%s: %s", hr_registry_name(registry),
                 query->message[0] != '\0' ? query->message
                                           : hr_status_name(query->status));
    add_problem(planner, key, error);
}

static void
note_missing(Planner *planner, const char *key, const HrSighting *sighting)
{
    g_autoptr(GError) error = NULL;

    if (!sighting->named) {
        hr_log(HR_LOG_WARNING,
               "%s: %s vanished from the source after it was listed",
               planner->pass->name, key);
        HR_LOCKED(&planner->mutex);
        planner->plan->checked++;
        planner->plan->vanished++;
        return;
    }
    hr_error_set(&error, HR_NOT_FOUND,
                 "%s: there is no such tag, although the configuration "
                 "names it",
                 hr_registry_name(planner->pass->source));
    add_problem(planner, key, error);
}

static HrChange *
new_change(const HrSighting *sighting, const char *key, const char *from)
{
    HrChange *change = g_new0(HrChange, 1);
    const hr_manifest_query *source = sighting->source;
    const hr_manifest_query *target = sighting->target;
    bool referrer = sighting->tie != NULL && sighting->tie->referrer;

    change->kind = referrer ? HR_KIND_REFERRER : HR_KIND_TAG;
    change->key = g_strdup(key);
    change->from = strcmp(key, from) == 0 ? NULL : g_strdup(from);
    change->content_size = sighting->content_size;
    change->source =
        hr_referrer_document(source->digest, source->media_type, source->size,
                             referrer ? sighting->tie->subject : NULL);
    if (target->status == HR_OK)
        change->target =
            hr_tag_document(target->digest, target->media_type, target->size);
    return change;
}

/* A referrer that the target has: only its place in the list is missing. */
static void
plan_listing(Planner *planner, const HrSighting *sighting, const char *key,
             const char *from)
{
    HrChange *change = new_change(sighting, key, from);

    change->action = HR_ACTION_UPDATE;
    change->reason =
        g_strdup_printf("there, but not listed: %s", sighting->tie->reason);
    HR_LOCKED(&planner->mutex);
    planner->plan->checked++;
    hr_plan_add(planner->plan, change);
}

static void
plan_difference(Planner *planner, HrCall *call, const HrSighting *sighting,
                const char *key, const char *from)
{
    g_autoptr(HrChange) change = new_change(sighting, key, from);
    g_autoptr(GError) error = NULL;

    if (!hr_change_decide(change, planner->pass, call, &error)) {
        add_problem(planner, key, error);
        return;
    }
    if (sighting->tie != NULL && change->action == HR_ACTION_CREATE) {
        g_free(change->reason);
        change->reason = g_strdup(sighting->tie->reason);
    }
    HR_LOCKED(&planner->mutex);
    planner->plan->checked++;
    hr_plan_add(planner->plan, g_steal_pointer(&change));
}

/* True if what both sides have names something, for a wanted platform, that
 * the target lacks. */
static bool
is_incomplete(const HrPass *pass, HrCall *call, const HrSighting *sighting,
              GError **error)
{
    HrArtifactPlace place = {
        .source = pass->source,
        .source_repository = sighting->source->repository,
        .target = pass->target,
        .target_repository = sighting->target->repository,
        .platforms = hr_pass_platforms(pass),
        .foreign_layers = pass->foreign_layers,
    };
    g_autoptr(HrArtifact) artifact =
        hr_artifact_load(&place, sighting->source->digest, call, error);
    const HrDescriptor *missing;

    if (artifact == NULL)
        return false;
    /* What both sides have is always among them. */
    return artifact->manifests->len > 1 ||
           (hr_blob_presence_check(pass->target, place.target_repository,
                                   artifact->blobs, call, &missing, error) &&
            missing != NULL);
}

static void
plan_equal(Planner *planner, HrCall *call, const HrSighting *sighting,
           const char *key, const char *from)
{
    const HrPass *pass = planner->pass;
    g_autoptr(HrChange) change = NULL;
    g_autoptr(GError) error = NULL;

    if (pass->complete &&
        (pass->foreign_layers ||
         hr_media_type_is_index(sighting->source->media_type)) &&
        is_incomplete(pass, call, sighting, &error)) {
        change = new_change(sighting, key, from);
        change->action = HR_ACTION_UPDATE;
        change->reason = g_strdup("the target lacks parts of it");
    }
    if (error != NULL) {
        add_problem(planner, key, error);
        return;
    }
    HR_LOCKED(&planner->mutex);
    planner->plan->checked++;
    if (change != NULL)
        hr_plan_add(planner->plan, g_steal_pointer(&change));
    else
        planner->plan->unchanged++;
}

static void
plan_sighting(Planner *planner, HrCall *call, const HrSighting *sighting)
{
    const hr_manifest_query *source = sighting->source;
    const hr_manifest_query *target = sighting->target;
    g_autofree char *key = hr_tag_key(target->repository, target->reference);
    g_autofree char *from = hr_tag_key(source->repository, source->reference);

    atomic_fetch_add(&planner->pass->progress->checked, 1);
    if (source->status == HR_NOT_FOUND) {
        note_missing(planner, from, sighting);
        return;
    }
    if (source->status != HR_OK) {
        report_query(planner, from, planner->pass->source, source);
        return;
    }
    if (target->status != HR_OK && target->status != HR_NOT_FOUND) {
        report_query(planner, key, planner->pass->target, target);
        return;
    }
    if (target->status == HR_OK && sighting->tie != NULL &&
        sighting->tie->referrer && !sighting->tie->listed) {
        plan_listing(planner, sighting, key, from);
        return;
    }
    /* The digest says it all: the media type and size that a registry reports
     * for equal bytes may differ. */
    if (target->status == HR_OK &&
        strcmp(source->digest, target->digest) == 0) {
        plan_equal(planner, call, sighting, key, from);
        return;
    }
    plan_difference(planner, call, sighting, key, from);
}

static void
visit_for_plan(void *data, HrCall *call, const HrSighting *sightings,
               size_t count)
{
    Planner *planner = data;

    for (size_t i = 0; i < count; i++) {
        hr_seen_content_note(planner->seen, &sightings[i]);
        plan_sighting(planner, call, &sightings[i]);
    }
}

static HrPlan *
new_plan(const HrPass *pass)
{
    return hr_plan_new(pass->name, hr_registry_name(pass->source),
                       hr_registry_name(pass->target));
}

static HrPlan *
make_plan(const HrPass *pass, const char *source_key, const char *target_key,
          GError **error)
{
    g_autoptr(HrPlan) plan = new_plan(pass);
    g_autoptr(GHashTable) created = NULL;
    g_autoptr(HrSeenContent) seen = hr_seen_content_new(pass);
    Planner planner = {.pass = pass, .plan = plan, .seen = seen};
    HrVisitor visitor = {
        .visit = visit_for_plan,
        .absent = note_absent,
        .lacks = lacks,
        .immutable = note_immutable,
        .problem = note_problem,
        .data = &planner,
        .follows = true,
    };
    bool walked;

    if (!hr_pass_probe(pass, true, &plan->logins, error) ||
        (source_key == NULL && !hr_document_plan_add(pass, plan, error)))
        return NULL;
    created = find_created(plan);
    planner.created = created;
    pthread_mutex_init(&planner.mutex, NULL);
    if (source_key != NULL)
        walked = hr_walk_one(pass, source_key, target_key, &visitor, error);
    else
        walked =
            !hr_pass_wants_content(pass) || hr_walk(pass, &visitor, error);
    pthread_mutex_destroy(&planner.mutex);
    if (!walked)
        return NULL;
    hr_seen_content_narrow_plan(seen, plan);
    hr_foresight_add(pass, plan);
    hr_plan_seal(plan);
    return g_steal_pointer(&plan);
}

HrPlan *
hr_planner_plan(const HrPass *pass, GError **error)
{
    return make_plan(pass, NULL, NULL, error);
}

HrPlan *
hr_planner_plan_one(const HrPass *pass, const char *source_key,
                    const char *target_key, GError **error)
{
    return make_plan(pass, source_key, target_key, error);
}

/* The freshness check of an old plan. */
typedef struct Freshness {
    GHashTable *created; /* projects that the plan creates */
    pthread_mutex_t mutex;
    GHashTable *changes; /* key on the target -> HrChange */
    GString *stale;
    unsigned stale_count;
} Freshness;

static bool
document_has_digest(const char *document, const hr_manifest_query *query)
{
    g_autofree char *digest = NULL;
    g_autofree char *media_type = NULL;
    uint64_t size;

    if (document == NULL)
        return query->status == HR_NOT_FOUND;
    return query->status == HR_OK &&
           hr_tag_document_parse(document, &digest, &media_type, &size,
                                 NULL) &&
           strcmp(digest, query->digest) == 0;
}

/* `what`: the side, or why it could not be looked at. */
static void
note_stale(void *data, const char *name, const char *what)
{
    Freshness *freshness = data;

    HR_LOCKED(&freshness->mutex);
    if (freshness->stale_count++ < STALE_NAMED)
        g_string_append_printf(freshness->stale, "%s%s (%s)",
                               freshness->stale->len > 0 ? ", " : "", name,
                               what);
}

static void
visit_for_freshness(void *data, HrCall *call, const HrSighting *sightings,
                    size_t count)
{
    Freshness *freshness = data;

    (void)call;
    for (size_t i = 0; i < count; i++) {
        const hr_manifest_query *source = sightings[i].source;
        const hr_manifest_query *target = sightings[i].target;
        g_autofree char *key =
            hr_tag_key(target->repository, target->reference);
        const HrChange *change = g_hash_table_lookup(freshness->changes, key);
        bool source_fresh = document_has_digest(change->source, source);

        if (source_fresh && document_has_digest(change->target, target))
            continue;
        note_stale(freshness, key, source_fresh ? "target" : "source");
    }
}

static void
note_freshness_problem(void *data, const char *key, const GError *error)
{
    note_stale(data, key, error->message);
}

static bool
lacks_still(void *data, const char *target_repository)
{
    return is_created(((Freshness *)data)->created, target_repository);
}

static bool
walk_changes(const HrPass *pass, Freshness *freshness, const HrPlan *plan,
             GError **error)
{
    g_autofree const char **source_keys =
        g_new0(const char *, plan->changes->len);
    g_autofree const char **target_keys =
        g_new0(const char *, plan->changes->len);
    HrVisitor visitor = {
        .visit = visit_for_freshness,
        .lacks = lacks_still,
        .problem = note_freshness_problem,
        .data = freshness,
    };
    guint count = 0;

    for (guint i = 0; i < plan->changes->len; i++) {
        HrChange *change = plan->changes->pdata[i];

        if (!hr_change_is_content(change))
            continue;
        target_keys[count] = change->key;
        source_keys[count++] =
            change->from != NULL ? change->from : change->key;
        g_hash_table_insert(freshness->changes, change->key, change);
    }
    return hr_document_plan_check(pass, plan, note_stale, freshness, error) &&
           hr_walk_keys(pass, source_keys, target_keys, count, &visitor,
                        error);
}

static bool
check_login(const char *planned, const char *now, const HrRegistry *registry,
            GError **error)
{
    return strcmp(planned, now) == 0 ||
           hr_error_set(error, HR_PRECONDITION,
                        "the plan was made with another account at %s, or one "
                        "with other rights, which may see other things; "
                        "nothing was written: plan again",
                        hr_registry_name(registry));
}

bool
hr_planner_check_fresh(const HrPass *pass, const HrPlan *plan, GError **error)
{
    g_autoptr(GHashTable) changes = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GString) stale = g_string_new(NULL);
    g_autoptr(GHashTable) created = find_created(plan);
    Freshness freshness = {
        .created = created, .changes = changes, .stale = stale};
    HrLogins now = {0};
    bool walked;

    if (!hr_pass_probe(pass, true, &now, error) ||
        !check_login(plan->logins.source, now.source, pass->source, error) ||
        !check_login(plan->logins.target, now.target, pass->target, error))
        return false;
    pthread_mutex_init(&freshness.mutex, NULL);
    walked = walk_changes(pass, &freshness, plan, error);
    pthread_mutex_destroy(&freshness.mutex);
    if (!walked)
        return false;
    if (freshness.stale_count == 0)
        return true;
    if (freshness.stale_count > STALE_NAMED)
        g_string_append_printf(stale, " and %u more",
                               freshness.stale_count - STALE_NAMED);
    return hr_error_set(error, HR_PRECONDITION,
                        "the plan is stale, nothing was written: changed "
                        "since it was made: %s; plan again",
                        stale->str);
}
