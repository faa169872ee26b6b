/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each blob is moved once, whoever wants it. */
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "sync/blob-board.h"

static void
count(void *data)
{
    atomic_fetch_add((atomic_uint *)data, 1);
}

static HrBlobClaim
claim(HrBlobBoard *board, const char *repository, const char *digest,
      atomic_uint *ready, char **mount_from)
{
    g_autofree char *ignored = NULL;

    return hr_blob_board_claim(board, repository, digest, count, ready,
                               mount_from != NULL ? mount_from : &ignored);
}

static void
test_once(void)
{
    g_autoptr(HrBlobBoard) board = hr_blob_board_new(10);
    atomic_uint ready = 0;

    g_assert_cmpint(claim(board, "a", "d", &ready, NULL), ==, HR_BLOB_YOURS);
    g_assert_cmpint(claim(board, "a", "d", &ready, NULL), ==, HR_BLOB_MOVING);
    g_assert_cmpint(claim(board, "b", "d", &ready, NULL), ==, HR_BLOB_MOVING);
    g_assert_cmpuint(ready, ==, 0);
    hr_blob_board_settle(board, "a", "d", true);
    g_assert_cmpuint(ready, ==, 2);
    g_assert_cmpint(claim(board, "a", "d", &ready, NULL), ==, HR_BLOB_HERE);
}

static void
test_mount(void)
{
    g_autoptr(HrBlobBoard) board = hr_blob_board_new(10);
    g_autofree char *from = NULL;
    atomic_uint ready = 0;

    claim(board, "a", "d", &ready, NULL);
    hr_blob_board_settle(board, "a", "d", true);
    g_assert_cmpint(claim(board, "b", "d", &ready, &from), ==, HR_BLOB_YOURS);
    g_assert_cmpstr(from, ==, "a");
    hr_blob_board_settle(board, "b", "d", true);
    g_assert_cmpint(claim(board, "b", "d", &ready, NULL), ==, HR_BLOB_HERE);
}

static void
test_failure(void)
{
    g_autoptr(HrBlobBoard) board = hr_blob_board_new(10);
    atomic_uint ready = 0;

    claim(board, "a", "d", &ready, NULL);
    claim(board, "b", "d", &ready, NULL);
    hr_blob_board_settle(board, "a", "d", false);
    g_assert_cmpuint(ready, ==, 1);
    g_assert_cmpint(claim(board, "b", "d", &ready, NULL), ==, HR_BLOB_YOURS);
    hr_blob_board_settle(board, "b", "d", false);
}

static void
test_limit(void)
{
    g_autoptr(HrBlobBoard) board = hr_blob_board_new(4);
    atomic_uint ready = 0;

    for (unsigned i = 0; i < 100; i++) {
        g_autofree char *digest = g_strdup_printf("d%u", i);

        claim(board, "a", digest, &ready, NULL);
        hr_blob_board_settle(board, "a", digest, true);
    }
    g_assert_cmpint(claim(board, "a", "d99", &ready, NULL), ==, HR_BLOB_HERE);
    g_assert_cmpint(claim(board, "a", "d0", &ready, NULL), ==, HR_BLOB_YOURS);
    hr_blob_board_settle(board, "a", "d0", false);
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
        switch (claim(shared, repository, digest, &woken, NULL)) {
        case HR_BLOB_YOURS:
            hr_blob_board_settle(shared, repository, digest,
                                 erand48(seed) < 0.5);
            break;
        case HR_BLOB_MOVING:
            atomic_fetch_add(&waited, 1);
            break;
        case HR_BLOB_HERE:
            break;
        }
    }
    return NULL;
}

static void
test_threads(void)
{
    pthread_t threads[THREADS];

    shared = hr_blob_board_new(8);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, hammer, GUINT_TO_POINTER(i + 1));
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpuint(woken, ==, waited);
    hr_blob_board_free(shared);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/blob-board/gives-a-blob-to-one-mover", test_once);
    g_test_add_func("/blob-board/offers-what-is-known-for-mounting",
                    test_mount);
    g_test_add_func("/blob-board/frees-a-blob-that-was-not-moved",
                    test_failure);
    g_test_add_func("/blob-board/forgets-the-oldest", test_limit);
    g_test_add_func("/blob-board/answers-every-wait", test_threads);
    return g_test_run();
}
