/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failure: what a code of libcurl stands for. */
#include "net/failure.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

#define IS(category, eligible)                                                \
    ((HrClassification){HR_##category, HR_RETRY_##eligible})

/* By code.  Those not named are local mistakes or protocols that are never
 * spoken here. */
static HrClassification
classify_code(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return IS(OK, NEVER);
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return IS(NETWORK, ALWAYS);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_UPLOAD_FAILED:
    case CURLE_INTERFACE_FAILED:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_AGAIN:
        return IS(NETWORK, IF_IDEMPOTENT);
    case CURLE_NO_CONNECTION_AVAILABLE:
        return IS(NETWORK, ALWAYS);
    case CURLE_OPERATION_TIMEDOUT:
        return IS(TIMEOUT, IF_IDEMPOTENT);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CRL_BADFILE:
        return IS(TLS, NEVER);
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
        return IS(CONFIG, NEVER);
    case CURLE_LOGIN_DENIED:
    case CURLE_AUTH_ERROR:
    case CURLE_REMOTE_ACCESS_DENIED:
        return IS(AUTH_DENIED, NEVER);
    case CURLE_REMOTE_FILE_NOT_FOUND:
    case CURLE_FILE_COULDNT_READ_FILE:
        return IS(NOT_FOUND, NEVER);
    case CURLE_REMOTE_DISK_FULL:
        return IS(QUOTA, PARK);
    case CURLE_OUT_OF_MEMORY:
    case CURLE_READ_ERROR:
    case CURLE_WRITE_ERROR:
        return IS(LOCAL_RESOURCE, PARK);
    case CURLE_ABORTED_BY_CALLBACK:
        return IS(CANCELLED, NEVER);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP_RETURNED_ERROR:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_RANGE_ERROR:
    case CURLE_BAD_DOWNLOAD_RESUME:
    case CURLE_CHUNK_FAILED:
        return IS(INVALID, NEVER);
    case CURLE_FAILED_INIT:
    case CURLE_NOT_BUILT_IN:
    case CURLE_FUNCTION_NOT_FOUND:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
    case CURLE_SETOPT_OPTION_SYNTAX:
        return IS(BUG, NEVER);
    default:
        return IS(UNKNOWN, IF_IDEMPOTENT);
    }
}

HrClassification
hr_failure_classify(const HrFailure *failure)
{
    HrClassification is = classify_code(failure->code);

    /* A reset in the handshake is the network's, not a matter of trust. */
    if (failure->code == CURLE_SSL_CONNECT_ERROR &&
        failure->os_error == ECONNRESET)
        return IS(NETWORK, ALWAYS);
    /* Nothing can have been done before there was a connection. */
    if (failure->code == CURLE_OPERATION_TIMEDOUT && !failure->connected)
        is.eligibility = HR_RETRY_ALWAYS;
    return is;
}

static void
set_timeout_error(const HrFailure *failure, GError **error)
{
    int64_t us = failure->connected
                     ? failure->timeout_us
                     : MIN(failure->connect_timeout_us, failure->timeout_us);
    g_autofree char *time = hr_text_format_duration(us);

    if (failure->connected)
        hr_error_set(error, HR_TIMEOUT, "no answer from %s within %s",
                     failure->host, time);
    else
        hr_error_set(error, HR_TIMEOUT,
                     "no connection to %s within %s: check that it runs and "
                     "that no firewall is between",
                     failure->host, time);
}

static void
set_connect_error(const HrFailure *failure, GError **error)
{
    if (failure->os_error == ECONNREFUSED || failure->os_error == 0)
        hr_error_set(error, HR_NETWORK,
                     "%s refuses connections: check that it runs and that "
                     "the url is right",
                     failure->host);
    else
        hr_error_set(error, HR_NETWORK, "cannot connect to %s: %s",
                     failure->host, g_strerror(failure->os_error));
}

/* Everything that has no sentence of its own. */
static void
set_other_error(const HrFailure *failure, GError **error)
{
    const char *words = *failure->detail != '\0'
                            ? failure->detail
                            : curl_easy_strerror(failure->code);
    g_autofree char *safe = hr_text_one_line(words);
    hr_status status = hr_failure_classify(failure).status;

    hr_error_set(error, status, "%s %s: %s",
                 status == HR_TLS ? "no secure connection to"
                                  : "request failed at",
                 failure->host, safe);
}

static void
set_sentence(const HrFailure *failure, GError **error)
{
    g_autofree char *detail = hr_text_one_line(failure->detail);

    switch (failure->code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        hr_error_set(error, HR_NETWORK,
                     "the name of %s is unknown: check the url and the name "
                     "service of this machine",
                     failure->host);
        break;
    case CURLE_COULDNT_RESOLVE_PROXY:
        hr_error_set(error, HR_NETWORK,
                     "the name of the proxy for %s is unknown: check "
                     "HTTP_PROXY, HTTPS_PROXY and NO_PROXY",
                     failure->host);
        break;
    case CURLE_COULDNT_CONNECT:
        set_connect_error(failure, error);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        set_timeout_error(failure, error);
        break;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        hr_error_set(error, HR_NETWORK,
                     "%s closed the connection before it had answered: %s",
                     failure->host, detail);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
        hr_error_set(error, HR_TLS,
                     "the certificate of %s is not trusted: %s: set tls.ca "
                     "to the file of its certificate authority, or correct "
                     "the url",
                     failure->host, detail);
        break;
    case CURLE_SSL_CACERT_BADFILE:
        hr_error_set(
            error, HR_CONFIG, "the certificates of %s (tls.ca) cannot be read",
            failure->ca_file != NULL ? failure->ca_file : "the system");
        break;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        hr_error_set(error, HR_INVALID,
                     "what answers at %s does not speak HTTP: check the url",
                     failure->host);
        break;
    default:
        set_other_error(failure, error);
    }
}

void
hr_failure_set_error(const HrFailure *failure, GError **error)
{
    g_autoptr(GError) made = NULL;
    HrClassification is = hr_failure_classify(failure);
    HrErrorDetails *details;

    set_sentence(failure, &made);
    made->code = is.status;
    details = hr_error_details(made);
    details->eligibility = is.eligibility;
    details->classified = true;
    g_propagate_error(error, g_steal_pointer(&made));
}
