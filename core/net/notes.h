/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Notes: lines for the log that a loop thread may not write itself, kept until
 * a worker does.  Internal to core/net.
 */
#ifndef HR_NET_NOTES_H
#define HR_NET_NOTES_H

#include <glib.h>

typedef struct HrNotes {
    GPtrArray *lines; /* NULL while there are none */
} HrNotes;

/* Takes `text`; nothing if it is NULL. */
void
hr_notes_add(HrNotes *notes, int level, char *text);

/* Moves all of `from` behind those of `to`. */
void
hr_notes_move(HrNotes *to, HrNotes *from);

/* Writes them, with the correlation id of a call, and forgets them. */
void
hr_notes_write(HrNotes *notes, const char *correlation);

void
hr_notes_clear(HrNotes *notes);

#endif
