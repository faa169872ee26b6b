/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Login: what an endpoint's requests carry to show who asks.  The auth stage
 * of the chain.  Internal to core/net; belongs to the endpoint's loop.
 *
 *     before any answer      user name and password (Basic), if there are some
 *     401 + Bearer realm     from then on a token for what each request needs:
 *
 *         request --> token there and fresh? --> go
 *                           | no
 *                           v
 *                     one fetch for all who need the same --> go, all
 *
 * A token is for one account and one scope; one that allows more will do.
 * Credentials go to the realm only if it is on the registry's own host, or
 * on a host that the configuration names (token_hosts); else the token is
 * asked for without, and a warning says so.
 */
#ifndef HR_NET_LOGIN_H
#define HR_NET_LOGIN_H

#include "net/send.h"

typedef struct HrLogin HrLogin;

/* Copies what `spec` says of accounts. */
HrLogin *
hr_login_new(HrEndpoint *endpoint, const HrEndpointSpec *spec, GError **error);

/* After hr_login_stop_on_loop. */
void
hr_login_free(HrLogin *login);

/* Takes back what is under way. */
void
hr_login_stop_on_loop(HrLogin *login);

/* Name of the account of the endpoint itself, NULL without a password. */
const char *
hr_login_username(const HrLogin *login);

/* True if a request would go with a name. */
bool
hr_login_has_account(const HrLogin *login, const HrRequest *request);

/* The auth stage. */
HrStep
hr_login_enter_on_loop(HrLogin *login, HrSend *send, int64_t now_us);

void
hr_login_abandon_on_loop(HrLogin *login, HrSend *send);

void
hr_login_leave_on_loop(HrLogin *login, HrSend *send);

#endif
