/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mistakes: everything that is wrong with a configuration, told at once. */
#ifndef HR_CONFIG_MISTAKES_H
#define HR_CONFIG_MISTAKES_H

#include <glib.h>

typedef struct HrMistakes HrMistakes;

/* `path` is the main file, whose mistakes come first. */
HrMistakes *
hr_mistakes_new(const char *path);

void
hr_mistakes_free(HrMistakes *mistakes);

/* Adds "file:line: place: message"; `place` may be NULL.  What was said of
 * that line already is not said twice. */
void
hr_mistakes_add(HrMistakes *mistakes, const char *file, unsigned line,
                const char *place, const char *message);

/* All of them in the order of the files, one a line.  NULL if there is none.
 * Caller frees. */
char *
hr_mistakes_text(const HrMistakes *mistakes);

#endif
