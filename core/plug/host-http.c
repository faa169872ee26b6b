/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host service http: exchanges, with errors put on the call. */
#include <stddef.h>

#include "net/net.h"
#include "plug/module.h"
#include "work/call.h"

static hr_status
send_request(hr_module *module, hr_endpoint *endpoint, hr_call *call,
             const hr_http_request *request, hr_http_exchange **exchange)
{
    GError *error = NULL;

    if (endpoint == NULL || call == NULL || request == NULL ||
        exchange == NULL || request->struct_size < HR_REQUEST_SIZE_MIN)
        return hr_host_misused(module, "http.send without endpoint, call or "
                                       "complete request");
    *exchange = hr_exchange_send(endpoint, call, request, &error);
    return *exchange != NULL ? HR_OK : hr_call_fail_error(call, error);
}

static hr_status
wait_exchange(hr_module *module, hr_http_exchange *exchange)
{
    GError *error = NULL;

    if (exchange == NULL)
        return hr_host_misused(module, "http.wait without exchange");
    if (hr_exchange_wait(exchange, &error))
        return HR_OK;
    return hr_call_fail_error(hr_exchange_call(exchange), error);
}

static uint32_t
exchange_status(hr_module *module, const hr_http_exchange *exchange)
{
    (void)module;
    return exchange != NULL ? hr_exchange_status(exchange) : 0;
}

static const char *
exchange_header(hr_module *module, const hr_http_exchange *exchange,
                const char *name)
{
    (void)module;
    return exchange != NULL && name != NULL
               ? hr_exchange_header(exchange, name)
               : NULL;
}

static const char *
exchange_body(hr_module *module, const hr_http_exchange *exchange,
              uint64_t *size_bytes)
{
    size_t size = 0;
    const char *body = "";

    if (exchange != NULL)
        body = hr_exchange_body(exchange, &size);
    else
        hr_host_misused(module, "http.body without exchange");
    if (size_bytes != NULL)
        *size_bytes = size;
    return body;
}

static hr_status
fail_exchange(hr_module *module, const hr_http_exchange *exchange,
              const char *what)
{
    GError *error = NULL;

    if (exchange == NULL || what == NULL)
        return hr_host_misused(module, "http.fail without exchange or what");
    hr_exchange_set_error(exchange, what, &error);
    return hr_call_fail_error(hr_exchange_call(exchange), error);
}

static void
free_exchange(hr_module *module, hr_http_exchange *exchange)
{
    (void)module;
    hr_exchange_free(exchange);
}

const hr_host_http hr_host_http_table = {
    .struct_size = sizeof hr_host_http_table,
    .send = send_request,
    .wait = wait_exchange,
    .status = exchange_status,
    .header = exchange_header,
    .body = exchange_body,
    .fail = fail_exchange,
    .free = free_exchange,
};
