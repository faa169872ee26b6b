/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Send: one leg of the chain over HTTP, shared by exchanges and pipes: an
 * attempt, its response, and the chain's last stages.  Internal to core/net.
 *
 *     ... timeout  attempt | auth  origin  transport
 *
 *     auth        puts the endpoint's credentials to the request; net/login
 *     origin      lets nothing out to where they do not belong
 *     transport   starts it, when its owner is ready
 */
#ifndef HR_NET_SEND_H
#define HR_NET_SEND_H

#include "net/attempt.h"
#include "net/request.h"

typedef struct HrSend {
    HrLeg leg; /* first: stages cast */
    const HrRequest *request;
    HrAttempt attempt;
    HrResponse response;
    HrTimer timer;

    /* The auth stage's: */
    struct curl_slist authorization; /* before the request's headers    */
    struct curl_slist *headers;      /* with it                         */
    HrSecret *credential;            /* what it shows                   */
    struct HrToken *token;           /* that it waits for               */
    unsigned round;                  /* of the fetch that it waits for  */
    bool away;       /* sent on to another host, whose answers say nothing
                        about logging in                                 */
    GError *refusal; /* why it cannot go                                */

    /* Puts it on the wire; false: not yet, the leg is advanced again. */
    bool (*start)(void *owner);

    void *owner;
} HrSend;

/* All stages of a leg over HTTP. */
extern const HrStage *const hr_send_stages[];

/* Prepares the attempt for `request`; `blob` as in HrAttempt. */
void
hr_send_init(HrSend *send, const HrRequest *request, bool blob);

/* Points the attempt to where the request goes, wherever it was sent on to. */
void
hr_send_aim(HrSend *send);

/* The outcome of an attempt that has an answer, or, with `error`, has none. */
void
hr_send_set_outcome(HrSend *send, const GError *error);

/* Forgets what the auth stage put to it. */
void
hr_send_clear_login(HrSend *send);

/* The error for a leg that was refused before it was sent; once. */
void
hr_send_refused_error(HrSend *send, GError **error);

/* libcurl's callback for headers; `data` is the send.  Takes them, and tells
 * the chain when they are complete. */
size_t
hr_send_header_cb(char *line, size_t size, size_t count, void *data);

#endif
