/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of an exchange, shared by its parts.  Internal to core/net.
 *
 *     exchange.c       the worker's part: making it, waiting, the answer
 *     exchange-loop.c  the operation on the loop, from its begin to its end
 *     exchange-leg.c   one attempt on the loop, and its hedge
 *
 * The worker makes it, waits and frees it; in between it is the loop's.  The
 * references are the worker's, and those of messages and chores on their way.
 */
#ifndef HR_NET_EXCHANGE_STATE_H
#define HR_NET_EXCHANGE_STATE_H

#include <stdatomic.h>

#include "net/exchange.h"
#include "net/send.h"

/* One attempt under way. */
typedef struct HrExchangeLeg {
    HrSend send; /* first */
    HrExchange *exchange;
    HrPost chore;
    bool chore_due;
    bool active; /* on its way through the stages, or on the wire */
    GError *error;
} HrExchangeLeg;

struct hr_http_exchange {
    atomic_int references;
    HrEndpoint *endpoint;
    HrCall *call;
    HrRequest *request;
    HrPost begin;
    HrPost stop;
    HrPost chore;
    bool chore_due;
    HrOperation operation;
    HrTimer timer;
    HrExchangeLeg first;
    HrExchangeLeg *second; /* the hedge; NULL until there is one */
    HrTimer hedge_timer;
    HrResponse response; /* the last that counted */
    bool ended;          /* the loop's: nothing more will happen */
    GError *error;
    HrNotes notes;    /* for the log, written by the worker */
    atomic_bool done; /* raised through the call: all is the worker's   */

    /* Of one that the loop made for itself: */
    void (*over)(void *data);
    void *over_data;
    HrPost over_post;
};

/* ---- anywhere */

/* With one reference, the caller's; takes `request`. */
HrExchange *
hr_exchange_new(HrCall *call, HrRequest *request);

void
hr_exchange_unref(HrExchange *exchange);

/* ---- on the loop */

void
hr_exchange_begin_cb(void *data);

/* Ends it, if it has not ended, and lets go of one reference. */
void
hr_exchange_stop_cb(void *data);

/* Something wants the operation to be looked at again; in its own turn. */
void
hr_exchange_ready_cb(void *data);

/* The attempt, or all of them, came to nothing, or to an answer. */
void
hr_exchange_leave_on_loop(HrExchange *exchange);

/* Sends one attempt on its way. */
void
hr_exchange_leg_start_on_loop(HrExchange *exchange, HrExchangeLeg *leg,
                              bool hedge);

/* Takes a leg away whose answer nobody needs any more. */
void
hr_exchange_leg_supersede_on_loop(HrExchangeLeg *leg);

#endif
