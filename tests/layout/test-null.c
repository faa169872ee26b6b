/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* registry-null: what is made up is right, findable, and always the same. */
#include <pthread.h>
#include <string.h>

#include "fake-host.h"

#define THREADS 4

static const hr_registry_ops *ops;

static hr_registry *
open_null(int64_t repositories, int64_t tags, int64_t blobs, int64_t size,
          int64_t empty)
{
    const FakeSetting settings[] = {
        {"repositories", NULL, repositories},
        {"tags", NULL, tags},
        {"blobs", NULL, blobs},
        {"size", NULL, size},
        {"empty", NULL, empty},
        {NULL, NULL, 0},
    };

    return fake_host_open(settings);
}

/* The digest after the `number`th "digest":" of a manifest; the caller's. */
static char *
nth_digest(const char *manifest, unsigned number)
{
    const char *at = manifest;

    for (unsigned i = 0; i <= number; i++) {
        at = strstr(at, "\"digest\":\"");
        g_assert_nonnull(at);
        at += strlen("\"digest\":\"");
    }
    return g_strndup(at, 71);
}

static void
check_blob(hr_registry *registry, const char *repository, const char *digest,
           uint64_t size)
{
    g_autoptr(GString) bytes = g_string_new(NULL);
    g_autofree char *actual = NULL;
    hr_call call = {0};

    g_assert_cmpint(
        fake_pull_blob(registry, &call, repository, digest, size, bytes), ==,
        HR_OK);
    g_assert_cmpuint(bytes->len, ==, size);
    actual = fake_digest(bytes->str, bytes->len);
    g_assert_cmpstr(actual, ==, digest);
}

static void
test_digests(void)
{
    hr_registry *registry = open_null(2, 3, 2, 20011, 0);
    g_autofree char *list = NULL, *tags = NULL, *text = NULL, *again = NULL;
    g_autofree char *digest = NULL, *one = NULL, *two = NULL;
    hr_manifest_query query;
    hr_call call = {0};

    list = fake_list(registry, &call, NULL);
    g_assert_cmpstr(list, ==, "made-up/r000000 made-up/r000001");
    tags = fake_list(registry, &call, "made-up/r000001");
    g_assert_cmpstr(tags, ==, "t000000 t000001 t000002");
    g_assert_cmpint(
        fake_resolve(registry, &call, "made-up/r000001", "t000002", &query),
        ==, HR_OK);
    g_assert_cmpint(fake_pull_manifest(registry, &call, "made-up/r000001",
                                       "t000002", &text),
                    ==, HR_OK);
    digest = fake_digest(text, strlen(text));
    g_assert_cmpstr(query.digest, ==, digest);
    g_assert_cmpuint(query.size, ==, strlen(text));
    g_assert_cmpint(
        fake_pull_manifest(registry, &call, "made-up/r000001", digest, &again),
        ==, HR_OK);
    g_assert_cmpstr(text, ==, again);
    one = nth_digest(text, 1);
    two = nth_digest(text, 2);
    g_assert_cmpstr(one, !=, two);
    check_blob(registry, "made-up/r000001", one, 20011);
    check_blob(registry, "made-up/r000001", two, 20011);
    ops->close(registry);
}

/* A fresh instance remembers nothing and has to search. */
static void
test_search(void)
{
    hr_registry *registry = open_null(1, 50, 1, 100, 0);
    g_autofree char *text = NULL, *layer = NULL, *config = NULL;
    g_autofree char *size = NULL;
    hr_call call = {0};

    g_assert_cmpint(fake_pull_manifest(registry, &call, "made-up/r000000",
                                       "t000037", &text),
                    ==, HR_OK);
    config = nth_digest(text, 0);
    layer = nth_digest(text, 1);
    ops->close(registry);
    registry = open_null(1, 50, 1, 100, 0);
    check_blob(registry, "made-up/r000000", layer, 100);
    check_blob(registry, "made-up/r000000", config,
               strlen("{\"architecture\":\"none\",\"os\":\"none\","
                      "\"repository\":0,\"tag\":37}"));
    ops->close(registry);
}

static void
test_missing(void)
{
    static const char *const references[] = {
        "t000002", "t1", "latest",
        "sha256:"
        "0000000000000000000000000000000000000000000000000000000000000000"};
    hr_registry *registry = open_null(1, 2, 1, 100, 0);
    hr_manifest_query query;
    hr_call call = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(references); i++)
        g_assert_cmpint(fake_resolve(registry, &call, "made-up/r000000",
                                     references[i], &query),
                        ==, HR_NOT_FOUND);
    g_assert_cmpint(
        fake_resolve(registry, &call, "made-up/r000001", "t000000", &query),
        ==, HR_NOT_FOUND);
    g_assert_null(fake_list(registry, &call, "other"));
    g_assert_cmpint(call.status, ==, HR_NOT_FOUND);
    ops->close(registry);
}

static void
test_swallows(void)
{
    hr_registry *registry = open_null(1, 2, 1, 100, 1);
    g_autofree char *list = NULL;
    g_autofree char *digest = fake_digest("abc", 3);
    hr_manifest_query query;
    hr_call call = {0};

    g_assert_cmpint(
        fake_push_blob(registry, &call, "a/b", "abc", 3, NULL, NULL), ==,
        HR_OK);
    g_assert_cmpint(fake_push_manifest(registry, &call, "a/b", "1", "{}"), ==,
                    HR_OK);
    g_assert_cmpuint(fake_metric("swallowed_bytes_total"), ==, 5);
    g_assert_cmpuint(fake_metric("swallowed_blobs_total"), ==, 1);
    g_assert_cmpint(fake_stat(registry, &call, "a/b", digest, 3), ==,
                    HR_NOT_FOUND);
    g_assert_cmpint(fake_resolve(registry, &call, "a/b", "1", &query), ==,
                    HR_NOT_FOUND);
    g_assert_cmpint(
        fake_resolve(registry, &call, "made-up/r000000", "t000000", &query),
        ==, HR_NOT_FOUND);
    list = fake_list(registry, &call, NULL);
    g_assert_cmpstr(list, ==, "");
    ops->close(registry);
}

static void *
resolve_all(void *data)
{
    hr_registry *registry = data;
    hr_manifest_query query;
    hr_call call = {0};

    for (unsigned i = 0; i < 200; i++) {
        g_autofree char *tag = g_strdup_printf("t%06u", i);

        g_assert_cmpint(
            fake_resolve(registry, &call, "made-up/r000000", tag, &query), ==,
            HR_OK);
    }
    return NULL;
}

static void
test_threads(void)
{
    hr_registry *registry = open_null(1, 200, 3, 100, 0);
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++)
        g_assert_cmpint(
            pthread_create(&threads[i], NULL, resolve_all, registry), ==, 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ops->close(registry);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ops = fake_host_start(hr_plugin_entry_v1());
    g_test_add_func("/null/digests-are-right", test_digests);
    g_test_add_func("/null/finds-what-it-forgot", test_search);
    g_test_add_func("/null/has-no-more-than-it-says", test_missing);
    g_test_add_func("/null/swallows-and-stays-empty", test_swallows);
    g_test_add_func("/null/bears-threads", test_threads);
    return g_test_run();
}
