/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failure: what a code of libcurl stands for. */
#include "net/failure.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

hr_status
hr_failure_status(const HrFailure *failure)
{
    switch (failure->code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SEND_FAIL_REWIND:
        return HR_NETWORK;
    case CURLE_OPERATION_TIMEDOUT:
        return HR_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
        /* A reset in the handshake is the network's, not a matter of
         * trust. */
        return failure->os_error == ECONNRESET ? HR_NETWORK : HR_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return HR_TLS;
    case CURLE_SSL_CACERT_BADFILE:
        return HR_CONFIG;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        return HR_INVALID;
    case CURLE_OUT_OF_MEMORY:
        return HR_LOCAL_RESOURCE;
    default:
        return HR_UNKNOWN;
    }
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
    hr_status status = hr_failure_status(failure);

    hr_error_set(error, status, "%s %s: %s",
                 status == HR_TLS ? "no secure connection to"
                                  : "request failed at",
                 failure->host, safe);
}

void
hr_failure_set_error(const HrFailure *failure, GError **error)
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
