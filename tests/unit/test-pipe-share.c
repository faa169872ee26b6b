/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pipes that share one source. */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/error.h"
#include "http-double.h"
#include "net/pipe.h"

#define SECOND_US INT64_C(1000000)
#define BIG_BYTES (3 * 1024 * 1024 + 12345)
#define MOST 4

static char big[BIG_BYTES];
static char big_digest[HR_DIGEST_CAPACITY];

typedef struct Fixture {
    HrDouble *server;
    HrNet *net;
    HrEndpoint *source;
    HrEndpoint *target;
    HrCancel *cancel;
    HrCall *call;
    HrPipe *pipes[MOST];
    unsigned count;
} Fixture;

/* A local target. */
typedef struct Local {
    GByteArray *written;
    unsigned pause_us;
} Local;

static bool
write_local(void *data, HrCall *call, const void *bytes, size_t size,
            GError **error)
{
    Local *local = data;

    (void)call;
    (void)error;
    if (local->pause_us > 0)
        g_usleep(local->pause_us);
    g_byte_array_append(local->written, bytes, (guint)size);
    return true;
}

static HrEndpoint *
new_endpoint(Fixture *f, const char *name)
{
    HrEndpointSpec spec = {.name = name, .url = hr_double_url(f->server)};
    HrPolicy policy;
    g_autoptr(GError) error = NULL;
    HrEndpoint *endpoint;

    g_assert_true(hr_policy_init(&policy, "default", HR_PROFILE_PRODUCTION));
    policy.stall_us = 20 * SECOND_US;
    spec.policy = &policy;
    endpoint = hr_endpoint_new(f->net, &spec, &error);
    g_assert_no_error(error);
    return endpoint;
}

static void
set_up(Fixture *f, const HrDoubleRoute *routes)
{
    memset(f, 0, sizeof *f);
    f->server = hr_double_new(routes);
    f->net = hr_net_new(1, NULL);
    f->source = new_endpoint(f, "source");
    f->target = new_endpoint(f, "target");
    f->cancel = hr_cancel_new(NULL);
    f->call = hr_call_new(f->cancel, HR_TIME_NEVER);
}

static void
tear_down(Fixture *f)
{
    for (unsigned i = 0; i < f->count; i++)
        hr_pipe_free(f->pipes[i]);
    hr_call_free(f->call);
    hr_cancel_unref(f->cancel);
    hr_endpoint_free(f->source);
    hr_endpoint_free(f->target);
    hr_net_free(f->net);
    hr_double_free(f->server);
}

/* A pipe of the blob, that of pass `number` of `members`. */
static HrPipe *
add_pipe(Fixture *f, uint64_t members)
{
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    hr_http_request get = {
        .struct_size = sizeof get, .method = HR_HTTP_GET, .target = "/from"};

    hr_pipe_source_request(pipe, f->source, &get);
    hr_pipe_share(pipe, (HrCompany){members, UINT64_C(1) << f->count});
    f->pipes[f->count++] = pipe;
    return pipe;
}

static void
to(Fixture *f, HrPipe *pipe, const char *path)
{
    hr_http_request put = {
        .struct_size = sizeof put, .method = HR_HTTP_PUT, .target = path};

    hr_pipe_target_request(pipe, f->target, &put);
}

static void
run(Fixture *f)
{
    hr_pipe_run(f->pipes, f->count, f->call);
}

static bool
is_good(const HrPipe *pipe)
{
    g_autoptr(GError) error = NULL;

    return hr_pipe_result(pipe, &error);
}

static void
expect_stored(Fixture *f, const char *path)
{
    g_autofree char *digest = hr_double_digest(f->server, "PUT", path);

    g_assert_cmpstr(digest, ==, big_digest);
}

#define STORES(name)                                                          \
    {                                                                         \
        .method = "PUT", .path = name, .status = 201                          \
    }
#define GIVES                                                                 \
    .method = "GET", .path = "/from", .status = 200, .body = big,             \
    .body_size = BIG_BYTES

/* One GET for two registries and a directory. */
static void
test_one_get(void)
{
    static const HrDoubleRoute routes[] = {
        {GIVES}, STORES("/one"), STORES("/other"), {0}};
    g_autoptr(GByteArray) written = g_byte_array_new();
    Local local = {.written = written};
    Fixture f;

    set_up(&f, routes);
    to(&f, add_pipe(&f, 7), "/one");
    hr_pipe_target_write(add_pipe(&f, 7), write_local, &local);
    to(&f, add_pipe(&f, 7), "/other");
    run(&f);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_true(is_good(f.pipes[i]));
        g_assert_cmpint(hr_pipe_moved_bytes(f.pipes[i]), ==, BIG_BYTES);
    }
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/from"), ==, 1);
    g_assert_cmpmem(written->data, written->len, big, BIG_BYTES);
    expect_stored(&f, "/one");
    expect_stored(&f, "/other");
    tear_down(&f);
}

/* Those who do not want it say so, before or after. */
static void
test_excused(void)
{
    static const HrDoubleRoute routes[] = {{GIVES}, STORES("/one"), {0}};
    int64_t begun = hr_clock_monotonic_us();
    Fixture f;

    set_up(&f, routes);
    for (unsigned i = 1; i < 3; i++)
        hr_pipe_share_without(f.source, big_digest,
                              (HrCompany){7, UINT64_C(1) << i});
    to(&f, add_pipe(&f, 7), "/one");
    run(&f);
    g_assert_true(is_good(f.pipes[0]));
    expect_stored(&f, "/one");
    g_test_message("took %" G_GINT64_FORMAT " ms",
                   (hr_clock_monotonic_us() - begun) / 1000);
    tear_down(&f);
}

/* Who does not come at all is waited for a while, no more; what others were
 * told of without anybody coming is forgotten. */
static void
test_missing(void)
{
    static const HrDoubleRoute routes[] = {
        {GIVES}, STORES("/one"), STORES("/other"), {0}};
    int64_t begun = hr_clock_monotonic_us();
    Fixture f;

    set_up(&f, routes);
    hr_pipe_share_without(f.source, "sha256:other", (HrCompany){7, 1});
    to(&f, add_pipe(&f, 7), "/one");
    to(&f, add_pipe(&f, 7), "/other");
    run(&f);
    g_assert_true(is_good(f.pipes[0]) && is_good(f.pipes[1]));
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/from"), ==, 1);
    g_assert_cmpint(hr_clock_monotonic_us() - begun, >=, SECOND_US);
    tear_down(&f);
}

static void
test_wrong_bytes(void)
{
    static char wrong[BIG_BYTES];
    static const HrDoubleRoute routes[] = {{.method = "GET",
                                            .path = "/from",
                                            .status = 200,
                                            .body = wrong,
                                            .body_size = BIG_BYTES},
                                           STORES("/one"),
                                           STORES("/other"),
                                           {0}};
    Fixture f;

    memcpy(wrong, big, BIG_BYTES);
    wrong[BIG_BYTES - 1] ^= 1;
    set_up(&f, routes);
    to(&f, add_pipe(&f, 3), "/one");
    to(&f, add_pipe(&f, 3), "/other");
    run(&f);
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(hr_pipe_result(f.pipes[i], &error));
        g_assert_error(error, HR_ERROR, HR_INTEGRITY);
        g_assert_true(hr_pipe_source_failed(f.pipes[i]));
    }
    g_assert_cmpuint(hr_double_completed(f.server, "PUT", "/one"), ==, 0);
    g_assert_cmpuint(hr_double_completed(f.server, "PUT", "/other"), ==, 0);
    tear_down(&f);
}

static void
test_missing_source(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/from", .status = 404},
        STORES("/one"),
        STORES("/other"),
        {0}};
    Fixture f;

    set_up(&f, routes);
    to(&f, add_pipe(&f, 3), "/one");
    to(&f, add_pipe(&f, 3), "/other");
    run(&f);
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(hr_pipe_result(f.pipes[i], &error));
        g_assert_error(error, HR_ERROR, HR_NOT_FOUND);
        g_assert_true(hr_pipe_source_failed(f.pipes[i]));
    }
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/from"), ==, 1);
    tear_down(&f);
}

/* One that refuses, the first to come included, leaves the others alone. */
static void
test_refused(void)
{
    static const HrDoubleRoute routes[] = {
        {GIVES},
        {.method = "PUT", .path = "/no", .status = 403, .early = true},
        STORES("/one"),
        STORES("/other"),
        {0}};

    for (unsigned who = 0; who < 3; who++) {
        static const char *const paths[2] = {"/one", "/other"};
        unsigned next = 0;
        Fixture f;

        set_up(&f, routes);
        for (unsigned i = 0; i < 3; i++)
            to(&f, add_pipe(&f, 7), i == who ? "/no" : paths[next++]);
        run(&f);
        for (unsigned i = 0; i < 3; i++)
            g_assert_cmpint(is_good(f.pipes[i]), ==, i != who);
        g_assert_false(hr_pipe_source_failed(f.pipes[who]));
        expect_stored(&f, "/one");
        expect_stored(&f, "/other");
        g_assert_cmpuint(hr_double_begun(f.server, "GET", "/from"), ==, 1);
        tear_down(&f);
    }
}

/* Who holds up the others for long is let go, and gets all the same. */
static void
test_let_go(void)
{
    static const HrDoubleRoute routes[] = {{GIVES}, STORES("/one"), {0}};
    g_autoptr(GByteArray) written = g_byte_array_new();
    Local slow = {.written = written, .pause_us = 1200000};
    Fixture f;

    set_up(&f, routes);
    to(&f, add_pipe(&f, 3), "/one");
    hr_pipe_target_write(add_pipe(&f, 3), write_local, &slow);
    run(&f);
    g_assert_true(is_good(f.pipes[0]) && is_good(f.pipes[1]));
    expect_stored(&f, "/one");
    g_assert_cmpmem(written->data, written->len, big, BIG_BYTES);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/from"), ==, 2);
    tear_down(&f);
}

static void *
cancel_soon(void *data)
{
    g_usleep(100000);
    hr_cancel_trigger(data);
    return NULL;
}

/* Cancelled while they meet, and while they ride. */
static void
test_cancel(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/from", .status = 0},
        STORES("/one"),
        STORES("/other"),
        {0}};

    for (unsigned riding = 0; riding < 2; riding++) {
        pthread_t thread;
        Fixture f;

        set_up(&f, routes);
        to(&f, add_pipe(&f, riding ? 3 : 7), "/one");
        to(&f, add_pipe(&f, riding ? 3 : 7), "/other");
        pthread_create(&thread, NULL, cancel_soon, f.cancel);
        run(&f);
        pthread_join(thread, NULL);
        for (unsigned i = 0; i < 2; i++) {
            g_autoptr(GError) error = NULL;

            g_assert_false(hr_pipe_result(f.pipes[i], &error));
            g_assert_error(error, HR_ERROR, HR_CANCELLED);
        }
        tear_down(&f);
    }
}

int
main(int argc, char **argv)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(7);

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < BIG_BYTES; i++)
        big[i] = (char)g_rand_int(random);
    hr_digest_of(big, BIG_BYTES, big_digest);
    g_test_add_func("/share/one-get-feeds-all", test_one_get);
    g_test_add_func("/share/nobody-waits-for-who-is-excused", test_excused);
    g_test_add_func("/share/who-does-not-come-is-not-waited-for-long",
                    test_missing);
    g_test_add_func("/share/wrong-bytes-reach-nobody", test_wrong_bytes);
    g_test_add_func("/share/all-hear-of-a-source-that-fails",
                    test_missing_source);
    g_test_add_func("/share/one-that-refuses-leaves-the-others-alone",
                    test_refused);
    g_test_add_func("/share/who-holds-up-the-others-is-let-go", test_let_go);
    g_test_add_func("/share/is-cancelled-at-any-time", test_cancel);
    return g_test_run();
}
