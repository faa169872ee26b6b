/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the configuration: what is read, and what is said of mistakes. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "config/config.h"
#include "config/expand.h"

/* ------------------------------------------------------- fake providers */

#define OPTION(type, name, fallback, flags)                                   \
    {                                                                         \
        sizeof(hr_option), type, name, fallback, "Help of " name ".", flags,  \
            0                                                                 \
    }

static const hr_option option_path =
    OPTION(HR_OPTION_PATH, "path", NULL, HR_OPTION_REQUIRED);
static const hr_option option_size =
    OPTION(HR_OPTION_SIZE, "cache_size", "1GiB", 0);
static const hr_option option_wait =
    OPTION(HR_OPTION_DURATION, "wait", "5s", 0);
static const hr_option option_depth =
    OPTION(HR_OPTION_INTEGER, "depth", "3", 0);
static const hr_option option_sync =
    OPTION(HR_OPTION_BOOLEAN, "fsync", "true", 0);
static const hr_option option_note = OPTION(HR_OPTION_STRING, "note", NULL, 0);
static const hr_option *const box_options[] = {
    &option_path, &option_size, &option_wait, &option_depth,
    &option_sync, &option_note, NULL,
};
static const hr_option option_window =
    OPTION(HR_OPTION_DURATION, "window", "1h", 0);
static const hr_option *const picky_options[] = {&option_window, NULL};

static const hr_provider providers[] = {
    {sizeof(hr_provider), HR_KIND_REGISTRY, "oci", "", 0, 0, NULL, NULL},
    {sizeof(hr_provider), HR_KIND_REGISTRY, "box", "", 0, 0, NULL,
     box_options},
    {sizeof(hr_provider), HR_KIND_STRATEGY, "source-wins", "", 0, 0, NULL,
     NULL},
    {sizeof(hr_provider), HR_KIND_STRATEGY, "picky", "", 0, 0, NULL,
     picky_options},
    {sizeof(hr_provider), HR_KIND_SINK, "box", "", 0, 0, NULL, box_options},
};

static const hr_provider *
look_up(uint32_t kind, const char *name, void *data, GError **error)
{
    g_assert_cmpstr(data, ==, "data");
    for (unsigned i = 0; i < G_N_ELEMENTS(providers); i++)
        if (providers[i].kind == kind && strcmp(providers[i].name, name) == 0)
            return &providers[i];
    hr_error_set(error, HR_CONFIG, "no plugin offers '%s'", name);
    return NULL;
}

static HrConfig *
parse(const char *text, GError **error)
{
    return hr_config_parse(text, "dir/a.conf", look_up, (void *)"data", error);
}

static HrConfig *
parse_good(const char *text)
{
    g_autoptr(GError) error = NULL;
    HrConfig *config = parse(text, &error);

    g_assert_no_error(error);
    g_assert_nonnull(config);
    return config;
}

/* ---------------------------------------------------------- good things */

#define TWO_ENDPOINTS                                                         \
    "endpoints = ( { name = \"a\"; type = \"oci\"; },\n"                      \
    "  { name = \"b\"; type = \"oci\"; } );\n"
#define ONE_SYNC(rest)                                                        \
    TWO_ENDPOINTS                                                             \
    "syncs = ( { name = \"s\"; source = \"a\"; target = \"b\";\n" rest "} "   \
    ");\n"

static void
test_fills_in_defaults(void)
{
    g_autoptr(HrConfig) config =
        parse_good("endpoints = ( { name = \"x\"; type = \"oci\"; } );");
    const HrEndpointConfig *endpoint = hr_config_endpoint(config, "x");
    const HrPolicy *policy = &endpoint->policy;

    g_assert_cmpuint(config->workers, ==, 16);
    g_assert_cmpuint(config->loops, ==, 2);
    g_assert_cmpuint(config->parallel_syncs, ==, 4);
    g_assert_false(config->allow_inline_secrets);
    g_assert_cmpuint(config->syncs->len, ==, 0);
    g_assert_nonnull(endpoint);
    g_assert_cmpstr(endpoint->type, ==, "oci");
    g_assert_null(endpoint->url);
    g_assert_null(endpoint->username);
    g_assert_null(endpoint->password);
    g_assert_null(endpoint->ca_file);
    g_assert_false(endpoint->insecure);
    g_assert_cmpint(config->profile, ==, HR_PROFILE_PRODUCTION);
    g_assert_cmpint(config->bandwidth, ==, 0);
    g_assert_cmpstr(policy->preset, ==, "default");
    /* As the schema tells them. */
    g_assert_cmpuint(policy->requests.maximum, ==, 16);
    g_assert_cmpuint(policy->transfers.maximum, ==, 4);
    g_assert_cmpint(policy->connect_timeout_us, ==, 10 * G_USEC_PER_SEC);
    g_assert_cmpint(policy->stall_us, ==, 30 * G_USEC_PER_SEC);
    g_assert_cmpint(policy->patience_us, ==, 60 * G_USEC_PER_SEC);
    g_assert_cmpuint(policy->retry[HR_CLASS_READ].attempts, ==, 4);
    g_assert_cmpint(policy->retry[HR_CLASS_READ].attempt_timeout_us, ==,
                    30 * G_USEC_PER_SEC);
    g_assert_cmpuint(endpoint->rules.count, ==, 0);
    g_assert_cmpstr(endpoint->place.file, ==, "dir/a.conf");
    g_assert_cmpuint(endpoint->place.line, ==, 1);
    g_assert_null(hr_config_endpoint(config, "y"));
    g_assert_null(hr_config_sync(config, "x"));
}

static void
test_command_line_endpoint_has_the_same_defaults(void)
{
    g_autoptr(HrConfig) config =
        parse_good("endpoints = ( { name = \"x\"; type = \"oci\"; } );");
    const HrEndpointConfig *one = hr_config_endpoint(config, "x");
    g_autoptr(HrEndpointConfig) other = hr_endpoint_config_new("x", "oci");

    g_assert_cmpstr(other->name, ==, "x");
    g_assert_cmpstr(other->type, ==, "oci");
    g_assert_cmpmem(&one->policy, sizeof one->policy, &other->policy,
                    sizeof other->policy);
    g_assert_nonnull(other->settings);
}

static const char full_text[] =
    "workers = 4; loops = 1; parallel_syncs = 9;\n"
    "credentials = ( { name = \"robot\"; username = \"robot$ci\";\n"
    "                  password = \"env:PW\"; } );\n"
    "selects = ( { name = \"base\"; projects = { deny = [ \"test-.*\" ]; "
    "};\n"
    "  repositories = { allow = [ \"library/.*\" ];\n"
    "                   deny = [ \".*-old\" ]; };\n"
    "  tags = { names = ( \"1.0\", \"latest\", \"1.0\" ); semver = \"^1 || "
    "2.x\";\n"
    "    prereleases = true; sort = \"alphabetical\"; latest = 7;\n"
    "    min_age = \"36h\"; max_age = \"90d\";\n"
    "    immutable = [ \"v.*\", \"1|2\" ]; };\n"
    "  platforms = [ \"linux/amd64\", \"linux/arm64/v8\" ];\n"
    "  sparse_index = \"fail\"; } );\n"
    "endpoints = (\n"
    "  { name = \"paris\"; type = \"oci\"; url = \"https://${HOST}:5000\";\n"
    "    credentials = \"robot\"; tls = { insecure = true; };\n"
    "    policy = { requests = 32; transfers = 2; attempts = 1;\n"
    "      connect_timeout = \"500ms\"; timeout = \"1m30s\";\n"
    "      stall = \"1h\"; breaker = { window_calls = 40; };\n"
    "      errors = ( { status = 500; code = \"IN_USE\";\n"
    "        category = \"conflict\"; eligibility = \"park\"; },\n"
    "        { status = 520; category = \"overload\"; } ); }; },\n"
    "  { name = \"vault\"; type = \"box\"; path = \"store\";\n"
    "    cache_size = \"5GiB\"; wait = \"2m\"; depth = 5000000000L;\n"
    "    fsync = false; note = \"a \\\"b\\\" \\\\ c\\td $${X} ${NO:-n}\"; }\n"
    ");\n"
    "syncs = (\n"
    "  { name = \"p-v\"; source = \"paris\"; target = \"vault\";\n"
    "    mode = \"one-way\"; select = \"base\"; escalation = \"refuse\"; "
    "kinds = [ \"tag\", \"robot\", \"tag\", \"weather\" ];\n"
    "    conflict = { default = \"picky\"; window = \"2h\"; }; },\n"
    "  { name = \"v-p\"; source = \"vault\"; target = \"paris\";\n"
    "    foreign_layers = \"include\";\n"
    "    referrers = false;\n"
    "    robot_secrets = { from = \"derive\"; key = \"env:MASTER\";\n"
    "      version = 3; check = \"always\"; };\n"
    "    rename = { strip = \"a/\"; prefix = \"b/\"; }; }\n"
    ");\n"
    "sinks = ( { type = \"box\"; path = \"/m\"; } );\n";

static HrConfig *
parse_full(void)
{
    g_setenv("HOST", "reg.example", true);
    g_unsetenv("NO");
    return parse_good(full_text);
}

static void
test_reads_every_key(void)
{
    g_autoptr(HrConfig) config = parse_full();
    const HrEndpointConfig *paris = hr_config_endpoint(config, "paris");
    const HrEndpointConfig *vault = hr_config_endpoint(config, "vault");
    const HrPolicy *policy = &paris->policy;
    const HrSinkConfig *sink = config->sinks->pdata[0];
    g_autofree char *store = g_canonicalize_filename("dir/store", NULL);

    g_assert_cmpuint(config->workers, ==, 4);
    g_assert_cmpuint(config->loops, ==, 1);
    g_assert_cmpuint(config->parallel_syncs, ==, 9);
    g_assert_cmpstr(paris->url, ==, "https://reg.example:5000");
    g_assert_cmpstr(paris->username, ==, "robot$ci");
    g_assert_cmpstr(paris->password, ==, "env:PW");
    g_assert_false(paris->password_inline);
    g_assert_true(paris->insecure);
    g_assert_cmpuint(policy->requests.maximum, ==, 32);
    g_assert_cmpuint(policy->requests.initial, ==, 32);
    g_assert_cmpuint(policy->transfers.maximum, ==, 2);
    g_assert_cmpuint(policy->retry[HR_CLASS_AUTH].attempts, ==, 1);
    g_assert_cmpuint(policy->retry[HR_CLASS_BLOB].attempts, ==, 1);
    g_assert_cmpint(policy->connect_timeout_us, ==, 500000);
    g_assert_cmpint(policy->retry[HR_CLASS_READ].attempt_timeout_us, ==,
                    90 * G_USEC_PER_SEC);
    g_assert_cmpint(policy->retry[HR_CLASS_BLOB].attempt_timeout_us, ==, 0);
    g_assert_cmpint(policy->stall_us, ==, INT64_C(3600) * G_USEC_PER_SEC);
    g_assert_cmpuint(paris->place.line, ==, 14);
    g_assert_cmpstr(hr_settings_text(vault->settings, "path"), ==, store);
    g_assert_cmpint(hr_settings_number(vault->settings, "cache_size"), ==,
                    INT64_C(5) << 30);
    g_assert_cmpint(hr_settings_number(vault->settings, "wait"), ==, 120000);
    g_assert_cmpint(hr_settings_number(vault->settings, "depth"), ==,
                    INT64_C(5000000000));
    g_assert_cmpint(hr_settings_number(vault->settings, "fsync"), ==, 0);
    g_assert_cmpstr(hr_settings_text(vault->settings, "note"), ==,
                    "a \"b\" \\ c\td ${X} n");
    g_assert_cmpstr(sink->type, ==, "box");
    g_assert_cmpstr(hr_settings_text(sink->settings, "path"), ==, "/m");
    g_assert_cmpint(hr_settings_number(sink->settings, "wait"), ==, 5000);
}

static void
expect_no_such(const GError *error, const char *message)
{
    g_assert_error(error, HR_ERROR, HR_CONFIG);
    g_assert_cmpstr(error->message, ==, message);
}

static void
test_names_the_nearest_of_what_is_not_there(void)
{
    g_autoptr(HrConfig) config = parse_full();
    g_autoptr(GError) near_endpoint = NULL;
    g_autoptr(GError) no_endpoint = NULL;
    g_autoptr(GError) near_sync = NULL;
    g_autoptr(GError) no_sync = NULL;

    g_assert_true(hr_config_require_endpoint(config, "vault", NULL) ==
                  hr_config_endpoint(config, "vault"));
    g_assert_true(hr_config_require_sync(config, "v-p", NULL) ==
                  hr_config_sync(config, "v-p"));
    g_assert_null(hr_config_require_endpoint(config, "vualt", &near_endpoint));
    expect_no_such(near_endpoint, "dir/a.conf: there is no endpoint 'vualt'; "
                                  "did you mean 'vault'?");
    g_assert_null(hr_config_require_endpoint(config, "tokyo", &no_endpoint));
    expect_no_such(no_endpoint, "dir/a.conf: there is no endpoint 'tokyo'");
    g_assert_null(hr_config_require_sync(config, "p_v", &near_sync));
    expect_no_such(near_sync, "dir/a.conf: there is no sync 'p_v'; did you "
                              "mean 'p-v'?");
    g_assert_null(hr_config_require_sync(config, "vault", &no_sync));
    expect_no_such(no_sync, "dir/a.conf: there is no sync 'vault'");
}

static void
test_reads_what_a_sync_is_about(void)
{
    g_autoptr(HrConfig) config = parse_full();
    const HrSyncConfig *there = hr_config_sync(config, "p-v");
    const HrSyncConfig *back = hr_config_sync(config, "v-p");
    g_autofree char *kinds = g_strjoinv(" ", there->kinds);

    g_assert_cmpstr(kinds, ==, "tag robot weather");
    g_assert_null(back->kinds);
    g_assert_cmpint(there->escalation, ==, HR_ESCALATION_REFUSE);
    g_assert_cmpint(back->escalation, ==, HR_ESCALATION_MARK);
    g_assert_false(hr_filter_judge(&there->select.projects, "test-a", NULL));
    g_assert_true(hr_filter_judge(&there->select.projects, "a", NULL));
    g_assert_true(hr_filter_judge(&back->select.projects, "test-a", NULL));
}

static void
test_reads_syncs_and_their_selections(void)
{
    g_autoptr(HrConfig) config = parse_full();
    const HrSyncConfig *there = hr_config_sync(config, "p-v");
    const HrSyncConfig *back = hr_config_sync(config, "v-p");

    g_assert_true(there->source == hr_config_endpoint(config, "paris"));
    g_assert_true(there->target == hr_config_endpoint(config, "vault"));
    g_assert_true(there->referrers);
    g_assert_false(back->referrers);
    g_assert_true(back->source == there->target);
    g_assert_cmpstr(there->strategy, ==, "picky");
    g_assert_cmpint(hr_settings_number(there->strategy_settings, "window"), ==,
                    7200000);
    g_assert_cmpstr(back->strategy, ==, "source-wins");
    g_assert_nonnull(back->strategy_settings);
    g_assert_true(
        hr_filter_judge(&there->select.repositories, "library/nginx", NULL));
    g_assert_false(hr_filter_judge(&there->select.repositories,
                                   "library/nginx-old", NULL));
    g_assert_false(
        hr_filter_judge(&there->select.repositories, "other/x", NULL));
    g_assert_cmpstr(there->select.tags.names[1], ==, "latest");
    g_assert_null(there->select.tags.names[2]);
    g_assert_cmpint(there->select.min_age_us, ==,
                    INT64_C(36) * 3600 * G_USEC_PER_SEC);
    g_assert_cmpint(there->select.max_age_us, ==,
                    INT64_C(90) * 86400 * G_USEC_PER_SEC);
    g_assert_cmpint(back->select.min_age_us, ==, 0);
    g_assert_cmpuint(there->select.platforms->len, ==, 2);
    g_assert_true(there->select.sparse_fails);
    g_assert_null(back->select.platforms);
    g_assert_true(back->foreign_layers);
    g_assert_false(there->foreign_layers);
    g_assert_cmpint(back->robot_secrets.from, ==, HR_ROBOT_SECRETS_DERIVE);
    g_assert_cmpstr(back->robot_secrets.key, ==, "env:MASTER");
    g_assert_cmpuint(back->robot_secrets.version, ==, 3);
    g_assert_true(back->robot_secrets.check_always);
    g_assert_cmpint(there->robot_secrets.from, ==, HR_ROBOT_SECRETS_KEEP);
    g_assert_false(there->robot_secrets.check_always);
    g_assert_false(back->select.sparse_fails);
    g_assert_true(hr_select_is_immutable(&there->select, "v1"));
    g_assert_true(hr_select_is_immutable(&there->select, "2"));
    g_assert_false(hr_select_is_immutable(&there->select, "12"));
    g_assert_false(hr_select_is_immutable(&back->select, "v1"));
    g_assert_false(hr_select_is_immutable(NULL, "v1"));
    g_assert_null(back->select.repositories.allow);
    g_assert_null(back->select.tags.names);
}

static void
test_strategy_gets_its_defaults_without_being_told(void)
{
    g_autoptr(HrConfig) config =
        parse_good(ONE_SYNC("conflict = { default = \"picky\"; };"));
    const HrSyncConfig *sync = hr_config_sync(config, "s");

    g_assert_cmpint(hr_settings_number(sync->strategy_settings, "window"), ==,
                    3600000);
}

static void
test_empty_credentials_are_none(void)
{
    g_autoptr(HrConfig) config = parse_good(
        "endpoints = ( { name = \"x\"; type = \"oci\";\n"
        "  username = \"${NO_USER:-}\"; password = \"${NO_PW:-}\"; } );");
    const HrEndpointConfig *endpoint = hr_config_endpoint(config, "x");

    g_assert_null(endpoint->username);
    g_assert_null(endpoint->password);
}

/* ---------------------------------------------------------------- show */

static void
test_show_can_be_loaded_again(void)
{
    g_autoptr(HrConfig) config = parse_full();
    g_autofree char *shown = hr_config_show(config);
    g_autoptr(HrConfig) again = parse_good(shown);
    g_autofree char *shown_again = hr_config_show(again);
    const HrEndpointConfig *vault = hr_config_endpoint(again, "vault");

    g_assert_cmpstr(shown, ==, shown_again);
    g_assert_cmpstr(hr_settings_text(vault->settings, "note"), ==,
                    "a \"b\" \\ c\td ${X} n");
    g_assert_nonnull(strstr(shown, "depth = 5000000000L;"));
    g_assert_nonnull(strstr(shown, "window_calls = 40;"));
    g_assert_nonnull(strstr(shown, "semver = \"^1 || 2.x\";"));
    g_assert_nonnull(strstr(shown, "latest = 7;"));
    g_assert_nonnull(strstr(shown, "foreign_layers = \"include\";"));
    g_assert_nonnull(strstr(shown, "key = \"env:MASTER\";"));
    g_assert_nonnull(strstr(shown, "check = \"always\";"));
    g_assert_nonnull(strstr(shown, "platforms = [ \"linux/amd64\", "
                                   "\"linux/arm64/v8\" ];"));
    g_assert_nonnull(strstr(shown, "sparse_index = \"fail\";"));
    g_assert_nonnull(strstr(shown, "min_age = \"36h\";"));
    g_assert_nonnull(strstr(shown, "max_age = \"90d\";"));
    g_assert_nonnull(strstr(shown, "immutable = [ \"v.*\", \"1|2\" ];"));
    g_assert_nonnull(strstr(shown, "strip = \"a/\";"));
    g_assert_nonnull(strstr(shown, "code = \"IN_USE\";"));
    g_assert_cmpuint(hr_config_endpoint(again, "paris")->rules.count, ==, 2);
    g_assert_nonnull(strstr(shown, "fsync = false;"));
    g_assert_nonnull(strstr(shown, "timeout = \"90s\";"));
    g_assert_nonnull(strstr(shown, "allow = [ \"library/.*\" ];"));
}

static void
test_show_json_is_json(void)
{
    g_autoptr(HrConfig) config = parse_full();
    g_autofree char *shown = hr_config_show_json(config);

    g_assert_true(g_str_has_prefix(shown, "{\n  \"version\": 1,\n"
                                          "  \"workers\": 4,\n"));
    g_assert_nonnull(strstr(shown, "\"depth\": 5000000000"));
    g_assert_nonnull(strstr(shown, "\"fsync\": false"));
    g_assert_nonnull(
        strstr(shown, "\"note\": \"a \\\"b\\\" \\\\ c\\u0009d ${X} n\""));
    g_assert_nonnull(strstr(shown, "\"names\": [ \"1.0\", \"latest\" ]"));
    g_assert_true(g_str_has_suffix(shown, "\n}\n"));
}

static void
test_show_hides_inline_secrets(void)
{
    g_autoptr(HrConfig) config = parse_good(
        "allow_inline_secrets = true;\n"
        "endpoints = ( { name = \"x\"; type = \"oci\"; username = \"u\";\n"
        "  password = \"hunter2\"; } );");
    g_autofree char *shown = hr_config_show(config);
    g_autofree char *json = hr_config_show_json(config);

    g_assert_true(hr_config_endpoint(config, "x")->password_inline);
    g_assert_cmpstr(hr_config_endpoint(config, "x")->password, ==, "hunter2");
    g_assert_null(strstr(shown, "hunter2"));
    g_assert_null(strstr(json, "hunter2"));
    g_assert_nonnull(strstr(shown, "password = \"***\";"));
}

static void
test_schema_tells_every_key(void)
{
    g_autofree char *text = hr_config_schema_text();
    g_autofree char *json = hr_config_schema_json();

    g_assert_nonnull(strstr(text, "\nendpoints[].policy.requests "));
    g_assert_nonnull(strstr(text, " integer 1 to 256, default 16 "));
    g_assert_nonnull(strstr(text, " duration 100ms to 10m, default 10s "));
    g_assert_nonnull(strstr(text, "\npolicies[].classes.blob.attempts "));
    g_assert_nonnull(strstr(text, "\nsyncs[].select.tags.deny "));
    g_assert_nonnull(strstr(json,
                            "{\"path\": \"workers\", \"type\": \"integer\", "
                            "\"required\": false, \"default\": \"16\", "
                            "\"minimum\": 1, \"maximum\": 256, \"help\": "));
}

static void
test_policies(void)
{
    g_autoptr(HrConfig) config = parse_good(
        "profile = \"ci\"; bandwidth = \"10MiB\";\n"
        "policies = ( { name = \"careful\"; preset = \"critical\";\n"
        "  rate = 2.5; burst = 5; bandwidth = \"1MiB\"; adaptive = false;\n"
        "  patience = \"0s\"; jitter = \"decorrelated\";\n"
        "  budget = { tokens = 10; };\n"
        "  breaker = { mode = \"retry-only\"; failure_rate = 20;\n"
        "              window_calls = 50; open = \"1s\"; };\n"
        "  hedge = { on = true; percent = 2.5; };\n"
        "  classes = { blob = { preset = \"none\"; };\n"
        "              write = { attempts = 2; base = \"7ms\"; }; };\n"
        "  errors = ( { status = 500; category = \"quota\"; },\n"
        "    { code = \"BUSY\"; category = \"throttled\";\n"
        "      eligibility = \"never\"; } ); } );\n"
        "endpoints = ( { name = \"x\"; type = \"oci\";\n"
        "  policy = \"careful\"; } );");
    const HrEndpointConfig *x = hr_config_endpoint(config, "x");
    const HrPolicy *policy = &x->policy;

    g_assert_cmpint(config->profile, ==, HR_PROFILE_CI);
    g_assert_cmpint(config->bandwidth, ==, 10 << 20);
    g_assert_cmpstr(policy->preset, ==, "critical");
    g_assert_cmpfloat(policy->rate.requests_per_s, ==, 2.5);
    g_assert_cmpfloat(policy->rate.request_burst, ==, 5);
    g_assert_cmpfloat(policy->rate.bytes_per_s, ==, 1 << 20);
    g_assert_false(policy->requests.adaptive);
    g_assert_false(policy->transfers.adaptive);
    g_assert_cmpint(policy->patience_us, ==, 0);
    g_assert_cmpuint(policy->budget.capacity, ==, 10);
    g_assert_cmpint(policy->breaker[HR_CLASS_AUTH].mode, ==,
                    HR_BREAKER_RETRY_ONLY);
    g_assert_cmpfloat(policy->breaker[HR_CLASS_BLOB].failure_percent, ==, 20);
    g_assert_cmpint(policy->breaker[HR_CLASS_READ].window, ==,
                    HR_WINDOW_COUNT);
    g_assert_cmpuint(policy->breaker[HR_CLASS_READ].window_size, ==, 50);
    g_assert_true(policy->hedge.on);
    g_assert_cmpfloat(policy->hedge.percent, ==, 2.5);
    g_assert_cmpint(policy->retry[HR_CLASS_READ].jitter, ==,
                    HR_JITTER_DECORRELATED);
    g_assert_cmpuint(policy->retry[HR_CLASS_BLOB].attempts, ==, 1);
    g_assert_cmpuint(policy->retry[HR_CLASS_WRITE].attempts, ==, 2);
    g_assert_cmpint(policy->retry[HR_CLASS_WRITE].base_us, ==, 7000);
    g_assert_cmpuint(x->rules.count, ==, 2);
    g_assert_cmpuint(x->rules.items[0].status, ==, 500);
    g_assert_cmpint(x->rules.items[0].category, ==, HR_QUOTA);
    g_assert_cmpint(x->rules.items[0].eligibility, ==, HR_RETRY_PARK);
    g_assert_cmpstr(x->rules.items[1].code, ==, "BUSY");
    g_assert_cmpint(x->rules.items[1].eligibility, ==, HR_RETRY_NEVER);
}

/* ------------------------------------------------------------- mistakes */

typedef struct Bad {
    const char *name;
    const char *text;
    const char *message;
} Bad;

/* Most are about one endpoint or one sync. */
#define ENDPOINT(rest)                                                        \
    "endpoints = ( { name = \"x\"; type = \"oci\";\n" rest "} );\n"

static const Bad bads[] = {
    {"syntax", "workers = ;\n", "dir/a.conf:1: syntax error"},
    {"duplicate-key", TWO_ENDPOINTS "loops = 1;\nloops = 1;\n",
     "dir/a.conf:4: duplicate setting name"},
    {"empty", "", "dir/a.conf:1: endpoints: is missing: The registries."},
    {"unknown-key", TWO_ENDPOINTS "worker = 3;\n",
     "dir/a.conf:3: worker: there is no such key; did you mean 'workers'?"},
    {"unknown-key-near-nothing", TWO_ENDPOINTS "zzzzzzzz = 3;\n",
     "dir/a.conf:3: zzzzzzzz: there is no such key"},
    {"unknown-nested-key", ENDPOINT("policy = { request = 3; };"),
     "dir/a.conf:2: endpoints[].policy.request: there is no such key; did you "
     "mean 'requests'?"},
    {"unknown-option",
     "endpoints = ( { name = \"x\"; type = \"box\"; path = \"p\";\n"
     "cache_sise = \"1GiB\"; } );",
     "dir/a.conf:2: endpoints[].cache_sise: there is no such key; did you "
     "mean 'cache_size'?"},
    {"wrong-type", TWO_ENDPOINTS "workers = \"8\";\n",
     "dir/a.conf:3: workers: is a string, must be a whole number"},
    {"fraction", TWO_ENDPOINTS "workers = 1.5;\n",
     "dir/a.conf:3: workers: is a fraction, must be a whole number"},
    {"number-for-boolean", ENDPOINT("tls = { insecure = 1; };"),
     "dir/a.conf:2: endpoints[].tls.insecure: is a number, must be true or "
     "false"},
    {"boolean-for-string", ENDPOINT("url = true;"),
     "dir/a.conf:2: endpoints[].url: is a boolean, must be a string"},
    {"string-for-array", ONE_SYNC("kinds = \"tag\";"),
     "dir/a.conf:4: syncs[].kinds: is a string, must be an array of strings "
     "[ \"...\" ]"},
    {"number-in-array", ONE_SYNC("kinds = [ 1 ];"),
     "dir/a.conf:4: syncs[].kinds: entry 1 is a number, must be a string"},
    {"group-for-list", "endpoints = { name = \"x\"; };",
     "dir/a.conf:1: endpoints: is a group { ... }, must be a list of groups "
     "( { ... }, { ... } )"},
    {"no-group-in-list", "endpoints = ( \"x\" );",
     "dir/a.conf:1: endpoints: entry 1 is no group { ... }"},
    {"number-for-duration", ENDPOINT("policy = { timeout = 30; };"),
     "dir/a.conf:2: endpoints[].policy.timeout: is a number, must be a string "
     "with a unit, as \"10s\" or \"5m\""},
    {"duration-without-unit", ENDPOINT("policy = { timeout = \"30\"; };"),
     "dir/a.conf:2: endpoints[].policy.timeout: '30' is not a duration: write "
     "it as \"250ms\", \"10s\", \"5m\", \"1h30m\" or \"2d\""},
    {"number-for-size",
     "endpoints = ( { name = \"x\"; type = \"box\"; path = \"p\";\n"
     "cache_size = 512; } );",
     "dir/a.conf:2: endpoints[].cache_size: is a number, must be a string "
     "with a unit, as \"64KiB\" or \"5GiB\""},
    {"range", TWO_ENDPOINTS "workers = 257;\n",
     "dir/a.conf:3: workers: must be 1 to 256"},
    {"below-range", TWO_ENDPOINTS "workers = 0;\n",
     "dir/a.conf:3: workers: must be 1 to 256"},
    {"range-of-duration", ENDPOINT("policy = { stall = \"10ms\"; };"),
     "dir/a.conf:2: endpoints[].policy.stall: must be 1s to 1d"},
    {"unknown-profile", "profile = \"prod\";\n" TWO_ENDPOINTS,
     "dir/a.conf:1: profile: there is no profile 'prod'; there are "
     "production, development, ci"},
    {"unknown-policy", ENDPOINT("policy = \"fast\";"),
     "dir/a.conf:2: endpoints[].policy: there is no 'fast' in policies"},
    {"unknown-preset", ENDPOINT("policy = { preset = \"fast\"; };"),
     "dir/a.conf:2: endpoints[].policy.preset: there is no preset 'fast'; "
     "there are default, web-service, database, critical, blob-transfer, "
     "auth, interactive, none, aws-2026"},
    {"unknown-class",
     ENDPOINT("policy = { classes = { blobs = { attempts = 1; }; }; };"),
     "dir/a.conf:2: endpoints[].policy.classes.blobs: there is no such key; "
     "did you mean 'blob'?"},
    {"unknown-jitter", ENDPOINT("policy = { jitter = \"half\"; };"),
     "dir/a.conf:2: endpoints[].policy.jitter: there is no 'half'; there are "
     "none, full, equal, decorrelated"},
    {"unknown-breaker-mode",
     ENDPOINT("policy = { breaker = { mode = \"maybe\"; }; };"),
     "dir/a.conf:2: endpoints[].policy.breaker.mode: there is no 'maybe'; "
     "there are on, retry-only, report, off"},
    {"base-over-cap", ENDPOINT("policy = { base = \"2m\"; };"),
     "dir/a.conf:2: endpoints[].policy.base: base and throttled_base may not "
     "be longer than cap: no delay could keep to both"},
    {"base-over-cap-of-a-class",
     ENDPOINT("policy = { classes = { read = { cap = \"1ms\"; }; }; };"),
     "dir/a.conf:2: endpoints[].policy.classes.read: base and throttled_base "
     "may not be longer than cap: no delay could keep to both"},
    {"open-over-cap", ENDPOINT("policy = { breaker = { open = \"2h\"; }; };"),
     "dir/a.conf:2: endpoints[].policy.breaker.open: must be 1ms to 1h"},
    {"open-over-own-cap",
     ENDPOINT("policy = { breaker = { open_cap = \"1s\"; }; };"),
     "dir/a.conf:2: endpoints[].policy.breaker.open: may not be longer than "
     "open_cap"},
    {"more-successes-than-probes",
     ENDPOINT("policy = { breaker = { probes = 2; }; };"),
     "dir/a.conf:2: endpoints[].policy.breaker.successes: may not be more "
     "than probes: the breaker could never close"},
    {"slow-rate-without-slow",
     ENDPOINT("policy = { breaker = { slow = \"0s\"; slow_rate = 50; }; };"),
     "dir/a.conf:2: endpoints[].policy.breaker.slow_rate: needs slow: how "
     "long a slow call takes"},
    {"two-windows",
     ENDPOINT("policy = { breaker = { window = \"9s\"; window_calls = 9; "
              "}; };"),
     "dir/a.conf:2: endpoints[].policy.breaker.window_calls: stands beside "
     "window: keep one of the two"},
    {"negative-rate", ENDPOINT("policy = { rate = -1; };"),
     "dir/a.conf:2: endpoints[].policy.rate: must be 0 to 1000000"},
    {"zero-requests", ENDPOINT("policy = { requests = 0; };"),
     "dir/a.conf:2: endpoints[].policy.requests: must be 1 to 256"},
    {"zero-attempts", ENDPOINT("policy = { attempts = 0; };"),
     "dir/a.conf:2: endpoints[].policy.attempts: must be 1 to 10"},
    {"zero-base", ENDPOINT("policy = { base = \"0s\"; };"),
     "dir/a.conf:2: endpoints[].policy.base: must be 1ms to 10m"},
    {"small-multiplier", ENDPOINT("policy = { multiplier = 0.5; };"),
     "dir/a.conf:2: endpoints[].policy.multiplier: must be 1 to 10"},
    {"negative-duration", ENDPOINT("policy = { patience = \"-1s\"; };"),
     "dir/a.conf:2: endpoints[].policy.patience: '-1s' is not a duration: "
     "write it as \"250ms\", \"10s\", \"5m\", \"1h30m\" or \"2d\""},
    {"negative-budget", ENDPOINT("policy = { budget = { tokens = -5; }; };"),
     "dir/a.conf:2: endpoints[].policy.budget.tokens: must be 0 to 1000000"},
    {"hedge-over-half", ENDPOINT("policy = { hedge = { percent = 60; }; };"),
     "dir/a.conf:2: endpoints[].policy.hedge.percent: must be 0 to 50"},
    {"string-for-number", ENDPOINT("policy = { rate = \"5\"; };"),
     "dir/a.conf:2: endpoints[].policy.rate: is a string, must be a number"},
    {"error-rule-for-all",
     ENDPOINT("policy = { errors = ( { category = \"quota\"; } ); };"),
     "dir/a.conf:2: endpoints[].policy.errors[]: says neither status nor "
     "code: it would match every error"},
    {"unknown-category",
     ENDPOINT("policy = { errors = ( { status = 500; category = \"odd\"; } "
              "); };"),
     "dir/a.conf:2: endpoints[].policy.errors[].category: there is no 'odd'"},
    {"error-rule-that-is-none", ENDPOINT("policy = { errors = ( 5 ); };"),
     "dir/a.conf:2: endpoints[].policy.errors[]: is not a group { ... }"},
    {"64-bit-trap", TWO_ENDPOINTS "workers = 4294967304;\n",
     "dir/a.conf:3: 4294967304 is too large a number: write it with a final "
     "L; a size is written as a string, \"5GiB\""},
    {"64-bit-trap-in-hex", TWO_ENDPOINTS "workers = 0x100000008;\n",
     "dir/a.conf:3: 0x100000008 is too large a number: write it with a final "
     "L; a size is written as a string, \"5GiB\""},
    {"too-large-for-64-bits", TWO_ENDPOINTS "workers = 99999999999999999999L;",
     "dir/a.conf:3: 99999999999999999999 is too large a number; a size is "
     "written as a string, \"5GiB\"\n"
     "dir/a.conf:3: workers: must be 1 to 256"},
    {"unset-variable", ENDPOINT("url = \"https://${NO_SUCH}\";"),
     "dir/a.conf:2: endpoints[].url: the environment variable NO_SUCH is not "
     "set: set it, or write ${NO_SUCH:-default}"},
    {"open-brace", ENDPOINT("url = \"https://${HOST\";"),
     "dir/a.conf:2: endpoints[].url: '${' without '}': write $$ for a dollar "
     "sign"},
    {"no-variable-name", ENDPOINT("url = \"https://${1}\";"),
     "dir/a.conf:2: endpoints[].url: '${1}' is not of the form ${NAME} or "
     "${NAME:-default}: write $$ for a dollar sign"},
    {"missing-name", "endpoints = (\n { type = \"oci\"; } );",
     "dir/a.conf:2: endpoints[].name: is missing: The name that syncs refer "
     "to."},
    {"no-name", "endpoints = ( { name = \"a b\";\n type = \"oci\"; } );",
     "dir/a.conf:1: endpoints[].name: 'a b' is no name: use letters, digits, "
     "'.', '_' and '-', a letter or digit first"},
    {"missing-option", "endpoints = (\n { name = \"x\"; type = \"box\"; } );",
     "dir/a.conf:2: endpoints[].path: is missing: Help of path."},
    {"empty-path-option",
     "endpoints = ( { name = \"x\"; type = \"box\"; path = \"\"; } );",
     "dir/a.conf:1: endpoints[].path: an empty path"},
    {"missing-plugin-judges-no-options",
     "endpoints = ( { name = \"x\";\n type = \"ock\"; what = 1; } );",
     "dir/a.conf:2: endpoints[].type: no plugin offers 'ock'"},
    {"missing-sink", TWO_ENDPOINTS "sinks = ( { type = \"none\"; } );",
     "dir/a.conf:3: sinks[].type: no plugin offers 'none'"},
    {"missing-strategy", ONE_SYNC("conflict = {\ndefault = \"no\"; };"),
     "dir/a.conf:5: syncs[].conflict.default: no plugin offers 'no'"},
    {"unknown-conflict-key", ONE_SYNC("conflict = { tag = \"no\"; };"),
     "dir/a.conf:4: syncs[].conflict.tag: there is no such key"},
    {"same-endpoint-name",
     "endpoints = ( { name = \"x\"; type = \"oci\"; },\n"
     "  { name = \"y\"; type = \"oci\"; },\n"
     "  { type = \"oci\";\n name = \"x\"; } );",
     "dir/a.conf:4: endpoints[].name: there is a 'x' already, at "
     "dir/a.conf:1"},
    {"same-sync-name",
     TWO_ENDPOINTS "syncs = (\n"
                   "{ name = \"s\"; source = \"a\"; target = \"b\"; },\n"
                   "{ name = \"s\"; source = \"b\"; target = \"a\"; } );",
     "dir/a.conf:5: syncs[].name: there is a 's' already, at dir/a.conf:4"},
    {"no-such-endpoint",
     "endpoints = ( { name = \"paris\"; type = \"oci\"; } );\n"
     "syncs = ( { name = \"s\"; source = \"paris\";\n"
     "  target = \"pariss\"; } );",
     "dir/a.conf:3: syncs[].target: there is no 'pariss' in endpoints; did "
     "you mean 'paris'?"},
    {"source-is-target",
     TWO_ENDPOINTS "syncs = ( { name = \"s\"; source = \"a\";\n"
                   "target = \"a\"; } );",
     "dir/a.conf:4: syncs[].target: 'a' is the source as well: name another "
     "endpoint"},
    {"mode", ONE_SYNC("mode = \"two-way\";"),
     "dir/a.conf:4: syncs[].mode: this version replicates \"one-way\" only, "
     "not 'two-way'"},
    {"kind", ONE_SYNC("kinds = [ \"tag\", \"robots\" ];"),
     "dir/a.conf:4: syncs[].kinds: there is no kind 'robots'; did you mean "
     "'robot'?"},
    {"kind-that-is-none", ONE_SYNC("kinds = [ \"../tag\" ];"),
     "dir/a.conf:4: syncs[].kinds: '../tag' is no name of a kind"},
    {"kind-in-capitals", ONE_SYNC("kinds = [ \"Project\" ];"),
     "dir/a.conf:4: syncs[].kinds: there is no kind 'Project'; did you mean "
     "'project'?"},
    {"kind-of-projects-with-rename",
     ONE_SYNC("kinds = [ \"member\" ]; rename = { prefix = \"a/\"; };"),
     "dir/a.conf:4: syncs[].kinds: 'member' belongs to projects, and does not "
     "go with rename"},
    {"escalation", ONE_SYNC("escalation = \"ignore\";"),
     "dir/a.conf:4: syncs[].escalation: is mark, refuse or allow, not "
     "'ignore'"},
    {"project-that-is-none",
     ONE_SYNC("select = { projects = { names = [ \"a/b\" ]; }; };"),
     "dir/a.conf:4: syncs[].select.projects.names: 'a/b' is no name of a "
     "project; patterns belong to allow"},
    {"no-kinds", ONE_SYNC("kinds = [ ];"),
     "dir/a.conf:4: syncs[].kinds: is empty and would select nothing: leave "
     "it out to select everything"},
    {"bad-pattern",
     ONE_SYNC("select = { tags = {\nallow = [ \"a(b\" ]; }; };"),
     "dir/a.conf:5: syncs[].select.tags.allow: 'a(b' is no regular "
     "expression: at char 3: ..."},
    {"pattern-that-escapes-its-anchors",
     ONE_SYNC("select = { tags = { allow = [ \"a)|(b\" ]; }; };"),
     "dir/a.conf:4: syncs[].select.tags.allow: 'a)|(b' is no regular "
     "expression: at char 1: ..."},
    {"robot-secrets-in-no-directory",
     ONE_SYNC("robot_secrets = { from = \"file\"; path = \"\"; };"),
     "dir/a.conf:4: syncs[].robot_secrets.path: is empty"},
    {"robot-secrets-of-no-program",
     ONE_SYNC("robot_secrets = { from = \"exec\"; command = \"\"; };"),
     "dir/a.conf:4: syncs[].robot_secrets.command: is empty"},
    {"robot-secrets", ONE_SYNC("robot_secrets = { from = \"vault\"; };"),
     "dir/a.conf:4: syncs[].robot_secrets.from: is keep, report, file, env, "
     "exec "
     "or derive, not 'vault'"},
    {"robot-secrets-without",
     ONE_SYNC("robot_secrets = { from = \"derive\"; };"),
     "dir/a.conf:4: syncs[].robot_secrets.key: is missing: the master key"},
    {"robot-secrets-too-much",
     ONE_SYNC("robot_secrets = { from = \"file\"; path = \"/x\";\n"
              "prefix = \"A\"; version = 2; };"),
     "dir/a.conf:5: syncs[].robot_secrets.prefix: is for from = \"env\" only, "
     "and "
     "it says \"file\"\n"
     "dir/a.conf:5: syncs[].robot_secrets.version: is for from = \"derive\" "
     "only, "
     "and it says \"file\""},
    {"robot-secrets-inline",
     ONE_SYNC("robot_secrets = { from = \"derive\"; key = \"hunter2\"; };"),
     "dir/a.conf:4: syncs[].robot_secrets.key: is not written here, but where "
     "it "
     "is: env:NAME, file:/PATH, cred:NAME or exec:HELPER"},
    {"robot-secrets-prefix",
     ONE_SYNC("robot_secrets = { from = \"env\"; prefix = \"1-\"; };"),
     "dir/a.conf:4: syncs[].robot_secrets.prefix: must begin like the name of "
     "a "
     "variable: a letter or _, then letters, digits and _"},
    {"robot-secrets-check",
     ONE_SYNC("robot_secrets = { check = \"never\"; };"),
     "dir/a.conf:4: syncs[].robot_secrets.check: is complete or always, not "
     "'never'"},
    {"foreign-layers", ONE_SYNC("foreign_layers = \"yes\";"),
     "dir/a.conf:4: syncs[].foreign_layers: is skip or include, not 'yes'"},
    {"bad-platform",
     ONE_SYNC("select = {\nplatforms = [ \"linux/amd64\", \"amd64\" ]; };"),
     "dir/a.conf:5: syncs[].select.platforms: 'amd64' is not of the form "
     "os/architecture or os/architecture/variant: \"linux/amd64\""},
    {"no-platforms", ONE_SYNC("select = { platforms = [ ]; };"),
     "dir/a.conf:4: syncs[].select.platforms: is empty and would select "
     "nothing: leave it out to select everything"},
    {"sparse-index-of-another-kind",
     ONE_SYNC("select = { sparse_index = \"yes\"; };"),
     "dir/a.conf:4: syncs[].select.sparse_index: is complete or fail, not "
     "'yes'"},
    {"bad-immutable",
     ONE_SYNC("select = { tags = { immutable = [ \"v(\" ]; }; };"),
     "dir/a.conf:4: syncs[].select.tags.immutable: 'v(' is no regular "
     "expression: at char 2: ..."},
    {"ages-that-exclude-each-other",
     ONE_SYNC("select = { tags = { max_age = \"2d\";\nmin_age = \"3d\"; }; "
              "};"),
     "dir/a.conf:5: syncs[].select.tags.min_age: is more than max_age: no tag "
     "could be both"},
    {"age-without-unit",
     ONE_SYNC("select = { tags = { min_age = \"3\"; }; };"),
     "dir/a.conf:4: syncs[].select.tags.min_age: '3' is not a duration: ..."},
    {"unknown-order", ONE_SYNC("select = { tags = { sort = \"newest\"; }; };"),
     "dir/a.conf:4: syncs[].select.tags.sort: is semver, alphabetical or "
     "created, not 'newest'"},
    {"empty-allow", ONE_SYNC("select = { tags = { allow = [ ]; }; };"),
     "dir/a.conf:4: syncs[].select.tags.allow: is empty and would select "
     "nothing: leave it out to select everything"},
    {"pattern-among-names",
     ONE_SYNC("select = { tags = { names = [ \"v.*\" ]; }; };"),
     "dir/a.conf:4: syncs[].select.tags.names: 'v.*' is no name of a tag; "
     "patterns belong to allow"},
    {"path-among-names",
     ONE_SYNC("select = { repositories = { names = [ \"a//b\" ]; }; };"),
     "dir/a.conf:4: syncs[].select.repositories.names: 'a//b' is no name of a "
     "repository; patterns belong to allow"},
    {"no-such-select",
     ONE_SYNC("select = \"bast\";") "selects = ( { name = \"base\"; } );",
     "dir/a.conf:4: syncs[].select: there is no 'bast' in selects; did you "
     "mean 'base'?"},
    {"mistake-in-a-select-is-told-once",
     ONE_SYNC("select = \"base\";") "selects = ( { name = \"base\"; tags = { "
                                    "deny = [ \"(\" ]; }; } );",
     "dir/a.conf:5: selects[].tags.deny: '(' is no regular expression: at "
     "char 1: ..."},
    {"no-such-credentials", ENDPOINT("credentials = \"robot\";"),
     "dir/a.conf:2: endpoints[].credentials: there is no 'robot' in "
     "credentials"},
    {"credentials-and-username",
     ENDPOINT(
         "credentials = \"r\"; username = \"u\";") "credentials = ( { name = "
                                                   "\"r\"; username = \"u\"; "
                                                   "password = "
                                                   "\"env:P\"; } );",
     "dir/a.conf:2: endpoints[].credentials: stands beside username or "
     "password: keep one of the two"},
    {"ftp", ENDPOINT("url = \"ftp://host\";"),
     "dir/a.conf:2: endpoints[].url: 'ftp://host' is not of the form "
     "https://HOST[:PORT][/PATH]"},
    {"bare-host", ENDPOINT("url = \"host:5000\";"),
     "dir/a.conf:2: endpoints[].url: 'host:5000' is not of the form "
     "https://HOST[:PORT][/PATH]"},
    {"no-host", ENDPOINT("url = \"https://:5000\";"),
     "dir/a.conf:2: endpoints[].url: 'https://:5000' names no host: write "
     "https://HOST[:PORT][/PATH]"},
    {"credentials-in-address", ENDPOINT("url = \"https://u:secret@host\";"),
     "dir/a.conf:2: endpoints[].url: 'https://***@host' contains credentials: "
     "write them as username and password"},
    {"query-in-address", ENDPOINT("url = \"https://host/?token=secret\";"),
     "dir/a.conf:2: endpoints[].url: 'https://host/?token=***' has a query or "
     "fragment: an address ends with its path"},
    {"space-in-address", ENDPOINT("url = \"https://ho st\";"),
     "dir/a.conf:2: endpoints[].url: 'https://ho st' contains characters that "
     "no address has"},
    {"no-username", ENDPOINT("password = \"env:P\";"),
     "dir/a.conf:2: endpoints[]: has a password, but no username"},
    {"no-password", ENDPOINT("username = \"u\";"),
     "dir/a.conf:2: endpoints[]: has a username, but no password"},
    {"colon-in-username",
     ENDPOINT("username = \"u:v\"; password = \"env:P\";"),
     "dir/a.conf:2: endpoints[].username: may contain neither ':' nor control "
     "characters"},
    {"inline-password", ENDPOINT("username = \"u\"; password = \"hunter2\";"),
     "dir/a.conf:2: endpoints[].password: is the secret itself: write where "
     "it is, as \"env:NAME\", \"file:/PATH\", \"cred:NAME\" or "
     "\"exec:HELPER\", or set allow_inline_secrets = true"},
    {"relative-secret-file",
     ENDPOINT("username = \"u\"; password = \"file:pw\";"),
     "dir/a.conf:2: endpoints[].password: is no absolute path: write "
     "file:/PATH"},
    {"no-ca", ENDPOINT("tls = { ca = \"/no/ca.pem\"; };"),
     "dir/a.conf:2: endpoints[].tls.ca: there is no file /no/ca.pem"},
    {"missing-include", "@include \"nothing.conf\"\n" TWO_ENDPOINTS,
     "dir/a.conf:1: cannot open include file: @include \"nothing.conf\""},
    {"control-characters-in-a-name",
     "endpoints = ( { name = \"a\\x1b[2J\"; type = \"oci\"; } );",
     "dir/a.conf:1: endpoints[].name: 'a?[2J' is no name: use letters, "
     "digits, '.', '_' and '-', a letter or digit first"},
};

static void
test_says_what_is_wrong(gconstpointer data)
{
    const Bad *bad = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(HrConfig) config = parse(bad->text, &error);

    g_assert_null(config);
    g_assert_error(error, HR_ERROR, HR_CONFIG);
    /* What the library for regular expressions says is its own business. */
    if (g_str_has_suffix(bad->message, "...")) {
        g_autofree char *start =
            g_strndup(bad->message, strlen(bad->message) - 3);

        g_assert_true(g_str_has_prefix(error->message, start));
        return;
    }
    g_assert_cmpstr(error->message, ==, bad->message);
}

static void
test_tells_all_mistakes_in_the_order_of_the_file(void)
{
    static const char text[] = "workers = 0;\n"
                               "syncs = ( { name = \"s\"; source = \"q\";\n"
                               "  target = \"a\"; mode = \"odd\"; } );\n"
                               "endpoints = (\n"
                               "  { name = \"a\"; type = \"nix\"; },\n"
                               "  { name = \"b\"; type = \"oci\";\n"
                               "    url = \"${GONE}\";\n"
                               "    policy = { attempts = 11; tries = 2; };\n"
                               "  } );\n"
                               "lops = 3;\n";
    g_autoptr(GError) error = NULL;
    g_autoptr(HrConfig) config = parse(text, &error);

    g_assert_null(config);
    g_assert_cmpstr(
        error->message, ==,
        "dir/a.conf:1: workers: must be 1 to 256\n"
        "dir/a.conf:2: syncs[].source: there is no 'q' in endpoints\n"
        "dir/a.conf:3: syncs[].mode: this version replicates \"one-way\" "
        "only, not 'odd'\n"
        "dir/a.conf:5: endpoints[].type: no plugin offers 'nix'\n"
        "dir/a.conf:7: endpoints[].url: the environment variable GONE is not "
        "set: set it, or write ${GONE:-default}\n"
        "dir/a.conf:8: endpoints[].policy.tries: there is no such key\n"
        "dir/a.conf:8: endpoints[].policy.attempts: must be 1 to 10\n"
        "dir/a.conf:10: lops: there is no such key; did you mean 'loops'?");
}

/* --------------------------------------------------------------- files */

typedef struct Tree {
    char *directory;
    char *main;
    char *part;
} Tree;

static void
set_up(Tree *tree, gconstpointer unused)
{
    (void)unused;
    tree->directory = g_dir_make_tmp("hr-config-XXXXXX", NULL);
    g_assert_nonnull(tree->directory);
    tree->main = g_build_filename(tree->directory, "main.conf", NULL);
    tree->part = g_build_filename(tree->directory, "part.conf", NULL);
}

static void
tear_down(Tree *tree, gconstpointer unused)
{
    (void)unused;
    g_remove(tree->main);
    g_remove(tree->part);
    g_assert_cmpint(g_rmdir(tree->directory), ==, 0);
    g_free(tree->directory);
    g_free(tree->main);
    g_free(tree->part);
}

static void
write_file(const char *path, const char *text, int mode)
{
    g_assert_true(hr_file_replace(path, text, strlen(text), mode, NULL));
}

static HrConfig *
load(const Tree *tree, GError **error)
{
    return hr_config_load(tree->main, look_up, (void *)"data", error);
}

static void
test_includes_files(Tree *tree, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrConfig) config = NULL;

    (void)unused;
    write_file(tree->main, "@include \"part.conf\"\nworkers = 3;\n", 0644);
    write_file(tree->part, TWO_ENDPOINTS, 0644);
    config = load(tree, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(config->workers, ==, 3);
    g_assert_cmpstr(hr_config_endpoint(config, "b")->place.file, ==,
                    tree->part);
    g_assert_cmpuint(hr_config_endpoint(config, "b")->place.line, ==, 2);
}

static void
test_names_the_included_file(Tree *tree, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *expected = g_strdup_printf(
        "%s:2: workers: must be 1 to 256\n"
        "%s:1: loops: must be 1 to 16\n"
        "%s:2: 4294967297 is too large a number: write it with a final L; a "
        "size is written as a string, \"5GiB\"",
        tree->main, tree->part, tree->part);

    (void)unused;
    write_file(tree->main, "@include \"part.conf\"\nworkers = 300;\n", 0644);
    write_file(tree->part,
               "loops = 99;\n"
               "endpoints = ( { name = \"a\"; type = \"box\"; path = \"p\"; "
               "depth = 4294967297; } );\n",
               0644);
    g_assert_null(load(tree, &error));
    g_assert_cmpstr(error->message, ==, expected);
}

static void
test_names_the_included_file_of_a_syntax_error(Tree *tree,
                                               gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *expected =
        g_strdup_printf("%s:2: syntax error", tree->part);

    (void)unused;
    write_file(tree->main, "@include \"part.conf\"\n" TWO_ENDPOINTS, 0644);
    write_file(tree->part, "loops = 1;\nworkers = = 1;\n", 0644);
    g_assert_null(load(tree, &error));
    g_assert_cmpstr(error->message, ==, expected);
}

#define INLINE                                                                \
    "allow_inline_secrets = true;\n"                                          \
    "endpoints = ( { name = \"x\"; type = \"oci\"; username = \"u\";\n"       \
    "  password = \"hunter2\"; } );"

static void
test_takes_inline_secrets_from_a_private_file(Tree *tree, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrConfig) config = NULL;

    (void)unused;
    write_file(tree->main, INLINE, 0600);
    config = load(tree, &error);
    g_assert_no_error(error);
    g_assert_true(hr_config_endpoint(config, "x")->password_inline);
}

static void
test_refuses_inline_secrets_in_an_open_file(Tree *tree, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *expected =
        g_strdup_printf("%s:3: endpoints[].password: is a secret in a file "
                        "that others can read: run chmod 600 on the file",
                        tree->main);

    (void)unused;
    write_file(tree->main, INLINE, 0640);
    g_assert_null(load(tree, &error));
    g_assert_cmpstr(error->message, ==, expected);
}

static void
test_refuses_inline_secrets_in_an_open_included_file(Tree *tree,
                                                     gconstpointer unused)
{
    g_autoptr(GError) error = NULL;

    (void)unused;
    write_file(tree->main, "@include \"part.conf\"\n", 0600);
    write_file(tree->part, INLINE, 0604);
    g_assert_null(load(tree, &error));
    g_assert_true(g_str_has_prefix(error->message, tree->part));
    g_assert_null(strstr(error->message, "hunter2"));
}

static void
test_missing_file_has_a_sentence(Tree *tree, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;

    (void)unused;
    g_assert_null(load(tree, &error));
    g_assert_error(error, HR_ERROR, HR_CONFIG);
    g_assert_nonnull(strstr(error->message, tree->main));
    g_assert_nonnull(strstr(error->message, "-c FILE"));
}

/* ------------------------------------------------------------ expansion */

static void
test_expands_variables(void)
{
    static const struct {
        const char *text;
        const char *expanded;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"${A}", "one"},
        {"x${A}y${A}z", "xoneyonez"},
        {"${A:-two}", "one"},
        {"${B:-two}", "two"},
        {"${B:-}", ""},
        {"${EMPTY}", ""},
        {"${EMPTY:-two}", "two"},
        {"${B:-a:-b}", "a:-b"},
        {"$$", "$"},
        {"$${A}", "${A}"},
        {"$$${A}", "$one"},
        {"$", "$"},
        {"a$", "a$"},
        {"$A", "$A"},
    };

    g_setenv("A", "one", true);
    g_setenv("EMPTY", "", true);
    g_unsetenv("B");
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = hr_config_expand(cases[i].text, &error);
        g_autofree char *escaped = hr_config_escape(cases[i].text);
        g_autofree char *again = hr_config_expand(escaped, &error);

        g_assert_no_error(error);
        g_assert_cmpstr(text, ==, cases[i].expanded);
        g_assert_cmpstr(again, ==, cases[i].text);
    }
}

static void
test_refuses_what_does_not_expand(void)
{
    static const char *const texts[] = {
        "${", "${A", "${}", "${B}", "${A-b}", "${A b}", "${B:-${A}}", "${9A}"};

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(hr_config_expand(texts[i], &error));
        g_assert_error(error, HR_ERROR, HR_CONFIG);
    }
}

static void
add_file_test(const char *name, void (*func)(Tree *tree, gconstpointer data))
{
    g_test_add(name, Tree, NULL, set_up, func, tear_down);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_unsetenv("NO_SUCH");
    g_unsetenv("GONE");
    g_test_add_func("/config/fills-in-defaults", test_fills_in_defaults);
    g_test_add_func("/config/command-line-endpoint-has-the-same-defaults",
                    test_command_line_endpoint_has_the_same_defaults);
    g_test_add_func("/config/reads-every-key", test_reads_every_key);
    g_test_add_func("/config/reads-what-a-sync-is-about",
                    test_reads_what_a_sync_is_about);
    g_test_add_func("/config/reads-syncs-and-their-selections",
                    test_reads_syncs_and_their_selections);
    g_test_add_func("/config/strategy-gets-its-defaults-without-being-told",
                    test_strategy_gets_its_defaults_without_being_told);
    g_test_add_func("/config/empty-credentials-are-none",
                    test_empty_credentials_are_none);
    g_test_add_func("/config/show-can-be-loaded-again",
                    test_show_can_be_loaded_again);
    g_test_add_func("/config/show-json-is-json", test_show_json_is_json);
    g_test_add_func("/config/show-hides-inline-secrets",
                    test_show_hides_inline_secrets);
    g_test_add_func("/config/puts-policies-together", test_policies);
    g_test_add_func("/config/names-the-nearest-of-what-is-not-there",
                    test_names_the_nearest_of_what_is_not_there);
    g_test_add_func("/config/schema-tells-every-key",
                    test_schema_tells_every_key);
    for (unsigned i = 0; i < G_N_ELEMENTS(bads); i++) {
        g_autofree char *name =
            g_strconcat("/config/says-what-is-wrong/", bads[i].name, NULL);

        g_test_add_data_func(name, &bads[i], test_says_what_is_wrong);
    }
    g_test_add_func("/config/tells-all-mistakes-in-the-order-of-the-file",
                    test_tells_all_mistakes_in_the_order_of_the_file);
    add_file_test("/config/includes-files", test_includes_files);
    add_file_test("/config/names-the-included-file",
                  test_names_the_included_file);
    add_file_test("/config/names-the-included-file-of-a-syntax-error",
                  test_names_the_included_file_of_a_syntax_error);
    add_file_test("/config/takes-inline-secrets-from-a-private-file",
                  test_takes_inline_secrets_from_a_private_file);
    add_file_test("/config/refuses-inline-secrets-in-an-open-file",
                  test_refuses_inline_secrets_in_an_open_file);
    add_file_test("/config/refuses-inline-secrets-in-an-open-included-file",
                  test_refuses_inline_secrets_in_an_open_included_file);
    add_file_test("/config/missing-file-has-a-sentence",
                  test_missing_file_has_a_sentence);
    g_test_add_func("/config/expands-variables", test_expands_variables);
    g_test_add_func("/config/refuses-what-does-not-expand",
                    test_refuses_what_does_not_expand);
    return g_test_run();
}
