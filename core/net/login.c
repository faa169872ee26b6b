/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Login: what an endpoint's requests carry to show who asks. */
#include "net/login.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "guard/classify.h"
#include "net/challenge.h"
#include "net/exchange.h"
#include "net/origin.h"
#include "net/principal.h"
#include "net/token-request.h"

/* Tokens that are kept.  When there are more, those that are stale are
 * forgotten, or else all that nobody waits for: what is asked goes through
 * repositories one after the other. */
#define TOKENS_LIMIT 1024u

/* One principal's leave to do one thing. */
typedef struct HrToken {
    HrLogin *login;
    HrPrincipal *principal; /* NULL: anonymous */
    char *scope;            /* what it is asked for */
    HrSecret *header;       /* "Authorization: Bearer ..."; NULL: none yet */
    int64_t fresh_until_us;
    HrCall *call; /* of the fetch under way, with it */
    HrExchange *fetch;
    bool by_post;
    bool named;         /* the fetch shows who asks */
    unsigned round;     /* fetches begun; another method is none */
    GError *failure;    /* of the last one */
    GPtrArray *waiting; /* HrSend */
    unsigned holders;   /* those, and who was woken and has not come back */
} HrToken;

struct HrLogin {
    HrEndpoint *endpoint;
    GPtrArray *principals; /* HrPrincipal, longest prefix first */
    char **token_hosts;
    bool bearer; /* tokens are wanted, from: */
    char *realm;
    char *service;
    bool trusted;       /* the realm may see credentials */
    GHashTable *tokens; /* key of principal and scope -> HrToken */
    bool stopped;
};

static void
free_token(void *data)
{
    HrToken *token = data;

    g_free(token->scope);
    hr_secret_unref(token->header);
    g_clear_error(&token->failure);
    g_ptr_array_unref(token->waiting);
    g_free(token);
}

static void
free_principal(void *data)
{
    hr_principal_free(data);
}

static bool
add_principal(HrLogin *login, const HrAccount *given, GError **error)
{
    HrPrincipal *principal = hr_principal_new(given, error);

    if (principal != NULL)
        g_ptr_array_add(login->principals, principal);
    return principal != NULL;
}

HrLogin *
hr_login_new(HrEndpoint *endpoint, const HrEndpointSpec *spec, GError **error)
{
    HrLogin *login = g_new0(HrLogin, 1);
    const HrAccount own = {.username = spec->username,
                           .password = spec->password};
    bool good = true;

    login->endpoint = endpoint;
    login->principals = g_ptr_array_new_with_free_func(free_principal);
    login->token_hosts = g_strdupv((char **)spec->token_hosts);
    login->tokens =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_token);
    if (spec->username != NULL && spec->password != NULL)
        good = add_principal(login, &own, error);
    for (unsigned i = 0; i < spec->account_count && good; i++)
        good = add_principal(login, &spec->accounts[i], error);
    if (!good) {
        hr_login_free(login);
        return NULL;
    }
    hr_principals_sort(login->principals);
    return login;
}

void
hr_login_free(HrLogin *login)
{
    if (login == NULL)
        return;
    g_hash_table_unref(login->tokens);
    g_ptr_array_unref(login->principals);
    g_strfreev(login->token_hosts);
    g_free(login->realm);
    g_free(login->service);
    g_free(login);
}

static HrPrincipal *
principal_of(const HrLogin *login, const HrRequest *request)
{
    return hr_principals_find(login->principals, request->scope.repository);
}

/* Of the account of the endpoint itself, whatever there is for parts of it;
 * NULL: it has no password. */
static HrSecret *
basic_of(const HrLogin *login)
{
    const HrPrincipal *principal = hr_principals_find(login->principals, NULL);

    return principal != NULL ? principal->basic : NULL;
}

const char *
hr_login_username(const HrLogin *login)
{
    const HrPrincipal *principal = hr_principals_find(login->principals, NULL);

    return principal != NULL && principal->basic != NULL ? principal->username
                                                         : NULL;
}

bool
hr_login_has_account(const HrLogin *login, const HrRequest *request)
{
    if (request->basic)
        return basic_of(login) != NULL;
    return request->own_login || principal_of(login, request) != NULL;
}

/* ----------------------------------------------------------------- tokens */

static char *
make_key(const HrPrincipal *principal, const char *scope)
{
    return g_strdup_printf("%p %s", (const void *)principal, scope);
}

static bool
is_fresh(const HrToken *token, int64_t now_us)
{
    return token->header != NULL && now_us < token->fresh_until_us;
}

static gboolean
is_idle(gpointer key, gpointer value, gpointer data)
{
    const HrToken *token = value;

    (void)key;
    (void)data;
    return token->fetch == NULL && token->holders == 0;
}

static gboolean
is_stale(gpointer key, gpointer value, gpointer data)
{
    return is_idle(key, value, NULL) &&
           !is_fresh(value, *(const int64_t *)data);
}

static void
make_room(HrLogin *login, int64_t now_us)
{
    if (g_hash_table_size(login->tokens) < TOKENS_LIMIT)
        return;
    g_hash_table_foreach_remove(login->tokens, is_stale, &now_us);
    if (g_hash_table_size(login->tokens) >= TOKENS_LIMIT)
        g_hash_table_foreach_remove(login->tokens, is_idle, NULL);
}

static HrToken *
find_token(HrLogin *login, const HrPrincipal *principal, const char *scope)
{
    g_autofree char *key = make_key(principal, scope);

    return g_hash_table_lookup(login->tokens, key);
}

static HrToken *
make_token(HrLogin *login, HrPrincipal *principal, const char *scope,
           int64_t now_us)
{
    HrToken *token = find_token(login, principal, scope);

    if (token != NULL)
        return token;
    make_room(login, now_us);
    token = g_new0(HrToken, 1);
    token->login = login;
    token->principal = principal;
    token->scope = g_strdup(scope);
    token->waiting = g_ptr_array_new();
    g_hash_table_insert(login->tokens, make_key(principal, scope), token);
    return token;
}

/* A fresh one that allows what is needed, or more of it. */
static HrToken *
find_fresh(HrLogin *login, const HrPrincipal *principal, const HrScope *needed,
           int64_t now_us)
{
    static const unsigned wider[] = {0, HR_SCOPE_PULL | HR_SCOPE_PUSH,
                                     HR_SCOPE_PULL | HR_SCOPE_PUSH |
                                         HR_SCOPE_DELETE};

    for (unsigned i = 0; i < G_N_ELEMENTS(wider); i++) {
        HrScope scope = *needed;
        g_autofree char *text = NULL;
        HrToken *token;

        if (i > 0 && (needed->repository == NULL ||
                      (needed->actions | wider[i]) == needed->actions))
            continue;
        scope.actions |= wider[i];
        text = hr_scope_text(&scope);
        token = find_token(login, principal, text);
        if (token != NULL && is_fresh(token, now_us))
            return token;
    }
    return NULL;
}

/* ------------------------------------------------------------ their fetch */

static void
set_failure(HrToken *token, hr_status status, const char *text)
{
    g_autofree char *realm = hr_text_redact_url(token->login->realm);
    HrErrorDetails *details;

    g_clear_error(&token->failure);
    hr_error_set(&token->failure, status, "no token from %s: %s", realm, text);
    details = hr_error_details(token->failure);
    details->eligibility = hr_classify_category(status);
    details->classified = true;
}

static void
take_grant(HrToken *token, const HrResponse *response)
{
    HrPrincipal *principal = token->principal;
    HrTokenGrant grant;

    if (!hr_token_grant_read(response, &grant)) {
        set_failure(token, HR_INVALID,
                    "its answer holds no token: it is no token server");
        return;
    }
    g_clear_error(&token->failure);
    g_clear_pointer(&token->header, hr_secret_unref);
    token->header = g_steal_pointer(&grant.header);
    token->fresh_until_us = hr_clock_monotonic_us() + grant.life_us;
    /* Only who was shown the old one has a new one to give. */
    if (grant.identity != NULL && token->named &&
        principal->identity_token != NULL) {
        hr_secret_unref(principal->identity_token);
        principal->identity_token = g_steal_pointer(&grant.identity);
    }
    hr_token_grant_clear(&grant);
}

static void
take_refusal(HrToken *token, const HrResponse *response)
{
    g_autofree char *text = NULL;
    hr_status status = hr_token_refusal(response, token->named, &text);

    set_failure(token, status, text);
}

/* All who wait for it go on, with it or without. */
static void
wake_all(HrToken *token)
{
    for (guint i = 0; i < token->waiting->len; i++) {
        HrLeg *leg = &((HrSend *)token->waiting->pdata[i])->leg;

        leg->ready(leg->subject);
    }
    g_ptr_array_set_size(token->waiting, 0);
}

static void
drop_fetch(HrToken *token)
{
    g_clear_pointer(&token->fetch, hr_exchange_drop_on_loop);
    g_clear_pointer(&token->call, hr_call_free);
}

static HrTokenNeed
need_of(const HrToken *token)
{
    const HrLogin *login = token->login;

    return (HrTokenNeed){
        .realm = login->realm,
        .service = login->service,
        .scope = token->scope,
        .principal = token->named ? token->principal : NULL,
        .by_post = token->by_post,
    };
}

static void
begin_fetch(HrToken *token, HrProgress *progress);

static void
fetched_cb(void *data)
{
    HrToken *token = data;
    HrTokenNeed need = need_of(token);
    const GError *error = NULL;
    const HrResponse *response =
        hr_exchange_answer_on_loop(token->fetch, &error);
    HrProgress *progress = hr_call_progress(token->call);
    bool again = false;

    if (response == NULL)
        set_failure(token, hr_error_status(error), error->message);
    else if (response->status == 200)
        take_grant(token, response);
    else if (hr_token_request_wants_post(&need, response))
        again = true;
    else
        take_refusal(token, response);
    if (response != NULL && response->body != NULL)
        hr_secret_wipe(response->body->str, response->body->len);
    drop_fetch(token);
    if (again) {
        token->by_post = true;
        begin_fetch(token, progress);
    } else {
        wake_all(token);
    }
}

/* Counted with those for whom it is fetched first. */
static void
begin_fetch(HrToken *token, HrProgress *progress)
{
    HrLogin *login = token->login;
    HrTokenNeed need;

    token->named = login->trusted && token->principal != NULL;
    need = need_of(token);
    token->call = hr_call_new(NULL, HR_TIME_NEVER);
    hr_call_set_progress(token->call, progress);
    token->fetch = hr_exchange_begin_on_loop(
        token->call, hr_token_request_new(login->endpoint, &need),
        HR_CLASS_AUTH, fetched_cb, token);
}

/* ------------------------------------------------------------- the stage */

static HrStep
go(HrSend *send, HrSecret *credential)
{
    send->headers = send->request->headers;
    if (credential == NULL)
        return HR_STEP_ON;
    send->credential = hr_secret_ref(credential);
    send->authorization.data = (char *)hr_secret_reveal(credential);
    send->authorization.next = send->request->headers;
    send->headers = &send->authorization;
    return HR_STEP_ON;
}

/* It does not wait any more, woken or not. */
static HrToken *
let_go(HrSend *send)
{
    HrToken *token = g_steal_pointer(&send->token);

    if (token != NULL) {
        token->holders--;
        g_ptr_array_remove_fast(token->waiting, send);
    }
    return token;
}

/* What it waited for came to nothing. */
static HrStep
refuse(HrSend *send, const HrToken *token)
{
    const HrErrorDetails *details = hr_error_details(token->failure);

    send->refusal = g_error_copy(token->failure);
    send->leg.passage.outcome = (HrOutcome){
        .status = hr_error_status(token->failure),
        .eligibility = details->eligibility,
        .idempotent = true,
        .elsewhere = true,
    };
    return HR_STEP_STOP;
}

/* For whom nothing but a name and a password will do. */
static HrStep
go_basic(const HrLogin *login, HrSend *send)
{
    HrSecret *basic = basic_of(login);

    if (basic != NULL)
        return go(send, basic);
    hr_error_set(&send->refusal, HR_AUTH_DENIED,
                 "%s is asked with a user name and a password, and none are "
                 "known: set username and password",
                 login->endpoint->name);
    send->leg.passage.outcome = (HrOutcome){
        .status = HR_AUTH_DENIED,
        .eligibility = HR_RETRY_NEVER,
        .elsewhere = true,
    };
    return HR_STEP_STOP;
}

HrStep
hr_login_enter_on_loop(HrLogin *login, HrSend *send, int64_t now_us)
{
    const HrRequest *request = send->request;
    HrPrincipal *principal = principal_of(login, request);
    HrToken *waited = let_go(send);
    g_autofree char *scope = NULL;
    HrToken *token;

    if (request->foreign || request->own_login)
        return go(send, NULL);
    if (request->basic)
        return go_basic(login, send);
    if (principal != NULL && principal->registry_token != NULL)
        return go(send, principal->registry_token);
    if (!login->bearer)
        return go(send, principal != NULL ? principal->basic : NULL);
    if (waited != NULL && waited->round == send->round &&
        waited->fetch == NULL && waited->failure != NULL)
        return refuse(send, waited);
    token = waited != NULL && is_fresh(waited, now_us)
                ? waited
                : find_fresh(login, principal, &request->scope, now_us);
    if (token != NULL)
        return go(send, token->header);
    scope = hr_scope_text(&request->scope);
    token = make_token(login, principal, scope, now_us);
    send->token = token;
    token->holders++;
    if (token->fetch == NULL) {
        token->round++;
        begin_fetch(token, send->attempt.progress);
    }
    send->round = token->round;
    g_ptr_array_add(token->waiting, send);
    send->leg.passage.at_us = INT64_MAX;
    return HR_STEP_WAIT;
}

void
hr_login_abandon_on_loop(HrLogin *login, HrSend *send)
{
    (void)login;
    let_go(send);
    hr_send_clear_login(send);
}

/* From now on tokens, from there.  False if it cannot be used. */
static bool
take_challenge(HrLogin *login, const HrChallenge *challenge)
{
    const char *service = hr_challenge_parameter(challenge, "service");
    bool trusted = false;
    g_autoptr(GError) error = NULL;
    g_autofree char *realm = hr_origin_check_realm(
        login->endpoint->url, hr_challenge_parameter(challenge, "realm"),
        (const char *const *)login->token_hosts, &trusted, &error);

    if (realm == NULL) {
        hr_notes_add(
            &login->endpoint->notes, HR_LOG_WARNING,
            g_strdup_printf("%s: %s", login->endpoint->name, error->message));
        return false;
    }
    if (g_strcmp0(realm, login->realm) != 0 && !trusted &&
        login->principals->len > 0) {
        g_autofree char *safe = hr_text_redact_url(realm);

        hr_notes_add(&login->endpoint->notes, HR_LOG_WARNING,
                     g_strdup_printf(
                         "%s: its tokens come from another host, %s, which "
                         "gets no credentials: name the host in token_hosts "
                         "if it should",
                         login->endpoint->name, safe));
    }
    g_free(login->realm);
    login->realm = g_steal_pointer(&realm);
    g_free(login->service);
    login->service = g_strdup(service);
    login->trusted = trusted;
    login->bearer = true;
    return true;
}

/* A token that was refused is not used again, by anybody. */
static void
spoil(HrLogin *login, const HrSecret *credential)
{
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, login->tokens);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        HrToken *token = value;

        if (credential != NULL && token->header == credential)
            token->fresh_until_us = INT64_MIN;
    }
}

/* The server knows best what is needed for this: the token for it is asked
 * for in its words. */
static void
take_scope(HrLogin *login, const HrSend *send, const HrChallenge *challenge)
{
    const HrRequest *request = send->request;
    const char *given = hr_challenge_parameter(challenge, "scope");
    HrPrincipal *principal = principal_of(login, request);
    g_autofree char *own = hr_scope_text(&request->scope);
    g_autofree char *wanted = NULL;
    g_autofree char *both = NULL;
    HrToken *token =
        make_token(login, principal, own, hr_clock_monotonic_us());

    spoil(login, send->credential);
    if (given == NULL || token->fetch != NULL)
        return;
    both = g_strconcat(own, " ", given, NULL);
    wanted = hr_scope_clean(both);
    g_free(token->scope);
    token->scope = g_steal_pointer(&wanted);
}

void
hr_login_leave_on_loop(HrLogin *login, HrSend *send)
{
    HrOutcome *outcome = &send->leg.passage.outcome;
    bool asks = outcome->status == HR_AUTH_EXPIRED && !send->away &&
                send->response.headers_end && !send->request->foreign &&
                !send->request->own_login && !send->request->basic &&
                !login->stopped;

    if (asks) {
        g_autoptr(GPtrArray) challenges =
            hr_response_challenges(&send->response);
        const HrChallenge *challenge = hr_challenges_pick(challenges);

        if (challenge != NULL && strcmp(challenge->scheme, "bearer") == 0 &&
            take_challenge(login, challenge)) {
            take_scope(login, send, challenge);
            send->leg.operation->renewable = true;
        }
    }
    hr_send_clear_login(send);
}

void
hr_login_stop_on_loop(HrLogin *login)
{
    GHashTableIter iterator;
    gpointer token;

    login->stopped = true;
    g_hash_table_iter_init(&iterator, login->tokens);
    while (g_hash_table_iter_next(&iterator, NULL, &token))
        drop_fetch(token);
}
