/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transfer: one blob from one registry to another; and reading one. */
#include "base/error.h"
#include "plug/ends.h"
#include "plug/registry-instance.h"

struct HrTransfer {
    char *source_repository;
    char *target_repository;
    char *digest;
    int64_t size;
    char *address;        /* of the source's bytes; NULL: the source itself */
    char *mount_from;     /* what the target was asked for; or NULL        */
    hr_blob_start *start; /* of the target, which has not answered yet     */
    HrPipe *pipe;
    hr_blob_source source;
    hr_blob_target target;
};

struct HrBlobReading {
    HrPipe *pipe;
    hr_blob_source source;
};

bool
hr_blob_source_read(void *data, HrCall *call, void *buffer, size_t capacity,
                    size_t *size, GError **error)
{
    hr_blob_source *source = data;
    HrRegistry *registry = source->registry;
    hr_status status;

    *size = 0;
    hr_registry_enter(registry, call);
    status = registry->ops->read_blob(registry->plugin, call, source->reader,
                                      buffer, capacity, size);
    if (!hr_registry_leave(registry, call, status, error))
        return false;
    return *size <= capacity ||
           hr_error_set(error, HR_BUG,
                        "%s: the plugin read more than it was "
                        "asked for",
                        hr_registry_name(registry));
}

bool
hr_blob_target_write(void *data, HrCall *call, const void *bytes, size_t size,
                     GError **error)
{
    hr_blob_target *target = data;
    HrRegistry *registry = target->registry;
    hr_status status;

    hr_registry_enter(registry, call);
    status = registry->ops->write_blob(registry->plugin, call, target->writer,
                                       bytes, size);
    return hr_registry_leave(registry, call, status, error);
}

/* Local ends need functions that ends over HTTP do without. */
static bool
has_reader_functions(const HrRegistry *registry, GError **error)
{
    const hr_registry_ops *ops = registry->ops;

    if (HR_HAS(ops, hr_registry_ops, close_blob) && ops->read_blob != NULL &&
        ops->close_blob != NULL)
        return true;
    return hr_error_set(error, HR_BUG,
                        "%s: the plugin gave a reader, but has no read_blob "
                        "and close_blob",
                        hr_registry_name(registry));
}

static bool
has_writer_functions(const HrRegistry *registry, bool local, GError **error)
{
    const hr_registry_ops *ops = registry->ops;

    if (HR_HAS(ops, hr_registry_ops, abort_blob) &&
        (!local || ops->write_blob != NULL) && ops->commit_blob != NULL &&
        ops->abort_blob != NULL)
        return true;
    return hr_error_set(error, HR_BUG,
                        "%s: the plugin gave a %s, but lacks %scommit_blob or "
                        "abort_blob",
                        hr_registry_name(registry),
                        local ? "writer" : "session",
                        local ? "write_blob, " : "");
}

static bool
open_source(hr_blob_source *source, const char *repository, const char *digest,
            int64_t size, HrCall *call, GError **error)
{
    HrRegistry *registry = source->registry;
    hr_blob blob = {
        .struct_size = sizeof blob,
        .repository = repository,
        .digest = digest,
        .size = (uint64_t)size,
    };
    hr_status status;

    hr_registry_enter(registry, call);
    status = registry->ops->open_blob(registry->plugin, call, &blob, source);
    if (!hr_registry_leave(registry, call, status, error))
        return false;
    if (!source->described)
        return hr_error_set(error, HR_BUG,
                            "%s: the plugin described no source",
                            hr_registry_name(registry));
    return source->reader == NULL || has_reader_functions(registry, error);
}

static void
close_source(hr_blob_source *source)
{
    HrRegistry *registry = source->registry;

    if (source->reader == NULL ||
        !HR_HAS(registry->ops, hr_registry_ops, close_blob) ||
        registry->ops->close_blob == NULL)
        return;
    hr_instance_enter(&registry->instance);
    registry->ops->close_blob(registry->plugin, source->reader);
    hr_instance_leave(&registry->instance);
    source->reader = NULL;
}

static hr_blob
describe_blob(const HrTransfer *transfer)
{
    return (hr_blob){
        .struct_size = sizeof(hr_blob),
        .repository = transfer->target_repository,
        .digest = transfer->digest,
        .size = (uint64_t)transfer->size,
    };
}

/* Where the plugin can ask without waiting. */
static bool
begin_target(HrTransfer *transfer, HrCall *call, GError **error)
{
    HrRegistry *registry = transfer->target.registry;
    const hr_registry_ops *ops = registry->ops;
    hr_blob blob = describe_blob(transfer);
    hr_status status;

    if (!HR_HAS(ops, hr_registry_ops, begin_blob) || ops->begin_blob == NULL)
        return true;
    hr_registry_enter(registry, call);
    status = ops->begin_blob(registry->plugin, call, &blob,
                             transfer->mount_from, &transfer->start);
    return hr_registry_leave(registry, call, status, error);
}

static bool
create_target(HrTransfer *transfer, HrCall *call, GError **error)
{
    hr_blob_target *target = &transfer->target;
    HrRegistry *registry = target->registry;
    hr_blob blob = describe_blob(transfer);
    hr_status status;

    blob.start = g_steal_pointer(&transfer->start);
    hr_registry_enter(registry, call);
    status = registry->ops->create_blob(registry->plugin, call, &blob,
                                        transfer->mount_from, target);
    if (!hr_registry_leave(registry, call, status, error))
        return false;
    if (!target->described)
        return hr_error_set(error, HR_BUG,
                            "%s: the plugin described no target",
                            hr_registry_name(registry));
    return target->writer == NULL ||
           has_writer_functions(registry, target->local, error);
}

/* Short, for sentences: a digest's first twelve digits tell enough. */
static char *
make_label(const char *digest)
{
    return g_strdup_printf("blob %.19s", digest);
}

static void
set_pipe(HrTransfer *transfer, HrPipe *pipe)
{
    transfer->pipe = pipe;
    transfer->source.pipe = pipe;
    transfer->target.pipe = pipe;
}

/* A new pipe for both ends; the old one is the caller's. */
static HrPipe *
replace_pipe(HrTransfer *transfer, const char *label)
{
    HrPipe *before = transfer->pipe;

    set_pipe(transfer, hr_pipe_new(transfer->digest, transfer->size, label));
    transfer->source.described = false;
    transfer->target.described = false;
    return before;
}

/* Who asks for what has an address: an endpoint that speaks HTTP at all. */
static HrEndpoint *
find_asker(const HrTransfer *transfer)
{
    HrEndpoint *source = transfer->source.registry->endpoint;

    return hr_endpoint_origin(source) != NULL
               ? source
               : transfer->target.registry->endpoint;
}

static bool
open_sending_end(HrTransfer *transfer, HrCall *call, bool *source_failed,
                 GError **error)
{
    bool good = transfer->target.kind != HR_TRANSFER_COPIED ||
                transfer->address != NULL ||
                open_source(&transfer->source, transfer->source_repository,
                            transfer->digest, transfer->size, call, error);

    if (transfer->target.kind == HR_TRANSFER_COPIED &&
        transfer->address != NULL)
        hr_pipe_source_address(transfer->pipe, find_asker(transfer),
                               transfer->address);
    *source_failed = !good;
    return good;
}

HrTransfer *
hr_transfer_begin(HrRegistry *source, const char *source_repository,
                  HrRegistry *target, const char *target_repository,
                  const char *digest, int64_t size, const char *mount_from,
                  const char *address, HrCall *call, GError **error)
{
    HrTransfer *transfer = g_new0(HrTransfer, 1);
    g_autofree char *label = make_label(digest);

    transfer->source_repository = g_strdup(source_repository);
    transfer->target_repository = g_strdup(target_repository);
    transfer->digest = g_strdup(digest);
    transfer->mount_from = g_strdup(mount_from);
    transfer->address = g_strdup(address);
    transfer->size = size;
    transfer->source.registry = source;
    transfer->target.registry = target;
    replace_pipe(transfer, label);
    if (begin_target(transfer, call, error))
        return transfer;
    g_prefix_error(error, "%s: ", label);
    hr_transfer_free(transfer, call);
    return NULL;
}

bool
hr_transfer_open(HrTransfer *transfer, HrCall *call, bool *source_failed,
                 GError **error)
{
    g_autofree char *label = make_label(transfer->digest);

    *source_failed = false;
    if (create_target(transfer, call, error) &&
        open_sending_end(transfer, call, source_failed, error))
        return true;
    g_prefix_error(error, "%s: ", label);
    return false;
}

const char *
hr_transfer_repository(const HrTransfer *transfer)
{
    return transfer->target_repository;
}

const char *
hr_transfer_digest(const HrTransfer *transfer)
{
    return transfer->digest;
}

HrPipe *
hr_transfer_pipe(HrTransfer *transfer)
{
    return transfer->target.kind == HR_TRANSFER_COPIED ? transfer->pipe : NULL;
}

HrTransferKind
hr_transfer_kind(const HrTransfer *transfer)
{
    return transfer->target.kind;
}

static void
abort_target(HrTransfer *transfer, HrCall *call)
{
    hr_blob_target *target = &transfer->target;
    HrRegistry *registry = target->registry;
    g_autoptr(HrCall) own = NULL;

    if (target->writer == NULL ||
        !HR_HAS(registry->ops, hr_registry_ops, abort_blob) ||
        registry->ops->abort_blob == NULL)
        return;
    /* One that is over asks nothing. */
    if (call == NULL)
        call = own = hr_call_new(NULL, 0);
    hr_instance_enter(&registry->instance);
    registry->ops->abort_blob(registry->plugin, call, target->writer);
    hr_instance_leave(&registry->instance);
    hr_call_forgive(call);
    target->writer = NULL;
}

bool
hr_transfer_finish(HrTransfer *transfer, HrCall *call, GError **error)
{
    hr_blob_target *target = &transfer->target;
    HrRegistry *registry = target->registry;
    hr_status status;

    if (target->kind != HR_TRANSFER_COPIED)
        return true;
    if (!hr_pipe_result(transfer->pipe, error)) {
        g_prefix_error(error, "%s: ",
                       hr_registry_name(hr_pipe_source_failed(transfer->pipe)
                                            ? transfer->source.registry
                                            : registry));
        return false;
    }
    if (target->writer == NULL)
        return true;
    hr_registry_enter(registry, call);
    status = registry->ops->commit_blob(registry->plugin, call,
                                        g_steal_pointer(&target->writer));
    return hr_registry_leave(registry, call, status, error);
}

/* What the source gave wrong has been sent on, too. */
static bool
is_spoilt(const HrTransfer *transfer)
{
    HrPipeEnding ending;

    hr_pipe_ending(transfer->pipe, &ending);
    return ending.status == HR_INTEGRITY &&
           hr_pipe_source_failed(transfer->pipe);
}

bool
hr_transfer_may_resume(const HrTransfer *transfer)
{
    const hr_blob_target *target = &transfer->target;
    const hr_registry_ops *ops = target->registry->ops;

    return target->upload && target->writer != NULL &&
           HR_HAS(ops, hr_registry_ops, resume_blob) &&
           ops->resume_blob != NULL && !is_spoilt(transfer);
}

static bool
resume_target(HrTransfer *transfer, const HrPipeEnding *ending, HrCall *call,
              GError **error)
{
    hr_blob_target *target = &transfer->target;
    HrRegistry *registry = target->registry;
    hr_blob blob = describe_blob(transfer);
    hr_blob_break how = {
        .struct_size = sizeof how,
        .status = ending->status,
        .sent_bytes = (uint64_t)ending->sent,
        .http_status = ending->http_status,
        .location = ending->location,
    };
    hr_status status;

    hr_registry_enter(registry, call);
    status = registry->ops->resume_blob(registry->plugin, call, &blob,
                                        target->writer, &how, target);
    if (!hr_registry_leave(registry, call, status, error))
        return false;
    return target->described ||
           hr_error_set(error, HR_BUG, "%s: the plugin described no target",
                        hr_registry_name(registry));
}

bool
hr_transfer_resume(HrTransfer *transfer, HrCall *call, bool *source_failed,
                   GError **error)
{
    g_autofree char *label = make_label(transfer->digest);
    HrPipe *before = replace_pipe(transfer, label);
    HrPipeEnding ending;
    bool good;

    close_source(&transfer->source);
    hr_pipe_ending(before, &ending);
    hr_pipe_go_on(transfer->pipe, before);
    *source_failed = false;
    good = resume_target(transfer, &ending, call, error) &&
           open_sending_end(transfer, call, source_failed, error);
    if (!good) {
        /* The next try starts from the same ending. */
        hr_pipe_go_on(before, transfer->pipe);
        hr_pipe_free(transfer->pipe);
        set_pipe(transfer, before);
        g_prefix_error(error, "%s: ", label);
        return false;
    }
    hr_pipe_free(before);
    return true;
}

void
hr_transfer_free(HrTransfer *transfer, HrCall *call)
{
    if (transfer == NULL)
        return;
    close_source(&transfer->source);
    abort_target(transfer, call);
    hr_pipe_free(transfer->pipe);
    g_free(transfer->source_repository);
    g_free(transfer->target_repository);
    g_free(transfer->digest);
    g_free(transfer->mount_from);
    g_free(transfer->address);
    g_free(transfer);
}

HrBlobReading *
hr_blob_reading_new(HrRegistry *registry, const char *repository,
                    const char *digest, int64_t size, HrCall *call,
                    GError **error)
{
    g_autoptr(HrBlobReading) reading = g_new0(HrBlobReading, 1);
    g_autofree char *label = make_label(digest);

    reading->pipe = hr_pipe_new(digest, size, label);
    reading->source.registry = registry;
    reading->source.pipe = reading->pipe;
    if (!open_source(&reading->source, repository, digest, size, call, error))
        return NULL;
    return g_steal_pointer(&reading);
}

HrPipe *
hr_blob_reading_pipe(HrBlobReading *reading)
{
    return reading->pipe;
}

void
hr_blob_reading_free(HrBlobReading *reading)
{
    if (reading == NULL)
        return;
    close_source(&reading->source);
    hr_pipe_free(reading->pipe);
    g_free(reading);
}
