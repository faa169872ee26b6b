/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Login: what an endpoint's requests carry to show who asks. */
#include "net/login.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "guard/classify.h"
#include "model/json.h"
#include "net/challenge.h"
#include "net/exchange.h"
#include "net/origin.h"

#define CLIENT_ID "harbor-replicator"

/* What a token server that does not say grants (distribution's token
 * specification). */
#define LIFE_DEFAULT_S 60

/* A token is not used in the last tenth of its life, at most half a minute. */
#define MARGIN_SHARE 10
#define MARGIN_MOST_S 30

/* Longer ones would not be taken by any server. */
#define TOKEN_LIMIT ((size_t)64 * 1024)

/* From so many tokens on those that are stale are forgotten. */
#define TOKENS_TO_SWEEP 256u

typedef struct Account {
    char *prefix;
    char *username;           /* or NULL */
    HrSecret *password;       /* or NULL */
    HrSecret *basic;          /* header line; NULL without a password */
    HrSecret *registry_token; /* header line of a token that was given */
    HrSecret *identity_token; /* to get tokens with; may be renewed */
} Account;

/* One account's leave to do one thing. */
typedef struct HrToken {
    HrLogin *login;
    Account *account; /* NULL: anonymous */
    char *scope;      /* what it is asked for */
    HrSecret *header; /* "Authorization: Bearer ..."; NULL: none yet */
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
    GPtrArray *accounts; /* Account, longest prefix first */
    char **token_hosts;
    bool bearer; /* tokens are wanted, from: */
    char *realm;
    char *service;
    bool trusted;       /* the realm may see credentials */
    GHashTable *tokens; /* key of account and scope -> HrToken */
    bool stopped;
};

static void
free_account(void *data)
{
    Account *account = data;

    g_free(account->prefix);
    g_free(account->username);
    hr_secret_unref(account->password);
    hr_secret_unref(account->basic);
    hr_secret_unref(account->registry_token);
    hr_secret_unref(account->identity_token);
    g_free(account);
}

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

/* A text that is a secret already, behind a word that is none. */
static HrSecret *
make_secret(const char *before, const char *text)
{
    char *line = g_strconcat(before, text, NULL);
    HrSecret *secret = hr_secret_new(line);

    hr_secret_wipe(line, strlen(line));
    g_free(line);
    return secret;
}

static HrSecret *
make_basic(const char *username, const HrSecret *password)
{
    char *pair = g_strconcat(username, ":", hr_secret_reveal(password), NULL);
    size_t size = strlen(pair);
    char *code = g_base64_encode((const guchar *)pair, size);
    HrSecret *secret = make_secret("Authorization: Basic ", code);

    hr_secret_wipe(pair, size);
    hr_secret_wipe(code, strlen(code));
    g_free(pair);
    g_free(code);
    return secret;
}

/* What can stand in a header, and be sent with every request. */
static bool
is_token(const char *text)
{
    size_t size = 0;

    for (; text[size] != '\0'; size++)
        if (text[size] <= ' ' || text[size] > '~' || size == TOKEN_LIMIT)
            return false;
    return size > 0;
}

static bool
add_account(HrLogin *login, const HrAccount *given, GError **error)
{
    Account *account = g_new0(Account, 1);

    g_ptr_array_add(login->accounts, account);
    account->prefix = g_strdup(given->prefix != NULL ? given->prefix : "");
    account->username = g_strdup(given->username);
    if (given->username != NULL && strchr(given->username, ':') != NULL)
        return hr_error_set(error, HR_CONFIG,
                            "a username cannot have a \":\"");
    if (given->password != NULL)
        account->password = hr_secret_ref(given->password);
    if (given->username != NULL && given->password != NULL)
        account->basic = make_basic(given->username, given->password);
    if (given->registry_token != NULL &&
        !is_token(hr_secret_reveal(given->registry_token)))
        return hr_error_set(error, HR_CONFIG,
                            "the saved token is none: log in again");
    if (given->registry_token != NULL)
        account->registry_token = make_secret(
            "Authorization: Bearer ", hr_secret_reveal(given->registry_token));
    if (given->identity_token != NULL)
        account->identity_token = hr_secret_ref(given->identity_token);
    return true;
}

static gint
order_accounts(gconstpointer left, gconstpointer right)
{
    const Account *one = *(const Account *const *)left;
    const Account *other = *(const Account *const *)right;
    size_t mine = strlen(one->prefix);
    size_t theirs = strlen(other->prefix);

    return (theirs > mine) - (theirs < mine);
}

HrLogin *
hr_login_new(HrEndpoint *endpoint, const HrEndpointSpec *spec, GError **error)
{
    HrLogin *login = g_new0(HrLogin, 1);
    const HrAccount own = {.username = spec->username,
                           .password = spec->password};
    bool good = true;

    login->endpoint = endpoint;
    login->accounts = g_ptr_array_new_with_free_func(free_account);
    login->token_hosts = g_strdupv((char **)spec->token_hosts);
    login->tokens =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_token);
    if (spec->username != NULL && spec->password != NULL)
        good = add_account(login, &own, error);
    for (unsigned i = 0; i < spec->account_count && good; i++)
        good = add_account(login, &spec->accounts[i], error);
    if (!good) {
        hr_login_free(login);
        return NULL;
    }
    g_ptr_array_sort(login->accounts, order_accounts);
    return login;
}

void
hr_login_free(HrLogin *login)
{
    if (login == NULL)
        return;
    g_hash_table_unref(login->tokens);
    g_ptr_array_unref(login->accounts);
    g_strfreev(login->token_hosts);
    g_free(login->realm);
    g_free(login->service);
    g_free(login);
}

/* --------------------------------------------------------------- accounts */

/* Whose prefix holds the repository, the longest first; NULL: nobody. */
static Account *
account_of(const HrLogin *login, const char *repository)
{
    for (guint i = 0; i < login->accounts->len; i++) {
        Account *account = login->accounts->pdata[i];
        size_t length = strlen(account->prefix);

        if (length == 0)
            return account;
        if (repository != NULL &&
            strncmp(repository, account->prefix, length) == 0 &&
            (repository[length] == '\0' || repository[length] == '/'))
            return account;
    }
    return NULL;
}

bool
hr_login_has_account(const HrLogin *login, const HrRequest *request)
{
    return request->own_login ||
           account_of(login, request->scope.repository) != NULL;
}

/* ----------------------------------------------------------------- tokens */

static char *
make_key(const Account *account, const char *scope)
{
    return g_strdup_printf("%p %s", (const void *)account, scope);
}

static bool
is_fresh(const HrToken *token, int64_t now_us)
{
    return token->header != NULL && now_us < token->fresh_until_us;
}

static gboolean
is_forgotten(gpointer key, gpointer value, gpointer data)
{
    const HrToken *token = value;

    (void)key;
    return token->fetch == NULL && token->holders == 0 &&
           !is_fresh(token, *(const int64_t *)data);
}

static HrToken *
find_token(HrLogin *login, const Account *account, const char *scope)
{
    g_autofree char *key = make_key(account, scope);

    return g_hash_table_lookup(login->tokens, key);
}

static HrToken *
make_token(HrLogin *login, Account *account, const char *scope, int64_t now_us)
{
    HrToken *token = find_token(login, account, scope);

    if (token != NULL)
        return token;
    if (g_hash_table_size(login->tokens) % TOKENS_TO_SWEEP ==
        TOKENS_TO_SWEEP - 1)
        g_hash_table_foreach_remove(login->tokens, is_forgotten, &now_us);
    token = g_new0(HrToken, 1);
    token->login = login;
    token->account = account;
    token->scope = g_strdup(scope);
    token->waiting = g_ptr_array_new();
    g_hash_table_insert(login->tokens, make_key(account, scope), token);
    return token;
}

/* A fresh one that allows what is needed, or more of it. */
static HrToken *
find_fresh(HrLogin *login, const Account *account, const HrScope *needed,
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
        token = find_token(login, account, text);
        if (token != NULL && is_fresh(token, now_us))
            return token;
    }
    return NULL;
}

/* ----------------------------------------------------------- the answer */

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

static const char *
text_of(HrJson *body, const char *name)
{
    const char *text = hr_json_text(hr_json_get(body, name));

    return text != NULL && *text != '\0' ? text : NULL;
}

static int64_t
life_us(HrJson *body)
{
    int64_t life_s = 0;
    int64_t margin_s;

    if (!hr_json_number(hr_json_get(body, "expires_in"), &life_s) ||
        life_s <= 0)
        life_s = LIFE_DEFAULT_S;
    life_s = MIN(life_s, 24 * 3600);
    margin_s = MIN(life_s / MARGIN_SHARE, MARGIN_MOST_S);
    return (life_s - margin_s) * G_USEC_PER_SEC;
}

/* Only who was shown the old one has a new one to give. */
static void
renew_identity(HrToken *token, const char *identity)
{
    Account *account = token->account;

    if (identity == NULL || !token->named || account->identity_token == NULL)
        return;
    hr_secret_unref(account->identity_token);
    account->identity_token = hr_secret_new(identity);
}

static void
take_token(HrToken *token, const HrResponse *response)
{
    HrJson *body = NULL;
    const char *text;

    if (response->body != NULL)
        body = hr_json_parse(response->body->str, response->body->len, NULL);
    text = text_of(body, "token");
    if (text == NULL)
        text = text_of(body, "access_token");
    if (text == NULL || !is_token(text)) {
        set_failure(token, HR_INVALID,
                    "its answer holds no token: it is no token server");
    } else {
        renew_identity(token, text_of(body, "refresh_token"));
        hr_secret_unref(token->header);
        token->header = make_secret("Authorization: Bearer ", text);
        token->fresh_until_us = hr_clock_monotonic_us() + life_us(body);
        g_clear_error(&token->failure);
    }
    hr_json_wipe(body);
}

static void
take_refusal(HrToken *token, const HrResponse *response)
{
    HrClassification is =
        hr_classify_http(response->status, NULL, false, false, NULL, NULL);
    g_autofree char *text = g_strdup_printf(
        "HTTP %u%s", response->status,
        response->status != 401 && response->status != 403 ? ""
        : token->named
            ? ": credentials refused: check username and password"
            : ": credentials are needed: set username and password, or "
              "log in with `docker login` or `podman login`");

    set_failure(token,
                response->status < 400 ? HR_INVALID
                : is.status == HR_NOT_FOUND || is.status == HR_INVALID
                    ? HR_AUTH_DENIED
                    : is.status,
                text);
}

static void
begin_fetch(HrToken *token, HrProgress *progress);

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

static bool
wants_post(const HrToken *token, const HrResponse *response)
{
    return !token->by_post &&
           (response->status == 404 || response->status == 405) &&
           token->named && token->account->password != NULL;
}

static void
fetched_cb(void *data)
{
    HrToken *token = data;
    const GError *error = NULL;
    const HrResponse *response =
        hr_exchange_answer_on_loop(token->fetch, &error);
    HrProgress *progress = hr_call_progress(token->call);
    bool again = false;

    if (response == NULL)
        set_failure(token, hr_error_status(error), error->message);
    else if (response->status == 200)
        take_token(token, response);
    else if (wants_post(token, response))
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

/* ---------------------------------------------------------- the question */

static void
append_field(GString *form, const char *name, const char *value)
{
    char *escaped;

    if (value == NULL || *value == '\0')
        return;
    escaped = g_uri_escape_string(value, NULL, false);
    if (form->len > 0)
        g_string_append_c(form, '&');
    g_string_append(form, name);
    g_string_append_c(form, '=');
    g_string_append(form, escaped);
    hr_secret_wipe(escaped, strlen(escaped));
    g_free(escaped);
}

/* Of OAuth 2, as the distribution's token servers take it. */
static GString *
make_form(const HrToken *token)
{
    const Account *account = token->account;
    GString *form = g_string_sized_new(1024);
    bool refresh = account->identity_token != NULL;

    append_field(form, "grant_type", refresh ? "refresh_token" : "password");
    append_field(form, "service", token->login->service);
    append_field(form, "client_id", CLIENT_ID);
    append_field(form, "scope", token->scope);
    if (refresh) {
        append_field(form, "refresh_token",
                     hr_secret_reveal(account->identity_token));
    } else {
        append_field(form, "username", account->username);
        append_field(form, "password", hr_secret_reveal(account->password));
    }
    return form;
}

static char *
make_url(const HrToken *token, bool named)
{
    const char *realm = token->login->realm;
    g_auto(GStrv) scopes = g_strsplit(token->scope, " ", -1);
    g_autoptr(GString) query = g_string_new(NULL);

    append_field(query, "service", token->login->service);
    for (char **scope = scopes; *scope != NULL; scope++)
        append_field(query, "scope", *scope);
    if (named)
        append_field(query, "account", token->account->username);
    if (query->len == 0)
        return g_strdup(realm);
    return g_strdup_printf("%s%c%s", realm,
                           strchr(realm, '?') != NULL ? '&' : '?', query->str);
}

/* Counted with those for whom it is fetched first. */
static void
begin_fetch(HrToken *token, HrProgress *progress)
{
    HrLogin *login = token->login;
    const Account *account = login->trusted ? token->account : NULL;
    bool post =
        account != NULL && (account->identity_token != NULL || token->by_post);
    HrRequest *request;

    if (post) {
        GString *form = make_form(token);

        request = hr_request_new_foreign(login->endpoint, login->realm, NULL,
                                         form->str);
        hr_secret_wipe(form->str, form->len);
        g_string_free(form, true);
    } else {
        bool named = account != NULL && account->basic != NULL;
        g_autofree char *url = make_url(token, named);

        request = hr_request_new_foreign(
            login->endpoint, url,
            named ? hr_secret_reveal(account->basic) : NULL, NULL);
    }
    token->named = account != NULL;
    token->call = hr_call_new(NULL, HR_TIME_NEVER);
    hr_call_set_progress(token->call, progress);
    token->fetch = hr_exchange_begin_on_loop(token->call, request,
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

HrStep
hr_login_enter_on_loop(HrLogin *login, HrSend *send, int64_t now_us)
{
    const HrRequest *request = send->request;
    Account *account = account_of(login, request->scope.repository);
    HrToken *waited = let_go(send);
    g_autofree char *scope = NULL;
    HrToken *token;

    if (request->foreign || request->own_login)
        return go(send, NULL);
    if (account != NULL && account->registry_token != NULL)
        return go(send, account->registry_token);
    if (!login->bearer)
        return go(send, account != NULL ? account->basic : NULL);
    if (waited != NULL && waited->round == send->round &&
        waited->fetch == NULL && waited->failure != NULL)
        return refuse(send, waited);
    token = waited != NULL && is_fresh(waited, now_us)
                ? waited
                : find_fresh(login, account, &request->scope, now_us);
    if (token != NULL)
        return go(send, token->header);
    scope = hr_scope_text(&request->scope);
    token = make_token(login, account, scope, now_us);
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
        login->accounts->len > 0) {
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
    Account *account = account_of(login, request->scope.repository);
    g_autofree char *own = hr_scope_text(&request->scope);
    g_autofree char *wanted = NULL;
    g_autofree char *both = NULL;
    HrToken *token = make_token(login, account, own, hr_clock_monotonic_us());

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
                !send->request->own_login && !login->stopped;

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
