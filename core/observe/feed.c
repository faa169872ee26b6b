/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Feed: carries events and metrics to sinks. */
#include "observe/feed.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "observe/metrics.h"

/* A failing sink says so once in this time. */
#define COMPLAINT_INTERVAL_US (60 * G_USEC_PER_SEC)

/* How long closing waits for a sink before it is abandoned. */
#define CLOSE_WAIT_US (5 * G_USEC_PER_SEC)

typedef struct QueuedEvent {
    int level;
    int64_t time_us;
    char *name;
    char *correlation;
    char *fields;
} QueuedEvent;

/* One sink and its thread.  Shared by the feed and the thread: whoever lets go
 * last frees it, so that an abandoned thread keeps what it uses. */
typedef struct Outlet {
    HrFeedSink sink;
    char *name;
    pthread_t thread;
    HrSample *dropped;
    pthread_mutex_t mutex;
    HrCond work;
    HrCond idle;
    GQueue events; /* QueuedEvent */
    unsigned capacity;
    uint64_t accepted;  /* events so far, taken into the queue  */
    uint64_t delivered; /* of these, handed to the sink         */
    uint64_t flushes_wanted;
    uint64_t flushes_done;
    uint64_t flush_after; /* events that come before that flush */
    bool last_flush_good;
    bool closing;
    bool closed;
    bool abandoned;
    /* The thread's own. */
    int64_t complained_us;
    bool unflushed;
} Outlet;

struct HrFeed {
    GPtrArray *outlets; /* Outlet; complete before the first event */
    bool wants_events;
};

static void
free_event(QueuedEvent *event)
{
    g_free(event->name);
    g_free(event->correlation);
    g_free(event->fields);
    g_free(event);
}

static void
free_outlet(Outlet *outlet)
{
    QueuedEvent *event;

    while ((event = g_queue_pop_head(&outlet->events)) != NULL)
        free_event(event);
    hr_cond_clear(&outlet->work);
    hr_cond_clear(&outlet->idle);
    pthread_mutex_destroy(&outlet->mutex);
    g_free(outlet->name);
    g_free(outlet);
}

static void
complain(Outlet *outlet, const char *what, const GError *error)
{
    int64_t now = hr_clock_monotonic_us();

    if (outlet->complained_us != 0 &&
        now - outlet->complained_us < COMPLAINT_INTERVAL_US)
        return;
    outlet->complained_us = now;
    hr_log(HR_LOG_WARNING, "sink %s: %s: %s", outlet->name, what,
           error != NULL ? error->message : "no reason given");
}

static void
deliver_event(Outlet *outlet, const QueuedEvent *queued)
{
    hr_event event = {
        .struct_size = sizeof event,
        .level = (uint32_t)queued->level,
        .time_us = queued->time_us,
        .name = queued->name,
        .correlation = queued->correlation,
        .fields = queued->fields,
    };
    g_autoptr(GError) error = NULL;

    if (!outlet->sink.event(outlet->sink.data, &event, &error))
        complain(outlet, "an event was lost", error);
}

static bool
flush_sink(Outlet *outlet)
{
    g_autoptr(GError) error = NULL;

    outlet->unflushed = false;
    if (outlet->sink.flush == NULL ||
        outlet->sink.flush(outlet->sink.data, &error))
        return true;
    complain(outlet, "what it took was not delivered", error);
    return false;
}

static bool
deliver_metrics(Outlet *outlet)
{
    g_autoptr(HrMetricsSnapshot) snapshot = NULL;
    g_autoptr(GError) error = NULL;

    if (outlet->sink.metrics == NULL)
        return true;
    snapshot = hr_metrics_snapshot();
    if (outlet->sink.metrics(outlet->sink.data, snapshot->metrics,
                             snapshot->count, &error))
        return true;
    complain(outlet, "metrics were not taken", error);
    return false;
}

/* Lets go of the lock for one delivery. */
static void
work_on_event_locked(Outlet *outlet)
{
    QueuedEvent *event = g_queue_pop_head(&outlet->events);

    pthread_mutex_unlock(&outlet->mutex);
    deliver_event(outlet, event);
    outlet->unflushed = true;
    free_event(event);
    pthread_mutex_lock(&outlet->mutex);
    outlet->delivered++;
}

static void
work_on_flush_locked(Outlet *outlet)
{
    uint64_t wanted = outlet->flushes_wanted;
    bool good;

    pthread_mutex_unlock(&outlet->mutex);
    good = deliver_metrics(outlet);
    good &= flush_sink(outlet);
    pthread_mutex_lock(&outlet->mutex);
    outlet->flushes_done = wanted;
    outlet->last_flush_good = good;
    hr_cond_broadcast(&outlet->idle);
}

/* Takes one piece of work; called and returns with the lock held.  False if
 * there is none.  A flush waits for the events before it, and not for those
 * that go on coming. */
static bool
work_locked(Outlet *outlet)
{
    if (outlet->flushes_done != outlet->flushes_wanted &&
        outlet->delivered >= outlet->flush_after)
        work_on_flush_locked(outlet);
    else if (outlet->events.length > 0)
        work_on_event_locked(outlet);
    else
        return false;
    return true;
}

static void
close_sink(Outlet *outlet)
{
    if (outlet->unflushed)
        flush_sink(outlet);
    if (outlet->sink.close != NULL)
        outlet->sink.close(outlet->sink.data);
}

static void *
run_outlet(void *data)
{
    Outlet *outlet = data;
    bool abandoned;

    pthread_mutex_lock(&outlet->mutex);
    for (;;) {
        if (work_locked(outlet))
            continue;
        if (outlet->closing)
            break;
        hr_cond_wait(&outlet->work, &outlet->mutex);
    }
    pthread_mutex_unlock(&outlet->mutex);
    close_sink(outlet);
    pthread_mutex_lock(&outlet->mutex);
    outlet->closed = true;
    abandoned = outlet->abandoned;
    hr_cond_broadcast(&outlet->idle);
    pthread_mutex_unlock(&outlet->mutex);
    /* Otherwise the feed joins this thread, and frees it then. */
    if (abandoned)
        free_outlet(outlet);
    return NULL;
}

HrFeed *
hr_feed_new(void)
{
    HrFeed *feed = g_new0(HrFeed, 1);

    feed->outlets = g_ptr_array_new();
    return feed;
}

static HrSample *
find_dropped(const char *name)
{
    static const char *const labels[] = {"sink", NULL};
    const char *const values[] = {name, NULL};
    HrMetric *metric = hr_metric_declare(
        HR_METRIC_COUNTER, "harbor_replicator_sink_dropped_total",
        "Events that a sink was too slow to take.", labels, NULL, 0);

    return hr_metric_sample(metric, values);
}

/* Signals are the main thread's. */
static int
start_thread(Outlet *outlet)
{
    sigset_t all;
    sigset_t old;
    int problem;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    problem = pthread_create(&outlet->thread, NULL, run_outlet, outlet);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (problem == 0)
        pthread_setname_np(outlet->thread, "hr-sink");
    return problem;
}

void
hr_feed_add(HrFeed *feed, const HrFeedSink *sink, unsigned capacity)
{
    Outlet *outlet = g_new0(Outlet, 1);
    int problem;

    outlet->sink = *sink;
    outlet->name = g_strdup(sink->name);
    outlet->capacity = capacity;
    outlet->last_flush_good = true;
    outlet->dropped = find_dropped(sink->name);
    pthread_mutex_init(&outlet->mutex, NULL);
    hr_cond_init(&outlet->work);
    hr_cond_init(&outlet->idle);
    problem = start_thread(outlet);
    if (problem != 0) {
        hr_log(HR_LOG_WARNING,
               "sink %s: cannot start its thread: %s; nothing reaches it",
               outlet->name, g_strerror(problem));
        close_sink(outlet);
        free_outlet(outlet);
        return;
    }
    feed->wants_events |= sink->event != NULL;
    g_ptr_array_add(feed->outlets, outlet);
}

bool
hr_feed_wants_events(const HrFeed *feed)
{
    return feed->wants_events;
}

static QueuedEvent *
new_event(int64_t now, int level, const char *name, const char *correlation,
          const char *fields)
{
    QueuedEvent *event = g_new0(QueuedEvent, 1);

    event->level = level;
    event->time_us = now;
    event->name = g_strdup(name);
    event->correlation = g_strdup(correlation != NULL ? correlation : "");
    event->fields = g_strdup(fields != NULL ? fields : "{}");
    return event;
}

void
hr_feed_event(HrFeed *feed, int level, const char *name,
              const char *correlation, const char *fields)
{
    int64_t now = hr_clock_wall_us();

    for (guint i = 0; i < feed->outlets->len; i++) {
        Outlet *outlet = feed->outlets->pdata[i];

        if (outlet->sink.event == NULL)
            continue;
        HR_LOCKED(&outlet->mutex);
        if (outlet->events.length >= outlet->capacity) {
            hr_sample_add(outlet->dropped, 1);
            continue;
        }
        g_queue_push_tail(&outlet->events,
                          new_event(now, level, name, correlation, fields));
        outlet->accepted++;
        hr_cond_signal(&outlet->work);
    }
}

/* Waits, lock held, until all flushes asked for are done. */
static bool
wait_flushed_locked(Outlet *outlet, uint64_t wanted, int64_t until_us)
{
    while (outlet->flushes_done < wanted)
        if (!hr_cond_wait_until(&outlet->idle, &outlet->mutex, until_us))
            return false;
    return outlet->last_flush_good;
}

bool
hr_feed_flush(HrFeed *feed, int64_t until_us)
{
    bool good = true;

    for (guint i = 0; i < feed->outlets->len; i++) {
        Outlet *outlet = feed->outlets->pdata[i];

        HR_LOCKED(&outlet->mutex);
        outlet->flushes_wanted++;
        outlet->flush_after = outlet->accepted;
        hr_cond_signal(&outlet->work);
    }
    for (guint i = 0; i < feed->outlets->len; i++) {
        Outlet *outlet = feed->outlets->pdata[i];

        HR_LOCKED(&outlet->mutex);
        good &= wait_flushed_locked(outlet, outlet->flushes_wanted, until_us);
    }
    return good;
}

static void
begin_close(Outlet *outlet)
{
    HR_LOCKED(&outlet->mutex);
    outlet->closing = true;
    hr_cond_signal(&outlet->work);
}

/* True if the sink is closed, and the outlet ours as soon as its thread is
 * joined.  Otherwise it belongs to its thread, which frees it when, and if,
 * the sink returns: nothing of it may be touched any more. */
static bool
wait_closed(Outlet *outlet, int64_t until_us)
{
    HR_LOCKED(&outlet->mutex);
    while (!outlet->closed &&
           hr_cond_wait_until(&outlet->idle, &outlet->mutex, until_us))
        continue;
    if (outlet->closed)
        return true;
    hr_log(HR_LOG_WARNING,
           "sink %s does not end; what it has not delivered is lost",
           outlet->name);
    pthread_detach(outlet->thread);
    outlet->abandoned = true;
    return false;
}

bool
hr_feed_free_until(HrFeed *feed, int64_t until_us)
{
    bool whole = true;

    if (feed == NULL)
        return true;
    /* All at once, so that one that hangs takes no time from the others. */
    for (guint i = 0; i < feed->outlets->len; i++)
        begin_close(feed->outlets->pdata[i]);
    for (guint i = 0; i < feed->outlets->len; i++) {
        Outlet *outlet = feed->outlets->pdata[i];

        if (!wait_closed(outlet, until_us)) {
            whole = false;
            continue;
        }
        pthread_join(outlet->thread, NULL);
        free_outlet(outlet);
    }
    g_ptr_array_unref(feed->outlets);
    g_free(feed);
    return whole;
}

void
hr_feed_free(HrFeed *feed)
{
    hr_feed_free_until(feed, hr_clock_monotonic_us() + CLOSE_WAIT_US);
}
