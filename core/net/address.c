/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Address: what kind of network an address is in. */
#include "net/address.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

typedef struct Range4 {
    uint32_t base;
    unsigned bits;
    HrAddressKind kind;
} Range4;

typedef struct Range6 {
    uint8_t base[16];
    unsigned bits;
    HrAddressKind kind;
} Range6;

#define IP(a, b, c, d)                                                        \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

/* IANA's special-purpose registry, as far as nobody can be reached there from
 * elsewhere; before it, what clouds tell their machines' secrets at. */
static const Range4 ranges4[] = {
    {IP(100, 100, 100, 200), 32, HR_ADDRESS_FORBIDDEN},
    {IP(168, 63, 129, 16), 32, HR_ADDRESS_FORBIDDEN},
    {IP(0, 0, 0, 0), 8, HR_ADDRESS_FORBIDDEN},
    {IP(10, 0, 0, 0), 8, HR_ADDRESS_PRIVATE},
    {IP(100, 64, 0, 0), 10, HR_ADDRESS_PRIVATE},
    {IP(127, 0, 0, 0), 8, HR_ADDRESS_LOOPBACK},
    {IP(169, 254, 0, 0), 16, HR_ADDRESS_FORBIDDEN},
    {IP(172, 16, 0, 0), 12, HR_ADDRESS_PRIVATE},
    {IP(192, 0, 0, 0), 24, HR_ADDRESS_FORBIDDEN},
    {IP(192, 168, 0, 0), 16, HR_ADDRESS_PRIVATE},
    {IP(198, 18, 0, 0), 15, HR_ADDRESS_PRIVATE},
    {IP(224, 0, 0, 0), 3, HR_ADDRESS_FORBIDDEN},
};

static const Range6 ranges6[] = {
    /* ::1, before :: and what is left of the IPv4-compatible ones */
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
     128,
     HR_ADDRESS_LOOPBACK},
    {{0}, 96, HR_ADDRESS_FORBIDDEN},
    /* Those of clouds are among the private ones. */
    {{0xfd, 0x00, 0x0e, 0xc2}, 32, HR_ADDRESS_FORBIDDEN},
    {{0xfd, 0x20, 0x00, 0xce}, 32, HR_ADDRESS_FORBIDDEN},
    /* A network's own translation leads wherever the network likes. */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, HR_ADDRESS_FORBIDDEN},
    {{0xfc}, 7, HR_ADDRESS_PRIVATE},
    {{0xfe, 0x80}, 10, HR_ADDRESS_FORBIDDEN},
    {{0xfe, 0xc0}, 10, HR_ADDRESS_FORBIDDEN},
    {{0xff}, 8, HR_ADDRESS_FORBIDDEN},
    {{0x01}, 64, HR_ADDRESS_FORBIDDEN},
};

/* IPv6 prefixes that an IPv4 address follows. */
static const struct {
    uint8_t base[12];
    unsigned bytes;
} carriers[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 12}, /* mapped */
    {{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}, 12}, /* translated */
    {{0x00, 0x64, 0xff, 0x9b}, 12},                   /* NAT64  */
    {{0x20, 0x02}, 2},                                /* 6to4   */
};

static HrAddressKind
kind_of_4(uint32_t address)
{
    for (unsigned i = 0; i < sizeof ranges4 / sizeof *ranges4; i++) {
        uint32_t mask = ~(uint32_t)0 << (32 - ranges4[i].bits);

        if ((address & mask) == ranges4[i].base)
            return ranges4[i].kind;
    }
    return HR_ADDRESS_PUBLIC;
}

static bool
starts_with(const uint8_t *address, const uint8_t *base, unsigned bits)
{
    unsigned bytes = bits / 8;
    unsigned rest = bits % 8;
    uint8_t mask = (uint8_t)(0xff << (8 - rest));

    return memcmp(address, base, bytes) == 0 &&
           (rest == 0 || ((address[bytes] ^ base[bytes]) & mask) == 0);
}

static HrAddressKind
kind_of_6(const uint8_t *address)
{
    for (unsigned i = 0; i < sizeof carriers / sizeof *carriers; i++) {
        const uint8_t *inner = address + carriers[i].bytes;

        if (memcmp(address, carriers[i].base, carriers[i].bytes) == 0)
            return kind_of_4(IP(inner[0], inner[1], inner[2], inner[3]));
    }
    for (unsigned i = 0; i < sizeof ranges6 / sizeof *ranges6; i++)
        if (starts_with(address, ranges6[i].base, ranges6[i].bits))
            return ranges6[i].kind;
    return HR_ADDRESS_PUBLIC;
}

HrAddressKind
hr_address_kind(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in four;

        memcpy(&four, address, sizeof four);
        return kind_of_4(ntohl(four.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 six;

        memcpy(&six, address, sizeof six);
        return kind_of_6(six.sin6_addr.s6_addr);
    }
    return HR_ADDRESS_FORBIDDEN;
}

HrAddressKind
hr_address_kind_of_text(const char *text)
{
    struct in_addr four;
    struct in6_addr six;

    if (inet_pton(AF_INET, text, &four) == 1)
        return kind_of_4(ntohl(four.s_addr));
    if (inet_pton(AF_INET6, text, &six) == 1)
        return kind_of_6(six.s6_addr);
    return HR_ADDRESS_FORBIDDEN;
}

/* Without the port; NULL if what follows the host is none.  Caller frees. */
static char *
split_host(const char *authority)
{
    bool bracketed = *authority == '[';
    const char *host = authority + (bracketed ? 1 : 0);
    size_t length = strcspn(host, bracketed ? "]" : ":");
    const char *rest = host + length;

    if (bracketed && *rest++ != ']')
        return NULL;
    if (*rest != '\0' && *rest++ != ':')
        return NULL;
    if (rest[strspn(rest, "0123456789")] != '\0')
        return NULL;
    return g_strndup(host, length);
}

bool
hr_address_is_loopback(const char *authority)
{
    g_autofree char *host = split_host(authority);

    if (host == NULL)
        return false;
    /* Other names below it are up to a resolver. */
    if (g_ascii_strcasecmp(host, "localhost") == 0)
        return *authority != '[';
    /* Brackets are what tells the two families apart. */
    if ((*authority == '[') != (strchr(host, ':') != NULL))
        return false;
    return hr_address_kind_of_text(host) == HR_ADDRESS_LOOPBACK;
}

bool
hr_address_allowed(HrAddressKind own, HrAddressKind there)
{
    return there != HR_ADDRESS_FORBIDDEN && there <= own;
}
