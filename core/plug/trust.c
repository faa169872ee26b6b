/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trust: whether a plugin file may be let into the process. */
#include "plug/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static bool
owner_trusted(const struct stat *status)
{
    return status->st_uid == 0 || status->st_uid == geteuid();
}

static bool
check_directory(const char *path, bool is_plugin_directory, GError **error)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return hr_error_set(error, hr_status_from_errno(errno),
                            "%s: cannot look at it: %s", path,
                            g_strerror(errno));
    if (!owner_trusted(&status))
        return hr_error_set(error, HR_CONFIG,
                            "the directory %s belongs to user %u, not to root "
                            "or us: whoever owns it could swap plugins; "
                            "change its owner",
                            path, (unsigned)status.st_uid);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return true;
    /* In a sticky directory nobody but the owner can rename our entry. */
    if (!is_plugin_directory && (status.st_mode & S_ISVTX) != 0)
        return true;
    return hr_error_set(error, HR_CONFIG,
                        "the directory %s is writable by others, who could "
                        "swap plugins: run chmod go-w on it",
                        path);
}

/* Every directory from that of the plugins to the root. */
static bool
check_chain(const char *directory, GError **error)
{
    g_autofree char *path = g_strdup(directory);
    bool first = true;

    for (;;) {
        char *parent;

        if (!check_directory(path, first, error))
            return false;
        if (strcmp(path, "/") == 0)
            return true;
        first = false;
        parent = g_path_get_dirname(path);
        g_free(path);
        path = parent;
    }
}

static bool
check_file(int fd, const char *path, GError **error)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return hr_error_set(error, HR_CONFIG, "%s: not a regular file", path);
    if (!owner_trusted(&status))
        return hr_error_set(error, HR_CONFIG,
                            "%s: belongs to user %u, not to root or us: "
                            "change its owner",
                            path, (unsigned)status.st_uid);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return hr_error_set(error, HR_CONFIG,
                            "%s: is writable by others, who could put any "
                            "code there: run chmod go-w on it",
                            path);
    return true;
}

/* The real names of directory and file; the file must still be inside. */
static bool
resolve(const char *directory, const char *name, char **real_directory,
        char **real_file, GError **error)
{
    g_autofree char *file = g_build_filename(directory, name, NULL);
    char *inside = realpath(directory, NULL);
    char *target = realpath(file, NULL);
    bool good = false;

    if (inside == NULL || target == NULL) {
        hr_error_set(error,
                     errno == ENOENT ? HR_NOT_FOUND
                                     : hr_status_from_errno(errno),
                     "%s: %s", file, g_strerror(errno));
    } else {
        g_autofree char *parent = g_path_get_dirname(target);

        good = strcmp(parent, inside) == 0 ||
               hr_error_set(error, HR_CONFIG,
                            "%s: is a symbolic link that leads out of the "
                            "plugin directory, to %s: copy the file instead",
                            file, target);
    }
    *real_directory = g_strdup(inside);
    *real_file = g_strdup(target);
    free(inside);
    free(target);
    return good;
}

int
hr_trust_open(const char *directory, const char *name, char **path,
              GError **error)
{
    g_autofree char *real_directory = NULL;
    g_autofree char *real_file = NULL;
    int fd;

    if (!resolve(directory, name, &real_directory, &real_file, error) ||
        !check_chain(real_directory, error))
        return -1;
    fd = open(real_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        hr_error_set(error, hr_status_from_errno(errno), "%s: cannot open: %s",
                     real_file, g_strerror(errno));
        return -1;
    }
    if (!check_file(fd, real_file, error)) {
        close(fd);
        return -1;
    }
    *path = g_steal_pointer(&real_file);
    return fd;
}
