/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follow: what there is on the source. */
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "model/json.h"
#include "sync/artifact.h"
#include "sync/fallback-tag.h"
#include "sync/follow-state.h"

/* ------------------------------------------------------------ referrers */

/* True if one more may hang on a tag: a registry that makes up ever more is
 * not followed for ever. */
static bool
is_within_limits(const HrFollow *follow, const char *digest, unsigned depth,
                 unsigned *hanging)
{
    g_autoptr(GError) error = NULL;

    if (depth > HR_REFERRER_DEPTH_LIMIT)
        hr_error_set(&error, HR_INVALID,
                     "what refers to it is not followed: that would be more "
                     "than %d levels",
                     HR_REFERRER_DEPTH_LIMIT);
    else if (++*hanging == HR_MANIFEST_GRAPH_LIMIT + 1)
        hr_error_set(&error, HR_INVALID,
                     "more than %d manifests and tags hang on one tag",
                     HR_MANIFEST_GRAPH_LIMIT);
    if (error != NULL)
        hr_follow_problem(follow, digest, error);
    return error == NULL && *hanging <= HR_MANIFEST_GRAPH_LIMIT;
}

static HrTagSeen *
make_seen(const HrReferrer *referrer)
{
    HrTagSeen *seen = g_new0(HrTagSeen, 1);

    seen->status = HR_OK;
    seen->size = (uint64_t)referrer->size;
    seen->digest = g_strdup(referrer->digest);
    seen->media_type = g_strdup(referrer->media_type);
    return seen;
}

/* Takes in all that refers to a subject; takes the subject.  What a registry
 * lists it has; fallback tags may list what has been deleted since. */
static void
add_referrers(HrFollow *follow, Subject *subject, unsigned depth,
              unsigned *hanging)
{
    bool certain = subject->source_digest == NULL;

    g_ptr_array_add(follow->subjects, subject);
    for (guint i = 0; i < subject->list->len; i++) {
        const HrReferrer *referrer = subject->list->pdata[i];
        const char *type = referrer->artifact_type != NULL
                               ? referrer->artifact_type
                               : referrer->media_type;
        Sought *sought;
        Tie *tie;

        if (g_hash_table_contains(follow->items, referrer->digest))
            continue;
        if (!is_within_limits(follow, referrer->digest, depth + 1, hanging))
            return;
        g_hash_table_add(follow->items, g_strdup(referrer->digest));
        tie = hr_follow_tie(
            follow, g_strdup_printf("refers to %s (%s)", subject->label, type),
            depth + 1, hanging);
        tie->subject = subject;
        tie->shown.referrer = true;
        tie->shown.subject = subject->digest;
        tie->guessed = !certain;
        sought = hr_follow_seek(follow, referrer->digest, tie,
                                certain ? make_seen(referrer) : NULL);
        sought->may_be_tagged = certain && hr_follow_may_be_tagged(referrer);
    }
}

/* ---------------------------------------------------------------- lists */

static GPtrArray *
find_unasked(const HrFollow *follow)
{
    GPtrArray *nodes = g_ptr_array_new();

    for (guint i = 0; i < follow->fresh->len; i++) {
        Node *node = follow->fresh->pdata[i];

        if (!node->is_list && !node->asked)
            g_ptr_array_add(nodes, node);
    }
    return nodes;
}

/* Takes one answer; returns the class of a failure that better times may
 * cure. */
static hr_status
take_answer(HrFollow *follow, Node *node, HrReferrersAnswer *answer)
{
    hr_status status = hr_error_status(answer->error);
    Subject *subject;

    if (hr_pass_may_park(status))
        return status;
    node->asked = true;
    if (answer->list == NULL || answer->list->len == 0)
        return HR_OK;
    subject = g_new0(Subject, 1);
    subject->digest = g_strdup(node->digest);
    subject->label = g_strdup(node->label);
    subject->tag = hr_referrers_tag(node->digest);
    subject->list = g_steal_pointer(&answer->list);
    for (guint i = 0; i < subject->list->len; i++)
        node->has_images |= hr_follow_may_be_tagged(subject->list->pdata[i]);
    add_referrers(follow, subject, node->depth, node->hanging);
    return HR_OK;
}

static void
report_answer(const HrFollow *follow, Node *node, const GError *error)
{
    if (error == NULL || hr_error_status(error) == HR_UNSUPPORTED)
        return;
    node->asked = true;
    hr_follow_problem(follow, node->digest, error);
}

/* Where the first question was refused the others were not asked: one word
 * about all of them. */
static void
report_refusal(const HrFollow *follow, const GPtrArray *nodes,
               const GError *refusal)
{
    const HrVisitor *visitor = follow->visitor;
    g_autoptr(GError) error = g_error_copy(refusal);

    g_prefix_error(&error,
                   "whether anything refers to its tags is not known "
                   "(referrers = \"never\" in the endpoint says that it "
                   "has no such lists): ");
    visitor->problem(visitor->data, follow->target_repository, error);
    for (guint i = 0; i < nodes->len; i++)
        ((Node *)nodes->pdata[i])->asked = true;
}

static hr_status
ask_lists(HrFollow *follow, const GPtrArray *nodes, HrCall *call,
          HrReferrersAnswer *answers)
{
    g_autoptr(GError) error = NULL;
    hr_status put_off = HR_OK;

    for (guint i = 0; i < nodes->len; i++) {
        const Node *node = nodes->pdata[i];

        answers[i].repository = follow->source_repository;
        answers[i].digest = node->digest;
    }
    hr_registry_list_referrers(follow->pass->source, call, answers, nodes->len,
                               &error);
    for (guint i = 0; i < nodes->len; i++) {
        hr_status status;

        if (error != NULL && answers[i].list == NULL &&
            answers[i].error == NULL)
            answers[i].error = g_error_copy(error);
        status = take_answer(follow, nodes->pdata[i], &answers[i]);

        put_off = status != HR_OK ? status : put_off;
    }
    return put_off;
}

bool
hr_follow_ask_source(HrFollow *follow, HrCall *call)
{
    const HrPass *pass = follow->pass;
    g_autoptr(GPtrArray) nodes = find_unasked(follow);
    g_autofree HrReferrersAnswer *answers =
        g_new0(HrReferrersAnswer, nodes->len);
    hr_status put_off;
    bool parked, unknown;

    if (nodes->len == 0)
        return true;
    if (!hr_follow_take_turn(follow, pass->source))
        return false;
    put_off = ask_lists(follow, nodes, call, answers);
    hr_follow_give_turn(follow);
    parked =
        put_off != HR_OK && hr_pass_park(pass, &follow->parking, call, put_off,
                                         hr_follow_round, follow);
    unknown = hr_registry_referrer_lists(pass->source) ==
                  HR_REFERRER_LISTS_UNKNOWN &&
              answers[0].error != NULL;
    if (!parked && unknown)
        report_refusal(follow, nodes, answers[0].error);
    for (guint i = 0; i < nodes->len; i++) {
        if (!parked && !unknown)
            report_answer(follow, nodes->pdata[i], answers[i].error);
        hr_referrers_answer_clear(&answers[i]);
    }
    return !parked;
}

/* ----------------------------------------------------------- companions */

static void
seek_companion(HrFollow *follow, const Node *node, const char *tag,
               bool guessed)
{
    const HrPass *pass = follow->pass;
    char *reason = g_strdup_printf("belongs to %s", node->label);
    Tie *tie;

    if (!is_within_limits(follow, node->digest, node->depth + 1,
                          node->hanging)) {
        g_free(reason);
        return;
    }
    tie = hr_follow_tie(follow, reason, node->depth + 1, node->hanging);
    tie->guessed = guessed;
    if (pass->explanation != NULL && !guessed)
        hr_explanation_bring(pass->explanation, follow->source_repository, tag,
                             reason);
    hr_follow_seek(follow, tag, tie, NULL);
}

/* True if it is worth guessing: what was named is not looked at every time
 * for what may have come to it. */
static bool
may_guess(const HrFollow *follow, const Node *node)
{
    return follow->named && (node->changed || follow->pass->complete ||
                             follow->visitor->proves);
}

static void
find_companions(HrFollow *follow, const Node *node, bool has_lists)
{
    g_auto(GStrv) tags = hr_companion_tags(node->digest);

    /* The first is the fallback tag: the lists say what it would. */
    for (char **tag = has_lists ? tags + 1 : tags; *tag != NULL; tag++) {
        if (g_hash_table_remove(follow->companions, *tag))
            seek_companion(follow, node, *tag, false);
        else if (may_guess(follow, node) ||
                 (follow->named && node->has_images))
            seek_companion(follow, node, *tag, true);
    }
}

/* -------------------------------------------------------------- fetches */

/* True if something may hang on what an index lists. */
static bool
is_worth_reading(const HrFollow *follow, const Node *node, bool has_lists)
{
    if (has_lists && node->is_index && !node->is_list)
        return true;
    if (!node->is_index)
        return false;
    return g_hash_table_size(follow->companions) > 0 ||
           may_guess(follow, node);
}

static void
add_fetch(HrFollow *follow, Node *node, Fallback *fallback)
{
    Fetch *fetch = g_new0(Fetch, 1);

    fetch->follow = follow;
    fetch->node = node;
    fetch->fallback = fallback;
    g_ptr_array_add(follow->fetches, fetch);
}

static void
plan_fetches(HrFollow *follow)
{
    bool has_lists = hr_registry_referrer_lists(follow->pass->source) ==
                     HR_REFERRER_LISTS_THERE;

    for (guint i = 0; i < follow->fresh->len; i++) {
        const Node *node = follow->fresh->pdata[i];

        if (!node->is_list)
            find_companions(follow, node, has_lists);
    }
    for (guint i = 0; i < follow->fresh->len; i++) {
        Node *node = follow->fresh->pdata[i];

        if (is_worth_reading(follow, node, has_lists))
            add_fetch(follow, node, NULL);
    }
    while (follow->fallbacks->len > 0)
        add_fetch(follow, NULL,
                  g_ptr_array_steal_index(follow->fallbacks,
                                          follow->fallbacks->len - 1));
}

static void
end_fetch(HrFollow *follow)
{
    if (atomic_fetch_sub(&follow->fetching, 1) == 1)
        hr_pool_resume(follow->pass->lane, hr_follow_round, follow);
}

/* Some registries tell what an index lists; which of it is wanted they do
 * not. */
static bool
find_parts(Fetch *fetch, HrCall *call)
{
    const HrPass *pass = fetch->follow->pass;

    if (fetch->node == NULL || fetch->node->is_list ||
        hr_pass_platforms(pass) != NULL)
        return false;
    fetch->parts = hr_registry_list_parts(pass->source, call,
                                          fetch->follow->source_repository,
                                          fetch->node->digest, NULL);
    return fetch->parts != NULL;
}

static void
run_fetch(void *data)
{
    Fetch *fetch = data;
    HrFollow *follow = fetch->follow;
    const HrPass *pass = follow->pass;
    const char *digest = fetch->node != NULL ? fetch->node->digest
                                             : fetch->fallback->source_digest;
    g_autoptr(HrCall) call = hr_pass_call(pass);

    g_clear_error(&fetch->error);
    if (!find_parts(fetch, call))
        fetch->manifest = hr_registry_get_manifest(
            pass->source, call, follow->source_repository, digest, digest,
            &fetch->error);
    if (fetch->error != NULL &&
        hr_pass_park(pass, &fetch->parking, call,
                     hr_error_status(fetch->error), run_fetch, fetch))
        return;
    end_fetch(follow);
}

bool
hr_follow_fetch(HrFollow *follow)
{
    plan_fetches(follow);
    if (follow->fetches->len == 0)
        return true;
    /* The last one resumes the round, which has left its worker then. */
    atomic_store(&follow->fetching, (size_t)follow->fetches->len);
    for (guint i = 0, count = follow->fetches->len; i < count; i++)
        hr_pool_resume(follow->pass->lane, run_fetch,
                       follow->fetches->pdata[i]);
    return false;
}

/* -------------------------------------------------------------- reading */

/* What an index lists may be referred to as well, if it is brought. */
static void
read_children(HrFollow *follow, const Node *node, const GPtrArray *children)
{
    g_autofree bool *wanted =
        hr_artifact_choose(hr_pass_platforms(follow->pass), children);

    for (guint i = 0; i < children->len; i++) {
        const HrDescriptor *child = children->pdata[i];
        g_autofree char *digest = hr_follow_short_label(follow, child->digest);
        g_autofree char *label =
            node->is_list
                ? g_strdup(digest)
                : g_strdup_printf("%s, part of %s", digest, node->label);
        unsigned depth = node->depth + (node->is_list ? 1 : 0);
        Node *below;

        if (!wanted[i])
            continue;
        if (!is_within_limits(follow, child->digest, depth, node->hanging))
            return;
        below = hr_follow_node(child->digest, child->media_type, label, depth,
                               node->hanging);
        below->changed = node->changed;
        g_ptr_array_add(follow->found, below);
    }
}

/* Lists of referrers do not say for which platform each is: an image with a
 * tag like that does. */
static bool
is_image(const HrManifest *index)
{
    gsize size;
    const char *text = g_bytes_get_data(index->bytes, &size);
    g_autoptr(HrJson) json = hr_json_parse(text, size, NULL);
    const HrJson *list = hr_json_get(json, "manifests");

    for (size_t i = 0; i < hr_json_length(list); i++)
        if (hr_json_get(hr_json_at(list, i), "platform") != NULL)
            return true;
    return false;
}

static void
show_as_tag(HrFollow *follow, HrCall *call, const Fallback *fallback)
{
    const Doubtful shown = {
        .reference = fallback->tag,
        .digest = fallback->source_digest,
        .media_type = fallback->media_type,
        .size = fallback->size,
    };

    hr_follow_show(follow, call, &shown, fallback->target_digest);
}

/* The digest that a tag was made of, as far as it is known. */
static char *
find_subject(const HrFollow *follow, const char *tag)
{
    GHashTableIter iter;
    gpointer digest;

    if (g_str_has_prefix(tag, "sha256-"))
        return g_strconcat("sha256:", tag + sizeof "sha256-" - 1, NULL);
    g_hash_table_iter_init(&iter, follow->nodes);
    while (g_hash_table_iter_next(&iter, &digest, NULL)) {
        g_autofree char *other = hr_referrers_tag(digest);

        if (strcmp(other, tag) == 0)
            return g_strdup(digest);
    }
    return NULL;
}

static Subject *
make_subject(const HrFollow *follow, const Fallback *fallback)
{
    Subject *subject = g_new0(Subject, 1);
    const Node *node = NULL;

    subject->digest = find_subject(follow, fallback->tag);
    if (subject->digest != NULL)
        node = g_hash_table_lookup(follow->nodes, subject->digest);
    if (node != NULL)
        subject->label = g_strdup(node->label);
    else if (subject->digest != NULL)
        subject->label = hr_follow_short_label(follow, subject->digest);
    else
        subject->label = g_strdup(fallback->label);
    subject->tag = g_strdup(fallback->tag);
    subject->source_digest = g_strdup(fallback->source_digest);
    subject->target_digest = g_strdup(fallback->target_digest);
    subject->list = hr_referrers_new();
    return subject;
}

static void
read_fallback(HrFollow *follow, HrCall *call, const Fallback *fallback,
              const HrManifest *index)
{
    Subject *subject;
    gsize size;
    const char *text = g_bytes_get_data(index->bytes, &size);
    g_autoptr(GError) error = NULL;

    if (is_image(index)) {
        show_as_tag(follow, call, fallback);
        return;
    }
    subject = make_subject(follow, fallback);
    if (!hr_referrers_read(subject->list, text, size, &error)) {
        g_ptr_array_set_size(subject->list, 0);
        hr_follow_problem(follow, fallback->tag, error);
    }
    add_referrers(follow, subject, fallback->depth, fallback->hanging);
}

void
hr_follow_read(HrFollow *follow, HrCall *call)
{
    for (guint i = 0; i < follow->fetches->len; i++) {
        const Fetch *fetch = follow->fetches->pdata[i];

        if (fetch->error != NULL)
            hr_follow_problem(follow,
                              fetch->node != NULL ? fetch->node->digest
                                                  : fetch->fallback->tag,
                              fetch->error);
        else if (fetch->node != NULL)
            read_children(follow, fetch->node,
                          fetch->parts != NULL ? fetch->parts
                                               : fetch->manifest->children);
        else
            read_fallback(follow, call, fetch->fallback, fetch->manifest);
    }
    g_ptr_array_set_size(follow->fetches, 0);
}
