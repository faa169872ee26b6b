/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attempt: one request on the wire. */
#include "net/attempt.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "net/endpoint.h"
#include "net/failure.h"
#include "net/proxy.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

#define USER_AGENT "harbor-replicator/" PACKAGE_VERSION

#define BLOB_BUFFER_BYTES (128L * 1024)

/* Of an upload, in the system's buffers. */
#define UNSENT_BYTES (128 * 1024)

/* libcurl takes 0 for "none". */
static long
milliseconds(int64_t us)
{
    return us <= 0 ? 0 : (long)MIN((us + 999) / 1000, INT32_MAX);
}

static void
set_protocols(CURL *handle, bool https)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR,
                     https ? "https" : "http,https");
#else
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS,
                     https ? CURLPROTO_HTTPS
                           : CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static void
set_trust(const HrAttempt *attempt)
{
    const HrEndpoint *endpoint = attempt->endpoint;
    CURL *handle = attempt->handle;
    bool ours = !attempt->stranger || attempt->own_trust;
    bool verify = !endpoint->insecure || !ours;

    curl_easy_setopt(handle, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    if (ours && endpoint->ca_file != NULL)
        curl_easy_setopt(handle, CURLOPT_CAINFO, endpoint->ca_file);
#if LIBCURL_VERSION_NUM >= 0x074d00
    if (ours && endpoint->ca_file == NULL && endpoint->ca_text != NULL) {
        struct curl_blob blob = {.data = endpoint->ca_text,
                                 .len = strlen(endpoint->ca_text),
                                 .flags = CURL_BLOB_NOCOPY};

        curl_easy_setopt(handle, CURLOPT_CAINFO_BLOB, &blob);
    }
#endif
    if (!attempt->stranger && endpoint->client_cert != NULL) {
        curl_easy_setopt(handle, CURLOPT_SSLCERT, endpoint->client_cert);
        curl_easy_setopt(handle, CURLOPT_SSLKEY, endpoint->client_key);
    }
}

/* False if it is an address that this attempt must not lead to.  Behind a
 * proxy that is the proxy's to know. */
static bool
may_reach(HrAttempt *attempt, HrAddressKind kind)
{
    if (!attempt->stranger || attempt->proxied ||
        hr_address_allowed(attempt->endpoint->kind, kind))
        return true;
    attempt->forbidden = true;
    return false;
}

/* Where the endpoint itself is, strangers may be too. */
static void
take_kind(HrAttempt *attempt, HrAddressKind kind)
{
    if (!attempt->stranger && !attempt->proxied &&
        kind != HR_ADDRESS_FORBIDDEN)
        attempt->endpoint->kind = MAX(attempt->endpoint->kind, kind);
}

/* What a connection that breaks takes with it has to be sent again: keep the
 * part of it small that has not even left the machine.  It does not slow the
 * sending down, which the other side's window limits. */
static void
limit_unsent(curl_socket_t socket)
{
#ifdef TCP_NOTSENT_LOWAT
    int bytes = UNSENT_BYTES;

    (void)setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes,
                     sizeof bytes);
#else
    (void)socket;
#endif
}

/* Where a name leads is known here, and not before: what a server sends us to
 * is looked at now, so that no name can be changed in between. */
static curl_socket_t
open_socket_cb(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    HrAttempt *attempt = data;
    HrAddressKind kind = hr_address_kind(&address->addr);
    curl_socket_t opened;

    (void)purpose;
    if (!may_reach(attempt, kind))
        return CURL_SOCKET_BAD;
#if LIBCURL_VERSION_NUM < 0x075000
    take_kind(attempt, kind);
#endif
    opened = socket(address->family, address->socktype | SOCK_CLOEXEC,
                    address->protocol);
    if (attempt->blob && opened != CURL_SOCKET_BAD)
        limit_unsent(opened);
    return opened;
}

#if LIBCURL_VERSION_NUM >= 0x075000
/* The connection stands, as secure as it has to be.  It may be an old one,
 * that somebody else was allowed to make. */
static int
before_request_cb(void *data, char *there, char *here, int port_there,
                  int port_here)
{
    HrAttempt *attempt = data;
    HrAddressKind kind = hr_address_kind_of_text(there);

    (void)here;
    (void)port_there;
    (void)port_here;
    if (!may_reach(attempt, kind))
        return CURL_PREREQFUNC_ABORT;
    take_kind(attempt, kind);
    return CURL_PREREQFUNC_OK;
}
#endif

static void
set_destination(HrAttempt *attempt)
{
    CURL *handle = attempt->handle;
    const char *proxy = hr_proxy_of(attempt->url);

    attempt->proxied = proxy != NULL;
    attempt->forbidden = false;
    /* Neither variable is left to libcurl to read. */
    curl_easy_setopt(handle, CURLOPT_PROXY, proxy != NULL ? proxy : "");
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "");
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket_cb);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, attempt);
#if LIBCURL_VERSION_NUM >= 0x075000
    curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, before_request_cb);
    curl_easy_setopt(handle, CURLOPT_PREREQDATA, attempt);
#else
    if (attempt->stranger)
        curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
#endif
}

static void
set_http(const HrAttempt *attempt)
{
    CURL *handle = attempt->handle;

    if (attempt->blob) {
        /* Paused streams of one HTTP/2 connection would fill its window
         * with megabytes each. */
        curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, BLOB_BUFFER_BYTES);
        curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, BLOB_BUFFER_BYTES);
    } else if (attempt->endpoint->https && !attempt->endpoint->http1) {
        curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
        /* Until the handshake tells whether one connection is enough.
         * Without TLS it would be until the first answer. */
        curl_easy_setopt(handle, CURLOPT_PIPEWAIT, 1L);
    } else {
        curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    }
    curl_easy_setopt(handle, CURLOPT_USERAGENT, USER_AGENT);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, attempt->headers);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, hr_response_header_cb);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, attempt->response);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, hr_response_body_cb);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, attempt->response);
}

void
hr_attempt_prepare_on_loop(HrAttempt *attempt,
                           void (*end)(void *data, CURLcode code), void *data)
{
    HrEndpoint *endpoint = attempt->endpoint;
    CURL *handle = hr_loop_take_handle_on_loop(endpoint->loop);

    attempt->handle = handle;
    attempt->end.func = end;
    attempt->end.data = data;
    attempt->detail[0] = '\0';
    attempt->connected_us = 0;
    attempt->sent = false;
    attempt->os_error = 0;
    attempt->first_byte_us = 0;
    attempt->moved_bytes = 0;
    /* Spares a signal handler and two system calls a turn; the loops block
     * all signals. */
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_URL, attempt->url);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, attempt->detail);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(
        handle, CURLOPT_CONNECTTIMEOUT_MS,
        milliseconds(hr_endpoint_policy(endpoint)->connect_timeout_us));
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS,
                     milliseconds(attempt->timeout_us));
    if (attempt->fresh)
        curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    set_protocols(handle, endpoint->https);
    set_trust(attempt);
    set_destination(attempt);
    set_http(attempt);
}

void
hr_attempt_start_on_loop(HrAttempt *attempt)
{
    attempt->started_us = hr_clock_monotonic_us();
    hr_loop_start_on_loop(attempt->endpoint->loop, attempt->handle,
                          &attempt->end);
}

static char *
describe(const HrAttempt *attempt, CURLcode code, int64_t duration_us)
{
    g_autofree char *url = NULL;
    g_autofree char *safe = NULL;

    if (!hr_log_enabled(HR_LOG_DEBUG))
        return NULL;
    url = hr_text_redact_url(attempt->url);
    safe = hr_text_one_line(attempt->detail);
    return g_strdup_printf(
        "%s %s: %u in %d ms%s%s", hr_method_name(attempt->method), url,
        attempt->response->status, (int)(duration_us / 1000),
        code != CURLE_OK ? ": " : "",
        code == CURLE_OK ? ""
        : *safe != '\0'  ? safe
                         : curl_easy_strerror(code));
}

/* Blobs say nothing of what a server offers. */
static void
note_version(const HrAttempt *attempt)
{
    long version = 0;

    if (attempt->blob || attempt->stranger || attempt->response->status == 0)
        return;
    curl_easy_getinfo(attempt->handle, CURLINFO_HTTP_VERSION, &version);
    atomic_store(&attempt->endpoint->http2, version == CURL_HTTP_VERSION_2_0);
}

/* What is to be known of the attempt once its handle is gone. */
static char *
account(HrAttempt *attempt, CURLcode code)
{
    int64_t duration_us = hr_clock_monotonic_us() - attempt->started_us;
    curl_off_t sent_bytes = 0;
    curl_off_t received_bytes = 0;
    curl_off_t connect_us = 0;
    curl_off_t first_byte_us = 0;
    long request_size = 0;
    long os_error = 0;

    curl_easy_getinfo(attempt->handle, CURLINFO_SIZE_UPLOAD_T, &sent_bytes);
    curl_easy_getinfo(attempt->handle, CURLINFO_SIZE_DOWNLOAD_T,
                      &received_bytes);
    curl_easy_getinfo(attempt->handle, CURLINFO_PRETRANSFER_TIME_T,
                      &connect_us);
    curl_easy_getinfo(attempt->handle, CURLINFO_STARTTRANSFER_TIME_T,
                      &first_byte_us);
    note_version(attempt);
    if (code != CURLE_OK) {
        curl_easy_getinfo(attempt->handle, CURLINFO_REQUEST_SIZE,
                          &request_size);
        curl_easy_getinfo(attempt->handle, CURLINFO_OS_ERRNO, &os_error);
    }
    attempt->connected_us = connect_us;
    attempt->first_byte_us =
        first_byte_us > connect_us ? first_byte_us - connect_us : 0;
    attempt->moved_bytes = (uint64_t)(sent_bytes + received_bytes);
    attempt->sent = request_size > 0;
    attempt->os_error = (int)os_error;
    hr_endpoint_count_on_loop(attempt->endpoint, attempt->progress,
                              attempt->method, attempt->response->status,
                              (uint64_t)sent_bytes, (uint64_t)received_bytes,
                              duration_us);
    return describe(attempt, code, duration_us);
}

char *
hr_attempt_finish_on_loop(HrAttempt *attempt, CURLcode code)
{
    char *line = account(attempt, code);

    /* One that failed half way may keep an upload's state; a new handle is
     * cheap beside a failure. */
    hr_loop_give_handle_on_loop(attempt->endpoint->loop, attempt->handle,
                                code == CURLE_OK);
    attempt->handle = NULL;
    return line;
}

char *
hr_attempt_stop_on_loop(HrAttempt *attempt)
{
    char *line;

    if (attempt->handle == NULL)
        return NULL;
    line = account(attempt, CURLE_ABORTED_BY_CALLBACK);
    hr_loop_stop_on_loop(attempt->endpoint->loop, attempt->handle);
    hr_loop_give_handle_on_loop(attempt->endpoint->loop, attempt->handle,
                                false);
    attempt->handle = NULL;
    return line;
}

void
hr_attempt_set_error(const HrAttempt *attempt, CURLcode code, GError **error)
{
    HrFailure failure = {
        .code = code,
        .host = attempt->host,
        .detail = attempt->detail,
        .ca_file = attempt->endpoint->ca_file,
        .os_error = attempt->os_error,
        .connected = attempt->connected_us > 0,
        .timeout_us = attempt->timeout_us,
        .connect_timeout_us =
            hr_endpoint_policy(attempt->endpoint)->connect_timeout_us,
    };

    if (attempt->forbidden)
        hr_error_set(error, HR_INVALID,
                     "%s, where the server sends us to, is at an address that "
                     "is private to this machine or its networks: it is not "
                     "asked (allow_private allows private networks)",
                     attempt->host);
    else
        hr_failure_set_error(&failure, error);
}
