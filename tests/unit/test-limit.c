/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The limit of requests in flight, against a simulated server: C places, one
 * queue, service times that vary; clients always have more to ask.
 */
#include "guard/limit.h"

#include <math.h>

#define MS INT64_C(1000)
#define SECOND (1000 * MS)
#define CLIENTS 2
#define PLACES 256

typedef struct Request {
    int64_t sent_us;
    unsigned client;
} Request;

typedef struct Server {
    GRand *rand;
    unsigned slots;
    double service_us;
    double sigma; /* 0: exponential; else lognormal of that sigma */
    int64_t now_us;
    GQueue waiting;          /* Request */
    int64_t ends_us[PLACES]; /* of those in service, INT64_MAX: none */
    Request *serving[PLACES];
    unsigned busy;
    HrLimit *limits[CLIENTS];
    unsigned clients;
    unsigned in_flight[CLIENTS];
    uint64_t done[CLIENTS];
    double latency_sum;
} Server;

static double
draw_cb(void *data)
{
    return g_rand_double(data);
}

static double
draw_service(Server *server)
{
    double one = g_rand_double(server->rand);
    double other = g_rand_double(server->rand);
    double normal;

    if (server->sigma <= 0)
        return -log(1 - one) * server->service_us;
    normal = sqrt(-2 * log(1 - one)) * cos(2 * G_PI * other);
    return server->service_us *
           exp(server->sigma * normal - server->sigma * server->sigma / 2);
}

static void
init_server(Server *server, guint32 seed, unsigned slots, double service_us,
            unsigned clients, unsigned maximum)
{
    HrLimitPolicy policy = {true, 1, MIN(16, maximum), maximum};

    *server = (Server){.slots = slots,
                       .service_us = service_us,
                       .clients = clients,
                       .now_us = SECOND};
    server->rand = g_rand_new_with_seed(seed);
    g_queue_init(&server->waiting);
    for (unsigned i = 0; i < PLACES; i++)
        server->ends_us[i] = INT64_MAX;
    for (unsigned i = 0; i < clients; i++) {
        HrRandom random = {draw_cb, server->rand};

        server->limits[i] = hr_limit_new(&policy, &random, server->now_us);
    }
}

static void
clear_server(Server *server)
{
    for (unsigned i = 0; i < server->clients; i++)
        hr_limit_free(server->limits[i]);
    for (unsigned i = 0; i < PLACES; i++)
        g_free(server->serving[i]);
    g_queue_clear_full(&server->waiting, g_free);
    g_rand_free(server->rand);
}

static void
serve(Server *server)
{
    for (unsigned i = 0; i < PLACES && server->busy < server->slots; i++) {
        if (server->serving[i] != NULL)
            continue;
        server->serving[i] = g_queue_pop_head(&server->waiting);
        if (server->serving[i] == NULL)
            return;
        server->ends_us[i] =
            server->now_us + MAX((int64_t)draw_service(server), 1);
        server->busy++;
    }
}

/* Each client sends up to `wanted`, or as much as its limit lets it. */
static void
send_all(Server *server, unsigned wanted)
{
    for (unsigned i = 0; i < server->clients; i++)
        while (
            server->in_flight[i] <
            MIN(wanted, hr_limit_value(server->limits[i], server->now_us))) {
            Request *request = g_new(Request, 1);

            *request = (Request){server->now_us, i};
            g_queue_push_tail(&server->waiting, request);
            server->in_flight[i]++;
            hr_limit_started(server->limits[i], server->now_us,
                             server->in_flight[i],
                             wanted > server->in_flight[i] ? 100 : 0);
        }
    serve(server);
}

static void
finish_next(Server *server)
{
    unsigned next = 0;
    Request *request;
    HrOutcome outcome = {.status = HR_OK, .sent = true};

    for (unsigned i = 1; i < PLACES; i++)
        if (server->ends_us[i] < server->ends_us[next])
            next = i;
    request = server->serving[next];
    server->now_us = server->ends_us[next];
    server->ends_us[next] = INT64_MAX;
    server->serving[next] = NULL;
    server->busy--;
    outcome.latency_us = server->now_us - request->sent_us;
    server->latency_sum += (double)outcome.latency_us;
    server->done[request->client]++;
    hr_limit_ended(server->limits[request->client], server->now_us, &outcome,
                   server->in_flight[request->client]);
    server->in_flight[request->client]--;
    g_free(request);
}

static void
run_until(Server *server, int64_t until_us, unsigned wanted)
{
    while (server->now_us < until_us) {
        send_all(server, wanted);
        finish_next(server);
    }
}

static int
compare_values(gconstpointer one, gconstpointer other)
{
    return (int)*(const unsigned *)one - (int)*(const unsigned *)other;
}

/* The median limit of a client over a time: pins, which are short, do not
 * count. */
static double
typical_limit(Server *server, int64_t until_us, unsigned client)
{
    g_autoptr(GArray) seen = g_array_new(false, false, sizeof(unsigned));
    double sum = 0;
    guint quarter;

    while (server->now_us < until_us) {
        unsigned value;

        run_until(server, server->now_us + 100 * MS, 10000);
        value = hr_limit_value(server->limits[client], server->now_us);
        g_array_append_val(seen, value);
    }
    g_array_sort(seen, compare_values);
    /* The mean of the middle half: finer than whole numbers. */
    quarter = seen->len / 4;
    for (guint i = quarter; i < seen->len - quarter; i++)
        sum += g_array_index(seen, unsigned, i);
    return sum / (seen->len - 2 * quarter);
}

#define SEEDS 10

/* Each size with some seeds: service times are exponential, so that the base,
 * of which everything follows, is measured with an error of a seventh. */
static void
test_band(void)
{
    static const unsigned sizes[] = {2, 5, 10, 20, 40};

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        double least = HUGE_VAL;
        double most = 0;
        double worst = HUGE_VAL;
        double sum = 0;
        double slowest = 0;

        for (guint32 seed = 1; seed <= SEEDS; seed++) {
            Server server;
            double limit;
            double goodput;
            int64_t start;

            init_server(&server, seed, sizes[i], 50 * MS, 1, 64);
            run_until(&server, 31 * SECOND, 10000);
            server.done[0] = 0;
            server.latency_sum = 0;
            start = server.now_us;
            limit = typical_limit(&server, start + 120 * SECOND, 0) / sizes[i];
            least = MIN(least, limit);
            most = MAX(most, limit);
            goodput = (double)server.done[0] /
                      ((double)(server.now_us - start) / (50 * MS) * sizes[i]);
            worst = MIN(worst, goodput);
            sum += goodput;
            slowest = MAX(slowest, server.latency_sum /
                                       (double)server.done[0] / (50 * MS));
            clear_server(&server);
        }
        g_test_message("C %u: limit %.2f to %.2f C, goodput %.3f, at least "
                       "%.3f, RTT at most %.2f",
                       sizes[i], least, most, sum / SEEDS, worst, slowest);
        g_assert_cmpfloat(least, >=, 0.9);
        g_assert_cmpfloat(most, <=, 1.6);
        g_assert_cmpfloat(sum / SEEDS, >=, 0.95);
        g_assert_cmpfloat(worst, >=, 0.85);
    }
}

static void
test_change(void)
{
    Server server;
    double limit;

    init_server(&server, 7, 20, 50 * MS, 1, 64);
    run_until(&server, 60 * SECOND, 10000);
    server.slots = 10;
    run_until(&server, 70 * SECOND, 10000);
    limit = typical_limit(&server, 80 * SECOND, 0);
    g_test_message("20 -> 10: %.1f", limit);
    g_assert_cmpfloat(limit, >=, 9);
    g_assert_cmpfloat(limit, <=, 16);
    run_until(&server, 150 * SECOND, 10000);
    server.slots = 20;
    run_until(&server, 180 * SECOND, 10000);
    limit = typical_limit(&server, 190 * SECOND, 0);
    g_test_message("10 -> 20: %.1f", limit);
    g_assert_cmpfloat(limit, >=, 18);
    g_assert_cmpfloat(limit, <=, 32);
    clear_server(&server);
}

static void
test_two_clients(void)
{
    Server server;
    double one;
    double other;
    double jain;

    init_server(&server, 9, 20, 50 * MS, 2, 64);
    run_until(&server, 30 * SECOND, 10000);
    server.done[0] = server.done[1] = 0;
    run_until(&server, 330 * SECOND, 10000);
    one = (double)server.done[0];
    other = (double)server.done[1];
    jain = (one + other) * (one + other) / (2 * (one * one + other * other));
    g_test_message("shares %.0f and %.0f, Jain %.3f", one, other, jain);
    g_assert_cmpfloat(jain, >=, 0.95);
    clear_server(&server);
}

/* A day under a constant backlog: the base does not follow the load. */
static void
test_no_drift(void)
{
    Server server;
    double least = 1000;
    double most = 0;

    init_server(&server, 11, 10, SECOND, 1, 64);
    run_until(&server, 300 * SECOND, 10000);
    for (int64_t hour = 1; hour <= 24; hour++) {
        double limit;

        run_until(&server, hour * 3600 * SECOND - 300 * SECOND, 10000);
        limit = typical_limit(&server, hour * 3600 * SECOND, 0);
        least = MIN(least, limit);
        most = MAX(most, limit);
    }
    g_test_message("over a day between %.1f and %.1f of 10", least, most);
    g_assert_cmpfloat(least, >=, 9);
    g_assert_cmpfloat(most, <=, 16);
    clear_server(&server);
}

static void
test_noise(void)
{
    Server server;
    double mean;
    unsigned outside = 0;
    unsigned samples = 0;

    init_server(&server, 13, 20, 50 * MS, 1, 64);
    server.sigma = 0.5;
    run_until(&server, 60 * SECOND, 10000);
    mean = typical_limit(&server, 120 * SECOND, 0);
    while (server.now_us < 180 * SECOND) {
        double value;

        run_until(&server, server.now_us + 100 * MS, 10000);
        value = hr_limit_value(server.limits[0], server.now_us);
        outside += fabs(value - mean) > 0.25 * mean;
        samples++;
    }
    g_test_message("mean %.1f, outside of a quarter %u of %u", mean, outside,
                   samples);
    /* Pins are no swings: one takes about a second a minute. */
    g_assert_cmpuint(outside * 20, <=, samples);
    clear_server(&server);
}

static void
test_quiet_client(void)
{
    Server server;

    init_server(&server, 17, 2, 50 * MS, 1, 16);
    run_until(&server, 300 * SECOND, 2);
    g_assert_cmpuint(hr_limit_value(server.limits[0], server.now_us), ==, 16);
    g_assert_cmpint(hr_limit_base_us(server.limits[0]), >, 0);
    clear_server(&server);
}

/* Two processors that answer in 0.3 ms are kept busy by all that is let in. */
static void
test_fast_server(void)
{
    Server server;

    init_server(&server, 19, 2, 0.3 * MS, 1, 16);
    run_until(&server, 30 * SECOND, 10000);
    g_assert_cmpuint(hr_limit_value(server.limits[0], server.now_us), ==, 16);
    clear_server(&server);
}

static void
test_drops(void)
{
    HrLimitPolicy policy = {true, 2, 16, 16};
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    HrRandom random = {draw_cb, rand};
    g_autoptr(HrLimit) limit = hr_limit_new(&policy, &random, 0);
    HrOutcome bad = {.status = HR_TIMEOUT};
    HrOutcome local = {.status = HR_CANCELLED};

    hr_limit_ended(limit, SECOND, &bad, 16);
    hr_limit_ended(limit, SECOND, &bad, 16);
    g_assert_cmpuint(hr_limit_value(limit, SECOND), ==, 14);
    for (int64_t i = 0; i < 100; i++)
        hr_limit_ended(limit, (2 + i) * SECOND, &local, 16);
    g_assert_cmpuint(hr_limit_value(limit, SECOND), ==, 14);
    for (int64_t i = 0; i < 100; i++)
        hr_limit_ended(limit, (200 + i) * SECOND, &bad, 16);
    g_assert_cmpuint(hr_limit_value(limit, 300 * SECOND), ==, 2);
}

static void
test_off(void)
{
    HrLimitPolicy policy = {false, 1, 3, 8};
    HrRandom random = {0};
    g_autoptr(HrLimit) limit = NULL;
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    HrOutcome bad = {.status = HR_TIMEOUT};

    random = (HrRandom){draw_cb, rand};
    limit = hr_limit_new(&policy, &random, 0);
    hr_limit_ended(limit, SECOND, &bad, 8);
    g_assert_cmpuint(hr_limit_value(limit, SECOND), ==, 8);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/limit/finds-the-places-of-a-server", test_band);
    g_test_add_func("/limit/follows-a-change", test_change);
    g_test_add_func("/limit/shares-with-another-client", test_two_clients);
    g_test_add_func("/limit/does-not-drift-in-a-day", test_no_drift);
    g_test_add_func("/limit/does-not-swing-with-noise", test_noise);
    g_test_add_func("/limit/does-not-shrink-when-little-is-asked",
                    test_quiet_client);
    g_test_add_func("/limit/leaves-a-fast-server-alone", test_fast_server);
    g_test_add_func("/limit/shrinks-for-failures-of-the-endpoint", test_drops);
    g_test_add_func("/limit/is-fixed-when-told-so", test_off);
    return g_test_run();
}
