/* SPDX-License-Identifier: MIT-0 */
/*
 * A sink: takes events and metrics away.
 *
 * Every sink is fed on a thread of its own through a bounded queue; when it
 * is slow, events are dropped and counted, and nobody waits for it.
 */
#ifndef HR_SINK_H
#define HR_SINK_H

#include <harbor-replicator/hr-abi.h>
#include <harbor-replicator/hr-host.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An open sink: the plugin's own state. */
typedef struct hr_sink hr_sink;

/* Something that happened. */
typedef struct hr_event {
    uint32_t struct_size;
    uint32_t level;          /* HR_LOG_*                                */
    int64_t time_us;         /* since 1970-01-01 UTC                    */
    const char *name;        /* "tag.copied"; grows, never changes      */
    const char *correlation; /* 32 hex digits of the operation, or ""   */
    const char *fields;      /* a JSON object                           */
} hr_event;

enum {
    HR_METRIC_COUNTER = 1,
    HR_METRIC_GAUGE = 2,
    HR_METRIC_HISTOGRAM = 3
};

/* One value of a metric. */
typedef struct hr_sample {
    uint32_t struct_size;
    uint32_t label_count;
    const char *const *labels; /* name, value, name, value, ...           */
    double value;              /* counter and gauge                       */
    uint64_t count;            /* histogram: number of observations       */
    double sum;                /* histogram: their sum                    */
    const double *bounds;      /* histogram: upper bounds, ascending      */
    const uint64_t *buckets;   /* histogram: cumulative, one per bound    */
    uint64_t bound_count;
} hr_sample;

/* One metric with all its values. */
typedef struct hr_metric {
    uint32_t struct_size;
    uint32_t type;    /* HR_METRIC_*                             */
    const char *name; /* "harbor_replicator_requests_total"      */
    const char *help; /* one sentence                            */
    const hr_sample *const *samples;
    uint64_t sample_count;
} hr_metric;

typedef struct hr_sink_ops {
    uint32_t struct_size;
    uint32_t reserved;

    /* Opens a sink with the settings that the configuration gives it. */
    hr_status (*open)(hr_call *call, hr_settings *settings, hr_sink **sink);

    /* Closes it after everything was delivered. */
    void (*close)(hr_sink *sink);

    /* Takes one event.  NULL if the sink takes none. */
    hr_status (*event)(hr_sink *sink, hr_call *call, const hr_event *event);

    /* Takes the state of all metrics, at the end of a pass and whenever the
     * host thinks fit.  NULL if the sink takes none. */
    hr_status (*metrics)(hr_sink *sink, hr_call *call,
                         const hr_metric *const *metrics, size_t count);

    /* Brings what was taken so far to where it belongs.  May be NULL. */
    hr_status (*flush)(hr_sink *sink, hr_call *call);
} hr_sink_ops;

#ifdef __cplusplus
}
#endif

#endif
