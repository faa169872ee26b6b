/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Progress bar: lines on the terminal, or now and then in the log. */
#include "observe/progress-bar.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"

#define DRAW_INTERVAL_US 100000
#define LOG_INTERVAL_US (30 * G_USEC_PER_SEC)
#define BAR_CELLS 20
#define DEFAULT_COLUMNS 80
#define DEFAULT_ROWS 24

/* From so many bytes on they say more than tags do. */
#define MANY_BYTES (1024 * 1024)

/* To the first column, and nothing right of it; and the same a line up. */
#define ERASE "\r\033[K"
#define ERASE_UP "\033[A\033[K"

/* A pass that is shown while it runs. */
typedef struct Row {
    const char *title;
    const HrProgress *progress;
    HrSpeed speed;
    int64_t logged_us; /* 0: does not run */
    bool shown;        /* it ran when it was looked at last */
} Row;

struct HrProgressBar {
    int fd;
    HrProgressStyle style;
    bool colour;
    int64_t drawn_us;
    GArray *rows;          /* Row */
    pthread_mutex_t mutex; /* of the terminal and of what follows */
    char *text;            /* what is on the terminal, or NULL */
    unsigned lines;        /* of it */
};

static void
write_text(const HrProgressBar *bar, const char *text)
{
    /* A terminal that is gone needs no bar. */
    (void)!write(bar->fd, text, strlen(text));
}

static void
append_erasure(const HrProgressBar *bar, GString *text)
{
    g_string_append(text, ERASE);
    for (unsigned i = 1; i < bar->lines; i++)
        g_string_append(text, ERASE_UP);
}

/* Around every line of log: off the terminal, and back on it.  Nothing is
 * drawn in between, so the lock is held from the one to the other. */
static void
make_room(bool before, void *data)
{
    HrProgressBar *bar = data;
    g_autoptr(GString) text = g_string_new(NULL);

    if (before)
        pthread_mutex_lock(&bar->mutex);
    if (before)
        append_erasure(bar, text);
    else if (bar->text != NULL)
        g_string_append_printf(text, ERASE "%s", bar->text);
    if (bar->text != NULL)
        write_text(bar, text->str);
    if (!before)
        pthread_mutex_unlock(&bar->mutex);
}

HrProgressBar *
hr_progress_bar_new(int fd, HrProgressStyle style, bool colour)
{
    HrProgressBar *bar = g_new0(HrProgressBar, 1);

    bar->fd = fd;
    bar->style = style;
    bar->colour = colour;
    bar->rows = g_array_new(false, false, sizeof(Row));
    pthread_mutex_init(&bar->mutex, NULL);
    if (style == HR_PROGRESS_BAR)
        hr_log_set_hook(make_room, bar);
    return bar;
}

void
hr_progress_bar_add(HrProgressBar *bar, const char *title,
                    const HrProgress *progress)
{
    Row row = {.title = title, .progress = progress};

    g_array_append_val(bar->rows, row);
}

static void
clear_locked(HrProgressBar *bar)
{
    g_autoptr(GString) text = g_string_new(NULL);

    append_erasure(bar, text);
    if (bar->text != NULL)
        write_text(bar, text->str);
    g_clear_pointer(&bar->text, g_free);
    bar->lines = 0;
}

void
hr_progress_bar_clear(HrProgressBar *bar)
{
    HR_LOCKED(&bar->mutex);
    clear_locked(bar);
}

void
hr_progress_bar_free(HrProgressBar *bar)
{
    if (bar == NULL)
        return;
    hr_progress_bar_clear(bar);
    if (bar->style == HR_PROGRESS_BAR)
        hr_log_set_hook(NULL, NULL);
    g_array_unref(bar->rows);
    pthread_mutex_destroy(&bar->mutex);
    g_free(bar);
}

/* Rows and columns that may be written to.  The last column stays free:
 * terminals wrap when it is written to. */
static void
measure_terminal(const HrProgressBar *bar, size_t *rows, size_t *room)
{
    struct winsize size;
    bool known = ioctl(bar->fd, TIOCGWINSZ, &size) == 0;

    *rows = known && size.ws_row > 0 ? size.ws_row : DEFAULT_ROWS;
    *room = (known && size.ws_col > 0 ? size.ws_col : DEFAULT_COLUMNS) - 1u;
}

/* Length in bytes of the longest beginning of `text` (valid UTF-8) that fits
 * `room` cells; *cells is what it takes. */
static size_t
fit_cells(const char *text, size_t room, size_t *cells)
{
    const char *end = text;

    *cells = 0;
    for (; *end != '\0'; end = g_utf8_next_char(end)) {
        gunichar character = g_utf8_get_char(end);
        size_t width = g_unichar_iszerowidth(character) ? 0
                       : g_unichar_iswide(character)    ? 2
                                                        : 1;

        if (*cells + width > room)
            break;
        *cells += width;
    }
    return (size_t)(end - text);
}

/* What stands right of the title: parts that are shown as long as they fit,
 * the more important ones first. */
typedef struct Tail {
    GString *text;
    size_t room;
    bool full;
} Tail;

/* Appends a part of so many cells; colours take bytes, but no cells. */
static void
append_part(Tail *tail, const char *part, size_t cells)
{
    tail->full |= cells > tail->room;
    if (tail->full)
        return;
    g_string_append(tail->text, part);
    tail->room -= cells;
}

static void G_GNUC_PRINTF(2, 3)
    append_words(Tail *tail, const char *format, ...)
{
    g_autofree char *part = NULL;
    va_list arguments;

    va_start(arguments, format);
    part = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    append_part(tail, part, (size_t)g_utf8_strlen(part, -1));
}

/* What has been done: tags, unless all bytes are known and not few. */
static double
fraction_done(const HrProgress *progress)
{
    uint64_t planned = atomic_load(&progress->planned);
    uint64_t done = atomic_load(&progress->done);
    uint64_t bytes = atomic_load(&progress->bytes);
    uint64_t planned_bytes = atomic_load(&progress->planned_bytes);

    if (planned_bytes >= MANY_BYTES && done < planned &&
        hr_progress_knows_bytes(progress))
        return (double)MIN(bytes, planned_bytes) / (double)planned_bytes;
    return (double)MIN(done, planned) / (double)planned;
}

static void
append_bar(Tail *tail, const HrProgressBar *bar, const HrProgress *progress)
{
    char cells[BAR_CELLS + 1];
    unsigned full = (unsigned)(fraction_done(progress) * BAR_CELLS);
    g_autofree char *part = NULL;

    for (unsigned i = 0; i < BAR_CELLS; i++)
        cells[i] = i < full ? '#' : '.';
    cells[BAR_CELLS] = '\0';
    part =
        g_strdup_printf(bar->colour ? " \033[32m[%s]\033[0m" : " [%s]", cells);
    append_part(tail, part, BAR_CELLS + strlen(" []"));
}

static void
append_size(Tail *tail, const HrProgress *progress)
{
    uint64_t bytes = atomic_load(&progress->bytes);
    uint64_t planned = atomic_load(&progress->planned_bytes);
    g_autofree char *size = hr_text_format_size((int64_t)bytes);
    g_autofree char *of = hr_text_format_size((int64_t)planned);

    append_words(tail, ", %s", size);
    if (planned > bytes)
        append_words(tail, " of %s%s", of,
                     hr_progress_knows_bytes(progress) ? "" : " or more");
}

static void
append_speed(Tail *tail, const HrSpeed *speed, const HrProgress *progress)
{
    double per_s = hr_speed_bytes_per_s(speed);
    int64_t left_us = hr_speed_left_us(speed, progress);
    g_autofree char *rate = hr_text_format_size((int64_t)MAX(per_s, 0));
    g_autofree char *left = hr_text_format_duration(MAX(left_us, 0));

    if (per_s >= 0)
        append_words(tail, ", %s/s", rate);
    if (left_us >= 0)
        append_words(tail, ", %s left", left);
}

/* What is counted. */
static const char *
name_items(const HrProgress *progress)
{
    return atomic_load(&progress->documents) > 0 ? "items" : "tags";
}

static void
append_changes(Tail *tail, const Row *row)
{
    const HrProgress *progress = row->progress;
    uint64_t failed = atomic_load(&progress->failed);

    append_words(tail, " %" PRIu64 "/%" PRIu64 " %s",
                 (uint64_t)atomic_load(&progress->done),
                 (uint64_t)atomic_load(&progress->planned),
                 name_items(progress));
    if (failed > 0)
        append_words(tail, ", %" PRIu64 " failed", failed);
    append_size(tail, progress);
    append_speed(tail, &row->speed, progress);
}

static void
append_comparing(Tail *tail, const HrProgress *progress)
{
    uint64_t bytes = atomic_load(&progress->bytes);
    g_autofree char *size = hr_text_format_size((int64_t)bytes);

    append_words(tail, ": comparing: %" PRIu64 " repositories, %" PRIu64 " %s",
                 (uint64_t)atomic_load(&progress->repositories),
                 (uint64_t)atomic_load(&progress->checked),
                 name_items(progress));
    if (bytes > 0)
        append_words(tail, ", %s", size);
}

/* The line of a pass for a terminal of so many cells.  The title gives way to
 * what follows it, down to a third of the line. */
static void
append_row(GString *lines, const HrProgressBar *bar, const Row *row,
           size_t room)
{
    g_autofree char *safe = hr_text_one_line(row->title);
    g_autoptr(GString) text = g_string_new(NULL);
    Tail tail = {.text = text};
    size_t cells;
    size_t size;

    fit_cells(safe, room / 3, &cells);
    tail.room = room - cells;
    cells = tail.room;
    if (atomic_load(&row->progress->planned) == 0) {
        append_comparing(&tail, row->progress);
    } else {
        append_bar(&tail, bar, row->progress);
        append_changes(&tail, row);
    }
    size = fit_cells(safe, room - (cells - tail.room), &cells);
    g_string_append_printf(lines, "%s%.*s%s", lines->len > 0 ? "\n" : "",
                           (int)size, safe, text->str);
}

/* ------------------------------------------------- all of them together */

static void
add_number(atomic_uint_least64_t *sum, const atomic_uint_least64_t *number)
{
    atomic_fetch_add(sum, atomic_load(number));
}

static void
add_row(Row *sum, HrProgress *total, const Row *row)
{
    const HrProgress *progress = row->progress;

    add_number(&total->repositories, &progress->repositories);
    add_number(&total->checked, &progress->checked);
    add_number(&total->planned, &progress->planned);
    add_number(&total->loaded, &progress->loaded);
    add_number(&total->done, &progress->done);
    add_number(&total->failed, &progress->failed);
    add_number(&total->bytes, &progress->bytes);
    add_number(&total->planned_bytes, &progress->planned_bytes);
    if (row->speed.started_us == 0)
        return;
    if (sum->speed.started_us == 0 ||
        row->speed.started_us < sum->speed.started_us)
        sum->speed.started_us = row->speed.started_us;
    sum->speed.seen_us = row->speed.seen_us;
    if (row->speed.weight > 0)
        sum->speed.sum += row->speed.sum / row->speed.weight;
    sum->speed.weight = 1;
}

static void
append_sum(GString *lines, const HrProgressBar *bar, unsigned running,
           size_t room)
{
    g_autofree char *title = g_strdup_printf("%u syncs", running);
    HrProgress total = {0};
    Row sum = {.title = title, .progress = &total};

    for (guint i = 0; i < bar->rows->len; i++) {
        const Row *row = &g_array_index(bar->rows, Row, i);

        if (row->shown)
            add_row(&sum, &total, row);
    }
    append_row(lines, bar, &sum, room);
}

/* -------------------------------------------------------------- drawing */

static void
draw_locked(HrProgressBar *bar, unsigned running)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    size_t rows;
    size_t room;

    measure_terminal(bar, &rows, &room);
    append_erasure(bar, text);
    /* Half of the screen is for what is told besides. */
    bar->lines = running <= MAX(rows / 2, 1) ? running : 1;
    if (bar->lines < running)
        append_sum(lines, bar, running, room);
    for (guint i = 0; bar->lines == running && i < bar->rows->len; i++) {
        const Row *row = &g_array_index(bar->rows, Row, i);

        if (row->shown)
            append_row(lines, bar, row, room);
    }
    g_free(bar->text);
    bar->text = g_strdup(lines->str);
    g_string_append(text, bar->text);
    write_text(bar, text->str);
}

static void
log_row(Row *row, int64_t now_us)
{
    g_autoptr(GString) text = g_string_new(NULL);
    Tail tail = {.text = text, .room = SIZE_MAX};

    if (row->logged_us == 0)
        row->logged_us = now_us;
    if (now_us - row->logged_us < LOG_INTERVAL_US)
        return;
    row->logged_us = now_us;
    if (atomic_load(&row->progress->planned) == 0) {
        append_comparing(&tail, row->progress);
    } else {
        append_words(&tail, ":");
        append_changes(&tail, row);
    }
    hr_log(HR_LOG_INFO, "%s%s", row->title, text->str);
}

void
hr_progress_bar_draw(HrProgressBar *bar, int64_t now_us)
{
    unsigned running = 0;

    if (bar->style == HR_PROGRESS_NONE ||
        now_us - bar->drawn_us < DRAW_INTERVAL_US)
        return;
    bar->drawn_us = now_us;
    for (guint i = 0; i < bar->rows->len; i++) {
        Row *row = &g_array_index(bar->rows, Row, i);

        row->shown = atomic_load(&row->progress->running);
        if (!row->shown) {
            row->logged_us = 0;
            continue;
        }
        running++;
        hr_speed_update(&row->speed, row->progress, now_us);
        if (bar->style == HR_PROGRESS_LOG)
            log_row(row, now_us);
    }
    if (bar->style != HR_PROGRESS_BAR)
        return;
    HR_LOCKED(&bar->mutex);
    if (running > 0)
        draw_locked(bar, running);
    else
        clear_locked(bar);
}
