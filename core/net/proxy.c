/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Proxy: through which proxy a request goes. */
#include "net/proxy.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <glib.h>
#include <stdint.h>
#include <string.h>

/* An address as bytes. */
typedef struct Numeric {
    uint8_t bytes[sizeof(struct in6_addr)];
    unsigned bits; /* all that it has: 32 or 128 */
} Numeric;

static bool
read_numeric(const char *text, Numeric *numeric)
{
    if (inet_pton(AF_INET, text, numeric->bytes) == 1)
        numeric->bits = 32;
    else if (inet_pton(AF_INET6, text, numeric->bytes) == 1)
        numeric->bits = 128;
    else
        return false;
    return true;
}

static bool
shares_bits(const Numeric *one, const Numeric *other, unsigned bits)
{
    unsigned bytes = bits / 8;
    unsigned rest = bits % 8;
    unsigned mask = 0xffu << (8 - rest);

    return memcmp(one->bytes, other->bytes, bytes) == 0 &&
           (rest == 0 ||
            ((one->bytes[bytes] ^ other->bytes[bytes]) & mask) == 0);
}

/* Without the brackets of an IPv6 address and the dots around a name. */
static char *
trim(const char *text)
{
    size_t size;

    text += strspn(text, "[.");
    size = strlen(text);
    while (size > 0 && strchr("].", text[size - 1]) != NULL)
        size--;
    return g_strndup(text, size);
}

static bool
names_network(const char *item, const Numeric *host)
{
    g_auto(GStrv) parts = g_strsplit(item, "/", 2);
    g_autofree char *address = trim(parts[0]);
    guint64 bits = host->bits;
    Numeric network;

    if (!read_numeric(address, &network) || network.bits != host->bits)
        return false;
    if (parts[1] != NULL &&
        !g_ascii_string_to_unsigned(parts[1], 10, 0, host->bits, &bits, NULL))
        return false;
    return shares_bits(&network, host, (unsigned)bits);
}

static bool
names_domain(const char *item, const char *host)
{
    g_autofree char *domain = trim(item);
    size_t longer = strlen(host) - MIN(strlen(domain), strlen(host));

    return *domain != '\0' && g_ascii_strcasecmp(host + longer, domain) == 0 &&
           (longer == 0 || host[longer - 1] == '.');
}

bool
hr_proxy_spares(const char *list, const char *host)
{
    g_auto(GStrv) items = g_strsplit_set(list, ", \t", -1);
    g_autofree char *name = trim(host);
    Numeric numeric;
    bool is_numeric = read_numeric(name, &numeric);

    for (char **item = items; *item != NULL; item++)
        if (**item != '\0' && (strcmp(*item, "*") == 0 ||
                               (is_numeric ? names_network(*item, &numeric)
                                           : names_domain(*item, name))))
            return true;
    return false;
}

/* The first that is set and not empty; `names` ends in NULL. */
static const char *
variable(const char *const *names)
{
    for (; *names != NULL; names++) {
        const char *value = g_getenv(*names);

        if (value != NULL && *value != '\0')
            return value;
    }
    return NULL;
}

const char *
hr_proxy_of(const char *url)
{
    static const char *const http[] = {"http_proxy", "HTTP_PROXY", "all_proxy",
                                       "ALL_PROXY", NULL};
    static const char *const https[] = {"https_proxy", "HTTPS_PROXY",
                                        "all_proxy", "ALL_PROXY", NULL};
    static const char *const spared[] = {"no_proxy", "NO_PROXY", NULL};
    bool secure = g_ascii_strncasecmp(url, "https:", strlen("https:")) == 0;
    const char *proxy = variable(secure ? https : http);
    const char *list = variable(spared);
    CURLU *parsed;
    char *host = NULL;

    if (proxy == NULL || list == NULL)
        return proxy;
    parsed = curl_url();
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        hr_proxy_spares(list, host))
        proxy = NULL;
    curl_free(host);
    curl_url_cleanup(parsed);
    return proxy;
}
