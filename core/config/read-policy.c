/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a policy block: a preset, and what is changed in it. */
#include <string.h>

#include "base/text.h"
#include "config/loader.h"
#include "config/policy-fields.h"
#include "config/schema.h"

#define ENDPOINT "endpoints[]"
#define POLICIES "policies[]"

/* One block and what its mistakes are called. */
typedef struct Block {
    HrReader *reader;
    const config_setting_t *group;
    const char *path;
} Block;

static char *
join(const char *path, const char *name)
{
    return g_strconcat(path, *name != '\0' ? "." : "", name, NULL);
}

static void
set_choice(const Block *block, const HrPolicyField *field, int *value)
{
    g_autofree char *text =
        hr_reader_text(block->reader, block->group, block->path, field->name);
    g_autofree char *place = join(block->path, field->name);
    g_autoptr(GString) known = g_string_new(NULL);
    const char *name;

    for (unsigned i = 0; (name = field->choice_name(i)) != NULL; i++) {
        if (g_strcmp0(name, text) == 0) {
            *value = (int)i;
            return;
        }
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", name);
    }
    if (text != NULL)
        hr_reader_mistake(block->reader,
                          hr_reader_spot(block->group, field->name), place,
                          "there is no '%s'; there are %s", text, known->str);
}

static void
set_field(const Block *block, const HrPolicyField *field, void *record)
{
    char *at = (char *)record + field->offset;
    int64_t number = 0;
    int choice;

    if (!hr_reader_has(block->group, field->name))
        return;
    if (field->type == HR_FIELD_CHOICE) {
        memcpy(&choice, at, sizeof choice);
        set_choice(block, field, &choice);
        memcpy(at, &choice, sizeof choice);
        return;
    }
    if (field->type == HR_FIELD_NUMBER) {
        *(double *)(void *)at = hr_reader_fraction(block->reader, block->group,
                                                   block->path, field->name);
        return;
    }
    number = hr_reader_number(block->reader, block->group, block->path,
                              field->name);
    switch (field->type) {
    case HR_FIELD_UNSIGNED:
        *(unsigned *)(void *)at = (unsigned)number;
        break;
    case HR_FIELD_BOOLEAN:
        *(bool *)(void *)at = number != 0;
        break;
    case HR_FIELD_DURATION:
        *(int64_t *)(void *)at = number * 1000;
        break;
    case HR_FIELD_SIZE:
        *(uint64_t *)(void *)at = (uint64_t)number;
        break;
    default:
        *(double *)(void *)at = (double)number;
        break;
    }
}

/* The fields of one group of the block. */
static void
set_fields(const Block *block, const HrPolicyField *fields, const char *group,
           void *record)
{
    g_autofree char *path = join(block->path, group);
    Block inner = {
        .reader = block->reader,
        .group = *group == '\0' ? block->group
                                : hr_reader_group(block->group, group),
        .path = path,
    };

    if (inner.group == NULL)
        return;
    for (; fields->group != NULL; fields++)
        if (strcmp(fields->group, group) == 0)
            set_field(&inner, fields, record);
}

/* What is said for all classes has no say where it makes no sense: bodies of
 * blobs have no total time. */
static void
set_all_retries(const Block *block, HrPolicy *policy)
{
    for (int which = 0; which < HR_CLASS_COUNT; which++) {
        HrRetryPolicy changed = policy->retry[which];

        set_fields(block, hr_retry_fields, "", &changed);
        if (which == HR_CLASS_BLOB) {
            changed.deadline_us = policy->retry[which].deadline_us;
            changed.attempt_timeout_us =
                policy->retry[which].attempt_timeout_us;
        }
        policy->retry[which] = changed;
    }
}

static void
set_class(const Block *block, int which, HrPolicy *policy, HrProfile profile)
{
    g_autofree char *preset = NULL;
    g_autofree char *place = join(block->path, "preset");
    g_autofree char *known = NULL;

    if (block->group == NULL)
        return;
    preset =
        hr_reader_text(block->reader, block->group, block->path, "preset");
    known = g_strjoinv(", ", (char **)hr_policy_presets);
    if (preset != NULL &&
        !hr_policy_retry(&policy->retry[which], preset, profile))
        hr_reader_mistake(
            block->reader, hr_reader_spot(block->group, "preset"), place,
            "there is no preset '%s'; there are %s", preset, known);
    set_fields(block, hr_retry_fields, "", &policy->retry[which]);
}

static void
set_classes(const Block *block, HrPolicy *policy, HrProfile profile)
{
    const config_setting_t *classes = hr_reader_group(block->group, "classes");

    for (int which = 0; which < HR_CLASS_COUNT; which++) {
        g_autofree char *path = g_strconcat(block->path, ".classes.",
                                            hr_policy_classes[which], NULL);
        Block inner = {
            .reader = block->reader,
            .group = hr_reader_group(classes, hr_policy_classes[which]),
            .path = path,
        };

        set_class(&inner, which, policy, profile);
    }
}

static void
mistake(const Block *block, const char *name, const char *sentence)
{
    g_autofree char *place =
        *name != '\0' ? join(block->path, name) : g_strdup(block->path);
    const config_setting_t *spot = block->group;
    g_auto(GStrv) parts = g_strsplit(name, ".", -1);

    for (char **part = parts; *part != NULL; part++)
        spot = hr_reader_spot(spot, *part);
    hr_reader_mistake(block->reader, spot, place, "%s", sentence);
}

/* What is wrong between settings that are right by themselves. */
static void
check_together(const Block *block, const HrPolicy *policy)
{
    const HrBreakerPolicy *breaker = &policy->breaker[HR_CLASS_READ];

    for (int which = 0; which < HR_CLASS_COUNT; which++) {
        const HrRetryPolicy *retry = &policy->retry[which];
        g_autofree char *own =
            g_strconcat("classes.", hr_policy_classes[which], NULL);
        bool in_class =
            hr_reader_group(hr_reader_group(block->group, "classes"),
                            hr_policy_classes[which]) != NULL;

        if (retry->base_us <= retry->cap_us &&
            retry->throttled_base_us <= retry->cap_us)
            continue;
        mistake(block, in_class ? own : "base",
                "base and throttled_base may not be longer than cap: no delay "
                "could keep to both");
        break;
    }
    if (breaker->open_us > breaker->open_cap_us)
        mistake(block, "breaker.open", "may not be longer than open_cap");
    if (breaker->successes > breaker->probes)
        mistake(block, "breaker.successes",
                "may not be more than probes: the breaker could never close");
    if (breaker->slow_percent > 0 && breaker->slow_us <= 0)
        mistake(block, "breaker.slow_rate",
                "needs slow: how long a slow call takes");
}

static void
read_window(const Block *block, HrPolicy *policy)
{
    g_autofree char *path = g_strconcat(block->path, ".breaker", NULL);
    const config_setting_t *group = hr_reader_group(block->group, "breaker");
    int64_t calls;

    if (!hr_reader_has(group, "window_calls"))
        return;
    if (hr_reader_has(group, "window"))
        mistake(block, "breaker.window_calls",
                "stands beside window: keep one of the two");
    calls = hr_reader_number(block->reader, group, path, "window_calls");
    for (int which = 0; which < HR_CLASS_COUNT; which++) {
        policy->breaker[which].window = HR_WINDOW_COUNT;
        policy->breaker[which].window_size = (unsigned)calls;
    }
}

static void
read_block(const Block *block, HrProfile profile, HrPolicy *policy)
{
    HrBreakerPolicy *breakers = policy->breaker;

    set_fields(block, hr_policy_fields, "", policy);
    set_fields(block, hr_policy_fields, "budget", policy);
    set_fields(block, hr_policy_fields, "hedge", policy);
    for (int which = 0; which < HR_CLASS_COUNT; which++)
        set_fields(block, hr_breaker_fields, "breaker", &breakers[which]);
    read_window(block, policy);
    set_all_retries(block, policy);
    set_classes(block, policy, profile);
    policy->transfers.adaptive = policy->requests.adaptive;
    policy->requests.initial =
        MIN(policy->requests.initial, policy->requests.maximum);
    policy->transfers.initial =
        MIN(policy->transfers.initial, policy->transfers.maximum);
    if (hr_reader_has(block->group, "requests"))
        policy->requests.initial = policy->requests.maximum;
    if (hr_reader_has(block->group, "transfers"))
        policy->transfers.initial = policy->transfers.maximum;
    check_together(block, policy);
}

static int
read_name(const Block *block, const char *name, int (*find)(const char *name))
{
    g_autofree char *text =
        hr_reader_text(block->reader, block->group, block->path, name);
    g_autofree char *place = join(block->path, name);
    int found = text != NULL ? find(text) : -1;

    if (text != NULL && found < 0)
        hr_reader_mistake(block->reader, hr_reader_spot(block->group, name),
                          place, "there is no '%s'", text);
    return found;
}

static bool
read_rule(const Block *block, HrErrorRule *rule)
{
    int category = read_name(block, "category", hr_category_from_name);
    int eligibility =
        read_name(block, "eligibility", hr_eligibility_from_name);

    rule->status = (unsigned)hr_reader_number(block->reader, block->group,
                                              block->path, "status");
    rule->code =
        hr_reader_text(block->reader, block->group, block->path, "code");
    if (rule->status == 0 && rule->code == NULL)
        mistake(block, "",
                "says neither status nor code: it would match every error");
    if (category < 0)
        return false;
    rule->category = category;
    rule->eligibility = eligibility >= 0 ? (HrEligibility)eligibility
                                         : hr_classify_category(category);
    return true;
}

static void
read_rules(const Block *block, HrEndpointConfig *endpoint)
{
    const config_setting_t *list =
        block->group != NULL
            ? config_setting_get_member(block->group, "errors")
            : NULL;
    g_autofree char *path = g_strconcat(block->path, ".errors[]", NULL);
    int count = list != NULL && config_setting_is_list(list)
                    ? config_setting_length(list)
                    : 0;

    endpoint->rule_items = g_new0(HrErrorRule, (gsize)count + 1);
    endpoint->rules.items = endpoint->rule_items;
    for (int i = 0; i < count; i++) {
        Block inner = {
            .reader = block->reader,
            .group = config_setting_get_elem(list, (unsigned)i),
            .path = path,
        };

        if (!config_setting_is_group(inner.group)) {
            hr_reader_mistake(block->reader, inner.group, path,
                              "is not a group { ... }");
            continue;
        }
        hr_reader_check_group(block->reader, inner.group, path, NULL, false);
        read_rule(&inner, &endpoint->rule_items[endpoint->rules.count++]);
    }
}

static void
read_policy(const Block *block, HrProfile profile, HrEndpointConfig *endpoint)
{
    g_autofree char *preset = NULL;
    g_autofree char *place = join(block->path, "preset");
    g_autofree char *known = g_strjoinv(", ", (char **)hr_policy_presets);

    if (block->group != NULL)
        preset =
            hr_reader_text(block->reader, block->group, block->path, "preset");
    if (preset != NULL &&
        !hr_policy_init(&endpoint->policy, preset, profile)) {
        hr_reader_mistake(
            block->reader, hr_reader_spot(block->group, "preset"), place,
            "there is no preset '%s'; there are %s", preset, known);
        g_clear_pointer(&preset, g_free);
    }
    if (preset == NULL)
        hr_policy_init(&endpoint->policy, "default", profile);
    if (block->group != NULL)
        read_block(block, profile, &endpoint->policy);
    read_rules(block, endpoint);
}

void
hr_loader_check_policy(HrLoader *loader, const config_setting_t *group)
{
    g_autoptr(HrEndpointConfig) unused = g_new0(HrEndpointConfig, 1);
    g_autofree char *name = NULL;
    Block block = {
        .reader = &loader->reader, .group = group, .path = POLICIES};

    hr_reader_check_group(&loader->reader, group, POLICIES, NULL, false);
    name = hr_loader_name(loader, group, POLICIES);
    read_policy(&block, loader->config->profile, unused);
}

void
hr_loader_read_policy(HrLoader *loader, const config_setting_t *group,
                      HrEndpointConfig *endpoint)
{
    HrReader *reader = &loader->reader;
    const config_setting_t *member =
        config_setting_get_member(group, "policy");
    g_autofree char *name = NULL;
    Block block = {.reader = reader, .path = ENDPOINT ".policy"};

    if (member != NULL && config_setting_type(member) == CONFIG_TYPE_STRING) {
        name = hr_reader_text(reader, group, ENDPOINT, "policy");
        block.path = POLICIES;
        if (name != NULL)
            block.group = hr_loader_named(loader, "policies", name, group,
                                          ENDPOINT, "policy");
    } else {
        block.group = hr_reader_group(group, "policy");
    }
    read_policy(&block, loader->config->profile, endpoint);
}
