/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Origin check: may an address that a server gave us be used?  Parsed by
 * libcurl, so that it is read as it will be used. */
#include "net/origin.h"

#include <curl/curl.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

/* Longest address taken from a server. */
#define URL_LIMIT 8192

typedef struct Address {
    char *scheme;
    char *host;
    char *port;
    char *user;
} Address;

static void
clear_address(Address *address)
{
    curl_free(address->scheme);
    curl_free(address->host);
    curl_free(address->port);
    curl_free(address->user);
}

static bool
read_address(CURLU *url, Address *address)
{
    /* A missing user is no mistake. */
    (void)curl_url_get(url, CURLUPART_USER, &address->user, 0);
    return curl_url_get(url, CURLUPART_SCHEME, &address->scheme, 0) ==
               CURLUE_OK &&
           curl_url_get(url, CURLUPART_HOST, &address->host, 0) == CURLUE_OK &&
           curl_url_get(url, CURLUPART_PORT, &address->port,
                        CURLU_DEFAULT_PORT) == CURLUE_OK;
}

static bool
same_address(const Address *one, const Address *other)
{
    return strcmp(one->scheme, other->scheme) == 0 &&
           g_ascii_strcasecmp(one->host, other->host) == 0 &&
           strcmp(one->port, other->port) == 0;
}

static bool
check_rules(const Address *from, const Address *to, HrOriginPurpose purpose,
            GError **error)
{
    bool same = same_address(from, to);

    if (to->user != NULL)
        return hr_error_set(error, HR_INVALID, "it carries a user name");
    if (strcmp(to->scheme, "https") != 0 && strcmp(to->scheme, "http") != 0)
        return hr_error_set(error, HR_INVALID, "it is not http or https");
    if (strcmp(from->scheme, "https") == 0 && strcmp(to->scheme, "https") != 0)
        return hr_error_set(error, HR_INVALID, "it leads from https to http");
    /* What a resolver makes of other letters is not what was compared. */
    if (!same && !g_str_is_ascii(to->host))
        return hr_error_set(error, HR_INVALID,
                            "the name of its host is not written in ASCII");
    if (!same && purpose != HR_ORIGIN_REDIRECT)
        return hr_error_set(error, HR_INVALID,
                            "it leads to another host, %s:%s", to->host,
                            to->port);
    return true;
}

static char *
check_urls(CURLU *from_url, CURLU *to_url, HrOriginPurpose purpose,
           bool *same_origin, GError **error)
{
    Address from = {0};
    Address to = {0};
    char *text = NULL;
    char *copy = NULL;

    if (!read_address(from_url, &from) || !read_address(to_url, &to))
        hr_error_set(error, HR_INVALID, "it is no complete URL");
    else if (check_rules(&from, &to, purpose, error) &&
             curl_url_get(to_url, CURLUPART_URL, &text, 0) == CURLUE_OK)
        copy = g_strdup(text);
    if (copy != NULL && same_origin != NULL)
        *same_origin = same_address(&from, &to);
    curl_free(text);
    clear_address(&from);
    clear_address(&to);
    return copy;
}

/* Registries whose token server is known to be elsewhere. */
static const struct {
    const char *registry;
    const char *tokens;
} known_realms[] = {
    {"registry-1.docker.io", "auth.docker.io"},
    {"registry.gitlab.com", "gitlab.com"},
};

static bool
is_token_host(const Address *from, const Address *to,
              const char *const *token_hosts)
{
    g_autofree char *with_port = g_strconcat(to->host, ":", to->port, NULL);

    if (g_ascii_strcasecmp(from->host, to->host) == 0)
        return true;
    for (unsigned i = 0; i < G_N_ELEMENTS(known_realms); i++)
        if (strcmp(to->scheme, "https") == 0 &&
            g_ascii_strcasecmp(known_realms[i].registry, from->host) == 0 &&
            g_ascii_strcasecmp(known_realms[i].tokens, to->host) == 0)
            return true;
    for (; token_hosts != NULL && *token_hosts != NULL; token_hosts++)
        if (g_ascii_strcasecmp(*token_hosts, to->host) == 0 ||
            g_ascii_strcasecmp(*token_hosts, with_port) == 0)
            return true;
    return false;
}

/* libcurl would mend what is no URL; we do not guess what was meant. */
static bool
has_blanks(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= 0x20 || *text == 0x7f)
            return true;
    return false;
}

char *
hr_origin_check(const char *base, const char *given, HrOriginPurpose purpose,
                bool *same_origin, GError **error)
{
    CURLU *from = curl_url();
    CURLU *to = curl_url();
    char *result = NULL;

    if (strlen(given) > URL_LIMIT)
        hr_error_set(error, HR_INVALID, "it is longer than %d bytes",
                     URL_LIMIT);
    else if (has_blanks(given))
        hr_error_set(error, HR_INVALID, "it has blanks or control characters");
    else if (curl_url_set(from, CURLUPART_URL, base, 0) != CURLUE_OK ||
             curl_url_set(to, CURLUPART_URL, base, 0) != CURLUE_OK ||
             curl_url_set(to, CURLUPART_URL, given,
                          CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        hr_error_set(error, HR_INVALID, "it is no URL");
    else
        result = check_urls(from, to, purpose, same_origin, error);
    curl_url_cleanup(from);
    curl_url_cleanup(to);
    if (result == NULL) {
        g_autofree char *redacted = hr_text_redact_url(given);
        g_autofree char *safe = hr_text_one_line(redacted);

        g_prefix_error(error,
                       "the server gave an address that is not used: "
                       "%.200s: ",
                       safe);
    }
    return result;
}

char *
hr_origin_check_realm(const char *base, const char *realm,
                      const char *const *token_hosts, bool *trusted,
                      GError **error)
{
    char *checked =
        hr_origin_check(base, realm, HR_ORIGIN_REDIRECT, NULL, error);
    CURLU *from_url;
    CURLU *to_url;
    Address from = {0};
    Address to = {0};

    *trusted = false;
    if (checked == NULL)
        return NULL;
    from_url = curl_url();
    to_url = curl_url();
    if (curl_url_set(from_url, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(to_url, CURLUPART_URL, checked, 0) == CURLUE_OK &&
        read_address(from_url, &from) && read_address(to_url, &to))
        *trusted = is_token_host(&from, &to, token_hosts);
    clear_address(&from);
    clear_address(&to);
    curl_url_cleanup(from_url);
    curl_url_cleanup(to_url);
    return checked;
}
