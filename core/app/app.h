/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * App: what all commands share: the global options, the exit codes, and the
 * table of verbs.
 */
#ifndef HR_APP_APP_H
#define HR_APP_APP_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#include "observe/progress-bar.h"

/* Exit codes (DESIGN: 130 and 143 are for signals). */
enum {
    HR_EXIT_DONE = 0,
    HR_EXIT_SOME_FAILED = 1,
    HR_EXIT_NOTHING_DONE = 2,
    HR_EXIT_USAGE = 3,
    HR_EXIT_CREDENTIALS = 4,
    HR_EXIT_DIFFERENT = 5,
    HR_EXIT_REFUSED = 6,
    HR_EXIT_CONFLICTS = 7
};

/* The options before the command. */
typedef struct HrApp {
    char *config_path; /* NULL: the usual place */
    char *auth_file;   /* of saved logins; NULL: the usual places */
    bool quiet;
    bool json_log;
    bool colour; /* stdout and stderr may carry colours */
    HrProgressStyle progress;
} HrApp;

typedef struct HrCommand {
    const char *name;
    const char *summary; /* half a sentence for --help */
    int (*run)(const HrApp *app, int argc, char **argv);
} HrCommand;

/* One a file, command-NAME.c.  argv[0] is the command's name. */
int
hr_command_once(const HrApp *app, int argc, char **argv);

int
hr_command_plan(const HrApp *app, int argc, char **argv);

int
hr_command_apply(const HrApp *app, int argc, char **argv);

int
hr_command_verify(const HrApp *app, int argc, char **argv);

int
hr_command_robots(const HrApp *app, int argc, char **argv);

int
hr_command_copy(const HrApp *app, int argc, char **argv);

int
hr_command_endpoint(const HrApp *app, int argc, char **argv);

int
hr_command_plugins(const HrApp *app, int argc, char **argv);

int
hr_command_policy(const HrApp *app, int argc, char **argv);

int
hr_command_config(const HrApp *app, int argc, char **argv);

int
hr_command_version(const HrApp *app, int argc, char **argv);

#endif
