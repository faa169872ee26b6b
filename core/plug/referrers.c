/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a registry lists as referring to manifests. */
#include <string.h>

#include "base/error.h"
#include "plug/registry-instance.h"

/* Lists asked for at once: few enough for their pages to be held. */
#define QUERIES_LIMIT 64

/* All pages of one list together. */
#define LIST_LIMIT_BYTES ((size_t)16 * 1024 * 1024)

/* Takes the pages of one list. */
typedef struct Taker {
    hr_manifest_sink sink;
    GPtrArray *list;
    size_t size;
    GError *error; /* of the first page that is none */
} Taker;

HrReferrerLists
hr_registry_referrer_lists(const HrRegistry *registry)
{
    return (HrReferrerLists)atomic_load(&registry->referrers);
}

void
hr_referrers_answer_clear(HrReferrersAnswer *answer)
{
    g_clear_pointer(&answer->list, g_ptr_array_unref);
    g_clear_error(&answer->error);
}

static void
take_page(hr_manifest_sink *sink, const char *media_type, const void *bytes,
          uint64_t size_bytes)
{
    Taker *taker = (Taker *)sink;

    (void)media_type;
    if (taker->error != NULL || bytes == NULL)
        return;
    taker->size += (size_t)MIN(size_bytes, LIST_LIMIT_BYTES);
    if (taker->size >= LIST_LIMIT_BYTES)
        hr_error_set(&taker->error, HR_INVALID, "it is larger than %zu MiB",
                     LIST_LIMIT_BYTES >> 20);
    else
        hr_referrers_read(taker->list, bytes, (size_t)size_bytes,
                          &taker->error);
}

/* What one answer says about all: whoever gave a list once has lists, and a
 * manifest without one has none, or is gone.  One that breaks off after a page
 * is none of these. */
static void
learn(HrRegistry *registry, hr_referrers_query *query, const Taker *taker)
{
    if (query->status == HR_OK) {
        atomic_store(&registry->referrers, HR_REFERRER_LISTS_THERE);
    } else if (query->status == HR_UNSUPPORTED && taker->size > 0) {
        query->status = HR_INVALID;
    } else if (query->status == HR_UNSUPPORTED) {
        int unknown = HR_REFERRER_LISTS_UNKNOWN;

        if (!atomic_compare_exchange_strong(&registry->referrers, &unknown,
                                            HR_REFERRER_LISTS_ABSENT) &&
            unknown == HR_REFERRER_LISTS_THERE)
            query->status = HR_OK;
    }
}

static void
settle(const HrRegistry *registry, hr_referrers_query *query, Taker *taker,
       HrReferrersAnswer *answer)
{
    query->message[sizeof query->message - 1] = '\0';
    if (query->status == HR_OK && taker->error == NULL) {
        answer->list = g_steal_pointer(&taker->list);
    } else if (query->status == HR_OK) {
        answer->error = g_steal_pointer(&taker->error);
        g_prefix_error(&answer->error, "%s: what refers to %s of %s: ",
                       hr_registry_name(registry), query->digest,
                       query->repository);
    } else {
        hr_error_set(&answer->error, query->status, "%s: %s",
                     hr_registry_name(registry),
                     query->message[0] != '\0'
                         ? query->message
                         : hr_status_name(query->status));
    }
    g_clear_pointer(&taker->list, g_ptr_array_unref);
    g_clear_error(&taker->error);
}

static bool
ask(HrRegistry *registry, HrCall *call, HrReferrersAnswer *answers,
    size_t count, GError **error)
{
    hr_referrers_query queries[QUERIES_LIMIT];
    hr_referrers_query *pointers[QUERIES_LIMIT];
    Taker takers[QUERIES_LIMIT];
    hr_status status;

    memset(queries, 0, sizeof queries);
    memset(takers, 0, sizeof takers);
    for (size_t i = 0; i < count; i++) {
        takers[i].sink.struct_size = sizeof(hr_manifest_sink);
        takers[i].sink.take = take_page;
        takers[i].list = hr_referrers_new();
        queries[i].struct_size = sizeof queries[i];
        queries[i].repository = answers[i].repository;
        queries[i].digest = answers[i].digest;
        queries[i].sink = &takers[i].sink;
        queries[i].status = HR_BUG;
        pointers[i] = &queries[i];
    }
    hr_registry_enter(registry, call);
    status =
        registry->ops->list_referrers(registry->plugin, call, pointers, count);
    for (size_t i = 0; i < count; i++) {
        if (status == HR_OK)
            learn(registry, &queries[i], &takers[i]);
        settle(registry, &queries[i], &takers[i], &answers[i]);
    }
    return hr_registry_leave(registry, call, status, error);
}

bool
hr_registry_list_referrers(HrRegistry *registry, HrCall *call,
                           HrReferrersAnswer *answers, size_t count,
                           GError **error)
{
    while (count > 0) {
        HrReferrerLists lists = hr_registry_referrer_lists(registry);
        size_t part = lists == HR_REFERRER_LISTS_UNKNOWN
                          ? 1
                          : MIN(count, (size_t)QUERIES_LIMIT);

        if (lists == HR_REFERRER_LISTS_ABSENT)
            return true;
        if (!ask(registry, call, answers, part, error))
            return false;
        answers += part;
        count -= part;
        /* Who did not answer the first question is not asked the others. */
        if (hr_registry_referrer_lists(registry) == HR_REFERRER_LISTS_UNKNOWN)
            break;
    }
    for (size_t i = 0; i < count; i++)
        answers[i].error = g_error_copy(answers[-1].error);
    return true;
}
