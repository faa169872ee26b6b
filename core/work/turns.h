/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Turns: one job at a time for each name.  The others park, and get their turn
 * in the order in which they came.
 *
 *     take --nobody has it--> yours --give--> the next one's, or nobody's
 *        \--somebody has it--> parked --his turn--> `ready` resumes it
 */
#ifndef HR_WORK_TURNS_H
#define HR_WORK_TURNS_H

#include <glib.h>
#include <stdbool.h>

typedef struct HrTurns HrTurns;

HrTurns *
hr_turns_new(void);

/* Nobody has a turn. */
void
hr_turns_free(HrTurns *turns);

/* True if the turn is the caller's, who gives it back.  Otherwise it will be:
 * `ready(data)` is called then, once, on the thread of who gave it back, maybe
 * before this returns.  From any thread. */
bool
hr_turns_take(HrTurns *turns, const char *name, void (*ready)(void *data),
              void *data);

/* Ends the caller's turn. */
void
hr_turns_give(HrTurns *turns, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrTurns, hr_turns_free)

#endif
