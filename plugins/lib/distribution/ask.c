/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking: requests, and the words for what becomes of them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "distribution.h"

const hr_host *dist_host;
hr_module *dist_module;

void
dist_init(const hr_host *host, hr_module *module)
{
    dist_host = host;
    dist_module = module;
}

const char *const dist_accept[] = {DIST_ACCEPT, NULL};

__attribute__((format(printf, 1, 0))) static char *
format_list(const char *format, va_list arguments)
{
    va_list again;
    int length;
    char *text;

    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    text = malloc((size_t)length + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

char *
dist_format(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = format_list(format, arguments);
    va_end(arguments);
    return text;
}

hr_status
dist_fail(hr_call *call, hr_status status, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = format_list(format, arguments);
    va_end(arguments);
    status = dist_host->call->fail(dist_module, call, status,
                                   text != NULL ? text : "out of memory");
    free(text);
    return status;
}

hr_status
dist_explain(hr_call *call, hr_status status, const char *format, ...)
{
    va_list arguments;
    char *what;

    va_start(arguments, format);
    what = format_list(format, arguments);
    va_end(arguments);
    status = dist_fail(call, status, "%s: %s", what != NULL ? what : "",
                       dist_host->call->reason(dist_module, call));
    free(what);
    return status;
}

hr_status
dist_refused(hr_call *call, const hr_http_exchange *exchange,
             const char *format, ...)
{
    va_list arguments;
    char *what;
    hr_status status;

    va_start(arguments, format);
    what = format_list(format, arguments);
    va_end(arguments);
    if (what == NULL)
        return dist_fail(call, HR_LOCAL_RESOURCE, "out of memory");
    status = dist_host->http->fail(dist_module, exchange, what);
    free(what);
    return status;
}

void
dist_take_reason(hr_call *call, char message[HR_MESSAGE_CAPACITY])
{
    snprintf(message, HR_MESSAGE_CAPACITY, "%s",
             dist_host->call->reason(dist_module, call));
    dist_host->call->forgive(dist_module, call);
}

int
dist_content_length(const hr_http_exchange *exchange, uint64_t *length)
{
    const char *text =
        dist_host->http->header(dist_module, exchange, "Content-Length");
    char *end;

    if (text == NULL || *text < '0' || *text > '9')
        return 0;
    errno = 0;
    *length = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

hr_status
dist_send(hr_registry *registry, hr_call *call, uint32_t method,
          const char *target, const char *const *headers,
          hr_http_exchange **exchange)
{
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = method,
        .target = target,
        .headers = headers,
    };

    return dist_host->http->send(dist_module, dist_of(registry)->endpoint,
                                 call, &request, exchange);
}

hr_status
dist_ask(hr_registry *registry, hr_call *call, const hr_http_request *request,
         hr_http_exchange **exchange)
{
    hr_status status = dist_host->http->send(
        dist_module, dist_of(registry)->endpoint, call, request, exchange);

    if (status != HR_OK)
        return status;
    status = dist_host->http->wait(dist_module, *exchange);
    if (status != HR_OK) {
        dist_host->http->free(dist_module, *exchange);
        *exchange = NULL;
    }
    return status;
}
