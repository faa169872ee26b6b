/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unheld: documents that a target cannot hold and does not have.  What needs
 * one of them cannot be there either: that is no failure, and trying it again
 * with every pass would be none the better.
 *
 * Not locked: its owner's.
 */
#ifndef HR_SYNC_UNHELD_H
#define HR_SYNC_UNHELD_H

#include <glib.h>

typedef struct HrUnheld HrUnheld;

HrUnheld *
hr_unheld_new(void);

void
hr_unheld_free(HrUnheld *unheld);

void
hr_unheld_add(HrUnheld *unheld, const char *kind, const char *key);

/* "cannot be held: it needs registry closed, ..." if a document needs one of
 * them; the caller's.  Else NULL. */
char *
hr_unheld_reason(const HrUnheld *unheld, const char *kind, const char *key,
                 const char *document);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrUnheld, hr_unheld_free)

#endif
