/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Follow: what a registry lists as a referrer although it only has a tag that
 * belongs to the subject.
 *
 *     listed --(tags were asked for as well)--> held --> a tag leads to it: gone
 *                                                   `--> else: seen like others
 *
 * Harbor lists signatures that cosign keeps under sha256-HEX.sig.  They come
 * with their tag; by themselves they refer to nothing, and no other registry
 * lists them.
 */
#include <string.h>

#include "sync/follow-state.h"

/* What it then says of them is the type of their config. */
bool
hr_follow_may_be_tagged(const HrReferrer *referrer)
{
    static const char *const types[] = {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_strcmp0(referrer->artifact_type, types[i]) == 0)
            return true;
    return false;
}

void
hr_follow_note_tag(HrFollow *follow, const hr_manifest_query *source)
{
    if (hr_companion_of(source->reference) == HR_COMPANION_COSIGN)
        g_hash_table_add(follow->tagged, g_strdup(source->digest));
}

static bool
is_tag(const Sought *sought)
{
    return strchr(sought->reference, ':') == NULL;
}

/* Takes it out of what the source lists. */
static void
drop(Subject *subject, const char *digest)
{
    for (guint i = 0; i < subject->list->len; i++) {
        const HrReferrer *one = subject->list->pdata[i];

        if (strcmp(one->digest, digest) == 0) {
            g_ptr_array_remove_index(subject->list, i);
            return;
        }
    }
}

/* True if it need not be seen, as things are known now. */
static bool
comes_with_tag(const HrFollow *follow, const Sought *sought)
{
    if (!sought->may_be_tagged ||
        !g_hash_table_contains(follow->tagged, sought->reference))
        return false;
    drop(sought->tie->subject, sought->reference);
    return true;
}

void
hr_follow_release(HrFollow *follow)
{
    while (follow->held->len > 0) {
        Sought *sought = g_ptr_array_steal_index(follow->held, 0);

        g_ptr_array_add(follow->sought, sought);
        sought->released = true;
    }
}

void
hr_follow_hold(HrFollow *follow)
{
    bool tags_are_out = false;

    for (guint i = 0; i < follow->sought->len; i++)
        tags_are_out |= is_tag(follow->sought->pdata[i]);
    for (guint i = follow->sought->len; i-- > 0;) {
        const Sought *sought = follow->sought->pdata[i];

        if (comes_with_tag(follow, sought))
            g_ptr_array_remove_index(follow->sought, i);
        else if (sought->may_be_tagged && tags_are_out && !sought->released)
            g_ptr_array_insert(follow->held, 0,
                               g_ptr_array_steal_index(follow->sought, i));
    }
}
