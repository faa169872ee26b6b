/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sink of JSON lines, on files that move, fill up and are shared. */
#include <fcntl.h>
#include <glib.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sink-host.h"

#define THREADS 4
#define LINES 500

static const hr_sink_ops *ops;

static hr_event
make_event(const char *name, const char *fields)
{
    return (hr_event){
        .struct_size = sizeof(hr_event),
        .level = HR_LOG_WARNING,
        .time_us = INT64_C(1767323045678901), /* 2026-01-02T03:04:05.678901Z */
        .name = name,
        .correlation = "0123456789abcdef0123456789abcdef",
        .fields = fields,
    };
}

static void
tell(hr_sink *sink, const char *name)
{
    hr_event event = make_event(name, "{\"n\":1}");
    struct hr_call call = {0};

    if (ops->event(sink, &call, &event) != HR_OK)
        g_error("%s", call.message);
}

/* The lines of a file, each parsed; all have to be JSON. */
static json_t *
read_lines(const char *path)
{
    g_autofree char *text = sink_host_read(path);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    json_t *list = json_array();

    for (char **line = lines; *line != NULL; line++) {
        json_error_t problem;
        json_t *one;

        if (**line == '\0' && line[1] == NULL)
            break;
        one = json_loads(*line, JSON_REJECT_DUPLICATES, &problem);
        if (one == NULL)
            g_error("%s: %s", *line, problem.text);
        json_array_append_new(list, one);
    }
    return list;
}

static const char *
event_of(const json_t *list, size_t i)
{
    return json_string_value(
        json_object_get(json_array_get(list, i), "event"));
}

static void
test_line(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "e.jsonl", NULL);
    hr_sink *sink = sink_host_open(ops, path, 0);
    hr_event event = make_event("tag.copied", "{\"key\":\"a:1\"}");
    struct hr_call call = {0};
    g_autofree char *text = NULL;

    g_assert_cmpint(ops->event(sink, &call, &event), ==, HR_OK);
    text = sink_host_read(path);
    g_assert_cmpstr(text, ==,
                    "{\"time\":\"2026-01-02T03:04:05.678901Z\","
                    "\"level\":\"warning\",\"event\":\"tag.copied\","
                    "\"call\":\"0123456789abcdef0123456789abcdef\","
                    "\"fields\":{\"key\":\"a:1\"}}\n");
    ops->close(sink);
    sink_host_sweep(room);
}

static void
test_one_line_each(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "e.jsonl", NULL);
    hr_sink *sink = sink_host_open(ops, path, 0);
    hr_event event = make_event("a\"b\\c\n\001", "{\n  \"a\":\r\n \"\\n\"\n}");
    struct hr_call call = {0};
    json_t *list;

    event.level = 77;
    event.correlation = "";
    g_assert_cmpint(ops->event(sink, &call, &event), ==, HR_OK);
    tell(sink, "next");
    list = read_lines(path);
    g_assert_cmpuint(json_array_size(list), ==, 2);
    g_assert_cmpstr(event_of(list, 0), ==, "a\"b\\c\n\001");
    g_assert_cmpstr(
        json_string_value(json_object_get(
            json_object_get(json_array_get(list, 0), "fields"), "a")),
        ==, "\n");
    g_assert_cmpstr(event_of(list, 1), ==, "next");
    json_decref(list);
    ops->close(sink);
    sink_host_sweep(room);
}

static void
test_appends(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "e.jsonl", NULL);
    hr_sink *sink = sink_host_open(ops, path, 0);
    json_t *list;

    tell(sink, "one");
    ops->close(sink);
    sink = sink_host_open(ops, path, 0);
    tell(sink, "two");
    ops->close(sink);
    list = read_lines(path);
    g_assert_cmpuint(json_array_size(list), ==, 2);
    g_assert_cmpstr(event_of(list, 1), ==, "two");
    json_decref(list);
    sink_host_sweep(room);
}

static void
test_moved(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "e.jsonl", NULL);
    g_autofree char *old = g_build_filename(room, "e.jsonl.1", NULL);
    hr_sink *sink = sink_host_open(ops, path, 0);
    json_t *before;
    json_t *after;

    tell(sink, "one");
    g_assert_cmpint(rename(path, old), ==, 0);
    tell(sink, "two");
    before = read_lines(old);
    after = read_lines(path);
    g_assert_cmpuint(json_array_size(before), ==, 1);
    g_assert_cmpuint(json_array_size(after), ==, 1);
    g_assert_cmpstr(event_of(after, 0), ==, "two");
    json_decref(before);
    json_decref(after);
    g_assert_cmpint(unlink(path), ==, 0);
    tell(sink, "three");
    after = read_lines(path);
    g_assert_cmpstr(event_of(after, 0), ==, "three");
    json_decref(after);
    ops->close(sink);
    sink_host_sweep(room);
}

typedef struct Writer {
    pthread_t thread;
    const char *path;
} Writer;

static void *
write_lines(void *data)
{
    const Writer *writer = data;
    hr_sink *sink = sink_host_open(ops, writer->path, 0);
    g_autofree char *name = g_strnfill(300, 'x');

    for (unsigned i = 0; i < LINES; i++)
        tell(sink, name);
    ops->close(sink);
    return NULL;
}

static void
test_shared(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "e.jsonl", NULL);
    Writer writers[THREADS];
    json_t *list;

    for (unsigned i = 0; i < THREADS; i++) {
        writers[i].path = path;
        g_assert_cmpint(
            pthread_create(&writers[i].thread, NULL, write_lines, &writers[i]),
            ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(writers[i].thread, NULL);
    list = read_lines(path);
    g_assert_cmpuint(json_array_size(list), ==, THREADS * LINES);
    json_decref(list);
    sink_host_sweep(room);
}

static void
test_full(void)
{
    hr_event event = make_event("x", "{}");
    struct hr_call call = {0};
    hr_sink *sink;

    if (access("/dev/full", W_OK) != 0) {
        g_test_skip("no /dev/full here");
        return;
    }
    sink = sink_host_open(ops, "/dev/full", 0);
    g_assert_cmpint(ops->event(sink, &call, &event), ==, HR_LOCAL_RESOURCE);
    g_assert_cmpint(call.status, ==, HR_LOCAL_RESOURCE);
    g_assert_cmpstr(call.message, ==,
                    "/dev/full: cannot write: No space left on device");
    ops->close(sink);
}

static void
limit_files(rlim_t size)
{
    struct rlimit limit;

    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    limit.rlim_cur = size == RLIM_INFINITY ? limit.rlim_max : size;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

/* A line that broke off costs itself, not the one after it. */
static void
test_torn(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "e.jsonl", NULL);
    hr_sink *sink = sink_host_open(ops, path, 0);
    hr_event event = make_event("lost", "{}");
    struct hr_call call = {0};
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    tell(sink, "one");
    text = sink_host_read(path);
    limit_files((rlim_t)strlen(text) + 20);
    g_assert_cmpint(ops->event(sink, &call, &event), !=, HR_OK);
    g_assert_nonnull(strstr(call.message, "cannot write"));
    limit_files(RLIM_INFINITY);
    tell(sink, "two");
    tell(sink, "three");
    g_free(text);
    text = sink_host_read(path);
    lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 5);
    g_assert_cmpuint(strlen(lines[1]), ==, 20);
    g_assert_true(g_str_has_suffix(lines[0], "}"));
    g_assert_nonnull(strstr(lines[2], "\"event\":\"two\""));
    g_assert_true(g_str_has_prefix(lines[2], "{\"time\""));
    g_assert_true(g_str_has_prefix(lines[3], "{\"time\""));
    ops->close(sink);
    sink_host_sweep(room);
}

static void
test_metrics(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "e.jsonl", NULL);
    hr_sink *sink = sink_host_open(ops, path, 1);
    hr_sink *without = sink_host_open(ops, path, 0);
    struct hr_call call = {0};
    json_t *list;
    json_t *fields;
    const char *expected =
        "{\"test_things_total\":[{\"labels\":{\"sync\":\"a-to-b\",\"host\":"
        "\"[::1]:5000\"},\"value\":12345678},{\"labels\":{\"sync\":"
        "\"q\\\"b\\\\n\\nl\xc3\xa4\",\"host\":\"\"},\"value\":"
        "9007199254740992.0}],\"test_level\":[{\"labels\":{\"of\":\"nan\"},"
        "\"value\":\"NaN\"},{\"labels\":{\"of\":\"inf\"},\"value\":\"+Inf\"},"
        "{\"labels\":{\"of\":\"low\"},\"value\":\"-Inf\"},{\"labels\":{\"of\":"
        "\"part\"},\"value\":0.1}],\"test_time_seconds\":[{\"labels\":{},"
        "\"count\":4,\"sum\":10.25,\"buckets\":{\"0.005\":1,\"1\":3,\"2.5\":3}"
        "}],\"test_nothing_total\":[]}";
    g_autofree char *text = NULL;

    g_assert_cmpint(ops->metrics(without, &call, sink_host_metrics,
                                 SINK_HOST_METRIC_COUNT),
                    ==, HR_OK);
    g_assert_cmpint(
        ops->metrics(sink, &call, sink_host_metrics, SINK_HOST_METRIC_COUNT),
        ==, HR_OK);
    g_assert_cmpint(ops->metrics(sink, &call, sink_host_metrics, 0), ==,
                    HR_OK);
    list = read_lines(path);
    g_assert_cmpuint(json_array_size(list), ==, 2);
    g_assert_cmpstr(event_of(list, 0), ==, "metrics");
    fields = json_object_get(json_array_get(list, 0), "fields");
    text = json_dumps(fields, JSON_COMPACT);
    g_test_message("%s", text);
    {
        json_t *wanted = json_loads(expected, 0, NULL);
        json_t *number = json_object_get(
            json_array_get(json_object_get(fields, "test_things_total"), 1),
            "value");

        /* Whether a number is whole is for the reader to decide. */
        g_assert_cmpfloat(json_number_value(number), ==, 9007199254740992.0);
        json_object_set_new(
            json_array_get(json_object_get(fields, "test_things_total"), 1),
            "value", json_real(9007199254740992.0));
        g_assert_true(json_equal(fields, wanted));
        json_decref(wanted);
    }
    json_decref(list);
    ops->close(sink);
    ops->close(without);
    sink_host_sweep(room);
}

static void
test_stdout(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "out", NULL);
    int saved = dup(STDOUT_FILENO);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    hr_sink *sink;
    json_t *list;

    fflush(stdout);
    dup2(fd, STDOUT_FILENO);
    sink = sink_host_open(ops, "-", 0);
    tell(sink, "one");
    ops->close(sink);
    /* Closing the sink leaves standard output open. */
    g_assert_cmpint(fcntl(STDOUT_FILENO, F_GETFD), >=, 0);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(fd);
    list = read_lines(path);
    g_assert_cmpuint(json_array_size(list), ==, 1);
    json_decref(list);
    sink_host_sweep(room);
}

static void
test_refused(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *missing = g_build_filename(room, "no", "e.jsonl", NULL);

    sink_host_refuse(ops, missing, HR_CONFIG,
                     "cannot open: No such file or directory; create its "
                     "directory");
    sink_host_refuse(ops, room, HR_CONFIG,
                     "cannot open: Is a directory; name a file in it");
    sink_host_sweep(room);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGXFSZ, SIG_IGN);
    ops = sink_host_start(hr_plugin_entry_v1());
    g_test_add_func("/sink-jsonl/writes-what-the-readme-says", test_line);
    g_test_add_func("/sink-jsonl/an-event-is-one-line", test_one_line_each);
    g_test_add_func("/sink-jsonl/appends-to-what-is-there", test_appends);
    g_test_add_func("/sink-jsonl/follows-its-name", test_moved);
    g_test_add_func("/sink-jsonl/shares-a-file", test_shared);
    g_test_add_func("/sink-jsonl/says-that-the-disk-is-full", test_full);
    g_test_add_func("/sink-jsonl/a-torn-line-costs-itself-only", test_torn);
    g_test_add_func("/sink-jsonl/takes-metrics-if-asked-to", test_metrics);
    g_test_add_func("/sink-jsonl/writes-to-standard-output", test_stdout);
    g_test_add_func("/sink-jsonl/refuses-places-that-are-none", test_refused);
    return g_test_run();
}
