/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* copy: one artifact or repository, in skopeo's spelling. */
#include <string.h>

#include "app/app.h"
#include "app/options.h"
#include "app/pass-runner.h"
#include "app/session.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "config/secret-reference.h"
#include "model/item.h"
#include "model/reference.h"
#include "net/address.h"
#include "sync/planner.h"

/* The repository name by which a layout directory is spoken of: it holds one
 * repository and has no name of its own. */
#define LAYOUT_REPOSITORY "artifact"

#define DEFAULT_TAG "latest"

/* What the options say about one side. */
typedef struct Side {
    const char *name; /* "source" */
    char *credentials;
    char *ca_file;
    gboolean verify;
    HrPlace *place;
    HrEndpointConfig *config;
} Side;

typedef struct CopyOptions {
    Side source;
    Side target;
    gboolean all_tags;
    gboolean no_referrers;
} CopyOptions;

static void
clear_side(Side *side)
{
    if (side->credentials != NULL)
        hr_secret_wipe(side->credentials, strlen(side->credentials));
    g_free(side->credentials);
    g_free(side->ca_file);
    hr_place_free(side->place);
    hr_endpoint_config_free(side->config);
}

/* USER:PASSWORD, where PASSWORD is better a reference (env:NAME, file:/PATH):
 * anybody on the machine can read the arguments of a process. */
static bool
set_credentials(Side *side, GError **error)
{
    HrEndpointConfig *config = side->config;
    char *colon;

    if (side->credentials == NULL)
        return true;
    colon = strchr(side->credentials, ':');
    if (colon == NULL)
        return hr_error_set(error, HR_CONFIG,
                            "the credentials of the %s are not of the form "
                            "USER:PASSWORD",
                            side->name);
    config->username =
        g_strndup(side->credentials, (gsize)(colon - side->credentials));
    config->password = g_strdup(colon + 1);
    config->password_inline = !hr_secret_reference_valid(config->password);
    if (config->password_inline)
        hr_log(HR_LOG_WARNING,
               "the password of the %s stands on the command line, where "
               "others can read it: write USER:env:NAME or USER:file:/PATH",
               side->name);
    return true;
}

/* docker.io is a name for people; the registry has another. */
static const char *
registry_host(const char *host)
{
    return strcmp(host, "docker.io") == 0 ? "registry-1.docker.io" : host;
}

/* The value of a layout's option; NULL for those that keep their default. */
static const char *
layout_value(const Side *side, const char *option)
{
    if (strcmp(option, "path") == 0)
        return side->place->directory;
    if (strcmp(option, "repository") == 0)
        return LAYOUT_REPOSITORY;
    return NULL;
}

/* The provider's own options: what the command line says, or their
 * defaults. */
static bool
set_options(HrSession *session, Side *side, GError **error)
{
    const hr_provider *provider =
        hr_plugins_provider(hr_session_plugins(session), HR_KIND_REGISTRY,
                            side->config->type, error);
    g_autofree char *here = g_get_current_dir();
    bool layout = side->place->kind == HR_PLACE_LAYOUT;

    if (provider == NULL)
        return false;
    for (const hr_option *const *option = provider->options;
         option != NULL && *option != NULL; option++) {
        const char *value =
            layout ? layout_value(side, (*option)->name) : NULL;

        if (value == NULL)
            value = (*option)->default_value;
        if (value != NULL && !hr_settings_set(side->config->settings, *option,
                                              value, here, error))
            return false;
    }
    return true;
}

/* Without verification plain HTTP is used where nobody else can listen: on
 * this machine. */
static bool
make_endpoint(HrSession *session, Side *side, GError **error)
{
    const HrPlace *place = side->place;
    bool layout = place->kind == HR_PLACE_LAYOUT;
    bool plain;

    side->config =
        hr_endpoint_config_new(side->name, layout ? "layout" : "oci");
    if (side->config->settings == NULL)
        side->config->settings = hr_settings_new();
    if (layout && side->credentials != NULL)
        return hr_error_set(error, HR_CONFIG,
                            "the %s is a directory, which takes no "
                            "credentials",
                            side->name);
    if (!set_options(session, side, error))
        return false;
    if (layout)
        return true;
    plain = !side->verify && hr_address_is_loopback(place->host);
    side->config->insecure = !side->verify && !plain;
    side->config->url = g_strdup_printf("%s://%s", plain ? "http" : "https",
                                        registry_host(place->host));
    side->config->ca_file = g_canonicalize_filename(
        side->ca_file != NULL ? side->ca_file : "", NULL);
    if (side->ca_file == NULL)
        g_clear_pointer(&side->config->ca_file, g_free);
    return set_credentials(side, error);
}

static const char *
place_repository(const HrPlace *place)
{
    return place->kind == HR_PLACE_LAYOUT ? LAYOUT_REPOSITORY
                                          : place->repository;
}

static const char *
place_reference(const HrPlace *place)
{
    return place->reference != NULL ? place->reference : DEFAULT_TAG;
}

static HrPlan *
make_plan(const CopyOptions *options, HrPass *pass, HrSelect *select,
          GError **error)
{
    const HrPlace *source = options->source.place;
    const HrPlace *target = options->target.place;
    g_autofree char *source_key =
        hr_tag_key(place_repository(source), place_reference(source));
    /* Left out on the target, a tag is that of the source. */
    g_autofree char *target_key =
        hr_tag_key(place_repository(target), target->reference != NULL
                                                 ? target->reference
                                                 : place_reference(source));

    if (!options->all_tags)
        return hr_planner_plan_one(pass, source_key, target_key, error);
    select->repositories.names = g_new0(char *, 2);
    select->repositories.names[0] = g_strdup(place_repository(source));
    pass->select = select;
    pass->target_repository = place_repository(target);
    return hr_planner_plan(pass, error);
}

/* A copy on its way. */
typedef struct Copying {
    const CopyOptions *options;
    HrPass pass;
    HrSelect select;
    HrReport *report;
} Copying;

static void
drive_copy(void *data)
{
    Copying *copying = data;
    HrReport *report = copying->report;
    int64_t start = hr_clock_monotonic_us();

    report->plan = make_plan(copying->options, &copying->pass,
                             &copying->select, &report->error);
    if (report->plan != NULL)
        hr_pass_runner_apply(&copying->pass, report);
    report->duration_us = hr_clock_monotonic_us() - start;
}

static int
run_copy(HrSession *session, const CopyOptions *options, bool json, bool quiet)
{
    g_autoptr(GPtrArray) reports = g_ptr_array_new();
    g_autoptr(HrReport) report = hr_report_new("copy", "source", "target");
    g_autoptr(GError) error = NULL;
    Copying copying = {.options = options, .report = report};
    int code;

    if (!hr_session_prepare_copy(session, options->source.config,
                                 options->target.config, &copying.pass,
                                 &error))
        return hr_session_report_error(error);
    copying.pass.referrers = !options->no_referrers;
    hr_session_run(session, &(HrDriven){&copying.pass, drive_copy, &copying},
                   1);
    g_ptr_array_add(reports, report);
    hr_session_end_pass(session);
    code = hr_pass_runner_tell(reports, json, quiet);
    g_strfreev(copying.select.repositories.names);
    return code;
}

static int
prepare_and_run(const HrApp *app, CopyOptions *options, char **places,
                bool json)
{
    g_autoptr(HrSession) session = hr_session_new(app);
    g_autoptr(GError) error = NULL;

    options->source.place = hr_place_parse(places[0], &error);
    if (options->source.place != NULL)
        options->target.place = hr_place_parse(places[1], &error);
    if (options->target.place == NULL)
        return hr_options_usage_error("copy", "%s", error->message);
    if (options->all_tags && (options->source.place->reference != NULL ||
                              options->target.place->reference != NULL))
        return hr_options_usage_error(
            "copy", "--all-tags copies a repository: leave the tags out");
    if (!make_endpoint(session, &options->source, &error) ||
        !make_endpoint(session, &options->target, &error) ||
        !hr_session_start(session, &error))
        return hr_session_report_error(error);
    return run_copy(session, options, json, app->quiet);
}

/* What follows the user name in arguments that may carry a password. */
static void
hide_credentials(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *value = NULL;

        if (g_str_has_prefix(argv[i], "--src-creds") ||
            g_str_has_prefix(argv[i], "--dest-creds"))
            value = strchr(argv[i], '=') != NULL ? strchr(argv[i], '=') + 1
                    : i + 1 < argc               ? argv[i + 1]
                                                 : NULL;
        if (value != NULL && (value = strchr(value, ':')) != NULL)
            memset(value + 1, '*', strlen(value + 1));
    }
}

/* GOption knows no --name=false for booleans; skopeo does. */
static gboolean
parse_verify(const char *name, const char *value, gpointer data,
             GError **error)
{
    CopyOptions *options = data;
    gboolean verify = value == NULL || strcmp(value, "true") == 0;

    if (value != NULL && !verify && strcmp(value, "false") != 0) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "%s takes true or false, not '%s'", name, value);
        return false;
    }
    if (strcmp(name, "--dest-tls-verify") != 0)
        options->source.verify = verify;
    if (strcmp(name, "--src-tls-verify") != 0)
        options->target.verify = verify;
    return true;
}

int
hr_command_copy(const HrApp *app, int argc, char **argv)
{
    CopyOptions copy = {.source = {.name = "source", .verify = true},
                        .target = {.name = "target", .verify = true}};
    GOptionEntry entries[] = {
        {"all-tags", 'a', 0, G_OPTION_ARG_NONE, &copy.all_tags,
         "Copy every tag of the repository", NULL},
        {"no-referrers", 0, 0, G_OPTION_ARG_NONE, &copy.no_referrers,
         "Leave signatures, SBOMs and what else refers to it behind", NULL},
        {"src-creds", 0, 0, G_OPTION_ARG_STRING, &copy.source.credentials,
         "Credentials of the source; better USER:env:NAME", "USER:PASSWORD"},
        {"dest-creds", 0, 0, G_OPTION_ARG_STRING, &copy.target.credentials,
         "Credentials of the target; better USER:env:NAME", "USER:PASSWORD"},
        {"src-ca", 0, 0, G_OPTION_ARG_FILENAME, &copy.source.ca_file,
         "CA certificates of the source", "FILE"},
        {"dest-ca", 0, 0, G_OPTION_ARG_FILENAME, &copy.target.ca_file,
         "CA certificates of the target", "FILE"},
        {"tls-verify", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK,
         (gpointer)parse_verify,
         "Verify certificates of both; false also allows http on this "
         "machine",
         "true|false"},
        {"src-tls-verify", 0, G_OPTION_FLAG_OPTIONAL_ARG,
         G_OPTION_ARG_CALLBACK, (gpointer)parse_verify, "As above",
         "true|false"},
        {"dest-tls-verify", 0, G_OPTION_FLAG_OPTIONAL_ARG,
         G_OPTION_ARG_CALLBACK, (gpointer)parse_verify, "As above",
         "true|false"},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    HrOptions options = {
        .usage = "SRC DST",
        .summary = "Copies one artifact, with everything below it and what "
                   "refers to it, from\none place to another.  A place is "
                   "docker://HOST/REPO:TAG, "
                   "docker://HOST/REPO@DIGEST or oci:DIR:TAG.",
        .entries = entries,
        .data = &copy,
        .output = true,
    };
    g_auto(GStrv) places = NULL;
    int code;

    if (hr_options_parse(&options, argc, argv, &places, &code)) {
        hide_credentials(argc, argv);
        code = g_strv_length(places) == 2
                   ? prepare_and_run(app, &copy, places, options.json)
                   : hr_options_usage_error(
                         "copy", "give a source and a target, as "
                                 "docker://HOST/REPO:TAG oci:DIR:TAG");
    }
    clear_side(&copy.source);
    clear_side(&copy.target);
    return code;
}
