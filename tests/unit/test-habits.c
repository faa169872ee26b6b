/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How registries want blobs: what is learnt from what goes wrong. */
#include <glib.h>

#include "lib/distribution/habits.h"

#define MIB (UINT64_C(1024) * 1024)
#define CHUNK (16 * MIB)
#define BLOB (100 * MIB)

static void
set_up(dist_habits *habits, int upload)
{
    *habits = (dist_habits){.upload = upload};
    atomic_init(&habits->chunk_bytes, CHUNK);
}

/* A connection that broke in the middle. */
static const dist_upload_trial broken_put = {.size = BLOB,
                                             .sent_bytes = BLOB / 2};
static const dist_upload_trial broken_patch = {
    .size = BLOB, .chunk_bytes = CHUNK, .sent_bytes = BLOB / 2};

static void
test_sends_one_put(void)
{
    dist_habits habits;

    set_up(&habits, DIST_UPLOAD_AUTO);
    g_assert_cmpuint(dist_habits_chunk(&habits, BLOB), ==, 0);
    set_up(&habits, DIST_UPLOAD_SINGLE);
    g_assert_cmpuint(dist_habits_chunk(&habits, BLOB), ==, 0);
    set_up(&habits, DIST_UPLOAD_CHUNKED);
    g_assert_cmpuint(dist_habits_chunk(&habits, BLOB), ==, CHUNK);
    g_assert_cmpuint(dist_habits_chunk(&habits, CHUNK), ==, 0);
}

static void
test_asks_what_is_there(void)
{
    dist_habits habits;
    dist_upload_trial small = broken_put;

    set_up(&habits, DIST_UPLOAD_AUTO);
    g_assert_true(dist_habits_learn_break(&habits, &broken_put));
    g_assert_true(
        dist_habits_learn_kept(&habits, &broken_put, BLOB / 3, FALSE));
    g_assert_cmpint(atomic_load(&habits.resume), ==, DIST_YES);
    g_assert_cmpuint(dist_habits_chunk(&habits, BLOB), ==, 0);
    small.size = 1000;
    g_assert_false(dist_habits_learn_break(&habits, &small));
}

static void
test_splits_what_is_too_large(void)
{
    dist_habits habits;
    dist_upload_trial trial = {.size = 40 * MIB, .http_status = 413};

    set_up(&habits, DIST_UPLOAD_AUTO);
    g_assert_false(dist_habits_learn_break(&habits, &trial));
    g_assert_cmpuint(dist_habits_chunk(&habits, 40 * MIB), ==, CHUNK);
    g_assert_cmpuint(dist_habits_chunk(&habits, 39 * MIB), ==, 0);
    /* At once to what is smaller than that. */
    set_up(&habits, DIST_UPLOAD_AUTO);
    trial.size = 3 * MIB;
    g_assert_false(dist_habits_learn_break(&habits, &trial));
    g_assert_false(dist_habits_is_too_large(&habits, &trial));
    g_assert_cmpuint(dist_habits_chunk(&habits, 3 * MIB), ==, 2 * MIB);
    /* Smaller and smaller, to an end. */
    set_up(&habits, DIST_UPLOAD_AUTO);
    trial.size = 40 * MIB;
    for (uint64_t chunk = CHUNK; chunk > MIB; chunk /= 2) {
        trial.chunk_bytes = chunk;
        g_assert_false(dist_habits_learn_break(&habits, &trial));
        g_assert_false(dist_habits_is_too_large(&habits, &trial));
        g_assert_cmpuint(dist_habits_chunk(&habits, 40 * MIB), ==, chunk / 2);
    }
    trial.chunk_bytes = MIB;
    g_assert_false(dist_habits_learn_break(&habits, &trial));
    g_assert_true(dist_habits_is_too_large(&habits, &trial));
    g_assert_cmpuint(dist_habits_chunk(&habits, 40 * MIB), ==, MIB);
}

static void
test_splits_where_a_put_is_lost(void)
{
    dist_habits habits;
    dist_upload_trial brief = broken_put;

    set_up(&habits, DIST_UPLOAD_AUTO);
    /* So little may never have arrived. */
    brief.sent_bytes = 1000;
    g_assert_false(dist_habits_learn_kept(&habits, &brief, 0, FALSE));
    g_assert_cmpuint(dist_habits_chunk(&habits, BLOB), ==, 0);
    g_assert_false(dist_habits_learn_kept(&habits, &broken_put, 0, FALSE));
    g_assert_cmpuint(dist_habits_chunk(&habits, BLOB), ==, CHUNK);
}

/* What a server answers it has not lost. */
static void
test_takes_no_refusal_for_a_loss(void)
{
    dist_habits habits;
    dist_upload_trial refused = broken_put;

    set_up(&habits, DIST_UPLOAD_AUTO);
    refused.http_status = 401;
    g_assert_false(dist_habits_learn_kept(&habits, &refused, 0, FALSE));
    refused.http_status = 404;
    g_assert_false(dist_habits_learn_kept(&habits, &refused, 0, TRUE));
    g_assert_cmpuint(dist_habits_chunk(&habits, BLOB), ==, 0);
    refused.http_status = 504;
    g_assert_false(dist_habits_learn_kept(&habits, &refused, 0, FALSE));
    g_assert_cmpuint(dist_habits_chunk(&habits, BLOB), ==, CHUNK);
}

/* One that expired says nothing of what it keeps. */
static void
test_knows_that_it_can_from_one_that_it_kept(void)
{
    dist_habits habits;

    set_up(&habits, DIST_UPLOAD_CHUNKED);
    g_assert_true(dist_habits_learn_kept(&habits, &broken_patch, MIB, FALSE));
    g_assert_false(dist_habits_learn_kept(&habits, &broken_patch, 0, TRUE));
    g_assert_true(dist_habits_learn_break(&habits, &broken_patch));
}

static void
test_gives_up_where_nothing_is_kept(void)
{
    dist_habits habits;

    set_up(&habits, DIST_UPLOAD_AUTO);
    g_assert_true(dist_habits_learn_break(&habits, &broken_put));
    g_assert_false(dist_habits_learn_kept(&habits, &broken_put, 0, TRUE));
    g_assert_cmpuint(dist_habits_chunk(&habits, BLOB), ==, CHUNK);
    g_assert_true(dist_habits_learn_break(&habits, &broken_patch));
    g_assert_false(dist_habits_learn_kept(&habits, &broken_patch, 0, TRUE));
    /* From now on: one PUT, and no questions. */
    g_assert_cmpuint(dist_habits_chunk(&habits, BLOB), ==, 0);
    g_assert_false(dist_habits_learn_break(&habits, &broken_put));
}

static void
test_needs_no_patch(void)
{
    static const uint32_t refusals[] = {404, 405, 501};
    dist_habits habits;

    for (unsigned i = 0; i < G_N_ELEMENTS(refusals); i++) {
        dist_upload_trial trial = {.size = BLOB,
                                   .chunk_bytes = CHUNK,
                                   .sent_bytes = 1000,
                                   .http_status = refusals[i]};

        set_up(&habits, DIST_UPLOAD_CHUNKED);
        g_assert_false(dist_habits_learn_break(&habits, &trial));
        g_assert_cmpuint(dist_habits_chunk(&habits, BLOB), ==, 0);
        g_assert_false(dist_habits_learn_break(&habits, &broken_put));
    }
}

static void
test_tells_a_lost_session_from_no_patch(void)
{
    dist_habits habits;
    dist_upload_trial late = broken_patch;

    set_up(&habits, DIST_UPLOAD_CHUNKED);
    late.http_status = 404;
    g_assert_true(dist_habits_learn_break(&habits, &late));
    g_assert_cmpint(atomic_load(&habits.patch), ==, DIST_UNKNOWN);
    /* If the session is there, it was PATCH that was not found. */
    g_assert_false(dist_habits_learn_kept(&habits, &late, MIB, FALSE));
    g_assert_cmpint(atomic_load(&habits.patch), ==, DIST_NO);
}

static void
test_distrusts_what_spoils_blobs(void)
{
    dist_habits habits;
    dist_upload_trial trial = {.size = BLOB,
                               .chunk_bytes = BLOB,
                               .http_status = 400,
                               .spoilt = TRUE,
                               .resumed = TRUE};

    set_up(&habits, DIST_UPLOAD_CHUNKED);
    g_assert_false(dist_habits_learn_break(&habits, &trial));
    g_assert_cmpuint(dist_habits_chunk(&habits, BLOB), ==, 0);
    g_assert_false(dist_habits_learn_break(&habits, &broken_put));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/habits/sends-one-put", test_sends_one_put);
    g_test_add_func("/habits/asks-what-is-there", test_asks_what_is_there);
    g_test_add_func("/habits/splits-what-is-too-large",
                    test_splits_what_is_too_large);
    g_test_add_func("/habits/splits-where-a-put-is-lost",
                    test_splits_where_a_put_is_lost);
    g_test_add_func("/habits/takes-no-refusal-for-a-loss",
                    test_takes_no_refusal_for_a_loss);
    g_test_add_func("/habits/knows-that-it-can-from-one-that-it-kept",
                    test_knows_that_it_can_from_one_that_it_kept);
    g_test_add_func("/habits/gives-up-where-nothing-is-kept",
                    test_gives_up_where_nothing_is_kept);
    g_test_add_func("/habits/needs-no-patch", test_needs_no_patch);
    g_test_add_func("/habits/tells-a-lost-session-from-no-patch",
                    test_tells_a_lost_session_from_no_patch);
    g_test_add_func("/habits/distrusts-what-spoils-blobs",
                    test_distrusts_what_spoils_blobs);
    return g_test_run();
}
