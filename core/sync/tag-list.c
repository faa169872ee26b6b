/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tag list: the tags that one side has of a repository. */
#include "sync/tag-list.h"

#include "base/error.h"

static void
free_seen(gpointer data)
{
    hr_tag_seen_free(data);
}

HrTagList *
hr_tag_list_new(void)
{
    HrTagList *list = g_new0(HrTagList, 1);

    list->names = g_ptr_array_new_with_free_func(g_free);
    list->known =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_seen);
    return list;
}

void
hr_tag_list_free(HrTagList *list)
{
    if (list == NULL)
        return;
    g_hash_table_unref(list->known);
    g_ptr_array_unref(list->names);
    g_free(list);
}

static void
add(HrTagList *list, const char *name, HrTagSeen *seen)
{
    char *kept = g_strdup(name);

    g_ptr_array_add(list->names, kept);
    g_hash_table_insert(list->known, kept, seen);
}

static HrTagSeen *
make_seen(const HrListed *listed)
{
    HrTagSeen *seen = g_new0(HrTagSeen, 1);

    seen->status = HR_OK;
    seen->size = listed->size;
    seen->content_size = listed->content_size;
    seen->digest = g_strdup(listed->digest);
    seen->media_type = g_strdup(listed->media_type);
    return seen;
}

/* HR_UNSUPPORTED: this registry, or this repository, has no such list. */
static HrTagList *
list_artifacts(HrRegistry *registry, HrCall *call, const char *repository,
               GError **error)
{
    g_autoptr(GPtrArray) artifacts =
        hr_registry_list_artifacts(registry, call, repository, error);
    HrTagList *list;

    if (artifacts == NULL)
        return NULL;
    list = hr_tag_list_new();
    for (guint i = 0; i < artifacts->len; i++) {
        const HrListed *listed = artifacts->pdata[i];

        add(list, listed->tag, make_seen(listed));
    }
    return list;
}

HrTagList *
hr_tag_list_ask(HrRegistry *registry, HrCall *call, const char *repository,
                GError **error)
{
    g_autoptr(GError) unsupported = NULL;
    g_autoptr(GPtrArray) names = NULL;
    HrTagList *list = list_artifacts(registry, call, repository, &unsupported);

    if (list != NULL)
        return list;
    if (hr_error_status(unsupported) != HR_UNSUPPORTED) {
        g_propagate_error(error, g_steal_pointer(&unsupported));
        return NULL;
    }
    names = hr_registry_list_tags(registry, call, repository, error);
    if (names == NULL)
        return NULL;
    list = hr_tag_list_new();
    for (guint i = 0; i < names->len; i++)
        add(list, names->pdata[i], NULL);
    return list;
}

static HrTagSeen *
copy_seen(const HrTagSeen *seen)
{
    HrTagSeen *copy = g_new0(HrTagSeen, 1);

    copy->status = seen->status;
    copy->size = seen->size;
    copy->content_size = seen->content_size;
    copy->digest = g_strdup(seen->digest);
    copy->media_type = g_strdup(seen->media_type);
    return copy;
}

void
hr_tag_list_tell(const HrTagList *list, HrSelection *selection, unsigned side)
{
    for (guint i = 0; i < selection->count; i++) {
        HrCandidate *candidate = &selection->candidates[i];
        const HrTagSeen *seen =
            g_hash_table_lookup(list->known, candidate->tag);

        if (seen != NULL && candidate->seen[side] == NULL)
            candidate->seen[side] = copy_seen(seen);
    }
}
