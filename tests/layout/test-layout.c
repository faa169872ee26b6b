/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* registry-layout: what is stored comes back, once, in its place. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "room.h"

#define THREADS 8
#define TAGS_EACH 200

static void
test_round_trip(void)
{
    Room room;
    g_autofree char *digest = NULL, *tags = NULL, *text = NULL;
    g_autofree char *expected = room_manifest("hello", "");
    g_autofree char *layer = fake_digest("hello", 5);
    g_autoptr(GString) bytes = g_string_new(NULL);
    hr_manifest_query query;

    room_enter(&room);
    digest = room_push(&room, "library/hello", "1.0", "hello");
    room_reopen(&room);
    tags = fake_list(room.registry, &room.call, "library/hello");
    g_assert_cmpstr(tags, ==, "1.0");
    g_assert_cmpint(fake_resolve(room.registry, &room.call, "library/hello",
                                 "1.0", &query),
                    ==, HR_OK);
    g_assert_cmpstr(query.digest, ==, digest);
    g_assert_cmpuint(query.size, ==, strlen(expected));
    g_assert_cmpstr(query.media_type, ==,
                    "application/vnd.oci.image.manifest.v1+json");
    g_assert_cmpint(fake_pull_manifest(room.registry, &room.call,
                                       "library/hello", digest, &text),
                    ==, HR_OK);
    g_assert_cmpstr(text, ==, expected);
    g_assert_cmpint(fake_pull_blob(room.registry, &room.call, "library/hello",
                                   layer, 5, bytes),
                    ==, HR_OK);
    g_assert_cmpstr(bytes->str, ==, "hello");
    room_leave(&room);
}

static void
test_large_blob(void)
{
    Room room;
    size_t size = 3 * 1024 * 1024 + 17;
    g_autofree char *data = g_malloc(size);
    g_autofree char *digest = NULL;
    g_autoptr(GString) bytes = g_string_new(NULL);
    FakePush push;

    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 31 >> 3);
    digest = fake_digest(data, size);
    room_enter(&room);
    g_assert_cmpint(fake_push_blob(room.registry, &room.call, "a", data, size,
                                   NULL, &push),
                    ==, HR_OK);
    g_assert_cmpint(push, ==, PUSH_SENT);
    g_assert_cmpint(
        fake_pull_blob(room.registry, &room.call, "a", digest, size, bytes),
        ==, HR_OK);
    g_assert_cmpuint(bytes->len, ==, size);
    g_assert_cmpmem(bytes->str, bytes->len, data, size);
    room_leave(&room);
}

static struct stat
stat_blob_file(const Room *room, const char *repository, const char *digest)
{
    g_autofree char *path =
        room_path(room, "%s/sha256/%s", repository, digest + 7);
    struct stat stat;

    g_assert_cmpint(lstat(path, &stat), ==, 0);
    return stat;
}

static void
test_shared_once(void)
{
    Room room;
    g_autofree char *digest = fake_digest("shared", 6);
    FakePush push;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "shared"));
    g_assert_cmpint(fake_push_blob(room.registry, &room.call, "b/c", "shared",
                                   6, NULL, &push),
                    ==, HR_OK);
    g_assert_cmpint(push, ==, PUSH_MOUNTED);
    g_assert_cmpint(fake_push_blob(room.registry, &room.call, "b/c", "shared",
                                   6, "a", &push),
                    ==, HR_OK);
    g_assert_cmpint(push, ==, PUSH_PRESENT);
    g_assert_cmpuint(stat_blob_file(&room, "a/blobs", digest).st_ino, ==,
                     stat_blob_file(&room, "b/c/blobs", digest).st_ino);
    g_assert_cmpuint(stat_blob_file(&room, ".blobs", digest).st_nlink, ==, 3);
    room_leave(&room);
}

/* A directory as git gives it, without a pool. */
static void
test_mount_without_pool(void)
{
    Room room;
    g_autofree char *digest = fake_digest("layer", 5);
    g_autofree char *pool = NULL, *moved = NULL;
    FakePush push;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "layer"));
    pool = room_path(&room, ".blobs");
    moved = g_build_filename(room.base, "moved", NULL);
    g_assert_cmpint(g_rename(pool, moved), ==, 0);
    g_assert_cmpint(
        fake_push_blob(room.registry, &room.call, "b", "layer", 5, "a", &push),
        ==, HR_OK);
    g_assert_cmpint(push, ==, PUSH_MOUNTED);
    g_assert_cmpuint(stat_blob_file(&room, "a/blobs", digest).st_ino, ==,
                     stat_blob_file(&room, ".blobs", digest).st_ino);
    room_leave(&room);
}

static void
test_reserved_names(void)
{
    Room room;
    g_autofree char *list = NULL, *tags = NULL;
    g_autofree char *stored = NULL;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "one"));
    g_free(room_push(&room, "a/b", "2", "two"));
    g_free(room_push(&room, "a/blobs", "3", "three"));
    g_free(room_push(&room, "a/index.json/oci-layout", "4", "four"));
    g_free(room_push(&room, "blobs", "5", "five"));
    list = fake_list(room.registry, &room.call, NULL);
    g_assert_cmpstr(list, ==, "a a/b a/blobs a/index.json/oci-layout blobs");
    stored = room_path(&room, "a/_index.json/_oci-layout/index.json");
    g_assert_true(g_file_test(stored, G_FILE_TEST_IS_REGULAR));
    tags = fake_list(room.registry, &room.call, "a/index.json/oci-layout");
    g_assert_cmpstr(tags, ==, "4");
    room_leave(&room);
}

static void
test_single_repository(void)
{
    Room room;
    g_autofree char *list = NULL, *index = NULL, *pool = NULL;
    FakeSetting settings[] = {
        {"path", NULL, 0},
        {"repository", "library/hello", 0},
        {"create", NULL, 1},
        {NULL, NULL, 0},
    };
    hr_manifest_query query;

    room_enter(&room);
    settings[0].text = room.path;
    room_ops->close(room.registry);
    room.registry = fake_host_open(settings);
    g_free(room_push(&room, "library/hello", "1.0", "hello"));
    list = fake_list(room.registry, &room.call, NULL);
    g_assert_cmpstr(list, ==, "library/hello");
    index = room_path(&room, "index.json");
    g_assert_true(g_file_test(index, G_FILE_TEST_IS_REGULAR));
    pool = room_path(&room, ".blobs");
    g_assert_false(g_file_test(pool, G_FILE_TEST_EXISTS));
    g_assert_cmpint(
        fake_resolve(room.registry, &room.call, "other", "1.0", &query), ==,
        HR_NOT_FOUND);
    g_assert_nonnull(strstr(query.message, "there is no repository other"));

    /* Opened as a directory of repositories, it says what is wrong. */
    room_reopen(&room);
    g_assert_cmpint(room_ops->probe(room.registry, &room.call), ==, HR_CONFIG);
    room_assert_said(&room, "name it with `repository`");
    room_leave(&room);
}

static void
test_missing_directory(void)
{
    Room room;
    FakeSetting settings[] = {
        {"path", NULL, 0},
        {"create", NULL, 0},
        {NULL, NULL, 0},
    };
    hr_manifest_query query;

    room_enter(&room);
    g_assert_cmpint(room_ops->probe(room.registry, &room.call), ==, HR_OK);
    g_assert_null(fake_list(room.registry, &room.call, NULL));
    g_assert_cmpint(room.call.status, ==, HR_NOT_FOUND);
    room_assert_said(&room, "does not exist: check `path`");
    g_assert_null(fake_list(room.registry, &room.call, "a"));
    room.call.status = HR_OK;
    g_assert_cmpint(fake_resolve(room.registry, &room.call, "a", "1", &query),
                    ==, HR_NOT_FOUND);
    g_assert_false(g_file_test(room.path, G_FILE_TEST_EXISTS));

    settings[0].text = room.path;
    room_ops->close(room.registry);
    room.registry = fake_host_open(settings);
    g_assert_cmpint(room_ops->probe(room.registry, &room.call), ==,
                    HR_NOT_FOUND);
    g_assert_cmpint(
        fake_push_manifest(room.registry, &room.call, "a", "1", "{}"), ==,
        HR_NOT_FOUND);
    room_assert_said(&room, "`create` is false");
    g_assert_false(g_file_test(room.path, G_FILE_TEST_EXISTS));
    room_leave(&room);
}

static void
test_missing_parent(void)
{
    Room room;

    room_enter(&room);
    room_ops->close(room.registry);
    g_free(room.path);
    room.path = g_build_filename(room.base, "not", "there", NULL);
    room.registry = room_open_again(&room);
    g_assert_cmpint(
        fake_push_manifest(room.registry, &room.call, "a", "1", "{}"), ==,
        HR_NOT_FOUND);
    room_assert_said(&room, "the one above it does not exist");
    room_leave(&room);
}

static void
test_keeps_foreign(void)
{
    static const char before[] =
        "{ \"schemaVersion\" : 2, \"x-first\": [1.10, {\"a\":null}],\n"
        " \"manifests\": [ {\"mediaType\":\"application/x\",  \"digest\":\""
        "sha256:"
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        "\",\"size\":2,\"annotations\":{\"org.opencontainers.image.ref.name"
        "\":\"docker.io/library/x:1\",\"other\":\"\\u00e9\"}} , 17 ],\n"
        " \"x-last\": true }\n";
    Room room;
    g_autofree char *tags = NULL, *path = NULL, *after = NULL;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "one"));
    room_scribble(&room, "a/index.json", before, -1);
    g_free(room_push(&room, "a", "2", "two"));
    path = room_path(&room, "a/index.json");
    g_assert_true(g_file_get_contents(path, &after, NULL, NULL));
    g_assert_true(g_str_has_prefix(
        after, "{ \"schemaVersion\" : 2, \"x-first\": [1.10, {\"a\":null}]"));
    g_assert_nonnull(strstr(after, "\"application/x\",  \"digest\""));
    g_assert_nonnull(strstr(after, "\"other\":\"\\u00e9\"}},\n    17,\n"));
    g_assert_true(g_str_has_suffix(after, "],\n \"x-last\": true }\n"));
    tags = fake_list(room.registry, &room.call, "a");
    g_assert_cmpstr(tags, ==, "2");
    room_leave(&room);
}

static void
test_moves_tag(void)
{
    Room room;
    g_autofree char *one = NULL, *two = NULL, *tags = NULL;
    hr_manifest_query query;

    room_enter(&room);
    one = room_push(&room, "a", "latest", "one");
    g_free(room_push(&room, "a", "0", "zero"));
    two = room_push(&room, "a", "latest", "two");
    g_assert_cmpint(
        fake_resolve(room.registry, &room.call, "a", "latest", &query), ==,
        HR_OK);
    g_assert_cmpstr(query.digest, ==, two);
    room_reopen(&room);
    tags = fake_list(room.registry, &room.call, "a");
    g_assert_cmpstr(tags, ==, "0 latest");
    g_assert_cmpint(fake_resolve(room.registry, &room.call, "a", one, &query),
                    ==, HR_OK);
    room_leave(&room);
}

static void
test_lists_referrer(void)
{
    Room room;
    g_autofree char *child = room_manifest("child", "");
    g_autofree char *child_digest = fake_digest(child, strlen(child));
    g_autofree char *referrer = room_manifest("sbom", ",\"subject\":{}");
    g_autofree char *digest = fake_digest(referrer, strlen(referrer));
    g_autofree char *path = NULL, *index = NULL, *tags = NULL;
    hr_manifest_query query;

    room_enter(&room);
    g_assert_cmpint(
        fake_push_manifest(room.registry, &room.call, "a", NULL, child), ==,
        HR_OK);
    g_assert_cmpint(
        fake_push_manifest(room.registry, &room.call, "a", NULL, referrer), ==,
        HR_OK);
    path = room_path(&room, "a/index.json");
    g_assert_true(g_file_get_contents(path, &index, NULL, NULL));
    g_assert_nonnull(strstr(index, digest));
    g_assert_null(strstr(index, child_digest));
    g_assert_cmpint(
        fake_resolve(room.registry, &room.call, "a", child_digest, &query), ==,
        HR_OK);
    g_assert_cmpstr(query.media_type, ==,
                    "application/vnd.oci.image.manifest.v1+json");
    tags = fake_list(room.registry, &room.call, "a");
    g_assert_cmpstr(tags, ==, "");
    room_leave(&room);
}

/* With a tag and without, also of what is not there; and nothing that only
 * looks like it. */
static void
test_finds_referrers(void)
{
    Room room;
    g_autofree char *image = room_manifest("image", "");
    g_autofree char *subject = fake_digest(image, strlen(image));
    g_autofree char *more = g_strdup_printf(
        ",\"subject\":{\"mediaType\":\"application/vnd.oci.image.manifest.v1"
        "+json\",\"size\":%zu,\"digest\":\"%s\"}",
        strlen(image), subject);
    g_autofree char *sbom = room_manifest("sbom", more);
    g_autofree char *tagged = room_manifest("tagged", more);
    g_autofree char *broken =
        room_manifest("broken", ",\"subject\":{\"digest\":\"../x\"}");
    g_autofree char *sbom_digest = fake_digest(sbom, strlen(sbom));
    g_autofree char *tagged_digest = fake_digest(tagged, strlen(tagged));
    bool in_order = strcmp(sbom_digest, tagged_digest) < 0;
    g_autofree char *both =
        g_strconcat(in_order ? sbom_digest : tagged_digest, " ",
                    in_order ? tagged_digest : sbom_digest, NULL);
    g_autofree char *none = NULL, *one = NULL, *two = NULL, *again = NULL;

    room_enter(&room);
    none = fake_referrers(room.registry, &room.call, "a", subject);
    g_assert_cmpstr(none, ==, "");
    fake_push_manifest(room.registry, &room.call, "a", NULL, sbom);
    one = fake_referrers(room.registry, &room.call, "a", subject);
    g_assert_cmpstr(one, ==, sbom_digest);
    fake_push_manifest(room.registry, &room.call, "a", "1", image);
    fake_push_manifest(room.registry, &room.call, "a", "2", tagged);
    fake_push_manifest(room.registry, &room.call, "a", "3", broken);
    two = fake_referrers(room.registry, &room.call, "a", subject);
    g_assert_cmpstr(two, ==, both);
    again = fake_referrers(room.registry, &room.call, "a", sbom_digest);
    g_assert_cmpstr(again, ==, "");
    room_leave(&room);
}

static void
test_sees_other_writer(void)
{
    Room room;
    hr_registry *other;
    hr_registry *own;
    g_autofree char *digest = NULL;
    hr_manifest_query query;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "one"));
    own = room.registry;
    other = room.registry = room_open_again(&room);
    digest = room_push(&room, "a", "2", "two");
    room.registry = own;
    g_assert_cmpint(fake_resolve(room.registry, &room.call, "a", "2", &query),
                    ==, HR_OK);
    g_assert_cmpstr(query.digest, ==, digest);
    room_ops->close(other);
    room_leave(&room);
}

/* ---------------------------------------------------------- many at once */

typedef struct Putter {
    const Room *room;
    unsigned number;
    unsigned count;
} Putter;

static void *
put_tags(void *data)
{
    const Putter *putter = data;
    hr_call call = {0};

    for (unsigned i = 0; i < putter->count; i++) {
        g_autofree char *tag = g_strdup_printf("t%u-%u", putter->number, i);
        g_autofree char *manifest = room_manifest(tag, "");
        hr_status status = fake_push_manifest(putter->room->registry, &call,
                                              "many/tags", tag, manifest);

        if (status != HR_OK)
            g_error("%s", call.reason);
    }
    return NULL;
}

static void
start_putters(const Room *room, Putter *putters, pthread_t *threads,
              unsigned count)
{
    for (unsigned i = 0; i < THREADS; i++) {
        putters[i] = (Putter){room, i, count};
        g_assert_cmpint(
            pthread_create(&threads[i], NULL, put_tags, &putters[i]), ==, 0);
    }
}

/* Counts how often index.json was renamed into place. */
static unsigned
count_writes(int watch)
{
    _Alignas(struct inotify_event) char buffer[4096];
    unsigned count = 0;
    ssize_t got;

    while ((got = read(watch, buffer, sizeof buffer)) > 0) {
        for (char *at = buffer; at < buffer + got;) {
            struct inotify_event *event = (struct inotify_event *)at;

            g_assert_false(event->mask & IN_Q_OVERFLOW);
            if (event->len > 0 && strcmp(event->name, "index.json") == 0)
                count++;
            at += sizeof *event + event->len;
        }
    }
    return count;
}

static void
test_concurrent_puts(void)
{
    Room room;
    Putter putters[THREADS];
    pthread_t threads[THREADS];
    g_autofree char *tags = NULL;
    g_auto(GStrv) list = NULL;
    hr_manifest_query query;

    room_enter(&room);
    start_putters(&room, putters, threads, TAGS_EACH);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    room_reopen(&room);
    tags = fake_list(room.registry, &room.call, "many/tags");
    list = g_strsplit(tags, " ", -1);
    g_assert_cmpuint(g_strv_length(list), ==, THREADS * TAGS_EACH);
    for (char **tag = list; *tag != NULL; tag++) {
        g_autofree char *manifest = room_manifest(*tag, "");
        g_autofree char *digest = fake_digest(manifest, strlen(manifest));

        g_assert_cmpint(
            fake_resolve(room.registry, &room.call, "many/tags", *tag, &query),
            ==, HR_OK);
        g_assert_cmpstr(query.digest, ==, digest);
    }
    room_leave(&room);
}

/* While another process holds the lock, eight puts come together; then one
 * write serves the first, and one the seven that queued up behind it. */
static void
test_group_commit(void)
{
    Room room;
    Putter putters[THREADS];
    pthread_t threads[THREADS];
    g_autofree char *lock = NULL, *directory = NULL, *tags = NULL;
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int held;

    room_enter(&room);
    g_free(room_push(&room, "many/tags", "first", "first"));
    lock = room_path(&room, "many/tags/.lock");
    held = open(lock, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(flock(held, LOCK_EX), ==, 0);
    directory = room_path(&room, "many/tags");
    g_assert_cmpint(inotify_add_watch(watch, directory, IN_MOVED_TO), >=, 0);
    start_putters(&room, putters, threads, 1);
    g_usleep(300000);
    g_assert_cmpuint(count_writes(watch), ==, 0);
    close(held);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpuint(count_writes(watch), <=, 4);
    close(watch);
    tags = fake_list(room.registry, &room.call, "many/tags");
    g_assert_cmpstr(tags, ==, "first t0-0 t1-0 t2-0 t3-0 t4-0 t5-0 t6-0 t7-0");
    room_leave(&room);
}

/* Writing what is there already touches nothing. */
static void
test_unchanged_writes_nothing(void)
{
    Room room;
    g_autofree char *path = NULL;
    struct stat before, after;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "one"));
    path = room_path(&room, "a/index.json");
    g_assert_cmpint(stat(path, &before), ==, 0);
    g_free(room_push(&room, "a", "1", "one"));
    g_assert_cmpint(stat(path, &after), ==, 0);
    g_assert_cmpuint(before.st_ino, ==, after.st_ino);
    room_leave(&room);
}

static void
test_many_repositories(void)
{
    Room room;
    g_autofree char *list = NULL;
    g_auto(GStrv) names = NULL;
    hr_manifest_query query;

    room_enter(&room);
    for (unsigned i = 0; i < 150; i++) {
        g_autofree char *name = g_strdup_printf("r/%u", i);

        g_free(room_push(&room, name, "1", name));
    }
    list = fake_list(room.registry, &room.call, NULL);
    names = g_strsplit(list, " ", -1);
    g_assert_cmpuint(g_strv_length(names), ==, 150);
    for (unsigned i = 0; i < 150; i++)
        g_assert_cmpint(
            fake_resolve(room.registry, &room.call, names[i], "1", &query), ==,
            HR_OK);
    room_leave(&room);
}

static void
test_skopeo(void)
{
    Room room;
    g_autofree char *source = NULL, *target = NULL, *skopeo = NULL;
    char *argv[] = {(char *)"skopeo",
                    (char *)"--insecure-policy",
                    (char *)"copy",
                    NULL,
                    NULL,
                    NULL};
    int status;

    skopeo = g_find_program_in_path("skopeo");
    if (skopeo == NULL) {
        g_test_skip("skopeo is not installed");
        return;
    }
    room_enter(&room);
    g_free(room_push(&room, "a/blobs", "1.0", "hello"));
    g_free(room_push(&room, "a/blobs", "2.0", "other"));
    source = g_strdup_printf("oci:%s/a/_blobs:2.0", room.path);
    target = g_strdup_printf("dir:%s/out", room.base);
    argv[3] = source;
    argv[4] = target;
    g_assert_true(g_spawn_sync(
        NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL,
        NULL, NULL, NULL, NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
    room_leave(&room);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    room_start();
    g_test_add_func("/layout/gives-back-what-was-stored", test_round_trip);
    g_test_add_func("/layout/stores-blobs-of-many-chunks", test_large_blob);
    g_test_add_func("/layout/keeps-a-shared-blob-once", test_shared_once);
    g_test_add_func("/layout/mounts-without-a-pool", test_mount_without_pool);
    g_test_add_func("/layout/nests-and-takes-reserved-names",
                    test_reserved_names);
    g_test_add_func("/layout/can-be-one-repository", test_single_repository);
    g_test_add_func("/layout/makes-a-missing-target-only",
                    test_missing_directory);
    g_test_add_func("/layout/does-not-make-a-missing-parent",
                    test_missing_parent);
    g_test_add_func("/layout/keeps-what-others-wrote", test_keeps_foreign);
    g_test_add_func("/layout/moves-a-tag", test_moves_tag);
    g_test_add_func("/layout/lists-a-referrer-without-a-tag",
                    test_lists_referrer);
    g_test_add_func("/layout/finds-what-refers-to-a-manifest",
                    test_finds_referrers);
    g_test_add_func("/layout/sees-what-another-process-wrote",
                    test_sees_other_writer);
    g_test_add_func("/layout/keeps-tags-of-eight-threads",
                    test_concurrent_puts);
    g_test_add_func("/layout/writes-once-for-many", test_group_commit);
    g_test_add_func("/layout/writes-nothing-twice",
                    test_unchanged_writes_nothing);
    g_test_add_func("/layout/forgets-repositories-without-losing-any",
                    test_many_repositories);
    g_test_add_func("/layout/is-read-by-skopeo", test_skopeo);
    return g_test_run();
}
