/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log, as it comes out of stderr. */
#include <fcntl.h>
#include <glib.h>
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define THREADS 4
#define LINES 500

static int saved_stderr;
static FILE *captured;

static void
start_capture(void)
{
    captured = tmpfile();
    g_assert_nonnull(captured);
    /* Appending, as the lines of several threads share its position. */
    g_assert_cmpint(fcntl(fileno(captured), F_SETFL, O_APPEND), ==, 0);
    saved_stderr = dup(STDERR_FILENO);
    g_assert_cmpint(dup2(fileno(captured), STDERR_FILENO), ==, STDERR_FILENO);
}

/* All that was written meanwhile.  Nothing may fail in between, for the words
 * of it would be lost. */
static char *
end_capture(void)
{
    GString *text = g_string_new(NULL);
    int byte;

    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    rewind(captured);
    while ((byte = getc(captured)) != EOF)
        g_string_append_c(text, (char)byte);
    fclose(captured);
    return g_string_free(text, false);
}

static void
test_text(void)
{
    g_autofree char *text = NULL;

    hr_log_configure(HR_LOG_INFO, HR_LOG_FORMAT_TEXT, false);
    start_capture();
    hr_log(HR_LOG_WARNING, "sync %s: %d tags", "a-to-b", 3);
    text = end_capture();
    g_assert_true(g_regex_match_simple(
        "^[0-2][0-9]:[0-5][0-9]:[0-6][0-9] warning sync a-to-b: 3 tags\n$",
        text, 0, 0));
}

static void
test_colour(void)
{
    g_autofree char *text = NULL;
    const char *rest;

    hr_log_configure(HR_LOG_INFO, HR_LOG_FORMAT_TEXT, true);
    start_capture();
    hr_log(HR_LOG_ERROR, "bad \033[2J");
    text = end_capture();
    /* The level word only, and none of the message's own. */
    g_assert_true(g_regex_match_simple(
        "^[0-9:]{8} \033\\[[0-9;]+merror\033\\[0m bad \\?\\[2J\n$", text, 0,
        0));
    rest = strstr(text, "\033[0m");
    g_assert_null(strchr(rest + 1, '\033'));
}

static void
test_levels(void)
{
    static const char *const names[] = {"error", "warning", "info", "debug",
                                        "trace"};

    for (int level = HR_LOG_ERROR; level <= HR_LOG_TRACE; level++) {
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        hr_log_configure(level, HR_LOG_FORMAT_TEXT, false);
        start_capture();
        for (int each = HR_LOG_ERROR; each <= HR_LOG_TRACE; each++)
            hr_log(each, "x");
        text = end_capture();
        lines = g_strsplit(text, "\n", -1);
        g_assert_cmpuint(g_strv_length(lines), ==, (unsigned)level + 2);
        for (int each = HR_LOG_ERROR; each <= HR_LOG_TRACE; each++) {
            g_assert_true(hr_log_enabled(each) == (each <= level));
            if (each <= level)
                g_assert_nonnull(strstr(lines[each], names[each]));
        }
    }
}

static void
test_default(void)
{
    g_assert_true(hr_log_enabled(HR_LOG_INFO));
    g_assert_false(hr_log_enabled(HR_LOG_DEBUG));
}

/* The parsed line; the caller's. */
static json_t *
parse_line(const char *line)
{
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

    if (object == NULL)
        g_error("not JSON: %s", line);
    g_assert_true(g_regex_match_simple(
        "^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]"
        "[.][0-9]{3}Z$",
        json_string_value(json_object_get(object, "time")), 0, 0));
    return object;
}

static const char *
string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void
test_json(void)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    json_t *object;

    hr_log_configure(HR_LOG_INFO, HR_LOG_FORMAT_JSON, true);
    start_capture();
    hr_log(HR_LOG_INFO, "a \"b\"\n\\ \033[0m \xff \xc3\xa4");
    hr_log_call(HR_LOG_ERROR, "0123456789abcdef", "%s", "with call");
    hr_log_call(HR_LOG_ERROR, NULL, "without");
    text = end_capture();
    lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 4);

    object = parse_line(lines[0]);
    g_assert_cmpstr(string_of(object, "level"), ==, "info");
    g_assert_cmpstr(string_of(object, "message"), ==,
                    "a \"b\"\n\\ \033[0m \xef\xbf\xbd \xc3\xa4");
    g_assert_cmpuint(json_object_size(object), ==, 3);
    json_decref(object);
    object = parse_line(lines[1]);
    g_assert_cmpstr(string_of(object, "call"), ==, "0123456789abcdef");
    g_assert_cmpstr(string_of(object, "message"), ==, "with call");
    json_decref(object);
    object = parse_line(lines[2]);
    g_assert_cmpuint(json_object_size(object), ==, 3);
    json_decref(object);
}

static void *
log_lines(void *data)
{
    g_autofree char *padding = g_strnfill(500, 'x');

    for (unsigned i = 0; i < LINES; i++)
        hr_log(HR_LOG_INFO, "%s %u %s", (const char *)data, i, padding);
    return NULL;
}

static void
test_threads(void)
{
    static const char *const names[THREADS] = {"a", "b", "c", "d"};
    unsigned next[THREADS] = {0};
    pthread_t threads[THREADS];
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    hr_log_configure(HR_LOG_INFO, HR_LOG_FORMAT_JSON, false);
    start_capture();
    for (unsigned i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, log_lines, (void *)names[i]) !=
            0)
            abort();
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    text = end_capture();
    lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, THREADS * LINES + 1);
    for (unsigned i = 0; i < THREADS * LINES; i++) {
        json_t *object = parse_line(lines[i]);
        const char *message = string_of(object, "message");
        unsigned thread = (unsigned)(message[0] - 'a');

        g_assert_cmpuint(thread, <, THREADS);
        g_assert_cmpuint(g_ascii_strtoull(message + 2, NULL, 10), ==,
                         next[thread]++);
        json_decref(object);
    }
}

typedef struct Hook {
    unsigned before;
    unsigned after;
} Hook;

static void
around(bool before, void *data)
{
    Hook *hook = data;

    if (before)
        hook->before++;
    else
        hook->after++;
    if (write(STDERR_FILENO, before ? "<" : ">", 1) != 1)
        abort();
}

static void
test_hook(void)
{
    Hook hook = {0, 0};
    g_autofree char *text = NULL;

    hr_log_configure(HR_LOG_INFO, HR_LOG_FORMAT_TEXT, false);
    start_capture();
    hr_log_set_hook(around, &hook);
    hr_log(HR_LOG_INFO, "with");
    hr_log(HR_LOG_DEBUG, "not written");
    hr_log_set_hook(NULL, NULL);
    hr_log(HR_LOG_INFO, "without");
    text = end_capture();
    g_assert_cmpuint(hook.before, ==, 1);
    g_assert_cmpuint(hook.after, ==, 1);
    g_assert_true(g_regex_match_simple(
        "^<[0-9:]{8} info with\n>[0-9:]{8} info without\n$", text, 0, 0));
}

typedef struct Pipe {
    int end;
    size_t bytes;
} Pipe;

static void *
drain_pipe(void *data)
{
    Pipe *pipe_end = data;
    char bytes[4096];
    ssize_t part;

    g_usleep(50000);
    while ((part = read(pipe_end->end, bytes, sizeof bytes)) > 0)
        pipe_end->bytes += (size_t)part;
    return NULL;
}

/* A slow reader of a non-blocking stderr gets every byte. */
static void
test_full(void)
{
    g_autofree char *long_line = g_strnfill(300000, 'x');
    int ends[2];
    Pipe reader;
    pthread_t thread;

    hr_log_configure(HR_LOG_INFO, HR_LOG_FORMAT_TEXT, false);
    g_assert_cmpint(pipe(ends), ==, 0);
    g_assert_cmpint(fcntl(ends[1], F_SETFL, O_NONBLOCK), ==, 0);
    reader = (Pipe){.end = ends[0]};
    g_assert_cmpint(pthread_create(&thread, NULL, drain_pipe, &reader), ==, 0);
    saved_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    hr_log(HR_LOG_INFO, "%s", long_line);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(ends[1]);
    pthread_join(thread, NULL);
    close(ends[0]);
    g_assert_cmpuint(reader.bytes, ==, strlen("12:34:56 info \n") + 300000);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* First, before anything sets the level. */
    g_test_add_func("/log/says-info-unless-told", test_default);
    g_test_add_func("/log/text-is-time-level-message", test_text);
    g_test_add_func("/log/colour-is-on-the-level-only", test_colour);
    g_test_add_func("/log/writes-its-level-and-worse", test_levels);
    g_test_add_func("/log/json-lines-are-json", test_json);
    g_test_add_func("/log/lines-of-threads-stay-whole", test_threads);
    g_test_add_func("/log/hook-is-called-around-a-line", test_hook);
    g_test_add_func("/log/waits-for-a-slow-reader", test_full);
    return g_test_run();
}
