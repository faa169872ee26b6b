/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scope: what a token is asked for: "repository:library/nginx:pull,push".
 * Internal to core/net; pure.
 */
#ifndef HR_NET_SCOPE_H
#define HR_NET_SCOPE_H

#include <glib.h>
#include <stdbool.h>

enum {
    HR_SCOPE_PULL = 1u << 0,
    HR_SCOPE_PUSH = 1u << 1,
    HR_SCOPE_DELETE = 1u << 2
};

/* What a request needs.  All empty: nothing in particular. */
typedef struct HrScope {
    char *repository; /* NULL: none                                      */
    char *from;       /* the repository that a blob is mounted from      */
    unsigned actions; /* HR_SCOPE_* on `repository`                      */
    bool catalog;     /* the list of repositories                        */
} HrScope;

/* What a request of this method (HR_HTTP_*) to this path (from "/v2" on, with
 * its query) needs; cleared by hr_scope_clear. */
void
hr_scope_of_request(HrScope *scope, unsigned method, const char *path);

void
hr_scope_clear(HrScope *scope);

/* "repository:a:pull repository:b:pull,push"; "" for nothing.  Caller
 * frees. */
char *
hr_scope_text(const HrScope *scope);

/* The same scopes, merged, sorted, each once; "*" takes the others of its
 * kind in, those without an action vanish, unknown forms stay.  Caller
 * frees. */
char *
hr_scope_clean(const char *text);

#endif
