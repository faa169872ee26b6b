/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pipes between scripted servers and local ends. */
#include "net/pipe.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/error.h"
#include "http-double.h"

#define SECOND_US INT64_C(1000000)
#define GENEROUS_US (2 * SECOND_US)
#define BIG_BYTES (3 * 1024 * 1024 + 12345)

static char big[BIG_BYTES];
static char big_digest[HR_DIGEST_CAPACITY];
static char small_digest[HR_DIGEST_CAPACITY];
static char empty_digest[HR_DIGEST_CAPACITY];
static const char small[] = "a configuration of an image";
#define SMALL_BYTES (sizeof small - 1)

typedef struct Fixture {
    HrDouble *server;
    HrNet *net;
    HrEndpoint *source;
    HrEndpoint *target;
    HrCancel *cancel;
    HrCall *call;
    HrPipe *pipe;
    GError *error;
} Fixture;

/* A local end: where it stands, and what it does wrong. */
typedef struct Local {
    const char *bytes;
    size_t size;
    size_t at;
    size_t step;    /* so much at a time; 0: as much as wanted */
    size_t fail_at; /* 0: never */
    unsigned pause_us;
    GByteArray *written;
} Local;

static bool
read_local(void *data, HrCall *call, void *buffer, size_t capacity,
           size_t *size, GError **error)
{
    Local *local = data;

    (void)call;
    if (local->pause_us > 0)
        g_usleep(local->pause_us);
    if (local->fail_at > 0 && local->at >= local->fail_at)
        return hr_error_set(error, HR_LOCAL_RESOURCE, "disk read error");
    *size = MIN(capacity, local->size - local->at);
    if (local->step > 0)
        *size = MIN(*size, local->step);
    memcpy(buffer, local->bytes + local->at, *size);
    local->at += *size;
    return true;
}

static bool
write_local(void *data, HrCall *call, const void *bytes, size_t size,
            GError **error)
{
    Local *local = data;

    (void)call;
    if (local->pause_us > 0)
        g_usleep(local->pause_us);
    local->at += size;
    if (local->fail_at > 0 && local->at >= local->fail_at)
        return hr_error_set(error, HR_LOCAL_RESOURCE, "disk full");
    if (local->written != NULL)
        g_byte_array_append(local->written, bytes, (guint)size);
    return true;
}

static HrEndpoint *
new_endpoint(Fixture *f, const char *name, int64_t stall_us)
{
    g_autoptr(HrSecret) password = hr_secret_new("s3cret");
    HrEndpointSpec spec = {
        .name = name,
        .url = hr_double_url(f->server),
        .username = "me",
        .password = password,
    };
    HrPolicy policy;
    g_autoptr(GError) error = NULL;
    HrEndpoint *endpoint;

    g_assert_true(hr_policy_init(&policy, "default", HR_PROFILE_PRODUCTION));
    policy.retry[HR_CLASS_WRITE].attempt_timeout_us = stall_us;
    policy.retry[HR_CLASS_BLOB].base_us = 1000;
    policy.retry[HR_CLASS_BLOB].cap_us = 20000;
    policy.connect_timeout_us = 2 * SECOND_US;
    policy.stall_us = stall_us;
    spec.policy = &policy;
    endpoint = hr_endpoint_new(f->net, &spec, &error);
    g_assert_no_error(error);
    return endpoint;
}

static void
set_up(Fixture *f, const HrDoubleRoute *routes, int64_t stall_us)
{
    memset(f, 0, sizeof *f);
    f->server = hr_double_new(routes);
    f->net = hr_net_new(2, NULL);
    f->source = new_endpoint(f, "source", stall_us);
    f->target = new_endpoint(f, "target", stall_us);
    f->cancel = hr_cancel_new(NULL);
    f->call = hr_call_new(f->cancel, HR_TIME_NEVER);
}

static void
tear_down(Fixture *f)
{
    hr_pipe_free(f->pipe);
    g_clear_error(&f->error);
    hr_call_free(f->call);
    hr_cancel_unref(f->cancel);
    hr_endpoint_free(f->source);
    hr_endpoint_free(f->target);
    hr_net_free(f->net);
    hr_double_free(f->server);
}

static void
from(HrPipe *pipe, HrEndpoint *endpoint, const char *path)
{
    static const char *const headers[] = {"X-Custom: yes", NULL};
    hr_http_request get = {.struct_size = sizeof get,
                           .method = HR_HTTP_GET,
                           .headers = headers,
                           .target = path};

    hr_pipe_source_request(pipe, endpoint, &get);
}

static void
to(HrPipe *pipe, HrEndpoint *endpoint, const char *path)
{
    hr_http_request put = {
        .struct_size = sizeof put, .method = HR_HTTP_PUT, .target = path};

    hr_pipe_target_request(pipe, endpoint, &put);
}

static void
to_upload(HrPipe *pipe, HrEndpoint *endpoint, const char *location,
          uint64_t offset, uint64_t chunk_bytes)
{
    hr_blob_upload upload = {
        .struct_size = sizeof upload,
        .location = location,
        .base = "/v2/app/blobs/uploads/",
        .offset = offset,
        .chunk_bytes = chunk_bytes,
    };

    hr_pipe_target_upload(pipe, endpoint, &upload);
}

static bool
run(Fixture *f, HrPipe *pipe)
{
    hr_pipe_run(&pipe, 1, f->call);
    f->pipe = pipe;
    g_clear_error(&f->error);
    return hr_pipe_result(pipe, &f->error);
}

/* Copies /from to /to and expects it to fail. */
static void
expect_failure(Fixture *f, hr_status status, const char *text,
               bool source_failed)
{
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob big");

    from(pipe, f->source, "/from");
    to(pipe, f->target, "/to");
    g_assert_false(run(f, pipe));
    g_test_message("%s", f->error->message);
    g_assert_error(f->error, HR_ERROR, (int)status);
    g_assert_true(g_str_has_prefix(f->error->message, "blob big: "));
    g_assert_nonnull(strstr(f->error->message, text));
    g_assert_cmpint(hr_pipe_source_failed(pipe), ==, source_failed);
    g_assert_cmpuint(hr_double_completed(f->server, "PUT", "/to"), ==, 0);
}

#define STORES                                                                \
    {                                                                         \
        .method = "PUT", .path = "/to", .status = 201                         \
    }
#define GIVES                                                                 \
    .method = "GET", .path = "/from", .status = 200, .body = big,             \
    .body_size = BIG_BYTES

static void
test_copy(void)
{
    static const HrDoubleRoute routes[] = {{GIVES}, STORES, {0}};
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    g_autofree char *digest = NULL;
    g_autofree char *head = NULL;
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to(pipe, f.target, "/to?digest=x");
    g_assert_true(run(&f, pipe));
    digest = hr_double_digest(f.server, "PUT", "/to");
    g_assert_cmpstr(digest, ==, big_digest);
    g_assert_cmpint(hr_pipe_moved_bytes(pipe), ==, BIG_BYTES);
    head = hr_double_head(f.server, "PUT", "/to");
    g_assert_nonnull(strstr(head, "Authorization: Basic"));
    g_assert_null(strstr(head, "Expect"));
    g_assert_null(strstr(head, "chunked"));
    tear_down(&f);
}

static void
test_empty(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/from", .status = 200}, STORES, {0}};
    HrPipe *pipe = hr_pipe_new(empty_digest, 0, "blob");
    g_autofree char *head = NULL;
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to(pipe, f.target, "/to");
    g_assert_true(run(&f, pipe));
    g_assert_cmpuint(hr_double_completed(f.server, "PUT", "/to"), ==, 1);
    head = hr_double_head(f.server, "PUT", "/to");
    g_assert_nonnull(strstr(head, "Content-Length: 0\r\n"));
    tear_down(&f);
}

static void
test_small_is_checked_first(void)
{
    static const HrDoubleRoute routes[] = {{.method = "GET",
                                            .path = "/from",
                                            .status = 200,
                                            .body = small,
                                            .body_size = SMALL_BYTES},
                                           STORES,
                                           {0}};
    HrPipe *pipe = hr_pipe_new(big_digest, SMALL_BYTES, "blob");
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to(pipe, f.target, "/to");
    g_assert_false(run(&f, pipe));
    g_assert_error(f.error, HR_ERROR, HR_INTEGRITY);
    g_assert_nonnull(strstr(f.error->message, big_digest));
    g_assert_nonnull(strstr(f.error->message, small_digest));
    g_assert_true(hr_pipe_source_failed(pipe));
    /* The target has not even heard of it. */
    g_assert_cmpuint(hr_double_begun(f.server, "PUT", "/to"), ==, 0);
    tear_down(&f);
}

static void
test_wrong_digest(void)
{
    static char wrong[BIG_BYTES];
    static const HrDoubleRoute routes[] = {{.method = "GET",
                                            .path = "/from",
                                            .status = 200,
                                            .body = wrong,
                                            .body_size = BIG_BYTES},
                                           STORES,
                                           {0}};
    Fixture f;

    memcpy(wrong, big, BIG_BYTES);
    wrong[BIG_BYTES - 1] ^= 1;
    set_up(&f, routes, 5 * SECOND_US);
    expect_failure(&f, HR_INTEGRITY, "expected sha256:", true);
    tear_down(&f);
}

static void
test_short_and_long(void)
{
    static const HrDoubleRoute cut[] = {{.method = "GET",
                                         .path = "/from",
                                         .status = 200,
                                         .body = big,
                                         .body_size = BIG_BYTES / 2,
                                         .announced = BIG_BYTES,
                                         .cut = true},
                                        STORES,
                                        {0}};
    static const HrDoubleRoute brief[] = {{.method = "GET",
                                           .path = "/from",
                                           .status = 200,
                                           .body = big,
                                           .body_size = BIG_BYTES - 1,
                                           .chunked = true},
                                          STORES,
                                          {0}};
    static const HrDoubleRoute announced[] = {{.method = "GET",
                                               .path = "/from",
                                               .status = 200,
                                               .body = big,
                                               .body_size = BIG_BYTES - 1},
                                              STORES,
                                              {0}};
    static char longer[BIG_BYTES + 1];
    static const HrDoubleRoute more[] = {{.method = "GET",
                                          .path = "/from",
                                          .status = 200,
                                          .body = longer,
                                          .body_size = sizeof longer,
                                          .chunked = true},
                                         STORES,
                                         {0}};
    Fixture f;

    memcpy(longer, big, BIG_BYTES);
    set_up(&f, cut, 5 * SECOND_US);
    expect_failure(&f, HR_NETWORK, "closed the connection after", true);
    tear_down(&f);
    set_up(&f, brief, 5 * SECOND_US);
    expect_failure(&f, HR_INTEGRITY, "ended after", true);
    tear_down(&f);
    set_up(&f, announced, 5 * SECOND_US);
    expect_failure(&f, HR_INTEGRITY, "announces", true);
    tear_down(&f);
    set_up(&f, more, 5 * SECOND_US);
    expect_failure(&f, HR_INTEGRITY, "more than", true);
    tear_down(&f);
}

/* ------------------------------------------------------------ uploads */

#define CHUNK_BYTES (1024 * 1024)

static void
assert_upload_head(Fixture *f, const char *method, const char *path,
                   const char *text)
{
    g_autofree char *head = hr_double_head(f->server, method, path);

    g_assert_nonnull(head);
    if (strstr(head, text) == NULL)
        g_error("no '%s' in %s", text, head);
}

static void
assert_upload_body(Fixture *f, const char *method, const char *path,
                   int64_t start, int64_t end)
{
    char wanted[HR_DIGEST_CAPACITY];
    g_autofree char *digest = hr_double_digest(f->server, method, path);

    hr_digest_of(big + start, (size_t)(end - start), wanted);
    g_assert_cmpstr(digest, ==, wanted);
}

static void
test_upload_in_one(void)
{
    static const HrDoubleRoute routes[] = {
        {GIVES}, {.method = "PUT", .path = "/up", .status = 201}, {0}};
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    HrPipeEnding ending;
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to_upload(pipe, f.target, "/up?state=a%2Fb", 0, 0);
    g_assert_true(run(&f, pipe));
    assert_upload_body(&f, "PUT", "/up", 0, BIG_BYTES);
    assert_upload_head(&f, "PUT", "/up", "/up?state=a%2Fb&digest=sha256:");
    assert_upload_head(&f, "PUT", "/up",
                       "Content-Type: application/octet-stream\r\n");
    hr_pipe_ending(pipe, &ending);
    g_assert_cmpint(ending.status, ==, HR_OK);
    g_assert_cmpuint(ending.http_status, ==, 201);
    g_assert_cmpint(ending.sent, ==, BIG_BYTES);
    tear_down(&f);
}

/* Each answer names another place, relative and not. */
static const HrDoubleRoute chunk_routes[] = {
    {GIVES},
    {.method = "PATCH",
     .path = "/up/1",
     .status = 202,
     .headers = "Location: /up/2?s=2\r\nRange: 0-1048575\r\n"},
    {.method = "PATCH",
     .path = "/up/2",
     .status = 202,
     .headers = "Location: 3\r\nRange: 0-0\r\n"},
    {.method = "PATCH", .path = "/up/3", .status = 202, .times = 1},
    {.method = "PATCH",
     .path = "/up/3",
     .status = 202,
     .headers = "Location: /up/4\r\n"},
    {.method = "PUT", .path = "/up/4", .status = 201},
    {0}};

static void
test_upload_in_chunks(void)
{
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    HrPipeEnding ending;
    Fixture f;

    set_up(&f, chunk_routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to_upload(pipe, f.target, "/up/1", 0, CHUNK_BYTES);
    g_assert_true(run(&f, pipe));
    assert_upload_body(&f, "PATCH", "/up/1", 0, CHUNK_BYTES);
    assert_upload_head(&f, "PATCH", "/up/1", "Content-Range: 0-1048575\r\n");
    assert_upload_head(&f, "PATCH", "/up/1", "Authorization: Basic");
    assert_upload_body(&f, "PATCH", "/up/2", CHUNK_BYTES, 2 * CHUNK_BYTES);
    assert_upload_head(&f, "PATCH", "/up/2", "PATCH /up/2?s=2 ");
    assert_upload_body(&f, "PATCH", "/up/3", 3 * CHUNK_BYTES, BIG_BYTES);
    g_assert_cmpuint(hr_double_completed(f.server, "PATCH", "/up/3"), ==, 2);
    assert_upload_head(&f, "PUT", "/up/4", "Content-Length: 0\r\n");
    assert_upload_head(&f, "PUT", "/up/4", "/up/4?digest=sha256:");
    hr_pipe_ending(pipe, &ending);
    g_assert_true(g_str_has_suffix(ending.location, "/up/4"));
    g_assert_cmpint(hr_pipe_moved_bytes(pipe), ==, BIG_BYTES);
    tear_down(&f);
}

#define UPLOADS 3

typedef struct Uploads {
    Fixture *f;
    HrPipe *pipes[UPLOADS];
} Uploads;

static void *
run_uploads(void *data)
{
    Uploads *uploads = data;

    hr_pipe_run(uploads->pipes, UPLOADS, uploads->f->call);
    return NULL;
}

/* Those who have to try again elsewhere find the places for it free. */
static void
test_parts_are_no_repetitions(void)
{
    static const HrDoubleRoute routes[] = {
        {GIVES},
        {.method = "PATCH",
         .path = "/up/1",
         .status = 202,
         .headers = "Location: /up/2\r\n"},
        {.method = "PATCH", .path = "/up/2", .status = 0},
        {0}};
    g_autoptr(HrCall) call = hr_call_new(NULL, HR_TIME_NEVER);
    g_autoptr(GError) error = NULL;
    HrRetryState state = {0};
    HrEndpointStats stats;
    Uploads uploads;
    pthread_t thread;
    int64_t at;
    Fixture f;

    set_up(&f, routes, 20 * SECOND_US);
    uploads.f = &f;
    for (unsigned i = 0; i < UPLOADS; i++) {
        uploads.pipes[i] = hr_pipe_new(big_digest, BIG_BYTES, "blob");
        from(uploads.pipes[i], f.source, "/from");
        to_upload(uploads.pipes[i], f.target, "/up/1", 0, CHUNK_BYTES);
    }
    pthread_create(&thread, NULL, run_uploads, &uploads);
    while (hr_double_begun(f.server, "PATCH", "/up/2") < UPLOADS)
        g_usleep(1000);
    hr_error_set(&error, HR_NETWORK, "another blob");
    g_assert_true(
        hr_endpoint_repeat_blob(f.target, &state, error, 0, call, &at));
    hr_endpoint_stats(f.target, &stats);
    g_assert_cmpuint(stats.guards.retries_refused, ==, 0);
    hr_cancel_trigger(f.cancel);
    pthread_join(thread, NULL);
    for (unsigned i = 0; i < UPLOADS; i++)
        hr_pipe_free(uploads.pipes[i]);
    tear_down(&f);
}

static void
test_upload_of_nothing_in_chunks(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/from", .status = 200},
        {.method = "PUT", .path = "/up", .status = 201},
        {0}};
    HrPipe *pipe = hr_pipe_new(empty_digest, 0, "blob");
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to_upload(pipe, f.target, "/up", 0, CHUNK_BYTES);
    g_assert_true(run(&f, pipe));
    g_assert_cmpuint(hr_double_completed(f.server, "PUT", "/up"), ==, 1);
    tear_down(&f);
}

static void
test_upload_ends_with_the_proof(void)
{
    static char wrong[BIG_BYTES];
    static const HrDoubleRoute routes[] = {
        {.method = "GET",
         .path = "/from",
         .status = 200,
         .body = wrong,
         .body_size = BIG_BYTES},
        {.method = "PATCH", .path = "/up", .status = 202},
        {.method = "PUT", .path = "/up", .status = 201},
        {0}};
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    Fixture f;

    memcpy(wrong, big, BIG_BYTES);
    wrong[BIG_BYTES - 1] ^= 1;
    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to_upload(pipe, f.target, "/up", 0, CHUNK_BYTES);
    g_assert_false(run(&f, pipe));
    g_assert_error(f.error, HR_ERROR, HR_INTEGRITY);
    g_assert_cmpuint(hr_double_begun(f.server, "PUT", "/up"), ==, 0);
    tear_down(&f);
}

/* The target has the first two chunks and a bit. */
#define KEPT_BYTES (2 * CHUNK_BYTES + 4321)

static void
test_upload_goes_on(void)
{
    static const HrDoubleRoute routes[] = {
        {GIVES, .times = 1},
        {.method = "GET",
         .path = "/from",
         .status = 206,
         .headers = "Content-Range: bytes 2097152-3158072/3158073\r\n",
         .body = big + 2 * CHUNK_BYTES,
         .body_size = BIG_BYTES - 2 * CHUNK_BYTES},
        {.method = "PUT", .path = "/up", .status = 503, .times = 1},
        {.method = "PATCH", .path = "/up", .status = 202},
        {.method = "PUT", .path = "/up", .status = 201},
        {0}};
    g_autoptr(HrPipe) first = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    HrPipeEnding ending;
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(first, f.source, "/from");
    to_upload(first, f.target, "/up", 0, 0);
    hr_pipe_run(&first, 1, f.call);
    g_assert_false(hr_pipe_result(first, NULL));
    hr_pipe_ending(first, &ending);
    g_assert_cmpint(ending.status, ==, HR_OVERLOAD);
    g_assert_cmpuint(ending.http_status, ==, 503);

    hr_pipe_go_on(pipe, first);
    from(pipe, f.source, "/from");
    to_upload(pipe, f.target, "/up", KEPT_BYTES, BIG_BYTES);
    g_assert_true(run(&f, pipe));
    assert_upload_head(&f, "GET", "/from", "Range: bytes=2097152-\r\n");
    assert_upload_head(&f, "PATCH", "/up",
                       "Content-Range: 2101473-3158072\r\n");
    assert_upload_body(&f, "PATCH", "/up", KEPT_BYTES, BIG_BYTES);
    g_assert_cmpint(hr_pipe_moved_bytes(pipe), ==, BIG_BYTES - KEPT_BYTES);
    tear_down(&f);
}

/* Nothing is known of the digest: the source is read from its start. */
static void
test_upload_goes_on_from_scratch(void)
{
    static const HrDoubleRoute routes[] = {
        {GIVES},
        {.method = "PATCH", .path = "/up", .status = 202},
        {.method = "PUT", .path = "/up", .status = 201},
        {0}};
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to_upload(pipe, f.target, "/up", KEPT_BYTES, BIG_BYTES);
    g_assert_true(run(&f, pipe));
    assert_upload_body(&f, "PATCH", "/up", KEPT_BYTES, BIG_BYTES);
    tear_down(&f);
}

static void
test_upload_goes_on_from_a_local_source(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "PATCH", .path = "/up", .status = 202},
        {.method = "PUT", .path = "/up", .status = 201},
        {0}};
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    Local local = {.bytes = big, .size = BIG_BYTES, .step = 100000};
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    hr_pipe_source_read(pipe, read_local, &local);
    to_upload(pipe, f.target, "/up", KEPT_BYTES, CHUNK_BYTES / 2);
    g_assert_true(run(&f, pipe));
    g_assert_cmpuint(hr_double_completed(f.server, "PATCH", "/up"), ==, 3);
    assert_upload_body(&f, "PATCH", "/up", KEPT_BYTES + CHUNK_BYTES,
                       BIG_BYTES);
    tear_down(&f);
}

static void
test_upload_that_has_all_is_only_ended(void)
{
    static const HrDoubleRoute routes[] = {
        {GIVES}, {.method = "PUT", .path = "/up", .status = 201}, {0}};
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to_upload(pipe, f.target, "/up", BIG_BYTES, CHUNK_BYTES);
    g_assert_true(run(&f, pipe));
    assert_upload_head(&f, "PUT", "/up", "Content-Length: 0\r\n");
    g_assert_cmpint(hr_pipe_moved_bytes(pipe), ==, 0);
    tear_down(&f);
}

static void
expect_upload_failure(const HrDoubleRoute *routes, int64_t stall_us,
                      hr_status status, const char *text)
{
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    const HrErrorDetails *details;
    Fixture f;

    set_up(&f, routes, stall_us);
    from(pipe, f.source, "/from");
    to_upload(pipe, f.target, "/up", 0, CHUNK_BYTES);
    g_assert_false(run(&f, pipe));
    g_assert_error(f.error, HR_ERROR, (int)status);
    g_assert_nonnull(strstr(f.error->message, text));
    /* It names what was asked, not what it would have come to. */
    details = hr_error_details(f.error);
    g_assert_true(g_str_has_prefix(details->operation, "PATCH http"));
    g_assert_cmpuint(details->attempts, ==, 1);
    g_assert_false(hr_pipe_source_failed(pipe));
    g_assert_cmpuint(hr_double_begun(f.server, "PUT", "/up"), ==, 0);
    tear_down(&f);
}

static void
test_upload_follows_no_stranger(void)
{
    static const HrDoubleRoute routes[] = {
        {GIVES},
        {.method = "PATCH",
         .path = "/up",
         .status = 202,
         .headers = "Location: http://127.0.0.1:1/up\r\n"},
        {0}};

    expect_upload_failure(routes, 5 * SECOND_US, HR_INVALID, "127.0.0.1:1");
}

static void
test_upload_of_which_less_arrived(void)
{
    static const HrDoubleRoute routes[] = {{GIVES},
                                           {.method = "PATCH",
                                            .path = "/up",
                                            .status = 202,
                                            .headers = "Range: 0-999\r\n"},
                                           {0}};

    expect_upload_failure(routes, 5 * SECOND_US, HR_CONFLICT,
                          "has 1000 of the 1048576 bytes");
}

/* It has all of the part: what does not come is the answer. */
static void
test_upload_that_is_not_answered(void)
{
    static const HrDoubleRoute routes[] = {
        {GIVES}, {.method = "PATCH", .path = "/up", .status = 0}, {0}};

    expect_upload_failure(routes, SECOND_US / 5, HR_TIMEOUT,
                          "upload: no answer from ");
}

static void
test_upload_with_more_than_there_is(void)
{
    static const HrDoubleRoute routes[] = {{GIVES}, {0}};
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to_upload(pipe, f.target, "/up", BIG_BYTES + 1, CHUNK_BYTES);
    g_assert_false(run(&f, pipe));
    g_assert_error(f.error, HR_ERROR, HR_INVALID);
    tear_down(&f);
}

#define FIRST_BYTES (1024 * 1024)

/* The first part, and then the connection is gone. */
#define BREAKS                                                                \
    .method = "GET", .path = "/from", .times = 1, .status = 200, .body = big, \
    .body_size = FIRST_BYTES, .announced = BIG_BYTES, .cut = true

static char content_range[128];

static void
copy_whole(const HrDoubleRoute *routes, const char *range, unsigned requests)
{
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    g_autofree char *digest = NULL;
    g_autofree char *head = NULL;
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to(pipe, f.target, "/to");
    if (!run(&f, pipe))
        g_error("%s", f.error->message);
    digest = hr_double_digest(f.server, "PUT", "/to");
    g_assert_cmpstr(digest, ==, big_digest);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/from"), ==, requests);
    g_assert_cmpuint(hr_double_begun(f.server, "PUT", "/to"), ==, 1);
    head = hr_double_head(f.server, "GET", "/from");
    g_assert_nonnull(strstr(head, range));
    tear_down(&f);
}

/* What broke off goes on where it did, in the same upload. */
static void
test_resume(void)
{
    const HrDoubleRoute routes[] = {{BREAKS},
                                    {.method = "GET",
                                     .path = "/from",
                                     .status = 206,
                                     .headers = content_range,
                                     .body = big + FIRST_BYTES,
                                     .body_size = BIG_BYTES - FIRST_BYTES},
                                    STORES,
                                    {0}};

    copy_whole(routes, "Range: bytes=1048576-\r\n", 2);
}

/* Who does not know ranges is read again, and what we have is skipped. */
static void
test_resume_without_ranges(void)
{
    const HrDoubleRoute routes[] = {{BREAKS}, {GIVES}, STORES, {0}};

    copy_whole(routes, "Range: bytes=1048576-\r\n", 2);
}

/* What is read again is no progress: it ends as if nothing had come. */
static void
test_resume_gets_nowhere(void)
{
    static const HrDoubleRoute routes[] = {{.method = "GET",
                                            .path = "/from",
                                            .status = 200,
                                            .body = big,
                                            .body_size = 2 * FIRST_BYTES,
                                            .announced = BIG_BYTES,
                                            .cut = true},
                                           STORES,
                                           {0}};
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    expect_failure(&f, HR_NETWORK, "closed the connection after", true);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/from"), <=, 6);
    tear_down(&f);
}

/* Another part than the one asked for is no part of it. */
static void
test_resume_elsewhere(void)
{
    static const HrDoubleRoute routes[] = {
        {BREAKS},
        {.method = "GET",
         .path = "/from",
         .status = 206,
         .headers = "Content-Range: bytes 0-3158072/3158073\r\n",
         .body = big,
         .body_size = BIG_BYTES},
        STORES,
        {0}};
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    expect_failure(&f, HR_INVALID, "asked for the bytes from 1048576 on",
                   true);
    tear_down(&f);
}

static void
test_missing(void)
{
    static const char body[] =
        "{\"errors\":[{\"code\":\"BLOB_UNKNOWN\",\"message\":\"gone\"}]}";
    static const HrDoubleRoute routes[] = {{.method = "GET",
                                            .path = "/from",
                                            .status = 404,
                                            .body = body,
                                            .body_size = sizeof body - 1},
                                           STORES,
                                           {0}};
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    expect_failure(&f, HR_NOT_FOUND, "HTTP 404: BLOB_UNKNOWN: gone", true);
    g_assert_cmpuint(hr_double_begun(f.server, "PUT", "/to"), ==, 0);
    tear_down(&f);
}

static void
test_refused_early(void)
{
    static const char body[] =
        "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"quota\"}]}";
    static const HrDoubleRoute fast[] = {{GIVES},
                                         {.method = "PUT",
                                          .path = "/to",
                                          .status = 403,
                                          .body = body,
                                          .body_size = sizeof body - 1,
                                          .early = true},
                                         {0}};
    /* Here the upload waits for the source when it is refused. */
    static const HrDoubleRoute slow[] = {{GIVES, .drip_bytes = 100000},
                                         {.method = "PUT",
                                          .path = "/to",
                                          .status = 403,
                                          .body = body,
                                          .body_size = sizeof body - 1,
                                          .early = true},
                                         {0}};
    Fixture f;

    set_up(&f, fast, 5 * SECOND_US);
    expect_failure(&f, HR_AUTH_DENIED,
                   "upload refused half way: HTTP 403: the account may "
                   "not do that: DENIED: quota",
                   false);
    tear_down(&f);
    set_up(&f, slow, 5 * SECOND_US);
    expect_failure(&f, HR_AUTH_DENIED,
                   "upload refused half way: HTTP 403: the account may "
                   "not do that: DENIED: quota",
                   false);
    tear_down(&f);
}

static void
test_refused_late(void)
{
    static const HrDoubleRoute routes[] = {
        {GIVES}, {.method = "PUT", .path = "/to", .status = 500}, {0}};
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to(pipe, f.target, "/to");
    g_assert_false(run(&f, pipe));
    g_assert_error(f.error, HR_ERROR, HR_TRANSIENT);
    g_assert_false(hr_pipe_source_failed(pipe));
    /* Nothing is repeated here. */
    g_assert_cmpuint(hr_double_begun(f.server, "PUT", "/to"), ==, 1);
    tear_down(&f);
}

static void
test_stalls(void)
{
    static const HrDoubleRoute silent[] = {
        {.method = "GET", .path = "/from", .status = 0}, STORES, {0}};
    static const HrDoubleRoute slow[] = {
        {GIVES, .drip_bytes = 3}, STORES, {0}};
    static const HrDoubleRoute stuck[] = {
        {GIVES},
        {.method = "PUT", .path = "/to", .status = 201, .stuck = true},
        {0}};
    Fixture f;

    set_up(&f, silent, SECOND_US / 5);
    expect_failure(&f, HR_TIMEOUT, "no answer from", true);
    tear_down(&f);
    set_up(&f, slow, SECOND_US / 5);
    expect_failure(&f, HR_TIMEOUT, "stalls", true);
    /* It is asked for the rest, though not for ever. */
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/from"), <=, 5);
    tear_down(&f);
    set_up(&f, stuck, SECOND_US / 5);
    expect_failure(&f, HR_TIMEOUT, "upload: ", false);
    tear_down(&f);
}

static void
test_slow_is_no_stall(void)
{
    /* Slower than the target would be, for longer than the limit. */
    static const HrDoubleRoute routes[] = {
        {GIVES, .drip_bytes = 150000}, STORES, {0}};
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    Fixture f;

    set_up(&f, routes, SECOND_US / 5);
    from(pipe, f.source, "/from");
    to(pipe, f.target, "/to");
    g_assert_true(run(&f, pipe));
    tear_down(&f);
}

static void
test_redirect(void)
{
    static const HrDoubleRoute store[] = {
        {GIVES,
         .headers = "RateLimit-Remaining: 0\r\nRateLimit-Reset: 600\r\n"},
        {0}};
    HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/from", .status = 307}, STORES, {0}};
    g_autoptr(HrDouble) other = hr_double_new(store);
    g_autofree char *headers =
        g_strdup_printf("Location: %s/from?sig=1\r\n", hr_double_url(other));
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    g_autofree char *foreign = NULL;
    g_autofree char *own = NULL;
    HrEndpointStats stats;
    Fixture f;

    routes[0].headers = headers;
    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    to(pipe, f.target, "/to");
    g_assert_true(run(&f, pipe));
    hr_endpoint_stats(f.source, &stats);
    /* The limits of the other host are its own. */
    g_assert_cmpfloat(stats.guards.rate, ==, 0);
    own = hr_double_head(f.server, "GET", "/from");
    g_assert_nonnull(strstr(own, "Authorization"));
    foreign = hr_double_head(other, "GET", "/from");
    g_assert_nonnull(strstr(foreign, "GET /from?sig=1 "));
    g_assert_null(strstr(foreign, "Authorization"));
    g_assert_null(strstr(foreign, "X-Custom"));
    g_assert_null(strstr(foreign, "X-Request-Id"));
    tear_down(&f);
}

static void
test_redirect_loop(void)
{
    static const HrDoubleRoute routes[] = {{.method = "GET",
                                            .path = "/from",
                                            .status = 302,
                                            .headers = "Location: /from\r\n"},
                                           STORES,
                                           {0}};
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    expect_failure(&f, HR_INVALID, "more than 3 redirects", true);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/from"), ==, 4);
    tear_down(&f);
}

static void
test_to_local(void)
{
    static const HrDoubleRoute routes[] = {{GIVES}, {0}};
    Local local = {.written = g_byte_array_new()};
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    hr_pipe_target_write(pipe, write_local, &local);
    g_assert_true(run(&f, pipe));
    g_assert_true(hr_digest_matches(big_digest, local.written->data,
                                    local.written->len));
    g_byte_array_unref(local.written);
    tear_down(&f);
}

static void
test_from_local(void)
{
    static const HrDoubleRoute routes[] = {STORES, {0}};
    static const size_t steps[] = {0, 7777, 200000};
    Fixture f;

    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
        Local local = {.bytes = big, .size = BIG_BYTES, .step = steps[i]};
        HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
        g_autofree char *digest = NULL;

        set_up(&f, routes, 5 * SECOND_US);
        hr_pipe_source_read(pipe, read_local, &local);
        to(pipe, f.target, "/to");
        g_assert_true(run(&f, pipe));
        digest = hr_double_digest(f.server, "PUT", "/to");
        g_assert_cmpstr(digest, ==, big_digest);
        tear_down(&f);
    }
}

static void
test_local_to_local(void)
{
    static const HrDoubleRoute routes[] = {{0}};
    static const size_t sizes[] = {0, 1, SMALL_BYTES, 256 * 1024, BIG_BYTES};
    Fixture f;

    set_up(&f, routes, SECOND_US);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        Local source = {.bytes = big, .size = sizes[i]};
        Local target = {.written = g_byte_array_new()};
        char digest[HR_DIGEST_CAPACITY];
        HrPipe *pipe;

        hr_digest_of(big, sizes[i], digest);
        pipe = hr_pipe_new(digest, (int64_t)sizes[i], "blob");
        hr_pipe_source_read(pipe, read_local, &source);
        hr_pipe_target_write(pipe, write_local, &target);
        g_assert_true(run(&f, pipe));
        g_assert_true(hr_digest_matches(digest, target.written->data,
                                        target.written->len));
        g_byte_array_unref(target.written);
        g_clear_pointer(&f.pipe, hr_pipe_free);
    }
    tear_down(&f);
}

/* A local source that is wrong never completes, whatever the target is. */
static void
test_wrong_local(void)
{
    static const HrDoubleRoute routes[] = {STORES, {0}};
    static const struct {
        size_t size;
        size_t fail_at;
        hr_status status;
    } wrongs[] = {{BIG_BYTES - 1, 0, HR_INTEGRITY},
                  {BIG_BYTES + 1, 0, HR_INTEGRITY},
                  {BIG_BYTES, BIG_BYTES / 2, HR_LOCAL_RESOURCE},
                  {0, 0, HR_INTEGRITY}};
    g_autofree char *bytes = g_malloc0(BIG_BYTES + 1);
    Fixture f;

    memcpy(bytes, big, BIG_BYTES);
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(wrongs); i++) {
        Local source = {.bytes = bytes,
                        .size = wrongs[i / 2].size,
                        .fail_at = wrongs[i / 2].fail_at};
        Local target = {0};
        HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");

        set_up(&f, routes, 5 * SECOND_US);
        hr_pipe_source_read(pipe, read_local, &source);
        if (i % 2 == 0)
            to(pipe, f.target, "/to");
        else
            hr_pipe_target_write(pipe, write_local, &target);
        g_assert_false(run(&f, pipe));
        g_assert_error(f.error, HR_ERROR, (int)wrongs[i / 2].status);
        g_assert_true(hr_pipe_source_failed(pipe));
        g_assert_cmpuint(target.at, <, BIG_BYTES);
        g_assert_cmpuint(hr_double_completed(f.server, "PUT", "/to"), ==, 0);
        tear_down(&f);
    }
}

static void
test_disk_full(void)
{
    static const HrDoubleRoute routes[] = {{GIVES}, {0}};
    Local target = {.fail_at = BIG_BYTES / 2};
    HrPipe *pipe = hr_pipe_new(big_digest, BIG_BYTES, "blob");
    Fixture f;

    set_up(&f, routes, 5 * SECOND_US);
    from(pipe, f.source, "/from");
    hr_pipe_target_write(pipe, write_local, &target);
    g_assert_false(run(&f, pipe));
    g_assert_error(f.error, HR_ERROR, HR_LOCAL_RESOURCE);
    g_assert_false(hr_pipe_source_failed(pipe));
    tear_down(&f);
}

/* Pipes of all sorts at once, within the limits, and with slow local ends. */
static void
test_many(void)
{
    static const HrDoubleRoute routes[] = {{GIVES}, STORES, {0}};
    HrPipe *pipes[12];
    Local locals[G_N_ELEMENTS(pipes)];
    Fixture f;

    set_up(&f, routes, 20 * SECOND_US);
    for (unsigned i = 0; i < G_N_ELEMENTS(pipes); i++) {
        locals[i] =
            (Local){.bytes = big, .size = BIG_BYTES, .pause_us = i * 100};
        pipes[i] = hr_pipe_new(big_digest, BIG_BYTES, "blob");
        if (i % 3 == 0)
            hr_pipe_source_read(pipes[i], read_local, &locals[i]);
        else
            from(pipes[i], f.source, "/from");
        if (i % 3 == 1)
            hr_pipe_target_write(pipes[i], write_local, &locals[i]);
        else
            to(pipes[i], f.target, "/to");
    }
    hr_pipe_run(pipes, G_N_ELEMENTS(pipes), f.call);
    for (unsigned i = 0; i < G_N_ELEMENTS(pipes); i++) {
        g_autoptr(GError) error = NULL;

        hr_pipe_result(pipes[i], &error);
        g_assert_no_error(error);
        hr_pipe_free(pipes[i]);
    }
    g_assert_cmpuint(hr_double_completed(f.server, "PUT", "/to"), ==, 8);
    /* Four transfers of each of the two endpoints. */
    g_assert_cmpuint(hr_double_most_at_once(f.server), <=, 8);
    tear_down(&f);
}

static void *
cancel_soon(void *data)
{
    Fixture *f = data;

    while (hr_double_begun(f->server, "GET", "/from") == 0)
        g_usleep(1000);
    hr_cancel_trigger(f->cancel);
    return NULL;
}

static void
test_cancel(void)
{
    static const HrDoubleRoute routes[] = {
        {GIVES, .drip_bytes = 2000}, STORES, {0}};
    HrPipe *pipes[9];
    Local local = {0};
    Fixture f;
    pthread_t thread;
    int64_t start = hr_clock_monotonic_us();

    set_up(&f, routes, 20 * SECOND_US);
    for (unsigned i = 0; i < G_N_ELEMENTS(pipes); i++) {
        pipes[i] = hr_pipe_new(big_digest, BIG_BYTES, "blob");
        from(pipes[i], f.source, "/from");
        if (i == 0)
            hr_pipe_target_write(pipes[i], write_local, &local);
        else
            to(pipes[i], f.target, "/to");
    }
    pthread_create(&thread, NULL, cancel_soon, &f);
    hr_pipe_run(pipes, G_N_ELEMENTS(pipes), f.call);
    pthread_join(thread, NULL);
    g_assert_cmpint(hr_clock_monotonic_us() - start, <, GENEROUS_US);
    for (unsigned i = 0; i < G_N_ELEMENTS(pipes); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(hr_pipe_result(pipes[i], &error));
        g_assert_error(error, HR_ERROR, HR_CANCELLED);
        g_assert_false(hr_pipe_source_failed(pipes[i]));
        hr_pipe_free(pipes[i]);
    }
    tear_down(&f);
}

static void
test_misuse(void)
{
    static const HrDoubleRoute routes[] = {{0}};
    HrPipe *pipe = hr_pipe_new(big_digest, 1, "blob");
    Fixture f;

    set_up(&f, routes, SECOND_US);
    to(pipe, f.target, "/to");
    g_assert_false(run(&f, pipe));
    g_assert_error(f.error, HR_ERROR, HR_BUG);
    tear_down(&f);
}

static void
make_blobs(void)
{
    for (size_t i = 0; i < BIG_BYTES; i++)
        big[i] = (char)(i * 2654435761u >> 13);
    hr_digest_of(big, BIG_BYTES, big_digest);
    hr_digest_of(small, SMALL_BYTES, small_digest);
    hr_digest_of("", 0, empty_digest);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    make_blobs();
    g_snprintf(content_range, sizeof content_range,
               "Content-Range: bytes %d-%d/%d\r\n", FIRST_BYTES, BIG_BYTES - 1,
               BIG_BYTES);
    g_test_add_func("/pipe/goes-on-where-the-source-broke-off", test_resume);
    g_test_add_func("/pipe/goes-on-without-ranges",
                    test_resume_without_ranges);
    g_test_add_func("/pipe/gives-up-a-source-that-gets-nowhere",
                    test_resume_gets_nowhere);
    g_test_add_func("/pipe/takes-no-other-part", test_resume_elsewhere);
    g_test_add_func("/pipe/copies", test_copy);
    g_test_add_func("/pipe/uploads-in-one-request", test_upload_in_one);
    g_test_add_func("/pipe/uploads-in-chunks", test_upload_in_chunks);
    g_test_add_func("/pipe/takes-no-part-for-a-repetition",
                    test_parts_are_no_repetitions);
    g_test_add_func("/pipe/uploads-nothing-in-chunks",
                    test_upload_of_nothing_in_chunks);
    g_test_add_func("/pipe/ends-an-upload-only-with-the-proof",
                    test_upload_ends_with_the_proof);
    g_test_add_func("/pipe/goes-on-with-an-upload", test_upload_goes_on);
    g_test_add_func("/pipe/goes-on-with-an-upload-from-scratch",
                    test_upload_goes_on_from_scratch);
    g_test_add_func("/pipe/goes-on-with-an-upload-from-a-local-source",
                    test_upload_goes_on_from_a_local_source);
    g_test_add_func("/pipe/only-ends-an-upload-that-has-all",
                    test_upload_that_has_all_is_only_ended);
    g_test_add_func("/pipe/follows-no-upload-to-a-stranger",
                    test_upload_follows_no_stranger);
    g_test_add_func("/pipe/notices-that-less-arrived",
                    test_upload_of_which_less_arrived);
    g_test_add_func("/pipe/tells-silence-from-a-stall",
                    test_upload_that_is_not_answered);
    g_test_add_func("/pipe/believes-no-upload-that-has-more",
                    test_upload_with_more_than_there_is);
    g_test_add_func("/pipe/copies-nothing-too", test_empty);
    g_test_add_func("/pipe/checks-a-small-blob-before-it-is-sent",
                    test_small_is_checked_first);
    g_test_add_func("/pipe/never-completes-a-wrong-digest", test_wrong_digest);
    g_test_add_func("/pipe/never-completes-a-wrong-size", test_short_and_long);
    g_test_add_func("/pipe/does-not-start-an-upload-of-what-is-missing",
                    test_missing);
    g_test_add_func("/pipe/tells-why-an-upload-was-refused-half-way",
                    test_refused_early);
    g_test_add_func("/pipe/tells-why-an-upload-was-refused",
                    test_refused_late);
    g_test_add_func("/pipe/gives-up-what-stalls", test_stalls);
    g_test_add_func("/pipe/lets-slow-sources-be-slow", test_slow_is_no_stall);
    g_test_add_func("/pipe/follows-a-redirect-without-credentials",
                    test_redirect);
    g_test_add_func("/pipe/follows-no-loop", test_redirect_loop);
    g_test_add_func("/pipe/writes-to-a-local-target", test_to_local);
    g_test_add_func("/pipe/reads-from-a-local-source", test_from_local);
    g_test_add_func("/pipe/copies-between-local-ends", test_local_to_local);
    g_test_add_func("/pipe/never-completes-a-wrong-local-source",
                    test_wrong_local);
    g_test_add_func("/pipe/reports-a-local-target-that-fails", test_disk_full);
    g_test_add_func("/pipe/runs-many-at-once", test_many);
    g_test_add_func("/pipe/cancels-all-at-once", test_cancel);
    g_test_add_func("/pipe/refuses-to-run-without-two-ends", test_misuse);
    return g_test_run();
}
