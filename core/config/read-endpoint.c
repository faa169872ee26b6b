/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads an entry of endpoints, and the credentials that it may refer to. */
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "config/loader.h"
#include "config/secret-reference.h"

#define ENDPOINT "endpoints[]"
#define CREDENTIALS "credentials[]"

/* True if users other than the owner can read the file that a setting stands
 * in. */
static bool
is_open_to_others(const HrLoader *loader, const config_setting_t *setting)
{
    g_autofree char *file = hr_reader_file(&loader->reader, setting);
    struct stat status;

    if (!loader->from_file && config_setting_source_file(setting) == NULL)
        return false;
    return stat(file, &status) == 0 && (status.st_mode & 077) != 0;
}

static void
check_inline(HrLoader *loader, const config_setting_t *group,
             const char *place)
{
    const config_setting_t *spot = hr_reader_spot(group, "password");

    if (!loader->config->allow_inline_secrets)
        hr_reader_mistake(&loader->reader, spot, place,
                          "is the secret itself: write where it is, as "
                          "\"env:NAME\", \"file:/PATH\", \"cred:NAME\" or "
                          "\"exec:HELPER\", or set allow_inline_secrets = "
                          "true");
    else if (is_open_to_others(loader, spot))
        hr_reader_mistake(&loader->reader, spot, place,
                          "is a secret in a file that others can read: run "
                          "chmod 600 on the file");
}

/* The password of a group, a reference or not. */
static char *
read_password(HrLoader *loader, const config_setting_t *group,
              const char *path, bool *is_inline)
{
    g_autofree char *place = g_strconcat(path, ".password", NULL);
    char *password = hr_reader_text(&loader->reader, group, path, "password");
    const char *problem;

    *is_inline = false;
    if (password == NULL || *password == '\0')
        return password;
    problem = hr_secret_reference_problem(password);
    if (problem != NULL)
        hr_reader_mistake(&loader->reader, hr_reader_spot(group, "password"),
                          place, "%s", problem);
    else if (!hr_secret_reference_valid(password))
        *is_inline = true;
    if (*is_inline)
        check_inline(loader, group, place);
    return password;
}

static char *
read_username(HrLoader *loader, const config_setting_t *group,
              const char *path)
{
    g_autofree char *place = g_strconcat(path, ".username", NULL);
    char *username = hr_reader_text(&loader->reader, group, path, "username");

    for (const char *c = username; c != NULL && *c != '\0'; c++)
        if (*c == ':' || g_ascii_iscntrl(*c)) {
            hr_reader_mistake(&loader->reader,
                              hr_reader_spot(group, "username"), place,
                              "may contain neither ':' nor control "
                              "characters");
            break;
        }
    return username;
}

static bool
is_empty(const char *text)
{
    return text == NULL || *text == '\0';
}

/* One without the other.  What is missing in credentials, or was a mistake,
 * was told already. */
static void
check_pair(HrReader *reader, const config_setting_t *group, const char *path,
           const HrEndpointConfig *endpoint)
{
    bool named = config_setting_get_member(group, "username") != NULL;
    bool guarded = config_setting_get_member(group, "password") != NULL;
    bool told = strcmp(path, CREDENTIALS) == 0;

    if (is_empty(endpoint->username) && !is_empty(endpoint->password) &&
        (named ? endpoint->username != NULL : !told))
        hr_reader_mistake(reader, hr_reader_spot(group, "password"), path,
                          "has a password, but no username");
    if (!is_empty(endpoint->username) && is_empty(endpoint->password) &&
        (guarded ? endpoint->password != NULL : !told))
        hr_reader_mistake(reader, hr_reader_spot(group, "username"), path,
                          "has a username, but no password");
}

/* Reads user name and password of a group.  Empty ones, as from
 * "${USER:-}", stand for none. */
static void
read_login(HrLoader *loader, const config_setting_t *group, const char *path,
           HrEndpointConfig *endpoint)
{
    HrReader *reader = &loader->reader;

    endpoint->username = read_username(loader, group, path);
    endpoint->password =
        read_password(loader, group, path, &endpoint->password_inline);
    check_pair(reader, group, path, endpoint);
    if (is_empty(endpoint->username))
        g_clear_pointer(&endpoint->username, g_free);
    if (is_empty(endpoint->password))
        g_clear_pointer(&endpoint->password, g_free);
}

void
hr_loader_check_credentials(HrLoader *loader, const config_setting_t *group)
{
    g_autoptr(HrEndpointConfig) unused = g_new0(HrEndpointConfig, 1);
    g_autofree char *name = NULL;

    hr_reader_check_group(&loader->reader, group, CREDENTIALS, NULL, false);
    name = hr_loader_name(loader, group, CREDENTIALS);
    read_login(loader, group, CREDENTIALS, unused);
}

static void
read_credentials(HrLoader *loader, const config_setting_t *group,
                 HrEndpointConfig *endpoint)
{
    HrReader *reader = &loader->reader;
    g_autofree char *name =
        hr_reader_text(reader, group, ENDPOINT, "credentials");
    const config_setting_t *named;

    if (name == NULL) {
        read_login(loader, group, ENDPOINT, endpoint);
        return;
    }
    if (config_setting_get_member(group, "username") != NULL ||
        config_setting_get_member(group, "password") != NULL)
        hr_reader_mistake(reader, hr_reader_spot(group, "credentials"),
                          ENDPOINT ".credentials",
                          "stands beside username or password: keep one of "
                          "the two");
    named = hr_loader_named(loader, "credentials", name, group, ENDPOINT,
                            "credentials");
    if (named != NULL)
        read_login(loader, named, CREDENTIALS, endpoint);
}

/* A file that is there, as an absolute path; or NULL. */
static char *
read_file_name(HrReader *reader, const config_setting_t *tls, const char *name)
{
    g_autofree char *text = hr_reader_text(reader, tls, ENDPOINT ".tls", name);
    g_autofree char *place = g_strconcat(ENDPOINT ".tls.", name, NULL);
    char *path;

    if (text == NULL)
        return NULL;
    path = g_canonicalize_filename(text, reader->directory);
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR))
        hr_reader_mistake(reader, hr_reader_spot(tls, name), place,
                          "there is no file %s", path);
    return path;
}

static void
read_tls(HrLoader *loader, const config_setting_t *group,
         HrEndpointConfig *endpoint)
{
    HrReader *reader = &loader->reader;
    const config_setting_t *tls = hr_reader_group(group, "tls");

    endpoint->insecure =
        hr_reader_number(reader, tls, ENDPOINT ".tls", "insecure") != 0;
    endpoint->ca_file = read_file_name(reader, tls, "ca");
    endpoint->client_cert = read_file_name(reader, tls, "cert");
    endpoint->client_key = read_file_name(reader, tls, "key");
    if ((endpoint->client_cert != NULL) != (endpoint->client_key != NULL))
        hr_reader_mistake(reader, hr_reader_spot(group, "tls"),
                          ENDPOINT ".tls",
                          "names one of cert and key: both are needed");
    endpoint->allow_private =
        hr_reader_number(reader, group, ENDPOINT, "allow_private") != 0;
    endpoint->http2 = hr_reader_number(reader, group, ENDPOINT, "http2") != 0;
    endpoint->token_hosts =
        hr_reader_texts(reader, group, ENDPOINT, "token_hosts");
}

/* What is wrong with an address, or NULL. */
static const char *
find_url_problem(const char *url)
{
    const char *authority = strstr(url, "://");
    size_t length;

    if (!g_str_has_prefix(url, "https://") &&
        !g_str_has_prefix(url, "http://"))
        return "is not of the form https://HOST[:PORT][/PATH]";
    authority += strlen("://");
    length = strcspn(authority, "/?#");
    if (memchr(authority, '@', length) != NULL)
        return "contains credentials: write them as username and password";
    if (length == 0 || *authority == ':')
        return "names no host: write https://HOST[:PORT][/PATH]";
    if (strpbrk(authority, "?#") != NULL)
        return "has a query or fragment: an address ends with its path";
    for (const char *c = url; *c != '\0'; c++)
        if (*c == ' ' || *c == '\\' || *c == '"' || !g_ascii_isprint(*c))
            return "contains characters that no address has";
    return NULL;
}

static char *
read_url(HrReader *reader, const config_setting_t *group)
{
    g_autofree char *url = hr_reader_text(reader, group, ENDPOINT, "url");
    g_autofree char *shown = NULL;
    const char *problem;

    if (url == NULL)
        return NULL;
    problem = find_url_problem(url);
    if (problem == NULL)
        return g_steal_pointer(&url);
    shown = hr_text_redact_url(url);
    hr_reader_mistake(reader, hr_reader_spot(group, "url"), ENDPOINT ".url",
                      "'%s' %s", shown, problem);
    return NULL;
}

void
hr_loader_read_endpoint(HrLoader *loader, const config_setting_t *group)
{
    HrReader *reader = &loader->reader;
    g_autoptr(HrEndpointConfig) endpoint = g_new0(HrEndpointConfig, 1);
    const hr_provider *provider = NULL;

    hr_reader_place(reader, group, &endpoint->place);
    endpoint->settings = hr_settings_new();
    endpoint->type = hr_reader_text(reader, group, ENDPOINT, "type");
    if (endpoint->type != NULL)
        provider = hr_loader_provider(loader, group, ENDPOINT, "type",
                                      HR_KIND_REGISTRY, endpoint->type);
    /* Without its provider, nobody knows which options are right. */
    hr_reader_check_group(reader, group, ENDPOINT,
                          provider != NULL ? provider->options : NULL,
                          provider == NULL);
    endpoint->name = hr_loader_name(loader, group, ENDPOINT);
    endpoint->url = read_url(reader, group);
    read_credentials(loader, group, endpoint);
    read_tls(loader, group, endpoint);
    hr_loader_read_policy(loader, group, endpoint);
    if (provider != NULL)
        hr_reader_options(reader, group, group, ENDPOINT, provider,
                          endpoint->settings);
    if (endpoint->name != NULL)
        g_ptr_array_add(loader->config->endpoints, g_steal_pointer(&endpoint));
}
