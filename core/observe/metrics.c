/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Metrics: counters, gauges and histograms of the process. */
#include "observe/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/lock.h"

struct HrSample {
    char **values; /* as many as the family has labels */
    const HrMetric *metric;
    atomic_uint_least64_t count;     /* counter; observations of a histogram */
    _Atomic double value;            /* gauge; sum of a histogram */
    atomic_uint_least64_t buckets[]; /* one per bound */
};

struct HrMetric {
    uint32_t type;
    char *name;
    char *help;
    char **labels;
    guint label_count;
    double *bounds;
    size_t bound_count;
    GHashTable *samples; /* label values joined -> HrSample */
};

static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *registry; /* name -> HrMetric, under registry_mutex */

static void
free_sample(gpointer data)
{
    HrSample *sample = data;

    g_strfreev(sample->values);
    g_free(sample);
}

static void
free_metric(gpointer data)
{
    HrMetric *metric = data;

    g_free(metric->name);
    g_free(metric->help);
    g_strfreev(metric->labels);
    g_free(metric->bounds);
    g_hash_table_unref(metric->samples);
    g_free(metric);
}

HrMetric *
hr_metric_declare(uint32_t type, const char *name, const char *help,
                  const char *const *labels, const double *bounds,
                  size_t bound_count)
{
    HrMetric *metric;

    HR_LOCKED(&registry_mutex);
    if (registry == NULL)
        registry =
            g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_metric);
    metric = g_hash_table_lookup(registry, name);
    if (metric != NULL) {
        g_assert(metric->type == type && metric->bound_count == bound_count);
        return metric;
    }
    metric = g_new0(HrMetric, 1);
    metric->type = type;
    metric->name = g_strdup(name);
    metric->help = g_strdup(help);
    metric->labels = g_strdupv((char **)labels);
    metric->label_count = labels != NULL ? g_strv_length(metric->labels) : 0;
    metric->bounds = bound_count > 0
                         ? g_memdup2(bounds, bound_count * sizeof *bounds)
                         : NULL;
    metric->bound_count = bound_count;
    metric->samples =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_sample);
    g_hash_table_insert(registry, metric->name, metric);
    return metric;
}

static HrSample *
add_sample_locked(HrMetric *metric, char *key, char **values)
{
    HrSample *sample = g_malloc0(
        sizeof *sample + metric->bound_count * sizeof sample->buckets[0]);

    sample->metric = metric;
    sample->values = values;
    g_hash_table_insert(metric->samples, key, sample);
    return sample;
}

/* What is beyond the limit is counted together. */
static HrSample *
find_other_locked(HrMetric *metric)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new();
    HrSample *sample;
    char *key;

    for (guint i = 0; i < metric->label_count; i++)
        g_ptr_array_add(values, (gpointer) "other");
    g_ptr_array_add(values, NULL);
    key = g_strjoinv("\x1f", (char **)values->pdata);
    sample = g_hash_table_lookup(metric->samples, key);
    if (sample == NULL)
        return add_sample_locked(metric, key,
                                 g_strdupv((char **)values->pdata));
    g_free(key);
    return sample;
}

HrSample *
hr_metric_sample(HrMetric *metric, const char *const *values)
{
    g_autofree char *key =
        values != NULL ? g_strjoinv("\x1f", (char **)values) : g_strdup("");
    HrSample *sample;

    g_assert(metric->label_count ==
             (values != NULL ? g_strv_length((char **)values) : 0));
    HR_LOCKED(&registry_mutex);
    sample = g_hash_table_lookup(metric->samples, key);
    if (sample != NULL)
        return sample;
    if (g_hash_table_size(metric->samples) >= HR_METRIC_SAMPLE_LIMIT)
        return find_other_locked(metric);
    return add_sample_locked(metric, g_steal_pointer(&key),
                             g_strdupv((char **)values));
}

void
hr_sample_add(HrSample *sample, uint64_t increment)
{
    atomic_fetch_add_explicit(&sample->count, increment, memory_order_relaxed);
}

void
hr_sample_set(HrSample *sample, double value)
{
    atomic_store(&sample->value, value);
}

void
hr_sample_observe(HrSample *sample, double value)
{
    const HrMetric *metric = sample->metric;
    double sum = atomic_load(&sample->value);

    for (size_t i = 0; i < metric->bound_count; i++) {
        if (value <= metric->bounds[i]) {
            atomic_fetch_add_explicit(&sample->buckets[i], 1,
                                      memory_order_relaxed);
            break;
        }
    }
    atomic_fetch_add_explicit(&sample->count, 1, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&sample->value, &sum, sum + value))
        continue;
}

/* Everything that a snapshot points into. */
struct HrMetricsMemory {
    GPtrArray *blocks;
};

static void *
keep(struct HrMetricsMemory *memory, void *block)
{
    g_ptr_array_add(memory->blocks, block);
    return block;
}

static const char **
copy_labels(struct HrMetricsMemory *memory, const HrMetric *metric,
            const HrSample *sample)
{
    const char **labels =
        keep(memory, g_new0(const char *, 2 * metric->label_count + 1));

    for (guint i = 0; i < metric->label_count; i++) {
        labels[2 * i] = keep(memory, g_strdup(metric->labels[i]));
        labels[2 * i + 1] = keep(memory, g_strdup(sample->values[i]));
    }
    return labels;
}

/* Buckets cumulate in the snapshot; while counting each stands for itself. */
static void
copy_histogram(struct HrMetricsMemory *memory, const HrMetric *metric,
               const HrSample *sample, hr_sample *copy)
{
    uint64_t *buckets =
        keep(memory, g_new0(uint64_t, metric->bound_count + 1));
    uint64_t sum = 0;

    for (size_t i = 0; i < metric->bound_count; i++) {
        sum += atomic_load(&sample->buckets[i]);
        buckets[i] = sum;
    }
    copy->bounds =
        keep(memory, g_memdup2(metric->bounds,
                               metric->bound_count * sizeof *copy->bounds));
    copy->buckets = buckets;
    copy->bound_count = metric->bound_count;
    copy->count = MAX(atomic_load(&sample->count), sum);
    copy->sum = atomic_load(&sample->value);
}

static hr_sample *
copy_sample(struct HrMetricsMemory *memory, const HrMetric *metric,
            const HrSample *sample)
{
    hr_sample *copy = keep(memory, g_new0(hr_sample, 1));

    copy->struct_size = sizeof *copy;
    copy->label_count = metric->label_count;
    copy->labels = copy_labels(memory, metric, sample);
    switch (metric->type) {
    case HR_METRIC_COUNTER:
        copy->value = (double)atomic_load(&sample->count);
        break;
    case HR_METRIC_GAUGE:
        copy->value = atomic_load(&sample->value);
        break;
    default:
        copy_histogram(memory, metric, sample, copy);
        break;
    }
    return copy;
}

static gint
order_texts(gconstpointer left, gconstpointer right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Keys of a table, sorted: output is then the same for the same values. */
static GPtrArray *
sorted_keys(GHashTable *table)
{
    GPtrArray *keys = g_ptr_array_new();
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_ptr_array_add(keys, key);
    g_ptr_array_sort(keys, order_texts);
    return keys;
}

static hr_metric *
copy_metric(struct HrMetricsMemory *memory, const HrMetric *metric)
{
    hr_metric *copy = keep(memory, g_new0(hr_metric, 1));
    g_autoptr(GPtrArray) keys = sorted_keys(metric->samples);
    const hr_sample **samples =
        keep(memory, g_new0(const hr_sample *, keys->len + 1));

    for (guint i = 0; i < keys->len; i++)
        samples[i] =
            copy_sample(memory, metric,
                        g_hash_table_lookup(metric->samples, keys->pdata[i]));
    copy->struct_size = sizeof *copy;
    copy->type = metric->type;
    copy->name = keep(memory, g_strdup(metric->name));
    copy->help = keep(memory, g_strdup(metric->help));
    copy->samples = samples;
    copy->sample_count = keys->len;
    return copy;
}

HrMetricsSnapshot *
hr_metrics_snapshot(void)
{
    HrMetricsSnapshot *snapshot = g_new0(HrMetricsSnapshot, 1);
    g_autoptr(GPtrArray) names = NULL;
    const hr_metric **metrics;

    snapshot->memory = g_new0(struct HrMetricsMemory, 1);
    snapshot->memory->blocks = g_ptr_array_new_with_free_func(g_free);
    HR_LOCKED(&registry_mutex);
    if (registry == NULL)
        return snapshot;
    names = sorted_keys(registry);
    metrics =
        keep(snapshot->memory, g_new0(const hr_metric *, names->len + 1));
    for (guint i = 0; i < names->len; i++)
        metrics[i] = copy_metric(
            snapshot->memory, g_hash_table_lookup(registry, names->pdata[i]));
    snapshot->metrics = metrics;
    snapshot->count = names->len;
    return snapshot;
}

void
hr_metrics_snapshot_free(HrMetricsSnapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    g_ptr_array_unref(snapshot->memory->blocks);
    g_free(snapshot->memory);
    g_free(snapshot);
}

void
hr_metrics_reset(void)
{
    HR_LOCKED(&registry_mutex);
    g_clear_pointer(&registry, g_hash_table_unref);
}
