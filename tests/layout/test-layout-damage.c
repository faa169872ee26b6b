/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* registry-layout: damage, attacks, full disks and sudden ends. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include "room.h"

#define KILLS 20

static char *
blob_name(const char *repository, const char *layer)
{
    g_autofree char *digest = fake_digest(layer, strlen(layer));

    return g_strdup_printf("%s/blobs/sha256/%s", repository, digest + 7);
}

/* How many temporary files there are anywhere below the room. */
static unsigned
count_temps(const char *path)
{
    g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
    unsigned count = 0;
    const char *name;

    if (directory == NULL)
        return 0;
    while ((name = g_dir_read_name(directory)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        count += g_str_has_prefix(name, ".tmp-");
        if (g_file_test(child, G_FILE_TEST_IS_DIR))
            count += count_temps(child);
    }
    return count;
}

/* A blob file with other bytes: missing, warned about, replaced. */
static void
check_bad_blob(const char *instead)
{
    Room room;
    g_autofree char *name = blob_name("a", "content");
    g_autofree char *digest = fake_digest("content", 7);
    g_autofree char *log = NULL;
    g_autoptr(GString) bytes = g_string_new(NULL);
    FakePush push;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    room_reopen(&room);
    g_assert_cmpint(fake_stat(room.registry, &room.call, "a", digest, 7), ==,
                    HR_OK);
    room_scribble(&room, name, instead, -1);
    room_reopen(&room);
    g_assert_cmpint(fake_stat(room.registry, &room.call, "a", digest, 7), ==,
                    HR_NOT_FOUND);
    log = fake_log_take();
    g_assert_nonnull(strstr(log, name));
    /* The pool's file is the same one, so it must not be linked again. */
    g_assert_cmpint(fake_push_blob(room.registry, &room.call, "a", "content",
                                   7, NULL, &push),
                    ==, HR_OK);
    g_assert_cmpint(push, ==, PUSH_SENT);
    room_reopen(&room);
    g_assert_cmpint(fake_stat(room.registry, &room.call, "a", digest, 7), ==,
                    HR_OK);
    g_assert_cmpint(fake_push_blob(room.registry, &room.call, "b", "content",
                                   7, NULL, &push),
                    ==, HR_OK);
    g_assert_cmpint(push, ==, PUSH_MOUNTED);
    g_assert_cmpint(
        fake_pull_blob(room.registry, &room.call, "b", digest, 7, bytes), ==,
        HR_OK);
    g_assert_cmpstr(bytes->str, ==, "content");
    room_leave(&room);
}

static void
test_torn(void)
{
    check_bad_blob("cont");
}

static void
test_empty_file(void)
{
    check_bad_blob("");
}

static void
test_foreign(void)
{
    check_bad_blob("something else altogether");
}

static void
test_same_size(void)
{
    check_bad_blob("CONTENT");
}

/* Changed while the registry is open: the time of the file tells. */
static void
test_changed_later(void)
{
    Room room;
    g_autofree char *name = blob_name("a", "content");
    g_autofree char *digest = fake_digest("content", 7);
    g_autofree char *path = NULL;
    struct utimbuf later = {2000000000, 2000000000};

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    g_assert_cmpint(fake_stat(room.registry, &room.call, "a", digest, 7), ==,
                    HR_OK);
    room_scribble(&room, name, "CONTENT", -1);
    path = room_path(&room, "%s", name);
    g_assert_cmpint(utime(path, &later), ==, 0);
    g_assert_cmpint(fake_stat(room.registry, &room.call, "a", digest, 7), ==,
                    HR_NOT_FOUND);
    g_assert_cmpint(fake_stat(room.registry, &room.call, "a", digest, 8), ==,
                    HR_NOT_FOUND);
    room_leave(&room);
}

static void
test_bad_manifest(void)
{
    Room room;
    g_autofree char *digest = NULL, *name = NULL, *text = NULL;
    hr_manifest_query query;

    room_enter(&room);
    digest = room_push(&room, "a", "1", "content");
    name = g_strdup_printf("a/blobs/sha256/%s", digest + 7);
    room_scribble(&room, name, "{}", 2);
    room_reopen(&room);
    g_assert_cmpint(fake_resolve(room.registry, &room.call, "a", "1", &query),
                    ==, HR_NOT_FOUND);
    g_assert_nonnull(strstr(query.message, "does not hold what its name"));
    g_assert_cmpint(
        fake_pull_manifest(room.registry, &room.call, "a", "1", &text), ==,
        HR_NOT_FOUND);
    g_free(room_push(&room, "a", "1", "content"));
    room_reopen(&room);
    g_assert_cmpint(fake_resolve(room.registry, &room.call, "a", "1", &query),
                    ==, HR_OK);
    room_leave(&room);
}

static void
test_large_manifest(void)
{
    Room room;
    size_t size = 5 * 1024 * 1024;
    g_autofree char *manifest = g_strnfill(size, ' ');
    g_autofree char *text = NULL;
    hr_manifest_query query;

    room_enter(&room);
    memcpy(manifest, "{}", 2);
    g_assert_cmpint(
        fake_push_manifest(room.registry, &room.call, "a", "1", manifest), ==,
        HR_OK);
    g_assert_cmpint(fake_resolve(room.registry, &room.call, "a", "1", &query),
                    ==, HR_INVALID);
    g_assert_cmpint(
        fake_pull_manifest(room.registry, &room.call, "a", "1", &text), ==,
        HR_INVALID);
    room_assert_said(&room, "more than the limit of 4194304");
    room_leave(&room);
}

/* ------------------------------------------------------------ index.json */

/* An index.json that is refused with a sentence that holds `text`, by readers
 * and by writers, and is left alone. */
static void
check_bad_index(Room *room, const char *index, const char *text)
{
    g_autofree char *path = room_path(room, "a/index.json");
    g_autofree char *after = NULL;
    hr_manifest_query query;

    room_scribble(room, "a/index.json", index, -1);
    g_assert_null(fake_list(room->registry, &room->call, "a"));
    g_assert_cmpint(room->call.status, ==, HR_INVALID);
    room_assert_said(room, "a/index.json");
    room_assert_said(room, text);
    room->call.status = HR_OK;
    g_assert_cmpint(
        fake_resolve(room->registry, &room->call, "a", "1", &query), ==,
        HR_INVALID);
    g_assert_cmpint(
        fake_push_manifest(room->registry, &room->call, "a", "2", "{}"), ==,
        HR_INVALID);
    g_assert_true(g_file_get_contents(path, &after, NULL, NULL));
    g_assert_cmpstr(after, ==, index);
}

/* What came after such a byte would have been lost by the next writer. */
static void
test_index_with_zero_byte(void)
{
    static const char index[] =
        "{\"manifests\":[\n{\"size\":1\0,\"digest\":\"\"}]}";
    g_autofree char *path = NULL;
    g_autofree char *after = NULL;
    gsize size;
    Room room;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    path = room_path(&room, "a/index.json");
    room_scribble(&room, "a/index.json", index, sizeof index - 1);
    g_assert_null(fake_list(room.registry, &room.call, "a"));
    room_assert_said(&room, "index.json:2:10: a zero byte");
    room.call.status = HR_OK;
    g_assert_cmpint(
        fake_push_manifest(room.registry, &room.call, "a", "2", "{}"), ==,
        HR_INVALID);
    g_assert_true(g_file_get_contents(path, &after, &size, NULL));
    g_assert_cmpmem(after, size, index, sizeof index - 1);
    room_leave(&room);
}

static void
test_bad_index(void)
{
    static const char *const cases[][2] = {
        {"", "index.json:1:1: an object is expected"},
        {"[]", "an object is expected"},
        {"{\n\"manifests\": [", "index.json:2:"},
        {"{\n\"manifests\": [{\"a\":1},", "index.json:2:"},
        {"{\"manifests\":[]", "cut off"},
        {"{\"manifests\":[{\"a\":\"", "does not end"},
        {"{\"manifests\":[{\"a\":tru}]}", "index.json:1:"},
        {"{\"manifests\":[\n {\"a\":1,\"a\":2}]}", "index.json:2:"},
        {"{\"manifests\":[] \"x\":1}", "a comma is expected"},
        {"{\"manifests\":[{]}", "index.json:1:"},
        {"{\"manifests\":[],}", "a name in quotes"},
        {"{\"manifests\":[1,]}", "a value is expected"},
        {"{\"manifests\":[]} x", "something follows"},
        {"{\"manifests\":{}}", "an array is expected"},
        {"{\"schemaVersion\":2}", "no member `manifests`"},
        {"{\"manifests\":[],\"manifests\":[]}", "second time"},
        {"{\"manif\\u0065sts\":[],\"manifests\":[]}", "second time"},
        {"{\"a\":1,\n\"a\":2,\"manifests\":[]}", "index.json:2:"},
    };
    g_autofree char *deep = g_strnfill(100000, '[');
    g_autofree char *wrapped =
        g_strconcat("{\"manifests\":[],\"x\":", deep, NULL);
    Room room;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        check_bad_index(&room, cases[i][0], cases[i][1]);
    check_bad_index(&room, wrapped, "nested too deep");
    room_leave(&room);
}

static void
test_every_truncation(void)
{
    Room room;
    g_autofree char *path = NULL, *text = NULL;
    size_t size;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    path = room_path(&room, "a/index.json");
    g_assert_true(g_file_get_contents(path, &text, &size, NULL));
    /* Without its last byte, a line break, it is still whole. */
    for (size_t i = 0; i + 1 < size; i++) {
        room_scribble(&room, "a/index.json", text, (gssize)i);
        g_assert_null(fake_list(room.registry, &room.call, "a"));
        g_assert_cmpint(room.call.status, ==, HR_INVALID);
    }
    room_leave(&room);
}

static void
test_large_index(void)
{
    Room room;
    g_autofree char *path = NULL;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    path = room_path(&room, "a/index.json");
    g_assert_cmpint(truncate(path, 17 * 1024 * 1024), ==, 0);
    g_assert_null(fake_list(room.registry, &room.call, "a"));
    g_assert_cmpint(room.call.status, ==, HR_INVALID);
    room_assert_said(&room, "16 MiB");
    room_leave(&room);
}

/* A digest in index.json is not a way out of the directory. */
static void
test_digest_is_no_path(void)
{
    Room room;
    g_autofree char *tags = NULL;
    hr_manifest_query query;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    room_scribble(&room, "a/index.json",
                  "{\"manifests\":[{\"digest\":\"sha256:../../index.json\","
                  "\"size\":1,\"annotations\":{\"org.opencontainers.image."
                  "ref.name\":\"1\"}}]}",
                  -1);
    tags = fake_list(room.registry, &room.call, "a");
    g_assert_cmpstr(tags, ==, "");
    g_assert_cmpint(fake_resolve(room.registry, &room.call, "a", "1", &query),
                    ==, HR_NOT_FOUND);
    room_leave(&room);
}

/* -------------------------------------------------------------- attacks */

static void
replace_by_link(const Room *room, const char *name, const char *target)
{
    g_autofree char *path = room_path(room, "%s", name);
    g_autofree char *aside = g_strconcat(path, "-aside", NULL);

    g_assert_cmpint(g_rename(path, aside), ==, 0);
    g_assert_cmpint(symlink(target != NULL ? target : aside, path), ==, 0);
}

static void
test_linked_blob(void)
{
    Room room;
    g_autofree char *name = blob_name("a", "content");
    g_autofree char *digest = fake_digest("content", 7);
    g_autofree char *log = NULL;
    g_autoptr(GString) bytes = g_string_new(NULL);
    FakePush push;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    /* The right bytes, but through a link. */
    replace_by_link(&room, name, NULL);
    g_assert_cmpint(fake_stat(room.registry, &room.call, "a", digest, 7), ==,
                    HR_NOT_FOUND);
    log = fake_log_take();
    g_assert_nonnull(strstr(log, "symbolic link"));
    g_assert_cmpint(
        fake_pull_blob(room.registry, &room.call, "a", digest, 7, bytes), ==,
        HR_INVALID);
    g_assert_cmpint(fake_push_blob(room.registry, &room.call, "a", "content",
                                   7, NULL, &push),
                    ==, HR_OK);
    g_assert_cmpint(fake_stat(room.registry, &room.call, "a", digest, 7), ==,
                    HR_OK);
    room_leave(&room);
}

static void
test_linked_directory(void)
{
    Room room;
    g_autofree char *outside = NULL, *inside = NULL, *list = NULL;
    hr_manifest_query query;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    outside = g_build_filename(room.base, "outside", NULL);
    g_assert_cmpint(g_mkdir(outside, 0755), ==, 0);
    inside = room_path(&room, "evil");
    g_assert_cmpint(symlink(outside, inside), ==, 0);
    g_assert_cmpint(
        fake_push_manifest(room.registry, &room.call, "evil/x", "1", "{}"), ==,
        HR_INVALID);
    room_assert_said(&room, "evil");
    room.call.status = HR_OK;
    g_assert_cmpint(
        fake_resolve(room.registry, &room.call, "evil", "1", &query), ==,
        HR_INVALID);
    list = fake_list(room.registry, &room.call, NULL);
    g_assert_cmpstr(list, ==, "a");
    g_assert_cmpint(g_rmdir(outside), ==, 0);
    room_leave(&room);
}

static void
test_linked_index(void)
{
    Room room;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    replace_by_link(&room, "a/index.json", NULL);
    g_assert_null(fake_list(room.registry, &room.call, "a"));
    g_assert_cmpint(room.call.status, ==, HR_INVALID);
    room_assert_said(&room, "it is not followed");
    room_leave(&room);
}

static void
test_fifo(void)
{
    Room room;
    g_autofree char *name = blob_name("a", "content");
    g_autofree char *digest = fake_digest("content", 7);
    g_autofree char *path = NULL;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    path = room_path(&room, "%s", name);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(mkfifo(path, 0644), ==, 0);
    g_assert_cmpint(fake_stat(room.registry, &room.call, "a", digest, 7), ==,
                    HR_NOT_FOUND);
    room_leave(&room);
}

static void
test_names_stay_inside(void)
{
    static const char *const names[] = {"..",   "a/../../b", ".blobs",
                                        "/etc", "a//b",      "_blobs"};
    Room room;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_cmpint(
            fake_push_manifest(room.registry, &room.call, names[i], "1", "{}"),
            ==, HR_INVALID);
        room_assert_said(&room, "no part of a repository name");
    }
    room_leave(&room);
}

/* ------------------------------------------------------------ sudden end */

static void
push_for_ever(Room *room, unsigned round)
{
    for (unsigned i = 0;; i++) {
        g_autofree char *tag = g_strdup_printf("t%u-%u", round, i);
        g_autofree char *repository = g_strdup_printf("r%u", i % 3);

        g_free(room_push(room, repository, tag, tag));
    }
}

/* What a fresh process finds: every tag that is listed is there whole. */
static unsigned
check_all(Room *room)
{
    unsigned count = 0;
    hr_manifest_query query;

    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *repository = g_strdup_printf("r%u", i);
        g_autofree char *tags =
            fake_list(room->registry, &room->call, repository);
        g_auto(GStrv) list = NULL;

        if (tags == NULL) {
            g_assert_cmpint(room->call.status, ==, HR_NOT_FOUND);
            room->call.status = HR_OK;
            continue;
        }
        list = g_strsplit(tags, " ", -1);
        for (char **tag = list; *tag != NULL && **tag != '\0'; tag++) {
            g_autofree char *layer = fake_digest(*tag, strlen(*tag));

            count++;
            g_assert_cmpint(fake_resolve(room->registry, &room->call,
                                         repository, *tag, &query),
                            ==, HR_OK);
            g_assert_cmpint(fake_stat(room->registry, &room->call, repository,
                                      layer, strlen(*tag)),
                            ==, HR_OK);
        }
    }
    return count;
}

static void
test_kill(void)
{
    Room room;
    g_autofree char *log = NULL;
    unsigned count = 0;

    room_enter(&room);
    for (unsigned round = 0; round < KILLS; round++) {
        pid_t child = fork();
        unsigned found;

        g_assert_cmpint(child, >=, 0);
        if (child == 0)
            push_for_ever(&room, round);
        g_usleep((gulong)g_test_rand_int_range(500, 30000));
        g_assert_cmpint(kill(child, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
        room_reopen(&room);
        found = check_all(&room);
        g_assert_cmpuint(found, >=, count);
        count = found;
    }
    g_assert_cmpuint(count, >, 0);
    g_free(room_push(&room, "r0", "after", "after"));
    log = fake_log_take();
    g_assert_cmpstr(log, ==, "");
    room_leave(&room);
}

static void
test_sweep(void)
{
    Room room;
    g_autofree char *old = NULL, *fresh = NULL;
    struct utimbuf past = {1000000000, 1000000000};

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    room_scribble(&room, "a/.tmp-old", "x", 1);
    room_scribble(&room, "a/.tmp-new", "x", 1);
    old = room_path(&room, "a/.tmp-old");
    fresh = room_path(&room, "a/.tmp-new");
    g_assert_cmpint(utime(old, &past), ==, 0);
    room_reopen(&room);
    g_free(room_push(&room, "a", "2", "more"));
    g_assert_false(g_file_test(old, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_test(fresh, G_FILE_TEST_EXISTS));
    room_leave(&room);
}

static void
test_abort(void)
{
    Room room;
    g_autofree char *digest = fake_digest("never", 5);
    hr_blob blob = {sizeof blob, 0, "a", digest, 5};
    hr_blob_target target = {0};

    room_enter(&room);
    g_assert_cmpint(
        room_ops->create_blob(room.registry, &room.call, &blob, NULL, &target),
        ==, HR_OK);
    g_assert_cmpint(room_ops->write_blob(room.registry, &room.call,
                                         target.writer, "ne", 2),
                    ==, HR_OK);
    g_assert_cmpuint(count_temps(room.path), ==, 1);
    room_ops->abort_blob(room.registry, &room.call, target.writer);
    g_assert_cmpuint(count_temps(room.path), ==, 0);
    g_assert_cmpint(fake_stat(room.registry, &room.call, "a", digest, 5), ==,
                    HR_NOT_FOUND);
    room_leave(&room);
}

/* ------------------------------------------------------------ full disks */

static void
fill_disk(Room *room)
{
    size_t size = 3 * 1024 * 1024;
    g_autofree char *data = g_strnfill(size, 'x');
    g_autofree char *small = g_strnfill(200000, 'y');
    g_autofree char *tags = NULL;
    hr_status status = HR_OK;

    /* Too large from the start. */
    g_free(room_push(room, "a", "1", "content"));
    g_assert_cmpint(fake_push_blob(room->registry, &room->call, "a", data,
                                   size, NULL, NULL),
                    ==, HR_LOCAL_RESOURCE);
    room_assert_said(room, "no space left on device, 3145728 bytes needed");
    /* Full on the way. */
    for (unsigned i = 0; i < 20 && status == HR_OK; i++) {
        small[0] = (char)('a' + i);
        status = fake_push_blob(room->registry, &room->call, "a", small,
                                200000, NULL, NULL);
    }
    g_assert_cmpint(status, ==, HR_LOCAL_RESOURCE);
    room_assert_said(room, room->path);
    g_assert_cmpuint(count_temps(room->path), ==, 0);
    /* Not even an index.json fits any more; the old one stays. */
    memset(small, ' ', 200000);
    memcpy(small, "{}", 2);
    for (size_t left = 199999; left > 2; left /= 2) {
        small[left] = '\0';
        status =
            fake_push_manifest(room->registry, &room->call, "a", NULL, small);
    }
    do {
        g_autofree char *tag = g_strdup_printf("x%u", g_random_int());

        status =
            fake_push_manifest(room->registry, &room->call, "a", tag, "{ }");
    } while (status == HR_OK);
    g_assert_cmpint(status, ==, HR_LOCAL_RESOURCE);
    g_assert_cmpuint(count_temps(room->path), ==, 0);
    room_reopen(room);
    tags = fake_list(room->registry, &room->call, "a");
    g_assert_nonnull(tags);
    g_assert_true(g_str_has_prefix(tags, "1"));
}

static void
test_disk_full(void)
{
    Room room;

    room_enter(&room);
    if (!room_run_apart(fill_disk, &room))
        g_test_skip("no mount namespace here");
    room_leave(&room);
}

static void
limit_files(Room *room)
{
    struct rlimit limit = {4096, 4096};
    g_autofree char *data = g_strnfill(10000, 'x');

    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    g_free(room_push(room, "a", "1", "content"));
    g_assert_cmpint(fake_push_blob(room->registry, &room->call, "a", data,
                                   10000, NULL, NULL),
                    ==, HR_LOCAL_RESOURCE);
    room_assert_said(room, "ulimit -f");
    g_assert_cmpuint(count_temps(room->path), ==, 0);
}

static void
test_file_limit(void)
{
    Room room;

    room_enter(&room);
    room_run_child(limit_files, &room);
    room_leave(&room);
}

static void
write_read_only(Room *room)
{
    g_autofree char *digest = fake_digest("content", 7);

    g_free(room_push(room, "a", "1", "content"));
    g_assert_cmpint(
        mount("none", room->path, "none", MS_REMOUNT | MS_RDONLY, "size=2m"),
        ==, 0);
    g_assert_cmpint(
        fake_push_blob(room->registry, &room->call, "a", "new", 3, NULL, NULL),
        ==, HR_AUTH_DENIED);
    room_assert_said(room, "Read-only file system: mount it writable");
    room_assert_said(room, room->path);
    g_assert_cmpint(
        fake_push_manifest(room->registry, &room->call, "a", "2", "{}"), ==,
        HR_AUTH_DENIED);
    g_assert_cmpint(
        fake_push_manifest(room->registry, &room->call, "b", "2", "{}"), ==,
        HR_AUTH_DENIED);
    room_reopen(room);
    room->call.status = HR_OK;
    g_assert_cmpint(fake_stat(room->registry, &room->call, "a", digest, 7), ==,
                    HR_OK);
}

static void
test_read_only(void)
{
    Room room;

    room_enter(&room);
    if (!room_run_apart(write_read_only, &room))
        g_test_skip("no mount namespace here");
    room_leave(&room);
}

/* A repository on a file system of its own: links do not reach it. */
static void
copy_across(Room *room)
{
    g_autofree char *other = room_path(room, "other");
    g_autofree char *digest = fake_digest("content", 7);
    g_autoptr(GString) bytes = g_string_new(NULL);
    FakePush push;

    g_free(room_push(room, "a", "1", "content"));
    g_assert_cmpint(g_mkdir(other, 0755), ==, 0);
    g_assert_cmpint(mount("none", other, "tmpfs", 0, "size=1m"), ==, 0);
    g_assert_cmpint(fake_push_blob(room->registry, &room->call, "other",
                                   "content", 7, NULL, &push),
                    ==, HR_OK);
    g_assert_cmpint(push, ==, PUSH_MOUNTED);
    g_assert_cmpint(fake_push_blob(room->registry, &room->call, "other", "new",
                                   3, NULL, &push),
                    ==, HR_OK);
    g_assert_cmpint(push, ==, PUSH_SENT);
    g_assert_cmpint(
        fake_pull_blob(room->registry, &room->call, "other", digest, 7, bytes),
        ==, HR_OK);
    g_assert_cmpstr(bytes->str, ==, "content");
    g_assert_cmpuint(count_temps(room->path), ==, 0);
}

static void
test_other_device(void)
{
    Room room;

    room_enter(&room);
    if (!room_run_apart(copy_across, &room))
        g_test_skip("no mount namespace here");
    room_leave(&room);
}

static void
test_cancelled(void)
{
    Room room;

    room_enter(&room);
    g_free(room_push(&room, "a", "1", "content"));
    atomic_store(&room.call.cancelled, 1);
    g_assert_null(fake_list(room.registry, &room.call, NULL));
    g_assert_cmpint(room.call.status, ==, HR_CANCELLED);
    room_leave(&room);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    room_start();
    g_test_add_func("/layout-damage/torn-blob-is-replaced", test_torn);
    g_test_add_func("/layout-damage/empty-blob-is-replaced", test_empty_file);
    g_test_add_func("/layout-damage/foreign-blob-is-replaced", test_foreign);
    g_test_add_func("/layout-damage/wrong-bytes-of-right-size-are-replaced",
                    test_same_size);
    g_test_add_func("/layout-damage/later-change-is-noticed",
                    test_changed_later);
    g_test_add_func("/layout-damage/wrong-manifest-is-not-found",
                    test_bad_manifest);
    g_test_add_func("/layout-damage/manifest-over-the-limit-is-refused",
                    test_large_manifest);
    g_test_add_func("/layout-damage/bad-index-is-named-with-its-line",
                    test_bad_index);
    g_test_add_func("/layout-damage/an-index-with-a-zero-byte-is-left-alone",
                    test_index_with_zero_byte);
    g_test_add_func("/layout-damage/no-truncated-index-passes",
                    test_every_truncation);
    g_test_add_func("/layout-damage/index-over-the-limit-is-refused",
                    test_large_index);
    g_test_add_func("/layout-damage/digest-is-no-path",
                    test_digest_is_no_path);
    g_test_add_func("/layout-damage/linked-blob-is-not-followed",
                    test_linked_blob);
    g_test_add_func("/layout-damage/linked-directory-is-not-followed",
                    test_linked_directory);
    g_test_add_func("/layout-damage/linked-index-is-not-followed",
                    test_linked_index);
    g_test_add_func("/layout-damage/fifo-does-not-hang", test_fifo);
    g_test_add_func("/layout-damage/names-stay-inside",
                    test_names_stay_inside);
    g_test_add_func("/layout-damage/survives-kill", test_kill);
    g_test_add_func("/layout-damage/clears-away-what-a-crash-left",
                    test_sweep);
    g_test_add_func("/layout-damage/aborted-blob-leaves-nothing", test_abort);
    g_test_add_func("/layout-damage/full-disk-says-how-much", test_disk_full);
    g_test_add_func("/layout-damage/file-limit-is-explained", test_file_limit);
    g_test_add_func("/layout-damage/read-only-is-explained", test_read_only);
    g_test_add_func("/layout-damage/copies-where-links-end",
                    test_other_device);
    g_test_add_func("/layout-damage/stops-when-cancelled", test_cancelled);
    return g_test_run();
}
