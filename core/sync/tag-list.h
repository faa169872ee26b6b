/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tag list: the tags that one side has of a repository, and what it told of
 * them with the list.
 *
 *     registry with lists of artifacts --> names, and what each leads to
 *     any other ------------------------> names
 *
 * What a list told of a tag is not asked for again.  Internal to the walk.
 */
#ifndef HR_SYNC_TAG_LIST_H
#define HR_SYNC_TAG_LIST_H

#include "plug/registry.h"
#include "sync/selection.h"

typedef struct HrTagList {
    GPtrArray *names;  /* char *, sorted */
    GHashTable *known; /* the names -> HrTagSeen, or NULL: not told */
} HrTagList;

/* Asks for the list.  HR_NOT_FOUND if there is no such repository. */
HrTagList *
hr_tag_list_ask(HrRegistry *registry, HrCall *call, const char *repository,
                GError **error);

/* Of a repository that is not there. */
HrTagList *
hr_tag_list_new(void);

void
hr_tag_list_free(HrTagList *list);

/* Gives candidates what the list told of them, as what `side` has seen. */
void
hr_tag_list_tell(const HrTagList *list, HrSelection *selection, unsigned side);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrTagList, hr_tag_list_free)

#endif
