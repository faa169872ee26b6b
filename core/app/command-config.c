/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* config: check or show the configuration, or its schema. */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "app/options.h"
#include "app/session.h"

static int
check(const HrSession *session)
{
    const HrConfig *config = hr_session_config(session);

    printf("%s: good: %u endpoints, %u syncs, %u sinks\n", config->path,
           config->endpoints->len, config->syncs->len, config->sinks->len);
    return HR_EXIT_DONE;
}

static int
show(const HrSession *session, bool json)
{
    const HrConfig *config = hr_session_config(session);
    g_autofree char *text =
        json ? hr_config_show_json(config) : hr_config_show(config);

    fputs(text, stdout);
    return HR_EXIT_DONE;
}

static int
print_schema(bool json)
{
    g_autofree char *text =
        json ? hr_config_schema_json() : hr_config_schema_text();

    fputs(text, stdout);
    return HR_EXIT_DONE;
}

int
hr_command_config(const HrApp *app, int argc, char **argv)
{
    HrOptions options = {
        .usage = "check|show|schema",
        .summary = "check   loads the configuration and lists all of its "
                   "mistakes (exit code 3)\n"
                   "show    prints it with all defaults filled in, secrets as "
                   "references only\n"
                   "schema  prints every key: type, default, range, meaning",
        .output = true,
    };
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(HrSession) session = NULL;
    int code;

    if (!hr_options_parse(&options, argc, argv, &words, &code))
        return code;
    if (g_strv_length(words) != 1 ||
        !(strcmp(words[0], "check") == 0 || strcmp(words[0], "show") == 0 ||
          strcmp(words[0], "schema") == 0))
        return hr_options_usage_error("config",
                                      "give one of check, show and schema");
    if (strcmp(words[0], "schema") == 0)
        return print_schema(options.json);
    session = hr_session_load(app, &error);
    if (session == NULL)
        return hr_session_report_error(error);
    if (strcmp(words[0], "show") == 0)
        return show(session, options.json);
    return check(session);
}
