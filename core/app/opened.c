/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opened: an endpoint of the configuration in use. */
#include "app/opened.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "config/auth-file.h"
#include "config/secret-reference.h"
#include "net/address.h"

void
hr_opened_free(HrOpened *opened)
{
    if (opened == NULL)
        return;
    hr_blob_board_free(opened->board);
    hr_gathering_free(opened->gathering);
    hr_registry_close(opened->registry);
    hr_endpoint_free(opened->endpoint);
    hr_secret_unref(opened->password);
    g_clear_pointer(&opened->saved, g_ptr_array_unref);
    hr_certs_d_clear(&opened->certs);
    g_free(opened);
}

/* "HOST[:PORT]" of an address, as key rings and directories know it; "" if
 * there is none.  Caller frees. */
static char *
host_of(const char *url)
{
    const char *host = url != NULL ? strstr(url, "://") : NULL;

    if (host == NULL)
        return g_strdup("");
    host += strlen("://");
    return g_strndup(host, strcspn(host, "/"));
}

/* What weakens the transport is said at every run. */
static void
warn_about_transport(const HrEndpointConfig *config)
{
    g_autofree char *host = host_of(config->url);

    if (config->insecure)
        hr_log(HR_LOG_WARNING,
               "%s: certificates are not verified (tls.insecure): anybody on "
               "the way can read and change what is transferred",
               config->name);
    if (config->url != NULL && g_str_has_prefix(config->url, "http://") &&
        !hr_address_is_loopback(host))
        hr_log(HR_LOG_WARNING,
               "%s: %s is not encrypted: anybody on the way can read and "
               "change what is transferred",
               config->name, config->url);
}

static bool
resolve_password(HrOpened *opened, GError **error)
{
    const HrEndpointConfig *config = opened->config;
    g_autofree char *host = host_of(config->url);

    if (config->password == NULL)
        return true;
    if (config->password_inline) {
        opened->password = hr_secret_new(config->password);
        return true;
    }
    opened->password =
        hr_secret_reference_resolve(config->password, host, error);
    if (opened->password == NULL)
        g_prefix_error(error, "endpoint %s: ", config->name);
    return opened->password != NULL;
}

/* Where the configuration names no account, one that somebody logged in with
 * on this machine. */
static bool
find_saved_logins(const HrOpening *opening, HrOpened *opened, GError **error)
{
    const HrEndpointConfig *config = opened->config;
    const char *chosen = opening->auth_file;
    g_autofree char *host = host_of(config->url);

    if (config->username != NULL || config->url == NULL)
        return true;
    if (chosen == NULL && opening->config != NULL)
        chosen = opening->config->auth_file;
    opened->saved = hr_auth_file_find(chosen, host, error);
    if (opened->saved == NULL)
        g_prefix_error(error, "endpoint %s: ", config->name);
    return opened->saved != NULL;
}

static void
find_certificates(HrOpened *opened)
{
    const char *path = g_getenv("HARBOR_REPLICATOR_CERTS_D");
    const char *url = opened->config->url;
    g_auto(GStrv) directories = NULL;
    g_autofree char *host = host_of(url);

    if (url == NULL || !g_str_has_prefix(url, "https://"))
        return;
    if (path != NULL)
        directories = g_strsplit(path, ":", -1);
    hr_certs_d_find((const char *const *)directories, host, &opened->certs);
    if (opened->certs.directory != NULL)
        hr_log(HR_LOG_DEBUG, "%s: certificates from %s", opened->config->name,
               opened->certs.directory);
}

static unsigned
endpoint_index(const HrConfig *config, const HrEndpointConfig *endpoint)
{
    guint index = 0;

    g_ptr_array_find(config->endpoints, endpoint, &index);
    return index;
}

/* Endpoints that syncs connect, directly or through others, must share a
 * loop: the smallest index among them is the number of all. */
static unsigned
find_affinity(const HrConfig *config, const HrEndpointConfig *endpoint)
{
    g_autofree unsigned *label = NULL;
    bool changed = true;

    if (config == NULL)
        return 0;
    label = g_new(unsigned, config->endpoints->len);
    for (guint i = 0; i < config->endpoints->len; i++)
        label[i] = i;
    while (changed) {
        changed = false;
        for (guint i = 0; i < config->syncs->len; i++) {
            const HrSyncConfig *sync = config->syncs->pdata[i];
            unsigned *one = &label[endpoint_index(config, sync->source)];
            unsigned *other = &label[endpoint_index(config, sync->target)];

            changed |= *one != *other;
            *one = *other = MIN(*one, *other);
        }
    }
    return label[endpoint_index(config, endpoint)];
}

static bool
make_endpoint(const HrOpening *opening, HrOpened *opened, GError **error)
{
    const HrEndpointConfig *config = opened->config;
    unsigned count = opened->saved != NULL ? opened->saved->len : 0;
    g_autofree HrAccount *accounts = g_new0(HrAccount, (gsize)count + 1);
    HrEndpointSpec spec = {
        .name = config->name,
        .url = config->url,
        .username = config->username,
        .password = opened->password,
        .accounts = accounts,
        .account_count = count,
        .token_hosts = (const char *const *)config->token_hosts,
        .ca_file = config->ca_file,
        .ca_text = opened->certs.ca_text,
        .client_cert = config->client_cert != NULL ? config->client_cert
                                                   : opened->certs.cert,
        .client_key = config->client_key != NULL ? config->client_key
                                                 : opened->certs.key,
        .allow_private = config->allow_private,
        .insecure = config->insecure,
        .http1 = !config->http2,
        .policy = &config->policy,
        .rules = &config->rules,
        .affinity = find_affinity(opening->config, config),
        .settings = config->settings,
    };

    for (unsigned i = 0; i < count; i++) {
        const HrSavedLogin *saved = opened->saved->pdata[i];

        accounts[i] = (HrAccount){
            .prefix = saved->prefix,
            .username = saved->username,
            .password = saved->password,
            .identity_token = saved->identity_token,
            .registry_token = saved->registry_token,
        };
    }
    opened->endpoint = hr_endpoint_new(opening->net, &spec, error);
    return opened->endpoint != NULL;
}

HrOpened *
hr_opened_new(const HrOpening *opening, const HrEndpointConfig *config,
              GError **error)
{
    const hr_provider *provider = hr_plugins_provider(
        opening->plugins, HR_KIND_REGISTRY, config->type, error);
    g_autoptr(HrOpened) opened = NULL;
    g_autoptr(HrCall) call = NULL;

    if (provider == NULL)
        return NULL;
    opened = g_new0(HrOpened, 1);
    opened->config = config;
    call = hr_call_new(opening->cancel, HR_TIME_NEVER);
    find_certificates(opened);
    if (!resolve_password(opened, error) ||
        !find_saved_logins(opening, opened, error) ||
        !make_endpoint(opening, opened, error))
        return NULL;
    opened->registry = hr_registry_open(opening->plugins, provider,
                                        opened->endpoint, call, error);
    if (opened->registry == NULL)
        return NULL;
    warn_about_transport(config);
    return g_steal_pointer(&opened);
}
