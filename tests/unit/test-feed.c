/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The feed, with sinks that are quick, slow, failing and dead. */
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "observe/feed.h"
#include "observe/metrics.h"

#define PRODUCERS 4
#define EVENTS 2000
#define SECOND G_USEC_PER_SEC

/* A sink that writes down what happens to it, and can be made to wait. */
typedef struct Double {
    pthread_mutex_t mutex;
    HrCond moved;
    GPtrArray *events; /* "name correlation fields" */
    unsigned metrics;
    unsigned flushes;
    unsigned closes;
    double dropped; /* as the last metrics said */
    bool gate;      /* events wait as long as it is shut */
    bool waiting;
    bool failing;
} Double;

static void
init_double(Double *sink)
{
    memset(sink, 0, sizeof *sink);
    pthread_mutex_init(&sink->mutex, NULL);
    hr_cond_init(&sink->moved);
    sink->events = g_ptr_array_new_with_free_func(g_free);
}

static void
clear_double(Double *sink)
{
    pthread_mutex_destroy(&sink->mutex);
    hr_cond_clear(&sink->moved);
    g_ptr_array_unref(sink->events);
}

static void
set_gate(Double *sink, bool shut)
{
    HR_LOCKED(&sink->mutex);
    sink->gate = shut;
    hr_cond_broadcast(&sink->moved);
}

static void
await_waiting(Double *sink)
{
    HR_LOCKED(&sink->mutex);
    while (!sink->waiting)
        hr_cond_wait(&sink->moved, &sink->mutex);
}

static bool
take_event(void *data, const hr_event *event, GError **error)
{
    Double *sink = data;

    HR_LOCKED(&sink->mutex);
    g_assert_cmpuint(event->struct_size, ==, sizeof *event);
    g_assert_cmpint(ABS(hr_clock_wall_us() - event->time_us), <, 60 * SECOND);
    sink->waiting = true;
    hr_cond_broadcast(&sink->moved);
    while (sink->gate)
        hr_cond_wait(&sink->moved, &sink->mutex);
    sink->waiting = false;
    g_ptr_array_add(sink->events,
                    g_strdup_printf("%u %s '%s' %s", event->level, event->name,
                                    event->correlation, event->fields));
    return !sink->failing ||
           hr_error_set(error, HR_LOCAL_RESOURCE, "disk full");
}

static bool
take_metrics(void *data, const hr_metric *const *metrics, size_t count,
             GError **error)
{
    Double *sink = data;

    (void)error;
    HR_LOCKED(&sink->mutex);
    sink->metrics++;
    for (size_t i = 0; i < count; i++)
        if (strcmp(metrics[i]->name, "harbor_replicator_sink_dropped_total") ==
            0)
            sink->dropped = metrics[i]->samples[0]->value;
    return true;
}

static bool
flush(void *data, GError **error)
{
    Double *sink = data;

    HR_LOCKED(&sink->mutex);
    sink->flushes++;
    return !sink->failing ||
           hr_error_set(error, HR_LOCAL_RESOURCE, "disk full");
}

static void
close_double(void *data)
{
    Double *sink = data;

    HR_LOCKED(&sink->mutex);
    sink->closes++;
    hr_cond_broadcast(&sink->moved);
}

static void
attach(HrFeed *feed, Double *sink, const char *name, unsigned capacity)
{
    const HrFeedSink outlet = {
        .name = name,
        .data = sink,
        .event = take_event,
        .metrics = take_metrics,
        .flush = flush,
        .close = close_double,
    };

    hr_feed_add(feed, &outlet, capacity);
}

static int64_t
in_ms(int64_t ms)
{
    return hr_clock_monotonic_us() + ms * 1000;
}

static int saved_stderr;
static FILE *captured;

static void
start_capture(void)
{
    captured = tmpfile();
    g_assert_cmpint(fcntl(fileno(captured), F_SETFL, O_APPEND), ==, 0);
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
}

/* What was logged meanwhile. */
static char *
end_capture(void)
{
    char text[4096];
    size_t size;

    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    rewind(captured);
    size = fread(text, 1, sizeof text - 1, captured);
    text[size] = '\0';
    fclose(captured);
    return g_strdup(text);
}

static void
test_order(void)
{
    HrFeed *feed = hr_feed_new();
    Double one;
    Double two;

    init_double(&one);
    init_double(&two);
    g_assert_false(hr_feed_wants_events(feed));
    attach(feed, &one, "one", 4096);
    attach(feed, &two, "two", 4096);
    g_assert_true(hr_feed_wants_events(feed));
    for (unsigned i = 0; i < EVENTS; i++) {
        g_autofree char *fields = g_strdup_printf("{\"n\":%u}", i);

        hr_feed_event(feed, HR_LOG_INFO, "tag.copied", "abc", fields);
    }
    hr_feed_event(feed, HR_LOG_ERROR, "pass.ended", NULL, NULL);
    g_assert_true(hr_feed_flush(feed, in_ms(10000)));
    g_assert_cmpuint(one.events->len, ==, EVENTS + 1);
    g_assert_cmpuint(two.events->len, ==, EVENTS + 1);
    for (unsigned i = 0; i < EVENTS; i++) {
        g_autofree char *text =
            g_strdup_printf("2 tag.copied 'abc' {\"n\":%u}", i);

        g_assert_cmpstr(one.events->pdata[i], ==, text);
        g_assert_cmpstr(two.events->pdata[i], ==, text);
    }
    g_assert_cmpstr(one.events->pdata[EVENTS], ==, "0 pass.ended '' {}");
    g_assert_cmpuint(one.metrics, ==, 1);
    g_assert_cmpuint(one.flushes, ==, 1);
    g_assert_cmpuint(one.closes, ==, 0);
    hr_feed_free(feed);
    g_assert_cmpuint(one.closes, ==, 1);
    g_assert_cmpuint(two.closes, ==, 1);
    clear_double(&one);
    clear_double(&two);
    hr_metrics_reset();
}

static void
test_free_delivers(void)
{
    HrFeed *feed = hr_feed_new();
    Double sink;

    init_double(&sink);
    attach(feed, &sink, "one", EVENTS);
    for (unsigned i = 0; i < EVENTS; i++)
        hr_feed_event(feed, HR_LOG_INFO, "x", NULL, NULL);
    hr_feed_free(feed);
    g_assert_cmpuint(sink.events->len, ==, EVENTS);
    g_assert_cmpuint(sink.flushes, ==, 1);
    g_assert_cmpuint(sink.metrics, ==, 0);
    g_assert_cmpuint(sink.closes, ==, 1);
    clear_double(&sink);
    hr_feed_free(NULL);
    hr_metrics_reset();
}

static void
test_drops(void)
{
    HrFeed *feed = hr_feed_new();
    Double slow;
    Double quick;
    int64_t before;
    g_autoptr(HrMetricsSnapshot) snapshot = NULL;

    init_double(&slow);
    init_double(&quick);
    slow.gate = true;
    attach(feed, &slow, "slow", 10);
    attach(feed, &quick, "quick", EVENTS);
    hr_feed_event(feed, HR_LOG_INFO, "first", NULL, NULL);
    await_waiting(&slow);
    before = hr_clock_monotonic_us();
    for (unsigned i = 0; i < 100; i++) {
        g_autofree char *name = g_strdup_printf("n%u", i);

        hr_feed_event(feed, HR_LOG_INFO, name, NULL, NULL);
    }
    g_assert_cmpint(hr_clock_monotonic_us() - before, <, SECOND);
    /* The slow one is in the way of nobody. */
    g_assert_false(hr_feed_flush(feed, in_ms(200)));
    g_assert_cmpuint(quick.events->len, ==, 101);
    g_assert_cmpuint(quick.metrics, ==, 1);
    set_gate(&slow, false);
    g_assert_true(hr_feed_flush(feed, in_ms(10000)));
    /* One in its hands and ten waiting; the newest ninety were dropped. */
    g_assert_cmpuint(slow.events->len, ==, 11);
    g_assert_cmpstr(slow.events->pdata[10], ==, "2 n9 '' {}");
    hr_feed_free(feed);
    snapshot = hr_metrics_snapshot();
    g_assert_cmpuint(snapshot->count, ==, 1);
    /* Sorted: the first is "quick". */
    g_assert_cmpfloat(snapshot->metrics[0]->samples[0]->value, ==, 0);
    g_assert_cmpstr(snapshot->metrics[0]->samples[1]->labels[1], ==, "slow");
    g_assert_cmpfloat(snapshot->metrics[0]->samples[1]->value, ==, 90);
    clear_double(&slow);
    clear_double(&quick);
    hr_metrics_reset();
}

static void
test_failing(void)
{
    HrFeed *feed = hr_feed_new();
    Double sink;
    g_autofree char *log = NULL;

    init_double(&sink);
    sink.failing = true;
    attach(feed, &sink, "full", 100);
    start_capture();
    for (unsigned i = 0; i < 50; i++)
        hr_feed_event(feed, HR_LOG_INFO, "x", NULL, NULL);
    g_assert_false(hr_feed_flush(feed, in_ms(10000)));
    hr_feed_free(feed);
    log = end_capture();
    g_assert_cmpuint(sink.events->len, ==, 50);
    g_assert_cmpuint(sink.closes, ==, 1);
    g_assert_nonnull(
        strstr(log, "warning sink full: an event was lost: disk full\n"));
    /* Once a minute. */
    g_assert_null(strchr(strchr(log, '\n') + 1, '\n'));
    clear_double(&sink);
    hr_metrics_reset();
}

static atomic_bool abandoned_may_end;
static atomic_bool abandoned_ended;

static bool
hang(void *data, const hr_event *event, GError **error)
{
    (void)data;
    (void)event;
    while (!atomic_load(&abandoned_may_end))
        g_usleep(1000);
    return hr_error_set(error, HR_UNKNOWN, "came back");
}

static void
end_abandoned(void *data)
{
    (void)data;
    atomic_store(&abandoned_ended, true);
}

static void
test_dead(void)
{
    HrFeed *feed = hr_feed_new();
    char *name = g_strdup("dead");
    const HrFeedSink dead = {
        .name = name,
        .event = hang,
        .close = end_abandoned,
    };
    Double alive;
    g_autofree char *log = NULL;
    int64_t before = hr_clock_monotonic_us();

    init_double(&alive);
    atomic_store(&abandoned_may_end, false);
    hr_feed_add(feed, &dead, 10);
    attach(feed, &alive, "alive", 10);
    hr_feed_event(feed, HR_LOG_INFO, "x", NULL, NULL);
    hr_feed_event(feed, HR_LOG_INFO, "y", NULL, NULL);
    start_capture();
    g_assert_false(hr_feed_flush(feed, in_ms(100)));
    hr_feed_free_until(feed, in_ms(100));
    /* The name is borrowed no longer than the feed lives. */
    memset(name, '!', strlen(name));
    g_free(name);
    g_assert_cmpint(hr_clock_monotonic_us() - before, <, 3 * SECOND);
    g_assert_cmpuint(alive.events->len, ==, 2);
    g_assert_cmpuint(alive.closes, ==, 1);
    g_assert_false(atomic_load(&abandoned_ended));
    /* It comes back when nobody expects it any more, and ends in peace. */
    atomic_store(&abandoned_may_end, true);
    for (unsigned i = 0; i < 5000 && !atomic_load(&abandoned_ended); i++)
        g_usleep(1000);
    g_usleep(20000);
    log = end_capture();
    g_assert_true(atomic_load(&abandoned_ended));
    g_assert_nonnull(strstr(log, "warning sink dead does not end; what it has "
                                 "not delivered is lost\n"));
    g_assert_nonnull(strstr(log, "sink dead: an event was lost: came back\n"));
    g_assert_null(strstr(log, "alive"));
    clear_double(&alive);
}

static void *
produce(void *data)
{
    for (unsigned i = 0; i < EVENTS; i++) {
        g_autofree char *fields = g_strdup_printf("{\"n\":%u}", i);

        hr_feed_event(data, HR_LOG_INFO, "x", NULL, fields);
    }
    return NULL;
}

static void
test_producers(void)
{
    HrFeed *feed = hr_feed_new();
    pthread_t threads[PRODUCERS];
    Double sink;
    unsigned taken;
    g_autoptr(HrMetricsSnapshot) snapshot = NULL;

    init_double(&sink);
    attach(feed, &sink, "busy", 100);
    for (unsigned i = 0; i < PRODUCERS; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, produce, feed), ==,
                        0);
    /* Does not wait for the end of what goes on coming. */
    for (unsigned i = 0; i < 20; i++)
        g_assert_true(hr_feed_flush(feed, in_ms(10000)));
    for (unsigned i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    hr_feed_free(feed);
    taken = sink.events->len;
    snapshot = hr_metrics_snapshot();
    /* Each was taken or counted as dropped. */
    g_assert_cmpfloat(taken + snapshot->metrics[0]->samples[0]->value, ==,
                      PRODUCERS * EVENTS);
    g_assert_cmpuint(taken, >=, 100);
    clear_double(&sink);
    hr_metrics_reset();
}

typedef struct Endless {
    HrFeed *feed;
    atomic_uint flushes;
} Endless;

/* Each event brings another one. */
static bool
echo(void *data, const hr_event *event, GError **error)
{
    Endless *endless = data;

    (void)error;
    if (atomic_load(&endless->flushes) < 3)
        hr_feed_event(endless->feed, HR_LOG_INFO, event->name, NULL, NULL);
    return true;
}

static bool
count_flush(void *data, GError **error)
{
    Endless *endless = data;

    (void)error;
    atomic_fetch_add(&endless->flushes, 1);
    return true;
}

/* A queue that is never empty keeps no flush from its turn. */
static void
test_flush_has_its_turn(void)
{
    HrFeed *feed = hr_feed_new();
    Endless endless = {.feed = feed};
    const HrFeedSink sink = {
        .name = "endless",
        .data = &endless,
        .event = echo,
        .flush = count_flush,
    };

    hr_feed_add(feed, &sink, 50);
    for (unsigned i = 0; i < 10; i++)
        hr_feed_event(feed, HR_LOG_INFO, "x", NULL, NULL);
    for (unsigned i = 0; i < 3; i++)
        g_assert_true(hr_feed_flush(feed, in_ms(2000)));
    hr_feed_free(feed);
    hr_metrics_reset();
}

static void
test_metrics_only(void)
{
    HrFeed *feed = hr_feed_new();
    Double sink;
    HrFeedSink outlet = {
        .name = "metrics",
        .data = &sink,
        .metrics = take_metrics,
    };

    init_double(&sink);
    hr_feed_add(feed, &outlet, 1);
    g_assert_false(hr_feed_wants_events(feed));
    for (unsigned i = 0; i < 10; i++)
        hr_feed_event(feed, HR_LOG_INFO, "x", NULL, NULL);
    g_assert_true(hr_feed_flush(feed, in_ms(10000)));
    hr_feed_free(feed);
    g_assert_cmpuint(sink.metrics, ==, 1);
    /* It never wanted them, so none was lost. */
    g_assert_cmpfloat(sink.dropped, ==, 0);
    clear_double(&sink);
    hr_metrics_reset();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/feed/every-sink-gets-events-in-order", test_order);
    g_test_add_func("/feed/ends-with-everything-delivered",
                    test_free_delivers);
    g_test_add_func("/feed/drops-and-counts-what-is-too-much", test_drops);
    g_test_add_func("/feed/complains-once-a-minute", test_failing);
    g_test_add_func("/feed/producers-lose-nothing-uncounted", test_producers);
    g_test_add_func("/feed/a-flush-has-its-turn", test_flush_has_its_turn);
    g_test_add_func("/feed/sinks-may-want-metrics-only", test_metrics_only);
    g_test_add_func("/feed/a-dead-sink-is-left-alone", test_dead);
    return g_test_run();
}
