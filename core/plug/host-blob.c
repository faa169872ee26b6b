/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host service blob: what a plugin says about the ends of a blob's way. */
#include "plug/ends.h"
#include "plug/module.h"

static hr_status
source_request(hr_module *module, hr_blob_source *source,
               hr_endpoint *endpoint, const hr_http_request *request)
{
    if (source == NULL || endpoint == NULL || request == NULL ||
        request->struct_size < HR_REQUEST_SIZE_MIN ||
        request->target == NULL || request->method != HR_HTTP_GET ||
        source->described)
        return hr_host_misused(module, "blob.source_request twice, or without "
                                       "source, endpoint or GET request");
    source->described = true;
    hr_pipe_source_request(source->pipe, endpoint, request);
    return HR_OK;
}

static hr_status
source_reader(hr_module *module, hr_blob_source *source,
              hr_blob_reader *reader)
{
    if (source == NULL || reader == NULL || source->described)
        return hr_host_misused(module, "blob.source_reader twice, or without "
                                       "source or reader");
    source->described = true;
    source->reader = reader;
    hr_pipe_source_read(source->pipe, hr_blob_source_read, source);
    return HR_OK;
}

static hr_status
target_request(hr_module *module, hr_blob_target *target,
               hr_endpoint *endpoint, const hr_http_request *request,
               hr_blob_writer *session)
{
    if (target == NULL || endpoint == NULL || request == NULL ||
        request->struct_size < HR_REQUEST_SIZE_MIN ||
        request->target == NULL || request->method < HR_HTTP_POST ||
        request->method > HR_HTTP_PATCH || target->described)
        return hr_host_misused(module, "blob.target_request twice, or without "
                                       "target, endpoint or PUT request");
    target->described = true;
    target->writer = session;
    target->kind = HR_TRANSFER_COPIED;
    hr_pipe_target_request(target->pipe, endpoint, request);
    return HR_OK;
}

static hr_status
target_writer(hr_module *module, hr_blob_target *target,
              hr_blob_writer *writer)
{
    if (target == NULL || writer == NULL || target->described)
        return hr_host_misused(module, "blob.target_writer twice, or without "
                                       "target or writer");
    target->described = true;
    target->writer = writer;
    target->local = true;
    target->kind = HR_TRANSFER_COPIED;
    hr_pipe_target_write(target->pipe, hr_blob_target_write, target);
    return HR_OK;
}

static hr_status
target_upload(hr_module *module, hr_blob_target *target, hr_endpoint *endpoint,
              const hr_blob_upload *upload, hr_blob_writer *session)
{
    if (target == NULL || endpoint == NULL || upload == NULL ||
        !HR_HAS(upload, hr_blob_upload, answers) || upload->location == NULL ||
        session == NULL || (upload->offset > 0 && upload->chunk_bytes == 0) ||
        target->described)
        return hr_host_misused(module, "blob.target_upload twice, or without "
                                       "target, endpoint, location or "
                                       "session, or with an offset and no "
                                       "chunks");
    target->described = true;
    target->writer = session;
    target->upload = true;
    target->kind = HR_TRANSFER_COPIED;
    hr_pipe_target_upload(target->pipe, endpoint, upload);
    return HR_OK;
}

static hr_status
target_present(hr_module *module, hr_blob_target *target, int32_t mounted)
{
    if (target == NULL || target->described)
        return hr_host_misused(module,
                               "blob.target_present twice, or without target");
    target->described = true;
    target->kind = mounted ? HR_TRANSFER_MOUNTED : HR_TRANSFER_PRESENT;
    return HR_OK;
}

const hr_host_blob hr_host_blob_table = {
    .struct_size = sizeof hr_host_blob_table,
    .source_request = source_request,
    .source_reader = source_reader,
    .target_request = target_request,
    .target_writer = target_writer,
    .target_present = target_present,
    .target_upload = target_upload,
};
