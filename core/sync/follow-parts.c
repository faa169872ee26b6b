/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follow: its parts, made and freed. */
#include "base/error.h"
#include "model/item.h"
#include "sync/follow-state.h"

/* Of a digest, for people: the algorithm and twelve digits. */
#define SHORT_DIGEST 19

void
hr_follow_node_free(void *data)
{
    Node *node = data;

    g_free(node->digest);
    g_free(node->label);
    g_free(node);
}

static void
free_fallback(void *data)
{
    Fallback *fallback = data;

    g_free(fallback->tag);
    g_free(fallback->label);
    g_free(fallback->source_digest);
    g_free(fallback->target_digest);
    g_free(fallback->media_type);
    g_free(fallback);
}

static void
free_doubtful(void *data)
{
    Doubtful *doubtful = data;

    g_free(doubtful->reference);
    g_free(doubtful->digest);
    g_free(doubtful->media_type);
    g_free(doubtful);
}

static void
free_subject(void *data)
{
    Subject *subject = data;

    g_free(subject->digest);
    g_free(subject->label);
    g_free(subject->tag);
    g_free(subject->source_digest);
    g_free(subject->target_digest);
    g_clear_pointer(&subject->list, g_ptr_array_unref);
    g_clear_pointer(&subject->listed, g_ptr_array_unref);
    g_clear_error(&subject->error);
    g_free(subject);
}

static void
free_tie(void *data)
{
    Tie *tie = data;

    g_free(tie->reason);
    g_free(tie);
}

static void
free_fetch(void *data)
{
    Fetch *fetch = data;

    g_clear_pointer(&fetch->fallback, free_fallback);
    g_clear_pointer(&fetch->parts, g_ptr_array_unref);
    hr_manifest_free(fetch->manifest);
    g_clear_error(&fetch->error);
    g_free(fetch);
}

static void
free_sought(void *data)
{
    Sought *sought = data;

    g_free(sought->reference);
    hr_tag_seen_free(sought->seen);
    g_free(sought);
}

Node *
hr_follow_node(const char *digest, const char *media_type, const char *label,
               unsigned depth, unsigned *hanging)
{
    Node *node = g_new0(Node, 1);

    node->digest = g_strdup(digest);
    node->label = g_strdup(label);
    node->is_index = hr_media_type_is_index(media_type);
    node->depth = depth;
    node->hanging = hanging;
    return node;
}

Tie *
hr_follow_tie(HrFollow *follow, char *reason, unsigned depth,
              unsigned *hanging)
{
    Tie *tie = g_new0(Tie, 1);

    tie->reason = reason;
    tie->shown.reason = reason;
    tie->depth = depth;
    tie->hanging = hanging;
    g_ptr_array_add(follow->ties, tie);
    return tie;
}

Sought *
hr_follow_seek(HrFollow *follow, const char *reference, Tie *tie,
               HrTagSeen *seen)
{
    Sought *sought = g_new0(Sought, 1);

    sought->reference = g_strdup(reference);
    sought->tie = tie;
    sought->seen = seen;
    g_ptr_array_add(follow->sought, sought);
    return sought;
}

char *
hr_follow_short_label(const HrFollow *follow, const char *digest)
{
    return g_strdup_printf("%s@%.*s", follow->target_repository, SHORT_DIGEST,
                           digest);
}

void
hr_follow_problem(const HrFollow *follow, const char *reference,
                  const GError *error)
{
    g_autofree char *key = hr_tag_key(follow->target_repository, reference);

    follow->visitor->problem(follow->visitor->data, key, error);
}

void
hr_follow_make_lists(HrFollow *follow)
{
    follow->found = g_ptr_array_new();
    follow->fallbacks = g_ptr_array_new_with_free_func(free_fallback);
    follow->doubtful = g_ptr_array_new_with_free_func(free_doubtful);
    follow->fresh = g_ptr_array_new();
    follow->fetches = g_ptr_array_new_with_free_func(free_fetch);
    follow->sought = g_ptr_array_new_with_free_func(free_sought);
    follow->held = g_ptr_array_new_with_free_func(free_sought);
    follow->subjects = g_ptr_array_new_with_free_func(free_subject);
    follow->ties = g_ptr_array_new_with_free_func(free_tie);
    follow->counters = g_ptr_array_new_with_free_func(g_free);
    follow->nodes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
                                          hr_follow_node_free);
    follow->items =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    follow->tagged =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

void
hr_follow_free(HrFollow *follow)
{
    GPtrArray *const lists[] = {
        follow->found,    follow->fallbacks, follow->doubtful, follow->fresh,
        follow->fetches,  follow->sought,    follow->subjects, follow->ties,
        follow->counters, follow->held,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++)
        g_ptr_array_unref(lists[i]);
    g_hash_table_unref(follow->nodes);
    g_hash_table_unref(follow->items);
    g_hash_table_unref(follow->tagged);
    g_hash_table_unref(follow->companions);
    g_clear_pointer(&follow->known, g_hash_table_unref);
    pthread_mutex_destroy(&follow->mutex);
    g_free(follow->turn);
    g_free(follow->source_repository);
    g_free(follow->target_repository);
    g_free(follow);
}
