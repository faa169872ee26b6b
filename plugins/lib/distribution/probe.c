/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the registry is there and takes the credentials. */
#include "distribution.h"

static hr_status
read_probe(hr_call *call, const hr_http_exchange *exchange)
{
    uint32_t code = dist_host->http->status(dist_module, exchange);

    if (code == 200)
        return HR_OK;
    if (code < 400 || code == 404)
        return dist_fail(call, HR_UNSUPPORTED,
                         "/v2/ answers HTTP %u, which does not look like a "
                         "registry: check the url",
                         code);
    return dist_refused(call, exchange, "log in");
}

hr_status
dist_probe(hr_registry *registry, hr_call *call)
{
    hr_http_request request = {
        .struct_size = sizeof request,
        .method = HR_HTTP_GET,
        .target = "/v2/",
    };
    hr_http_exchange *exchange = NULL;
    hr_status status = dist_ask(registry, call, &request, &exchange);

    if (status != HR_OK)
        return dist_explain(call, status, "log in");
    status = read_probe(call, exchange);
    dist_host->http->free(dist_module, exchange);
    return status;
}
