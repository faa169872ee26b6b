/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log: lines on stderr. */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"

/* Longer than any reader that is alive keeps us waiting. */
#define FULL_STDERR_WAIT_MS 1000

static atomic_int log_level = HR_LOG_INFO;
static atomic_int log_format = HR_LOG_FORMAT_TEXT;
static atomic_bool log_colour;

/* Keeps the hook's before, the line and the hook's after together. */
static pthread_mutex_t line_mutex = PTHREAD_MUTEX_INITIALIZER;
static void (*line_hook)(bool before, void *data);
static void *line_hook_data;

static const char *const level_names[] = {"error", "warning", "info", "debug",
                                          "trace"};

void
hr_log_configure(int level, HrLogFormat format, bool colour)
{
    atomic_store(&log_level, level);
    atomic_store(&log_format, (int)format);
    atomic_store(&log_colour, colour);
}

bool
hr_log_enabled(int level)
{
    return level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

void
hr_log_set_hook(void (*around)(bool before, void *data), void *data)
{
    HR_LOCKED(&line_mutex);
    line_hook = around;
    line_hook_data = data;
}

static const char *
level_name(int level)
{
    return level_names[CLAMP(level, 0, (int)G_N_ELEMENTS(level_names) - 1)];
}

static void
append_text(GString *line, int level, const char *message)
{
    static const char *const colours[] = {"\033[31m", "\033[33m", "\033[32m",
                                          "\033[36m", "\033[2m"};
    time_t now = time(NULL);
    struct tm parts;
    g_autofree char *safe = hr_text_one_line(message);
    bool colour = atomic_load(&log_colour);

    localtime_r(&now, &parts);
    g_string_append_printf(
        line, "%02d:%02d:%02d %s%s%s %s", parts.tm_hour, parts.tm_min,
        parts.tm_sec,
        colour ? colours[CLAMP(level, 0, (int)G_N_ELEMENTS(colours) - 1)] : "",
        level_name(level), colour ? "\033[0m" : "", safe);
}

static void
append_json(GString *line, int level, const char *correlation,
            const char *message)
{
    int64_t now = hr_clock_wall_us();
    time_t seconds = (time_t)(now / G_USEC_PER_SEC);
    struct tm parts;
    char stamp[32];

    gmtime_r(&seconds, &parts);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    g_string_append_printf(line, "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",",
                           stamp, (int)(now % G_USEC_PER_SEC / 1000),
                           level_name(level));
    g_string_append(line, "\"message\":");
    hr_text_append_json(line, message);
    if (correlation != NULL) {
        g_string_append(line, ",\"call\":");
        hr_text_append_json(line, correlation);
    }
    g_string_append_c(line, '}');
}

static void
write_line(const GString *line)
{
    const char *bytes = line->str;
    size_t size = line->len;
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

    while (size > 0) {
        ssize_t part = write(STDERR_FILENO, bytes, size);

        if (part < 0 && errno == EINTR)
            continue;
        /* Whoever shares the terminal or pipe may have made it
         * non-blocking. */
        if (part < 0 && errno == EAGAIN &&
            poll(&room, 1, FULL_STDERR_WAIT_MS) == 1)
            continue;
        /* There is nobody left to tell. */
        if (part <= 0)
            return;
        bytes += part;
        size -= (size_t)part;
    }
}

static void G_GNUC_PRINTF(3, 0)
    log_message(int level, const char *correlation, const char *format,
                va_list arguments)
{
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    g_autoptr(GString) line = g_string_sized_new(160);

    if (atomic_load(&log_format) == HR_LOG_FORMAT_JSON)
        append_json(line, level, correlation, message);
    else
        append_text(line, level, message);
    g_string_append_c(line, '\n');
    HR_LOCKED(&line_mutex);
    if (line_hook != NULL)
        line_hook(true, line_hook_data);
    write_line(line);
    if (line_hook != NULL)
        line_hook(false, line_hook_data);
}

void
hr_log(int level, const char *format, ...)
{
    va_list arguments;

    if (!hr_log_enabled(level))
        return;
    va_start(arguments, format);
    log_message(level, NULL, format, arguments);
    va_end(arguments);
}

void
hr_log_call(int level, const char *correlation, const char *format, ...)
{
    va_list arguments;

    if (!hr_log_enabled(level))
        return;
    va_start(arguments, format);
    log_message(level, correlation, format, arguments);
    va_end(arguments);
}
