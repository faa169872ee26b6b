/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each blob is moved once, whoever wants it. */
#include <glib.h>
#include <harbor-replicator/hr-registry.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/manifest.h"
#include "sync/blob-board.h"

/* By number. */
static HrBlobJob *jobs[16];

static void
count(void *data)
{
    atomic_fetch_add((atomic_uint *)data, 1);
}

static HrBlobClaim
claim_as(HrBlobBoard *board, unsigned job, const char *repository,
         const char *digest, atomic_uint *ready, HrBlobOffer *offer)
{
    HrBlobAsker asker = {jobs[job], count, ready};
    HrBlobOffer made;
    HrBlobClaim result =
        hr_blob_board_claim(board, repository, digest, 1 << 20, &asker, &made);

    if (offer != NULL)
        *offer = made;
    else
        g_free(made.repository);
    return result;
}

static HrBlobClaim
claim(HrBlobBoard *board, const char *repository, const char *digest,
      atomic_uint *ready, char **mount_from)
{
    HrBlobOffer offer;
    HrBlobClaim result = claim_as(board, 1, repository, digest, ready, &offer);

    if (mount_from != NULL)
        *mount_from = offer.repository;
    else
        g_free(offer.repository);
    return result;
}

static void
settle_as(HrBlobBoard *board, unsigned job, const char *repository,
          const char *digest, bool stored)
{
    hr_blob_board_settle(board, jobs[job], repository, digest, stored);
}

static void
settle(HrBlobBoard *board, const char *repository, const char *digest,
       bool stored)
{
    settle_as(board, 1, repository, digest, stored);
}

/* One blob as a list of descriptors. */
static GPtrArray *
list_of(HrDescriptor *blob, const char *digest)
{
    GPtrArray *list = g_ptr_array_new();

    *blob = (HrDescriptor){.digest = (char *)digest};
    g_ptr_array_add(list, blob);
    return list;
}

static void
publish(HrBlobBoard *board, const char *repository, const char *digest)
{
    HrDescriptor blob;
    g_autoptr(GPtrArray) list = list_of(&blob, digest);

    hr_blob_board_publish(board, repository, list);
}

static void
let_go(HrBlobBoard *board, unsigned job, const char *digest)
{
    HrDescriptor blob;
    g_autoptr(GPtrArray) list = list_of(&blob, digest);

    hr_blob_board_let_go(board, jobs[job], list);
}

static void
test_once(void)
{
    g_autoptr(HrBlobBoard) board = hr_blob_board_new(10, HR_MOUNT_AUTO);
    atomic_uint ready = 0;

    g_assert_cmpint(claim(board, "a", "d", &ready, NULL), ==, HR_BLOB_YOURS);
    g_assert_cmpint(claim(board, "a", "d", &ready, NULL), ==, HR_BLOB_MOVING);
    g_assert_cmpint(claim(board, "b", "d", &ready, NULL), ==, HR_BLOB_MOVING);
    g_assert_cmpuint(ready, ==, 0);
    settle(board, "a", "d", true);
    g_assert_cmpuint(ready, ==, 2);
    g_assert_cmpint(claim(board, "a", "d", &ready, NULL), ==, HR_BLOB_HERE);
}

static void
test_mount(void)
{
    g_autoptr(HrBlobBoard) board = hr_blob_board_new(10, HR_MOUNT_AUTO);
    g_autofree char *from = NULL;
    atomic_uint ready = 0;

    claim(board, "a", "d", &ready, NULL);
    settle(board, "a", "d", true);
    g_assert_cmpint(claim(board, "b", "d", &ready, &from), ==, HR_BLOB_YOURS);
    g_assert_cmpstr(from, ==, "a");
    settle(board, "b", "d", true);
    g_assert_cmpint(claim(board, "b", "d", &ready, NULL), ==, HR_BLOB_HERE);
}

static void
test_failure(void)
{
    g_autoptr(HrBlobBoard) board = hr_blob_board_new(10, HR_MOUNT_AUTO);
    atomic_uint ready = 0;

    claim(board, "a", "d", &ready, NULL);
    claim(board, "b", "d", &ready, NULL);
    settle(board, "a", "d", false);
    g_assert_cmpuint(ready, ==, 1);
    g_assert_cmpint(claim(board, "b", "d", &ready, NULL), ==, HR_BLOB_YOURS);
    settle(board, "b", "d", false);
}

static void
test_limit(void)
{
    g_autoptr(HrBlobBoard) board = hr_blob_board_new(4, HR_MOUNT_AUTO);
    atomic_uint ready = 0;

    for (unsigned i = 0; i < 100; i++) {
        g_autofree char *digest = g_strdup_printf("d%u", i);

        claim(board, "a", digest, &ready, NULL);
        settle(board, "a", digest, true);
    }
    g_assert_cmpint(claim(board, "a", "d99", &ready, NULL), ==, HR_BLOB_HERE);
    g_assert_cmpint(claim(board, "a", "d0", &ready, NULL), ==, HR_BLOB_YOURS);
    settle(board, "a", "d0", false);
}

/* A blob that job 2 has stored, and nobody published. */
static HrBlobBoard *
make_unpublished(uint32_t mounts)
{
    HrBlobBoard *board = hr_blob_board_new(10, mounts);
    atomic_uint ready = 0;

    claim_as(board, 2, "a", "d", &ready, NULL);
    settle_as(board, 2, "a", "d", true);
    return board;
}

static void
assert_offer(HrBlobBoard *board, unsigned job, const char *repository,
             bool published)
{
    HrBlobOffer offer;
    atomic_uint ready = 0;

    g_assert_cmpint(claim_as(board, job, "z", "d", &ready, &offer), ==,
                    HR_BLOB_YOURS);
    g_assert_cmpstr(offer.repository, ==, repository);
    g_assert_cmpint(offer.published, ==, published);
    g_free(offer.repository);
    settle_as(board, job, "z", "d", false);
}

static void
test_others_wait_for_the_tag(void)
{
    g_autoptr(HrBlobBoard) board = make_unpublished(HR_MOUNT_COMMITTED);
    atomic_uint ready = 0;

    g_assert_cmpint(claim_as(board, 3, "b", "d", &ready, NULL), ==,
                    HR_BLOB_MOVING);
    publish(board, "a", "other");
    let_go(board, 3, "d");
    g_assert_cmpuint(ready, ==, 0);
    publish(board, "a", "d");
    g_assert_cmpuint(ready, ==, 1);
    assert_offer(board, 3, "a", true);
    /* Once published, it stays. */
    let_go(board, 2, "d");
    assert_offer(board, 3, "a", true);
}

/* Job 2 has d, job 3 has e and waits for d, job 4 has f and waits for e. */
static void
test_nobody_waits_in_a_circle(void)
{
    g_autoptr(HrBlobBoard) board = make_unpublished(HR_MOUNT_COMMITTED);
    atomic_uint ready = 0;

    claim_as(board, 3, "b", "e", &ready, NULL);
    settle_as(board, 3, "b", "e", true);
    claim_as(board, 4, "c", "f", &ready, NULL);
    settle_as(board, 4, "c", "f", true);
    g_assert_cmpint(claim_as(board, 3, "b", "d", &ready, NULL), ==,
                    HR_BLOB_MOVING);
    g_assert_cmpint(claim_as(board, 4, "c", "e", &ready, NULL), ==,
                    HR_BLOB_MOVING);
    g_assert_cmpint(claim_as(board, 2, "a", "e", &ready, NULL), ==,
                    HR_BLOB_YOURS);
    settle_as(board, 2, "a", "e", true);
    g_assert_cmpint(claim_as(board, 2, "a", "f", &ready, NULL), ==,
                    HR_BLOB_YOURS);
    settle_as(board, 2, "a", "f", true);
    /* Others wait for any of them. */
    g_assert_cmpint(claim_as(board, 5, "x", "f", &ready, NULL), ==,
                    HR_BLOB_MOVING);
    publish(board, "a", "d");
    publish(board, "a", "e");
    publish(board, "a", "f");
    g_assert_cmpuint(ready, ==, 3);
    /* Nobody waits any more. */
    claim_as(board, 2, "a", "g", &ready, NULL);
    settle_as(board, 2, "a", "g", true);
    claim_as(board, 3, "b", "h", &ready, NULL);
    settle_as(board, 3, "b", "h", true);
    g_assert_cmpint(claim_as(board, 2, "a", "h", &ready, NULL), ==,
                    HR_BLOB_MOVING);
    let_go(board, 3, "h");
    let_go(board, 2, "g");
    g_assert_cmpuint(ready, ==, 4);
}

#define CHAIN 3000

/* Each has a blob that the next one waits for. */
static void *
make_chain(void *data)
{
    HrBlobBoard *board = data;
    HrBlobJob *members[CHAIN];
    atomic_uint ready = 0;

    for (unsigned i = 0; i < CHAIN; i++) {
        HrBlobAsker asker = {hr_blob_job_new(), count, &ready};
        g_autofree char *here = g_strdup_printf("%u", i);
        g_autofree char *before = g_strdup_printf("%u", i - 1);
        HrBlobOffer offer;

        members[i] = asker.job;
        hr_blob_board_claim(board, here, here, 1 << 20, &asker, &offer);
        hr_blob_board_settle(board, asker.job, here, here, true);
        if (i > 0)
            g_assert_cmpint(hr_blob_board_claim(board, here, before, 1 << 20,
                                                &asker, &offer),
                            ==, HR_BLOB_MOVING);
    }
    for (unsigned i = 0; i < CHAIN; i++) {
        g_autofree char *name = g_strdup_printf("%u", i);

        publish(board, name, name);
    }
    g_assert_cmpuint(ready, ==, CHAIN - 1);
    for (unsigned i = 0; i < CHAIN; i++)
        hr_blob_job_free(members[i]);
    return NULL;
}

/* On a thread with little room, as workers have for thousands of them. */
static void
test_many_wait_one_behind_the_other(void)
{
    g_autoptr(HrBlobBoard) board =
        hr_blob_board_new(10 * CHAIN, HR_MOUNT_COMMITTED);
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128 * 1024);
    g_assert_cmpint(pthread_create(&thread, &attributes, make_chain, board),
                    ==, 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

static void
test_another_repository_may_publish_first(void)
{
    g_autoptr(HrBlobBoard) board = make_unpublished(HR_MOUNT_COMMITTED);

    publish(board, "b", "d");
    assert_offer(board, 3, "b", true);
}

static void
test_who_lets_go_is_not_waited_for(void)
{
    g_autoptr(HrBlobBoard) board = make_unpublished(HR_MOUNT_COMMITTED);
    atomic_uint ready = 0;

    claim_as(board, 3, "b", "d", &ready, NULL);
    let_go(board, 2, "d");
    g_assert_cmpuint(ready, ==, 1);
    assert_offer(board, 3, "a", false);
}

static void
test_the_first_mount_tells(void)
{
    g_autoptr(HrBlobBoard) board = make_unpublished(HR_MOUNT_AUTO);
    atomic_uint ready = 0;
    HrBlobOffer offer;

    claim_as(board, 3, "b", "d", &ready, &offer);
    g_assert_cmpstr(offer.repository, ==, "a");
    g_free(offer.repository);
    g_assert_cmpint(claim_as(board, 4, "c", "d", &ready, NULL), ==,
                    HR_BLOB_MOVING);
    hr_blob_board_tried(board, false, true);
    g_assert_cmpuint(ready, ==, 1);
    settle_as(board, 3, "b", "d", true);
    assert_offer(board, 4, "a", false);
    assert_offer(board, 5, "a", false);
}

static void
test_a_first_mount_that_is_refused_makes_patient(void)
{
    g_autoptr(HrBlobBoard) board = make_unpublished(HR_MOUNT_AUTO);
    atomic_uint ready = 0;

    claim_as(board, 3, "b", "d", &ready, NULL);
    hr_blob_board_tried(board, false, false);
    settle_as(board, 3, "b", "d", true);
    g_assert_cmpint(claim_as(board, 4, "c", "d", &ready, NULL), ==,
                    HR_BLOB_MOVING);
    /* Nor is what is published: no use to wait. */
    hr_blob_board_tried(board, true, false);
    hr_blob_board_tried(board, false, false);
    assert_offer(board, 4, "a", false);
    let_go(board, 2, "d");
    g_assert_cmpuint(ready, ==, 1);
}

static void
test_a_first_mount_that_comes_to_nothing_is_tried_by_another(void)
{
    g_autoptr(HrBlobBoard) board = make_unpublished(HR_MOUNT_AUTO);
    atomic_uint ready = 0;

    claim_as(board, 3, "b", "d", &ready, NULL);
    claim_as(board, 4, "c", "d", &ready, NULL);
    settle_as(board, 3, "b", "d", false);
    g_assert_cmpuint(ready, ==, 1);
    assert_offer(board, 4, "a", false);
}

static void
test_small_blobs_are_not_waited_for(void)
{
    static const uint32_t rules[] = {HR_MOUNT_AUTO, HR_MOUNT_COMMITTED};

    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++) {
        g_autoptr(HrBlobBoard) board = make_unpublished(rules[i]);
        atomic_uint ready = 0;

        for (unsigned job = 3; job < 5; job++) {
            HrBlobAsker asker = {jobs[job], count, &ready};
            char repository[] = {(char)('a' + job), '\0'};
            HrBlobOffer offer;

            g_assert_cmpint(hr_blob_board_claim(board, repository, "d", 2000,
                                                &asker, &offer),
                            ==, HR_BLOB_YOURS);
            g_assert_cmpstr(offer.repository, ==, "a");
            g_free(offer.repository);
        }
    }
}

static void
test_never_mounts(void)
{
    g_autoptr(HrBlobBoard) board = make_unpublished(HR_MOUNT_NEVER);

    g_assert_false(hr_blob_board_mounts(board));
    assert_offer(board, 3, NULL, false);
}

static void
test_what_is_forgotten_is_not_waited_for(void)
{
    g_autoptr(HrBlobBoard) board = hr_blob_board_new(2, HR_MOUNT_COMMITTED);
    atomic_uint ready = 0;

    claim_as(board, 1, "a", "d", &ready, NULL);
    settle_as(board, 1, "a", "d", true);
    claim_as(board, 2, "b", "d", &ready, NULL);
    claim_as(board, 1, "a", "e", &ready, NULL);
    settle_as(board, 1, "a", "e", true);
    g_assert_cmpuint(ready, ==, 1);
    assert_offer(board, 2, NULL, false);
}

#define THREADS 8
#define BLOBS 50
#define ROUNDS 2000

static HrBlobBoard *shared;
static atomic_uint woken;
static atomic_uint waited;

/* No blob is ever in two hands at once, and every wait is answered. */
static void *
hammer(void *data)
{
    unsigned short seed[3] = {(unsigned short)GPOINTER_TO_UINT(data), 1, 2};

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned blob = (unsigned)(erand48(seed) * BLOBS);
        char repository[2] = {(char)('a' + (int)(erand48(seed) * 3)), '\0'};
        char digest[8];

        snprintf(digest, sizeof digest, "d%u", blob);
        switch (claim_as(shared, GPOINTER_TO_UINT(data), repository, digest,
                         &woken, NULL)) {
        case HR_BLOB_YOURS:
            settle_as(shared, GPOINTER_TO_UINT(data), repository, digest,
                      erand48(seed) < 0.5);
            break;
        case HR_BLOB_MOVING:
            atomic_fetch_add(&waited, 1);
            break;
        case HR_BLOB_HERE:
            break;
        }
        if (erand48(seed) < 0.3)
            publish(shared, repository, digest);
    }
    for (unsigned blob = 0; blob < BLOBS; blob++) {
        char digest[8];

        snprintf(digest, sizeof digest, "d%u", blob);
        let_go(shared, GPOINTER_TO_UINT(data), digest);
    }
    return NULL;
}

static void
hammer_board(uint32_t mounts)
{
    pthread_t threads[THREADS];

    woken = 0;
    waited = 0;
    shared = hr_blob_board_new(8, mounts);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, hammer, GUINT_TO_POINTER(i + 1));
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpuint(woken, ==, waited);
    hr_blob_board_free(shared);
}

static void
test_threads(void)
{
    hammer_board(HR_MOUNT_AUTO);
    hammer_board(HR_MOUNT_COMMITTED);
    hammer_board(HR_MOUNT_NEVER);
}

int
main(int argc, char **argv)
{
    int failed;

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++)
        jobs[i] = hr_blob_job_new();
    g_test_add_func("/blob-board/gives-a-blob-to-one-mover", test_once);
    g_test_add_func("/blob-board/offers-what-is-known-for-mounting",
                    test_mount);
    g_test_add_func("/blob-board/frees-a-blob-that-was-not-moved",
                    test_failure);
    g_test_add_func("/blob-board/forgets-the-oldest", test_limit);
    g_test_add_func("/blob-board/others-wait-for-the-tag",
                    test_others_wait_for_the_tag);
    g_test_add_func("/blob-board/nobody-waits-in-a-circle",
                    test_nobody_waits_in_a_circle);
    g_test_add_func("/blob-board/many-wait-one-behind-the-other",
                    test_many_wait_one_behind_the_other);
    g_test_add_func("/blob-board/another-repository-may-publish-first",
                    test_another_repository_may_publish_first);
    g_test_add_func("/blob-board/who-lets-go-is-not-waited-for",
                    test_who_lets_go_is_not_waited_for);
    g_test_add_func("/blob-board/the-first-mount-tells",
                    test_the_first_mount_tells);
    g_test_add_func("/blob-board/a-first-mount-that-is-refused-makes-patient",
                    test_a_first_mount_that_is_refused_makes_patient);
    g_test_add_func(
        "/blob-board/a-first-mount-that-comes-to-nothing-is-tried-by-another",
        test_a_first_mount_that_comes_to_nothing_is_tried_by_another);
    g_test_add_func("/blob-board/small-blobs-are-not-waited-for",
                    test_small_blobs_are_not_waited_for);
    g_test_add_func("/blob-board/never-mounts", test_never_mounts);
    g_test_add_func("/blob-board/what-is-forgotten-is-not-waited-for",
                    test_what_is_forgotten_is_not_waited_for);
    g_test_add_func("/blob-board/answers-every-wait", test_threads);
    failed = g_test_run();
    for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++)
        hr_blob_job_free(jobs[i]);
    return failed;
}
