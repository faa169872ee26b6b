/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What hangs together: the lists of artifacts have told already to what
 * nothing refers, and what is in an index.
 *
 *     list of artifacts --> told: repository -> "alone DIGEST", without
 *                           accessories; "parts DIGEST", of an index
 *     what refers to D? --> it is alone: nothing, without a request
 *                       '-> otherwise the registry's own list is asked for
 *     what does D list? --> its parts, without a pull
 *
 * A manifest that is stored may refer to anything in its repository: from then
 * on nothing is known of it.
 */
#include <stdlib.h>
#include <string.h>

#include "harbor.h"

/* Facts that are remembered; the rest is asked for. */
#define TOLD_LIMIT 200000u

static const char image_type[] = "application/vnd.oci.image.manifest.v1+json";
static const char index_type[] = "application/vnd.oci.image.index.v1+json";
static const char nothing[] =
    "{\"schemaVersion\":2,\"mediaType\":"
    "\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}";

static void
tell(json_t *told, const char *what, const char *digest, json_t *value)
{
    HARBOR_AUTOFREE char *fact = harbor_text("%s %s", what, digest);

    json_object_set(told, fact, value);
}

static json_t *
read_rows(const json_t *rows)
{
    json_t *told = json_object();
    json_t *yes = json_true();

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *digest = harbor_json_text(row, "digest", "");
        json_t *parts = json_object_get(row, "parts");

        if (!harbor_json_flag(row, "accessories", true))
            tell(told, "alone", digest, yes);
        if (parts != NULL)
            tell(told, "parts", digest, parts);
    }
    json_decref(yes);
    return told;
}

/* Under the lock. */
static void
forget(hr_registry *registry, const char *repository)
{
    registry->told_count -=
        json_object_size(json_object_get(registry->told, repository));
    json_object_del(registry->told, repository);
}

void
harbor_told_remember(hr_registry *registry, const char *repository,
                     const json_t *rows)
{
    json_t *told = read_rows(rows);

    pthread_mutex_lock(&registry->lock);
    if (registry->told == NULL)
        registry->told = json_object();
    forget(registry, repository);
    if (registry->told_count + json_object_size(told) <= TOLD_LIMIT) {
        registry->told_count += json_object_size(told);
        json_object_set_new(registry->told, repository, told);
        told = NULL;
    }
    json_decref(told);
    pthread_mutex_unlock(&registry->lock);
}

void
harbor_told_forget(hr_registry *registry, const char *repository)
{
    pthread_mutex_lock(&registry->lock);
    if (repository != NULL) {
        forget(registry, repository);
    } else {
        json_decref(registry->told);
        registry->told = NULL;
        registry->told_count = 0;
    }
    pthread_mutex_unlock(&registry->lock);
}

/* What was told of a digest, a reference of the caller's; NULL: nothing. */
static json_t *
recall(hr_registry *registry, const char *repository, const char *what,
       const char *digest)
{
    HARBOR_AUTOFREE char *fact = harbor_text("%s %s", what, digest);
    json_t *value;

    pthread_mutex_lock(&registry->lock);
    value = json_deep_copy(
        json_object_get(json_object_get(registry->told, repository), fact));
    pthread_mutex_unlock(&registry->lock);
    return value;
}

/* -------------------------------------------------------------- operations */

static bool
is_alone(hr_registry *registry, const hr_referrers_query *query)
{
    json_auto_t *alone =
        recall(registry, query->repository, "alone", query->digest);

    return alone != NULL;
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
        queries[i]->sink->take(queries[i]->sink, index_type, nothing,
                               sizeof nothing - 1);
    }
    if (left > 0)
        status = dist_list_referrers(registry, call, others, left);
    free(others);
    return status;
}

hr_status
harbor_list_parts(hr_registry *registry, hr_call *call, const char *repository,
                  const char *digest, hr_part_sink *sink)
{
    json_auto_t *parts = recall(registry, repository, "parts", digest);

    if (parts == NULL)
        return dist_fail(call, HR_UNSUPPORTED,
                         "what %s of %s lists is not known", digest,
                         repository);
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const hr_part part = {
            .struct_size = sizeof part,
            .digest = json_string_value(json_array_get(parts, i)),
            .media_type = image_type,
        };

        sink->take(sink, &part);
    }
    return HR_OK;
}

hr_status
harbor_put_manifest(hr_registry *registry, hr_call *call, hr_manifest_put *put)
{
    harbor_told_forget(registry, put->repository);
    return dist_put_manifest(registry, call, put);
}
