/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sink: an open instance of a sink plugin, in the form the feed takes. */
#include "plug/sink.h"

#include "base/clock.h"
#include "base/error.h"
#include "plug/instance.h"
#include "work/call.h"

/* Events that wait for a sink.  An event is a few hundred bytes. */
#define QUEUE_CAPACITY 4096

typedef struct OpenSink {
    HrInstance instance;
    const hr_sink_ops *ops;
    hr_sink *plugin;
    HrCall *call; /* of the sink's thread */
} OpenSink;

static bool
finish(OpenSink *sink, hr_status status, GError **error)
{
    hr_instance_leave(&sink->instance);
    return status == HR_OK || hr_call_take_error(sink->call, status, error);
}

static bool
take_event(void *data, const hr_event *event, GError **error)
{
    OpenSink *sink = data;

    hr_instance_enter(&sink->instance);
    return finish(sink, sink->ops->event(sink->plugin, sink->call, event),
                  error);
}

static bool
take_metrics(void *data, const hr_metric *const *metrics, size_t count,
             GError **error)
{
    OpenSink *sink = data;

    hr_instance_enter(&sink->instance);
    return finish(sink,
                  sink->ops->metrics(sink->plugin, sink->call, metrics, count),
                  error);
}

static bool
flush_sink(void *data, GError **error)
{
    OpenSink *sink = data;

    hr_instance_enter(&sink->instance);
    return finish(sink, sink->ops->flush(sink->plugin, sink->call), error);
}

static void
close_sink(void *data)
{
    OpenSink *sink = data;

    hr_instance_enter(&sink->instance);
    sink->ops->close(sink->plugin);
    hr_instance_leave(&sink->instance);
    hr_instance_clear(&sink->instance);
    hr_call_free(sink->call);
    g_free(sink);
}

gboolean
hr_sink_attach(HrPlugins *plugins, const hr_provider *provider,
               HrSettings *settings, HrFeed *feed, GError **error)
{
    OpenSink *sink = g_new0(OpenSink, 1);
    HrFeedSink outlet = {
        .name = provider->name,
        .data = sink,
        .close = close_sink,
    };

    sink->ops = provider->ops;
    sink->call = hr_call_new(NULL, HR_TIME_NEVER);
    hr_instance_init(&sink->instance, plugins, provider);
    hr_instance_enter(&sink->instance);
    if (!finish(sink, sink->ops->open(sink->call, settings, &sink->plugin),
                error)) {
        hr_instance_clear(&sink->instance);
        hr_call_free(sink->call);
        g_free(sink);
        return false;
    }
    if (HR_HAS(sink->ops, hr_sink_ops, event) && sink->ops->event != NULL)
        outlet.event = take_event;
    if (HR_HAS(sink->ops, hr_sink_ops, metrics) && sink->ops->metrics != NULL)
        outlet.metrics = take_metrics;
    if (HR_HAS(sink->ops, hr_sink_ops, flush) && sink->ops->flush != NULL)
        outlet.flush = flush_sink;
    hr_feed_add(feed, &outlet, QUEUE_CAPACITY);
    return true;
}
