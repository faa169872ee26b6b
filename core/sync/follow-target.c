/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follow: what the target lists. */
#include <string.h>

#include "base/error.h"
#include "sync/fallback-tag.h"
#include "sync/follow-state.h"

/* Subjects of which something is doubtful, each once. */
static GPtrArray *
find_subjects(const HrFollow *follow)
{
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
    GPtrArray *subjects = g_ptr_array_new();

    for (guint i = 0; i < follow->doubtful->len; i++) {
        const Doubtful *doubtful = follow->doubtful->pdata[i];
        Subject *subject = doubtful->tie->subject;

        if (subject->listed == NULL && !subject->all_listed &&
            g_hash_table_add(known, subject))
            g_ptr_array_add(subjects, subject);
    }
    return subjects;
}

/* ---------------------------------------------------------------- lists */

/* Asks for the target's own lists of those whose digest is known: of all of
 * them for proof, of one to learn whether there are any. */
static hr_status
ask_lists(HrFollow *follow, const GPtrArray *subjects, HrCall *call)
{
    g_autofree HrReferrersAnswer *answers =
        g_new0(HrReferrersAnswer, subjects->len);
    g_autofree Subject **asked = g_new0(Subject *, subjects->len);
    size_t limit = follow->visitor->proves ? subjects->len : 1;
    hr_status put_off = HR_OK;
    g_autoptr(GError) error = NULL;
    size_t count = 0;

    for (guint i = 0; i < subjects->len && count < limit; i++) {
        Subject *subject = subjects->pdata[i];

        if (subject->digest == NULL)
            continue;
        asked[count] = subject;
        answers[count].repository = follow->target_repository;
        answers[count++].digest = subject->digest;
    }
    if (count == 0)
        return HR_OK;
    hr_registry_list_referrers(follow->pass->target, call, answers, count,
                               &error);
    for (size_t i = 0; i < count; i++) {
        const GError *failure =
            answers[i].error != NULL ? answers[i].error : error;
        hr_status status = hr_error_status(failure);

        asked[i]->listed = g_steal_pointer(&answers[i].list);
        if (hr_pass_may_park(status))
            put_off = status;
        if (failure != NULL && asked[i]->listed == NULL &&
            status != HR_UNSUPPORTED)
            asked[i]->error = g_error_copy(failure);
        hr_referrers_answer_clear(&answers[i]);
    }
    return put_off;
}

/* What was not asked about, or cannot be. */
static void
conclude(const HrFollow *follow, const GPtrArray *subjects)
{
    const GError *error = ((Subject *)subjects->pdata[0])->error;
    bool unknown = hr_registry_referrer_lists(follow->pass->target) ==
                   HR_REFERRER_LISTS_UNKNOWN;

    for (guint i = 0; i < subjects->len; i++) {
        Subject *subject = subjects->pdata[i];

        if (subject->listed != NULL || subject->error != NULL)
            continue;
        if (unknown && error != NULL)
            subject->error = g_error_copy(error);
        else
            subject->all_listed = true;
    }
}

/* --------------------------------------------------------- fallback tags */

static bool
look_at_tags(HrFollow *follow, const GPtrArray *subjects, HrCall *call,
             GError **error)
{
    g_autofree hr_manifest_query *queries =
        g_new0(hr_manifest_query, subjects->len);
    g_autofree hr_manifest_query **pointers =
        g_new0(hr_manifest_query *, subjects->len);
    size_t count = 0;

    for (guint i = 0; i < subjects->len; i++) {
        const Subject *subject = subjects->pdata[i];

        if (subject->target_digest != NULL)
            continue;
        queries[i].struct_size = sizeof queries[i];
        queries[i].repository = follow->target_repository;
        queries[i].reference = subject->tag;
        pointers[count++] = &queries[i];
    }
    if (count > 0 && !hr_registry_resolve(follow->pass->target, call, pointers,
                                          count, error))
        return false;
    for (guint i = 0; i < subjects->len; i++) {
        Subject *subject = subjects->pdata[i];

        if (subject->target_digest != NULL)
            continue;
        if (queries[i].status == HR_OK || queries[i].status == HR_NOT_FOUND)
            subject->target_digest = g_strdup(queries[i].digest);
        else
            hr_error_set(&subject->error, queries[i].status, "%s: %s",
                         hr_registry_name(follow->pass->target),
                         queries[i].message[0] != '\0'
                             ? queries[i].message
                             : hr_status_name(queries[i].status));
    }
    return true;
}

/* True if the target's tag says what the source's does, or what we make of
 * its list: then it need not be read. */
static bool
is_as_expected(const Subject *subject)
{
    g_autoptr(HrManifest) expected = NULL;

    if (g_strcmp0(subject->source_digest, subject->target_digest) == 0)
        return true;
    expected = hr_referrers_merge(NULL, subject->list, NULL, NULL);
    return expected != NULL &&
           strcmp(expected->digest, subject->target_digest) == 0;
}

static void
read_tag(HrFollow *follow, Subject *subject, HrCall *call)
{
    const HrFallbackTag tag = {
        .registry = follow->pass->target,
        .call = call,
        .repository = follow->target_repository,
        .name = subject->tag,
    };
    g_autoptr(HrManifest) index = NULL;
    g_autoptr(GPtrArray) listed = hr_referrers_new();
    gsize size;
    const char *text;

    if (*subject->target_digest != '\0' && is_as_expected(subject)) {
        subject->all_listed = true;
        return;
    }
    if (*subject->target_digest != '\0' &&
        !hr_fallback_tag_read(&tag, &index, &subject->error))
        return;
    /* One that is no list of ours is found out when it is to be written. */
    if (index != NULL) {
        text = g_bytes_get_data(index->bytes, &size);
        if (!hr_referrers_read(listed, text, size, NULL))
            g_ptr_array_set_size(listed, 0);
    }
    subject->listed = g_steal_pointer(&listed);
}

static hr_status
read_tags(HrFollow *follow, const GPtrArray *subjects, HrCall *call)
{
    g_autoptr(GError) error = NULL;
    hr_status put_off = HR_OK;

    if (!look_at_tags(follow, subjects, call, &error)) {
        for (guint i = 0; i < subjects->len; i++) {
            Subject *subject = subjects->pdata[i];

            g_clear_error(&subject->error);
            subject->error = g_error_copy(error);
        }
        return hr_error_status(error);
    }
    for (guint i = 0; i < subjects->len; i++) {
        Subject *subject = subjects->pdata[i];

        if (subject->error == NULL)
            read_tag(follow, subject, call);
        if (hr_pass_may_park(hr_error_status(subject->error)))
            put_off = hr_error_status(subject->error);
    }
    return put_off;
}

/* -------------------------------------------------------------- judging */

/* Finds out about all subjects; returns the class of a failure that better
 * times may cure. */
static hr_status
look(HrFollow *follow, const GPtrArray *subjects, HrCall *call)
{
    HrRegistry *target = follow->pass->target;
    HrReferrerLists lists = hr_registry_referrer_lists(target);
    hr_status put_off;

    for (guint i = 0; i < subjects->len; i++)
        g_clear_error(&((Subject *)subjects->pdata[i])->error);
    if (lists == HR_REFERRER_LISTS_UNKNOWN ||
        (lists == HR_REFERRER_LISTS_THERE && follow->visitor->proves)) {
        put_off = ask_lists(follow, subjects, call);
        if (put_off != HR_OK)
            return put_off;
    }
    lists = hr_registry_referrer_lists(target);
    if (lists == HR_REFERRER_LISTS_ABSENT)
        return read_tags(follow, subjects, call);
    conclude(follow, subjects);
    return HR_OK;
}

static bool
is_listed(const Doubtful *doubtful)
{
    const Subject *subject = doubtful->tie->subject;

    if (subject->listed == NULL)
        return subject->all_listed;
    for (guint i = 0; i < subject->listed->len; i++) {
        const HrReferrer *one = subject->listed->pdata[i];

        if (strcmp(one->digest, doubtful->digest) == 0)
            return true;
    }
    return false;
}

static void
show_all(HrFollow *follow, HrCall *call)
{
    for (guint i = 0; i < follow->doubtful->len; i++) {
        const Doubtful *doubtful = follow->doubtful->pdata[i];
        const GError *error = doubtful->tie->subject->error;

        if (error != NULL) {
            hr_follow_problem(follow, doubtful->digest, error);
            continue;
        }
        doubtful->tie->shown.listed = is_listed(doubtful);
        hr_follow_show(follow, call, doubtful, doubtful->digest);
    }
    g_ptr_array_set_size(follow->doubtful, 0);
}

bool
hr_follow_judge(HrFollow *follow, HrCall *call)
{
    const HrPass *pass = follow->pass;
    g_autoptr(GPtrArray) subjects = find_subjects(follow);
    hr_status put_off = HR_OK;

    if (subjects->len > 0) {
        if (!hr_follow_take_turn(follow, pass->target))
            return false;
        put_off = look(follow, subjects, call);
        hr_follow_give_turn(follow);
    }
    if (put_off != HR_OK && hr_pass_park(pass, &follow->parking, call, put_off,
                                         hr_follow_round, follow))
        return false;
    show_all(follow, call);
    return true;
}
