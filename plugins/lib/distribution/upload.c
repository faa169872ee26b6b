/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Uploads: beginning one or mounting instead, going on with one, ending it. */
#include <stdlib.h>
#include <string.h>

#include "../upload-range.h"
#include "distribution.h"

/* An upload session. */
struct hr_blob_writer {
    char *base; /* what the location is relative to; NULL: absolute */
    char *location;
    uint64_t offset;
    uint64_t chunk_bytes;
    int resumed;
    int gone; /* the registry knows nothing of it any more */
};

/* The request for one, or for a mount, on its way. */
struct hr_blob_start {
    char *address;
    hr_http_exchange *exchange;
};

/* Answers after which there may be another way. */
static const hr_http_answer answer_404 = {
    .struct_size = sizeof answer_404,
    .status = 404,
    .category = HR_NOT_FOUND,
    .eligibility = HR_RETRY_REFETCH,
};
static const hr_http_answer answer_405 = {
    .struct_size = sizeof answer_405,
    .status = 405,
    .category = HR_UNSUPPORTED,
    .eligibility = HR_RETRY_REFETCH,
};
static const hr_http_answer answer_413 = {
    .struct_size = sizeof answer_413,
    .status = 413,
    .category = HR_INVALID,
    .eligibility = HR_RETRY_REFETCH,
};
static const hr_http_answer answer_501 = {
    .struct_size = sizeof answer_501,
    .status = 501,
    .category = HR_UNSUPPORTED,
    .eligibility = HR_RETRY_REFETCH,
};
static const hr_http_answer *const answers[] = {
    &answer_404, &answer_405, &answer_413, &answer_501, NULL};

static void
free_session(hr_blob_writer *session)
{
    if (session == NULL)
        return;
    free(session->base);
    free(session->location);
    free(session);
}

static hr_blob_writer *
new_session(const char *base, const char *location)
{
    hr_blob_writer *session = calloc(1, sizeof *session);

    if (session == NULL)
        return NULL;
    session->base = strdup(base);
    session->location = strdup(location);
    if (session->base != NULL && session->location != NULL)
        return session;
    free_session(session);
    return NULL;
}

static hr_status
describe_upload(hr_registry *registry, hr_blob_writer *session,
                hr_blob_target *target)
{
    hr_blob_upload upload = {
        .struct_size = sizeof upload,
        .location = session->location,
        .base = session->base,
        .offset = session->offset,
        .chunk_bytes = session->chunk_bytes,
        .answers = answers,
    };

    return dist_host->blob->target_upload(
        dist_module, target, dist_of(registry)->endpoint, &upload, session);
}

static hr_status
read_session(hr_registry *registry, hr_call *call, const hr_blob *blob,
             const char *base, const hr_http_exchange *exchange,
             hr_blob_target *target)
{
    const char *location =
        dist_host->http->header(dist_module, exchange, "Location");
    hr_blob_writer *session;
    hr_status status;

    if (location == NULL || *location == '\0')
        return dist_fail(
            call, HR_INVALID,
            "begin upload of blob %s to %s: the registry names no "
            "place for it (no Location)",
            blob->digest, blob->repository);
    session = new_session(base, location);
    if (session == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    session->chunk_bytes =
        dist_habits_chunk(&dist_of(registry)->habits, blob->size);
    status = describe_upload(registry, session, target);
    if (status != HR_OK)
        free_session(session);
    return status;
}

static hr_status
read_start(hr_registry *registry, hr_call *call, const hr_blob *blob,
           const char *base, const hr_http_exchange *exchange,
           hr_blob_target *target)
{
    /* 201 answers a mount that worked; 202 is an upload session, also after a
     * mount that did not. */
    switch (dist_host->http->status(dist_module, exchange)) {
    case 201:
        return dist_host->blob->target_present(dist_module, target, 1);
    case 202:
        return read_session(registry, call, blob, base, exchange, target);
    default:
        return dist_refused(call, exchange, "begin upload of blob %s to %s",
                            blob->digest, blob->repository);
    }
}

static void
free_start(hr_blob_start *start)
{
    dist_host->http->free(dist_module, start->exchange);
    free(start->address);
    free(start);
}

static hr_status
send_start(hr_registry *registry, hr_call *call, hr_blob_start *start)
{
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_POST,
        /* A session begun twice leaves an empty one, which registries clean
         * up. */
        .flags = HR_HTTP_IDEMPOTENT,
        .target = start->address,
    };

    return dist_host->http->send(dist_module, dist_of(registry)->endpoint,
                                 call, &request, &start->exchange);
}

static hr_status
explain_start(hr_call *call, hr_status status, const hr_blob *blob)
{
    return dist_explain(call, status, "begin upload of blob %s to %s",
                        blob->digest, blob->repository);
}

hr_status
dist_begin_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                const char *mount_from, hr_blob_start **start)
{
    hr_blob_start *begun = calloc(1, sizeof *begun);
    hr_status status;

    if (begun == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    begun->address =
        mount_from != NULL
            ? dist_format("/v2/%s/blobs/uploads/?mount=%s&from=%s",
                          blob->repository, blob->digest, mount_from)
            : dist_format("/v2/%s/blobs/uploads/", blob->repository);
    status = begun->address != NULL
                 ? send_start(registry, call, begun)
                 : dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    if (status != HR_OK) {
        free_start(begun);
        return explain_start(call, status, blob);
    }
    *start = begun;
    return HR_OK;
}

hr_status
dist_create_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                 const char *mount_from, hr_blob_target *target)
{
    hr_blob_start *start = HR_HAS(blob, hr_blob, start) ? blob->start : NULL;
    hr_status status = HR_OK;

    if (start == NULL)
        status = dist_begin_blob(registry, call, blob, mount_from, &start);
    if (status != HR_OK)
        return status;
    status = dist_host->http->wait(dist_module, start->exchange);
    if (status == HR_OK)
        status = read_start(registry, call, blob, start->address,
                            start->exchange, target);
    else
        status = explain_start(call, status, blob);
    free_start(start);
    return status;
}

/* ------------------------------------------------------------- going on */

static hr_status
begin_anew(hr_call *call, const hr_blob *blob)
{
    return dist_fail(call, HR_NOT_FOUND,
                     "nothing of the upload of blob %s to %s is left",
                     blob->digest, blob->repository);
}

/* Such a location needs to be seen from where it was given. */
static int
is_relative(const char *location)
{
    return *location != '/' && strncmp(location, "http://", 7) != 0 &&
           strncmp(location, "https://", 8) != 0;
}

/* Where the session is now, as an answer to the last address told.  Otherwise
 * the base stays what it was: a path of the repository, by which the host knows
 * what to ask tokens for, whatever addresses of sessions look like. */
static hr_status
move_session(hr_call *call, hr_blob_writer *session, const char *location)
{
    char *copy;

    if (location == NULL || *location == '\0')
        return HR_OK;
    copy = strdup(location);
    if (copy == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    if (is_relative(location)) {
        free(session->base);
        session->base = session->location;
    } else {
        free(session->location);
    }
    session->location = copy;
    return HR_OK;
}

/* 204 says how much is there; registries say 200 and 202 as well. */
static hr_status
read_state(hr_call *call, const hr_blob *blob, hr_blob_writer *session,
           const hr_http_exchange *exchange)
{
    uint32_t code = dist_host->http->status(dist_module, exchange);

    if (code >= 400 && code < 500 && code != 429) {
        session->gone = 1;
        return HR_OK;
    }
    if (code != 200 && code != 202 && code != 204)
        return dist_refused(call, exchange, "ask for the upload of blob %s",
                            blob->digest);
    session->offset = hr_lib_upload_range(
        dist_host->http->header(dist_module, exchange, "Range"));
    if (session->offset > blob->size)
        session->gone = 1;
    return move_session(
        call, session,
        dist_host->http->header(dist_module, exchange, "Location"));
}

static hr_status
ask_state(hr_registry *registry, hr_call *call, const hr_blob *blob,
          hr_blob_writer *session)
{
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_GET,
        .flags = HR_HTTP_SERVER_GIVEN,
        .target = session->location,
        .base = session->base,
    };
    hr_http_exchange *exchange = NULL;
    hr_status status = dist_ask(registry, call, &request, &exchange);

    if (status != HR_OK)
        return dist_explain(call, status, "ask for the upload of blob %s",
                            blob->digest);
    status = read_state(call, blob, session, exchange);
    dist_host->http->free(dist_module, exchange);
    return status;
}

/* There is nothing to be learnt by trying again. */
static hr_status
refuse_size(hr_registry *registry, hr_call *call, const hr_blob *blob,
            uint64_t body_bytes)
{
    return dist_fail(
        call, HR_INVALID,
        "upload of blob %s to %s: HTTP 413: %llu bytes at once are "
        "too large for the registry, or for a proxy before it: %s",
        blob->digest, blob->repository, (unsigned long long)body_bytes,
        dist_of(registry)->habits.upload == DIST_UPLOAD_SINGLE
            ? "upload = \"auto\" would send smaller parts"
            : "smaller parts are not to be had");
}

/* Of an upload of which all was sent, the answer may be all that was lost. */
static int
is_stored(hr_registry *registry, hr_call *call, const hr_blob *blob)
{
    hr_blob_query query = {
        .struct_size = sizeof query,
        .repository = blob->repository,
        .digest = blob->digest,
        .size = blob->size,
    };
    hr_blob_query *const queries[] = {&query};

    return dist_stat_blobs(registry, call, queries, 1) == HR_OK &&
           query.status == HR_OK;
}

hr_status
dist_resume_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                 hr_blob_writer *session, const hr_blob_break *how,
                 hr_blob_target *target)
{
    dist_upload_trial trial = {
        .size = blob->size,
        .chunk_bytes = session->chunk_bytes,
        .sent_bytes = how->sent_bytes - session->offset,
        .http_status = how->http_status,
        .spoilt = how->status == HR_INTEGRITY && how->http_status >= 400,
        .resumed = session->resumed,
    };
    hr_status status;

    if (!dist_habits_learn_break(&dist_of(registry)->habits, &trial))
        return dist_habits_is_too_large(&dist_of(registry)->habits, &trial)
                   ? refuse_size(registry, call, blob,
                                 trial.chunk_bytes > 0 ? trial.chunk_bytes
                                                       : trial.size)
                   : begin_anew(call, blob);
    status = move_session(call, session, how->location);
    if (status == HR_OK)
        status = ask_state(registry, call, blob, session);
    if (status != HR_OK)
        return status;
    if (session->gone && how->sent_bytes == blob->size &&
        is_stored(registry, call, blob))
        return dist_host->blob->target_present(dist_module, target, 0);
    if (!dist_habits_learn_kept(&dist_of(registry)->habits, &trial,
                                session->gone ? 0 : session->offset,
                                session->gone))
        return begin_anew(call, blob);
    session->resumed = 1;
    /* The rest in one PATCH, unless it would be too large. */
    session->chunk_bytes =
        dist_habits_chunk(&dist_of(registry)->habits, blob->size);
    if (session->chunk_bytes == 0)
        session->chunk_bytes = blob->size;
    return describe_upload(registry, session, target);
}

/* --------------------------------------------------------------- ending */

hr_status
dist_commit_blob(hr_registry *registry, hr_call *call, hr_blob_writer *session)
{
    (void)registry;
    (void)call;
    free_session(session);
    return HR_OK;
}

void
dist_abort_blob(hr_registry *registry, hr_call *call, hr_blob_writer *session)
{
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_DELETE,
        .flags = HR_HTTP_SERVER_GIVEN,
        .target = session->location,
        .base = session->base,
    };
    hr_http_exchange *exchange = NULL;

    /* A kindness to the registry: it would find out by itself. */
    if (!session->gone && !dist_host->call->cancelled(dist_module, call) &&
        dist_ask(registry, call, &request, &exchange) == HR_OK)
        dist_host->http->free(dist_module, exchange);
    dist_host->call->forgive(dist_module, call);
    free_session(session);
}
