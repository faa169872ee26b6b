/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fail: sentences for what can go wrong with files, and what to do. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"

#define MESSAGE_CAPACITY 9216

const hr_host *layout_host;
hr_module *layout_module;

hr_status
layout_fail(hr_call *call, hr_status status, const char *format, ...)
{
    char message[MESSAGE_CAPACITY];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return layout_host->call->fail(layout_module, call, status, message);
}

hr_status
layout_fail_at(hr_call *call, const char *path, const char *text,
               const char *at, const char *what)
{
    unsigned line = 1, column = 1;

    for (; text < at; text++) {
        column = *text == '\n' ? 1 : column + 1;
        line += *text == '\n';
    }
    return layout_fail(call, HR_INVALID,
                       "%s:%u:%u: %s: repair the file, or take it from a "
                       "backup",
                       path, line, column, what);
}

void
layout_log(uint32_t level, const char *format, ...)
{
    char message[MESSAGE_CAPACITY];
    va_list arguments;

    if (!layout_host->log->enabled(layout_module, level))
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    layout_host->log->write(layout_module, level, message);
}

bool
layout_cancelled(hr_call *call)
{
    return layout_host->call->cancelled(layout_module, call) != 0;
}

static hr_status
fail_room(hr_call *call, int error, const char *what, const char *path,
          uint64_t needed_bytes)
{
    const char *reason = error == EDQUOT  ? "the disk quota is used up"
                         : error == EFBIG ? "the limit of file sizes is "
                                            "reached (ulimit -f)"
                                          : "no space left on device";
    char needed[64] = "";

    if (needed_bytes > 0)
        snprintf(needed, sizeof needed, ", %llu bytes needed",
                 (unsigned long long)needed_bytes);
    return layout_fail(call, HR_LOCAL_RESOURCE,
                       "cannot %s %s: %s%s: make room there, or let `path` "
                       "lead to a larger disk",
                       what, path, reason, needed);
}

hr_status
layout_fail_errno(hr_call *call, int error, const char *what, const char *path,
                  uint64_t needed_bytes)
{
    hr_status status = HR_UNKNOWN;
    const char *advice = "look at the disk and at the system's log";

    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return fail_room(call, error, what, path, needed_bytes);
    case ENOENT:
        status = HR_NOT_FOUND;
        advice = "check `path`";
        break;
    case EROFS:
        status = HR_AUTH_DENIED;
        advice = "mount it writable, or choose another `path`";
        break;
    case EACCES:
    case EPERM:
        status = HR_AUTH_DENIED;
        advice = "give this user the right, or run as its owner";
        break;
    case ELOOP:
    case ENOTDIR:
    case EINVAL:
        status = HR_INVALID;
        advice = "a link or special file stands where a plain directory or "
                 "file belongs; it is not followed, remove it";
        break;
    case ENAMETOOLONG:
        status = HR_INVALID;
        advice = "this file system takes no such long names";
        break;
    case EMFILE:
    case ENFILE:
        status = HR_LOCAL_RESOURCE;
        advice = "raise the limit of open files (ulimit -n)";
        break;
    case ENOMEM:
    case EIO:
        status = HR_LOCAL_RESOURCE;
        break;
    default:
        break;
    }
    return layout_fail(call, status, "cannot %s %s: %s: %s", what, path,
                       strerror(error), advice);
}

void *
layout_alloc(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);

    if (memory == NULL)
        abort();
    return memory;
}

void *
layout_copy(const void *bytes, size_t size)
{
    char *copy = layout_alloc(size + 1);

    memcpy(copy, bytes, size);
    return copy;
}

char *
layout_copy_text(const char *text)
{
    return layout_copy(text, strlen(text));
}

void
layout_explain(hr_call *call, char message[HR_MESSAGE_CAPACITY])
{
    const char *reason = layout_host->call->reason(layout_module, call);

    snprintf(message, HR_MESSAGE_CAPACITY, "%s", reason);
    layout_host->call->forgive(layout_module, call);
}
