/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a request may ask for itself, against a scripted server. */
#include <string.h>

#include "base/error.h"
#include "net-fixture.h"

#define CHALLENGE "WWW-Authenticate: Bearer realm=\"/token\",service=\"x\"\r\n"

static const char token_body[] = "{\"token\":\"t0ken\",\"expires_in\":300}";

#define GIVES_TOKENS                                                          \
    .method = "GET", .path = "/token", .status = 200, .body = token_body,     \
    .body_size = sizeof token_body - 1

static void
set_up_joe(Fixture *f, const HrDoubleRoute *routes)
{
    HrEndpointSpec spec = make_spec(NULL);
    g_autoptr(HrSecret) password = hr_secret_new("s3cret");

    spec.username = "joe";
    spec.password = password;
    set_up_with(f, routes, &spec);
}

/* The answer's status code; 0 and its error if there is none. */
static unsigned
ask(Fixture *f, const hr_http_request *given, GError **error)
{
    g_autoptr(HrExchange) exchange =
        hr_exchange_send(f->endpoint, f->call, given, error);

    if (exchange == NULL || !hr_exchange_wait(exchange, error))
        return 0;
    return hr_exchange_status(exchange);
}

/* Though everybody else goes with tokens, and though the answer wants one. */
static void
test_basic(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET",
         .path = "/v2/",
         .times = 1,
         .status = 401,
         .headers = CHALLENGE},
        {.method = "GET", .path = "/v2/", .status = 200},
        {.method = "GET", .path = "/api", .status = 401, .headers = CHALLENGE},
        {GIVES_TOKENS},
        {0}};
    const hr_http_request given = {
        .struct_size = sizeof given, .flags = HR_HTTP_BASIC, .target = "/api"};
    g_autofree char *head = NULL;
    Fixture f;

    set_up_joe(&f, routes);
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/v2/"), ==, 200);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==, 1);
    g_assert_cmpuint(ask(&f, &given, NULL), ==, 401);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/api"), ==, 1);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==, 1);
    head = hr_double_head(f.server, "GET", "/api");
    g_assert_nonnull(
        strstr(head, "Authorization: Basic am9lOnMzY3JldA==\r\n"));
    g_assert_cmpstr(hr_endpoint_username(f.endpoint), ==, "joe");
    tear_down(&f);
}

static void
test_basic_of_nobody(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/api", .status = 200}, {0}};
    const hr_http_request given = {
        .struct_size = sizeof given, .flags = HR_HTTP_BASIC, .target = "/api"};
    g_autoptr(GError) error = NULL;
    Fixture f;

    set_up(&f, routes);
    g_assert_cmpuint(ask(&f, &given, &error), ==, 0);
    g_assert_error(error, HR_ERROR, HR_AUTH_DENIED);
    g_assert_nonnull(strstr(error->message, "set username and password"));
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/api"), ==, 0);
    g_assert_null(hr_endpoint_username(f.endpoint));
    tear_down(&f);
}

/* Whoever it is not, the endpoint's own login is what it was. */
static void
test_somebody_else(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/me", .status = 401, .headers = CHALLENGE},
        {.method = "GET", .path = "/v2/", .status = 200},
        {GIVES_TOKENS},
        {0}};
    const hr_http_request given = {.struct_size = sizeof given,
                                   .target = "/me",
                                   .username = "robot$x",
                                   .password = "wr0ng"};
    g_autofree char *theirs = NULL;
    g_autofree char *ours = NULL;
    Fixture f;

    set_up_joe(&f, routes);
    g_assert_cmpuint(ask(&f, &given, NULL), ==, 401);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/me"), ==, 1);
    theirs = hr_double_head(f.server, "GET", "/me");
    g_assert_nonnull(
        strstr(theirs, "Authorization: Basic cm9ib3QkeDp3cjBuZw==\r\n"));
    g_assert_null(strstr(theirs, "am9lOnMzY3JldA=="));
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/v2/"), ==, 200);
    ours = hr_double_head(f.server, "GET", "/v2/");
    g_assert_nonnull(
        strstr(ours, "Authorization: Basic am9lOnMzY3JldA==\r\n"));
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==, 0);
    tear_down(&f);
}

/* Where else a name and a password would go, nothing is sent. */
static void
test_somebody_elsewhere(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/me", .status = 200}, {0}};
    hr_http_request given = {.struct_size = sizeof given,
                             .flags = HR_HTTP_SERVER_GIVEN,
                             .target = "/me",
                             .username = "robot$x",
                             .password = "s3cret"};
    g_autoptr(GError) given_by_server = NULL;
    g_autoptr(GError) unnamed = NULL;
    Fixture f;

    set_up(&f, routes);
    g_assert_cmpuint(ask(&f, &given, &given_by_server), ==, 0);
    g_assert_error(given_by_server, HR_ERROR, HR_BUG);
    given.flags = 0;
    given.username = "a:b";
    g_assert_cmpuint(ask(&f, &given, &unnamed), ==, 0);
    g_assert_error(unnamed, HR_ERROR, HR_INVALID);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/me"), ==, 0);
    tear_down(&f);
}

/* What is unknown may be asked again, though not as often as what passes. */
static void
test_attempts(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/a", .status = 500}, {0}};
    static const hr_http_answer answer = {.struct_size = sizeof answer,
                                          .status = 500,
                                          .category = HR_UNKNOWN,
                                          .eligibility = HR_RETRY_ALWAYS};
    static const hr_http_answer *const answers[] = {&answer, NULL};
    hr_http_request given = {.struct_size = sizeof given,
                             .target = "/a",
                             .attempts = 2,
                             .answers = answers};
    Fixture f;

    set_up(&f, routes);
    g_assert_cmpuint(ask(&f, &given, NULL), ==, 500);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/a"), ==, 2);
    given.attempts = 100;
    g_assert_cmpuint(ask(&f, &given, NULL), ==, 500);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/a"), ==,
                     2 + policy.retry[HR_CLASS_READ].attempts);
    tear_down(&f);
}

/* A plugin that was built when requests had less in them. */
static void
test_older(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET", .path = "/a", .status = 200}, {0}};
    const hr_http_request given = {
        .struct_size = offsetof(hr_http_request, username),
        .target = "/a",
        .username = "beyond",
        .password = "its end",
    };
    g_autofree char *head = NULL;
    Fixture f;

    set_up(&f, routes);
    g_assert_cmpuint(ask(&f, &given, NULL), ==, 200);
    head = hr_double_head(f.server, "GET", "/a");
    g_assert_null(strstr(head, "Authorization"));
    tear_down(&f);
}

/* A session that a server wants to begin is none of ours. */
static void
test_cookies(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET",
         .path = "/a",
         .status = 200,
         .headers = "Set-Cookie: sid=c00kie; Path=/\r\n"},
        {.method = "PUT", .path = "/a", .status = 200},
        {0}};
    g_autofree char *head = NULL;
    Fixture f;

    set_up(&f, routes);
    for (unsigned i = 0; i < 4; i++)
        g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/a"), ==, 200);
    g_assert_cmpuint(status_of(&f, HR_HTTP_PUT, "/a"), ==, 200);
    head = hr_double_head(f.server, "PUT", "/a");
    g_assert_null(strstr(head, "ookie"));
    tear_down(&f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/request/goes-with-name-and-password", test_basic);
    g_test_add_func("/request/does-not-go-without-them", test_basic_of_nobody);
    g_test_add_func("/request/goes-as-somebody-else", test_somebody_else);
    g_test_add_func("/request/as-somebody-else-to-the-endpoint-alone",
                    test_somebody_elsewhere);
    g_test_add_func("/request/is-repeated-as-often-as-it-wants",
                    test_attempts);
    g_test_add_func("/request/may-be-of-an-older-plugin", test_older);
    g_test_add_func("/request/brings-no-cookie-back", test_cookies);
    return g_test_run();
}
