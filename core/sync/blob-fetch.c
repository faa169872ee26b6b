/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blob fetch: reads a small blob into memory. */
#include "sync/blob-fetch.h"

#include <inttypes.h>

#include "base/error.h"

static bool
collect(void *data, HrCall *call, const void *bytes, size_t size,
        GError **error)
{
    (void)call;
    (void)error;
    g_byte_array_append(data, bytes, (guint)size);
    return true;
}

static bool
attempt(HrRegistry *registry, const char *repository, const HrDescriptor *blob,
        GByteArray *bytes, HrCall *call, GError **error)
{
    g_autoptr(HrBlobReading) reading = hr_blob_reading_new(
        registry, repository, blob->digest, blob->size, call, error);
    HrPipe *pipe;

    if (reading == NULL)
        return false;
    g_byte_array_set_size(bytes, 0);
    pipe = hr_blob_reading_pipe(reading);
    hr_pipe_target_write(pipe, collect, bytes);
    hr_pipe_run(&pipe, 1, call);
    return hr_pipe_result(pipe, error);
}

GBytes *
hr_blob_fetch(HrRegistry *registry, const char *repository,
              const HrDescriptor *blob, int64_t limit_bytes, HrCall *call,
              GError **error)
{
    GByteArray *bytes;
    HrRetryState retry = {0};
    GError *failure = NULL;
    int64_t at;

    if (blob->size > limit_bytes) {
        hr_error_set(error, HR_INVALID,
                     "blob %s: it is larger than %" PRId64 " bytes",
                     blob->digest, limit_bytes);
        return NULL;
    }
    bytes = g_byte_array_new();
    while (!attempt(registry, repository, blob, bytes, call, &failure)) {
        if (!hr_endpoint_repeat_blob(hr_registry_endpoint(registry), &retry,
                                     failure, bytes->len, call, &at) ||
            !hr_call_sleep_until(call, at)) {
            g_byte_array_unref(bytes);
            g_propagate_error(error, failure);
            return NULL;
        }
        g_clear_error(&failure);
    }
    return g_byte_array_free_to_bytes(bytes);
}
