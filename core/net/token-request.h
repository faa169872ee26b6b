/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Token request: how a token server is asked, and what its answer holds.
 *
 *     GET  realm?service=...&scope=...&account=...   with the password, as
 *                                                    Basic, or with nothing
 *     POST realm, a form                             with an identity token;
 *                                                    or with the password,
 *                                                    where GET is refused
 *
 * Internal to core/net; pure.
 */
#ifndef HR_NET_TOKEN_REQUEST_H
#define HR_NET_TOKEN_REQUEST_H

#include "net/principal.h"
#include "net/request.h"
#include "net/response.h"

/* What is asked for; all is borrowed. */
typedef struct HrTokenNeed {
    const char *realm;            /* checked, absolute                    */
    const char *service;          /* or NULL                              */
    const char *scope;            /* scopes with blanks between them      */
    const HrPrincipal *principal; /* NULL: nobody                         */
    bool by_post;                 /* the password, as a form              */
} HrTokenNeed;

/* What was given; hr_token_grant_clear. */
typedef struct HrTokenGrant {
    HrSecret *header;   /* "Authorization: Bearer ..."                    */
    HrSecret *identity; /* in the place of the one that was shown; NULL   */
    int64_t life_us;    /* how long it may be used                        */
} HrTokenGrant;

HrRequest *
hr_token_request_new(HrEndpoint *endpoint, const HrTokenNeed *need);

/* True if a refusal of this request may be about its method. */
bool
hr_token_request_wants_post(const HrTokenNeed *need,
                            const HrResponse *response);

/* Reads the answer to either.  False if it holds no token. */
bool
hr_token_grant_read(const HrResponse *response, HrTokenGrant *grant);

void
hr_token_grant_clear(HrTokenGrant *grant);

/* What a refusal stands for, and in *text a sentence (caller frees); `named`:
 * it was told who asks. */
hr_status
hr_token_refusal(const HrResponse *response, bool named, char **text);

#endif
