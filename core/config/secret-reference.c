/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secret references: where a secret is, instead of the secret. */
#include "config/secret-reference.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "config/auth-file.h"
#include "config/secret-helper.h"

#define SECRET_LIMIT 65536
#define HELPER_LIMIT_MS 30000

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* A way to refer to a secret. */
typedef struct Scheme {
    const char *prefix;
    bool (*valid)(const char *rest);
    const char *problem;
    HrSecret *(*read)(const char *rest, const char *server, GError **error);
} Scheme;

/* ---------------------------------------------------------- environment */

static bool
variable_valid(const char *name)
{
    return *name != '\0' && !g_ascii_isdigit(*name) &&
           strspn(name, LETTERS DIGITS "_") == strlen(name);
}

static HrSecret *
read_variable(const char *name, const char *server, GError **error)
{
    const char *value = g_getenv(name);

    (void)server;
    if (value != NULL && *value != '\0')
        return hr_secret_new(value);
    hr_error_set(error, HR_CONFIG,
                 "the secret env:%s: the environment variable is %s", name,
                 value != NULL ? "empty" : "not set");
    return NULL;
}

/* ----------------------------------------------------------------- file */

static bool
path_valid(const char *path)
{
    return *path == '/';
}

/* One line break at the end is the editor's, not the secret's. */
static HrSecret *
take_text(char *text, size_t size, const char *path, GError **error)
{
    if (size > 0 && text[size - 1] == '\n')
        size--;
    if (size > 0 && text[size - 1] == '\r')
        size--;
    text[size] = '\0';
    if (size > 0 && strlen(text) == size)
        return hr_secret_new(text);
    hr_error_set(error, HR_CONFIG, "the secret file %s %s", path,
                 size == 0 ? "is empty" : "has a zero byte in it");
    return NULL;
}

/* `forbidden` are the bits of the mode that must not be set. */
static bool
check_file(int fd, const char *path, mode_t forbidden, GError **error)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return hr_error_set(error, HR_CONFIG,
                            "the secret file %s is no regular file", path);
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return hr_error_set(error, HR_CONFIG,
                            "the secret file %s belongs to another user: "
                            "make it yours or root's",
                            path);
    if ((status.st_mode & forbidden) != 0)
        return hr_error_set(error, HR_CONFIG,
                            "the secret file %s is open to others: run chmod "
                            "600 on it",
                            path);
    if (status.st_size > SECRET_LIMIT)
        return hr_error_set(error, HR_CONFIG,
                            "the secret file %s is larger than 64 KiB", path);
    return true;
}

static HrSecret *
read_open_file(int fd, const char *path, GError **error)
{
    g_autofree char *text = g_malloc0(SECRET_LIMIT + 1);
    HrSecret *secret = NULL;
    size_t size = 0;
    ssize_t got;

    do {
        got = read(fd, text + size, SECRET_LIMIT - size);
        size += got > 0 ? (size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0)
        hr_error_set(error, HR_CONFIG, "the secret file %s: %s", path,
                     g_strerror(errno));
    else
        secret = take_text(text, size, path, error);
    hr_secret_wipe(text, SECRET_LIMIT);
    return secret;
}

static HrSecret *
read_path(const char *path, mode_t forbidden, GError **error)
{
    /* Non-blocking, so that a FIFO in its place does not hang us. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    HrSecret *secret = NULL;

    if (fd < 0) {
        hr_error_set(error, HR_CONFIG, "the secret file %s: %s", path,
                     errno == ELOOP ? "is a symbolic link: name the file "
                                      "itself"
                                    : g_strerror(errno));
        return NULL;
    }
    if (check_file(fd, path, forbidden, error))
        secret = read_open_file(fd, path, error);
    close(fd);
    return secret;
}

static HrSecret *
read_file(const char *path, const char *server, GError **error)
{
    (void)server;
    return read_path(path, 077, error);
}

/* ----------------------------------------------- credentials of systemd */

static bool
credential_valid(const char *name)
{
    return *name != '\0' && *name != '.' && strchr(name, '/') == NULL;
}

static HrSecret *
read_credential(const char *name, const char *server, GError **error)
{
    const char *directory = g_getenv("CREDENTIALS_DIRECTORY");
    g_autofree char *path = NULL;

    (void)server;
    if (directory == NULL) {
        hr_error_set(error, HR_CONFIG,
                     "the secret cred:%s: $CREDENTIALS_DIRECTORY is not set; "
                     "add LoadCredential=%s:/PATH to the systemd unit",
                     name, name);
        return NULL;
    }
    path = g_build_filename(directory, name, NULL);
    /* systemd lets the service's user read it by an access list, whose mask
     * shows as the group's right to read. */
    return read_path(path, 037, error);
}

/* --------------------------------------------------------------- helper */

static bool
helper_valid(const char *name)
{
    return *name != '\0' && *name != '.' &&
           strspn(name, LETTERS DIGITS "._-") == strlen(name);
}

static HrSecret *
ask_helper(const char *name, const char *server, GError **error)
{
    HrSecret *secret = hr_secret_helper_ask(name, hr_auth_file_key(server),
                                            HELPER_LIMIT_MS, NULL, error);

    if (secret == NULL)
        g_prefix_error(error, "the secret exec:%s: ", name);
    return secret;
}

/* ------------------------------------------------------------------ all */

static const Scheme schemes[] = {
    {"env:", variable_valid, "is no variable: write env:NAME", read_variable},
    {"file:", path_valid, "is no absolute path: write file:/PATH", read_file},
    {"cred:", credential_valid,
     "is no credential: write cred:NAME, as in LoadCredential= of the systemd "
     "unit",
     read_credential},
    {"exec:", helper_valid,
     "is no helper: write exec:NAME for a program docker-credential-NAME",
     ask_helper},
};

static const Scheme *
find_scheme(const char *text)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(schemes); i++)
        if (g_str_has_prefix(text, schemes[i].prefix))
            return &schemes[i];
    return NULL;
}

bool
hr_secret_reference_valid(const char *text)
{
    const Scheme *scheme = find_scheme(text);

    return scheme != NULL && scheme->valid(text + strlen(scheme->prefix));
}

const char *
hr_secret_reference_problem(const char *text)
{
    const Scheme *scheme = find_scheme(text);

    return scheme != NULL && !hr_secret_reference_valid(text) ? scheme->problem
                                                              : NULL;
}

HrSecret *
hr_secret_reference_resolve(const char *text, const char *server,
                            GError **error)
{
    const Scheme *scheme = find_scheme(text);

    if (hr_secret_reference_valid(text))
        return scheme->read(text + strlen(scheme->prefix), server, error);
    hr_error_set(error, HR_CONFIG,
                 "a secret is written as env:NAME, file:/PATH, cred:NAME or "
                 "exec:HELPER");
    return NULL;
}
