/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exchanges that a loop makes for itself, without a worker that waits.
 * Internal to core/net.
 */
#ifndef HR_NET_EXCHANGE_H
#define HR_NET_EXCHANGE_H

#include "net/request.h"
#include "net/response.h"

/* Takes `request` on its way; `over` is called later on the loop, once, unless
 * it is dropped before. */
HrExchange *
hr_exchange_begin_on_loop(HrCall *call, HrRequest *request,
                          HrOperationClass class, void (*over)(void *data),
                          void *data);

/* After its end: the answer, or in *error why there is none (borrowed). */
const HrResponse *
hr_exchange_answer_on_loop(const HrExchange *exchange, const GError **error);

void
hr_exchange_drop_on_loop(HrExchange *exchange);

#endif
