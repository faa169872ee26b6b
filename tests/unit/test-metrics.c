/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Metrics: totals, labels, and the copy that sinks get. */
#include <glib.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "observe/metrics.h"

#define THREADS 8
#define ROUNDS 20000

static const char *const sync_label[] = {"sync", NULL};
static const double bounds[] = {0.1, 1, 10};

static HrMetric *
declare_counter(const char *name)
{
    return hr_metric_declare(HR_METRIC_COUNTER, name, "Things.", sync_label,
                             NULL, 0);
}

static HrSample *
find(HrMetric *metric, const char *value)
{
    const char *const values[] = {value, NULL};

    return hr_metric_sample(metric, values);
}

static const hr_metric *
snapshot_metric(const HrMetricsSnapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->count; i++)
        if (strcmp(snapshot->metrics[i]->name, name) == 0)
            return snapshot->metrics[i];
    g_error("no metric %s", name);
}

static void
test_counts(void)
{
    HrMetric *metric = declare_counter("a_total");
    g_autoptr(HrMetricsSnapshot) snapshot = NULL;
    const hr_sample *sample;

    g_assert_true(declare_counter("a_total") == metric);
    g_assert_true(find(metric, "x") == find(metric, "x"));
    g_assert_true(find(metric, "x") != find(metric, "y"));
    hr_sample_add(find(metric, "x"), 3);
    hr_sample_add(find(metric, "x"), 4);
    hr_sample_add(find(metric, "y"), 1);
    snapshot = hr_metrics_snapshot();
    /* It stays as it was taken. */
    hr_sample_add(find(metric, "x"), 100);
    g_assert_cmpuint(snapshot->count, ==, 1);
    g_assert_cmpuint(snapshot->metrics[0]->type, ==, HR_METRIC_COUNTER);
    g_assert_cmpuint(snapshot->metrics[0]->struct_size, ==, sizeof(hr_metric));
    g_assert_cmpstr(snapshot->metrics[0]->help, ==, "Things.");
    g_assert_cmpuint(snapshot->metrics[0]->sample_count, ==, 2);
    sample = snapshot->metrics[0]->samples[0];
    g_assert_cmpuint(sample->struct_size, ==, sizeof *sample);
    g_assert_cmpuint(sample->label_count, ==, 1);
    g_assert_cmpstr(sample->labels[0], ==, "sync");
    g_assert_cmpstr(sample->labels[1], ==, "x");
    g_assert_cmpfloat(sample->value, ==, 7);
    g_assert_cmpfloat(snapshot->metrics[0]->samples[1]->value, ==, 1);
    hr_metrics_reset();
}

static void
test_gauges(void)
{
    HrSample *sample = hr_metric_sample(
        hr_metric_declare(HR_METRIC_GAUGE, "g", "A gauge.", NULL, NULL, 0),
        NULL);
    g_autoptr(HrMetricsSnapshot) snapshot = NULL;

    hr_sample_set(sample, 5);
    hr_sample_set(sample, -0.25);
    snapshot = hr_metrics_snapshot();
    g_assert_cmpuint(snapshot->metrics[0]->samples[0]->label_count, ==, 0);
    g_assert_cmpfloat(snapshot->metrics[0]->samples[0]->value, ==, -0.25);
    hr_metrics_reset();
}

static void
test_histograms(void)
{
    HrSample *sample =
        hr_metric_sample(hr_metric_declare(HR_METRIC_HISTOGRAM, "h", "Times.",
                                           NULL, bounds, G_N_ELEMENTS(bounds)),
                         NULL);
    static const double values[] = {0, 0.1, 0.11, 1, 10.5, 1000};
    g_autoptr(HrMetricsSnapshot) snapshot = NULL;
    const hr_sample *copy;

    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++)
        hr_sample_observe(sample, values[i]);
    snapshot = hr_metrics_snapshot();
    copy = snapshot->metrics[0]->samples[0];
    g_assert_cmpuint(copy->bound_count, ==, 3);
    g_assert_cmpfloat(copy->bounds[1], ==, 1);
    /* A bound is part of its bucket, and buckets cumulate. */
    g_assert_cmpuint(copy->buckets[0], ==, 2);
    g_assert_cmpuint(copy->buckets[1], ==, 4);
    g_assert_cmpuint(copy->buckets[2], ==, 4);
    g_assert_cmpuint(copy->count, ==, 6);
    g_assert_cmpfloat_with_epsilon(copy->sum, 1011.71, 1e-9);
    hr_metrics_reset();
}

static void
test_order(void)
{
    static const char *const two[] = {"a", "b", NULL};
    static const char *const values[][3] = {
        {"z", "1", NULL}, {"a", "2", NULL}, {"a", "1", NULL}, {"m", "", NULL}};
    HrMetric *metric =
        hr_metric_declare(HR_METRIC_GAUGE, "m2", "Two.", two, NULL, 0);
    g_autoptr(HrMetricsSnapshot) snapshot = NULL;
    g_autoptr(GString) order = g_string_new(NULL);

    declare_counter("z_total");
    declare_counter("a_total");
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++)
        hr_sample_set(hr_metric_sample(metric, values[i]), i);
    snapshot = hr_metrics_snapshot();
    for (size_t i = 0; i < snapshot->count; i++)
        g_string_append_printf(order, "%s ", snapshot->metrics[i]->name);
    metric = NULL;
    for (size_t i = 0; i < snapshot->metrics[1]->sample_count; i++)
        g_string_append_printf(order, "%s/%s ",
                               snapshot->metrics[1]->samples[i]->labels[1],
                               snapshot->metrics[1]->samples[i]->labels[3]);
    g_assert_cmpstr(order->str, ==, "a_total m2 z_total a/1 a/2 m/ z/1 ");
    hr_metrics_reset();
}

static void
test_limit(void)
{
    HrMetric *metric = declare_counter("many_total");
    g_autoptr(HrMetricsSnapshot) snapshot = NULL;
    const hr_metric *copy;
    double total = 0;
    double other = 0;

    for (unsigned i = 0; i < HR_METRIC_SAMPLE_LIMIT + 50; i++) {
        g_autofree char *value = g_strdup_printf("v%u", i);

        hr_sample_add(find(metric, value), 2);
    }
    /* What was found before the limit still has its own. */
    hr_sample_add(find(metric, "v0"), 1);
    snapshot = hr_metrics_snapshot();
    copy = snapshot_metric(snapshot, "many_total");
    g_assert_cmpuint(copy->sample_count, ==, HR_METRIC_SAMPLE_LIMIT + 1);
    for (size_t i = 0; i < copy->sample_count; i++) {
        total += copy->samples[i]->value;
        if (strcmp(copy->samples[i]->labels[1], "other") == 0)
            other = copy->samples[i]->value;
        if (strcmp(copy->samples[i]->labels[1], "v0") == 0)
            g_assert_cmpfloat(copy->samples[i]->value, ==, 3);
    }
    g_assert_cmpfloat(other, ==, 100);
    g_assert_cmpfloat(total, ==, 2 * (HR_METRIC_SAMPLE_LIMIT + 50) + 1);
    hr_metrics_reset();
}

static void
test_empty(void)
{
    g_autoptr(HrMetricsSnapshot) none = hr_metrics_snapshot();
    g_autoptr(HrMetricsSnapshot) bare = NULL;

    g_assert_cmpuint(none->count, ==, 0);
    declare_counter("bare_total");
    bare = hr_metrics_snapshot();
    g_assert_cmpuint(bare->count, ==, 1);
    g_assert_cmpuint(bare->metrics[0]->sample_count, ==, 0);
    hr_metrics_reset();
}

typedef struct Worker {
    pthread_t thread;
    unsigned number;
} Worker;

static void *
count_in_thread(void *data)
{
    const Worker *worker = data;
    g_autofree char *own = g_strdup_printf("t%u", worker->number);
    HrMetric *counter = declare_counter("shared_total");
    HrSample *histogram = hr_metric_sample(
        hr_metric_declare(HR_METRIC_HISTOGRAM, "shared_seconds", "Times.",
                          NULL, bounds, G_N_ELEMENTS(bounds)),
        NULL);

    for (unsigned i = 0; i < ROUNDS; i++) {
        hr_sample_add(find(counter, i % 2 == 0 ? "all" : own), 1);
        hr_sample_observe(histogram, i % 4);
    }
    return NULL;
}

/* Whatever the moment, a snapshot does not contradict itself. */
static void
check_consistent(const HrMetricsSnapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        const hr_metric *metric = snapshot->metrics[i];

        for (size_t j = 0; j < metric->sample_count; j++) {
            const hr_sample *sample = metric->samples[j];

            if (metric->type != HR_METRIC_HISTOGRAM)
                continue;
            g_assert_cmpuint(sample->buckets[0], <=, sample->buckets[1]);
            g_assert_cmpuint(sample->buckets[1], <=, sample->buckets[2]);
            g_assert_cmpuint(sample->buckets[2], <=, sample->count);
        }
    }
}

static void
check_totals(const HrMetricsSnapshot *snapshot)
{
    const hr_metric *counter = snapshot_metric(snapshot, "shared_total");
    const hr_sample *histogram =
        snapshot_metric(snapshot, "shared_seconds")->samples[0];

    g_assert_cmpuint(counter->sample_count, ==, THREADS + 1);
    g_assert_cmpstr(counter->samples[0]->labels[1], ==, "all");
    g_assert_cmpfloat(counter->samples[0]->value, ==, THREADS * ROUNDS / 2);
    for (unsigned i = 1; i <= THREADS; i++)
        g_assert_cmpfloat(counter->samples[i]->value, ==, ROUNDS / 2);
    g_assert_cmpuint(histogram->count, ==, THREADS * ROUNDS);
    g_assert_cmpuint(histogram->buckets[0], ==, THREADS * ROUNDS / 4);
    g_assert_cmpuint(histogram->buckets[1], ==, THREADS * ROUNDS / 2);
    g_assert_cmpuint(histogram->buckets[2], ==, THREADS * ROUNDS);
    g_assert_cmpfloat(histogram->sum, ==, THREADS * ROUNDS * 1.5);
}

static void
test_threads(void)
{
    Worker workers[THREADS];
    g_autoptr(HrMetricsSnapshot) last = NULL;

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].number = i;
        g_assert_cmpint(pthread_create(&workers[i].thread, NULL,
                                       count_in_thread, &workers[i]),
                        ==, 0);
    }
    for (unsigned i = 0; i < 50; i++) {
        g_autoptr(HrMetricsSnapshot) snapshot = hr_metrics_snapshot();

        check_consistent(snapshot);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    last = hr_metrics_snapshot();
    check_consistent(last);
    check_totals(last);
    hr_metrics_reset();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metrics/counters-add-up", test_counts);
    g_test_add_func("/metrics/gauges-keep-the-last-value", test_gauges);
    g_test_add_func("/metrics/histograms-cumulate", test_histograms);
    g_test_add_func("/metrics/snapshots-are-sorted", test_order);
    g_test_add_func("/metrics/too-many-samples-are-counted-together",
                    test_limit);
    g_test_add_func("/metrics/nothing-declared-is-nothing-shown", test_empty);
    g_test_add_func("/metrics/threads-lose-nothing", test_threads);
    return g_test_run();
}
