/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Room: see room.h. */
#include "room.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

const hr_registry_ops *room_ops;

void
room_start(void)
{
    room_ops = fake_host_start(hr_plugin_entry_v1());
}

hr_registry *
room_open_again(const Room *room)
{
    const FakeSetting settings[] = {
        {"path", room->path, 0},
        {"create", NULL, 1},
        {NULL, NULL, 0},
    };

    return fake_host_open(settings);
}

/* In memory if possible: there is much fsync, and other tests use the disk. */
void
room_enter(Room *room)
{
    *room = (Room){.base = g_strdup("/dev/shm/layout-XXXXXX")};
    if (g_mkdtemp(room->base) == NULL) {
        g_free(room->base);
        room->base = g_dir_make_tmp("layout-XXXXXX", NULL);
    }
    g_assert_nonnull(room->base);
    room->path = g_build_filename(room->base, "registry", NULL);
    room->registry = room_open_again(room);
}

void
room_leave(Room *room)
{
    char *argv[] = {(char *)"rm", (char *)"-rf", (char *)"--", room->base,
                    NULL};

    room_ops->close(room->registry);
    g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
                               NULL, NULL, NULL, NULL, NULL));
    g_free(room->base);
    g_free(room->path);
    g_free(fake_log_take());
}

void
room_reopen(Room *room)
{
    room_ops->close(room->registry);
    room->registry = room_open_again(room);
}

char *
room_path(const Room *room, const char *format, ...)
{
    g_autofree char *tail = NULL;
    va_list arguments;

    va_start(arguments, format);
    tail = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return g_strconcat(room->path, "/", tail, NULL);
}

void
room_scribble(const Room *room, const char *name, const char *text,
              gssize size)
{
    g_autofree char *path = room_path(room, "%s", name);
    FILE *file = fopen(path, "w");
    size_t length = size < 0 ? strlen(text) : (size_t)size;

    g_assert_nonnull(file);
    g_assert_cmpuint(fwrite(text, 1, length, file), ==, length);
    g_assert_cmpint(fclose(file), ==, 0);
}

char *
room_manifest(const char *layer, const char *extra)
{
    g_autofree char *config = fake_digest("{}", 2);
    g_autofree char *digest = fake_digest(layer, strlen(layer));

    return g_strdup_printf(
        "{\"schemaVersion\":2,"
        "\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+"
        "json\",\"digest\":\"%s\",\"size\":2},\"layers\":[{\"mediaType\":"
        "\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\","
        "\"size\":%zu}]%s}",
        config, digest, strlen(layer), extra);
}

char *
room_push(Room *room, const char *repository, const char *tag,
          const char *layer)
{
    g_autofree char *manifest = room_manifest(layer, "");

    g_assert_cmpint(fake_push_blob(room->registry, &room->call, repository,
                                   "{}", 2, NULL, NULL),
                    ==, HR_OK);
    g_assert_cmpint(fake_push_blob(room->registry, &room->call, repository,
                                   layer, strlen(layer), NULL, NULL),
                    ==, HR_OK);
    g_assert_cmpint(fake_push_manifest(room->registry, &room->call, repository,
                                       tag, manifest),
                    ==, HR_OK);
    return fake_digest(manifest, strlen(manifest));
}

static int
wait_for(pid_t child)
{
    int status;

    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
room_run_child(void (*run)(Room *room), Room *room)
{
    pid_t child = fork();

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        run(room);
        _exit(0);
    }
    g_assert_cmpint(wait_for(child), ==, 0);
}

bool
room_run_apart(void (*run)(Room *room), Room *room)
{
    pid_t child = fork();
    int status;

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        if (unshare(CLONE_NEWNS) != 0 ||
            mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
            g_mkdir_with_parents(room->path, 0755) != 0 ||
            mount("none", room->path, "tmpfs", 0, "size=2m") != 0)
            _exit(77);
        run(room);
        _exit(0);
    }
    status = wait_for(child);
    if (status == 77)
        return false;
    g_assert_cmpint(status, ==, 0);
    return true;
}

void
room_assert_said(const Room *room, const char *text)
{
    if (strstr(room->call.reason, text) == NULL)
        g_error("expected \"%s\" in \"%s\"", text, room->call.reason);
}
