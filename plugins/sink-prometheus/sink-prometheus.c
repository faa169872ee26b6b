/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sink-prometheus: metrics in the text format of Prometheus, as a file for
 * the textfile collector of node_exporter.
 *
 * Written beside the file, synced and renamed: a reader sees the old text or
 * the new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-sink.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/number-text.h"

static const hr_host *host;
static hr_module *module;

struct hr_sink {
    char *path;
    char *temporary;
};

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
        advice = "; its directory must be writable by this user";
        break;
    default:
        break;
    }
    snprintf(message, sizeof message, "%s: %s: %s%s", path, what,
             strerror(number), advice);
    return host->call->fail(module, call, status, message);
}

static void
close_sink(hr_sink *sink)
{
    free(sink->path);
    free(sink->temporary);
    free(sink);
}

/* Lets a wrong path be known at the start, not at the end of a pass.  Gives 0
 * or an errno. */
static int
check_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    char *directory = length > 0 ? strndup(path, length) : strdup(".");
    struct stat found;
    int problem = 0;

    if (directory == NULL)
        return ENOMEM;
    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode))
        problem = EISDIR;
    else if (access(directory, W_OK | X_OK) != 0)
        problem = errno;
    free(directory);
    return problem;
}

static hr_status
open_sink(hr_call *call, hr_settings *settings, hr_sink **opened)
{
    static atomic_uint count;
    hr_sink *sink = calloc(1, sizeof *sink);
    const char *path = host->config->string(module, settings, "path");
    int problem = check_path(path);

    if (problem != 0) {
        free(sink);
        return fail(call, path, "cannot write there", problem);
    }
    /* node_exporter reads *.prom only, so it never sees the temporary one;
     * its name is nobody else's, also if two sinks share a path. */
    if (sink != NULL && (sink->path = strdup(path)) != NULL &&
        asprintf(&sink->temporary, "%s.%ld-%u.tmp", path, (long)getpid(),
                 atomic_fetch_add(&count, 1)) >= 0) {
        *opened = sink;
        return HR_OK;
    }
    if (sink != NULL)
        free(sink->path);
    free(sink);
    return host->call->fail(module, call, HR_LOCAL_RESOURCE, "out of memory");
}

static void
put_number(FILE *out, double value)
{
    char text[HR_LIB_NUMBER_CAPACITY];

    hr_lib_number_text(value, text);
    fputs(text, out);
}

static void
put_escaped(FILE *out, const char *text, int quotes)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || (quotes && *text == '"'))
            fprintf(out, "\\%c", *text);
        else if (*text == '\n')
            fputs("\\n", out);
        else
            fputc(*text, out);
    }
}

/* name{label="value",...,le="bound"} without the number. */
static void
put_series(FILE *out, const char *name, const char *suffix,
           const hr_sample *sample, const double *bound)
{
    const char *separator = "{";

    fprintf(out, "%s%s", name, suffix);
    for (uint32_t i = 0; i < sample->label_count; i++) {
        fprintf(out, "%s%s=\"", separator, sample->labels[2 * i]);
        put_escaped(out, sample->labels[2 * i + 1], 1);
        fputc('"', out);
        separator = ",";
    }
    if (bound != NULL) {
        fprintf(out, "%sle=\"", separator);
        put_number(out, *bound);
        fputc('"', out);
        separator = ",";
    }
    fputs(*separator == ',' ? "} " : " ", out);
}

static void
put_histogram(FILE *out, const char *name, const hr_sample *sample)
{
    const double infinity = INFINITY;

    for (uint64_t i = 0; i < sample->bound_count; i++) {
        put_series(out, name, "_bucket", sample, &sample->bounds[i]);
        fprintf(out, "%" PRIu64 "\n", sample->buckets[i]);
    }
    put_series(out, name, "_bucket", sample, &infinity);
    fprintf(out, "%" PRIu64 "\n", sample->count);
    put_series(out, name, "_sum", sample, NULL);
    put_number(out, sample->sum);
    fputc('\n', out);
    put_series(out, name, "_count", sample, NULL);
    fprintf(out, "%" PRIu64 "\n", sample->count);
}

static void
put_metric(FILE *out, const hr_metric *metric)
{
    static const char *const types[] = {
        [HR_METRIC_COUNTER] = "counter",
        [HR_METRIC_GAUGE] = "gauge",
        [HR_METRIC_HISTOGRAM] = "histogram",
    };

    if (metric->type < HR_METRIC_COUNTER ||
        metric->type > HR_METRIC_HISTOGRAM || metric->sample_count == 0)
        return;
    fprintf(out, "# HELP %s ", metric->name);
    put_escaped(out, metric->help, 0);
    fprintf(out, "\n# TYPE %s %s\n", metric->name, types[metric->type]);
    for (uint64_t i = 0; i < metric->sample_count; i++) {
        const hr_sample *sample = metric->samples[i];

        if (metric->type == HR_METRIC_HISTOGRAM) {
            put_histogram(out, metric->name, sample);
            continue;
        }
        put_series(out, metric->name, "", sample, NULL);
        put_number(out, sample->value);
        fputc('\n', out);
    }
}

/* Writes everything; 0 if all of it reached the disk, or an errno. */
static int
write_file(const char *path, const hr_metric *const *metrics, size_t count)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                  0644);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    int problem = 0;

    if (out == NULL) {
        problem = errno;
        if (fd >= 0)
            close(fd);
        return problem;
    }
    for (size_t i = 0; i < count; i++)
        put_metric(out, metrics[i]);
    /* node_exporter runs as another user, whatever our umask is. */
    if (fflush(out) != 0 || fchmod(fd, 0644) != 0 || fsync(fd) != 0)
        problem = errno;
    /* What failed on the way may have left nothing for fflush to fail at. */
    else if (ferror(out))
        problem = EIO;
    if (fclose(out) != 0 && problem == 0)
        problem = errno;
    return problem;
}

static hr_status
take_metrics(hr_sink *sink, hr_call *call, const hr_metric *const *metrics,
             size_t count)
{
    int problem = write_file(sink->temporary, metrics, count);

    if (problem == 0 && rename(sink->temporary, sink->path) != 0)
        problem = errno;
    if (problem == 0)
        return HR_OK;
    unlink(sink->temporary);
    return fail(call, sink->path, "cannot write", problem);
}

static const hr_sink_ops ops = {
    .struct_size = sizeof ops,
    .open = open_sink,
    .close = close_sink,
    .metrics = take_metrics,
};

static const hr_option path_option = {
    .struct_size = sizeof path_option,
    .type = HR_OPTION_PATH,
    .name = "path",
    .help = "File to write at the end of a pass; its name ends in .prom.",
    .flags = HR_OPTION_REQUIRED,
};

static const hr_option *const options[] = {&path_option, NULL};

static const hr_provider provider = {
    .struct_size = sizeof provider,
    .kind = HR_KIND_SINK,
    .name = "prometheus",
    .summary = "Metrics as a text file for Prometheus.",
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
    .name = "sink-prometheus",
    .version = "0.1.0",
    .licence = "LGPL-2.1-or-later",
    .summary = "Metrics as a text file for Prometheus.",
    .providers = providers,
    .init = init,
};

const hr_plugin *
hr_plugin_entry_v1(void)
{
    return &plugin;
}
