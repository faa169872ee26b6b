/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of one command: parsing, its --help, and -o text|json. */
#ifndef HR_APP_OPTIONS_H
#define HR_APP_OPTIONS_H

#include <glib.h>
#include <stdbool.h>

/* What a command accepts. */
typedef struct HrOptions {
    const char *usage;       /* what follows the command's name: "[SYNC...]" */
    const char *summary;     /* one or two sentences                        */
    const char *description; /* after the options; NULL for none            */
    GOptionEntry *entries;   /* ends in an empty one; NULL for none         */
    void *data;              /* for callbacks of entries; may be NULL       */
    bool output;             /* takes -o text|json                          */
    bool json;               /* out: -o json was given                      */
} HrOptions;

/* Parses; what is left in *arguments (ends in NULL, the caller's) is no
 * option.  False if the command has ended: *exit_code is set then, and help or
 * the mistake was printed. */
bool
hr_options_parse(HrOptions *options, int argc, char **argv, char ***arguments,
                 int *exit_code);

/* Prints "harbor-replicator COMMAND: message" and where to look; returns the
 * exit code for wrong usage. */
int
hr_options_usage_error(const char *command, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

#endif
