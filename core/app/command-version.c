/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* version: of the program, its ABI and its libraries. */
#include <harbor-replicator/hr-abi.h>
#include <stdio.h>

#include "app/app.h"
#include "app/options.h"
#include "model/json.h"
#include "net/net.h"

int
hr_command_version(const HrApp *app, int argc, char **argv)
{
    HrOptions options = {
        .usage = "",
        .summary = "Prints the version of the program, of the plugin ABI and "
                   "of the HTTP library.",
        .output = true,
    };
    g_auto(GStrv) rest = NULL;
    g_autoptr(HrJson) json = NULL;
    g_autofree char *text = NULL;
    int code;

    (void)app;
    if (!hr_options_parse(&options, argc, argv, &rest, &code))
        return code;
    if (!options.json) {
        printf("harbor-replicator %s\nplugin ABI %u.%u\n%s\n", PACKAGE_VERSION,
               HR_ABI_MAJOR, HR_ABI_MINOR, hr_net_library_version());
        return HR_EXIT_DONE;
    }
    json = hr_json_new_object();
    hr_json_set_number(json, "version", 1);
    hr_json_set_text(json, "program", PACKAGE_VERSION);
    hr_json_set_number(json, "abi_major", HR_ABI_MAJOR);
    hr_json_set_number(json, "abi_minor", HR_ABI_MINOR);
    hr_json_set_text(json, "http", hr_net_library_version());
    text = hr_json_pretty(json);
    fputs(text, stdout);
    return HR_EXIT_DONE;
}
