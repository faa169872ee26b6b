/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registry: the artifacts that the tags of a repository lead to, by list. */
#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/text.h"
#include "model/reference.h"
#include "plug/registry-instance.h"

/* Tags of one repository; no list of them is as long. */
#define ARTIFACTS_LIMIT 1000000u

typedef struct Taker {
    hr_artifact_sink sink;
    GPtrArray *list;
    GHashTable *known; /* their tags */
} Taker;

bool
hr_registry_has_artifacts(const HrRegistry *registry)
{
    return HR_HAS(registry->ops, hr_registry_ops, list_artifacts) &&
           registry->ops->list_artifacts != NULL;
}

static void
free_listed(gpointer data)
{
    HrListed *listed = data;

    g_free(listed->tag);
    g_free(listed->digest);
    g_free(listed->media_type);
    g_free(listed);
}

static bool
check(const Taker *taker, const hr_artifact *artifact, GError **error)
{
    if (artifact->tag == NULL || !hr_tag_valid(artifact->tag))
        return hr_error_set(error, HR_INVALID,
                            "the registry lists a tag that is none");
    if (artifact->digest == NULL || !hr_digest_valid(artifact->digest))
        return hr_error_set(error, HR_INVALID,
                            "the registry lists %s with a digest that is none",
                            artifact->tag);
    if (taker->list->len >= ARTIFACTS_LIMIT)
        return hr_error_set(error, HR_INVALID, "more than %u tags",
                            ARTIFACTS_LIMIT);
    return true;
}

/* Pages that overlap tell of a tag twice: the first word counts. */
static hr_status
take(hr_artifact_sink *sink, hr_call *call, const hr_artifact *artifact)
{
    Taker *taker = (Taker *)sink;
    GError *error = NULL;
    HrListed *listed;

    if (!check(taker, artifact, &error))
        return hr_call_fail_error(call, error);
    if (g_hash_table_contains(taker->known, artifact->tag))
        return HR_OK;
    listed = g_new0(HrListed, 1);
    listed->tag = g_strdup(artifact->tag);
    listed->digest = g_strdup(artifact->digest);
    listed->media_type =
        g_strdup(artifact->media_type != NULL ? artifact->media_type : "");
    listed->size = artifact->size;
    listed->content_size = artifact->content_size;
    g_hash_table_add(taker->known, listed->tag);
    g_ptr_array_add(taker->list, listed);
    return HR_OK;
}

static gint
order_listed(gconstpointer left, gconstpointer right)
{
    const HrListed *one = *(const HrListed *const *)left;
    const HrListed *other = *(const HrListed *const *)right;

    return strcmp(one->tag, other->tag);
}

GPtrArray *
hr_registry_list_artifacts(HrRegistry *registry, HrCall *call,
                           const char *repository, GError **error)
{
    Taker taker = {
        .sink = {.struct_size = sizeof(hr_artifact_sink), .take = take},
    };
    hr_status status;
    bool complete;

    if (!hr_registry_has_artifacts(registry)) {
        hr_error_set(error, HR_UNSUPPORTED, "%s: no lists of artifacts",
                     hr_registry_name(registry));
        return NULL;
    }
    taker.list = g_ptr_array_new_with_free_func(free_listed);
    taker.known = g_hash_table_new(g_str_hash, g_str_equal);
    hr_registry_enter(registry, call);
    status = registry->ops->list_artifacts(registry->plugin, call, repository,
                                           &taker.sink);
    complete = hr_registry_leave(registry, call, status, error);
    g_hash_table_unref(taker.known);
    if (!complete) {
        g_ptr_array_unref(taker.list);
        return NULL;
    }
    g_ptr_array_sort(taker.list, order_listed);
    return taker.list;
}

/* ------------------------------------------------------------------ parts */

typedef struct PartTaker {
    hr_part_sink sink; /* first */
    GPtrArray *parts;
    bool good;
} PartTaker;

static void
free_part(gpointer data)
{
    HrDescriptor *part = data;

    g_free(part->digest);
    g_free(part->media_type);
    g_free(part);
}

static void
take_part(hr_part_sink *sink, const hr_part *given)
{
    PartTaker *taker = (PartTaker *)sink;
    HrDescriptor *part;

    if (given->digest == NULL || given->media_type == NULL ||
        !hr_digest_valid(given->digest) ||
        taker->parts->len >= HR_MANIFEST_GRAPH_LIMIT) {
        taker->good = false;
        return;
    }
    part = g_new0(HrDescriptor, 1);
    part->digest = g_strdup(given->digest);
    part->media_type = g_strdup(given->media_type);
    g_ptr_array_add(taker->parts, part);
}

GPtrArray *
hr_registry_list_parts(HrRegistry *registry, HrCall *call,
                       const char *repository, const char *digest,
                       GError **error)
{
    PartTaker taker = {
        .sink = {.struct_size = sizeof(hr_part_sink), .take = take_part},
        .good = true,
    };
    hr_status status = HR_UNSUPPORTED;

    taker.parts = g_ptr_array_new_with_free_func(free_part);
    hr_registry_enter(registry, call);
    if (HR_HAS(registry->ops, hr_registry_ops, list_parts) &&
        registry->ops->list_parts != NULL)
        status = registry->ops->list_parts(registry->plugin, call, repository,
                                           digest, &taker.sink);
    if (status == HR_OK && !taker.good)
        status = hr_call_fail(call, HR_INVALID,
                              "the registry tells of parts of an index that "
                              "cannot be");
    if (hr_registry_leave(registry, call, status, error))
        return taker.parts;
    g_ptr_array_unref(taker.parts);
    return NULL;
}

/* ---------------------------------------------------------------- foresee */

bool
hr_registry_foresees(const HrRegistry *registry)
{
    return HR_HAS(registry->ops, hr_registry_ops, foresee) &&
           registry->ops->foresee != NULL;
}

/* What is shown must be one line. */
static void
settle_write(hr_content_write *write)
{
    g_autofree char *line = NULL;

    write->message[sizeof write->message - 1] = '\0';
    line = hr_text_one_line(write->message);
    g_strlcpy(write->message, line, sizeof write->message);
}

bool
hr_registry_foresee(HrRegistry *registry, HrCall *call,
                    hr_content_write *const *writes, size_t count,
                    GError **error)
{
    hr_status status;

    hr_registry_enter(registry, call);
    status = registry->ops->foresee(registry->plugin, call, writes, count);
    for (size_t i = 0; i < count; i++)
        settle_write(writes[i]);
    return hr_registry_leave(registry, call, status, error);
}
