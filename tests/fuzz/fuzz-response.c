/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Responses, one header line after the other as libcurl gives them, after an
 * empty one the body: all of it stays within its bounds. */
#include "fuzz.h"

#include <string.h>

#include "net/response.h"

#define BODY_LIMIT 64
#define HEADERS_LIMIT (64 * 1024 + 2)

const char fuzz_noun[] = "response";

static void
check_name(const HrResponse *response, const char *name)
{
    const char *value = hr_response_header(response, name);

    for (; value != NULL;
         value = hr_response_next_header(response, name, value)) {
        g_assert_true(value > response->headers->str);
        g_assert_true(value + strlen(value) <
                      response->headers->str + response->headers->len);
        g_assert_false(g_ascii_isspace(*value));
        g_assert_null(strchr(value, '\n'));
    }
}

static void
check_response(const HrResponse *response)
{
    g_autoptr(GPtrArray) challenges = hr_response_challenges(response);

    g_assert_nonnull(challenges);
    g_assert_cmpint(hr_response_retry_after_us(response), >=, 0);
    g_assert_cmpuint(response->status, <=, 9999);
    if (response->headers != NULL)
        g_assert_cmpuint(response->headers->len, <=, HEADERS_LIMIT);
    if (response->body != NULL)
        g_assert_cmpuint(response->body->len, <=, BODY_LIMIT);
    check_name(response, "Location");
    check_name(response, "Link");
    check_name(response, "Docker-Content-Digest");
    check_name(response, "");
}

/* The line with its line break, or what is left. */
static size_t
line_size(const char *at, size_t left)
{
    const char *end = memchr(at, '\n', left);

    return end != NULL ? (size_t)(end + 1 - at) : left;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HrResponse response = {.limit_bytes = BODY_LIMIT};
    const char *at = (const char *)data;
    bool fits = true;

    while (size > 0 && !response.headers_end && fits) {
        size_t length = line_size(at, size);
        /* On its own, so that reading behind it is noticed. */
        g_autofree char *line = g_memdup2(at, length);

        fits = hr_response_take_header(&response, line, length);
        at += length;
        size -= length;
    }
    while (size > 0 && fits) {
        size_t length = MIN(size, 24);

        fits = hr_response_take_body(&response, at, length);
        at += length;
        size -= length;
    }
    g_assert_cmpint(fits, ==, response.excess == HR_RESPONSE_FITS);
    check_response(&response);
    hr_response_reset(&response);
    check_response(&response);
    hr_response_clear(&response);
    return 0;
}
