/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notes: lines for the log, kept until a worker writes them. */
#include "net/notes.h"

#include "base/log.h"

typedef struct Note {
    int level;
    char *text;
} Note;

static void
free_note(gpointer data)
{
    Note *note = data;

    g_free(note->text);
    g_free(note);
}

static GPtrArray *
lines_of(HrNotes *notes)
{
    if (notes->lines == NULL)
        notes->lines = g_ptr_array_new_with_free_func(free_note);
    return notes->lines;
}

void
hr_notes_add(HrNotes *notes, int level, char *text)
{
    Note *note;

    if (text == NULL)
        return;
    note = g_new(Note, 1);
    note->level = level;
    note->text = text;
    g_ptr_array_add(lines_of(notes), note);
}

void
hr_notes_move(HrNotes *to, HrNotes *from)
{
    if (from->lines == NULL)
        return;
    if (to->lines == NULL)
        to->lines = g_steal_pointer(&from->lines);
    else
        g_ptr_array_extend_and_steal(to->lines, g_steal_pointer(&from->lines));
}

void
hr_notes_write(HrNotes *notes, const char *correlation)
{
    for (guint i = 0; notes->lines != NULL && i < notes->lines->len; i++) {
        const Note *note = notes->lines->pdata[i];

        hr_log_call(note->level, correlation, "%s", note->text);
    }
    hr_notes_clear(notes);
}

void
hr_notes_clear(HrNotes *notes)
{
    g_clear_pointer(&notes->lines, g_ptr_array_unref);
}
