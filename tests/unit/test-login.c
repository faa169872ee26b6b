/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who asks: passwords and tokens, against a scripted server. */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/error.h"
#include "net-fixture.h"
#include "net/pipe.h"

static void
test_credentials(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET",
         .path = "/a",
         .status = 401,
         .headers = "WWW-Authenticate: Basic realm=\"x\"\r\n"},
        {0}};
    HrEndpointSpec spec = make_spec(NULL);
    g_autoptr(HrSecret) password = hr_secret_new("s3cret");
    Fixture f;
    HrExchange *exchange;
    g_autoptr(GError) refused = NULL;
    g_autofree char *head = NULL;

    spec.username = "robot$x";
    spec.password = password;
    set_up_with(&f, routes, &spec);
    exchange = request(&f, HR_HTTP_GET, "/a");
    g_assert_true(hr_exchange_wait(exchange, NULL));
    hr_exchange_set_error(exchange, "probe", &refused);
    g_assert_error(refused, HR_ERROR, HR_AUTH_DENIED);
    g_assert_nonnull(
        strstr(refused->message, "HTTP 401: credentials refused"));
    hr_exchange_free(exchange);
    head = hr_double_head(f.server, "GET", "/a");
    g_assert_nonnull(
        strstr(head, "Authorization: Basic cm9ib3QkeDpzM2NyZXQ=\r\n"));
    tear_down(&f);
}

#define CHALLENGE(more)                                                       \
    "WWW-Authenticate: Bearer realm=\"/token\",service=\"the registry\"" more \
    "\r\n"

static const char token_body[] = "{\"token\":\"t0ken\",\"expires_in\":300}";

/* One token for all who need the same, asked for with the password; none for
 * whom a wider one is there. */
static void
test_tokens(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET",
         .path = "/v2/r/manifests/1",
         .times = 1,
         .status = 401,
         .headers = CHALLENGE("")},
        {.method = "GET", .path = "/v2/r/manifests/1", .status = 200},
        {.method = "PUT", .path = "/v2/r/manifests/1", .status = 201},
        {.method = "GET",
         .path = "/token",
         .status = 200,
         .delay_ms = 50,
         .body = token_body,
         .body_size = sizeof token_body - 1},
        {0}};
    HrEndpointSpec spec = make_spec(NULL);
    g_autoptr(HrSecret) password = hr_secret_new("s3cret");
    HrExchange *many[20];
    Fixture f;
    g_autofree char *asked = NULL;
    g_autofree char *head = NULL;

    spec.username = "joe";
    spec.password = password;
    set_up_with(&f, routes, &spec);
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/v2/r/manifests/1"), ==, 200);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==, 1);
    asked = hr_double_head(f.server, "GET", "/token");
    g_assert_nonnull(strstr(asked, "service=the%20registry&scope=repository"
                                   "%3Ar%3Apull&account=joe "));
    g_assert_nonnull(strstr(asked, "Authorization: Basic am9lOnMzY3JldA=="));
    for (unsigned i = 0; i < G_N_ELEMENTS(many); i++)
        many[i] = request(&f, HR_HTTP_PUT, "/v2/r/manifests/1");
    for (unsigned i = 0; i < G_N_ELEMENTS(many); i++) {
        g_assert_true(hr_exchange_wait(many[i], NULL));
        g_assert_cmpuint(hr_exchange_status(many[i]), ==, 201);
        hr_exchange_free(many[i]);
    }
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==, 2);
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/v2/r/manifests/1"), ==, 200);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==, 2);
    head = hr_double_head(f.server, "GET", "/v2/r/manifests/1");
    g_assert_nonnull(strstr(head, "Authorization: Bearer t0ken\r\n"));
    tear_down(&f);
}

/* A token that is refused is asked for anew, once, in the server's words. */
static void
test_token_refused(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET",
         .path = "/v2/r/tags/list",
         .status = 401,
         .headers = CHALLENGE(",scope=\"other:thing:look\"")},
        {.method = "GET",
         .path = "/token",
         .status = 200,
         .body = token_body,
         .body_size = sizeof token_body - 1},
        {0}};
    Fixture f;
    HrExchange *exchange;
    g_autoptr(GError) refused = NULL;
    g_autofree char *asked = NULL;

    set_up(&f, routes);
    exchange = request(&f, HR_HTTP_GET, "/v2/r/tags/list");
    g_assert_true(hr_exchange_wait(exchange, NULL));
    g_assert_cmpuint(hr_exchange_status(exchange), ==, 401);
    hr_exchange_set_error(exchange, "tags", &refused);
    g_assert_error(refused, HR_ERROR, HR_AUTH_DENIED);
    hr_exchange_free(exchange);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/v2/r/tags/list"), ==,
                     2);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==, 1);
    asked = hr_double_head(f.server, "GET", "/token");
    g_assert_nonnull(strstr(asked, "scope=other%3Athing%3Alook&scope="
                                   "repository%3Ar%3Apull "));
    g_assert_null(strstr(asked, "Authorization"));
    tear_down(&f);
}

/* Where GET is not offered; and with a token instead of a password. */
static void
test_token_by_post(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET",
         .path = "/v2/",
         .times = 1,
         .status = 401,
         .headers = CHALLENGE("")},
        {.method = "GET", .path = "/v2/", .status = 200},
        {.method = "GET", .path = "/token", .status = 405},
        {.method = "POST",
         .path = "/token",
         .status = 200,
         .body = token_body,
         .body_size = sizeof token_body - 1},
        {0}};
    g_autoptr(HrSecret) secret = hr_secret_new("s3cret");
    const HrAccount accounts[] = {
        {.username = "joe", .password = secret},
        {.identity_token = secret},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(accounts); i++) {
        HrEndpointSpec spec = make_spec(NULL);
        Fixture f;

        spec.accounts = &accounts[i];
        spec.account_count = 1;
        set_up_with(&f, routes, &spec);
        g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/v2/"), ==, 200);
        g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==,
                         1 - i);
        g_assert_cmpuint(hr_double_completed(f.server, "POST", "/token"), ==,
                         1);
        tear_down(&f);
    }
}

/* Why there is no token is told; nobody waits for ever. */
static void
test_no_token(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET",
         .path = "/v2/",
         .status = 401,
         .headers = CHALLENGE("")},
        {.method = "GET", .path = "/token", .status = 401},
        {0}};
    HrEndpointSpec spec = make_spec(NULL);
    g_autoptr(HrSecret) password = hr_secret_new("wr0ng");
    g_autofree char *text = NULL;
    Fixture f;

    spec.username = "joe";
    spec.password = password;
    set_up_with(&f, routes, &spec);
    g_assert_cmpint(failure(&f, HR_HTTP_GET, "/v2/", &text), ==,
                    HR_AUTH_DENIED);
    g_assert_nonnull(strstr(text, "/token: HTTP 401: credentials refused"));
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==, 1);
    tear_down(&f);
}

/* A registry that wants a token for everything, once the first request has
 * told so. */
#define WANTS_TOKENS                                                          \
    {.method = "GET",                                                         \
     .path = "/v2/",                                                          \
     .times = 1,                                                              \
     .status = 401,                                                           \
     .headers = CHALLENGE("")},                                               \
    {                                                                         \
        .method = "GET", .path = "/v2/", .status = 200                        \
    }
#define GIVES_TOKENS                                                          \
    .method = "GET", .path = "/token", .status = 200, .body = token_body,     \
    .body_size = sizeof token_body - 1

static void *
cancel_at_second_token(void *data)
{
    Fixture *f = data;

    while (hr_double_begun(f->server, "GET", "/token") < 2)
        g_usleep(1000);
    /* Long enough for bytes of the source to come, one by one. */
    g_usleep(100000);
    hr_cancel_trigger(f->cancel);
    return NULL;
}

/* What has bytes for a target whose token is on its way asks for it again and
 * again; when it is given up, nothing of it stays in the line. */
static void
test_given_up(void)
{
    static const char blob[300000];
    static const HrDoubleRoute routes[] = {
        WANTS_TOKENS,
        {.method = "GET",
         .path = "/from",
         .status = 200,
         .body = blob,
         .body_size = sizeof blob,
         .drip_bytes = 70000},
        {GIVES_TOKENS, .times = 1},
        {GIVES_TOKENS, .delay_ms = 400},
        {.method = "POST", .path = "/v2/r/blobs/uploads/", .status = 202},
        {0}};
    hr_http_request from = {
        .struct_size = sizeof from, .method = HR_HTTP_GET, .target = "/from"};
    hr_http_request to = {.struct_size = sizeof to,
                          .method = HR_HTTP_PUT,
                          .target = "/v2/r/blobs/uploads/1"};
    HrEndpointSpec spec = make_spec(NULL);
    char digest[HR_DIGEST_CAPACITY];
    g_autoptr(GError) error = NULL;
    HrEndpoint *source;
    HrPipe *pipe;
    pthread_t thread;
    HrCall *usual;
    Fixture f;

    set_up_with(&f, routes, &spec);
    source = hr_endpoint_new(f.net, &spec, NULL);
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/v2/"), ==, 200);
    hr_digest_of(blob, sizeof blob, digest);
    pipe = hr_pipe_new(digest, sizeof blob, "blob");
    hr_pipe_source_request(pipe, source, &from);
    hr_pipe_target_request(pipe, f.endpoint, &to);
    pthread_create(&thread, NULL, cancel_at_second_token, &f);
    hr_pipe_run(&pipe, 1, f.call);
    pthread_join(thread, NULL);
    g_assert_false(hr_pipe_result(pipe, &error));
    g_assert_error(error, HR_ERROR, HR_CANCELLED);
    hr_pipe_free(pipe);
    /* It waits for the same token. */
    usual = f.call;
    f.call = hr_call_new(NULL, HR_TIME_NEVER);
    g_assert_cmpuint(status_of(&f, HR_HTTP_POST, "/v2/r/blobs/uploads/"), ==,
                     202);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==, 2);
    hr_call_free(f.call);
    f.call = usual;
    hr_endpoint_free(source);
    tear_down(&f);
}

/* Who is refused after a change of method is refused: asking once more would
 * only bring the account closer to being locked. */
static void
test_refused_post(void)
{
    static const HrDoubleRoute routes[] = {
        WANTS_TOKENS,
        {.method = "GET", .path = "/token", .status = 405},
        {.method = "POST", .path = "/token", .status = 401},
        {0}};
    HrEndpointSpec spec = make_spec(NULL);
    g_autoptr(HrSecret) password = hr_secret_new("wr0ng");
    g_autofree char *text = NULL;
    Fixture f;

    spec.username = "joe";
    spec.password = password;
    set_up_with(&f, routes, &spec);
    g_assert_cmpint(failure(&f, HR_HTTP_GET, "/v2/", &text), ==,
                    HR_AUTH_DENIED);
    g_assert_cmpuint(hr_double_completed(f.server, "POST", "/token"), ==, 1);
    tear_down(&f);
}

/* A host that is not told who asks cannot change what is known of them, nor
 * how fast the registry is asked. */
static void
test_stranger_renews_nothing(void)
{
    static const char planted[] =
        "{\"token\":\"t0ken\",\"refresh_token\":\"planted\"}";
    static const char form[] =
        "grant_type=refresh_token&service=the%20registry&"
        "client_id=harbor-replicator&scope=repository%3As%3Apull&"
        "refresh_token=s3cret";
    static const HrDoubleRoute strange[] = {
        {.method = "GET",
         .path = "/token",
         .status = 200,
         .headers = "RateLimit-Remaining: 0\r\nRateLimit-Reset: 600\r\n",
         .body = planted,
         .body_size = sizeof planted - 1},
        {0}};
    g_autoptr(HrDouble) stranger = hr_double_new(strange);
    g_autofree char *elsewhere = g_strdup_printf(
        "WWW-Authenticate: Bearer realm=\"http://localhost%s/token\"\r\n",
        strrchr(hr_double_url(stranger), ':'));
    const HrDoubleRoute routes[] = {
        {.method = "GET",
         .path = "/v2/r/tags/list",
         .times = 1,
         .status = 401,
         .headers = elsewhere},
        {.method = "GET", .path = "/v2/r/tags/list", .status = 200},
        {.method = "GET",
         .path = "/v2/s/tags/list",
         .times = 1,
         .status = 401,
         .headers = CHALLENGE("")},
        {.method = "GET", .path = "/v2/s/tags/list", .status = 200},
        {.method = "POST",
         .path = "/token",
         .status = 200,
         .body = token_body,
         .body_size = sizeof token_body - 1},
        {0}};
    HrEndpointSpec spec = make_spec(NULL);
    g_autoptr(HrSecret) secret = hr_secret_new("s3cret");
    const HrAccount account = {.identity_token = secret};
    char expected[HR_DIGEST_CAPACITY];
    g_autofree char *digest = NULL;
    HrEndpointStats stats;
    Fixture f;

    spec.accounts = &account;
    spec.account_count = 1;
    set_up_with(&f, routes, &spec);
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/v2/r/tags/list"), ==, 200);
    g_assert_cmpuint(hr_double_begun(stranger, "GET", "/token"), ==, 1);
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/v2/s/tags/list"), ==, 200);
    digest = hr_double_digest(f.server, "POST", "/token");
    hr_digest_of(form, sizeof form - 1, expected);
    g_assert_cmpstr(digest, ==, expected);
    hr_endpoint_stats(f.endpoint, &stats);
    g_assert_cmpfloat(stats.guards.rate, ==, 0);
    tear_down(&f);
}

/* What the configuration calls a token that ran out need not come with a word
 * about where there are others. */
static void
test_no_realm(void)
{
    static const HrDoubleRoute routes[] = {
        {.method = "GET",
         .path = "/a",
         .status = 403,
         .headers = "WWW-Authenticate: Basic\r\n"},
        {.method = "GET",
         .path = "/b",
         .status = 403,
         .headers = "WWW-Authenticate: Basic realm=\"/token\"\r\n"},
        {0}};
    HrErrorRule expired = {.status = 403,
                           .category = HR_AUTH_EXPIRED,
                           .eligibility = HR_RETRY_REAUTH};
    const HrErrorRules rules = {&expired, 1};
    HrEndpointSpec spec = make_spec(NULL);
    Fixture f;

    spec.rules = &rules;
    set_up_with(&f, routes, &spec);
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/a"), ==, 403);
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/b"), ==, 403);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==, 0);
    tear_down(&f);
}

/* Answers that hold no token, or none that could be a part of a header. */
static void
test_strange_answers(void)
{
    g_autofree char *padding = g_strnfill(100000, 'x');
    g_autofree char *endless = g_strdup_printf("{\"token\":\"%s\"}", padding);
    const char *const bodies[] = {
        "",
        "t0ken",
        "[]",
        "{}",
        "{\"token\":\"\"}",
        "{\"token\":7}",
        "{\"token\":\"a\",\"token\":\"b\"}",
        "{\"token\":\"a\"} x",
        "{\"token\":\"a\\r\\nX-Other: b\"}",
        "{\"token\":\"a b\"}",
        "{\"token\":\"a\\u0001\"}",
        "{\"token\":\"a\\u007f\"}",
        "{\"token\":\"\\u00e4\"}",
        endless,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(bodies); i++) {
        const HrDoubleRoute routes[] = {WANTS_TOKENS,
                                        {.method = "GET",
                                         .path = "/token",
                                         .status = 200,
                                         .body = bodies[i],
                                         .body_size = strlen(bodies[i])},
                                        {0}};
        g_autofree char *text = NULL;
        Fixture f;

        set_up(&f, routes);
        g_test_message("%.60s", bodies[i]);
        g_assert_cmpint(failure(&f, HR_HTTP_GET, "/v2/", &text), ==,
                        HR_INVALID);
        g_assert_nonnull(strstr(text, "it is no token server"));
        g_assert_cmpuint(hr_double_begun(f.server, "GET", "/v2/"), ==, 1);
        tear_down(&f);
    }
}

/* However long a token is said to live, it is used, and not for ever. */
static void
test_lives(void)
{
    static const char *const lives[] = {
        "-1",    "0",        "1",    "9223372036854775807",
        "1e300", "\"soon\"", "null", "0.5"};

    for (unsigned i = 0; i < G_N_ELEMENTS(lives); i++) {
        g_autofree char *body = g_strdup_printf(
            "{\"token\":\"t0ken\",\"expires_in\":%s}", lives[i]);
        const HrDoubleRoute routes[] = {WANTS_TOKENS,
                                        {.method = "GET",
                                         .path = "/token",
                                         .status = 200,
                                         .body = body,
                                         .body_size = strlen(body)},
                                        {0}};
        Fixture f;

        set_up(&f, routes);
        g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/v2/"), ==, 200);
        g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==, 1);
        tear_down(&f);
    }
}

/* A token from a file goes into a header as it is. */
static void
test_bad_registry_token(void)
{
    g_autoptr(HrNet) net = hr_net_new(1, NULL);
    g_autoptr(HrSecret) secret = hr_secret_new("t0ken\r\nX-Other: b");
    const HrAccount account = {.registry_token = secret};
    HrEndpointSpec spec = make_spec("https://registry.example");
    g_autoptr(GError) error = NULL;

    spec.accounts = &account;
    spec.account_count = 1;
    g_assert_null(hr_endpoint_new(net, &spec, &error));
    g_assert_error(error, HR_ERROR, HR_CONFIG);
    g_assert_null(strstr(error->message, "t0ken"));
}

/* Tokens for ever more repositories take no more memory than for a thousand:
 * the first of them is asked for anew then. */
static void
test_many(void)
{
    const HrDoubleRoute wants[] = {WANTS_TOKENS};
    g_autofree HrDoubleRoute *routes = g_new0(HrDoubleRoute, 1100);
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    HrEndpointSpec spec = make_spec(NULL);
    unsigned count = 1030;
    Fixture f;

    memcpy(routes, wants, sizeof wants);
    routes[2] = (HrDoubleRoute){GIVES_TOKENS};
    for (unsigned i = 0; i < count; i++) {
        char *path = g_strdup_printf("/v2/r%u/tags/list", i);

        g_ptr_array_add(paths, path);
        routes[3 + i] =
            (HrDoubleRoute){.method = "GET", .path = path, .status = 200};
    }
    set_up_with(&f, routes, &spec);
    g_assert_cmpuint(status_of(&f, HR_HTTP_GET, "/v2/"), ==, 200);
    for (unsigned i = 0; i < count; i++)
        status_of(&f, HR_HTTP_GET, paths->pdata[i]);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==,
                     1 + count);
    status_of(&f, HR_HTTP_GET, paths->pdata[count - 1]);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==,
                     1 + count);
    status_of(&f, HR_HTTP_GET, paths->pdata[0]);
    g_assert_cmpuint(hr_double_begun(f.server, "GET", "/token"), ==,
                     2 + count);
    tear_down(&f);
    g_ptr_array_unref(paths);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/login/shows-who-asks", test_credentials);
    g_test_add_func("/login/gets-one-token-for-all-who-need-it", test_tokens);
    g_test_add_func("/login/asks-once-more-for-a-token-that-is-refused",
                    test_token_refused);
    g_test_add_func("/login/posts-for-tokens-where-that-is-the-way",
                    test_token_by_post);
    g_test_add_func("/login/tells-why-there-is-no-token", test_no_token);
    g_test_add_func("/login/forgets-what-is-given-up", test_given_up);
    g_test_add_func("/login/asks-nobody-twice-who-refused", test_refused_post);
    g_test_add_func("/login/strangers-renew-nothing",
                    test_stranger_renews_nothing);
    g_test_add_func("/login/a-token-that-ran-out-without-a-realm",
                    test_no_realm);
    g_test_add_func("/login/strange-answers-hold-no-token",
                    test_strange_answers);
    g_test_add_func("/login/lives-of-all-lengths", test_lives);
    g_test_add_func("/login/keeps-no-more-than-a-thousand-tokens", test_many);
    g_test_add_func("/login/a-saved-token-fits-a-header",
                    test_bad_registry_token);
    return g_test_run();
}
