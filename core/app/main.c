/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program: global options, then one command. */
#include <glib.h>
#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/signals.h"
#include "base/log.h"

/* glibc gives every thread an arena of its own, each with its own unused
 * tail; our threads allocate little and share two just as well. */
#define ARENA_LIMIT 2

static const HrCommand commands[] = {
    {"once", "one pass over the syncs of the configuration, then exit",
     hr_command_once},
    {"plan", "what a pass would change; writes nothing", hr_command_plan},
    {"apply", "do exactly what a saved plan says", hr_command_apply},
    {"verify", "prove both sides equal, or list where not", hr_command_verify},
    {"robots", "check, adopt or rotate the secrets of robot accounts",
     hr_command_robots},
    {"copy", "copy one artifact or repository, no configuration needed",
     hr_command_copy},
    {"endpoint", "find out what a registry can do", hr_command_endpoint},
    {"plugins", "what is there to load, and what a plugin file is",
     hr_command_plugins},
    {"policy", "show limits and patience, by preset or endpoint",
     hr_command_policy},
    {"config", "check or show the configuration, or its schema",
     hr_command_config},
    {"version", "version of the program, its ABI and its libraries",
     hr_command_version},
};

typedef struct GlobalOptions {
    char *config_path;
    char *auth_file;
    char *log_format;
    int verbosity;
    gboolean quiet;
    gboolean help;
    gboolean version;
} GlobalOptions;

static void
print_help(FILE *stream)
{
    fputs("Usage: harbor-replicator [-c FILE] [-v|-q] "
          "[--log-format text|json] COMMAND ...\n\n"
          "Keeps container registries identical.\n\nCommands:\n",
          stream);
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++)
        fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\nOptions before the command:\n"
          "  -c, --config FILE     configuration (default: "
          "$HARBOR_REPLICATOR_CONFIG,\n"
          "                        then " HR_SYSCONFDIR
          "/harbor-replicator/harbor-replicator.cfg)\n"
          "  --authfile FILE       saved logins (default: "
          "$REGISTRY_AUTH_FILE, then those\n"
          "                        of podman and docker)\n"
          "  -v, --verbose         log more; twice: debug, three times: "
          "trace\n"
          "  -q, --quiet           log errors only, draw no progress\n"
          "  --log-format FORMAT   text (default) or json\n"
          "  --version             print the version\n"
          "  -h, --help            print this; 'COMMAND --help' tells more\n\n"
          "Exit codes: 0 done; 1 some items failed; 2 nothing could be done; "
          "3 usage or\nconfiguration; 4 credentials refused; 5 differences "
          "found; 6 refused by a guard,\nnothing written; 7 conflicts wait; "
          "130 and 143 on signals.\n",
          stream);
}

static gboolean
count_verbose(const char *name, const char *value, gpointer data,
              GError **error)
{
    GlobalOptions *options = data;

    (void)name;
    (void)value;
    (void)error;
    options->verbosity++;
    return true;
}

/* Parses what stands before the command.  On success *argc and *argv start at
 * the command. */
static bool
parse_global(GlobalOptions *options, int *argc, char ***argv)
{
    GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &options->config_path, NULL,
         NULL},
        {"authfile", 0, 0, G_OPTION_ARG_FILENAME, &options->auth_file, NULL,
         NULL},
        {"verbose", 'v', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK,
         (gpointer)count_verbose, NULL, NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, NULL, NULL},
        {"log-format", 0, 0, G_OPTION_ARG_STRING, &options->log_format, NULL,
         NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, NULL, NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &options->help, NULL, NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    GOptionGroup *group = g_option_group_new("global", "", "", options, NULL);
    g_autoptr(GError) error = NULL;

    g_option_group_add_entries(group, entries);
    g_option_context_set_main_group(context, group);
    g_option_context_set_help_enabled(context, false);
    g_option_context_set_strict_posix(context, true);
    if (g_option_context_parse(context, argc, argv, &error)) {
        (*argc)--;
        (*argv)++;
        return true;
    }
    fprintf(stderr, "harbor-replicator: %s\nTry 'harbor-replicator --help'.\n",
            error->message);
    return false;
}

static bool
configure_log(const GlobalOptions *options, HrApp *app)
{
    const char *no_colour = g_getenv("NO_COLOR");
    const char *term = g_getenv("TERM");
    bool terminal = isatty(STDERR_FILENO) == 1 &&
                    g_strcmp0(term, "dumb") != 0 && term != NULL;
    int level = MIN(HR_LOG_INFO + options->verbosity, (int)HR_LOG_TRACE);

    if (options->log_format != NULL) {
        app->json_log = strcmp(options->log_format, "json") == 0;
        if (!app->json_log && strcmp(options->log_format, "text") != 0) {
            fprintf(stderr,
                    "harbor-replicator: --log-format takes text or json, not "
                    "'%s'\n",
                    options->log_format);
            return false;
        }
    }
    app->quiet = options->quiet;
    app->colour = terminal && (no_colour == NULL || *no_colour == '\0');
    app->progress = app->quiet                   ? HR_PROGRESS_NONE
                    : terminal && !app->json_log ? HR_PROGRESS_BAR
                                                 : HR_PROGRESS_LOG;
    hr_log_configure(app->quiet ? HR_LOG_ERROR : level,
                     app->json_log ? HR_LOG_FORMAT_JSON : HR_LOG_FORMAT_TEXT,
                     app->colour);
    return true;
}

static const HrCommand *
find_command(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int
run_command(const HrApp *app, int argc, char **argv)
{
    const HrCommand *command;
    int code;

    if (argc == 0) {
        print_help(stderr);
        return HR_EXIT_USAGE;
    }
    command = find_command(argv[0]);
    if (command == NULL) {
        fprintf(stderr,
                "harbor-replicator: there is no command '%s'\n"
                "Try 'harbor-replicator --help'.\n",
                argv[0]);
        return HR_EXIT_USAGE;
    }
    code = command->run(app, argc, argv);
    /* Results that did not reach their reader are no success. */
    if (fflush(stdout) != 0 && code == HR_EXIT_DONE) {
        hr_log(HR_LOG_ERROR, "cannot write the result to standard output");
        code = HR_EXIT_NOTHING_DONE;
    }
    return hr_signals_pending() != 0 ? 128 + hr_signals_pending() : code;
}

int
main(int argc, char **argv)
{
    GlobalOptions options = {0};
    HrApp app = {0};
    int code = HR_EXIT_USAGE;
    char *version[] = {(char[]){"version"}, NULL};

    setlocale(LC_CTYPE, "");
    mallopt(M_ARENA_MAX, ARENA_LIMIT);
    hr_signals_install();
    if (parse_global(&options, &argc, &argv) &&
        configure_log(&options, &app)) {
        app.config_path = options.config_path;
        app.auth_file = options.auth_file;
        if (options.help) {
            print_help(stdout);
            code = HR_EXIT_DONE;
        } else if (options.version) {
            code = hr_command_version(&app, 1, version);
        } else {
            code = run_command(&app, argc, argv);
        }
    }
    g_free(options.config_path);
    g_free(options.auth_file);
    g_free(options.log_format);
    return code;
}
