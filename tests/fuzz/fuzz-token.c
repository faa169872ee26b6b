/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers of token servers: what is granted is one line of a header, for a
 * time that ends. */
#include "fuzz.h"

#include <string.h>

#include "net/token-request.h"

#define BEARER "Authorization: Bearer "
#define DAY_US (INT64_C(86400) * 1000000)

const char fuzz_noun[] = "token";

static void
check_header(const char *header)
{
    g_assert_true(g_str_has_prefix(header, BEARER));
    header += strlen(BEARER);
    g_assert_cmpstr(header, !=, "");
    for (; *header != '\0'; header++)
        g_assert_true(g_ascii_isgraph(*header));
}

static void
check_refusal(const HrResponse *response)
{
    g_autofree char *text = NULL;

    g_assert_cmpint(hr_token_refusal(response, true, &text), !=, HR_OK);
    g_assert_true(g_str_has_prefix(text, "HTTP "));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HrResponse response = {.status = 200, .limit_bytes = size};
    HrTokenGrant grant;

    if (size > 0)
        hr_response_take_body(&response, (const char *)data, size);
    if (hr_token_grant_read(&response, &grant)) {
        check_header(hr_secret_reveal(grant.header));
        g_assert_cmpint(grant.life_us, >, 0);
        g_assert_cmpint(grant.life_us, <=, DAY_US);
    } else {
        g_assert_null(grant.header);
    }
    if (grant.identity != NULL)
        g_assert_cmpstr(hr_secret_reveal(grant.identity), !=, "");
    hr_token_grant_clear(&grant);
    /* Any status may come with it. */
    response.status = size > 1 ? data[0] * 256u + data[1] : 0;
    check_refusal(&response);
    hr_response_clear(&response);
    return 0;
}
