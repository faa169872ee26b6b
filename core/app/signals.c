/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals: end the work in good order, or at once. */
#include "app/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_int first_signal;

static void
handle_signal(int number)
{
    int expected = 0;

    if (!atomic_compare_exchange_strong(&first_signal, &expected, number))
        _exit(128 + number);
}

void
hr_signals_install(void)
{
    struct sigaction action = {.sa_handler = handle_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* A reader of our output that goes away is a write error, not a death. */
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
}

int
hr_signals_pending(void)
{
    return atomic_load(&first_signal);
}
