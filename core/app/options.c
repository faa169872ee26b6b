/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of one command. */
#include "app/options.h"

#include <stdio.h>
#include <string.h>

#include "app/app.h"

int
hr_options_usage_error(const char *command, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr,
            "harbor-replicator %s: %s\n"
            "Try 'harbor-replicator %s --help'.\n",
            command, message, command);
    return HR_EXIT_USAGE;
}

static GOptionContext *
new_context(const HrOptions *options)
{
    GOptionContext *context = g_option_context_new(options->usage);

    g_option_context_set_summary(context, options->summary);
    g_option_context_set_description(context, options->description);
    g_option_context_set_help_enabled(context, false);
    g_option_context_set_main_group(
        context, g_option_group_new("main", "", "", options->data, NULL));
    if (options->entries != NULL)
        g_option_context_add_main_entries(context, options->entries, NULL);
    return context;
}

/* GOption's own help would name the program by argv[0] alone. */
static void
print_help(GOptionContext *context, const char *command)
{
    g_autofree char *program =
        g_strdup_printf("harbor-replicator %s", command);
    g_autofree char *help = NULL;

    g_set_prgname(program);
    help = g_option_context_get_help(context, true, NULL);
    fputs(help, stdout);
}

bool
hr_options_parse(HrOptions *options, int argc, char **argv, char ***arguments,
                 int *exit_code)
{
    const char *command = argv[0];
    g_autofree char *output = NULL;
    gboolean help = false;
    GOptionEntry common[] = {
        {"help", 'h', 0, G_OPTION_ARG_NONE, &help, "Show this help", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    GOptionEntry output_entry = {
        "output", 'o',
        0,        G_OPTION_ARG_STRING,
        &output,  "Write the result as text (default) or json",
        "FORMAT"};
    g_autoptr(GOptionContext) context = new_context(options);
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) copy = g_new0(char *, (gsize)argc + 1);

    if (options->output)
        common[1] = output_entry;
    g_option_context_add_main_entries(context, common, NULL);
    for (int i = 0; i < argc; i++)
        copy[i] = g_strdup(argv[i]);
    if (!g_option_context_parse_strv(context, &copy, &error)) {
        *exit_code = hr_options_usage_error(command, "%s", error->message);
        return false;
    }
    if (help) {
        print_help(context, command);
        *exit_code = HR_EXIT_DONE;
        return false;
    }
    if (output != NULL && strcmp(output, "json") != 0 &&
        strcmp(output, "text") != 0) {
        *exit_code = hr_options_usage_error(
            command, "-o takes text or json, not '%s'", output);
        return false;
    }
    options->json = output != NULL && strcmp(output, "json") == 0;
    *arguments = g_strdupv(copy + 1);
    return true;
}
