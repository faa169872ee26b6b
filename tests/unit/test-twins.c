/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Of the tags of one artifact one brings it, the others wait for that. */
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

#include "sync/twins.h"

#define TEXT "{\"schemaVersion\":2,\"manifests\":[]}"
#define TYPE "application/vnd.oci.image.index.v1+json"

static HrManifest *
make_root(void)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(TEXT, sizeof TEXT - 1);
    GError *error = NULL;
    HrManifest *root = hr_manifest_parse(bytes, TYPE, NULL, &error);

    g_assert_no_error(error);
    return root;
}

static HrTwins *
make_twins(unsigned tags)
{
    HrTwins *twins = hr_twins_new();

    for (unsigned i = 0; i < tags; i++)
        hr_twins_add(twins, "a", "d");
    return twins;
}

static void
count(void *data)
{
    atomic_fetch_add((atomic_uint *)data, 1);
}

static void
test_one_brings_it_for_all(void)
{
    g_autoptr(HrTwins) twins = make_twins(4);
    g_autoptr(HrManifest) root = make_root();
    HrManifest *found;
    atomic_uint ready = 0;

    g_assert_true(hr_twins_enter(twins, "a", "d", count, &ready));
    g_assert_null(hr_twins_root(twins, "a", "d"));
    g_assert_false(hr_twins_enter(twins, "a", "d", count, &ready));
    g_assert_false(hr_twins_enter(twins, "a", "d", count, &ready));
    hr_twins_leave(twins, "a", "d", root);
    g_assert_cmpuint(ready, ==, 2);
    found = hr_twins_root(twins, "a", "d");
    g_assert_true(found == root);
    hr_manifest_free(found);
    /* Those who leave then, and come late, change nothing. */
    hr_twins_leave(twins, "a", "d", NULL);
    g_assert_true(hr_twins_enter(twins, "a", "d", count, &ready));
    g_assert_cmpuint(ready, ==, 2);
}

static void
test_who_fails_leaves_it_to_the_next(void)
{
    g_autoptr(HrTwins) twins = make_twins(3);
    atomic_uint second = 0;
    atomic_uint third = 0;

    g_assert_true(hr_twins_enter(twins, "a", "d", count, &second));
    g_assert_false(hr_twins_enter(twins, "a", "d", count, &second));
    g_assert_false(hr_twins_enter(twins, "a", "d", count, &third));
    hr_twins_leave(twins, "a", "d", NULL);
    g_assert_cmpuint(second, ==, 1);
    g_assert_cmpuint(third, ==, 0);
    /* The first may come again: behind the others. */
    g_assert_false(hr_twins_enter(twins, "a", "d", count, &second));
    hr_twins_leave(twins, "a", "d", NULL);
    g_assert_cmpuint(third, ==, 1);
    hr_twins_leave(twins, "a", "d", NULL);
    g_assert_cmpuint(second, ==, 2);
    hr_twins_leave(twins, "a", "d", NULL);
    g_assert_true(hr_twins_enter(twins, "a", "d", count, &second));
}

static void
test_forgets_what_all_have(void)
{
    g_autoptr(HrTwins) twins = make_twins(2);
    g_autoptr(HrManifest) root = make_root();
    atomic_uint ready = 0;

    g_assert_true(hr_twins_enter(twins, "a", "d", count, &ready));
    hr_twins_leave(twins, "a", "d", root);
    g_assert_cmpuint(root->references, ==, 2);
    /* One that failed may come again. */
    g_assert_true(hr_twins_enter(twins, "a", "d", count, &ready));
    hr_twins_leave(twins, "a", "d", NULL);
    g_assert_cmpuint(root->references, ==, 2);
    g_assert_true(hr_twins_enter(twins, "a", "d", count, &ready));
    hr_twins_leave(twins, "a", "d", root);
    g_assert_cmpuint(root->references, ==, 1);
}

static void
test_others_are_no_twins(void)
{
    g_autoptr(HrTwins) twins = make_twins(1);
    atomic_uint ready = 0;

    hr_twins_add(twins, "b", "d");
    hr_twins_add(twins, "a", "e");
    g_assert_true(hr_twins_enter(twins, "a", "d", count, &ready));
    g_assert_true(hr_twins_enter(twins, "b", "d", count, &ready));
    g_assert_true(hr_twins_enter(twins, "a", "e", count, &ready));
    g_assert_true(hr_twins_enter(twins, "a", "unknown", count, &ready));
}

#define THREADS 8

typedef struct Crowd {
    HrTwins *twins;
    HrManifest *root;
    atomic_uint inside;
    atomic_uint tries;
    atomic_uint done;
} Crowd;

/* Most tries come to nothing; only one is made at a time. */
static void
go_on(void *data)
{
    Crowd *crowd = data;
    HrManifest *root = hr_twins_root(crowd->twins, "a", "d");

    if (root == NULL) {
        g_assert_cmpuint(atomic_fetch_add(&crowd->inside, 1), ==, 0);
        if (atomic_fetch_add(&crowd->tries, 1) == THREADS / 2)
            root = hr_manifest_ref(crowd->root);
        atomic_fetch_sub(&crowd->inside, 1);
    }
    hr_twins_leave(crowd->twins, "a", "d", root);
    if (root != NULL)
        hr_manifest_free(root);
    atomic_fetch_add(&crowd->done, 1);
}

static void *
crowd_in(void *data)
{
    Crowd *crowd = data;

    if (hr_twins_enter(crowd->twins, "a", "d", go_on, crowd))
        go_on(crowd);
    return NULL;
}

static void
test_threads(void)
{
    for (unsigned round = 0; round < 200; round++) {
        g_autoptr(HrTwins) twins = make_twins(THREADS);
        g_autoptr(HrManifest) root = make_root();
        Crowd crowd = {.twins = twins, .root = root};
        pthread_t threads[THREADS];

        for (unsigned i = 0; i < THREADS; i++)
            pthread_create(&threads[i], NULL, crowd_in, &crowd);
        for (unsigned i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        g_assert_cmpuint(crowd.done, ==, THREADS);
        g_assert_cmpuint(crowd.tries, ==, THREADS / 2 + 1);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/twins/one-brings-it-for-all",
                    test_one_brings_it_for_all);
    g_test_add_func("/twins/who-fails-leaves-it-to-the-next",
                    test_who_fails_leaves_it_to_the_next);
    g_test_add_func("/twins/forgets-what-all-have",
                    test_forgets_what_all_have);
    g_test_add_func("/twins/others-are-no-twins", test_others_are_no_twins);
    g_test_add_func("/twins/one-at-a-time", test_threads);
    return g_test_run();
}
