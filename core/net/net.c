/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Net: the loops. */
#include "net/net.h"

#include <curl/curl.h>
#include <pthread.h>

#include "base/error.h"
#include "net/endpoint.h"
#include "net/loop.h"

struct HrNet {
    unsigned loop_count;
    HrLoop **loops;
    HrLine *transfer_lines; /* one a loop, and touched only there */
    HrRate bytes;           /* of all loops */
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_state;

/* Never cleaned up: libcurl may be initialised only while there is no other
 * thread, so once has to be enough for the process. */
static void
start_curl(void)
{
    curl_state = curl_global_init(CURL_GLOBAL_ALL);
}

HrNet *
hr_net_new(unsigned loops, GError **error)
{
    g_autoptr(HrNet) net = g_new0(HrNet, 1);

    pthread_once(&curl_once, start_curl);
    if (curl_state != CURLE_OK) {
        hr_error_set(error, HR_LOCAL_RESOURCE, "libcurl does not start: %s",
                     curl_easy_strerror(curl_state));
        return NULL;
    }
    hr_rate_init(&net->bytes, 0, 1);
    loops = MAX(loops, 1);
    net->loops = g_new0(HrLoop *, loops);
    net->transfer_lines = g_new0(HrLine, loops);
    while (net->loop_count < loops) {
        HrLoop *loop = hr_loop_new(net->loop_count, error);

        if (loop == NULL)
            return NULL;
        net->loops[net->loop_count++] = loop;
    }
    return g_steal_pointer(&net);
}

void
hr_net_free(HrNet *net)
{
    if (net == NULL)
        return;
    for (unsigned i = 0; i < net->loop_count; i++)
        hr_loop_free(net->loops[i]);
    g_free(net->loops);
    g_free(net->transfer_lines);
    g_free(net);
}

void
hr_net_limit_bytes(HrNet *net, double per_s)
{
    hr_rate_init(&net->bytes, per_s, MAX(per_s, 1));
}

HrRate *
hr_net_bytes(HrNet *net)
{
    return &net->bytes;
}

const char *
hr_net_library_version(void)
{
    return curl_version();
}

HrLoop *
hr_net_loop(HrNet *net, unsigned affinity)
{
    return net->loops[affinity % net->loop_count];
}

HrLine *
hr_net_transfer_line(HrNet *net, unsigned affinity)
{
    return &net->transfer_lines[affinity % net->loop_count];
}
