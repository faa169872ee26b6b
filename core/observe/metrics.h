/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Metrics: counters, gauges and histograms of the process.
 *
 * One registry for the process, made before the first thread.  A metric is
 * declared once and its samples are found by label values; after that,
 * counting is one atomic addition.  Names follow Prometheus: base units,
 * "_total" for counters.
 */
#ifndef HR_OBSERVE_METRICS_H
#define HR_OBSERVE_METRICS_H

#include <glib.h>
#include <harbor-replicator/hr-sink.h>
#include <stdint.h>

typedef struct HrMetric HrMetric; /* a family: name, help, type, labels */
typedef struct HrSample HrSample; /* one combination of label values    */

/* At most this many samples a family; more are counted together under the
 * label value "other". */
#define HR_METRIC_SAMPLE_LIMIT 200

/* Declares a family, or finds it.  `labels` are names, ending in NULL.
 * `bounds` (histograms; `bound_count` ascending upper bounds).  Lives as long
 * as the process. */
HrMetric *
hr_metric_declare(uint32_t type, const char *name, const char *help,
                  const char *const *labels, const double *bounds,
                  size_t bound_count);

/* The sample of these label values (as many as names, ending in NULL); NULL
 * for a family without labels.  Lives as long as the process. */
HrSample *
hr_metric_sample(HrMetric *metric, const char *const *values);

/* From any thread. */
void
hr_sample_add(HrSample *sample, uint64_t increment);

void
hr_sample_set(HrSample *sample, double value);

void
hr_sample_observe(HrSample *sample, double value);

/* A copy of all values at one moment, in the form that sinks take. */
typedef struct HrMetricsSnapshot {
    const hr_metric *const *metrics;
    size_t count;
    struct HrMetricsMemory *memory; /* what the pointers point into */
} HrMetricsSnapshot;

HrMetricsSnapshot *
hr_metrics_snapshot(void);

void
hr_metrics_snapshot_free(HrMetricsSnapshot *snapshot);

/* Forgets everything; for tests. */
void
hr_metrics_reset(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrMetricsSnapshot, hr_metrics_snapshot_free)

#endif
