/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Progress: one line on the terminal. */
#include "observe/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"

#define DRAW_INTERVAL_US 100000
#define BAR_CELLS 20
#define DEFAULT_COLUMNS 80

/* To the first column, and nothing right of it. */
#define ERASE "\r\033[K"

struct HrProgressBar {
    int fd;
    bool enabled;
    bool colour;
    int64_t drawn_us;
    int64_t started_us;    /* when the first change was planned; or 0 */
    pthread_mutex_t mutex; /* of the terminal and of the line below   */
    char *line;            /* what is on the terminal, or NULL */
};

static void
write_text(const HrProgressBar *bar, const char *text)
{
    /* A terminal that is gone needs no bar. */
    (void)!write(bar->fd, text, strlen(text));
}

/* Around every line of log: off the terminal, and back on it.  Nothing is
 * drawn in between, so the lock is held from the one to the other. */
static void
make_room(bool before, void *data)
{
    HrProgressBar *bar = data;

    if (before)
        pthread_mutex_lock(&bar->mutex);
    if (bar->line != NULL)
        write_text(bar, before ? ERASE : bar->line);
    if (!before)
        pthread_mutex_unlock(&bar->mutex);
}

HrProgressBar *
hr_progress_bar_new(int fd, bool enabled, bool colour)
{
    HrProgressBar *bar = g_new0(HrProgressBar, 1);

    bar->fd = fd;
    bar->enabled = enabled;
    bar->colour = colour;
    pthread_mutex_init(&bar->mutex, NULL);
    if (enabled)
        hr_log_set_hook(make_room, bar);
    return bar;
}

void
hr_progress_bar_clear(HrProgressBar *bar)
{
    HR_LOCKED(&bar->mutex);
    if (bar->line != NULL)
        write_text(bar, ERASE);
    g_clear_pointer(&bar->line, g_free);
    bar->started_us = 0;
}

void
hr_progress_bar_free(HrProgressBar *bar)
{
    if (bar == NULL)
        return;
    hr_progress_bar_clear(bar);
    if (bar->enabled)
        hr_log_set_hook(NULL, NULL);
    pthread_mutex_destroy(&bar->mutex);
    g_free(bar);
}

/* Cells that a line may take.  The last column stays free: terminals wrap
 * when it is written to. */
static size_t
terminal_room(const HrProgressBar *bar)
{
    struct winsize size;

    if (ioctl(bar->fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return DEFAULT_COLUMNS - 1;
    return size.ws_col - 1u;
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

static void
append_bar(Tail *tail, const HrProgressBar *bar, uint64_t done,
           uint64_t planned)
{
    char cells[BAR_CELLS + 1];
    uint64_t full = MIN(done, planned) * BAR_CELLS / planned;
    g_autofree char *part = NULL;

    for (unsigned i = 0; i < BAR_CELLS; i++)
        cells[i] = i < full ? '#' : '.';
    cells[BAR_CELLS] = '\0';
    part =
        g_strdup_printf(bar->colour ? " \033[32m[%s]\033[0m" : " [%s]", cells);
    append_part(tail, part, BAR_CELLS + strlen(" []"));
}

static void
append_changes(Tail *tail, const HrProgressBar *bar,
               const HrProgress *progress, uint64_t planned, int64_t elapsed)
{
    uint64_t done = atomic_load(&progress->done);
    uint64_t failed = atomic_load(&progress->failed);
    uint64_t bytes = atomic_load(&progress->bytes);
    g_autofree char *size = hr_text_format_size((int64_t)bytes);
    g_autofree char *rate = hr_text_format_size(
        (int64_t)((double)bytes * 1e6 / (double)MAX(elapsed, 1)));
    g_autofree char *left = NULL;

    append_bar(tail, bar, done, planned);
    append_words(tail, " %" PRIu64 "/%" PRIu64 " tags", done, planned);
    if (failed > 0)
        append_words(tail, ", %" PRIu64 " failed", failed);
    append_words(tail, ", %s", size);
    /* After less than a second both would be noise. */
    if (elapsed < G_USEC_PER_SEC)
        return;
    append_words(tail, ", %s/s", rate);
    if (done == 0 || done >= planned)
        return;
    left = hr_text_format_duration(
        (int64_t)((double)elapsed / (double)done * (double)(planned - done)));
    append_words(tail, ", %s left", left);
}

/* The line for a terminal of so many cells.  The title gives way to what
 * follows it, down to a third of the line. */
static char *
compose(const HrProgressBar *bar, const char *title,
        const HrProgress *progress, int64_t now, size_t room)
{
    g_autofree char *safe = hr_text_one_line(title);
    g_autoptr(GString) text = g_string_new(NULL);
    uint64_t planned = atomic_load(&progress->planned);
    Tail tail = {.text = text};
    size_t cells;
    size_t size;

    fit_cells(safe, room / 3, &cells);
    tail.room = room - cells;
    cells = tail.room;
    if (planned == 0)
        append_words(&tail,
                     ": comparing: %" PRIu64 " repositories, %" PRIu64 " tags",
                     (uint64_t)atomic_load(&progress->repositories),
                     (uint64_t)atomic_load(&progress->checked));
    else
        append_changes(&tail, bar, progress, planned, now - bar->started_us);
    size = fit_cells(safe, room - (cells - tail.room), &cells);
    return g_strdup_printf(ERASE "%.*s%s", (int)size, safe, text->str);
}

void
hr_progress_bar_draw(HrProgressBar *bar, const char *title,
                     const HrProgress *progress)
{
    int64_t now = hr_clock_monotonic_us();

    if (!bar->enabled || now - bar->drawn_us < DRAW_INTERVAL_US)
        return;
    HR_LOCKED(&bar->mutex);
    /* Comparing takes its time, but moves no bytes. */
    if (atomic_load(&progress->planned) == 0)
        bar->started_us = 0;
    else if (bar->started_us == 0)
        bar->started_us = now;
    bar->drawn_us = now;
    g_free(bar->line);
    bar->line = compose(bar, title, progress, now, terminal_room(bar));
    write_text(bar, bar->line);
}
