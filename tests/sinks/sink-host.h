/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sink host: what a sink plugin needs of a host, and a place to write to. */
#ifndef SINK_HOST_H
#define SINK_HOST_H

#include <glib.h>
#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-sink.h>

/* A call keeps the last failure. */
struct hr_call {
    hr_status status;
    char message[1024];
};

/* The settings of one sink. */
struct hr_settings {
    const char *path;
    int64_t metrics;
};

/* Calls the plugin's init and gives the table of its only provider. */
const hr_sink_ops *
sink_host_start(const hr_plugin *plugin);

/* Opens a sink, which has to work. */
hr_sink *
sink_host_open(const hr_sink_ops *ops, const char *path, int64_t metrics);

/* Opens a sink, which has to fail with this status and these words. */
void
sink_host_refuse(const hr_sink_ops *ops, const char *path, hr_status status,
                 const char *words);

/* A directory to write to, and a file in it; callers free both. */
char *
sink_host_room(void);

/* Removes it with all that is in it. */
void
sink_host_sweep(const char *room);

/* Everything in a file; the caller's. */
char *
sink_host_read(const char *path);

/* A counter, a gauge and a histogram that have everything that needs care. */
extern const hr_metric *const sink_host_metrics[];

#define SINK_HOST_METRIC_COUNT 4

#endif
