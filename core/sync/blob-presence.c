/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blob presence: whether a registry has all of some blobs. */
#include "sync/blob-presence.h"

#include "base/error.h"

static bool
ask(HrRegistry *registry, const char *repository, const GPtrArray *blobs,
    hr_blob_query *queries, HrCall *call, GError **error)
{
    g_autofree hr_blob_query **pointers = g_new0(hr_blob_query *, blobs->len);

    for (guint i = 0; i < blobs->len; i++) {
        const HrDescriptor *blob = blobs->pdata[i];

        queries[i].struct_size = sizeof queries[i];
        queries[i].repository = repository;
        queries[i].digest = blob->digest;
        queries[i].size = (uint64_t)blob->size;
        pointers[i] = &queries[i];
    }
    return hr_registry_stat_blobs(registry, call, pointers, blobs->len, error);
}

bool
hr_blob_presence_check(HrRegistry *registry, const char *repository,
                       const GPtrArray *blobs, HrCall *call,
                       const HrDescriptor **missing, GError **error)
{
    g_autofree hr_blob_query *queries = g_new0(hr_blob_query, blobs->len);
    const hr_blob_query *failed = NULL;

    *missing = NULL;
    if (blobs->len > 0 &&
        !ask(registry, repository, blobs, queries, call, error))
        return false;
    for (guint i = 0; i < blobs->len && *missing == NULL; i++) {
        if (queries[i].status == HR_NOT_FOUND)
            *missing = blobs->pdata[i];
        else if (queries[i].status != HR_OK && failed == NULL)
            failed = &queries[i];
    }
    if (*missing != NULL || failed == NULL)
        return true;
    return hr_error_set(error, failed->status, "blob %s: %s", failed->digest,
                        failed->message[0] != '\0'
                            ? failed->message
                            : hr_status_name(failed->status));
}
