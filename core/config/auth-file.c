/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Auth files: logins that other tools saved. */
#include "config/auth-file.h"

#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/log.h"
#include "config/secret-helper.h"
#include "model/json.h"

/* A key ring may ask for its own password first. */
#define HELPER_LIMIT_MS 30000

/* What docker saves the login of Docker Hub under. */
#define HUB_KEY "https://index.docker.io/v1/"

/* The user name that says that a helper's secret is a token. */
#define TOKEN_USER "<token>"

void
hr_saved_login_free(HrSavedLogin *login)
{
    if (login == NULL)
        return;
    g_free(login->prefix);
    g_free(login->username);
    hr_secret_unref(login->password);
    hr_secret_unref(login->identity_token);
    hr_secret_unref(login->registry_token);
    g_free(login);
}

static void
free_login(void *data)
{
    hr_saved_login_free(data);
}

static bool
is_hub(const char *host)
{
    static const char *const names[] = {"docker.io", "index.docker.io",
                                        "registry-1.docker.io", NULL};
    g_autofree char *lower = g_ascii_strdown(host, -1);

    return g_strv_contains(names, lower);
}

const char *
hr_auth_file_key(const char *host)
{
    return is_hub(host) ? HUB_KEY : host;
}

/* --------------------------------------------------------------- entries */

/* What a key of auths stands for. */
typedef struct Key {
    char *host;
    char *prefix;
    bool old; /* an address, as docker wrote them */
} Key;

static void
read_key(const char *text, Key *key)
{
    static const char *const versions[] = {"v1", "v2", NULL};
    const char *path;
    size_t length;

    key->old = g_str_has_prefix(text, "https://") ||
               g_str_has_prefix(text, "http://");
    if (key->old)
        text = strstr(text, "://") + 3;
    length = strcspn(text, "/");
    key->host = g_strndup(text, length);
    path = text[length] == '/' ? text + length + 1 : "";
    key->prefix = g_strdup(path);
    for (size_t end = strlen(path); end > 0 && path[end - 1] == '/';)
        key->prefix[--end] = '\0';
    if (g_strv_contains(versions, key->prefix))
        key->old = true;
    if (key->old)
        *key->prefix = '\0';
}

/* How well a key fits a host: 0 best, -1 not at all. */
static int
rank_key(const Key *key, const char *host)
{
    if (g_ascii_strcasecmp(key->host, host) == 0)
        return key->old ? 1 : 0;
    if (is_hub(key->host) && is_hub(host))
        return key->old ? 3 : 2;
    return -1;
}

static bool
take_text(const HrJson *entry, const char *name, const char **text,
          GError **error)
{
    HrJson *value = hr_json_get(entry, name);

    *text = hr_json_text(value);
    if (value != NULL && !hr_json_is_null(value) && *text == NULL)
        return hr_error_set(error, HR_CONFIG, "%s is no text", name);
    if (*text != NULL && **text == '\0')
        *text = NULL;
    return true;
}

/* "auth" is user name and password in one. */
static bool
take_auth(const char *auth, HrSavedLogin *login, GError **error)
{
    gsize size = 0;
    guchar *bytes;
    char *pair;
    char *colon;
    bool good = false;

    if (strspn(auth, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                     "0123456789+/=") != strlen(auth))
        return hr_error_set(error, HR_CONFIG, "its auth is not base64");
    bytes = g_base64_decode(auth, &size);
    pair = g_strndup((const char *)bytes, size);
    colon = strchr(pair, ':');
    if (colon == NULL) {
        hr_error_set(error, HR_CONFIG, "its auth is not USER:PASSWORD");
    } else {
        *colon = '\0';
        login->username = g_strdup(pair);
        login->password = hr_secret_new(colon + 1);
        *colon = ':';
        good = true;
    }
    hr_secret_wipe(bytes, size);
    hr_secret_wipe(pair, size);
    g_free(bytes);
    g_free(pair);
    return good;
}

/* One entry; NULL without an error for one that holds nothing. */
static HrSavedLogin *
read_entry(const HrJson *entry, GError **error)
{
    g_autoptr(HrSavedLogin) login = g_new0(HrSavedLogin, 1);
    const char *auth;
    const char *username;
    const char *password;
    const char *identity;
    const char *registry;

    if (!hr_json_is_object(entry)) {
        hr_error_set(error, HR_CONFIG, "it is no object");
        return NULL;
    }
    if (!take_text(entry, "auth", &auth, error) ||
        !take_text(entry, "username", &username, error) ||
        !take_text(entry, "password", &password, error) ||
        !take_text(entry, "identitytoken", &identity, error) ||
        !take_text(entry, "registrytoken", &registry, error))
        return NULL;
    if (auth != NULL) {
        if (!take_auth(auth, login, error))
            return NULL;
    } else if (username != NULL) {
        login->username = g_strdup(username);
        login->password = hr_secret_new(password != NULL ? password : "");
    }
    if (identity != NULL)
        login->identity_token = hr_secret_new(identity);
    if (registry != NULL)
        login->registry_token = hr_secret_new(registry);
    if (login->username == NULL && identity == NULL && registry == NULL)
        return NULL;
    return g_steal_pointer(&login);
}

/* ------------------------------------------------------------------ text */

typedef struct Search {
    const char *host;
    GPtrArray *logins;
    GArray *ranks; /* int: of the logins */
    GError *error;
} Search;

static void
add_login(Search *search, HrSavedLogin *login, int rank)
{
    for (guint i = 0; i < search->logins->len; i++) {
        HrSavedLogin *known = search->logins->pdata[i];

        if (strcmp(known->prefix, login->prefix) != 0)
            continue;
        if (g_array_index(search->ranks, int, i) > rank) {
            hr_saved_login_free(known);
            search->logins->pdata[i] = login;
            g_array_index(search->ranks, int, i) = rank;
        } else {
            hr_saved_login_free(login);
        }
        return;
    }
    g_ptr_array_add(search->logins, login);
    g_array_append_val(search->ranks, rank);
}

static void
look_at_entry(const char *name, HrJson *entry, void *data)
{
    Search *search = data;
    HrSavedLogin *login = NULL;
    Key key;
    int rank;

    read_key(name, &key);
    rank = rank_key(&key, search->host);
    if (rank >= 0 && search->error == NULL) {
        login = read_entry(entry, &search->error);
        if (search->error != NULL)
            g_prefix_error(&search->error, "auths[\"%s\"]: ", name);
    }
    if (login != NULL) {
        login->prefix = g_strdup(key.prefix);
        add_login(search, login, rank);
    }
    g_free(key.host);
    g_free(key.prefix);
}

/* The file as JSON; an empty one holds nothing. */
static HrJson *
parse_text(const char *text, GError **error)
{
    g_autoptr(HrJson) file = NULL;
    g_autoptr(GError) malformed = NULL;

    if (text[strspn(text, " \t\r\n")] == '\0')
        return hr_json_new_object();
    file = hr_json_parse(text, strlen(text), &malformed);
    if (file == NULL) {
        hr_error_set(error, HR_CONFIG, "%s", malformed->message);
        return NULL;
    }
    if (!hr_json_is_object(file)) {
        hr_error_set(error, HR_CONFIG, "it is no object");
        return NULL;
    }
    return g_steal_pointer(&file);
}

GPtrArray *
hr_auth_file_read(const char *text, const char *host, GError **error)
{
    HrJson *file = parse_text(text, error);
    HrJson *auths = hr_json_get(file, "auths");
    g_autoptr(GArray) ranks = g_array_new(false, false, sizeof(int));
    Search search = {.host = host,
                     .logins = g_ptr_array_new_with_free_func(free_login),
                     .ranks = ranks};

    if (auths != NULL && !hr_json_is_object(auths) && !hr_json_is_null(auths))
        hr_error_set(&search.error, HR_CONFIG, "auths is no object");
    else
        hr_json_foreach(auths, look_at_entry, &search);
    hr_json_wipe(file);
    if (file == NULL || search.error != NULL) {
        if (search.error != NULL)
            g_propagate_error(error, search.error);
        g_ptr_array_unref(search.logins);
        return NULL;
    }
    return search.logins;
}

typedef struct HelperSearch {
    const char *host;
    char *found;
} HelperSearch;

static void
look_at_helper(const char *name, HrJson *value, void *data)
{
    HelperSearch *search = data;
    Key key;

    read_key(name, &key);
    if (search->found == NULL && rank_key(&key, search->host) >= 0)
        search->found = g_strdup(hr_json_text(value));
    g_free(key.host);
    g_free(key.prefix);
}

char *
hr_auth_file_helper(const char *text, const char *host, bool *for_host)
{
    HrJson *file = parse_text(text, NULL);
    HelperSearch search = {.host = host};
    bool own;

    hr_json_foreach(hr_json_get(file, "credHelpers"), look_at_helper, &search);
    own = search.found != NULL;
    if (!own)
        search.found = g_strdup(hr_json_text(hr_json_get(file, "credsStore")));
    if (search.found == NULL)
        search.found = g_strdup("");
    if (for_host != NULL)
        *for_host = own;
    hr_json_wipe(file);
    return search.found;
}

/* ----------------------------------------------------------------- files */

static void
add_path(GPtrArray *paths, const char *directory, const char *rest)
{
    if (directory != NULL && *directory != '\0')
        g_ptr_array_add(paths, g_build_filename(directory, rest, NULL));
}

char **
hr_auth_file_paths(const char *chosen)
{
    GPtrArray *paths = g_ptr_array_new();
    const char *docker = g_getenv("DOCKER_CONFIG");

    if (chosen == NULL)
        chosen = g_getenv("REGISTRY_AUTH_FILE");
    if (chosen != NULL) {
        if (*chosen != '\0')
            g_ptr_array_add(paths, g_strdup(chosen));
    } else {
        add_path(paths, g_getenv("XDG_RUNTIME_DIR"), "containers/auth.json");
        add_path(paths, g_getenv("XDG_CONFIG_HOME"), "containers/auth.json");
        add_path(paths, g_getenv("HOME"), ".config/containers/auth.json");
        add_path(paths, docker, "config.json");
        if (docker == NULL || *docker == '\0')
            add_path(paths, g_getenv("HOME"), ".docker/config.json");
    }
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(paths, false);
}

static void
ask_helper(const char *text, const char *host, GPtrArray *logins)
{
    bool for_host;
    g_autofree char *helper = hr_auth_file_helper(text, host, &for_host);
    g_autofree char *username = NULL;
    g_autoptr(HrSecret) secret = NULL;
    g_autoptr(GError) error = NULL;
    HrSavedLogin *login;

    if (*helper == '\0')
        return;
    secret = hr_secret_helper_ask(helper, hr_auth_file_key(host),
                                  HELPER_LIMIT_MS, &username, &error);
    if (secret == NULL) {
        /* A key ring for everything need not have everything. */
        hr_log(for_host ? HR_LOG_WARNING : HR_LOG_DEBUG, "%s", error->message);
        return;
    }
    login = g_new0(HrSavedLogin, 1);
    login->prefix = g_strdup("");
    if (g_strcmp0(username, TOKEN_USER) == 0) {
        login->identity_token = g_steal_pointer(&secret);
    } else {
        login->username = g_steal_pointer(&username);
        login->password = g_steal_pointer(&secret);
    }
    g_ptr_array_add(logins, login);
}

/* NULL without an error if the file is not there. */
static GPtrArray *
find_in(const char *path, const char *host, GError **error)
{
    g_autoptr(GPtrArray) logins = g_ptr_array_new_with_free_func(free_login);
    g_autoptr(GPtrArray) saved = NULL;
    g_autoptr(GError) missing = NULL;
    char *text = NULL;
    gsize size = 0;
    struct stat status;

    if (!g_file_get_contents(path, &text, &size, &missing)) {
        if (!g_error_matches(missing, G_FILE_ERROR, G_FILE_ERROR_NOENT) &&
            !g_error_matches(missing, G_FILE_ERROR, G_FILE_ERROR_NOTDIR))
            hr_log(HR_LOG_WARNING, "logins: %s", missing->message);
        return NULL;
    }
    if (stat(path, &status) == 0 && (status.st_mode & 077) != 0)
        hr_log(HR_LOG_WARNING,
               "%s holds passwords and can be read by others: chmod 600 it",
               path);
    saved = hr_auth_file_read(text, host, error);
    if (saved != NULL) {
        ask_helper(text, host, logins);
        while (saved->len > 0 && logins->len == 0)
            g_ptr_array_add(logins, g_ptr_array_steal_index(saved, 0));
        while (saved->len > 0) {
            HrSavedLogin *login = g_ptr_array_steal_index(saved, 0);
            const HrSavedLogin *first = logins->pdata[0];

            /* The helper's is for all of the host. */
            if (strcmp(login->prefix, first->prefix) == 0)
                hr_saved_login_free(login);
            else
                g_ptr_array_add(logins, login);
        }
    } else {
        g_prefix_error(error, "%s: ", path);
    }
    hr_secret_wipe(text, size);
    g_free(text);
    return saved != NULL ? g_steal_pointer(&logins) : NULL;
}

GPtrArray *
hr_auth_file_find(const char *chosen, const char *host, GError **error)
{
    g_auto(GStrv) paths = hr_auth_file_paths(chosen);

    for (char **path = paths; *path != NULL; path++) {
        GError *failure = NULL;
        GPtrArray *logins = find_in(*path, host, &failure);

        if (failure != NULL) {
            g_propagate_error(error, failure);
            return NULL;
        }
        if (logins != NULL && logins->len > 0) {
            hr_log(HR_LOG_DEBUG, "the login for %s is from %s", host, *path);
            return logins;
        }
        if (logins != NULL)
            g_ptr_array_unref(logins);
        else if (chosen != NULL)
            hr_log(HR_LOG_WARNING, "there is no file %s", chosen);
    }
    return g_ptr_array_new_with_free_func(free_login);
}
