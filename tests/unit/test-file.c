/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole files: bounded reading, replacing. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define TORN_BYTES 100000

typedef struct Room {
    char *directory;
    char *path;
} Room;

static void
set_up(Room *room, const void *data)
{
    (void)data;
    room->directory = g_dir_make_tmp("hr-file-XXXXXX", NULL);
    g_assert_nonnull(room->directory);
    room->path = g_build_filename(room->directory, "file", NULL);
}

static unsigned
count_entries(const Room *room)
{
    g_autoptr(GDir) entries = g_dir_open(room->directory, 0, NULL);
    unsigned count = 0;

    while (g_dir_read_name(entries) != NULL)
        count++;
    return count;
}

static void
tear_down(Room *room, const void *data)
{
    (void)data;
    if (g_file_test(room->path, G_FILE_TEST_IS_DIR))
        g_rmdir(room->path);
    else
        g_unlink(room->path);
    /* Nothing else was left behind. */
    g_assert_cmpint(g_rmdir(room->directory), ==, 0);
    g_free(room->directory);
    g_free(room->path);
}

static void
assert_content(const Room *room, const char *expected, size_t expected_size)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *data = NULL;
    size_t size;

    g_assert_true(hr_file_read(room->path, 1 << 20, &data, &size, &error));
    g_assert_no_error(error);
    g_assert_cmpmem(data, size, expected, expected_size);
    g_assert_cmpint(data[size], ==, '\0');
}

static void
assert_unreadable(const char *path, size_t limit, int status)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *data = NULL;
    size_t size;

    g_assert_false(hr_file_read(path, limit, &data, &size, &error));
    g_assert_error(error, HR_ERROR, status);
    g_assert_true(g_str_has_prefix(error->message, path));
    g_assert_null(data);
}

static void
test_reads_back(Room *room, const void *data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_true(hr_file_replace(room->path, "a\0b", 3, 0600, &error));
    g_assert_no_error(error);
    assert_content(room, "a\0b", 3);
    g_assert_true(hr_file_replace(room->path, "", 0, 0600, &error));
    assert_content(room, "", 0);
    g_assert_cmpuint(count_entries(room), ==, 1);
}

static void
test_mode(Room *room, const void *data)
{
    static const int modes[] = {0600, 0644, 0400};
    mode_t mask = umask(077);

    (void)data;
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        struct stat status;

        g_assert_true(hr_file_replace(room->path, "x", 1, modes[i], NULL));
        g_assert_cmpint(stat(room->path, &status), ==, 0);
        g_assert_cmpint(status.st_mode & 07777, ==, modes[i]);
    }
    umask(mask);
}

static void
test_limit(Room *room, const void *data)
{
    (void)data;
    g_assert_true(hr_file_replace(room->path, "12345", 5, 0600, NULL));
    assert_unreadable(room->path, 4, HR_INVALID);
    assert_unreadable(room->path, 0, HR_INVALID);
    {
        g_autofree char *content = NULL;
        size_t size;

        g_assert_true(hr_file_read(room->path, 5, &content, &size, NULL));
        g_assert_cmpstr(content, ==, "12345");
    }
}

/* A file of /proc says that its size is 0. */
static void
test_unknown_size(void)
{
    g_autofree char *data = NULL;
    size_t size;

    if (!g_file_test("/proc/self/status", G_FILE_TEST_EXISTS)) {
        g_test_skip("no /proc");
        return;
    }
    g_assert_true(
        hr_file_read("/proc/self/status", 1 << 20, &data, &size, NULL));
    g_assert_nonnull(strstr(data, "Pid:"));
    assert_unreadable("/proc/self/status", 10, HR_INVALID);
}

static void
test_not_regular(Room *room, const void *data)
{
    (void)data;
    assert_unreadable(room->path, 100, HR_NOT_FOUND);
    assert_unreadable(room->directory, 100, HR_INVALID);
    /* With nobody at its other end, reading this would never return. */
    g_assert_cmpint(mkfifo(room->path, 0600), ==, 0);
    assert_unreadable(room->path, 100, HR_INVALID);
}

static void
test_no_place(Room *room, const void *data)
{
    g_autofree char *inside = g_build_filename(room->path, "x", NULL);
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_false(hr_file_replace(inside, "x", 1, 0600, &error));
    g_assert_error(error, HR_ERROR, HR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_cmpint(g_mkdir(room->path, 0700), ==, 0);
    g_assert_false(hr_file_replace(room->path, "x", 1, 0600, &error));
    g_assert_error(error, HR_ERROR, HR_INVALID);
    g_assert_true(g_str_has_prefix(error->message, room->path));
}

/* The old file stays whole, and nothing is left beside it, when there is no
 * room for the new one. */
static void
test_no_room(Room *room, const void *data)
{
    g_autofree char *large = g_strnfill(TORN_BYTES, 'x');
    g_autoptr(GError) error = NULL;
    struct rlimit old;
    struct rlimit small;
    bool replaced;

    (void)data;
    g_assert_true(hr_file_replace(room->path, "old", 3, 0600, NULL));
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
    small = old;
    small.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    replaced = hr_file_replace(room->path, large, TORN_BYTES, 0600, &error);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
    signal(SIGXFSZ, SIG_DFL);
    g_assert_false(replaced);
    g_assert_error(error, HR_ERROR, HR_LOCAL_RESOURCE);
    g_assert_cmpuint(count_entries(room), ==, 1);
    assert_content(room, "old", 3);
}

typedef struct Reader {
    const char *path;
    atomic_bool stop;
    unsigned reads;
    unsigned torn;
} Reader;

static void *
read_often(void *data)
{
    Reader *reader = data;

    while (!atomic_load(&reader->stop)) {
        g_autofree char *text = NULL;
        size_t size;

        reader->reads++;
        if (!hr_file_read(reader->path, TORN_BYTES, &text, &size, NULL) ||
            size != TORN_BYTES || strspn(text, (char[]){*text, 0}) != size)
            reader->torn++;
    }
    return NULL;
}

static void
test_never_torn(Room *room, const void *data)
{
    Reader reader = {.path = room->path};
    pthread_t thread;

    (void)data;
    for (unsigned i = 0; i < 100; i++) {
        g_autofree char *text = g_strnfill(TORN_BYTES, (char)('a' + i % 26));

        g_assert_true(
            hr_file_replace(room->path, text, TORN_BYTES, 0600, NULL));
        if (i == 0)
            g_assert_cmpint(pthread_create(&thread, NULL, read_often, &reader),
                            ==, 0);
    }
    atomic_store(&reader.stop, true);
    pthread_join(thread, NULL);
    g_assert_cmpuint(reader.torn, ==, 0);
    g_assert_cmpuint(count_entries(room), ==, 1);
}

static void
add(const char *name, void (*test)(Room *, const void *))
{
    g_test_add(name, Room, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/file/reads-back-what-was-written", test_reads_back);
    add("/file/mode-is-as-asked-for", test_mode);
    add("/file/larger-than-the-limit-is-refused", test_limit);
    g_test_add_func("/file/size-may-be-unknown", test_unknown_size);
    add("/file/only-regular-files-are-read", test_not_regular);
    add("/file/nowhere-to-write-is-an-error", test_no_place);
    add("/file/no-room-leaves-the-old-one", test_no_room);
    add("/file/never-seen-half-written", test_never_torn);
    return g_test_run();
}
