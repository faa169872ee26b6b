/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a token server's answer holds. */
#include "net/token-request.h"

#include <string.h>

#include "base/error.h"

#define SECOND_US INT64_C(1000000)

static bool
read_grant(const char *text, HrTokenGrant *grant)
{
    HrResponse response = {.status = 200, .body = g_string_new(text)};
    bool good = hr_token_grant_read(&response, grant);

    hr_response_clear(&response);
    return good;
}

static void
test_lives(void)
{
    static const struct {
        const char *life;
        int64_t used_s;
    } cases[] = {
        {"1", 1},
        {"9", 9},
        {"10", 9},
        {"100", 90},
        {"300", 270},
        {"3600", 3570},
        {"0", 54},
        {"-300", 54},
        {"null", 54},
        {"\"300\"", 54},
        {"300.0", 54},
        {"1e300", 54},
        {"86400", 86370},
        {"999999999999999999", 86370},
        {"9223372036854775807", 86370},
        {"-9223372036854775808", 54},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf(
            "{\"access_token\":\"t\",\"expires_in\":%s}", cases[i].life);
        HrTokenGrant grant;

        g_test_message("%s", cases[i].life);
        g_assert_true(read_grant(text, &grant));
        g_assert_cmpint(grant.life_us, ==, cases[i].used_s * SECOND_US);
        hr_token_grant_clear(&grant);
    }
}

static void
test_words(void)
{
    HrTokenGrant grant;

    g_assert_true(read_grant("{\"token\":\"a\",\"access_token\":\"b\","
                             "\"refresh_token\":\"c\"}",
                             &grant));
    g_assert_cmpstr(hr_secret_reveal(grant.header), ==,
                    "Authorization: Bearer a");
    g_assert_cmpstr(hr_secret_reveal(grant.identity), ==, "c");
    hr_token_grant_clear(&grant);
    g_assert_true(read_grant("{\"token\":\"\",\"access_token\":\"b\","
                             "\"refresh_token\":\"\"}",
                             &grant));
    g_assert_cmpstr(hr_secret_reveal(grant.header), ==,
                    "Authorization: Bearer b");
    g_assert_null(grant.identity);
    hr_token_grant_clear(&grant);
    /* Without a token the rest is nothing. */
    g_assert_false(read_grant("{\"refresh_token\":\"c\"}", &grant));
    g_assert_null(grant.header);
    g_assert_null(grant.identity);
}

static void
test_refusals(void)
{
    static const struct {
        unsigned status;
        hr_status stands_for;
    } cases[] = {
        {204, HR_INVALID},     {302, HR_INVALID},     {400, HR_AUTH_DENIED},
        {401, HR_AUTH_DENIED}, {403, HR_AUTH_DENIED}, {404, HR_AUTH_DENIED},
        {429, HR_THROTTLED},   {500, HR_TRANSIENT},   {503, HR_OVERLOAD},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
        for (int named = 0; named <= 1; named++) {
            HrResponse response = {.status = cases[i].status};
            g_autofree char *text = NULL;
            bool told = cases[i].status == 401 || cases[i].status == 403;

            g_assert_cmpint(hr_token_refusal(&response, named != 0, &text), ==,
                            cases[i].stands_for);
            g_assert_cmpint(strstr(text, "refused") != NULL, ==,
                            told && named != 0);
            g_assert_cmpint(strstr(text, "needed") != NULL, ==,
                            told && named == 0);
        }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/token-request/lives", test_lives);
    g_test_add_func("/token-request/words-of-servers", test_words);
    g_test_add_func("/token-request/refusals", test_refusals);
    return g_test_run();
}
