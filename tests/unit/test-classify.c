/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classification: every code there is, by tables. */
#include "guard/classify.h"

#include <curl/curl.h>
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "net/failure.h"

typedef struct Expected {
    int first;
    int last;
    hr_status status;
    HrEligibility eligibility;
} Expected;

static const Expected *
find(const Expected *table, size_t count, int code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= table[i].first && code <= table[i].last)
            return &table[i];
    g_error("the table has no row for %d", code);
}

static void
check(const Expected *row, int code, HrClassification is)
{
    if (is.status != row->status || is.eligibility != row->eligibility)
        g_error("%d is %s, %s; should be %s, %s", code,
                hr_status_name(is.status), hr_eligibility_name(is.eligibility),
                hr_status_name(row->status),
                hr_eligibility_name(row->eligibility));
}

/* The first row that holds a code counts. */
static const Expected http[] = {
    {100, 399, HR_OK, HR_RETRY_NEVER},
    {401, 401, HR_AUTH_DENIED, HR_RETRY_NEVER},
    {403, 403, HR_AUTH_DENIED, HR_RETRY_NEVER},
    {404, 404, HR_NOT_FOUND, HR_RETRY_NEVER},
    {405, 406, HR_UNSUPPORTED, HR_RETRY_NEVER},
    {407, 407, HR_AUTH_DENIED, HR_RETRY_NEVER},
    {408, 408, HR_TIMEOUT, HR_RETRY_IF_IDEMPOTENT},
    {409, 409, HR_CONFLICT, HR_RETRY_REFETCH},
    {410, 410, HR_NOT_FOUND, HR_RETRY_NEVER},
    {412, 412, HR_PRECONDITION, HR_RETRY_NEVER},
    {415, 415, HR_UNSUPPORTED, HR_RETRY_NEVER},
    {416, 416, HR_CONFLICT, HR_RETRY_REFETCH},
    {423, 423, HR_CONFLICT, HR_RETRY_PARK},
    {425, 425, HR_TRANSIENT, HR_RETRY_IF_IDEMPOTENT},
    {429, 429, HR_THROTTLED, HR_RETRY_AFTER},
    {400, 499, HR_INVALID, HR_RETRY_NEVER},
    {501, 501, HR_UNSUPPORTED, HR_RETRY_NEVER},
    {503, 503, HR_OVERLOAD, HR_RETRY_IF_IDEMPOTENT},
    {504, 504, HR_TIMEOUT, HR_RETRY_IF_IDEMPOTENT},
    {505, 506, HR_UNSUPPORTED, HR_RETRY_NEVER},
    {507, 507, HR_QUOTA, HR_RETRY_PARK},
    {508, 508, HR_INVALID, HR_RETRY_NEVER},
    {510, 510, HR_UNSUPPORTED, HR_RETRY_NEVER},
    {511, 511, HR_NETWORK, HR_RETRY_PARK},
    {500, 599, HR_TRANSIENT, HR_RETRY_IF_IDEMPOTENT},
    {-1, 2000, HR_UNKNOWN, HR_RETRY_IF_IDEMPOTENT},
};

static void
test_http(void)
{
    for (int code = 0; code < 1000; code++)
        check(
            find(http, G_N_ELEMENTS(http), code), code,
            hr_classify_http((unsigned)code, NULL, false, false, NULL, NULL));
}

static void
test_headers(void)
{
    HrClassification is = hr_classify_http(503, NULL, true, false, NULL, NULL);

    g_assert_cmpint(is.status, ==, HR_OVERLOAD);
    g_assert_cmpint(is.eligibility, ==, HR_RETRY_AFTER);
    is = hr_classify_http(401, NULL, false, true, NULL, NULL);
    g_assert_cmpint(is.status, ==, HR_AUTH_EXPIRED);
    g_assert_cmpint(is.eligibility, ==, HR_RETRY_REAUTH);
}

static void
test_body_codes(void)
{
    HrClassification is =
        hr_classify_http(403, "toomanyrequests", false, false, NULL, NULL);

    g_assert_cmpint(is.status, ==, HR_THROTTLED);
    is = hr_classify_http(400, "DIGEST_INVALID", false, false, NULL, NULL);
    g_assert_cmpint(is.status, ==, HR_INTEGRITY);
    is = hr_classify_http(404, "NAME_UNKNOWN", false, false, NULL, NULL);
    g_assert_cmpint(is.status, ==, HR_NOT_FOUND);
    is = hr_classify_http(404, "MANIFEST_BLOB_UNKNOWN", false, false, NULL,
                          NULL);
    g_assert_cmpint(is.eligibility, ==, HR_RETRY_REFETCH);
    is = hr_classify_http(403, "DENIED", false, false, NULL, NULL);
    g_assert_cmpint(is.status, ==, HR_AUTH_DENIED);
    is = hr_classify_http(412, "DENIED", false, false, NULL, NULL);
    g_assert_cmpint(is.status, ==, HR_IMMUTABLE);
    is = hr_classify_http(200, "DENIED", false, false, NULL, NULL);
    g_assert_cmpint(is.status, ==, HR_OK);
}

/* No body, however odd, changes more than a table says. */
static void
test_any_code(void)
{
    guint32 seed = g_random_int();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

    g_test_message("seed %u", seed);
    for (int i = 0; i < 100000; i++) {
        char code[12] = "";
        unsigned status = (unsigned)g_rand_int_range(rand, 0, 700);
        HrClassification is;
        HrClassification plain;

        for (int j = 0; j < 10; j++)
            code[j] = (char)g_rand_int_range(rand, 1, 256);
        is = hr_classify_http(status, code, false, false, NULL, NULL);
        plain = hr_classify_http(status, NULL, false, false, NULL, NULL);
        g_assert_cmpint(is.status, ==, plain.status);
        g_assert_cmpint(is.eligibility, ==, plain.eligibility);
    }
}

static void
test_rules(void)
{
    static const HrErrorRule items[] = {
        {500, "QUOTA", HR_QUOTA, HR_RETRY_PARK},
        {500, NULL, HR_INVALID, HR_RETRY_NEVER},
        {0, "SLOW_DOWN", HR_THROTTLED, HR_RETRY_AFTER},
    };
    static const HrErrorRule hinted[] = {
        {502, NULL, HR_OK, HR_RETRY_NEVER},
        {500, NULL, HR_CONFLICT, HR_RETRY_NEVER},
    };
    const HrErrorRules rules = {items, G_N_ELEMENTS(items)};
    const HrErrorRules hints = {hinted, G_N_ELEMENTS(hinted)};

    /* The administrator's word goes before the plugin's. */
    g_assert_cmpint(
        hr_classify_http(500, NULL, false, false, &rules, &hints).status, ==,
        HR_INVALID);
    g_assert_cmpint(
        hr_classify_http(502, NULL, false, false, &rules, &hints).status, ==,
        HR_OK);

    g_assert_cmpint(
        hr_classify_http(500, "quota", false, false, &rules, NULL).status, ==,
        HR_QUOTA);
    g_assert_cmpint(
        hr_classify_http(500, NULL, false, false, &rules, NULL).status, ==,
        HR_INVALID);
    g_assert_cmpint(
        hr_classify_http(403, "SLOW_DOWN", true, false, &rules, NULL)
            .eligibility,
        ==, HR_RETRY_AFTER);
    g_assert_cmpint(
        hr_classify_http(502, NULL, false, false, &rules, NULL).status, ==,
        HR_TRANSIENT);
    g_assert_cmpint(
        hr_classify_http(204, "QUOTA", false, false, &rules, NULL).status, ==,
        HR_OK);
}

/* By number, so that a code that libcurl gives a new meaning is noticed. */
static const Expected curl[] = {
    {0, 0, HR_OK, HR_RETRY_NEVER},
    {1, 1, HR_INVALID, HR_RETRY_NEVER},
    {2, 2, HR_BUG, HR_RETRY_NEVER},
    {3, 3, HR_INVALID, HR_RETRY_NEVER},
    {4, 4, HR_BUG, HR_RETRY_NEVER},
    {5, 7, HR_NETWORK, HR_RETRY_ALWAYS},
    {8, 8, HR_INVALID, HR_RETRY_NEVER},
    {9, 9, HR_AUTH_DENIED, HR_RETRY_NEVER},
    {16, 16, HR_NETWORK, HR_RETRY_IF_IDEMPOTENT},
    {18, 18, HR_NETWORK, HR_RETRY_IF_IDEMPOTENT},
    {22, 22, HR_INVALID, HR_RETRY_NEVER},
    {23, 23, HR_LOCAL_RESOURCE, HR_RETRY_PARK},
    {25, 25, HR_NETWORK, HR_RETRY_IF_IDEMPOTENT},
    {26, 27, HR_LOCAL_RESOURCE, HR_RETRY_PARK},
    {28, 28, HR_TIMEOUT, HR_RETRY_IF_IDEMPOTENT},
    {33, 33, HR_INVALID, HR_RETRY_NEVER},
    {35, 35, HR_TLS, HR_RETRY_NEVER},
    {36, 36, HR_INVALID, HR_RETRY_NEVER},
    {37, 37, HR_NOT_FOUND, HR_RETRY_NEVER},
    {41, 41, HR_BUG, HR_RETRY_NEVER},
    {42, 42, HR_CANCELLED, HR_RETRY_NEVER},
    {43, 43, HR_BUG, HR_RETRY_NEVER},
    {45, 45, HR_NETWORK, HR_RETRY_IF_IDEMPOTENT},
    {47, 47, HR_INVALID, HR_RETRY_NEVER},
    {48, 49, HR_BUG, HR_RETRY_NEVER},
    {52, 52, HR_NETWORK, HR_RETRY_IF_IDEMPOTENT},
    {53, 54, HR_CONFIG, HR_RETRY_NEVER},
    {55, 56, HR_NETWORK, HR_RETRY_IF_IDEMPOTENT},
    {58, 60, HR_TLS, HR_RETRY_NEVER},
    {61, 61, HR_INVALID, HR_RETRY_NEVER},
    {63, 63, HR_INVALID, HR_RETRY_NEVER},
    {64, 64, HR_TLS, HR_RETRY_NEVER},
    {65, 65, HR_NETWORK, HR_RETRY_IF_IDEMPOTENT},
    {66, 66, HR_CONFIG, HR_RETRY_NEVER},
    {67, 67, HR_AUTH_DENIED, HR_RETRY_NEVER},
    {70, 70, HR_QUOTA, HR_RETRY_PARK},
    {77, 77, HR_CONFIG, HR_RETRY_NEVER},
    {78, 78, HR_NOT_FOUND, HR_RETRY_NEVER},
    {80, 81, HR_NETWORK, HR_RETRY_IF_IDEMPOTENT},
    {82, 83, HR_TLS, HR_RETRY_NEVER},
    {88, 88, HR_INVALID, HR_RETRY_NEVER},
    {89, 89, HR_NETWORK, HR_RETRY_ALWAYS},
    {90, 91, HR_TLS, HR_RETRY_NEVER},
    {92, 92, HR_NETWORK, HR_RETRY_IF_IDEMPOTENT},
    {94, 94, HR_AUTH_DENIED, HR_RETRY_NEVER},
    {0, 200, HR_UNKNOWN, HR_RETRY_IF_IDEMPOTENT},
};

static void
test_curl(void)
{
    for (int code = 0; code <= 120; code++) {
        HrFailure failure = {
            .code = (CURLcode)code, .host = "h", .detail = "", .connected = 1};

        check(find(curl, G_N_ELEMENTS(curl), code), code,
              hr_failure_classify(&failure));
    }
}

static void
test_curl_circumstances(void)
{
    HrFailure failure = {.host = "h", .detail = ""};
    HrClassification is;

    failure.code = CURLE_OPERATION_TIMEDOUT;
    is = hr_failure_classify(&failure);
    g_assert_cmpint(is.eligibility, ==, HR_RETRY_ALWAYS);
    failure.code = CURLE_SSL_CONNECT_ERROR;
    failure.os_error = ECONNRESET;
    is = hr_failure_classify(&failure);
    g_assert_cmpint(is.status, ==, HR_NETWORK);
}

static void
test_errno(void)
{
    static const Expected known[] = {
        {0, 0, HR_OK, HR_RETRY_NEVER},
        {EINTR, EINTR, HR_TRANSIENT, HR_RETRY_IF_IDEMPOTENT},
        {EAGAIN, EAGAIN, HR_TRANSIENT, HR_RETRY_IF_IDEMPOTENT},
        {EBUSY, EBUSY, HR_TRANSIENT, HR_RETRY_IF_IDEMPOTENT},
        {ENOSPC, ENOSPC, HR_LOCAL_RESOURCE, HR_RETRY_PARK},
        {EMFILE, EMFILE, HR_LOCAL_RESOURCE, HR_RETRY_PARK},
        {ENFILE, ENFILE, HR_LOCAL_RESOURCE, HR_RETRY_PARK},
        {ENOMEM, ENOMEM, HR_LOCAL_RESOURCE, HR_RETRY_PARK},
        {EIO, EIO, HR_LOCAL_RESOURCE, HR_RETRY_PARK},
        {EACCES, EACCES, HR_AUTH_DENIED, HR_RETRY_NEVER},
        {EROFS, EROFS, HR_AUTH_DENIED, HR_RETRY_NEVER},
        {ENOENT, ENOENT, HR_NOT_FOUND, HR_RETRY_NEVER},
        {ECONNREFUSED, ECONNREFUSED, HR_NETWORK, HR_RETRY_ALWAYS},
        {EHOSTUNREACH, EHOSTUNREACH, HR_NETWORK, HR_RETRY_ALWAYS},
        {ECONNRESET, ECONNRESET, HR_NETWORK, HR_RETRY_IF_IDEMPOTENT},
        {EPIPE, EPIPE, HR_NETWORK, HR_RETRY_IF_IDEMPOTENT},
        {ETIMEDOUT, ETIMEDOUT, HR_TIMEOUT, HR_RETRY_IF_IDEMPOTENT},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        check(&known[i], known[i].first, hr_classify_errno(known[i].first));
    /* All others: nothing that tries again without limits. */
    for (int number = 1; number < 200; number++)
        g_assert_cmpint(hr_classify_errno(number).status, !=, HR_OK);
}

static void
test_sqlite(void)
{
    static const Expected primary[] = {
        {0, 0, HR_OK, HR_RETRY_NEVER},
        {3, 3, HR_AUTH_DENIED, HR_RETRY_NEVER},
        {5, 6, HR_LOCAL_RESOURCE, HR_RETRY_ALWAYS},
        {7, 7, HR_LOCAL_RESOURCE, HR_RETRY_PARK},
        {8, 8, HR_AUTH_DENIED, HR_RETRY_NEVER},
        {9, 9, HR_CANCELLED, HR_RETRY_NEVER},
        {10, 10, HR_LOCAL_RESOURCE, HR_RETRY_PARK},
        {11, 11, HR_INTEGRITY, HR_RETRY_NEVER},
        {12, 12, HR_NOT_FOUND, HR_RETRY_NEVER},
        {13, 13, HR_LOCAL_RESOURCE, HR_RETRY_PARK},
        {14, 14, HR_AUTH_DENIED, HR_RETRY_NEVER},
        {15, 15, HR_LOCAL_RESOURCE, HR_RETRY_ALWAYS},
        {17, 17, HR_LOCAL_RESOURCE, HR_RETRY_ALWAYS},
        {18, 18, HR_INVALID, HR_RETRY_NEVER},
        {19, 19, HR_CONFLICT, HR_RETRY_NEVER},
        {20, 20, HR_INVALID, HR_RETRY_NEVER},
        {21, 21, HR_BUG, HR_RETRY_NEVER},
        {23, 23, HR_AUTH_DENIED, HR_RETRY_NEVER},
        {25, 25, HR_BUG, HR_RETRY_NEVER},
        {26, 26, HR_INTEGRITY, HR_RETRY_NEVER},
        {100, 101, HR_OK, HR_RETRY_NEVER},
        {0, 255, HR_UNKNOWN, HR_RETRY_NEVER},
    };

    for (int code = 0; code < 256; code++)
        check(find(primary, G_N_ELEMENTS(primary), code), code,
              hr_classify_sqlite(code));
    /* SQLITE_BUSY_SNAPSHOT: only a new transaction helps. */
    g_assert_cmpint(hr_classify_sqlite(5 | (2 << 8)).eligibility, ==,
                    HR_RETRY_REFETCH);
    /* SQLITE_IOERR_FSYNC is an I/O error like others. */
    g_assert_cmpint(hr_classify_sqlite(10 | (4 << 8)).eligibility, ==,
                    HR_RETRY_PARK);
}

static void
test_names(void)
{
    g_assert_cmpint(hr_category_from_name("quota"), ==, HR_QUOTA);
    g_assert_cmpint(hr_category_from_name("ok"), ==, HR_OK);
    g_assert_cmpint(hr_category_from_name("Quota"), ==, -1);
    g_assert_cmpint(hr_eligibility_from_name("park"), ==, HR_RETRY_PARK);
    g_assert_cmpint(hr_eligibility_from_name(""), ==, -1);
    for (hr_status status = HR_OK; status <= HR_CONFIG; status++)
        g_assert_cmpint(hr_category_from_name(hr_status_name(status)), ==,
                        status);
    for (int i = 0; i < HR_ELIGIBILITY_COUNT; i++)
        g_assert_cmpint(
            hr_eligibility_from_name(hr_eligibility_name((HrEligibility)i)),
            ==, i);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/classify/knows-every-http-status", test_http);
    g_test_add_func("/classify/looks-at-headers-where-they-matter",
                    test_headers);
    g_test_add_func("/classify/knows-the-registries-own-codes",
                    test_body_codes);
    g_test_add_func("/classify/takes-no-other-code-for-one", test_any_code);
    g_test_add_func("/classify/asks-the-rules-of-the-configuration-first",
                    test_rules);
    g_test_add_func("/classify/knows-every-code-of-libcurl", test_curl);
    g_test_add_func("/classify/looks-at-how-far-a-connection-came",
                    test_curl_circumstances);
    g_test_add_func("/classify/knows-errno", test_errno);
    g_test_add_func("/classify/knows-sqlite", test_sqlite);
    g_test_add_func("/classify/has-a-word-for-everything", test_names);
    return g_test_run();
}
