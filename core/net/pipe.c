/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker's part of a pipe: local ends, waiting, results. */
#include "net/pipe.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "net/pipe-state.h"

HrPipe *
hr_pipe_new(const char *digest, int64_t size, const char *label)
{
    HrPipe *pipe = g_new0(HrPipe, 1);

    atomic_init(&pipe->references, 1);
    pipe->digest = g_strdup(digest);
    pipe->label = g_strdup(label);
    pipe->size = size;
    pipe->ring_bytes = 1;
    while (pipe->ring_bytes < HR_PIPE_RING_BYTES &&
           (int64_t)pipe->ring_bytes < size)
        pipe->ring_bytes *= 2;
    pipe->trail = hr_trail_new(digest);
    if (pipe->trail == NULL)
        hr_error_set(&pipe->error, HR_INVALID,
                     "a digest of an unknown algorithm");
    else if (size < 0)
        hr_error_set(&pipe->error, HR_INVALID, "a size below zero");
    return pipe;
}

static void
clear_end(HrPipeEnd *end)
{
    hr_request_free(end->request);
    hr_response_clear(&end->send.response);
}

void
hr_pipe_unref(HrPipe *pipe)
{
    if (atomic_fetch_sub(&pipe->references, 1) != 1)
        return;
    clear_end(&pipe->source);
    clear_end(&pipe->target);
    hr_ring_free(pipe->ring);
    hr_trail_free(pipe->trail);
    g_free(pipe->upload.location);
    g_free(pipe->upload.url);
    g_clear_error(&pipe->fault);
    g_clear_error(&pipe->error);
    g_clear_error(&pipe->local_error);
    hr_notes_clear(&pipe->notes);
    g_free(pipe->redirect_url);
    g_free(pipe->redirect_host);
    g_free(pipe->digest);
    g_free(pipe->label);
    g_free(pipe);
}

void
hr_pipe_free(HrPipe *pipe)
{
    if (pipe != NULL)
        hr_pipe_unref(pipe);
}

/* Takes `request`, or, if it is NULL, the error. */
static void
take_request(HrPipe *pipe, HrPipeEnd *end, HrRequest *request, GError *error)
{
    end->request = request;
    if (end->request == NULL) {
        if (pipe->error == NULL) {
            pipe->error = error;
            pipe->source_failed = end == &pipe->source;
        } else {
            g_error_free(error);
        }
        return;
    }
    end->pipe = pipe;
    hr_send_init(&end->send, end->request, true);
}

static void
set_request(HrPipe *pipe, HrPipeEnd *end, HrEndpoint *endpoint,
            const hr_http_request *request)
{
    GError *error = NULL;
    HrRequest *copy = hr_request_new(endpoint, request, false, &error);

    take_request(pipe, end, copy, error);
}

void
hr_pipe_source_request(HrPipe *pipe, HrEndpoint *endpoint,
                       const hr_http_request *request)
{
    set_request(pipe, &pipe->source, endpoint, request);
}

void
hr_pipe_source_address(HrPipe *pipe, HrEndpoint *endpoint, const char *url)
{
    GError *error = NULL;
    HrRequest *request = hr_request_new_stranger(endpoint, url, &error);

    take_request(pipe, &pipe->source, request, error);
}

void
hr_pipe_source_read(HrPipe *pipe, HrPipeRead read, void *data)
{
    pipe->read = read;
    pipe->read_data = data;
}

void
hr_pipe_target_request(HrPipe *pipe, HrEndpoint *endpoint,
                       const hr_http_request *request)
{
    set_request(pipe, &pipe->target, endpoint, request);
}

void
hr_pipe_target_write(HrPipe *pipe, HrPipeWrite write, void *data)
{
    pipe->write = write;
    pipe->write_data = data;
}

void
hr_pipe_target_upload(HrPipe *pipe, HrEndpoint *endpoint,
                      const hr_blob_upload *upload)
{
    static const char *const headers[] = {
        "Content-Type: application/octet-stream", NULL};
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_PUT,
        .flags = HR_HTTP_SERVER_GIVEN,
        .target = upload->location,
        .base = upload->base,
        .headers = headers,
        .answers = upload->answers,
    };

    if (upload->offset > (uint64_t)MAX(pipe->size, 0)) {
        if (pipe->error == NULL)
            hr_error_set(&pipe->error, HR_INVALID,
                         "the registry has more bytes of it than there are");
        return;
    }
    set_request(pipe, &pipe->target, endpoint, &request);
    if (pipe->target.request == NULL)
        return;
    pipe->upload.used = true;
    pipe->upload.chunk_bytes = (int64_t)MIN(upload->chunk_bytes, INT64_MAX);
    pipe->upload.location = g_strdup(pipe->target.request->url);
    pipe->offset = (int64_t)upload->offset;
    atomic_store(&pipe->moved, pipe->offset);
}

void
hr_pipe_go_on(HrPipe *pipe, HrPipe *before)
{
    HrTrail *trail = pipe->trail;

    if (trail == NULL || before->trail == NULL)
        return;
    pipe->trail = before->trail;
    before->trail = trail;
}

void
hr_pipe_share(HrPipe *pipe, HrCompany company)
{
    pipe->company = company;
}

bool
hr_pipe_take(HrPipe *pipe, const void *bytes, size_t size, GError **error)
{
    if ((int64_t)size > pipe->size - pipe->received)
        return hr_error_set(error, HR_INTEGRITY,
                            "the source sends more than the %" PRId64
                            " bytes that it should have",
                            pipe->size);
    hr_trail_update(pipe->trail, bytes, size);
    pipe->received += (int64_t)size;
    return true;
}

size_t
hr_pipe_known_bytes(const HrPipe *pipe, size_t size)
{
    int64_t start = pipe->received - (int64_t)size;

    return (size_t)CLAMP(pipe->offset - start, 0, (int64_t)size);
}

bool
hr_pipe_verify(HrPipe *pipe, GError **error)
{
    char digest[HR_DIGEST_CAPACITY];

    if (pipe->received != pipe->size)
        return hr_error_set(error, HR_INTEGRITY,
                            "the source ended after %" PRId64 " of %" PRId64
                            " bytes",
                            pipe->received, pipe->size);
    hr_trail_finish(pipe->trail, digest);
    if (strcmp(digest, pipe->digest) != 0)
        return hr_error_set(error, HR_INTEGRITY,
                            "the bytes do not match: expected %s, got %s",
                            pipe->digest, digest);
    atomic_store(&pipe->verified, true);
    return true;
}

size_t
hr_pipe_available(const HrPipe *pipe)
{
    /* First the flag: bytes that come in between count as held. */
    bool verified = atomic_load(&pipe->verified);
    size_t used = hr_ring_used(pipe->ring);

    if (verified)
        return used;
    return used > HR_PIPE_HELD_BYTES ? used - HR_PIPE_HELD_BYTES : 0;
}

void
hr_pipe_count_moved(HrPipe *pipe, size_t size)
{
    HrProgress *progress = hr_call_progress(pipe->call);

    atomic_fetch_add(&pipe->moved, (int_fast64_t)size);
    if (progress != NULL)
        atomic_fetch_add(&progress->bytes, size);
}

size_t
hr_pipe_batch_bytes(const HrPipe *pipe)
{
    return MIN(HR_PIPE_CHUNK_BYTES, pipe->ring_bytes / 4);
}

/* ------------------------------------------------------- before the run */

static void
check_ends(HrPipe *pipe)
{
    const HrRequest *source = pipe->source.request;
    const HrRequest *target = pipe->target.request;

    if (pipe->error != NULL)
        return;
    if ((source == NULL) == (pipe->read == NULL) ||
        (target == NULL) == (pipe->write == NULL))
        hr_error_set(&pipe->error, HR_BUG, "a pipe without its two ends");
    else if (source != NULL && source->method != HR_HTTP_GET)
        hr_error_set(&pipe->error, HR_BUG, "a blob is read with GET only");
    else if (target != NULL && target->method < HR_HTTP_POST)
        hr_error_set(&pipe->error, HR_BUG, "a blob is not sent with GET");
    else if (source != NULL && target != NULL &&
             source->endpoint->loop != target->endpoint->loop)
        hr_error_set(&pipe->error, HR_BUG,
                     "the endpoints of a copy are on different loops");
}

/* Where reading starts: as far on as the digest can be taken up.  A local end
 * has to be read from its start, which costs no network. */
static void
find_start(HrPipe *pipe)
{
    int64_t from = pipe->read != NULL ? 0 : MIN(pipe->offset, pipe->size - 1);

    pipe->received = hr_trail_rewind(pipe->trail, MAX(from, 0));
}

static void
take_endpoint(HrPipe *pipe, HrPipeEnd *end, HrCall *call)
{
    if (end->request == NULL)
        return;
    hr_request_set_id(end->request, hr_call_correlation(call));
    end->send.attempt.progress = hr_call_progress(call);
    pipe->loop = end->request->endpoint->loop;
}

static void
start(HrPipe *pipe, HrCall *call)
{
    pipe->call = call;
    check_ends(pipe);
    if (pipe->error != NULL) {
        pipe->finished = true;
        return;
    }
    find_start(pipe);
    take_endpoint(pipe, &pipe->source, call);
    take_endpoint(pipe, &pipe->target, call);
    if (pipe->loop != NULL)
        hr_loop_post(pipe->loop, &pipe->begin, hr_pipe_begin_cb, pipe);
}

/* ------------------------------------------------------ while it runs */

/* Ends a pipe whose loop part, if any, is over. */
static void
finish(HrPipe *pipe)
{
    pipe->finished = true;
    if (pipe->error == NULL && pipe->local_error != NULL) {
        pipe->error = g_steal_pointer(&pipe->local_error);
        pipe->source_failed = pipe->local_source_failed;
    }
    g_clear_pointer(&pipe->ring, hr_ring_free);
    hr_notes_write(&pipe->notes, hr_call_correlation(pipe->call));
}

/* Takes the pipe from the loop, whatever it is doing. */
static void
stop(HrPipe *pipe)
{
    if (pipe->loop != NULL && !hr_call_raised(pipe->call, &pipe->done)) {
        atomic_fetch_add(&pipe->references, 1);
        hr_loop_post(pipe->loop, &pipe->stop, hr_pipe_stop_cb, pipe);
        hr_call_await_raised(pipe->call, &pipe->done);
    }
    finish(pipe);
}

static void
wake_loop(HrPipe *pipe)
{
    if (atomic_exchange(&pipe->loop_wants, false))
        hr_pipe_kick(pipe);
}

/* Ends the pipe for an error of a local end. */
static void
fail(HrPipe *pipe, bool source)
{
    pipe->local_source_failed = source;
    stop(pipe);
}

/* Reads once.  True if there was something to do. */
static bool
serve_reader(HrPipe *pipe)
{
    char spare;
    void *space = &spare;
    size_t room = 1;
    size_t size = 0;

    if (!atomic_load(&pipe->admitted) || pipe->read_over)
        return false;
    /* At the end the ring may be full, and there is nothing to come. */
    if (pipe->received < pipe->size)
        space = hr_ring_space(pipe->ring, &room);
    if (room == 0)
        return false;
    if (!pipe->read(pipe->read_data, pipe->call, space,
                    MIN(room, HR_PIPE_CHUNK_BYTES), &size,
                    &pipe->local_error) ||
        !hr_pipe_take(pipe, space, size, &pipe->local_error)) {
        fail(pipe, true);
        return true;
    }
    if (size > 0) {
        size_t known = hr_pipe_known_bytes(pipe, size);

        if (known > 0)
            memmove(space, (char *)space + known, size - known);
        hr_ring_produced(pipe->ring, size - known);
        if (hr_pipe_available(pipe) > 0)
            wake_loop(pipe);
        return true;
    }
    pipe->read_over = true;
    if (!hr_pipe_verify(pipe, &pipe->local_error)) {
        fail(pipe, true);
        return true;
    }
    hr_pipe_kick(pipe);
    return true;
}

/* Writes once.  True if there was something to do. */
static bool
serve_writer(HrPipe *pipe)
{
    const void *bytes;
    size_t available;
    size_t size;

    if (!atomic_load(&pipe->admitted))
        return false;
    available = hr_pipe_available(pipe);
    if (available == 0)
        return false;
    bytes = hr_ring_bytes(pipe->ring, &size);
    size = MIN(MIN(size, available), HR_PIPE_CHUNK_BYTES);
    if (!pipe->write(pipe->write_data, pipe->call, bytes, size,
                     &pipe->local_error)) {
        fail(pipe, false);
        return true;
    }
    hr_ring_consumed(pipe->ring, size);
    hr_pipe_count_moved(pipe, size);
    if (hr_ring_free_space(pipe->ring) >= pipe->ring_bytes / 2)
        wake_loop(pipe);
    return true;
}

/* One step of a pipe with one local end. */
static bool
serve(HrPipe *pipe)
{
    bool over = hr_call_raised(pipe->call, &pipe->done);

    if (over && (pipe->error != NULL || pipe->write == NULL ||
                 (int64_t)atomic_load(&pipe->moved) == pipe->size)) {
        finish(pipe);
        return true;
    }
    /* Said before looking: what comes after the look wakes. */
    atomic_exchange(&pipe->worker_wants, true);
    return pipe->read != NULL ? serve_reader(pipe) : serve_writer(pipe);
}

/* Both ends are local: bytes go through one buffer, and the last of them
 * wait in it for the end of the source. */
static bool
move_chunk(HrPipe *pipe, char *buffer)
{
    GError **error = &pipe->local_error;
    char spare;
    size_t size = 0;

    pipe->local_source_failed = true;
    if (pipe->received < pipe->size &&
        (!pipe->read(pipe->read_data, pipe->call, buffer, HR_PIPE_CHUNK_BYTES,
                     &size, error) ||
         !hr_pipe_take(pipe, buffer, size, error)))
        return false;
    if (size == 0 || pipe->received == pipe->size) {
        size_t more = 0;

        /* The end must be the end. */
        if ((size > 0 || pipe->size == 0) &&
            !pipe->read(pipe->read_data, pipe->call, &spare, 1, &more, error))
            return false;
        if (!hr_pipe_take(pipe, &spare, more, error) ||
            !hr_pipe_verify(pipe, error))
            return false;
    }
    pipe->local_source_failed = false;
    if (size > 0 &&
        !pipe->write(pipe->write_data, pipe->call, buffer, size, error))
        return false;
    hr_pipe_count_moved(pipe, size);
    return true;
}

static void
run_local(HrPipe *pipe)
{
    g_autofree char *buffer = g_malloc(HR_PIPE_CHUNK_BYTES);

    while (!atomic_load(&pipe->verified) && !hr_call_over(pipe->call))
        if (!move_chunk(pipe, buffer))
            break;
    if (pipe->local_error == NULL && !atomic_load(&pipe->verified))
        hr_call_set_over_error(pipe->call, &pipe->local_error);
    finish(pipe);
}

static bool
has_local_end(const HrPipe *pipe)
{
    return pipe->read != NULL || pipe->write != NULL;
}

static void
stop_all(HrPipe *const *pipes, size_t count, HrCall *call)
{
    for (size_t i = 0; i < count; i++) {
        if (pipes[i]->finished)
            continue;
        if (pipes[i]->local_error == NULL)
            hr_call_set_over_error(call, &pipes[i]->local_error);
        stop(pipes[i]);
    }
}

/* Serves all pipes with one local end until they are through; false if the
 * call was over before. */
static bool
serve_all(HrPipe *const *pipes, size_t count, HrCall *call)
{
    bool left = true;

    while (left) {
        uint64_t ticket = hr_call_ticket(call);
        bool moved = false;

        if (hr_call_over(call))
            return false;
        left = false;
        for (size_t i = 0; i < count; i++) {
            HrPipe *pipe = pipes[i];

            if (pipe->finished || !has_local_end(pipe))
                continue;
            moved = serve(pipe) || moved;
            left = left || !pipe->finished;
        }
        if (left && !moved)
            hr_call_wait(call, ticket, HR_TIME_NEVER);
    }
    return true;
}

/* The rest needs no worker until it is done: one wake-up each at most. */
static bool
await_all(HrPipe *const *pipes, size_t count, HrCall *call)
{
    for (size_t i = 0; i < count; i++) {
        if (pipes[i]->finished)
            continue;
        if (!hr_call_wait_raised(call, &pipes[i]->done))
            return false;
        finish(pipes[i]);
    }
    return true;
}

void
hr_pipe_run(HrPipe *const *pipes, size_t count, HrCall *call)
{
    for (size_t i = 0; i < count; i++)
        start(pipes[i], call);
    for (size_t i = 0; i < count; i++)
        if (!pipes[i]->finished && pipes[i]->loop == NULL)
            run_local(pipes[i]);
    if (!serve_all(pipes, count, call) || !await_all(pipes, count, call))
        stop_all(pipes, count, call);
}

/* -------------------------------------------------------- after the run */

bool
hr_pipe_result(const HrPipe *pipe, GError **error)
{
    g_autoptr(GError) copy = NULL;

    if (!pipe->finished)
        return hr_error_set(error, HR_BUG, "%s: was not run", pipe->label);
    if (pipe->error == NULL)
        return true;
    copy = g_error_copy(pipe->error);
    g_prefix_error(&copy, "%s: ", pipe->label);
    g_propagate_error(error, g_steal_pointer(&copy));
    return false;
}

bool
hr_pipe_source_failed(const HrPipe *pipe)
{
    return pipe->source_failed;
}

int64_t
hr_pipe_moved_bytes(const HrPipe *pipe)
{
    return (int64_t)atomic_load(&pipe->moved) - pipe->offset;
}

void
hr_pipe_ending(const HrPipe *pipe, HrPipeEnding *ending)
{
    const HrResponse *response = &pipe->target.send.response;

    *ending = (HrPipeEnding){
        .status = hr_error_status(pipe->error),
        .http_status = response->headers_end ? response->status : 0,
        .sent = (int64_t)atomic_load(&pipe->moved),
        .location = pipe->upload.location,
    };
}
