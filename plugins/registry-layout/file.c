/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File: reading, and writing that survives a crash.
 *
 * A file appears under its name whole or not at all.  What a crash leaves is
 * called .tmp-*, which no reader looks at, and is cleared away later.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "layout.h"

#define TEMP_PREFIX ".tmp-"
#define TEMP_AGE_SECONDS 3600

int
layout_file_open(int directory, const char *name, struct stat *stat)
{
    /* Non-blocking, for somebody may have put a FIFO there. */
    int fd = openat(directory, name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int error;

    if (fd < 0) {
        if (errno == ENXIO)
            errno = EINVAL;
        return -1;
    }
    if (fstat(fd, stat) == 0 && S_ISREG(stat->st_mode))
        return fd;
    error = S_ISREG(stat->st_mode) ? errno : EINVAL;
    close(fd);
    errno = error;
    return -1;
}

char *
layout_file_read(int fd, size_t size)
{
    char *text = layout_alloc(size + 1);
    size_t done = 0;

    while (done < size) {
        ssize_t got = pread(fd, text + done, size - done, (off_t)done);

        if (got > 0) {
            done += (size_t)got;
            continue;
        }
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO;
        free(text);
        return NULL;
    }
    return text;
}

void
layout_temp_name(char name[LAYOUT_TEMP_CAPACITY])
{
    static atomic_uint counter;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(name, LAYOUT_TEMP_CAPACITY, TEMP_PREFIX "%lx-%lx-%x",
             (unsigned long)getpid(),
             (unsigned long)now.tv_sec * 1000000000ul +
                 (unsigned long)now.tv_nsec,
             atomic_fetch_add(&counter, 1));
}

int
layout_temp_open(int directory, char name[LAYOUT_TEMP_CAPACITY])
{
    int fd;

    do {
        layout_temp_name(name);
        fd =
            openat(directory, name,
                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    } while (fd < 0 && errno == EEXIST);
    return fd;
}

bool
layout_file_write(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t put = write(fd, at, size);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        at += put;
        size -= (size_t)put;
    }
    return true;
}

bool
layout_file_replace(int directory, const char *name, const void *bytes,
                    size_t size, struct stat *stat)
{
    char temp[LAYOUT_TEMP_CAPACITY];
    struct stat unused;
    int fd = layout_temp_open(directory, temp);
    bool good;
    int error;

    if (fd < 0)
        return false;
    good = layout_file_write(fd, bytes, size) && fsync(fd) == 0 &&
           renameat(directory, temp, directory, name) == 0;
    if (!good) {
        error = errno;
        unlinkat(directory, temp, 0);
        close(fd);
        errno = error;
        return false;
    }
    good =
        fstat(fd, stat != NULL ? stat : &unused) == 0 && fsync(directory) == 0;
    error = errno;
    close(fd);
    errno = error;
    return good;
}

static void
sweep_one(int directory, const char *path, const char *name)
{
    struct stat stat;

    if (strncmp(name, TEMP_PREFIX, strlen(TEMP_PREFIX)) != 0)
        return;
    if (fstatat(directory, name, &stat, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(stat.st_mode) ||
        stat.st_mtime > time(NULL) - TEMP_AGE_SECONDS)
        return;
    if (unlinkat(directory, name, 0) == 0)
        layout_log(HR_LOG_INFO, "removed %s/%s, left by an earlier crash",
                   path, name);
}

void
layout_temp_sweep(int directory, const char *path)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;

    if (stream == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(stream)) != NULL)
        sweep_one(directory, path, entry->d_name);
    closedir(stream);
}
