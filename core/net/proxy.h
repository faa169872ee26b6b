/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Proxy: through which proxy a request goes, by the variables that everybody
 * knows: http_proxy, https_proxy, all_proxy and no_proxy, in small letters or
 * in capitals.  Read here and not by libcurl, since it must be known whether
 * it is the proxy that a connection leads to, or somebody that a server sent
 * us to.  Internal to core/net; pure, but for the environment.
 */
#ifndef HR_NET_PROXY_H
#define HR_NET_PROXY_H

#include <stdbool.h>

/* The proxy for an absolute URL, borrowed from the environment; NULL for
 * none. */
const char *
hr_proxy_of(const char *url);

/* True if `list`, as in no_proxy, names the host: "*", a domain with all that
 * is below it, an address, or a network ("10.0.0.0/8"). */
bool
hr_proxy_spares(const char *list, const char *host);

#endif
