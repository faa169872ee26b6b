/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Response: status, headers and body, bounded. */
#include "net/response.h"

#include <string.h>

#include "base/clock.h"
#include "guard/retry-after.h"
#include "net/challenge.h"

#define HEADER_BYTES_LIMIT (64 * 1024)
#define HEADER_COUNT_LIMIT 256

/* A server that wants us away for longer is not waited for. */
#define RETRY_AFTER_LIMIT_S 3600

void
hr_response_reset(HrResponse *response)
{
    response->status = 0;
    response->headers_end = false;
    response->excess = HR_RESPONSE_FITS;
    response->header_count = 0;
    if (response->headers != NULL)
        g_string_truncate(response->headers, 0);
    if (response->body != NULL)
        g_string_truncate(response->body, 0);
}

void
hr_response_clear(HrResponse *response)
{
    if (response->headers != NULL)
        g_string_free(response->headers, true);
    if (response->body != NULL)
        g_string_free(response->body, true);
    response->headers = NULL;
    response->body = NULL;
}

/* "HTTP/1.1 200 OK": a new response starts, also after an interim one. */
static void
take_status_line(HrResponse *response, const char *line, size_t size)
{
    const char *space = memchr(line, ' ', size);

    hr_response_reset(response);
    if (space == NULL)
        return;
    for (const char *c = space + 1; c < line + size && g_ascii_isdigit(*c);
         c++)
        if (response->status < 1000)
            response->status = response->status * 10 + (unsigned)(*c - '0');
}

static void
append_header(GString *headers, const char *line, const char *colon,
              size_t size)
{
    const char *value = colon + 1;
    const char *end = line + size;

    while (value < end && g_ascii_isspace(*value))
        value++;
    while (end > value && g_ascii_isspace(end[-1]))
        end--;
    g_string_append_len(headers, line, colon - line);
    g_string_append_c(headers, '\0');
    g_string_append_len(headers, value, end - value);
    g_string_append_c(headers, '\0');
}

bool
hr_response_take_header(HrResponse *response, const char *line, size_t size)
{
    const char *colon;

    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        take_status_line(response, line, size);
        return true;
    }
    if (size <= 2 && (size == 0 || line[0] == '\r' || line[0] == '\n')) {
        response->headers_end = response->status >= 200;
        return true;
    }
    colon = memchr(line, ':', size);
    /* libcurl refuses zeros in headers; they would spoil our bookkeeping. */
    if (colon == NULL || memchr(line, '\0', size) != NULL)
        return true;
    if (response->headers == NULL)
        response->headers = g_string_sized_new(512);
    if (++response->header_count > HEADER_COUNT_LIMIT ||
        response->headers->len + size > HEADER_BYTES_LIMIT) {
        response->excess = HR_RESPONSE_HEADERS;
        return false;
    }
    append_header(response->headers, line, colon, size);
    if (g_ascii_strncasecmp(line, "ratelimit", 9) == 0 ||
        g_ascii_strncasecmp(line, "x-ratelimit", 11) == 0)
        response->rate_hints = true;
    return true;
}

bool
hr_response_take_body(HrResponse *response, const char *data, size_t size)
{
    if (response->body == NULL)
        response->body = g_string_sized_new(MAX(size, 256));
    if (size > response->limit_bytes ||
        response->body->len > response->limit_bytes - size) {
        response->excess = HR_RESPONSE_BODY;
        return false;
    }
    g_string_append_len(response->body, data, (gssize)size);
    return true;
}

size_t
hr_response_header_cb(char *line, size_t size, size_t count, void *data)
{
    size_t bytes = size * count;

    return hr_response_take_header(data, line, bytes) ? bytes : 0;
}

size_t
hr_response_body_cb(char *bytes, size_t size, size_t count, void *data)
{
    size_t length = size * count;

    return hr_response_take_body(data, bytes, length) ? length : 0;
}

static const char *
find_from(const GString *headers, const char *cursor, const char *name)
{
    const char *end = headers->str + headers->len;

    while (cursor < end) {
        const char *value = cursor + strlen(cursor) + 1;

        if (g_ascii_strcasecmp(cursor, name) == 0)
            return value;
        cursor = value + strlen(value) + 1;
    }
    return NULL;
}

const char *
hr_response_header(const HrResponse *response, const char *name)
{
    if (response->headers == NULL)
        return NULL;
    return find_from(response->headers, response->headers->str, name);
}

const char *
hr_response_next_header(const HrResponse *response, const char *name,
                        const char *previous)
{
    return find_from(response->headers, previous + strlen(previous) + 1, name);
}

int64_t
hr_response_retry_after_us(const HrResponse *response)
{
    const char *value = hr_response_header(response, "Retry-After");
    const char *date = hr_response_header(response, "Date");
    int64_t now = hr_clock_wall_us() / G_USEC_PER_SEC;
    int64_t wait_us;

    if (value == NULL || !hr_retry_after_parse(value, date, now, &wait_us))
        return 0;
    return wait_us;
}

GPtrArray *
hr_response_challenges(const HrResponse *response)
{
    const char *name = "WWW-Authenticate";
    g_autoptr(GPtrArray) values = g_ptr_array_new();
    const char *value = hr_response_header(response, name);

    for (; value != NULL;
         value = hr_response_next_header(response, name, value))
        g_ptr_array_add(values, (char *)value);
    return hr_challenges_parse((const char *const *)values->pdata,
                               values->len);
}
