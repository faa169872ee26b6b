/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Habits: how a registry wants blobs. */
#include "habits.h"

/* No registry wants its chunks smaller (ECR wants them no smaller than 5 MiB,
 * ACR takes some 20 MB). */
#define CHUNK_BYTES_MIN (UINT64_C(1024) * 1024)

/* Less than this is sent again sooner than asked about. */
#define RESUME_BYTES_MIN (UINT64_C(1024) * 1024)

static int
may_chunk(const dist_habits *habits)
{
    return atomic_load(&habits->patch) != DIST_NO &&
           atomic_load(&habits->patches) != DIST_NO;
}

uint64_t
dist_habits_chunk(const dist_habits *habits, uint64_t size)
{
    uint64_t chunk = atomic_load(&habits->chunk_bytes);
    uint64_t limit = atomic_load(&habits->single_limit);

    if (habits->upload == DIST_UPLOAD_SINGLE || !may_chunk(habits) ||
        size <= chunk)
        return 0;
    if (habits->upload == DIST_UPLOAD_CHUNKED ||
        atomic_load(&habits->put_is_lost) == DIST_YES ||
        (limit > 0 && size >= limit))
        return chunk;
    return 0;
}

/* A body was too large: smaller ones from now on. */
static void
learn_limit(dist_habits *habits, const dist_upload_trial *trial)
{
    uint64_t body = trial->chunk_bytes > 0 ? trial->chunk_bytes : trial->size;
    uint64_t limit = atomic_load(&habits->single_limit);
    uint64_t chunk = atomic_load(&habits->chunk_bytes);

    while ((limit == 0 || body < limit) &&
           !atomic_compare_exchange_weak(&habits->single_limit, &limit, body))
        ;
    while (chunk >= body && chunk / 2 >= CHUNK_BYTES_MIN)
        if (atomic_compare_exchange_weak(&habits->chunk_bytes, &chunk,
                                         chunk / 2))
            chunk /= 2;
}

int
dist_habits_is_too_large(const dist_habits *habits,
                         const dist_upload_trial *trial)
{
    uint64_t body = trial->chunk_bytes > 0 ? trial->chunk_bytes : trial->size;
    uint64_t chunk = dist_habits_chunk(habits, trial->size);

    return trial->http_status == 413 &&
           (chunk > 0 ? chunk : trial->size) >= body;
}

/* 404 may be said of a session that is gone: but not of a new one. */
static int
refuses_patch(const dist_upload_trial *trial)
{
    if (trial->chunk_bytes == 0)
        return 0;
    return trial->http_status == 405 || trial->http_status == 501 ||
           (trial->http_status == 404 && !trial->resumed &&
            trial->sent_bytes <= trial->chunk_bytes);
}

int
dist_habits_learn_break(dist_habits *habits, const dist_upload_trial *trial)
{
    if (trial->spoilt) {
        /* Parts were put together in some other way. */
        if (trial->chunk_bytes > 0)
            atomic_store(&habits->patches, DIST_NO);
        if (trial->resumed)
            atomic_store(&habits->resume, DIST_NO);
        return 0;
    }
    if (trial->http_status == 413) {
        learn_limit(habits, trial);
        return 0;
    }
    if (refuses_patch(trial)) {
        atomic_store(&habits->patch, DIST_NO);
        return 0;
    }
    return trial->size >= RESUME_BYTES_MIN &&
           atomic_load(&habits->resume) != DIST_NO &&
           atomic_load(&habits->patch) != DIST_NO;
}

/* What was refused in so many words was not lost. */
static int
was_lost(const dist_upload_trial *trial)
{
    return trial->chunk_bytes == 0 && trial->sent_bytes >= RESUME_BYTES_MIN &&
           (trial->http_status < 400 || trial->http_status >= 500);
}

int
dist_habits_learn_kept(dist_habits *habits, const dist_upload_trial *trial,
                       uint64_t kept, int gone)
{
    if (trial->chunk_bytes > 0 && !gone && trial->http_status == 404) {
        /* The session is there: then it is PATCH that is not. */
        atomic_store(&habits->patch, DIST_NO);
        return 0;
    }
    if (kept > 0) {
        atomic_store(&habits->resume, DIST_YES);
        return 1;
    }
    if (trial->chunk_bytes > 0 && gone) {
        /* A registry that has kept one may lose another, by a restart or
         * since it was left alone for too long. */
        if (atomic_load(&habits->resume) == DIST_YES)
            return 0;
        /* Chunks are of no use where nothing is kept of them either. */
        atomic_store(&habits->resume, DIST_NO);
        atomic_store(&habits->put_is_lost, DIST_NO);
    } else if (was_lost(trial)) {
        atomic_store(&habits->put_is_lost, DIST_YES);
    }
    return 0;
}
