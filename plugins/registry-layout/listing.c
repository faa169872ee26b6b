/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listing: the names of repositories and tags, all of them or none. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout.h"

/* Longest name of a repository (distribution specification). */
#define NAME_CAPACITY 256

typedef struct Walk {
    hr_call *call;
    hr_names *names;
    char name[NAME_CAPACITY]; /* of the directory that is looked at */
} Walk;

static bool
has_file(const Place *place, const char *name)
{
    struct stat stat;

    return fstatat(place->fd, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(stat.st_mode);
}

hr_status
layout_probe(hr_registry *registry, hr_call *call)
{
    Place root;
    hr_status status = layout_root_open(registry, call, PLACE_FIND, &root);

    /* A target is made by the first write. */
    if (status == HR_NOT_FOUND && registry->create) {
        layout_host->call->forgive(layout_module, call);
        return HR_OK;
    }
    if (status != HR_OK)
        return status;
    if (registry->only == NULL && has_file(&root, "index.json") &&
        has_file(&root, "oci-layout"))
        status = layout_fail(call, HR_CONFIG,
                             "%s is the OCI layout of one repository, not a "
                             "directory of repositories: name it with "
                             "`repository`, or let `path` be the directory "
                             "above",
                             registry->root);
    layout_place_close(&root);
    return status;
}

/* ----------------------------------------------------------- repositories */

static hr_status
walk(Walk *at, const Place *place);

/* True if the entry is a directory that may belong to a repository. */
static bool
is_component(const Place *place, const struct dirent *entry)
{
    struct stat stat;

    if (layout_component_load(entry->d_name) == NULL)
        return false;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return entry->d_type == DT_DIR;
    if (fstatat(place->fd, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (S_ISLNK(stat.st_mode))
        layout_log(HR_LOG_WARNING,
                   "%s/%s is a symbolic link: what it leads to is not looked "
                   "at",
                   place->path, entry->d_name);
    return S_ISDIR(stat.st_mode);
}

/* Goes into a directory with the name of the walk extended by it. */
static hr_status
walk_child(Walk *at, const Place *place, const char *entry)
{
    const char *component = layout_component_load(entry);
    size_t length = strlen(at->name);
    hr_status status;
    Place child;

    if (length + 1 + strlen(component) >= sizeof at->name) {
        layout_log(HR_LOG_WARNING,
                   "%s/%s is left out: its path is longer than a "
                   "repository's name may be",
                   place->path, entry);
        return HR_OK;
    }
    snprintf(at->name + length, sizeof at->name - length, "%s%s",
             length > 0 ? "/" : "", component);
    status = layout_place_enter(at->call, place, entry, PLACE_FIND, &child);
    if (status == HR_OK) {
        status = walk(at, &child);
        layout_place_close(&child);
    }
    at->name[length] = '\0';
    return status;
}

static hr_status
walk_entries(Walk *at, const Place *place, DIR *stream)
{
    hr_status status = HR_OK;

    while (status == HR_OK) {
        struct dirent *entry;

        if (layout_cancelled(at->call))
            return layout_fail(at->call, HR_CANCELLED, "cancelled");
        errno = 0;
        entry = readdir(stream);
        if (entry == NULL && errno != 0)
            return layout_fail_errno(at->call, errno, "read directory",
                                     place->path, 0);
        if (entry == NULL)
            break;
        if (is_component(place, entry))
            status = walk_child(at, place, entry->d_name);
    }
    return status;
}

/* Adds the directory itself if it is a repository. */
static hr_status
add_repository(Walk *at, const Place *place)
{
    hr_status status;

    if (*at->name == '\0' || !has_file(place, "index.json"))
        return HR_OK;
    status =
        layout_host->names->add(layout_module, at->call, at->names, at->name);
    if (status != HR_INVALID)
        return status;
    layout_host->call->forgive(layout_module, at->call);
    layout_log(HR_LOG_WARNING,
               "%s is left out: its path is no name of a repository",
               place->path);
    return HR_OK;
}

static hr_status
walk(Walk *at, const Place *place)
{
    hr_status status = add_repository(at, place);
    DIR *stream;
    int fd;

    if (status != HR_OK)
        return status;
    fd = openat(place->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (stream == NULL) {
        status = layout_fail_errno(at->call, errno, "open directory",
                                   place->path, 0);
        if (fd >= 0)
            close(fd);
        return status;
    }
    status = walk_entries(at, place, stream);
    closedir(stream);
    return status;
}

hr_status
layout_list_repositories(hr_registry *registry, hr_call *call, hr_names *names)
{
    Walk at = {.call = call, .names = names};
    Place root;
    hr_status status = layout_root_open(registry, call, PLACE_FIND, &root);

    if (status != HR_OK)
        return status;
    if (registry->only != NULL)
        status = layout_host->names->add(layout_module, call, names,
                                         registry->only);
    else
        status = walk(&at, &root);
    layout_place_close(&root);
    return status;
}

/* ------------------------------------------------------------------- tags */

static hr_status
add_tags(hr_call *call, const Index *index, hr_names *names)
{
    size_t count = layout_index_tag_count(index);
    hr_status status = HR_OK;

    for (size_t i = 0; i < count && status == HR_OK; i++)
        status = layout_host->names->add(layout_module, call, names,
                                         layout_index_tag(index, i)->tag);
    return status;
}

hr_status
layout_list_tags(hr_registry *registry, hr_call *call, const char *repository,
                 hr_names *names)
{
    Repository *pinned;
    const Index *index;
    hr_status status;
    Place place;

    status = layout_place_open(registry, call, repository, PLACE_FIND, &place);
    if (status != HR_OK)
        return status;
    pinned = layout_repository_pin(registry, repository);
    status = layout_repository_read(pinned, call, &place, &index);
    if (status == HR_OK) {
        status = add_tags(call, index, names);
        layout_repository_unlock(pinned);
    }
    layout_repository_unpin(registry, pinned);
    layout_place_close(&place);
    return status;
}
