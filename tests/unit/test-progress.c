/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The progress bar, on a terminal and on files. */
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "observe/progress.h"

#define ERASE "\r\033[K"
#define THREADS 4
#define LINES 300

/* A terminal of so many columns; its end that is written to. */
static int
open_terminal(unsigned short columns, int *reader)
{
    const struct winsize size = {.ws_row = 24, .ws_col = columns};
    int writer;

    *reader = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (*reader < 0 || grantpt(*reader) != 0 || unlockpt(*reader) != 0)
        return -1;
    writer = open(ptsname(*reader), O_RDWR | O_NOCTTY);
    if (writer >= 0)
        g_assert_cmpint(ioctl(writer, TIOCSWINSZ, &size), ==, 0);
    return writer;
}

/* What has come out so far. */
static char *
read_all(int fd)
{
    char text[8192];
    size_t size = 0;
    ssize_t part;

    while (size < sizeof text - 1 &&
           (part = read(fd, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)part;
    text[size] = '\0';
    return g_strdup(text);
}

static void
set_numbers(HrProgress *progress, uint64_t done, uint64_t planned,
            uint64_t failed, uint64_t bytes)
{
    atomic_store(&progress->done, done);
    atomic_store(&progress->planned, planned);
    atomic_store(&progress->failed, failed);
    atomic_store(&progress->bytes, bytes);
}

/* What one drawing puts on a terminal, without the bytes that erase. */
static char *
draw_once(unsigned short columns, bool colour, const char *title,
          const HrProgress *progress)
{
    int reader;
    int writer = open_terminal(columns, &reader);
    HrProgressBar *bar;
    g_autofree char *text = NULL;

    if (writer < 0)
        return NULL;
    bar = hr_progress_bar_new(writer, true, colour);
    hr_progress_bar_draw(bar, title, progress);
    text = read_all(reader);
    hr_progress_bar_free(bar);
    close(writer);
    close(reader);
    g_assert_true(g_str_has_prefix(text, ERASE));
    return g_strdup(text + strlen(ERASE));
}

/* Cells that a text takes: colours take none. */
static size_t
count_cells(const char *text)
{
    size_t cells = 0;

    while (*text != '\0') {
        if (*text == '\033') {
            text = strchr(text, 'm') + 1;
            continue;
        }
        cells += g_unichar_iswide(g_utf8_get_char(text)) ? 2 : 1;
        text = g_utf8_next_char(text);
    }
    return cells;
}

static void
expect_line(unsigned short columns, const char *title,
            const HrProgress *progress, const char *expected)
{
    g_autofree char *text = draw_once(columns, false, title, progress);

    if (text == NULL)
        g_test_skip("no pseudo terminals here");
    else
        g_assert_cmpstr(text, ==, expected);
}

static void
test_line(void)
{
    HrProgress progress = {0};

    atomic_store(&progress.repositories, 3);
    atomic_store(&progress.checked, 1200);
    expect_line(80, "a-to-b", &progress,
                "a-to-b: comparing: 3 repositories, 1200 tags");
    set_numbers(&progress, 0, 8, 0, 0);
    expect_line(80, "a-to-b", &progress,
                "a-to-b [....................] 0/8 tags, 0 B");
    set_numbers(&progress, 2, 8, 1, 3 << 20);
    expect_line(80, "a-to-b", &progress,
                "a-to-b [#####...............] 2/8 tags, 1 failed, "
                "3.0 MiB");
    set_numbers(&progress, 8, 8, 0, 1);
    expect_line(80, "a-to-b", &progress,
                "a-to-b [####################] 8/8 tags, 1 B");
    /* Numbers are read one by one, and may have moved in between. */
    set_numbers(&progress, 9, 8, 0, 1);
    expect_line(80, "a-to-b", &progress,
                "a-to-b [####################] 9/8 tags, 1 B");
}

static void
test_narrow(void)
{
    HrProgress progress = {0};

    set_numbers(&progress, 2, 8, 1, 3 << 20);
    expect_line(64, "a-to-b", &progress,
                "a-to-b [#####...............] 2/8 tags, 1 failed, "
                "3.0 MiB");
    expect_line(57, "a-to-b", &progress,
                "a-to-b [#####...............] 2/8 tags, 1 failed");
    expect_line(48, "a-to-b", &progress,
                "a-to-b [#####...............] 2/8 tags");
    expect_line(31, "a-to-b", &progress, "a-to-b [#####...............]");
    expect_line(20, "a-to-b", &progress, "a-to-b");
    expect_line(5, "a-to-b", &progress, "a-to");
    /* The title gives way, down to a third. */
    expect_line(60, "docker://registry.example/some/thing", &progress,
                "docker://registry.example/s [#####...............] 2/8 tags");
}

static void
test_fits(void)
{
    static const char *const titles[] = {
        "a-to-b",
        "",
        "docker://registry.example/a/very/long/name/that/nobody/would/type",
        "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa"
        "\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
        "bad \xff\xfe and \033[2J and \n",
    };
    HrProgress progress = {0};

    set_numbers(&progress, 12345, 99999, 17, UINT64_C(1) << 40);
    for (unsigned short columns = 1; columns < 130; columns++) {
        for (unsigned i = 0; i < 2 * G_N_ELEMENTS(titles); i++) {
            g_autofree char *text =
                draw_once(columns, i % 2 == 0, titles[i / 2], &progress);

            if (text == NULL) {
                g_test_skip("no pseudo terminals here");
                return;
            }
            g_assert_true(g_utf8_validate(text, -1, NULL));
            g_assert_cmpuint(count_cells(text), <, columns);
            /* A colour that begins also ends. */
            g_assert_true((strstr(text, "\033[32m") != NULL) ==
                          (strstr(text, "\033[0m") != NULL));
            g_assert_null(strstr(text, "\033[2J"));
            g_assert_null(strchr(text, '\n'));
        }
    }
}

/* A file in place of stderr, since that is where logs go. */
static int saved_stderr;
static FILE *captured;

static void
start_capture(void)
{
    captured = tmpfile();
    g_assert_cmpint(fcntl(fileno(captured), F_SETFL, O_APPEND), ==, 0);
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
}

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

static unsigned
count(const char *text, const char *part)
{
    unsigned found = 0;

    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        found++;
    }
    return found;
}

static void
test_disabled(void)
{
    HrProgressBar *bar;
    HrProgress progress = {0};
    g_autofree char *text = NULL;

    start_capture();
    bar = hr_progress_bar_new(STDERR_FILENO, false, true);
    set_numbers(&progress, 1, 2, 0, 5);
    hr_progress_bar_draw(bar, "a-to-b", &progress);
    hr_log(HR_LOG_ERROR, "told");
    hr_progress_bar_clear(bar);
    hr_progress_bar_free(bar);
    hr_progress_bar_free(NULL);
    text = end_capture();
    g_assert_true(g_str_has_suffix(text, " error told\n"));
    g_assert_cmpuint(count(text, "\n"), ==, 1);
    g_assert_null(strchr(text, '\r'));
    g_assert_null(strchr(text, '#'));
}

static void
test_rate(void)
{
    HrProgressBar *bar;
    HrProgress progress = {0};
    int64_t begin = hr_clock_monotonic_us();
    unsigned drawn;
    g_autofree char *text = NULL;

    start_capture();
    bar = hr_progress_bar_new(STDERR_FILENO, true, false);
    set_numbers(&progress, 1, 2, 0, 5);
    while (hr_clock_monotonic_us() - begin < 450000) {
        hr_progress_bar_draw(bar, "a-to-b", &progress);
        g_usleep(500);
    }
    drawn = (unsigned)((hr_clock_monotonic_us() - begin) / 100000) + 1;
    hr_progress_bar_free(bar);
    text = end_capture();
    g_assert_cmpuint(count(text, "a-to-b"), <=, drawn);
    g_assert_cmpuint(count(text, "a-to-b"), >, 1);
}

/* After the first second it says how fast it goes and how long it takes. */
static void
test_remaining(void)
{
    HrProgressBar *bar;
    HrProgress progress = {0};
    g_autofree char *text = NULL;

    start_capture();
    bar = hr_progress_bar_new(STDERR_FILENO, true, false);
    /* Comparing does not count. */
    hr_progress_bar_draw(bar, "a-to-b", &progress);
    g_usleep(300000);
    set_numbers(&progress, 0, 100, 0, 0);
    hr_progress_bar_draw(bar, "a-to-b", &progress);
    set_numbers(&progress, 20, 100, 0, 10000000);
    g_usleep(1100000);
    hr_progress_bar_draw(bar, "a-to-b", &progress);
    hr_progress_bar_clear(bar);
    hr_progress_bar_free(bar);
    text = end_capture();
    g_test_message("%s", strrchr(text, '#'));
    g_assert_cmpuint(count(text, "/s"), ==, 1);
    /* 1.1 s for 20, so 4.4 s for 80; more on a busy machine. */
    g_assert_true(g_regex_match_simple(
        "20/100 tags, 9\\.5 MiB, [0-9.]+ [KM]iB/s, ([4-9](\\.[0-9])?|"
        "[1-9][0-9]) s left\r\033\\[K$",
        text, 0, 0));
}

static void
test_log_lines(void)
{
    HrProgressBar *bar;
    HrProgress progress = {0};
    const char *rest;
    g_autofree char *text = NULL;

    start_capture();
    bar = hr_progress_bar_new(STDERR_FILENO, true, false);
    hr_log(HR_LOG_INFO, "before");
    set_numbers(&progress, 1, 2, 0, 5);
    hr_progress_bar_draw(bar, "a-to-b", &progress);
    hr_log(HR_LOG_INFO, "between");
    hr_progress_bar_clear(bar);
    hr_log(HR_LOG_INFO, "after");
    hr_progress_bar_free(bar);
    hr_log(HR_LOG_INFO, "alone");
    text = end_capture();
    rest = strstr(text, "info before\n" ERASE "a-to-b [");
    g_assert_nonnull(rest);
    /* Off, the line, and on again. */
    rest = strstr(rest, "5 B" ERASE);
    g_assert_nonnull(rest);
    rest = strstr(rest, "info between\n" ERASE "a-to-b [");
    g_assert_nonnull(rest);
    rest = strstr(rest, "5 B" ERASE);
    g_assert_nonnull(rest);
    g_assert_nonnull(strstr(rest, "info after\n"));
    g_assert_null(strstr(rest, "a-to-b"));
    g_assert_true(g_str_has_suffix(text, "info alone\n"));
    g_assert_cmpuint(count(text, "a-to-b"), ==, 2);
}

static void *
log_lines(void *data)
{
    (void)data;
    for (unsigned i = 0; i < LINES; i++)
        hr_log(HR_LOG_INFO, "line %u.", i);
    return NULL;
}

/* Every line of log has a line of the terminal for itself. */
static void
check_screen(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned logged = 0;

    for (char **line = lines; *line != NULL; line++) {
        const char *shown = g_strrstr(*line, ERASE);

        shown = shown != NULL ? shown + strlen(ERASE) : *line;
        if (*shown == '\0' && line[1] == NULL)
            continue;
        g_assert_true(g_regex_match_simple("^[0-9:]{8} info line [0-9]+\\.$",
                                           shown, 0, 0));
        logged++;
    }
    g_assert_cmpuint(logged, ==, THREADS * LINES);
}

static void
test_threads(void)
{
    HrProgressBar *bar;
    HrProgress progress = {0};
    pthread_t threads[THREADS];
    g_autofree char *text = NULL;

    start_capture();
    bar = hr_progress_bar_new(STDERR_FILENO, true, true);
    set_numbers(&progress, 1, 2, 0, 5);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, log_lines, NULL);
    for (unsigned i = 0; i < 2000; i++) {
        hr_progress_bar_draw(bar, "a-to-b", &progress);
        if (i % 100 == 0)
            hr_progress_bar_clear(bar);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    hr_progress_bar_free(bar);
    text = end_capture();
    check_screen(text);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/progress/says-how-far-it-is", test_line);
    g_test_add_func("/progress/leaves-out-what-does-not-fit", test_narrow);
    g_test_add_func("/progress/fits-every-terminal", test_fits);
    g_test_add_func("/progress/is-silent-when-nobody-watches", test_disabled);
    g_test_add_func("/progress/draws-ten-times-a-second", test_rate);
    g_test_add_func("/progress/says-how-long-it-takes", test_remaining);
    g_test_add_func("/progress/makes-room-for-log-lines", test_log_lines);
    g_test_add_func("/progress/never-mixes-with-log-lines", test_threads);
    return g_test_run();
}
