/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Address: what kind of network an address is in, looked at when a socket is
 * opened, since only then it is known where a name leads.  A registry may send
 * us to addresses of its own kind or of a more public one, and to none that is
 * of this machine or link alone.  Pure.
 */
#ifndef HR_NET_ADDRESS_H
#define HR_NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* From public to ever closer. */
typedef enum HrAddressKind {
    HR_ADDRESS_PUBLIC,
    HR_ADDRESS_PRIVATE,  /* RFC 1918, RFC 6598, RFC 4193             */
    HR_ADDRESS_LOOPBACK, /* this machine                             */
    HR_ADDRESS_FORBIDDEN /* link-local (cloud metadata), unspecified,
                            multicast, reserved                      */
} HrAddressKind;

/* IPv4 addresses within IPv6 ones (mapped, NAT64, 6to4) are taken for what
 * they are. */
HrAddressKind
hr_address_kind(const struct sockaddr *address);

/* The same of an address in writing, without brackets; FORBIDDEN if it is
 * none. */
HrAddressKind
hr_address_kind_of_text(const char *text);

/* Is "HOST[:PORT]" this machine, whatever a resolver says?  Only "localhost"
 * itself and addresses in full are. */
bool
hr_address_is_loopback(const char *authority);

/* May somebody whose own addresses are of kind `own` send us there? */
bool
hr_address_allowed(HrAddressKind own, HrAddressKind there);

#endif
