/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tag batch: some tags, asked about on both sides by one job. */
#include "sync/tag-batch.h"

#include <string.h>

#include "base/error.h"
#include "model/item.h"

struct HrTagBatch {
    const HrPass *pass;
    const HrVisitor *visitor;
    HrGroup *group;
    HrTagPair *pairs;
    size_t count;
    size_t capacity;
    bool named;
    hr_manifest_query *queries; /* source and target, alternating */
    HrParking parking;
};

void
hr_tag_batch_free(HrTagBatch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        HrTagPair *pair = &batch->pairs[i];
        HrTagPair *next = i + 1 < batch->count ? pair + 1 : NULL;

        hr_tag_seen_free(pair->seen[0]);
        hr_tag_seen_free(pair->seen[1]);
        if (pair->reference[1] != pair->reference[0])
            g_free(pair->reference[1]);
        g_free(pair->reference[0]);
        for (unsigned side = 0; side < 2; side++)
            if (next == NULL ||
                next->repository[side] != pair->repository[side])
                g_free(pair->repository[side]);
    }
    g_free(batch->pairs);
    g_free(batch->queries);
    g_free(batch);
}

HrTagBatch *
hr_tag_batch_new(const HrPass *pass, const HrVisitor *visitor, HrGroup *group,
                 size_t capacity, bool named)
{
    HrTagBatch *batch = g_new0(HrTagBatch, 1);

    batch->pass = pass;
    batch->visitor = visitor;
    batch->group = group;
    batch->pairs = g_new0(HrTagPair, capacity);
    batch->capacity = capacity;
    batch->named = named;
    return batch;
}

/* A neighbour's name is shared if it is the same: mostly it is. */
static void
share_repository(const HrTagBatch *batch, HrTagPair *pair, unsigned side,
                 const char *name)
{
    HrTagPair *before = pair > batch->pairs ? pair - 1 : NULL;

    if (before != NULL && strcmp(before->repository[side], name) == 0)
        pair->repository[side] = before->repository[side];
    else
        pair->repository[side] = g_strdup(name);
}

HrTagPair *
hr_tag_batch_add(HrTagBatch *batch, const char *source_repository,
                 const char *source_reference, const char *target_repository,
                 const char *target_reference)
{
    HrTagPair *pair = &batch->pairs[batch->count++];

    share_repository(batch, pair, 0, source_repository);
    share_repository(batch, pair, 1, target_repository);
    pair->reference[0] = g_strdup(source_reference);
    pair->reference[1] = strcmp(source_reference, target_reference) == 0
                             ? pair->reference[0]
                             : g_strdup(target_reference);
    return pair;
}

size_t
hr_tag_batch_count(const HrTagBatch *batch)
{
    return batch->count;
}

bool
hr_tag_batch_full(const HrTagBatch *batch)
{
    return batch->count == batch->capacity;
}

/* What is known of a tag, or of its absence, is not asked for again. */
static void
fill_in(hr_manifest_query *query, const HrTagSeen *seen)
{
    if (seen == NULL ||
        (seen->status != HR_OK && seen->status != HR_NOT_FOUND))
        return;
    query->status = seen->status;
    query->size = seen->size;
    if (seen->digest != NULL)
        g_strlcpy(query->digest, seen->digest, sizeof query->digest);
    if (seen->media_type != NULL)
        g_strlcpy(query->media_type, seen->media_type,
                  sizeof query->media_type);
}

static void
make_queries(HrTagBatch *batch)
{
    if (batch->queries != NULL)
        return;
    batch->queries = g_new0(hr_manifest_query, 2 * batch->count);
    for (size_t i = 0; i < 2 * batch->count; i++) {
        const HrTagPair *pair = &batch->pairs[i / 2];
        hr_manifest_query *query = &batch->queries[i];

        query->struct_size = sizeof *query;
        query->repository = pair->repository[i % 2];
        query->reference = pair->reference[i % 2];
        if (i % 2 == 1 && pair->missing)
            query->status = HR_NOT_FOUND;
        else
            fill_in(query, pair->seen[i % 2]);
    }
}

static bool
resolve_side(const HrTagBatch *batch, HrCall *call, HrRegistry *registry,
             unsigned side, GError **error)
{
    hr_manifest_query *queries[HR_TAG_BATCH_SIZE];
    size_t count = 0;

    for (size_t i = 0; i < batch->count; i++) {
        hr_manifest_query *query = &batch->queries[2 * i + side];

        /* One that was put off has the others' answers with it. */
        if (query->status == HR_OK && query->digest[0] == '\0')
            queries[count++] = query;
    }
    return count == 0 ||
           hr_registry_resolve(registry, call, queries, count, error);
}

static void
report_batch(const HrTagBatch *batch, const GError *error)
{
    const HrVisitor *visitor = batch->visitor;

    for (size_t i = 0; i < batch->count; i++) {
        const hr_manifest_query *query = &batch->queries[2 * i];
        g_autofree char *key = hr_tag_key(query->repository, query->reference);

        visitor->problem(visitor->data, key, error);
    }
}

/* The first failure that better times may cure, or HR_OK. */
static hr_status
find_put_off(const HrTagBatch *batch, const GError *error)
{
    if (error != NULL)
        return hr_error_status(error);
    for (size_t i = 0; i < 2 * batch->count; i++)
        if (hr_pass_may_park(batch->queries[i].status))
            return batch->queries[i].status;
    return HR_OK;
}

/* Those that failed are asked again. */
static void
reset_failed(const HrTagBatch *batch)
{
    for (size_t i = 0; i < 2 * batch->count; i++)
        if (hr_pass_may_park(batch->queries[i].status))
            batch->queries[i].status = HR_OK;
}

void
hr_tag_batch_run(void *data)
{
    HrTagBatch *batch = data;
    const HrPass *pass = batch->pass;
    HrGroup *group = batch->group;
    g_autoptr(HrCall) call = hr_pass_call(pass);
    g_autoptr(GError) error = NULL;
    HrSighting sightings[HR_TAG_BATCH_SIZE];
    bool good;

    make_queries(batch);
    reset_failed(batch);
    good = resolve_side(batch, call, pass->source, 0, &error) &&
           resolve_side(batch, call, pass->target, 1, &error);
    if (hr_pass_park(pass, &batch->parking, call, find_put_off(batch, error),
                     hr_tag_batch_run, batch))
        return;
    if (!good) {
        report_batch(batch, error);
    } else {
        for (size_t i = 0; i < batch->count; i++)
            sightings[i] = (HrSighting){
                .source = &batch->queries[2 * i],
                .target = &batch->queries[2 * i + 1],
                .named = batch->named,
                .tie = batch->pairs[i].tie,
                .content_size = batch->pairs[i].seen[0] != NULL
                                    ? batch->pairs[i].seen[0]->content_size
                                    : 0,
            };
        batch->visitor->visit(batch->visitor->data, call, sightings,
                              batch->count);
    }
    hr_tag_batch_free(batch);
    hr_group_leave(group);
}
