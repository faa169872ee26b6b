/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Referrers: the lists of artifacts have told already to what nothing refers.
 *
 *     list of artifacts --> alone: repository -> digests without accessories
 *     what refers to D? --> D is among them: nothing, without a request
 *                       '-> otherwise the registry's own list is asked for
 *
 * A manifest that is stored may refer to anything in its repository: from then
 * on nothing is known of it.
 */
#include <stdlib.h>
#include <string.h>

#include "harbor.h"

/* Digests that are remembered; more are asked about. */
#define ALONE_LIMIT 200000u

static const char media_type[] = "application/vnd.oci.image.index.v1+json";
static const char nothing[] =
    "{\"schemaVersion\":2,\"mediaType\":"
    "\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}";

void
harbor_alone_remember(hr_registry *registry, const char *repository,
                      const json_t *rows)
{
    json_t *alone = json_object();

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        if (!harbor_json_flag(row, "accessories", true))
            json_object_set_new(alone, harbor_json_text(row, "digest", ""),
                                json_true());
    }
    pthread_mutex_lock(&registry->lock);
    if (registry->alone == NULL)
        registry->alone = json_object();
    registry->alone_count -=
        json_object_size(json_object_get(registry->alone, repository));
    json_object_del(registry->alone, repository);
    if (registry->alone_count + json_object_size(alone) <= ALONE_LIMIT) {
        registry->alone_count += json_object_size(alone);
        json_object_set(registry->alone, repository, alone);
    }
    pthread_mutex_unlock(&registry->lock);
    json_decref(alone);
}

void
harbor_alone_forget(hr_registry *registry, const char *repository)
{
    pthread_mutex_lock(&registry->lock);
    if (repository == NULL) {
        json_decref(registry->alone);
        registry->alone = NULL;
        registry->alone_count = 0;
    } else {
        registry->alone_count -=
            json_object_size(json_object_get(registry->alone, repository));
        json_object_del(registry->alone, repository);
    }
    pthread_mutex_unlock(&registry->lock);
}

static bool
is_alone(hr_registry *registry, const hr_referrers_query *query)
{
    bool alone;

    pthread_mutex_lock(&registry->lock);
    alone =
        json_object_get(json_object_get(registry->alone, query->repository),
                        query->digest) != NULL;
    pthread_mutex_unlock(&registry->lock);
    return alone;
}

hr_status
harbor_list_referrers(hr_registry *registry, hr_call *call,
                      hr_referrers_query *const *queries, size_t count)
{
    hr_referrers_query **others = calloc(count + 1, sizeof *others);
    size_t left = 0;
    hr_status status = HR_OK;

    if (others == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    for (size_t i = 0; i < count; i++) {
        if (!registry->dist.referrers || !is_alone(registry, queries[i])) {
            others[left++] = queries[i];
            continue;
        }
        queries[i]->status = HR_OK;
        queries[i]->sink->take(queries[i]->sink, media_type, nothing,
                               sizeof nothing - 1);
    }
    if (left > 0)
        status = dist_list_referrers(registry, call, others, left);
    free(others);
    return status;
}

hr_status
harbor_put_manifest(hr_registry *registry, hr_call *call, hr_manifest_put *put)
{
    harbor_alone_forget(registry, put->repository);
    return dist_put_manifest(registry, call, put);
}
