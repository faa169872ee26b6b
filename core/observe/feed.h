/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Feed: carries events and metrics to sinks.
 *
 *     anybody --hr_feed_event--> [queue of sink 1] --> thread 1 --> sink 1
 *                            \-> [queue of sink 2] --> thread 2 --> sink 2
 *
 * A queue is bounded: when it is full the newest event is dropped and
 * counted (harbor_replicator_sink_dropped_total).  Nobody waits for a sink,
 * and a slow or dead sink delays only itself.
 */
#ifndef HR_OBSERVE_FEED_H
#define HR_OBSERVE_FEED_H

#include <glib.h>
#include <harbor-replicator/hr-sink.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct HrFeed HrFeed;

/* What the feed calls, always on the sink's own thread.  `event`, `metrics`
 * and `flush` may be NULL.  Failures are logged, at most once a minute. */
typedef struct HrFeedSink {
    const char *name; /* borrowed for the life of the feed */
    void *data;
    bool (*event)(void *data, const hr_event *event, GError **error);
    bool (*metrics)(void *data, const hr_metric *const *metrics, size_t count,
                    GError **error);
    bool (*flush)(void *data, GError **error);
    void (*close)(void *data);
} HrFeedSink;

HrFeed *
hr_feed_new(void);

/* Copies `sink` and starts its thread.  `capacity` events fit its queue. */
void
hr_feed_add(HrFeed *feed, const HrFeedSink *sink, unsigned capacity);

/* Reports that something happened.  `fields` is a JSON object text, or NULL.
 * `correlation` may be NULL.  From any thread; never blocks. */
void
hr_feed_event(HrFeed *feed, int level, const char *name,
              const char *correlation, const char *fields);

/* True if any sink takes events: spares the work of making them. */
bool
hr_feed_wants_events(const HrFeed *feed);

/* Has every sink take the metrics as they are now and flush; waits until
 * `until_us` (monotonic) at most.  False if a sink did not make it or
 * failed. */
bool
hr_feed_flush(HrFeed *feed, int64_t until_us);

/* Has every sink take the events that wait, flush and close, and joins their
 * threads.  A sink that is not done by `until_us` (monotonic) is abandoned
 * with a warning: its thread keeps what it uses.  False if one was. */
bool
hr_feed_free_until(HrFeed *feed, int64_t until_us);

/* The same, for 5 s at most. */
void
hr_feed_free(HrFeed *feed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrFeed, hr_feed_free)

#endif
