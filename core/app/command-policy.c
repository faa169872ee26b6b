/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy: the numbers of presets, and of the endpoints of a configuration. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "app/options.h"
#include "app/session.h"
#include "base/error.h"
#include "base/log.h"
#include "config/policy-fields.h"
#include "config/schema.h"
#include "guard/retry.h"
#include "model/json.h"

#define POLICY_VERSION 1

static char *
format_us(int64_t us)
{
    return hr_schema_format_duration(us / 1000);
}

/* "200ms, 400ms, 800ms": what is waited between the attempts, before
 * jitter. */
static char *
nominal_waits(const HrRetryPolicy *retry, bool throttled)
{
    GString *text = g_string_new(NULL);

    for (unsigned n = 1; n < retry->attempts; n++) {
        g_autofree char *one =
            format_us(hr_retry_nominal_us(retry, throttled, n));

        g_string_append_printf(text, "%s%s", n > 1 ? ", " : "", one);
    }
    return g_string_free(text, false);
}

/* A field's value as it is written in the file. */
static char *
format_field(const HrPolicyField *field, const void *record)
{
    const char *at = (const char *)record + field->offset;
    const void *place = at;

    switch (field->type) {
    case HR_FIELD_UNSIGNED:
        return g_strdup_printf("%u", *(const unsigned *)place);
    case HR_FIELD_NUMBER:
        return g_strdup_printf("%.6g", *(const double *)place);
    case HR_FIELD_BOOLEAN:
        return g_strdup(*(const bool *)place ? "true" : "false");
    case HR_FIELD_DURATION:
        return format_us(*(const int64_t *)place);
    case HR_FIELD_SIZE:
        return g_strdup_printf("%" PRIu64 "B", *(const uint64_t *)place);
    case HR_FIELD_PACE:
        return g_strdup_printf("%.0fB", *(const double *)place);
    case HR_FIELD_CHOICE:
        return g_strdup(field->choice_name(*(const unsigned *)place));
    }
    return g_strdup("");
}

static void
print_fields(const HrPolicyField *fields, const void *record)
{
    for (; fields->group != NULL; fields++) {
        g_autofree char *value = format_field(fields, record);
        g_autofree char *name =
            g_strconcat(fields->group, *fields->group != '\0' ? "." : "",
                        fields->name, NULL);

        printf("  %-26s %s\n", name, value);
    }
}

static void
print_row(const char *name, char *const values[HR_CLASS_COUNT])
{
    printf("  %-18s", name);
    for (int i = 0; i < HR_CLASS_COUNT; i++)
        printf("  %-22s", values[i]);
    printf("\n");
}

static void
print_classes(const HrPolicy *policy)
{
    char *cells[HR_CLASS_COUNT];

    print_row("class", (char **)hr_policy_classes);
    for (const HrPolicyField *field = hr_retry_fields; field->group != NULL;
         field++) {
        for (int i = 0; i < HR_CLASS_COUNT; i++)
            cells[i] = format_field(field, &policy->retry[i]);
        print_row(field->name, cells);
        for (int i = 0; i < HR_CLASS_COUNT; i++)
            g_free(cells[i]);
    }
    for (int throttled = 0; throttled < 2; throttled++) {
        for (int i = 0; i < HR_CLASS_COUNT; i++)
            cells[i] = nominal_waits(&policy->retry[i], throttled != 0);
        print_row(throttled ? "waits throttled" : "waits", cells);
        for (int i = 0; i < HR_CLASS_COUNT; i++)
            g_free(cells[i]);
    }
}

static void
print_policy(const char *name, const HrPolicy *policy)
{
    printf("policy %s (preset %s)\n\n", name, policy->preset);
    print_classes(policy);
    printf("\n");
    print_fields(hr_policy_fields, policy);
    print_fields(hr_breaker_fields, &policy->breaker[HR_CLASS_READ]);
}

static HrJson *
fields_to_json(const HrPolicyField *fields, const void *record)
{
    HrJson *json = hr_json_new_object();

    for (; fields->group != NULL; fields++) {
        g_autofree char *value = format_field(fields, record);
        g_autofree char *name =
            g_strconcat(fields->group, *fields->group != '\0' ? "." : "",
                        fields->name, NULL);

        hr_json_set_text(json, name, value);
    }
    return json;
}

static HrJson *
policy_to_json(const char *name, const HrPolicy *policy)
{
    HrJson *json = hr_json_new_object();
    HrJson *classes = hr_json_new_object();

    hr_json_set_text(json, "name", name);
    hr_json_set_text(json, "preset", policy->preset);
    for (int i = 0; i < HR_CLASS_COUNT; i++) {
        HrJson *one = fields_to_json(hr_retry_fields, &policy->retry[i]);
        g_autofree char *waits = nominal_waits(&policy->retry[i], false);
        g_autofree char *throttled = nominal_waits(&policy->retry[i], true);

        hr_json_set_text(one, "waits", waits);
        hr_json_set_text(one, "waits_throttled", throttled);
        hr_json_set(classes, hr_policy_classes[i], one);
    }
    hr_json_set(json, "classes", classes);
    hr_json_set(json, "limits", fields_to_json(hr_policy_fields, policy));
    hr_json_set(
        json, "breaker",
        fields_to_json(hr_breaker_fields, &policy->breaker[HR_CLASS_READ]));
    return json;
}

static void
print_json(HrJson *policies)
{
    g_autoptr(HrJson) json = hr_json_new_object();
    g_autofree char *text = NULL;

    hr_json_set_number(json, "version", POLICY_VERSION);
    hr_json_set(json, "policies", policies);
    text = hr_json_pretty(json);
    fputs(text, stdout);
}

static int
list_presets(bool json)
{
    HrJson *list = json ? hr_json_new_array() : NULL;

    if (!json)
        printf("%-15s%-10s%-8s%-8s%-48s%s\n", "PRESET", "ATTEMPTS", "BASE",
               "CAP", "WAITS", "THROTTLED");
    for (const char *const *name = hr_policy_presets; *name != NULL; name++) {
        g_autofree char *base = NULL;
        g_autofree char *cap = NULL;
        g_autofree char *waits = NULL;
        g_autofree char *throttled = NULL;
        const HrRetryPolicy *retry;
        HrPolicy policy;

        hr_policy_init(&policy, *name, HR_PROFILE_PRODUCTION);
        if (json) {
            hr_json_append(list, policy_to_json(*name, &policy));
            continue;
        }
        retry = &policy.retry[HR_CLASS_READ];
        base = format_us(retry->base_us);
        cap = format_us(retry->cap_us);
        waits = nominal_waits(retry, false);
        throttled = nominal_waits(retry, true);
        printf("%-15s%-10u%-8s%-8s%-48s%s\n", *name, retry->attempts, base,
               cap, waits, throttled);
    }
    if (json)
        print_json(list);
    return HR_EXIT_DONE;
}

static int
show(const char *name, const HrPolicy *policy, bool json)
{
    if (json) {
        HrJson *list = hr_json_new_array();

        hr_json_append(list, policy_to_json(name, policy));
        print_json(list);
    } else {
        print_policy(name, policy);
    }
    return HR_EXIT_DONE;
}

/* Names of presets come first: they need no configuration. */
static int
show_name(const HrApp *app, const char *name, bool json)
{
    g_autoptr(HrSession) session = NULL;
    g_autoptr(GError) error = NULL;
    const HrEndpointConfig *endpoint;
    HrPolicy policy;

    if (hr_policy_init(&policy, name, HR_PROFILE_PRODUCTION))
        return show(name, &policy, json);
    session = hr_session_load(app, &error);
    if (session == NULL)
        return hr_session_report_error(error);
    endpoint = hr_config_endpoint(hr_session_config(session), name);
    if (endpoint != NULL)
        return show(name, &endpoint->policy, json);
    hr_log(HR_LOG_ERROR,
           "there is neither a preset nor an endpoint '%s': see policy show",
           name);
    return HR_EXIT_USAGE;
}

int
hr_command_policy(const HrApp *app, int argc, char **argv)
{
    HrOptions options = {
        .usage = "show [NAME]",
        .summary =
            "lists the presets of limits and patience, or prints all numbers "
            "of a preset or\nof an endpoint of the configuration, with the "
            "waits between attempts before jitter",
        .output = true,
    };
    g_auto(GStrv) words = NULL;
    int code;

    if (!hr_options_parse(&options, argc, argv, &words, &code))
        return code;
    if (g_strv_length(words) < 1 || g_strv_length(words) > 2 ||
        strcmp(words[0], "show") != 0)
        return hr_options_usage_error("policy", "give show, and one name");
    if (words[1] == NULL)
        return list_presets(options.json);
    return show_name(app, words[1], options.json);
}
