/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sink-jsonl: one JSON object a line for every event, appended to a file.
 *
 * Each line is one write, so that several processes may append to the same
 * file.  A file that was renamed away (logrotate) is opened anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-sink.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../lib/number-text.h"

/* How long a reader of standard output may keep us waiting. */
#define FULL_PIPE_WAIT_MS 5000

static const hr_host *host;
static hr_module *module;

struct hr_sink {
    char *path; /* "-" is standard output */
    int fd;
    int metrics; /* wanted as well */
    int torn;    /* the file ends in a part of a line */
};

/* A line being made. */
typedef struct Line {
    FILE *out;
    char *text;
    size_t size;
} Line;

/* `number` is an errno. */
static hr_status
fail(hr_call *call, const char *path, const char *what, int number)
{
    char message[512];
    hr_status status = HR_UNKNOWN;
    const char *advice = "";

    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        status = HR_LOCAL_RESOURCE;
        break;
    case ENOENT:
    case ENOTDIR:
        status = HR_CONFIG;
        advice = "; create its directory";
        break;
    case EISDIR:
        status = HR_CONFIG;
        advice = "; name a file in it";
        break;
    case EACCES:
    case EPERM:
    case EROFS:
        status = HR_CONFIG;
        advice = "; it must be writable by this user";
        break;
    default:
        break;
    }
    snprintf(message, sizeof message, "%s: %s: %s%s", path, what,
             strerror(number), advice);
    return host->call->fail(module, call, status, message);
}

static int
is_stdout(const hr_sink *sink)
{
    return strcmp(sink->path, "-") == 0;
}

static hr_status
open_file(hr_sink *sink, hr_call *call)
{
    sink->torn = 0;
    sink->fd = is_stdout(sink)
                   ? STDOUT_FILENO
                   : open(sink->path,
                          O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    return sink->fd >= 0 ? HR_OK
                         : fail(call, sink->path, "cannot open", errno);
}

static void
close_file(hr_sink *sink)
{
    if (sink->fd >= 0 && !is_stdout(sink))
        close(sink->fd);
    sink->fd = -1;
}

static void
close_sink(hr_sink *sink)
{
    close_file(sink);
    free(sink->path);
    free(sink);
}

static hr_status
open_sink(hr_call *call, hr_settings *settings, hr_sink **opened)
{
    hr_sink *sink = calloc(1, sizeof *sink);
    hr_status status;

    if (sink != NULL)
        sink->path = strdup(host->config->string(module, settings, "path"));
    if (sink == NULL || sink->path == NULL) {
        free(sink);
        return host->call->fail(module, call, HR_LOCAL_RESOURCE,
                                "out of memory");
    }
    sink->metrics = host->config->number(module, settings, "metrics") != 0;
    status = open_file(sink, call);
    if (status == HR_OK) {
        *opened = sink;
        return HR_OK;
    }
    close_sink(sink);
    return status;
}

/* If the name leads to another file by now, or to none, follows it. */
static hr_status
reopen_if_moved(hr_sink *sink, hr_call *call)
{
    struct stat named;
    struct stat opened;

    if (is_stdout(sink))
        return HR_OK;
    if (sink->fd >= 0 && stat(sink->path, &named) == 0 &&
        fstat(sink->fd, &opened) == 0 && named.st_dev == opened.st_dev &&
        named.st_ino == opened.st_ino)
        return HR_OK;
    close_file(sink);
    return open_file(sink, call);
}

/* Writes all of it; 0 or an errno. */
static int
write_all(int fd, const char *bytes, size_t size, size_t *written)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};

    for (*written = 0; *written < size;) {
        ssize_t part = write(fd, bytes + *written, size - *written);

        if (part < 0 && errno == EINTR)
            continue;
        /* Whoever shares our output may have made it non-blocking. */
        if (part < 0 && errno == EAGAIN &&
            poll(&room, 1, FULL_PIPE_WAIT_MS) == 1)
            continue;
        if (part < 0)
            return errno;
        *written += (size_t)part;
    }
    return 0;
}

/* Writes a line that begins with a line break: it is left out, unless the line
 * before broke off and would swallow this one. */
static hr_status
write_line(hr_sink *sink, hr_call *call, const Line *line)
{
    hr_status status = reopen_if_moved(sink, call);
    size_t skipped = sink->torn ? 0 : 1;
    size_t written;
    int problem;

    if (status != HR_OK)
        return status;
    problem = write_all(sink->fd, line->text + skipped, line->size - skipped,
                        &written);
    if (problem == 0) {
        sink->torn = 0;
        return HR_OK;
    }
    sink->torn |= written > 0;
    return fail(call, sink->path, "cannot write", problem);
}

/* A JSON string.  The host's texts are UTF-8. */
static void
put_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte < 0x20)
            fprintf(out, "\\u%04x", byte);
        else
            fputc(byte, out);
    }
    fputc('"', out);
}

/* JSON has no word for what is no number, so that becomes a text. */
static void
put_number(FILE *out, double value)
{
    char text[HR_LIB_NUMBER_CAPACITY];

    hr_lib_number_text(value, text);
    fprintf(out, isfinite(value) ? "%s" : "\"%s\"", text);
}

/* A JSON object as it is.  A line break in it can only be white space. */
static void
put_object(FILE *out, const char *json)
{
    for (; *json != '\0'; json++)
        fputc(*json == '\n' || *json == '\r' ? ' ' : *json, out);
}

/* The line up to and with "fields":.  False without memory. */
static int
begin_line(Line *line, int64_t time_us, uint32_t level, const char *event,
           const char *correlation)
{
    static const char *const levels[] = {"error", "warning", "info", "debug",
                                         "trace"};
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm parts;
    char stamp[32];

    line->out = open_memstream(&line->text, &line->size);
    if (line->out == NULL)
        return 0;
    gmtime_r(&seconds, &parts);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    fprintf(line->out,
            "\n{\"time\":\"%s.%06dZ\",\"level\":\"%s\",\"event\":", stamp,
            (int)(time_us % 1000000), levels[level < 5 ? level : 4]);
    put_text(line->out, event);
    fputs(",\"call\":", line->out);
    put_text(line->out, correlation);
    fputs(",\"fields\":", line->out);
    return 1;
}

static hr_status
end_line(hr_sink *sink, hr_call *call, Line *line)
{
    hr_status status;
    int good;

    fputs("}\n", line->out);
    good = ferror(line->out) == 0;
    good &= fclose(line->out) == 0;
    status = good ? write_line(sink, call, line)
                  : host->call->fail(module, call, HR_LOCAL_RESOURCE,
                                     "out of memory");
    free(line->text);
    return status;
}

static hr_status
take_event(hr_sink *sink, hr_call *call, const hr_event *event)
{
    Line line = {0};

    if (!begin_line(&line, event->time_us, event->level, event->name,
                    event->correlation))
        return host->call->fail(module, call, HR_LOCAL_RESOURCE,
                                "out of memory");
    put_object(line.out, event->fields);
    return end_line(sink, call, &line);
}

/* {"labels":{...},"value":1}, or count, sum and buckets by upper bound. */
static void
put_sample(FILE *out, uint32_t type, const hr_sample *sample)
{
    fputs("{\"labels\":{", out);
    for (uint32_t i = 0; i < sample->label_count; i++) {
        fputs(i > 0 ? "," : "", out);
        put_text(out, sample->labels[2 * i]);
        fputc(':', out);
        put_text(out, sample->labels[2 * i + 1]);
    }
    if (type != HR_METRIC_HISTOGRAM) {
        fputs("},\"value\":", out);
        put_number(out, sample->value);
        fputc('}', out);
        return;
    }
    fprintf(out, "},\"count\":%" PRIu64 ",\"sum\":", sample->count);
    put_number(out, sample->sum);
    fputs(",\"buckets\":{", out);
    for (uint64_t i = 0; i < sample->bound_count; i++) {
        char bound[HR_LIB_NUMBER_CAPACITY];

        hr_lib_number_text(sample->bounds[i], bound);
        fprintf(out, "%s\"%s\":%" PRIu64, i > 0 ? "," : "", bound,
                sample->buckets[i]);
    }
    fputs("}}", out);
}

static hr_status
take_metrics(hr_sink *sink, hr_call *call, const hr_metric *const *metrics,
             size_t count)
{
    struct timespec now;
    Line line = {0};

    if (!sink->metrics)
        return HR_OK;
    clock_gettime(CLOCK_REALTIME, &now);
    if (!begin_line(&line, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
                    HR_LOG_INFO, "metrics", ""))
        return host->call->fail(module, call, HR_LOCAL_RESOURCE,
                                "out of memory");
    for (size_t i = 0; i < count; i++) {
        const hr_metric *metric = metrics[i];

        fputc(i > 0 ? ',' : '{', line.out);
        put_text(line.out, metric->name);
        for (uint64_t j = 0; j < metric->sample_count; j++) {
            fputs(j > 0 ? "," : ":[", line.out);
            put_sample(line.out, metric->type, metric->samples[j]);
        }
        fputs(metric->sample_count > 0 ? "]" : ":[]", line.out);
    }
    fputs(count > 0 ? "}" : "{}", line.out);
    return end_line(sink, call, &line);
}

static const hr_sink_ops ops = {
    .struct_size = sizeof ops,
    .open = open_sink,
    .close = close_sink,
    .event = take_event,
    .metrics = take_metrics,
};

static const hr_option path_option = {
    .struct_size = sizeof path_option,
    .type = HR_OPTION_PATH,
    .name = "path",
    .help = "File to append to; \"-\" is standard output.",
    .flags = HR_OPTION_REQUIRED,
};

static const hr_option metrics_option = {
    .struct_size = sizeof metrics_option,
    .type = HR_OPTION_BOOLEAN,
    .name = "metrics",
    .default_value = "false",
    .help = "One more line with all metrics at the end of every pass.",
};

static const hr_option *const options[] = {&path_option, &metrics_option,
                                           NULL};

static const hr_provider provider = {
    .struct_size = sizeof provider,
    .kind = HR_KIND_SINK,
    .name = "jsonl",
    .summary = "Events as lines of JSON in a file.",
    .threads = HR_THREADS_PER_INSTANCE,
    .ops = &ops,
    .options = options,
};

static hr_status
init(const hr_host *given_host, hr_module *given_module)
{
    host = given_host;
    module = given_module;
    return HR_OK;
}

static const hr_provider *const providers[] = {&provider, NULL};

static const hr_plugin plugin = {
    .magic = HR_PLUGIN_MAGIC,
    .struct_size = sizeof plugin,
    .abi_major = HR_ABI_MAJOR,
    .abi_minor = HR_ABI_MINOR,
    .needs_minor = 0,
    .name = "sink-jsonl",
    .version = "0.1.0",
    .licence = "LGPL-2.1-or-later",
    .summary = "Events as lines of JSON in a file.",
    .providers = providers,
    .init = init,
};

const hr_plugin *
hr_plugin_entry_v1(void)
{
    return &plugin;
}
