/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole files: bounded reading, and replacing that never leaves a torn one. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define READ_CHUNK 65536

static bool
fail(GError **error, const char *path, const char *what)
{
    int number = errno;

    return hr_error_set(error, hr_status_from_errno(number), "%s: %s: %s",
                        path, what, g_strerror(number));
}

/* Reads to the end of the file, for its size may change meanwhile and is 0
 * for the files of /proc.  Takes one byte more than `limit` to notice. */
static bool
read_all(int fd, const char *path, size_t expected, size_t limit,
         GString *text, GError **error)
{
    size_t room = MIN(expected, limit) + 1;

    for (;;) {
        size_t length = text->len;
        ssize_t part;

        g_string_set_size(text, length + room);
        part = read(fd, text->str + length, room);
        g_string_truncate(text, length + (part > 0 ? (size_t)part : 0));
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return fail(error, path, "cannot read");
        if (part == 0)
            return true;
        if (text->len > limit)
            return hr_error_set(error, HR_INVALID,
                                "%s: larger than the limit of "
                                "%" G_GSIZE_FORMAT " bytes",
                                path, limit);
        room = MIN((size_t)READ_CHUNK, limit - text->len + 1);
    }
}

static bool
read_open_file(int fd, const char *path, size_t limit, char **data,
               size_t *size, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct stat status;

    if (fstat(fd, &status) != 0)
        return fail(error, path, "cannot look at it");
    if (!S_ISREG(status.st_mode))
        return hr_error_set(error, HR_INVALID, "%s: not a regular file", path);
    if (!read_all(fd, path, (size_t)MAX(status.st_size, 0), limit, text,
                  error))
        return false;
    *size = text->len;
    *data = g_string_free(g_steal_pointer(&text), false);
    return true;
}

bool
hr_file_read(const char *path, size_t limit, char **data, size_t *size,
             GError **error)
{
    /* Non-blocking, so that a FIFO in its place does not hang us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool good;

    if (fd < 0)
        return fail(error, path, "cannot open");
    good = read_open_file(fd, path, limit, data, size, error);
    close(fd);
    return good;
}

static bool
write_all(int fd, const char *path, const char *data, size_t size,
          GError **error)
{
    while (size > 0) {
        ssize_t part = write(fd, data, size);

        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return fail(error, path, "cannot write");
        data += part;
        size -= (size_t)part;
    }
    return true;
}

static bool
sync_directory(const char *path, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good;

    if (fd < 0)
        return fail(error, directory, "cannot open");
    /* Some file systems cannot sync a directory and say EINVAL. */
    good = fsync(fd) == 0 || errno == EINVAL ||
           fail(error, directory, "cannot sync");
    close(fd);
    return good;
}

bool
hr_file_replace(const char *path, const void *data, size_t size, int mode,
                GError **error)
{
    g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
    int fd = mkostemp(temporary, O_CLOEXEC);
    bool good;

    if (fd < 0)
        return fail(error, path, "cannot make a file beside it");
    good = write_all(fd, path, data, size, error) &&
           (fchmod(fd, (mode_t)mode) == 0 ||
            fail(error, path, "cannot set its mode")) &&
           (fsync(fd) == 0 || fail(error, path, "cannot sync"));
    close(fd);
    if (good && rename(temporary, path) != 0)
        good = fail(error, path, "cannot replace");
    if (!good) {
        unlink(temporary);
        return false;
    }
    return sync_directory(path, error);
}
