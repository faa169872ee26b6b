/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Place: directories, entered one component at a time and never through a
 * symbolic link.
 *
 *     PATH/                       the root; links on the way to it are fine
 *       .blobs/sha256/HEX         the pool
 *       .configuration/KIND/      documents
 *       a/b/                      repository a/b
 *         blobs/sha256/HEX
 *         index.json oci-layout
 *         _blobs/                 repository a/b/blobs
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "layout.h"

#define COMPONENT_CAPACITY 256
#define LOCK_NAME ".lock"
#define LOCK_PAUSE_MS 10
#define LOCK_PATIENCE_MS 5000

/* Names that a layout needs itself.  No component of a repository starts with
 * an underscore, so with one in front they mean nothing else. */
static const char *const reserved[] = {"_blobs", "_index.json", "_oci-layout"};

const char *
layout_component_store(const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(reserved[i] + 1, name) == 0)
            return reserved[i];
    return name;
}

const char *
layout_component_load(const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (strcmp(reserved[i], name) == 0)
            return name + 1;
        if (strcmp(reserved[i] + 1, name) == 0)
            return NULL;
    }
    /* The host checks the rest of the grammar. */
    return (*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9')
               ? name
               : NULL;
}

void
layout_path_join(char path[LAYOUT_PATH_CAPACITY], const Place *place,
                 const char *name)
{
    size_t length = strlen(place->path);

    memmove(path, place->path, length + 1);
    snprintf(path + length, LAYOUT_PATH_CAPACITY - length, "/%s", name);
}

void
layout_place_close(Place *place)
{
    if (place->fd >= 0)
        close(place->fd);
    place->fd = -1;
}

/* Makes a directory last: its entry is on the disk before anything in it. */
static bool
make_directory(int parent, const char *name)
{
    if (mkdirat(parent, name, 0777) == 0)
        return fsync(parent) == 0;
    return errno == EEXIST;
}

hr_status
layout_place_enter(hr_call *call, const Place *place, const char *name,
                   PlaceMode mode, Place *child)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Place entered;

    layout_path_join(entered.path, place, name);
    entered.fd = openat(place->fd, name, flags);
    if (entered.fd < 0 && errno == ENOENT && mode == PLACE_MAKE) {
        if (!make_directory(place->fd, name)) {
            child->fd = -1;
            return layout_fail_errno(call, errno, "make directory",
                                     entered.path, 0);
        }
        entered.fd = openat(place->fd, name, flags);
    }
    *child = entered;
    if (entered.fd < 0)
        return layout_fail_errno(call, errno, "open directory", entered.path,
                                 0);
    return HR_OK;
}

static hr_status
fail_root(const hr_registry *registry, hr_call *call)
{
    switch (errno) {
    case ENOENT:
        return layout_fail(call, HR_NOT_FOUND,
                           "directory %s does not exist: check `path`",
                           registry->root);
    case ENOTDIR:
        return layout_fail(call, HR_CONFIG,
                           "%s is not a directory: check `path`",
                           registry->root);
    default:
        return layout_fail_errno(call, errno, "open directory", registry->root,
                                 0);
    }
}

/* Only the last directory is made: a missing parent is rather a mistyped path
 * or a disk that is not mounted. */
static hr_status
make_root(const hr_registry *registry, hr_call *call)
{
    if (!registry->create)
        return layout_fail(call, HR_NOT_FOUND,
                           "directory %s does not exist, and `create` is "
                           "false: make it, or check `path`",
                           registry->root);
    if (mkdir(registry->root, 0777) == 0 || errno == EEXIST)
        return HR_OK;
    if (errno == ENOENT)
        return layout_fail(call, HR_NOT_FOUND,
                           "directory %s cannot be made, for the one above "
                           "it does not exist: make that, or check `path`",
                           registry->root);
    return layout_fail_errno(call, errno, "make directory", registry->root, 0);
}

hr_status
layout_root_open(const hr_registry *registry, hr_call *call, PlaceMode mode,
                 Place *place)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

    if ((size_t)snprintf(place->path, sizeof place->path, "%s",
                         registry->root) >= sizeof place->path) {
        place->fd = -1;
        return layout_fail(call, HR_CONFIG, "`path` is too long");
    }
    place->fd = open(registry->root, flags);
    if (place->fd < 0 && errno == ENOENT && mode == PLACE_MAKE) {
        hr_status status = make_root(registry, call);

        if (status != HR_OK)
            return status;
        place->fd = open(registry->root, flags);
    }
    return place->fd >= 0 ? HR_OK : fail_root(registry, call);
}

/* Enters the next component; *name moves behind it. */
static hr_status
descend(hr_call *call, Place *place, const char **name, PlaceMode mode)
{
    char component[COMPONENT_CAPACITY];
    size_t length = strcspn(*name, "/");
    const char *stored, *meant;
    hr_status status;
    Place child;

    if (length >= sizeof component || length == 0)
        return layout_fail(call, HR_INVALID,
                           "%s is no part of a repository name", *name);
    memcpy(component, *name, length);
    component[length] = '\0';
    *name += length + ((*name)[length] == '/');
    /* The host checks names; what leads elsewhere is refused here once
     * more. */
    stored = layout_component_store(component);
    meant = layout_component_load(stored);
    if (meant == NULL || strcmp(meant, component) != 0)
        return layout_fail(call, HR_INVALID,
                           "%s is no part of a repository name", component);
    status = layout_place_enter(call, place, stored, mode, &child);
    if (status == HR_OK) {
        layout_place_close(place);
        *place = child;
    }
    return status;
}

hr_status
layout_place_open(const hr_registry *registry, hr_call *call,
                  const char *repository, PlaceMode mode, Place *place)
{
    hr_status status;

    place->fd = -1;
    if (registry->only != NULL && strcmp(registry->only, repository) != 0)
        return layout_fail(call, HR_NOT_FOUND,
                           "there is no repository %s: %s is the layout of "
                           "%s alone, as `repository` says",
                           repository, registry->root, registry->only);
    status = layout_root_open(registry, call, mode, place);
    if (registry->only != NULL)
        return status;
    while (status == HR_OK && *repository != '\0')
        status = descend(call, place, &repository, mode);
    if (status != HR_OK)
        layout_place_close(place);
    return status;
}

hr_status
layout_place_lock(hr_call *call, const Place *place, int *fd)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000};
    char path[LAYOUT_PATH_CAPACITY];
    unsigned waited_ms = 0;

    layout_path_join(path, place, LOCK_NAME);
    *fd = openat(place->fd, LOCK_NAME,
                 O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (*fd < 0)
        return layout_fail_errno(call, errno, "open", path, 0);
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            close(*fd);
            *fd = -1;
            return HR_OK;
        }
        if (layout_cancelled(call)) {
            close(*fd);
            *fd = -1;
            return layout_fail(call, HR_CANCELLED,
                               "cancelled while another process held %s",
                               path);
        }
        if (waited_ms == LOCK_PATIENCE_MS)
            layout_log(HR_LOG_WARNING,
                       "waiting for %s, which another process holds", path);
        nanosleep(&pause, NULL);
        waited_ms += LOCK_PAUSE_MS;
    }
    return HR_OK;
}
