/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* endpoint: what a registry can do, found out by asking it. */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "app/options.h"
#include "app/session.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "model/json.h"
#include "model/reference.h"

/* The question, and its answer. */
typedef struct Probe {
    HrRegistry *registry;
    const char *repository; /* NULL: any */
    bool write;
    GPtrArray *abilities; /* HrAbility */
    GError *error;
} Probe;

static void
run_probe(void *data, HrCall *call)
{
    Probe *probe = data;

    probe->abilities = hr_registry_examine(
        probe->registry, call, probe->repository, probe->write, &probe->error);
}

static const char *
state_name(int state)
{
    switch (state) {
    case HR_ABILITY_YES:
        return "yes";
    case HR_ABILITY_NO:
        return "no";
    default:
        return "unknown";
    }
}

static void
print_ability(const char *name, int state, const char *detail)
{
    printf("  %-13s  %-7s  %s\n", name, state_name(state), detail);
}

static HrJson *
ability_to_json(const char *name, int state, const char *detail)
{
    HrJson *json = hr_json_new_object();

    hr_json_set_text(json, "name", name);
    hr_json_set_text(json, "state", state_name(state));
    hr_json_set_text(json, "detail", detail);
    return json;
}

/* What no plugin sees. */
static const char *
describe_http2(bool http2)
{
    return http2 ? "metadata goes over one connection"
                 : "metadata goes over several connections";
}

static void
print(const HrEndpointConfig *config, const Probe *probe, bool http2)
{
    printf("%s: %s (%s)\n", config->name, config->url, config->type);
    print_ability("http2", http2 ? HR_ABILITY_YES : HR_ABILITY_NO,
                  describe_http2(http2));
    for (guint i = 0; i < probe->abilities->len; i++) {
        const HrAbility *ability = probe->abilities->pdata[i];

        print_ability(ability->name, ability->state, ability->detail);
    }
}

static void
print_json(const HrEndpointConfig *config, const Probe *probe, bool http2)
{
    g_autoptr(HrJson) json = hr_json_new_object();
    g_autofree char *text = NULL;
    HrJson *list = hr_json_new_array();

    hr_json_append(
        list, ability_to_json("http2", http2 ? HR_ABILITY_YES : HR_ABILITY_NO,
                              describe_http2(http2)));
    for (guint i = 0; i < probe->abilities->len; i++) {
        const HrAbility *ability = probe->abilities->pdata[i];

        hr_json_append(list, ability_to_json(ability->name, ability->state,
                                             ability->detail));
    }
    hr_json_set_number(json, "version", 1);
    hr_json_set_text(json, "endpoint", config->name);
    hr_json_set_text(json, "type", config->type);
    hr_json_set_text(json, "url", config->url);
    hr_json_set(json, "abilities", list);
    text = hr_json_pretty(json);
    fputs(text, stdout);
}

static int
probe_endpoint(const HrApp *app, const char *name, Probe *probe, bool json)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrSession) session = hr_session_load(app, &error);
    const HrEndpointConfig *config;
    HrEndpointStats stats;

    if (session == NULL)
        return hr_session_report_error(error);
    config =
        hr_config_require_endpoint(hr_session_config(session), name, &error);
    if (config == NULL || !hr_session_start(session, &error))
        return hr_session_report_error(error);
    probe->registry = hr_session_open_registry(session, config, &error);
    if (probe->registry == NULL)
        return hr_session_report_error(error);
    if (!hr_session_run_job(session, run_probe, probe))
        return HR_EXIT_NOTHING_DONE;
    if (probe->abilities == NULL)
        return hr_session_report_error(probe->error);
    hr_endpoint_stats(hr_registry_endpoint(probe->registry), &stats);
    if (json)
        print_json(config, probe, stats.http2);
    else
        print(config, probe, stats.http2);
    return HR_EXIT_DONE;
}

int
hr_command_endpoint(const HrApp *app, int argc, char **argv)
{
    g_autofree char *repository = NULL;
    gboolean write = false;
    GOptionEntry entries[] = {
        {"repository", 'r', 0, G_OPTION_ARG_STRING, &repository,
         "Look at this repository (default: the first of the catalog)",
         "REPOSITORY"},
        {"write", 'w', 0, G_OPTION_ARG_NONE, &write,
         "Begin uploads to it as well, and cancel them", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    HrOptions options = {
        .usage = "probe NAME",
        .summary =
            "Finds out what the registry of an endpoint can do, and what "
            "follows from it.\nWhat it does wrongly can be switched off in "
            "the configuration: see its upload,\nmount, head, referrers and "
            "http2.",
        .entries = entries,
        .output = true,
    };
    g_auto(GStrv) words = NULL;
    Probe probe = {0};
    int code;

    if (!hr_options_parse(&options, argc, argv, &words, &code))
        return code;
    if (g_strv_length(words) != 2 || strcmp(words[0], "probe") != 0)
        return hr_options_usage_error("endpoint", "give probe, and the name "
                                                  "of one endpoint");
    if (repository != NULL && !hr_repository_valid(repository))
        return hr_options_usage_error(
            "endpoint", "'%s' is no name of a repository", repository);
    if (write && repository == NULL)
        return hr_options_usage_error(
            "endpoint", "--write needs --repository: nothing is written to "
                        "where nobody said so");
    probe.repository = repository;
    probe.write = write;
    code = probe_endpoint(app, words[1], &probe, options.json);
    if (probe.abilities != NULL)
        g_ptr_array_unref(probe.abilities);
    g_clear_error(&probe.error);
    return code;
}
