/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signals: the first SIGINT or SIGTERM ends the work in good order, a second
 * one ends the process at once.
 */
#ifndef HR_APP_SIGNALS_H
#define HR_APP_SIGNALS_H

/* Installs the handlers; before the first thread. */
void
hr_signals_install(void);

/* The signal that came, or 0. */
int
hr_signals_pending(void);

#endif
