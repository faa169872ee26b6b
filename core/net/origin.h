/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Origin check: may an address that a server gave us be used?  One function
 * for Location, Link and redirects; pure, so that it can be tested alone.
 */
#ifndef HR_NET_ORIGIN_H
#define HR_NET_ORIGIN_H

#include <glib.h>
#include <stdbool.h>

typedef enum HrOriginPurpose {
    HR_ORIGIN_UPLOAD,  /* Location of an upload: same origin only        */
    HR_ORIGIN_LINK,    /* next page: same origin only                    */
    HR_ORIGIN_REDIRECT /* blob GET: another host is allowed, but gets no
                           credentials; never from https to http          */
} HrOriginPurpose;

/* Resolves `given` (absolute, or relative to the absolute `base`) and checks
 * it against the origin of `base`.  Returns the absolute URL (caller frees)
 * and in *same_origin (may be NULL) whether credentials may go along; NULL
 * and HR_INVALID if it is malformed, carries user info, is not http(s), goes
 * from https to http, or leaves the origin where it must not. */
char *
hr_origin_check(const char *base, const char *given, HrOriginPurpose purpose,
                bool *same_origin, GError **error);

/* Where tokens come from: absolute, on any host, never from https to http.
 * *trusted says whether credentials may go there: if it is the host of `base`,
 * whatever the port, or one of `token_hosts` ("host" or "host:port", ends in
 * NULL; or NULL). */
char *
hr_origin_check_realm(const char *base, const char *realm,
                      const char *const *token_hosts, bool *trusted,
                      GError **error);

#endif
