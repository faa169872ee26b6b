/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sink of Prometheus' text format. */
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink-host.h"

static const hr_sink_ops *ops;

static void
take(hr_sink *sink)
{
    struct hr_call call = {0};

    if (ops->metrics(sink, &call, sink_host_metrics, SINK_HOST_METRIC_COUNT) !=
        HR_OK)
        g_error("%s", call.message);
}

static unsigned
count_files(const char *room)
{
    g_autoptr(GDir) directory = g_dir_open(room, 0, NULL);
    unsigned count = 0;

    while (g_dir_read_name(directory) != NULL)
        count++;
    return count;
}

static void
test_text(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "m.prom", NULL);
    hr_sink *sink = sink_host_open(ops, path, 0);
    g_autofree char *text = NULL;

    g_assert_null(ops->event);
    take(sink);
    text = sink_host_read(path);
    g_assert_cmpstr(
        text, ==,
        "# HELP test_things_total Things, \"all\" of \\\\ them\\nhere.\n"
        "# TYPE test_things_total counter\n"
        "test_things_total{sync=\"a-to-b\",host=\"[::1]:5000\"} 12345678\n"
        "test_things_total{sync=\"q\\\"b\\\\n\\nl\xc3\xa4\",host=\"\"} "
        "9007199254740992\n"
        "# HELP test_level A level.\n"
        "# TYPE test_level gauge\n"
        "test_level{of=\"nan\"} NaN\n"
        "test_level{of=\"inf\"} +Inf\n"
        "test_level{of=\"low\"} -Inf\n"
        "test_level{of=\"part\"} 0.1\n"
        "# HELP test_time_seconds Times.\n"
        "# TYPE test_time_seconds histogram\n"
        "test_time_seconds_bucket{le=\"0.005\"} 1\n"
        "test_time_seconds_bucket{le=\"1\"} 3\n"
        "test_time_seconds_bucket{le=\"2.5\"} 3\n"
        "test_time_seconds_bucket{le=\"+Inf\"} 4\n"
        "test_time_seconds_sum 10.25\n"
        "test_time_seconds_count 4\n");
    ops->close(sink);
    sink_host_sweep(room);
}

static void
test_promtool(void)
{
    g_autofree char *program = g_find_program_in_path("promtool");
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "m.prom", NULL);
    g_autofree char *script = NULL;
    g_autofree char *output = NULL;
    const char *arguments[] = {"/bin/sh", "-c", NULL, NULL};
    hr_sink *sink = sink_host_open(ops, path, 0);
    g_autoptr(GError) error = NULL;
    int status;

    take(sink);
    ops->close(sink);
    if (program != NULL) {
        script =
            g_strdup_printf("exec promtool check metrics <'%s' 2>&1", path);
        arguments[2] = script;
        g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_DEFAULT, NULL,
                     NULL, &output, NULL, &status, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(output, ==, "");
        g_assert_cmpint(status, ==, 0);
    } else {
        g_test_skip("no promtool here");
    }
    sink_host_sweep(room);
}

static void
test_replaces(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "m.prom", NULL);
    mode_t mask = umask(077);
    hr_sink *sink = sink_host_open(ops, path, 0);
    hr_sink *other = sink_host_open(ops, path, 0);
    struct stat first;
    struct stat second;

    /* Nothing is there before the first metrics are. */
    g_assert_cmpuint(count_files(room), ==, 0);
    take(sink);
    g_assert_cmpint(stat(path, &first), ==, 0);
    g_assert_cmpint(first.st_mode & 07777, ==, 0644);
    take(other);
    g_assert_cmpint(stat(path, &second), ==, 0);
    g_assert_cmpuint(first.st_ino, !=, second.st_ino);
    g_assert_cmpuint(count_files(room), ==, 1);
    ops->close(sink);
    ops->close(other);
    umask(mask);
    sink_host_sweep(room);
}

/* A file that cannot be written whole leaves the old one as it is. */
static void
test_full(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "m.prom", NULL);
    hr_sink *sink = sink_host_open(ops, path, 0);
    struct hr_call call = {0};
    struct rlimit old;
    struct rlimit small;
    g_autofree char *text = NULL;
    hr_status status;

    g_assert_true(g_file_set_contents(path, "old\n", -1, NULL));
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &small);
    status =
        ops->metrics(sink, &call, sink_host_metrics, SINK_HOST_METRIC_COUNT);
    setrlimit(RLIMIT_FSIZE, &old);
    g_assert_cmpint(status, !=, HR_OK);
    g_assert_cmpint(call.status, ==, status);
    g_test_message("%s", call.message);
    g_assert_true(g_str_has_prefix(call.message, path));
    g_assert_nonnull(strstr(call.message, "cannot write: File too large"));
    text = sink_host_read(path);
    g_assert_cmpstr(text, ==, "old\n");
    g_assert_cmpuint(count_files(room), ==, 1);
    ops->close(sink);
    sink_host_sweep(room);
}

static void
test_gone(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *path = g_build_filename(room, "m.prom", NULL);
    hr_sink *sink = sink_host_open(ops, path, 0);
    struct hr_call call = {0};

    g_assert_cmpint(rmdir(room), ==, 0);
    g_assert_cmpint(
        ops->metrics(sink, &call, sink_host_metrics, SINK_HOST_METRIC_COUNT),
        ==, HR_CONFIG);
    g_assert_nonnull(strstr(call.message, "create its directory"));
    ops->close(sink);
}

static void
test_refused(void)
{
    g_autofree char *room = sink_host_room();
    g_autofree char *missing = g_build_filename(room, "no", "m.prom", NULL);

    sink_host_refuse(ops, missing, HR_CONFIG,
                     "cannot write there: No such file or directory; create "
                     "its directory");
    sink_host_refuse(ops, room, HR_CONFIG,
                     "cannot write there: Is a directory; name a file in it");
    sink_host_sweep(room);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGXFSZ, SIG_IGN);
    ops = sink_host_start(hr_plugin_entry_v1());
    g_test_add_func("/sink-prometheus/writes-the-text-format", test_text);
    g_test_add_func("/sink-prometheus/promtool-finds-nothing", test_promtool);
    g_test_add_func("/sink-prometheus/replaces-the-file", test_replaces);
    g_test_add_func("/sink-prometheus/keeps-the-old-file", test_full);
    g_test_add_func("/sink-prometheus/says-that-its-place-is-gone", test_gone);
    g_test_add_func("/sink-prometheus/refuses-places-that-are-none",
                    test_refused);
    return g_test_run();
}
