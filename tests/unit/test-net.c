/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exchanges against a scripted server. */
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/error.h"
#include "net-fixture.h"

/* Nothing here may take longer than this, whatever the machine is doing. */
#define GENEROUS_US (2 * SECOND_US)

static void
set_timeout_us(int64_t timeout_us)
{
    for (int i = 0; i < HR_CLASS_COUNT; i++)
        policy.retry[i].attempt_timeout_us = timeout_us;
}

static void
test_answer(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET",
         .path = "/v2/",
         .status = 200,
         .body = "hello",
         .body_size = 5,
         .headers = "X-Thing: one\r\nx-THING: two\r\n"},
        {0}};
    Fixture f;
    g_autoptr(GError) error = NULL;
    HrExchange *exchange;
    g_autofree char *head = NULL;
    HrEndpointStats stats;
    size_t size;

    set_up(&f, routes);
    exchange = request(&f, HR_HTTP_GET, "/v2/");
    g_assert_true(hr_exchange_wait(exchange, &error));
    g_assert_cmpuint(hr_exchange_status(exchange), ==, 200);
    g_assert_cmpstr(hr_exchange_body(exchange, &size), ==, "hello");
    g_assert_cmpuint(size, ==, 5);
    g_assert_cmpstr(hr_exchange_header(exchange, "x-thing"), ==, "one");
    g_assert_null(hr_exchange_header(exchange, "x-thin"));
    hr_exchange_free(exchange);
    head = hr_double_head(f.server, "GET", "/v2/");
    g_assert_nonnull(strstr(head, "User-Agent: harbor-replicator/"));
    g_assert_nonnull(strstr(head, hr_call_correlation(f.call)));
    g_assert_null(strstr(head, "Authorization"));
    g_assert_null(strstr(head, "Accept-Encoding"));
    hr_endpoint_stats(f.endpoint, &stats);
    g_assert_cmpuint(stats.requests, ==, 1);
    g_assert_cmpuint(stats.writes, ==, 0);
    g_assert_cmpuint(stats.received_bytes, ==, 5);
    tear_down(&f);
}

static void
test_head(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "HEAD", .path = "/m", .status = 200, .announced = 99999999},
        {0}};
    Fixture f;
    size_t size = 1;
    HrExchange *exchange;

    set_up(&f, routes);
    exchange = request(&f, HR_HTTP_HEAD, "/m");
    g_assert_true(hr_exchange_wait(exchange, NULL));
    g_assert_cmpstr(hr_exchange_header(exchange, "Content-Length"), ==,
                    "99999999");
    g_assert_cmpstr(hr_exchange_body(exchange, &size), ==, "");
    g_assert_cmpuint(size, ==, 0);
    hr_exchange_free(exchange);
    tear_down(&f);
}

static void
test_bodies(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "PUT", .path = "/m", .status = 201},
        {.method = "POST", .path = "/u", .status = 202},
        {.method = "PATCH", .path = "/p", .status = 202},
        {.method = "DELETE", .path = "/d", .status = 202},
        {0}};
    static const char *const headers[] = {"Content-Type: x/y", NULL};
    hr_http_request put = {.struct_size = sizeof put,
                           .method = HR_HTTP_PUT,
                           .target = "/m",
                           .headers = headers,
                           .body = "manifest",
                           .body_size = 8};
    Fixture f;
    HrExchange *exchange;
    HrEndpointStats stats;
    g_autofree char *head = NULL;
    g_autofree char *post = NULL;
    g_autofree char *digest = NULL;
    char expected[HR_DIGEST_CAPACITY];

    set_up(&f, routes);
    exchange = hr_exchange_send(f.endpoint, f.call, &put, NULL);
    g_assert_true(hr_exchange_wait(exchange, NULL));
    hr_exchange_free(exchange);
    g_assert_cmpuint(status_of(&f, HR_HTTP_POST, "/u"), ==, 202);
    g_assert_cmpuint(status_of(&f, HR_HTTP_PATCH, "/p"), ==, 202);
    g_assert_cmpuint(status_of(&f, HR_HTTP_DELETE, "/d"), ==, 202);
    head = hr_double_head(f.server, "PUT", "/m");
    g_assert_nonnull(strstr(head, "Content-Type: x/y\r\n"));
    g_assert_nonnull(strstr(head, "Content-Length: 8\r\n"));
    g_assert_null(strstr(head, "Expect"));
    digest = hr_double_digest(f.server, "PUT", "/m");
    hr_digest_of("manifest", 8, expected);
    g_assert_cmpstr(digest, ==, expected);
    post = hr_double_head(f.server, "POST", "/u");
    g_assert_nonnull(strstr(post, "Content-Length: 0\r\n"));
    g_assert_null(strstr(post, "Content-Type"));
    hr_endpoint_stats(f.endpoint, &stats);
    g_assert_cmpuint(stats.writes, ==, 4);
    g_assert_cmpuint(stats.sent_bytes, ==, 8);
    tear_down(&f);
}

static void
test_retry(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/a", .times = 2, .status = 503},
        {.method = "GET", .path = "/a", .status = 200},
        {.method = "GET", .path = "/b", .status = 500},
        {.method = "POST", .path = "/c", .status = 500},
        {.method = "GET", .path = "/d", .status = 404},
        {0}};
    Fixture f;
    HrEndpointStats stats;
    HrExchange *exchange;
    g_autoptr(GError) error = NULL;

    set_up(&f, routes);
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/a"), ==, 200);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/a"), ==, 3);
    exchange = request(&f, HR_HTTP_GET, "/b");
    g_assert_true(hr_exchange_wait(exchange, NULL));
    hr_exchange_set_error(exchange, "list tags", &error);
    g_assert_error(error, HR_ERROR, HR_TRANSIENT);
    g_assert_cmpstr(error->message, ==,
                    "list tags: HTTP 500 after 4 attempts");
    hr_exchange_free(exchange);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/b"), ==, 4);
    /* What may not be done twice is not. */
    g_assert_cmpuint(status_of(&f, HR_HTTP_POST, "/c"), ==, 500);
    g_assert_cmpuint(hr_double_begun(f.server, "POST", "/c"), ==, 1);
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/d"), ==, 404);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/d"), ==, 1);
    hr_endpoint_stats(f.endpoint, &stats);
    g_assert_cmpuint(stats.requests, ==, 3 + 4 + 1 + 1);
    g_assert_cmpuint(stats.retries, ==, 2 + 3);
    tear_down(&f);
}

static void
test_retry_after(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET",
         .path = "/a",
         .times = 1,
         .status = 503,
         .headers = "Retry-After: 1\r\n"},
        {.method = "GET", .path = "/a", .status = 200},
        {.method = "GET",
         .path = "/b",
         .times = 1,
         .status = 503,
         .headers = "Date: Tue, 24 Nov 2020 10:00:00 GMT\r\n"
                    "Retry-After: Tue, 24 Nov 2020 10:00:01 GMT\r\n"},
        {.method = "GET", .path = "/b", .status = 200},
        {0}};
    Fixture f;
    int64_t start = hr_clock_monotonic_us();
    HrExchange *first;
    HrExchange *second;

    set_up(&f, routes);
    first = request(&f, HR_HTTP_GET, "/a");
    second = request(&f, HR_HTTP_GET, "/b");
    g_assert_true(hr_exchange_wait(first, NULL));
    g_assert_true(hr_exchange_wait(second, NULL));
    g_assert_cmpuint(hr_exchange_status(first), ==, 200);
    g_assert_cmpuint(hr_exchange_status(second), ==, 200);
    g_assert_cmpint(hr_clock_monotonic_us() - start, >=, SECOND_US);
    hr_exchange_free(first);
    hr_exchange_free(second);
    tear_down(&f);
}

static HrExchange *
request_with(Fixture *f, unsigned method, const char *target,
             const hr_http_answer *const *answers)
{
    hr_http_request given = {
        .struct_size = sizeof given,
        .method = method,
        .target = target,
        .answers = answers,
    };
    g_autoptr(GError) error = NULL;
    HrExchange *exchange =
        hr_exchange_send(f->endpoint, f->call, &given, &error);

    g_assert_no_error(error);
    g_assert_true(hr_exchange_wait(exchange, &error));
    g_assert_no_error(error);
    return exchange;
}

/* Whoever asks may know better what an answer stands for. */
static void
test_hints(void)
{
    static const char coded[] = "{\"errors\":[{\"code\":\"IN_USE\"}]}";
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/exists", .status = 500},
        {.method = "GET", .path = "/soon", .times = 2, .status = 404},
        {.method = "GET", .path = "/soon", .status = 200},
        {.method = "GET",
         .path = "/used",
         .status = 412,
         .body = coded,
         .body_size = sizeof coded - 1},
        {0}};
    static const hr_http_answer exists = {
        .struct_size = sizeof exists, .status = 500, .category = HR_OK};
    static const hr_http_answer soon = {.struct_size = sizeof soon,
                                        .status = 404,
                                        .category = HR_TRANSIENT,
                                        .eligibility = HR_RETRY_IF_IDEMPOTENT};
    static const hr_http_answer used = {.struct_size = sizeof used,
                                        .code = "in_use",
                                        .category = HR_CONFLICT,
                                        .eligibility = HR_RETRY_PARK};
    static const hr_http_answer *const all[] = {&exists, &soon, &used, NULL};
    static const hr_http_answer odd = {
        .struct_size = sizeof odd, .category = HR_OK, .eligibility = 99};
    static const hr_http_answer *const none[] = {&odd, NULL};
    hr_http_request bad = {
        .struct_size = sizeof bad, .target = "/exists", .answers = none};
    Fixture f;
    g_autoptr(GError) error = NULL;
    HrExchange *exchange;

    set_up(&f, routes);
    for (unsigned i = 0; i < 40; i++) {
        exchange = request_with(&f, HR_HTTP_GET, "/exists", all);
        g_assert_cmpuint(hr_exchange_status(exchange), ==, 500);
        hr_exchange_free(exchange);
    }
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/exists"), ==, 40);
    exchange = request_with(&f, HR_HTTP_GET, "/soon", all);
    g_assert_cmpuint(hr_exchange_status(exchange), ==, 200);
    hr_exchange_free(exchange);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/soon"), ==, 3);
    exchange = request_with(&f, HR_HTTP_GET, "/used", all);
    hr_exchange_set_error(exchange, "delete", &error);
    g_assert_cmpint(hr_error_status(error), ==, HR_CONFLICT);
    g_assert_cmpint(hr_error_details(error)->eligibility, ==, HR_RETRY_PARK);
    g_clear_error(&error);
    hr_exchange_free(exchange);
    g_assert_null(hr_exchange_send(f.endpoint, f.call, &bad, &error));
    g_assert_cmpint(hr_error_status(error), ==, HR_BUG);
    tear_down(&f);
}

static void
test_no_answer(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/a", .status = 0},
        {.method = "GET",
         .path = "/b",
         .status = 200,
         .announced = 10,
         .body = "abc",
         .body_size = 3,
         .cut = true},
        {0}};
    HrEndpointSpec spec = make_spec(NULL);
    Fixture f;
    g_autofree char *timeout = NULL;
    g_autofree char *cut = NULL;

    set_timeout_us(SECOND_US / 10);
    policy.retry[HR_CLASS_READ].attempts = 2;
    set_up_with(&f, routes, &spec);
    g_assert_cmpint(failure(&f, HR_HTTP_GET, "/a", &timeout), ==, HR_TIMEOUT);
    g_assert_nonnull(strstr(timeout, "after 2 attempts: no answer from"));
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/a"), ==, 2);
    g_assert_cmpint(failure(&f, HR_HTTP_GET, "/b", &cut), ==, HR_NETWORK);
    g_assert_nonnull(strstr(cut, "closed the connection"));
    tear_down(&f);
}

static void
test_refused(void)
{
    static const HrDoubleRoute routes[] = {{0}};
    HrEndpointSpec spec = make_spec("http://127.0.0.1:1");
    Fixture f;
    HrEndpoint *nowhere;
    HrEndpoint *real;
    g_autofree char *text = NULL;

    set_up(&f, routes);
    spec.url = "http://127.0.0.1:1";
    nowhere = hr_endpoint_new(f.net, &spec, NULL);
    real = f.endpoint;
    f.endpoint = nowhere;
    g_assert_cmpint(failure(&f, HR_HTTP_POST, "/a", &text), ==, HR_NETWORK);
    /* Nothing was sent, so even a POST is tried again. */
    g_assert_cmpstr(text, ==,
                    "after 4 attempts: 127.0.0.1:1 refuses connections: "
                    "check that it runs and that the url is right");
    f.endpoint = real;
    hr_endpoint_free(nowhere);
    tear_down(&f);
}

static void
test_too_large(void)
{
    static char body[5000];
    static const HrDoubleRoute routes[] = {{.method = "GET",
                                            .path = "/a",
                                            .status = 200,
                                            .body = body,
                                            .body_size = sizeof body},
                                           {0}};
    hr_http_request given = {.struct_size = sizeof given,
                             .method = HR_HTTP_GET,
                             .target = "/a",
                             .limit_bytes = sizeof body - 1};
    Fixture f;
    HrExchange *exchange;
    g_autoptr(GError) error = NULL;

    memset(body, 'x', sizeof body);
    set_up(&f, routes);
    exchange = hr_exchange_send(f.endpoint, f.call, &given, NULL);
    g_assert_false(hr_exchange_wait(exchange, &error));
    g_assert_error(error, HR_ERROR, HR_INVALID);
    g_assert_nonnull(strstr(error->message, "larger than"));
    hr_exchange_free(exchange);
    given.limit_bytes = sizeof body;
    exchange = hr_exchange_send(f.endpoint, f.call, &given, NULL);
    g_assert_true(hr_exchange_wait(exchange, NULL));
    hr_exchange_free(exchange);
    tear_down(&f);
}

static void
test_header_flood(void)
{
    g_autoptr(GString) headers = g_string_new(NULL);
    HrDoubleRoute routes[] = {{.method = "GET", .path = "/a", .status = 200},
                              {0}};
    Fixture f;
    g_autofree char *text = NULL;

    for (unsigned i = 0; i < 300; i++)
        g_string_append_printf(headers, "X-%u: y\r\n", i);
    routes[0].headers = headers->str;
    set_up(&f, routes);
    g_assert_cmpint(failure(&f, HR_HTTP_GET, "/a", &text), ==, HR_INVALID);
    g_assert_nonnull(strstr(text, "too many"));
    tear_down(&f);
}

static void
test_limit(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "HEAD", .path = "/a", .status = 200, .delay_ms = 5}, {0}};
    HrEndpointSpec spec = make_spec(NULL);
    HrExchange *exchanges[40];
    Fixture f;

    policy.requests.initial = policy.requests.maximum = 3;
    set_up_with(&f, routes, &spec);
    for (unsigned i = 0; i < G_N_ELEMENTS(exchanges); i++)
        exchanges[i] = request(&f, HR_HTTP_HEAD, "/a");
    for (unsigned i = 0; i < G_N_ELEMENTS(exchanges); i++) {
        g_assert_true(hr_exchange_wait(exchanges[i], NULL));
        hr_exchange_free(exchanges[i]);
    }
    g_assert_cmpuint(hr_double_most_at_once(f.server), ==, 3);
    /* Connections are kept. */
    g_assert_cmpuint(hr_double_connections(f.server), ==, 3);
    tear_down(&f);
}

static void
test_cancel(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/a", .status = 0}, {0}};
    HrEndpointSpec spec = make_spec(NULL);
    HrExchange *exchanges[10];
    Fixture f;
    g_autoptr(GError) error = NULL;
    int64_t start;

    set_timeout_us(60 * SECOND_US);
    policy.requests.initial = policy.requests.maximum = 4;
    set_up_with(&f, routes, &spec);
    for (unsigned i = 0; i < G_N_ELEMENTS(exchanges); i++)
        exchanges[i] = request(&f, HR_HTTP_GET, "/a");
    while (hr_double_begun(f.server, "GET", "/a") < 4)
        g_usleep(1000);
    start = hr_clock_monotonic_us();
    hr_cancel_trigger(f.cancel);
    g_assert_false(hr_exchange_wait(exchanges[0], &error));
    g_assert_error(error, HR_ERROR, HR_CANCELLED);
    for (unsigned i = 0; i < G_N_ELEMENTS(exchanges); i++)
        hr_exchange_free(exchanges[i]);
    g_assert_cmpint(hr_clock_monotonic_us() - start, <, GENEROUS_US);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/a"), ==, 4);
    tear_down(&f);
}

static void
test_deadline(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/a", .status = 0}, {0}};
    Fixture f;
    HrCall *usual;
    g_autofree char *text = NULL;
    int64_t start;

    set_up(&f, routes);
    usual = f.call;
    start = hr_clock_monotonic_us();
    f.call = hr_call_new(NULL, start + SECOND_US / 10);
    g_assert_cmpint(failure(&f, HR_HTTP_GET, "/a", &text), ==, HR_TIMEOUT);
    g_assert_cmpint(hr_clock_monotonic_us() - start, <, GENEROUS_US);
    hr_call_free(f.call);
    f.call = usual;
    tear_down(&f);
}

static void
test_freed_early(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/a", .status = 200, .delay_ms = 5}, {0}};
    Fixture f;

    set_up(&f, routes);
    for (unsigned i = 0; i < 100; i++) {
        HrExchange *exchange = request(&f, HR_HTTP_GET, "/a");

        /* At every stage of its life. */
        g_usleep(i * 70);
        hr_exchange_free(exchange);
    }
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/a"), ==, 200);
    tear_down(&f);
}

static void
test_registry_error(void)
{
    static const char body[] =
        "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\","
        "\"message\":\"manifest\\nunknown\",\"detail\":{\"Tag\":\"x\"}}]}";
    static const HrDoubleRoute routes[] = {{.method = "GET",
                                            .path = "/a",
                                            .status = 404,
                                            .body = body,
                                            .body_size = sizeof body - 1},
                                           {.method = "GET",
                                            .path = "/b",
                                            .status = 403,
                                            .body = "<html>",
                                            .body_size = 6},
                                           {0}};
    Fixture f;
    HrExchange *exchange;
    g_autoptr(GError) unknown = NULL;
    g_autoptr(GError) plain = NULL;

    set_up(&f, routes);
    exchange = request(&f, HR_HTTP_GET, "/a");
    g_assert_true(hr_exchange_wait(exchange, NULL));
    hr_exchange_set_error(exchange, "manifest x", &unknown);
    g_assert_error(unknown, HR_ERROR, HR_NOT_FOUND);
    g_assert_cmpstr(
        unknown->message, ==,
        "manifest x: HTTP 404: MANIFEST_UNKNOWN: manifest?unknown");
    hr_exchange_free(exchange);
    exchange = request(&f, HR_HTTP_GET, "/b");
    g_assert_true(hr_exchange_wait(exchange, NULL));
    hr_exchange_set_error(exchange, "x", &plain);
    g_assert_cmpstr(plain->message, ==,
                    "x: HTTP 403: the account may not do that");
    hr_exchange_free(exchange);
    tear_down(&f);
}

static void
test_server_given(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/v2/list", .status = 200}, {0}};
    hr_http_request given = {.struct_size = sizeof given,
                             .method = HR_HTTP_GET,
                             .flags = HR_HTTP_SERVER_GIVEN,
                             .base = "/v2/other?n=1",
                             .target = "list?last=a%2Fb&n=1"};
    Fixture f;
    HrExchange *exchange;
    g_autoptr(GError) error = NULL;
    g_autofree char *head = NULL;

    set_up(&f, routes);
    exchange = hr_exchange_send(f.endpoint, f.call, &given, NULL);
    g_assert_true(hr_exchange_wait(exchange, NULL));
    g_assert_cmpuint(hr_exchange_status(exchange), ==, 200);
    hr_exchange_free(exchange);
    head = hr_double_head(f.server, "GET", "/v2/list");
    g_assert_true(
        g_str_has_prefix(head, "GET /v2/list?last=a%2Fb&n=1 HTTP/1.1"));
    given.target = "http://169.254.169.254/latest";
    g_assert_null(hr_exchange_send(f.endpoint, f.call, &given, &error));
    g_assert_error(error, HR_ERROR, HR_INVALID);
    tear_down(&f);
}

static void
test_bad_requests(void)
{
    static const HrDoubleRoute routes[] = {{0}};
    static const char *const injected[] = {"A: b\r\nC: d", NULL};
    hr_http_request given = {
        .struct_size = sizeof given, .method = HR_HTTP_GET, .target = "/a b"};
    Fixture f;
    g_autoptr(GError) blank = NULL;
    g_autoptr(GError) header = NULL;
    g_autoptr(GError) body = NULL;

    set_up(&f, routes);
    g_assert_null(hr_exchange_send(f.endpoint, f.call, &given, &blank));
    g_assert_error(blank, HR_ERROR, HR_INVALID);
    given.target = "/a";
    given.headers = injected;
    g_assert_null(hr_exchange_send(f.endpoint, f.call, &given, &header));
    g_assert_error(header, HR_ERROR, HR_BUG);
    /* It would become a POST. */
    given.headers = NULL;
    given.body = "x";
    given.body_size = 1;
    g_assert_null(hr_exchange_send(f.endpoint, f.call, &given, &body));
    g_assert_error(body, HR_ERROR, HR_BUG);
    tear_down(&f);
}

static void
test_bad_urls(void)
{
    static const char *const urls[] = {"registry.example",
                                       "ftp://registry.example",
                                       "https://",
                                       "https://u:p@registry.example",
                                       "https://registry.example/?a=b",
                                       "https://registry.example/#c",
                                       "https://a b/",
                                       ""};
    g_autoptr(HrNet) net = hr_net_new(1, NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(urls); i++) {
        HrEndpointSpec spec = make_spec(urls[i]);
        g_autoptr(GError) error = NULL;

        g_assert_null(hr_endpoint_new(net, &spec, &error));
        g_assert_error(error, HR_ERROR, HR_CONFIG);
    }
}

static void
test_origin_text(void)
{
    g_autoptr(HrNet) net = hr_net_new(1, NULL);
    HrEndpointSpec spec = make_spec("HTTPS://Registry.Example/prefix/");
    g_autoptr(HrEndpoint) endpoint = hr_endpoint_new(net, &spec, NULL);

    g_assert_cmpstr(hr_endpoint_origin(endpoint), ==,
                    "https://registry.example:443");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/answers", test_answer);
    g_test_add_func("/net/head-has-no-body", test_head);
    g_test_add_func("/net/sends-bodies-as-they-are", test_bodies);
    g_test_add_func("/net/repeats-what-may-be-repeated", test_retry);
    g_test_add_func("/net/waits-as-long-as-the-server-asks", test_retry_after);
    g_test_add_func("/net/takes-an-answer-for-what-its-asker-says",
                    test_hints);
    g_test_add_func("/net/gives-up-silent-servers", test_no_answer);
    g_test_add_func("/net/says-who-refuses-connections", test_refused);
    g_test_add_func("/net/bounds-bodies", test_too_large);
    g_test_add_func("/net/bounds-headers", test_header_flood);
    g_test_add_func("/net/limits-requests-in-flight", test_limit);
    g_test_add_func("/net/cancels", test_cancel);
    g_test_add_func("/net/keeps-the-deadline", test_deadline);
    g_test_add_func("/net/exchanges-may-be-freed-at-any-time",
                    test_freed_early);
    g_test_add_func("/net/repeats-the-registrys-words", test_registry_error);
    g_test_add_func("/net/checks-addresses-from-the-server",
                    test_server_given);
    g_test_add_func("/net/refuses-requests-that-are-none", test_bad_requests);
    g_test_add_func("/net/refuses-urls-that-are-none", test_bad_urls);
    g_test_add_func("/net/spells-an-origin-in-one-way", test_origin_text);
    return g_test_run();
}
