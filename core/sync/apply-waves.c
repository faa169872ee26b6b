/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waves: what refers to others is published after them. */
#include <string.h>

#include "base/error.h"
#include "sync/apply-state.h"
#include "sync/listing.h"

/* Deferred copies whose subject is not itself deferred: they can go now.  The
 * others stay.  Digests make cycles impossible, so there is always one. */
static GPtrArray *
take_next_wave(Apply *apply)
{
    GPtrArray *wave = g_ptr_array_new();
    g_autoptr(GHashTable) held = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *rest = g_ptr_array_new();

    for (guint i = 0; i < apply->deferred->len; i++) {
        Copy *copy = apply->deferred->pdata[i];

        g_hash_table_add(held, copy->digest);
    }
    for (guint i = 0; i < apply->deferred->len; i++) {
        Copy *copy = apply->deferred->pdata[i];
        const HrDescriptor *subject =
            hr_artifact_root(copy->artifact)->subject;

        if (g_hash_table_contains(held, subject->digest))
            g_ptr_array_add(rest, copy);
        else
            g_ptr_array_add(wave, copy);
    }
    g_ptr_array_unref(apply->deferred);
    apply->deferred = rest;
    return wave;
}

/* True, with the copy ended, if the subject of a referrer failed. */
static bool
block_on_failed_subject(Apply *apply, Copy *copy)
{
    const HrDescriptor *subject = hr_artifact_root(copy->artifact)->subject;
    g_autofree char *name =
        g_strconcat(copy->target_repository, "@", subject->digest, NULL);
    g_autoptr(GError) error = NULL;
    bool failed;

    /* Others of the wave are under way already. */
    pthread_mutex_lock(&apply->mutex);
    failed = g_hash_table_contains(apply->failed, name);
    pthread_mutex_unlock(&apply->mutex);
    if (!failed)
        return false;
    hr_error_set(&error, HR_PRECONDITION,
                 "blocked: it refers to %s, which could not be copied",
                 subject->digest);
    hr_group_enter(apply->group);
    hr_copy_end(copy, HR_RESULT_BLOCKED, error);
    return true;
}

static gint
order_by_subject(gconstpointer left, gconstpointer right)
{
    const Copy *one = *(const Copy *const *)left;
    const Copy *other = *(const Copy *const *)right;
    int order = strcmp(one->target_repository, other->target_repository);

    return order != 0
               ? order
               : strcmp(hr_artifact_root(one->artifact)->subject->digest,
                        hr_artifact_root(other->artifact)->subject->digest);
}

/* The copies of one subject were listed, or not. */
static void
end_listing(void *data, unsigned written, const GError *error)
{
    GPtrArray *copies = data;

    for (guint i = 0; i < copies->len; i++) {
        Copy *copy = copies->pdata[i];
        Apply *apply = copy->apply;

        if (i == 0)
            atomic_fetch_add(&apply->counts->manifests, written);
        hr_group_enter(apply->group);
        hr_copy_end(copy, error == NULL ? HR_RESULT_DONE : HR_RESULT_FAILED,
                    error);
    }
    g_ptr_array_unref(copies);
}

/* Has all of one subject listed; takes `copies`. */
static void
list_copies(Apply *apply, GPtrArray *copies)
{
    const Copy *first = copies->pdata[0];
    HrListingOrder order = {
        .source_repository = first->source_repository,
        .target_repository = first->target_repository,
        .subject = hr_artifact_root(first->artifact)->subject->digest,
        .entries = hr_referrers_new(),
        .done = end_listing,
        .data = copies,
    };

    for (guint i = 0; i < copies->len; i++) {
        const Copy *copy = copies->pdata[i];

        /* It was parsed before. */
        g_ptr_array_add(
            order.entries,
            hr_referrer_describe(hr_artifact_root(copy->artifact), NULL));
    }
    hr_listing_submit(apply->pass, apply->group, &order);
}

/* Lists what this wave has brought, before anything refers to that. */
static void
list_wave(Apply *apply)
{
    g_autoptr(GPtrArray) all = apply->unlisted;
    GPtrArray *copies = NULL;

    apply->unlisted = g_ptr_array_new();
    g_ptr_array_sort(all, order_by_subject);
    for (guint i = 0; i < all->len; i++) {
        if (copies == NULL)
            copies = g_ptr_array_new();
        g_ptr_array_add(copies, all->pdata[i]);
        if (i + 1 == all->len ||
            order_by_subject(&all->pdata[i], &all->pdata[i + 1]) != 0)
            list_copies(apply, g_steal_pointer(&copies));
    }
    hr_group_wait(apply->group, 0, NULL, NULL);
}

void
hr_apply_waves(Apply *apply)
{
    const HrPass *pass = apply->pass;

    while (apply->deferred->len > 0) {
        g_autoptr(GPtrArray) wave = take_next_wave(apply);

        for (guint i = 0; i < wave->len; i++) {
            Copy *copy = wave->pdata[i];
            HrChange *change = copy->change;

            if (block_on_failed_subject(apply, copy))
                continue;
            copy->last_wave = true;
            if (!hr_pass_submit(pass, apply->group, hr_copy_run, copy)) {
                hr_copy_free(copy);
                hr_apply_fail_unstarted(pass, change);
            }
        }
        hr_group_wait(apply->group, 0, NULL, NULL);
        list_wave(apply);
    }
}
