/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names: grammars of the distribution specification, skopeo's spelling. */
#include "model/reference.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/error.h"

#define REPOSITORY_LIMIT 255
#define TAG_LIMIT 128

/* What people call docker.io, and what it was called once. */
#define DOCKER_HUB "docker.io"
#define OLD_DOCKER_HUB "index.docker.io"

#define TAG_GRAMMAR                                                           \
    "letters, digits, '_', '.' and '-', of which the last two do not come "   \
    "first, 128 characters at most"

static bool
is_alphanumeric(char c)
{
    return g_ascii_isdigit(c) || g_ascii_islower(c);
}

/* Length of a separator inside a component: one ".", one or two "_", any
 * number of "-"; 0 if there is none. */
static size_t
separator_length(const char *text)
{
    if (*text == '.')
        return 1;
    if (*text == '_')
        return text[1] == '_' ? 2 : 1;
    return strspn(text, "-");
}

/* Moves over [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*; NULL if there is none. */
static const char *
skip_component(const char *text)
{
    for (;;) {
        size_t separator;

        if (!is_alphanumeric(*text))
            return NULL;
        while (is_alphanumeric(*text))
            text++;
        separator = separator_length(text);
        if (separator == 0)
            return text;
        text += separator;
    }
}

bool
hr_repository_valid(const char *name)
{
    if (name == NULL || strlen(name) > REPOSITORY_LIMIT)
        return false;
    for (;;) {
        name = skip_component(name);
        if (name == NULL)
            return false;
        if (*name == '\0')
            return true;
        if (*name++ != '/')
            return false;
    }
}

bool
hr_tag_valid(const char *tag)
{
    size_t length = tag != NULL ? strlen(tag) : 0;

    return length > 0 && length <= TAG_LIMIT && tag[0] != '.' &&
           tag[0] != '-' &&
           strspn(tag, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                       "abcdefghijklmnopqrstuvwxyz_.-") == length;
}

bool
hr_reference_valid(const char *reference)
{
    return hr_tag_valid(reference) || hr_digest_valid(reference);
}

void
hr_place_free(HrPlace *place)
{
    if (place == NULL)
        return;
    g_free(place->host);
    g_free(place->directory);
    g_free(place->repository);
    g_free(place->reference);
    g_free(place);
}

/* Length of a name of dot-separated parts, each [a-zA-Z0-9] with '-' inside;
 * 0 if it is none. */
static size_t
host_name_length(const char *host)
{
    const char *end = host;

    for (;;) {
        size_t part = strspn(end, "0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");

        if (part == 0 || *end == '-' || end[part - 1] == '-')
            return 0;
        end += part;
        if (*end != '.')
            return (size_t)(end - host);
        end++;
    }
}

/* Length of "[ADDRESS]"; 0 if that is no IPv6 address. */
static size_t
host_address_length(const char *host)
{
    size_t length = strcspn(host, "]");
    g_autofree char *address = g_strndup(host + 1, MAX(length, 1) - 1);
    struct in6_addr unused;

    if (host[length] != ']' || inet_pton(AF_INET6, address, &unused) != 1)
        return 0;
    return length + 1;
}

/* host[:port], where host is a name, an IPv4 or a bracketed IPv6 address. */
static bool
host_valid(const char *host)
{
    size_t length =
        *host == '[' ? host_address_length(host) : host_name_length(host);
    const char *port = host + length + 1;
    size_t digits;

    if (length == 0)
        return false;
    if (host[length] == '\0')
        return true;
    digits = strspn(port, "0123456789");
    return host[length] == ':' && digits > 0 && digits <= 5 &&
           port[digits] == '\0' && atoi(port) > 0 && atoi(port) <= 65535;
}

/* The last '@' that no digest was meant to follow, or NULL. */
static const char *
find_user_end(const char *text)
{
    for (const char *at = text + strlen(text); at > text;) {
        at--;
        if (*at == '@' && !g_str_has_prefix(at, "@sha256:") &&
            !g_str_has_prefix(at, "@sha512:"))
            return at;
    }
    return NULL;
}

/* The text fit for a message: what stands before such an '@' may be a
 * password. */
static char *
hide_user(const char *text)
{
    const char *at = find_user_end(text);

    return at != NULL ? g_strconcat("***", at, NULL) : g_strdup(text);
}

/* A name is taken apart into these; the first two are never NULL. */
typedef struct Spelling {
    char *shown; /* as hide_user */
    char *name;
    char *tag;
    char *digest;
} Spelling;

static void
clear_spelling(Spelling *spelling)
{
    g_free(spelling->shown);
    g_free(spelling->name);
    g_free(spelling->tag);
    g_free(spelling->digest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Spelling, clear_spelling)

/* Splits "name:tag", "name@digest" or "name:tag@digest". */
static void
split_reference(const char *text, Spelling *spelling)
{
    const char *at = strrchr(text, '@');
    char *slash;
    char *colon;

    spelling->shown = hide_user(text);
    spelling->name =
        at != NULL ? g_strndup(text, (gsize)(at - text)) : g_strdup(text);
    spelling->digest = at != NULL ? g_strdup(at + 1) : NULL;
    slash = strrchr(spelling->name, '/');
    colon = strchr(slash != NULL ? slash : spelling->name, ':');
    if (colon != NULL) {
        spelling->tag = g_strdup(colon + 1);
        *colon = '\0';
    }
}

/* The first component is a host if it looks like one, for no repository may
 * look so; otherwise the name is one of Docker Hub. */
static bool
is_host(const char *first)
{
    g_autofree char *lower = g_ascii_strdown(first, -1);

    return strpbrk(first, ".:[") != NULL || strcmp(first, "localhost") == 0 ||
           strcmp(first, lower) != 0;
}

static void
split_host(HrPlace *place, const char *name)
{
    const char *slash = strchr(name, '/');
    g_autofree char *first =
        slash != NULL ? g_strndup(name, (gsize)(slash - name)) : NULL;

    if (first != NULL && is_host(first)) {
        place->host = g_steal_pointer(&first);
        name = slash + 1;
    } else {
        place->host = g_strdup(DOCKER_HUB);
    }
    if (strcmp(place->host, OLD_DOCKER_HUB) == 0) {
        g_free(place->host);
        place->host = g_strdup(DOCKER_HUB);
    }
    if (strcmp(place->host, DOCKER_HUB) == 0 && strchr(name, '/') == NULL)
        place->repository = g_strconcat("library/", name, NULL);
    else
        place->repository = g_strdup(name);
}

/* Docker takes a name of 64 hex digits for the id of a local image. */
static bool
is_identifier(const char *name)
{
    return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

static bool
check_name(const HrPlace *place, const Spelling *spelling, GError **error)
{
    g_autofree char *lower = g_ascii_strdown(place->repository, -1);

    if (!host_valid(place->host))
        return hr_error_set(error, HR_INVALID,
                            "docker://%s: '%s' is no host: write NAME, "
                            "ADDRESS or [IPV6-ADDRESS], then :PORT if it is "
                            "not the usual one",
                            spelling->shown, place->host);
    if (is_identifier(spelling->name))
        return hr_error_set(error, HR_INVALID,
                            "docker://%s: this is the id of an image, not a "
                            "name: write HOST/REPO:TAG or HOST/REPO@DIGEST",
                            spelling->shown);
    if (hr_repository_valid(place->repository))
        return true;
    if (hr_repository_valid(lower))
        return hr_error_set(error, HR_INVALID,
                            "docker://%s: '%s' is no repository name, for "
                            "they are in lower case: did you mean '%s'?",
                            spelling->shown, place->repository, lower);
    return hr_error_set(error, HR_INVALID,
                        "docker://%s: '%s' is no repository name: lower case "
                        "letters and digits, '.', '_', '__' or '-' between "
                        "them, parts separated by '/', %d characters at most",
                        spelling->shown, place->repository, REPOSITORY_LIMIT);
}

static bool
check_reference(const Spelling *spelling, GError **error)
{
    if (strchr(spelling->name, '@') != NULL ||
        (spelling->digest != NULL && !hr_digest_valid(spelling->digest)))
        return hr_error_set(error, HR_INVALID,
                            "docker://%s: what follows '@' is no digest "
                            "(sha256: and 64 hex digits in lower case); user "
                            "and password go to --src-creds and --dest-creds",
                            spelling->shown);
    if (spelling->tag != NULL && !hr_tag_valid(spelling->tag))
        return hr_error_set(error, HR_INVALID,
                            "docker://%s: '%s' is no tag: " TAG_GRAMMAR
                            "; a digest follows '@'",
                            spelling->shown, spelling->tag);
    return true;
}

static HrPlace *
parse_registry(const char *text, GError **error)
{
    g_autoptr(HrPlace) place = g_new0(HrPlace, 1);
    g_auto(Spelling) spelling = {0};

    place->kind = HR_PLACE_REGISTRY;
    split_reference(text, &spelling);
    /* First, for what is wrong there may be a password. */
    if (!check_reference(&spelling, error))
        return NULL;
    split_host(place, spelling.name);
    if (!check_name(place, &spelling, error))
        return NULL;
    /* With both it is the digest that counts. */
    place->reference = spelling.digest != NULL
                           ? g_steal_pointer(&spelling.digest)
                           : g_steal_pointer(&spelling.tag);
    return g_steal_pointer(&place);
}

static HrPlace *
parse_layout(const char *text, GError **error)
{
    g_autoptr(HrPlace) place = g_new0(HrPlace, 1);
    const char *colon = strrchr(text, ':');

    place->kind = HR_PLACE_LAYOUT;
    if (colon != NULL && strchr(colon, '/') == NULL) {
        place->directory = g_strndup(text, (gsize)(colon - text));
        place->reference = g_strdup(colon + 1);
    } else {
        place->directory = g_strdup(text);
    }
    if (*place->directory == '\0') {
        hr_error_set(error, HR_INVALID,
                     "oci:%s: the directory is missing: write oci:DIR:TAG",
                     text);
        return NULL;
    }
    /* skopeo would end the directory at its first colon. */
    if (strchr(place->directory, ':') != NULL) {
        hr_error_set(error, HR_INVALID,
                     "oci:%s: the directory '%s' has a ':' in its name, "
                     "which separates it from the tag: use another directory "
                     "or a symbolic link to it",
                     text, place->directory);
        return NULL;
    }
    if (place->reference != NULL && !hr_tag_valid(place->reference)) {
        hr_error_set(error, HR_INVALID, "oci:%s: '%s' is no tag: " TAG_GRAMMAR,
                     text, place->reference);
        return NULL;
    }
    return g_steal_pointer(&place);
}

/* What was meant by a place without its prefix, or NULL. */
static char *
suggest(const char *text)
{
    static const char *const registries[] = {"https://", "http://", "docker:/",
                                             "docker:"};

    for (unsigned i = 0; i < G_N_ELEMENTS(registries); i++)
        if (g_str_has_prefix(text, registries[i]))
            return g_strconcat("docker://", text + strlen(registries[i]),
                               NULL);
    /* Without what was hidden it would not help. */
    if (*text == '*')
        return NULL;
    if (*text == '/' || *text == '.')
        return g_strconcat("oci:", text, NULL);
    return strchr(text, '/') != NULL ? g_strconcat("docker://", text, NULL)
                                     : NULL;
}

HrPlace *
hr_place_parse(const char *text, GError **error)
{
    g_autofree char *shown = hide_user(text);
    g_autofree char *meant = suggest(shown);

    if (g_str_has_prefix(text, "docker://"))
        return parse_registry(text + strlen("docker://"), error);
    if (g_str_has_prefix(text, "oci:"))
        return parse_layout(text + strlen("oci:"), error);
    hr_error_set(error, HR_INVALID,
                 "'%s' is no place: write docker://HOST/REPO:TAG for a "
                 "registry or oci:DIR:TAG for a layout directory%s%s%s",
                 shown, meant != NULL ? "; did you mean '" : "",
                 meant != NULL ? meant : "", meant != NULL ? "'?" : "");
    return NULL;
}
