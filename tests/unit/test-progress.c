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

#include "base/log.h"
#include "observe/progress-bar.h"

#define ERASE "\r\033[K"
#define THREADS 4
#define LINES 300
#define SECOND_US G_USEC_PER_SEC
#define START_US (1000 * SECOND_US)

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
    atomic_store(&progress->running, true);
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
    bar = hr_progress_bar_new(writer, HR_PROGRESS_BAR, colour);
    hr_progress_bar_add(bar, title, progress);
    hr_progress_bar_draw(bar, START_US);
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
    atomic_store(&progress.running, true);
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

/* A bar on what is captured, showing one pass. */
static HrProgressBar *
capture_bar(HrProgressStyle style, bool colour, const HrProgress *progress)
{
    HrProgressBar *bar;

    start_capture();
    bar = hr_progress_bar_new(STDERR_FILENO, style, colour);
    hr_progress_bar_add(bar, "a-to-b", progress);
    return bar;
}

static void
test_disabled(void)
{
    HrProgress progress = {0};
    HrProgressBar *bar = capture_bar(HR_PROGRESS_NONE, true, &progress);
    g_autofree char *text = NULL;

    set_numbers(&progress, 1, 2, 0, 5);
    hr_progress_bar_draw(bar, START_US);
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
    HrProgress progress = {0};
    HrProgressBar *bar = capture_bar(HR_PROGRESS_BAR, false, &progress);
    g_autofree char *text = NULL;

    set_numbers(&progress, 1, 2, 0, 5);
    for (int64_t at = 0; at < 450000; at += 500)
        hr_progress_bar_draw(bar, START_US + at);
    hr_progress_bar_free(bar);
    text = end_capture();
    g_assert_cmpuint(count(text, "a-to-b"), ==, 5);
}

/* After the first second it says how fast it goes and how long it takes. */
static void
test_remaining(void)
{
    HrProgress progress = {0};
    HrProgressBar *bar = capture_bar(HR_PROGRESS_BAR, false, &progress);
    g_autofree char *text = NULL;

    /* Comparing does not count. */
    atomic_store(&progress.running, true);
    hr_progress_bar_draw(bar, START_US - 300 * SECOND_US);
    set_numbers(&progress, 0, 100, 0, 0);
    hr_progress_bar_draw(bar, START_US);
    set_numbers(&progress, 20, 100, 0, 10000000);
    hr_progress_bar_draw(bar, START_US + SECOND_US);
    hr_progress_bar_clear(bar);
    hr_progress_bar_free(bar);
    text = end_capture();
    g_test_message("%s", strrchr(text, '#'));
    g_assert_cmpuint(count(text, "/s"), ==, 1);
    g_assert_nonnull(strstr(text, "20/100 tags, 9.5 MiB, 9.5 MiB/s, 4.0 s "
                                  "left"));
}

/* Bytes that are known tell more than tags. */
static void
test_bytes(void)
{
    HrProgress progress = {0};

    set_numbers(&progress, 0, 2, 0, 3 << 20);
    atomic_store(&progress.loaded, 1);
    atomic_store(&progress.planned_bytes, 12 << 20);
    expect_line(80, "a-to-b", &progress,
                "a-to-b [....................] 0/2 tags, 3.0 MiB of 12 MiB "
                "or more");
    atomic_store(&progress.loaded, 2);
    expect_line(80, "a-to-b", &progress,
                "a-to-b [#####...............] 0/2 tags, 3.0 MiB of 12 "
                "MiB");
}

/* The speed is that of the last seconds: what was slow an hour ago does not
 * count, and what stands still comes to nothing. */
static void
test_speed(void)
{
    HrProgress progress = {0};
    HrSpeed speed = {0};
    int64_t now = START_US;

    set_numbers(&progress, 0, 10, 0, 0);
    atomic_store(&progress.planned_bytes, UINT64_C(1) << 40);
    hr_speed_update(&speed, &progress, now);
    g_assert_cmpfloat(hr_speed_bytes_per_s(&speed), <, 0);
    g_assert_cmpint(hr_speed_left_us(&speed, &progress), <, 0);
    for (unsigned i = 0; i < 600; i++) {
        atomic_fetch_add(&progress.bytes, 1000);
        hr_speed_update(&speed, &progress, now += SECOND_US / 10);
    }
    g_assert_cmpfloat(hr_speed_bytes_per_s(&speed), >, 9999);
    g_assert_cmpfloat(hr_speed_bytes_per_s(&speed), <, 10001);
    for (unsigned i = 0; i < 300; i++) {
        atomic_fetch_add(&progress.bytes, 100000);
        hr_speed_update(&speed, &progress, now += SECOND_US / 10);
    }
    g_assert_cmpfloat(hr_speed_bytes_per_s(&speed), >, 990000);
    g_assert_cmpfloat(hr_speed_bytes_per_s(&speed), <, 1000001);
    for (unsigned i = 0; i < 60; i++)
        hr_speed_update(&speed, &progress, now += 10 * SECOND_US);
    g_assert_cmpfloat(hr_speed_bytes_per_s(&speed), <, 1);
    g_assert_cmpint(hr_speed_left_us(&speed, &progress), <, 0);
}

/* What shrinks is no speed below zero. */
static void
test_speed_of_less(void)
{
    HrProgress progress = {0};
    HrSpeed speed = {0};

    set_numbers(&progress, 0, 10, 0, 1000000);
    hr_speed_update(&speed, &progress, START_US);
    atomic_store(&progress.bytes, 10);
    hr_speed_update(&speed, &progress, START_US + 2 * SECOND_US);
    g_assert_cmpfloat(hr_speed_bytes_per_s(&speed), ==, 0);
}

/* What is left is guessed from what was looked at, until all was. */
static void
test_left(void)
{
    HrProgress progress = {0};
    HrSpeed speed = {0};
    int64_t left_s;

    set_numbers(&progress, 0, 100, 0, 0);
    hr_speed_update(&speed, &progress, START_US);
    atomic_store(&progress.bytes, 10000000);
    atomic_store(&progress.loaded, 10);
    atomic_store(&progress.planned_bytes, 20000000);
    hr_speed_update(&speed, &progress, START_US + 10 * SECOND_US);
    /* 190 MB of 200 MB at 1 MB/s. */
    left_s = hr_speed_left_us(&speed, &progress) / SECOND_US;
    g_assert_cmpint(left_s, >=, 189);
    g_assert_cmpint(left_s, <=, 191);
    atomic_store(&progress.loaded, 100);
    left_s = hr_speed_left_us(&speed, &progress) / SECOND_US;
    g_assert_cmpint(left_s, >=, 9);
    g_assert_cmpint(left_s, <=, 11);
    atomic_store(&progress.done, 100);
    g_assert_cmpint(hr_speed_left_us(&speed, &progress), <, 0);
}

static void
test_log_lines(void)
{
    HrProgress progress = {0};
    HrProgressBar *bar = capture_bar(HR_PROGRESS_BAR, false, &progress);
    const char *rest;
    g_autofree char *text = NULL;

    hr_log(HR_LOG_INFO, "before");
    set_numbers(&progress, 1, 2, 0, 5);
    hr_progress_bar_draw(bar, START_US);
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

/* A screen of so many rows as a terminal shows it after `text`: understands
 * what the bar uses. */
#define SCREEN_ROWS 24
#define SCREEN_COLUMNS 100

static char **
show(const char *text)
{
    char **screen = g_new0(char *, SCREEN_ROWS + 1);
    unsigned row = 0;
    unsigned column = 0;

    for (unsigned i = 0; i < SCREEN_ROWS; i++)
        screen[i] = g_malloc0(SCREEN_COLUMNS + 1);
    for (; *text != '\0'; text++) {
        if (*text == '\r') {
            column = 0;
        } else if (*text == '\n') {
            column = 0;
            row++;
        } else if (g_str_has_prefix(text, "\033[K")) {
            memset(screen[row] + column, 0, SCREEN_COLUMNS - column);
            text += 2;
        } else if (g_str_has_prefix(text, "\033[A")) {
            g_assert_cmpuint(row, >, 0);
            row--;
            text += 2;
        } else {
            g_assert_cmpuint(column, <, SCREEN_COLUMNS);
            screen[row][column++] = *text;
        }
        g_assert_cmpuint(row, <, SCREEN_ROWS);
    }
    return screen;
}

static void
expect_screen(const char *text, const char *const *expected)
{
    g_auto(GStrv) screen = show(text);

    for (unsigned i = 0; i < SCREEN_ROWS; i++) {
        const char *wanted = *expected != NULL ? *expected++ : "";

        /* The clock of log lines is left out. */
        g_assert_true(g_str_has_suffix(screen[i], wanted));
        g_assert_cmpuint(*wanted == '\0', ==, screen[i][0] == '\0');
    }
}

/* One line for each that runs; log lines go above them. */
static void
test_several(void)
{
    static const char *const both[] = {
        " info one", "a-to-b [##########..........] 1/2 tags, 5 B",
        "b-to-c [####################] 3/3 tags, 1 failed, 7 B", NULL};
    static const char *const last[] = {
        " info one", " info two",
        "b-to-c [####################] 3/3 tags, 1 failed, 7 B", NULL};
    static const char *const none[] = {" info one", " info two", NULL};
    HrProgress progress[3] = {{0}};
    HrProgressBar *bar = capture_bar(HR_PROGRESS_BAR, false, &progress[0]);
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    g_autofree char *third = NULL;

    hr_progress_bar_add(bar, "b-to-c", &progress[1]);
    hr_progress_bar_add(bar, "c-to-d", &progress[2]);
    set_numbers(&progress[0], 1, 2, 0, 5);
    set_numbers(&progress[1], 3, 3, 1, 7);
    hr_progress_bar_draw(bar, START_US);
    hr_log(HR_LOG_INFO, "one");
    hr_progress_bar_draw(bar, START_US + SECOND_US / 2);
    first = end_capture();
    expect_screen(first, both);
    start_capture();
    hr_log(HR_LOG_INFO, "two");
    atomic_store(&progress[0].running, false);
    hr_progress_bar_draw(bar, START_US + SECOND_US / 2 + SECOND_US / 4);
    second = end_capture();
    third = g_strconcat(first, second, NULL);
    expect_screen(third, last);
    start_capture();
    atomic_store(&progress[1].running, false);
    hr_progress_bar_draw(bar, START_US + 2 * SECOND_US);
    hr_progress_bar_free(bar);
    g_free(second);
    second = end_capture();
    g_free(first);
    first = g_strconcat(third, second, NULL);
    expect_screen(first, none);
}

/* More than half a screen of lines is too much. */
static void
test_too_many(void)
{
    static const char *const sum[] = {
        "13 syncs [##########..........] 13/26 tags, 13 failed, 26 B", NULL};
    HrProgress progress[13] = {{0}};
    HrProgressBar *bar = capture_bar(HR_PROGRESS_BAR, false, &progress[0]);
    g_autofree char *text = NULL;

    for (unsigned i = 0; i < 13; i++) {
        if (i > 0)
            hr_progress_bar_add(bar, "more", &progress[i]);
        set_numbers(&progress[i], 1, 2, 1, 2);
    }
    hr_progress_bar_draw(bar, START_US);
    text = end_capture();
    expect_screen(text, sum);
    hr_progress_bar_free(bar);
}

/* Without a terminal: a line each, twice a minute, and none for what is over
 * sooner. */
static void
test_in_the_log(void)
{
    HrProgress progress = {0};
    HrProgress other = {0};
    HrProgressBar *bar = capture_bar(HR_PROGRESS_LOG, false, &progress);
    g_autofree char *text = NULL;

    hr_progress_bar_add(bar, "other", &other);
    set_numbers(&progress, 1, 2, 0, 5);
    atomic_store(&other.running, true);
    for (int64_t at = 0; at < 29 * SECOND_US; at += SECOND_US / 20)
        hr_progress_bar_draw(bar, START_US + at);
    atomic_store(&other.running, false);
    for (int64_t at = 29 * SECOND_US; at < 95 * SECOND_US;
         at += SECOND_US / 20)
        hr_progress_bar_draw(bar, START_US + at);
    hr_progress_bar_free(bar);
    text = end_capture();
    g_assert_cmpuint(count(text, "info a-to-b: 1/2 tags, 5 B, 0 B/s, "), ==,
                     3);
    g_assert_cmpuint(count(text, "\n"), ==, 3);
    g_assert_null(strchr(text, '\r'));
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
    HrProgress progress = {0};
    HrProgressBar *bar = capture_bar(HR_PROGRESS_BAR, true, &progress);
    pthread_t threads[THREADS];
    g_autofree char *text = NULL;

    set_numbers(&progress, 1, 2, 0, 5);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, log_lines, NULL);
    for (unsigned i = 0; i < 2000; i++) {
        hr_progress_bar_draw(bar, START_US + (int64_t)i * SECOND_US);
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
    g_test_add_func("/progress/says-how-many-bytes-there-are", test_bytes);
    g_test_add_func("/progress/speed-is-that-of-the-last-seconds", test_speed);
    g_test_add_func("/progress/speed-is-never-below-zero", test_speed_of_less);
    g_test_add_func("/progress/guesses-what-is-left", test_left);
    g_test_add_func("/progress/shows-all-that-run", test_several);
    g_test_add_func("/progress/sums-up-what-does-not-fit", test_too_many);
    g_test_add_func("/progress/is-in-the-log-now-and-then", test_in_the_log);
    g_test_add_func("/progress/makes-room-for-log-lines", test_log_lines);
    g_test_add_func("/progress/never-mixes-with-log-lines", test_threads);
    return g_test_run();
}
