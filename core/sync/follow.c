/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follow: what hangs on the tags of one repository. */
#include "sync/follow.h"

#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "model/item.h"
#include "sync/follow-state.h"
#include "sync/tag-batch.h"

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"

/* --------------------------------------------------------------- visits */

/* So many tags that were out are back; the last one starts a round. */
static void
settle(HrFollow *follow, size_t count)
{
    if (atomic_fetch_sub(&follow->pending, count) == count)
        hr_pool_resume(follow->pass->lane, hr_follow_round, follow);
}

static bool
has_same_digest(const HrSighting *sighting)
{
    return sighting->target->status == HR_OK &&
           strcmp(sighting->source->digest, sighting->target->digest) == 0;
}

/* A counter of what hangs on one tag. */
static unsigned *
new_counter(HrFollow *follow)
{
    unsigned *counter = g_new0(unsigned, 1);

    g_ptr_array_add(follow->counters, counter);
    return counter;
}

static Node *
add_node(HrFollow *follow, const HrSighting *sighting, const Tie *tie)
{
    const hr_manifest_query *source = sighting->source;
    const hr_manifest_query *target = sighting->target;
    bool by_digest = strchr(target->reference, ':') != NULL;
    g_autofree char *label =
        by_digest ? hr_follow_short_label(follow, target->reference)
                  : hr_tag_key(target->repository, target->reference);
    Node *node =
        hr_follow_node(source->digest, source->media_type, label,
                       tie != NULL ? tie->depth : 0,
                       tie != NULL ? tie->hanging : new_counter(follow));

    node->changed = !has_same_digest(sighting);
    g_ptr_array_add(follow->found, node);
    return node;
}

static void
add_doubtful(HrFollow *follow, const hr_manifest_query *source, Tie *tie)
{
    Doubtful *doubtful = g_new0(Doubtful, 1);

    doubtful->tie = tie;
    doubtful->reference = g_strdup(source->reference);
    doubtful->digest = g_strdup(source->digest);
    doubtful->media_type = g_strdup(source->media_type);
    doubtful->size = source->size;
    g_ptr_array_add(follow->doubtful, doubtful);
}

static void
add_fallback(HrFollow *follow, const HrSighting *sighting, const Tie *tie)
{
    const hr_manifest_query *source = sighting->source;
    const hr_manifest_query *target = sighting->target;
    Fallback *fallback = g_new0(Fallback, 1);

    fallback->tag = g_strdup(source->reference);
    fallback->label = hr_tag_key(target->repository, target->reference);
    fallback->source_digest = g_strdup(source->digest);
    fallback->target_digest =
        g_strdup(target->status == HR_OK ? target->digest : "");
    fallback->media_type = g_strdup(source->media_type);
    fallback->size = source->size;
    fallback->depth = tie != NULL ? tie->depth : 0;
    fallback->hanging = tie != NULL ? tie->hanging : new_counter(follow);
    g_ptr_array_add(follow->fallbacks, fallback);
}

static bool
is_fallback(const HrSighting *sighting)
{
    const hr_manifest_query *source = sighting->source;

    return hr_companion_of(source->reference) == HR_COMPANION_FALLBACK &&
           strcmp(source->media_type, OCI_INDEX) == 0 &&
           strcmp(source->reference, sighting->target->reference) == 0;
}

/* Remembers what may be followed from here.  True if the visitor is not to
 * see it, or not yet. */
static bool
take_in(HrFollow *follow, const HrSighting *sighting)
{
    hr_status there = sighting->target->status;
    Tie *tie = (Tie *)sighting->tie;

    if (sighting->source->status == HR_OK)
        hr_follow_note_tag(follow, sighting->source);
    else
        return tie != NULL && tie->guessed &&
               sighting->source->status == HR_NOT_FOUND;
    if (tie != NULL && tie->shown.referrer) {
        add_node(follow, sighting, tie);
        if (has_same_digest(sighting))
            add_doubtful(follow, sighting->source, tie);
        return has_same_digest(sighting);
    }
    if (!is_fallback(sighting)) {
        add_node(follow, sighting, tie);
        return false;
    }
    if (has_same_digest(sighting)) {
        add_node(follow, sighting, tie)->is_list = true;
        return false;
    }
    if (there != HR_OK && there != HR_NOT_FOUND)
        return false;
    add_fallback(follow, sighting, tie);
    return true;
}

static void
visit(void *data, HrCall *call, const HrSighting *sightings, size_t count)
{
    HrFollow *follow = data;
    g_autofree HrSighting *shown = g_new0(HrSighting, count);
    size_t kept = 0;

    pthread_mutex_lock(&follow->mutex);
    for (size_t i = 0; i < count; i++)
        if (!take_in(follow, &sightings[i]))
            shown[kept++] = sightings[i];
    pthread_mutex_unlock(&follow->mutex);
    if (kept > 0)
        follow->visitor->visit(follow->visitor->data, call, shown, kept);
    settle(follow, count);
}

static void
note_problem(void *data, const char *key, const GError *error)
{
    HrFollow *follow = data;

    follow->visitor->problem(follow->visitor->data, key, error);
    settle(follow, 1);
}

static void
fill_query(hr_manifest_query *query, const char *repository,
           const Doubtful *shown, const char *digest)
{
    query->struct_size = sizeof *query;
    query->repository = repository;
    query->reference = shown->reference;
    query->status = *digest != '\0' ? HR_OK : HR_NOT_FOUND;
    query->size = shown->size;
    g_strlcpy(query->digest, digest, sizeof query->digest);
    g_strlcpy(query->media_type, shown->media_type, sizeof query->media_type);
}

void
hr_follow_show(HrFollow *follow, HrCall *call, const Doubtful *shown,
               const char *target_digest)
{
    hr_manifest_query source = {0};
    hr_manifest_query target = {0};
    const HrSighting sighting = {
        .source = &source,
        .target = &target,
        .tie = shown->tie != NULL ? &shown->tie->shown : NULL,
    };

    fill_query(&source, follow->source_repository, shown, shown->digest);
    fill_query(&target, follow->target_repository, shown, target_digest);
    follow->visitor->visit(follow->visitor->data, call, &sighting, 1);
}

/* ---------------------------------------------------------------- turns */

static void
take_over(void *data)
{
    HrFollow *follow = data;

    follow->has_turn = true;
    hr_pool_resume(follow->pass->lane, hr_follow_round, follow);
}

bool
hr_follow_take_turn(HrFollow *follow, HrRegistry *registry)
{
    if (hr_registry_referrer_lists(registry) != HR_REFERRER_LISTS_UNKNOWN) {
        /* Somebody else has found out: the others need not come in turn. */
        hr_follow_give_turn(follow);
        return true;
    }
    if (follow->has_turn)
        return true;
    g_free(follow->turn);
    follow->turn =
        g_strdup_printf("referrers of %s", hr_registry_name(registry));
    if (!hr_turns_take(follow->pass->turns, follow->turn, take_over, follow))
        return false;
    follow->has_turn = true;
    return true;
}

void
hr_follow_give_turn(HrFollow *follow)
{
    if (!follow->has_turn)
        return;
    follow->has_turn = false;
    hr_turns_give(follow->pass->turns, follow->turn);
}

/* --------------------------------------------------------------- rounds */

/* Tags before what hangs on them, and all in an order that does not depend on
 * who answered first: of several ways to one digest the first counts. */
static gint
order_nodes(gconstpointer left, gconstpointer right)
{
    const Node *one = *(const Node *const *)left;
    const Node *other = *(const Node *const *)right;

    if (one->depth != other->depth)
        return one->depth < other->depth ? -1 : 1;
    return strcmp(one->label, other->label);
}

static void
gather(HrFollow *follow)
{
    g_ptr_array_set_size(follow->fresh, 0);
    g_ptr_array_sort(follow->found, order_nodes);
    for (guint i = 0; i < follow->found->len; i++) {
        Node *node = follow->found->pdata[i];

        if (g_hash_table_contains(follow->nodes, node->digest)) {
            hr_follow_node_free(node);
            continue;
        }
        g_hash_table_insert(follow->nodes, node->digest, node);
        g_ptr_array_add(follow->fresh, node);
    }
    g_ptr_array_set_size(follow->found, 0);
}

static HrTagBatch *
make_batch(HrFollow *follow, guint start)
{
    size_t count = MIN(follow->sought->len - start, HR_TAG_BATCH_SIZE);
    bool target_lists = hr_registry_referrer_lists(follow->pass->target) ==
                        HR_REFERRER_LISTS_THERE;
    bool absent = hr_visitor_lacks(follow->visitor, follow->target_repository);
    HrTagBatch *batch = hr_tag_batch_new(follow->pass, &follow->own,
                                         follow->group, count, false);

    for (size_t i = start; i < start + count; i++) {
        Sought *sought = follow->sought->pdata[i];
        HrTagPair *pair = hr_tag_batch_add(
            batch, follow->source_repository, sought->reference,
            follow->target_repository, sought->reference);
        bool is_tag = strchr(sought->reference, ':') == NULL;

        pair->tie = &sought->tie->shown;
        pair->seen[0] = g_steal_pointer(&sought->seen);
        pair->missing = absent || (is_tag && follow->known != NULL &&
                                   !g_hash_table_contains(follow->known,
                                                          sought->reference));
        /* There its entries are what counts. */
        if (target_lists &&
            hr_companion_of(sought->reference) == HR_COMPANION_FALLBACK)
            pair->missing = true;
    }
    return batch;
}

/* Sends out what was found; false if nothing was. */
static bool
send_batches(HrFollow *follow)
{
    guint count = follow->sought->len;
    g_autoptr(GPtrArray) batches = g_ptr_array_new();

    for (guint start = 0; start < count; start += HR_TAG_BATCH_SIZE)
        g_ptr_array_add(batches, make_batch(follow, start));
    g_ptr_array_set_size(follow->sought, 0);
    if (count == 0)
        return false;
    hr_follow_expect(follow, count);
    /* The last one may end the follow. */
    for (guint i = 0; i < batches->len; i++) {
        hr_group_enter(follow->group);
        hr_pool_resume(follow->pass->lane, hr_tag_batch_run,
                       batches->pdata[i]);
    }
    return true;
}

static void
end(HrFollow *follow)
{
    HrGroup *group = follow->group;

    hr_follow_free(follow);
    hr_group_leave(group);
}

/* One stage; false if the round goes on elsewhere, or has ended. */
static bool
run_stage(HrFollow *follow, HrCall *call)
{
    switch (follow->stage) {
    case STAGE_GATHER:
        gather(follow);
        hr_follow_release(follow);
        follow->stage = STAGE_ASK;
        return true;
    case STAGE_ASK:
        if (!hr_follow_ask_source(follow, call))
            return false;
        follow->stage = STAGE_FETCH;
        return true;
    case STAGE_FETCH:
        follow->stage = STAGE_READ;
        return hr_follow_fetch(follow);
    case STAGE_READ:
        hr_follow_read(follow, call);
        follow->stage = follow->found->len > 0 ? STAGE_GATHER : STAGE_JUDGE;
        return true;
    case STAGE_JUDGE:
        if (!hr_follow_judge(follow, call))
            return false;
        follow->stage = STAGE_SEND;
        return true;
    case STAGE_SEND:
        follow->stage = STAGE_GATHER;
        hr_follow_hold(follow);
        if (!send_batches(follow))
            end(follow);
        return false;
    }
    return false;
}

void
hr_follow_round(void *data)
{
    HrFollow *follow = data;
    g_autoptr(HrCall) call = hr_pass_call(follow->pass);

    while (run_stage(follow, call))
        continue;
}

/* ------------------------------------------------------------- the walk */

/* Companion tags of the source that no rule takes in.  *any tells whether
 * there are others that rules did take in. */
static GHashTable *
find_companions(const HrSelection *selection, bool *any)
{
    GHashTable *companions =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    *any = false;
    for (guint i = 0; selection != NULL && i < selection->count; i++) {
        const HrCandidate *candidate = &selection->candidates[i];

        if (hr_companion_of(candidate->tag) == HR_COMPANION_NONE)
            continue;
        *any = true;
        if (candidate->out != HR_TAG_RULE_NONE)
            g_hash_table_add(companions, g_strdup(candidate->tag));
    }
    return companions;
}

HrFollow *
hr_follow_new(const HrPass *pass, const HrVisitor *visitor, HrGroup *group,
              const char *source_repository, const char *target_repository,
              const HrSelection *selection, GHashTable *known)
{
    g_autoptr(GHashTable) companions = NULL;
    HrFollow *follow;
    bool any;

    if (!pass->referrers || !visitor->follows)
        return NULL;
    companions = find_companions(selection, &any);
    if (selection != NULL && !any &&
        hr_registry_referrer_lists(pass->source) == HR_REFERRER_LISTS_ABSENT)
        return NULL;
    follow = g_new0(HrFollow, 1);
    follow->pass = pass;
    follow->visitor = visitor;
    follow->own =
        (HrVisitor){.visit = visit, .problem = note_problem, .data = follow};
    follow->group = group;
    follow->source_repository = g_strdup(source_repository);
    follow->target_repository = g_strdup(target_repository);
    follow->named = selection == NULL;
    follow->known = known != NULL ? g_hash_table_ref(known) : NULL;
    follow->companions = g_steal_pointer(&companions);
    atomic_init(&follow->pending, 1);
    pthread_mutex_init(&follow->mutex, NULL);
    hr_follow_make_lists(follow);
    hr_group_enter(group);
    return follow;
}

const HrVisitor *
hr_follow_visitor(const HrFollow *follow)
{
    return &follow->own;
}

void
hr_follow_expect(HrFollow *follow, size_t count)
{
    atomic_fetch_add(&follow->pending, count);
}

void
hr_follow_begin(HrFollow *follow)
{
    settle(follow, 1);
}
