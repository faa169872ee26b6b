/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sink host: the services, as simple as they can be. */
#include "sink-host.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static hr_status
call_fail(hr_module *module, hr_call *call, hr_status status,
          const char *message)
{
    (void)module;
    call->status = status;
    g_strlcpy(call->message, message, sizeof call->message);
    return status;
}

static const char *
config_string(hr_module *module, hr_settings *settings, const char *name)
{
    (void)module;
    g_assert_cmpstr(name, ==, "path");
    return settings->path;
}

static int64_t
config_number(hr_module *module, hr_settings *settings, const char *name)
{
    (void)module;
    g_assert_cmpstr(name, ==, "metrics");
    return settings->metrics;
}

const hr_sink_ops *
sink_host_start(const hr_plugin *plugin)
{
    static const hr_host_call call = {.struct_size = sizeof call,
                                      .fail = call_fail};
    static const hr_host_config config = {.struct_size = sizeof config,
                                          .string = config_string,
                                          .number = config_number};
    static const hr_host host = {.struct_size = sizeof host,
                                 .abi_minor = HR_ABI_MINOR,
                                 .version = "0",
                                 .call = &call,
                                 .config = &config};
    const hr_provider *provider = plugin->providers[0];

    g_assert_cmpuint(plugin->magic, ==, HR_PLUGIN_MAGIC);
    g_assert_cmpuint(provider->kind, ==, HR_KIND_SINK);
    g_assert_cmpuint(provider->threads, ==, HR_THREADS_PER_INSTANCE);
    g_assert_null(plugin->providers[1]);
    g_assert_cmpint(plugin->init(&host, NULL), ==, HR_OK);
    return provider->ops;
}

hr_sink *
sink_host_open(const hr_sink_ops *ops, const char *path, int64_t metrics)
{
    struct hr_settings settings = {path, metrics};
    struct hr_call call = {0};
    hr_sink *sink = NULL;

    if (ops->open(&call, &settings, &sink) != HR_OK)
        g_error("%s", call.message);
    g_assert_nonnull(sink);
    return sink;
}

void
sink_host_refuse(const hr_sink_ops *ops, const char *path, hr_status status,
                 const char *words)
{
    struct hr_settings settings = {path, 0};
    struct hr_call call = {0};
    hr_sink *sink = NULL;

    g_assert_cmpint(ops->open(&call, &settings, &sink), ==, status);
    g_test_message("%s", call.message);
    g_assert_cmpint(call.status, ==, status);
    g_assert_null(sink);
    g_assert_true(g_str_has_prefix(call.message, path));
    g_assert_nonnull(strstr(call.message, words));
}

char *
sink_host_room(void)
{
    g_autoptr(GError) error = NULL;
    char *room = g_dir_make_tmp("sink-XXXXXX", &error);

    g_assert_no_error(error);
    return room;
}

void
sink_host_sweep(const char *room)
{
    g_autoptr(GDir) directory = g_dir_open(room, 0, NULL);
    const char *name;

    g_assert_nonnull(directory);
    while ((name = g_dir_read_name(directory)) != NULL) {
        g_autofree char *path = g_build_filename(room, name, NULL);

        g_assert_cmpint(unlink(path), ==, 0);
    }
    g_assert_cmpint(rmdir(room), ==, 0);
}

char *
sink_host_read(const char *path)
{
    g_autoptr(GError) error = NULL;
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    return text;
}

static const char *const labels_1[] = {"sync", "a-to-b", "host", "[::1]:5000"};
static const char *const labels_2[] = {"sync", "q\"b\\n\nl\xc3\xa4", "host",
                                       ""};
static const hr_sample counter_1 = {.struct_size = sizeof counter_1,
                                    .label_count = 2,
                                    .labels = labels_1,
                                    .value = 12345678};
static const hr_sample counter_2 = {.struct_size = sizeof counter_2,
                                    .label_count = 2,
                                    .labels = labels_2,
                                    .value = 9007199254740992.0};
static const hr_sample *const counter_samples[] = {&counter_1, &counter_2};
static const hr_metric counter = {.struct_size = sizeof counter,
                                  .type = HR_METRIC_COUNTER,
                                  .name = "test_things_total",
                                  .help = "Things, \"all\" of \\ them\nhere.",
                                  .samples = counter_samples,
                                  .sample_count = 2};

static const char *const labels_nan[] = {"of", "nan"};
static const char *const labels_inf[] = {"of", "inf"};
static const char *const labels_low[] = {"of", "low"};
static const char *const labels_part[] = {"of", "part"};
static const hr_sample gauge_nan = {.struct_size = sizeof gauge_nan,
                                    .label_count = 1,
                                    .labels = labels_nan,
                                    .value = NAN};
static const hr_sample gauge_inf = {.struct_size = sizeof gauge_inf,
                                    .label_count = 1,
                                    .labels = labels_inf,
                                    .value = INFINITY};
static const hr_sample gauge_low = {.struct_size = sizeof gauge_low,
                                    .label_count = 1,
                                    .labels = labels_low,
                                    .value = -INFINITY};
static const hr_sample gauge_part = {.struct_size = sizeof gauge_part,
                                     .label_count = 1,
                                     .labels = labels_part,
                                     .value = 0.1};
static const hr_sample *const gauge_samples[] = {&gauge_nan, &gauge_inf,
                                                 &gauge_low, &gauge_part};
static const hr_metric gauge = {.struct_size = sizeof gauge,
                                .type = HR_METRIC_GAUGE,
                                .name = "test_level",
                                .help = "A level.",
                                .samples = gauge_samples,
                                .sample_count = 4};

static const double bounds[] = {0.005, 1, 2.5};
static const uint64_t buckets[] = {1, 3, 3};
static const hr_sample histogram_1 = {.struct_size = sizeof histogram_1,
                                      .count = 4,
                                      .sum = 10.25,
                                      .bounds = bounds,
                                      .buckets = buckets,
                                      .bound_count = 3};
static const hr_sample *const histogram_samples[] = {&histogram_1};
static const hr_metric histogram = {.struct_size = sizeof histogram,
                                    .type = HR_METRIC_HISTOGRAM,
                                    .name = "test_time_seconds",
                                    .help = "Times.",
                                    .samples = histogram_samples,
                                    .sample_count = 1};

static const hr_metric empty = {.struct_size = sizeof empty,
                                .type = HR_METRIC_COUNTER,
                                .name = "test_nothing_total",
                                .help = "Nothing yet."};

const hr_metric *const sink_host_metrics[] = {&counter, &gauge, &histogram,
                                              &empty};
