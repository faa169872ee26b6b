/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs that tell secrets: they are run, asked, and ended. */
#include "config/secret-helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define ANSWER_LIMIT 65536

/* What a pipe takes at once, so that nobody has to write while reading. */
#define QUESTION_LIMIT 4096

extern char **environ;

typedef struct Helper {
    const char *program;
    const char *path; /* where it is */
    const char *verb; /* its argument; or NULL */
    pid_t child;
    int answer;
    int64_t deadline_us;
} Helper;

/* ----------------------------------------------------------- its answer */

static char *
skip_space(char *text)
{
    return text + strspn(text, " \t\r\n");
}

/* Reads "\uXXXX", with its second half if it is one of a pair.  NULL if it is
 * none. */
static char *
decode_unicode(char *in, char **out)
{
    gunichar units[2] = {0, 0};
    unsigned count = 1;

    for (unsigned i = 0; i < count; i++) {
        if (in[0] != '\\' || in[1] != 'u')
            return NULL;
        for (unsigned j = 2; j < 6; j++) {
            if (!g_ascii_isxdigit(in[j]))
                return NULL;
            units[i] = units[i] * 16 + (gunichar)g_ascii_xdigit_value(in[j]);
        }
        in += 6;
        if (i == 0 && units[0] >= 0xd800 && units[0] < 0xdc00)
            count = 2;
    }
    if (count == 2 && (units[1] < 0xdc00 || units[1] > 0xdfff))
        return NULL;
    if (count == 2)
        units[0] = 0x10000 + ((units[0] - 0xd800) << 10) + (units[1] - 0xdc00);
    if (units[0] == 0 || (units[0] >= 0xdc00 && units[0] < 0xe000))
        return NULL;
    /* It is never longer than what it stands for. */
    *out += g_unichar_to_utf8(units[0], *out);
    return in;
}

/* Decodes a string in place.  Returns what follows it; NULL if it is none. */
static char *
decode_string(char *in, const char **text)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    char *out = in + 1;

    if (*in++ != '"')
        return NULL;
    *text = out;
    while (*in != '"') {
        const char *escape;

        if ((unsigned char)*in < ' ')
            return NULL;
        if (*in != '\\') {
            *out++ = *in++;
            continue;
        }
        escape = in[1] != '\0' ? strchr(from, in[1]) : NULL;
        if (escape != NULL) {
            *out++ = to[escape - from];
            in += 2;
        } else if ((in = decode_unicode(in, &out)) == NULL) {
            return NULL;
        }
    }
    *out = '\0';
    return in + 1;
}

/* Decodes `"name": "value"` and the spaces around it. */
static char *
decode_member(char *in, const char **name, const char **value)
{
    in = decode_string(skip_space(in), name);
    if (in == NULL)
        return NULL;
    in = skip_space(in);
    if (*in != ':')
        return NULL;
    in = decode_string(skip_space(in + 1), value);
    return in != NULL ? skip_space(in) : NULL;
}

bool
hr_secret_helper_read(char *json, const char **username, const char **secret)
{
    char *in = skip_space(json);

    *username = *secret = NULL;
    if (*in++ != '{')
        return false;
    do {
        const char *key;
        const char *value;

        in = decode_member(in, &key, &value);
        if (in == NULL || (*in != ',' && *in != '}'))
            return false;
        if (strcmp(key, "Secret") == 0)
            *secret = value;
        else if (strcmp(key, "Username") == 0)
            *username = value;
    } while (*in++ == ',');
    return *skip_space(in) == '\0' && *secret != NULL;
}

/* ----------------------------------------------------------- running it */

/* Starts it with `in` and `out` as its standard streams. */
static int
spawn(Helper *helper, int in, int out)
{
    char *argv[] = {(char *)helper->program, (char *)helper->verb, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    int result;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                     O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    /* Our threads block signals that it may rely on. */
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    /* A group of its own, so that what it starts ends with it. */
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    result = posix_spawn(&helper->child, helper->path, &actions, &attributes,
                         argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

/* Starts it with its question waiting in a pipe: it fits, so that nobody can
 * be blocked and no signal can come of it. */
static bool
start_helper(Helper *helper, const char *question, GError **error)
{
    g_autofree char *line = g_strconcat(question, "\n", NULL);
    ssize_t length = (ssize_t)strlen(line);
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};
    int result = E2BIG;

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        result = errno;
    else if (length <= QUESTION_LIMIT)
        result = write(in[1], line, (size_t)length) == length
                     ? spawn(helper, in[0], out[1])
                     : EIO;
    for (unsigned i = 0; i < 2; i++)
        if (in[i] >= 0)
            close(in[i]);
    if (out[1] >= 0)
        close(out[1]);
    helper->answer = out[0];
    if (result == 0)
        return true;
    if (out[0] >= 0)
        close(out[0]);
    return hr_error_set(error, HR_CONFIG, "cannot run %s: %s", helper->path,
                        g_strerror(result));
}

/* True if there is something to read, or the end, before the deadline. */
static bool
wait_readable(const Helper *helper)
{
    struct pollfd watched = {.fd = helper->answer, .events = POLLIN};

    for (;;) {
        int64_t left_ms =
            (helper->deadline_us - hr_clock_monotonic_us() + 999) / 1000;
        int result;

        if (left_ms <= 0)
            return false;
        result = poll(&watched, 1, (int)MIN(left_ms, G_MAXINT));
        if (result > 0)
            return true;
        if (result < 0 && errno != EINTR)
            return false;
    }
}

/* Reads its whole answer into `text`, which has room for ANSWER_LIMIT bytes
 * and a zero. */
static bool
read_answer(const Helper *helper, char *text, GError **error)
{
    size_t size = 0;

    for (;;) {
        ssize_t got;

        if (!wait_readable(helper))
            return hr_error_set(error, HR_CONFIG,
                                "%s gave no answer in time; it may be "
                                "waiting for somebody to type",
                                helper->program);
        got = read(helper->answer, text + size, ANSWER_LIMIT - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        size += (size_t)got;
        if (size == ANSWER_LIMIT)
            return hr_error_set(error, HR_CONFIG, "%s: the answer is too long",
                                helper->program);
    }
    text[size] = '\0';
    return true;
}

/* Ends it, if it has not ended itself.  True if it ended well. */
static bool
end_helper(const Helper *helper, bool answered)
{
    int status = -1;

    close(helper->answer);
    if (!answered)
        kill(-helper->child, SIGKILL);
    /* One that closed its output and stays is given what time is left. */
    while (answered && waitpid(helper->child, &status, WNOHANG) == 0) {
        if (hr_clock_monotonic_us() >= helper->deadline_us) {
            kill(-helper->child, SIGKILL);
            answered = false;
        } else {
            g_usleep(1000);
        }
    }
    if (!answered)
        while (waitpid(helper->child, &status, 0) < 0 && errno == EINTR)
            continue;
    return answered && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Runs it and hands out its answer; the caller wipes ANSWER_LIMIT bytes of it.
 * *failed if it answered and then did not end well: the error is the caller's
 * to set. */
static char *
run_helper(Helper *helper, const char *question, bool *failed, GError **error)
{
    g_autofree char *answer = NULL;
    bool answered;

    if (!start_helper(helper, question, error))
        return NULL;
    answer = g_malloc0(ANSWER_LIMIT + 1);
    answered = read_answer(helper, answer, error);
    if (end_helper(helper, answered))
        return g_steal_pointer(&answer);
    hr_secret_wipe(answer, ANSWER_LIMIT);
    *failed = answered;
    return NULL;
}

static HrSecret *
take_secret(const Helper *helper, char *answer, const char *server,
            char **username, GError **error)
{
    const char *user;
    const char *secret;

    if (hr_secret_helper_read(answer, &user, &secret) && *secret != '\0') {
        if (username != NULL)
            *username = g_strdup(user);
        return hr_secret_new(secret);
    }
    hr_error_set(error, HR_CONFIG, "%s gave no secret for %s", helper->program,
                 server);
    return NULL;
}

HrSecret *
hr_secret_helper_ask(const char *name, const char *server, int64_t limit_ms,
                     char **username, GError **error)
{
    g_autofree char *program = g_strconcat("docker-credential-", name, NULL);
    g_autofree char *path = g_find_program_in_path(program);
    Helper helper = {
        .program = program,
        .path = path,
        .verb = "get",
        .deadline_us = hr_clock_monotonic_us() + limit_ms * 1000,
    };
    g_autofree char *answer = NULL;
    bool failed = false;
    HrSecret *secret;

    if (path == NULL) {
        hr_error_set(error, HR_CONFIG, "there is no program %s in PATH",
                     program);
        return NULL;
    }
    answer = run_helper(&helper, server, &failed, error);
    if (failed)
        hr_error_set(error, HR_CONFIG,
                     "%s has no entry for %s: try `echo %s | %s get`", program,
                     server, server, program);
    if (answer == NULL)
        return NULL;
    secret = take_secret(&helper, answer, server, username, error);
    hr_secret_wipe(answer, ANSWER_LIMIT);
    return secret;
}

HrSecret *
hr_secret_command_ask(const char *path, const char *question, int64_t limit_ms,
                      GError **error)
{
    Helper helper = {
        .program = path,
        .path = path,
        .deadline_us = hr_clock_monotonic_us() + limit_ms * 1000,
    };
    bool failed = false;
    g_autofree char *answer = run_helper(&helper, question, &failed, error);
    HrSecret *secret = NULL;
    size_t size;

    if (failed)
        hr_error_set(error, HR_CONFIG, "%s ended with an error", path);
    if (answer == NULL)
        return NULL;
    size = strlen(answer);
    if (size > 0 && answer[size - 1] == '\n')
        answer[--size] = '\0';
    if (size > 0)
        secret = hr_secret_new(answer);
    else
        hr_error_set(error, HR_CONFIG, "%s printed nothing", path);
    hr_secret_wipe(answer, ANSWER_LIMIT);
    return secret;
}
