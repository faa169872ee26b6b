/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Show: the effective configuration, as it could be written again. */
#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "config/expand.h"
#include "config/policy-fields.h"
#include "config/schema.h"

/* One way to write a configuration: libconfig or JSON differ in punctuation
 * only, so that both forms come from one walk. */
typedef struct Writer {
    GString *out;
    bool json;
    bool first; /* in the current group or list */
    unsigned depth;
} Writer;

static void
begin_member(Writer *writer, const char *name)
{
    if (writer->json && !writer->first)
        g_string_append_c(writer->out, ',');
    if (writer->out->len > 0)
        g_string_append_c(writer->out, '\n');
    for (unsigned i = 0; i < writer->depth; i++)
        g_string_append(writer->out, "  ");
    writer->first = false;
    if (name == NULL)
        return;
    if (writer->json)
        g_string_append_printf(writer->out, "\"%s\": ", name);
    else
        g_string_append_printf(writer->out, "%s = ", name);
}

static void
end_member(Writer *writer)
{
    if (!writer->json)
        g_string_append_c(writer->out, ';');
}

/* A string of libconfig: it knows fewer escapes than JSON, and what expansion
 * would take for a variable is written so that it does not. */
static void
append_native(GString *out, const char *text)
{
    g_autofree char *safe = hr_config_escape(text);

    g_string_append_c(out, '"');
    for (const char *c = safe; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            g_string_append_printf(out, "\\%c", *c);
        else if (g_ascii_iscntrl(*c))
            g_string_append_printf(out, "\\x%02x", (unsigned char)*c);
        else
            g_string_append_c(out, *c);
    }
    g_string_append_c(out, '"');
}

static void
append_string(Writer *writer, const char *text)
{
    if (writer->json)
        hr_text_append_json(writer->out, text);
    else
        append_native(writer->out, text);
}

static void
put_text(Writer *writer, const char *name, const char *text)
{
    if (text == NULL)
        return;
    begin_member(writer, name);
    append_string(writer, text);
    end_member(writer);
}

static void
put_number(Writer *writer, const char *name, int64_t number)
{
    begin_member(writer, name);
    g_string_append_printf(writer->out, "%" G_GINT64_FORMAT, number);
    /* libconfig reads 32 bits unless told otherwise. */
    if (!writer->json && (number > INT32_MAX || number < INT32_MIN))
        g_string_append_c(writer->out, 'L');
    end_member(writer);
}

static void
put_boolean(Writer *writer, const char *name, bool value)
{
    begin_member(writer, name);
    g_string_append(writer->out, value ? "true" : "false");
    end_member(writer);
}

static void
put_duration(Writer *writer, const char *name, int64_t ms)
{
    g_autofree char *text = hr_schema_format_duration(ms);

    put_text(writer, name, text);
}

static void
open_block(Writer *writer, const char *name, char bracket)
{
    begin_member(writer, name);
    g_string_append_c(writer->out, bracket);
    writer->depth++;
    writer->first = true;
}

static void
close_block(Writer *writer, char bracket)
{
    writer->depth--;
    g_string_append_c(writer->out, '\n');
    for (unsigned i = 0; i < writer->depth; i++)
        g_string_append(writer->out, "  ");
    g_string_append_c(writer->out, bracket);
    writer->first = false;
}

/* Entries of a libconfig list are separated, its members are ended. */
static void
begin_entry(Writer *writer, guint index)
{
    if (!writer->json && index > 0)
        g_string_append_c(writer->out, ',');
    open_block(writer, NULL, '{');
}

static void
put_texts(Writer *writer, const char *name, const char *const *texts)
{
    if (texts == NULL)
        return;
    begin_member(writer, name);
    g_string_append(writer->out, "[ ");
    for (guint i = 0; texts[i] != NULL; i++) {
        if (i > 0)
            g_string_append(writer->out, ", ");
        append_string(writer, texts[i]);
    }
    g_string_append(writer->out, " ]");
    end_member(writer);
}

static void
put_patterns(Writer *writer, const char *name, const GPtrArray *patterns)
{
    g_autoptr(GPtrArray) texts = NULL;

    if (patterns == NULL)
        return;
    texts = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < patterns->len; i++) {
        g_ptr_array_add(texts, hr_filter_pattern(patterns->pdata[i]));
    }
    g_ptr_array_add(texts, NULL);
    put_texts(writer, name, (const char *const *)texts->pdata);
}

static void
put_rules_of_names(Writer *writer, const HrFilter *filter)
{
    put_texts(writer, "names", (const char *const *)filter->names);
    put_patterns(writer, "allow", filter->allow);
    put_patterns(writer, "deny", filter->deny);
}

static bool
is_empty(const HrFilter *filter)
{
    return filter->names == NULL && filter->allow == NULL &&
           filter->deny == NULL;
}

static void
put_filter(Writer *writer, const char *name, const HrFilter *filter)
{
    if (is_empty(filter))
        return;
    open_block(writer, name, '{');
    put_rules_of_names(writer, filter);
    close_block(writer, '}');
    end_member(writer);
}

static void
put_tags(Writer *writer, const HrSelect *select)
{
    if (is_empty(&select->tags) && select->semver == NULL &&
        select->latest == 0 && select->immutable == NULL &&
        select->min_age_us == 0 && select->max_age_us == 0)
        return;
    open_block(writer, "tags", '{');
    put_rules_of_names(writer, &select->tags);
    put_text(writer, "semver", select->semver_text);
    put_boolean(writer, "prereleases", select->prereleases);
    if (select->min_age_us > 0)
        put_duration(writer, "min_age", select->min_age_us / 1000);
    if (select->max_age_us > 0)
        put_duration(writer, "max_age", select->max_age_us / 1000);
    put_text(writer, "sort", hr_tag_order_name(select->order));
    if (select->latest > 0)
        put_number(writer, "latest", select->latest);
    put_patterns(writer, "immutable", select->immutable);
    close_block(writer, '}');
    end_member(writer);
}

static void
put_platforms(Writer *writer, const HrSelect *select)
{
    g_autoptr(GPtrArray) texts = NULL;

    if (select->platforms == NULL)
        return;
    texts = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < select->platforms->len; i++)
        g_ptr_array_add(texts, hr_platform_text(select->platforms->pdata[i]));
    g_ptr_array_add(texts, NULL);
    put_texts(writer, "platforms", (const char *const *)texts->pdata);
    put_text(writer, "sparse_index",
             select->sparse_fails ? "fail" : "complete");
}

static void
put_setting(const char *name, uint32_t type, const char *text, void *data)
{
    if (type == HR_OPTION_INTEGER)
        put_number(data, name, g_ascii_strtoll(text, NULL, 10));
    else if (type == HR_OPTION_BOOLEAN)
        put_boolean(data, name, strcmp(text, "true") == 0);
    else
        put_text(data, name, text);
}

static void
put_size(Writer *writer, const char *name, uint64_t bytes)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT "B", bytes);

    put_text(writer, name, text);
}

/* As short as it can be read back. */
static void
put_fraction(Writer *writer, const char *name, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    begin_member(writer, name);
    g_string_append(writer->out,
                    g_ascii_formatd(text, sizeof text, "%.6g", number));
    end_member(writer);
}

static void
put_field(Writer *writer, const HrPolicyField *field, const void *record)
{
    const char *at = (const char *)record + field->offset;

    switch (field->type) {
    case HR_FIELD_UNSIGNED:
        put_number(writer, field->name, *(const unsigned *)(const void *)at);
        break;
    case HR_FIELD_NUMBER:
        put_fraction(writer, field->name, *(const double *)(const void *)at);
        break;
    case HR_FIELD_BOOLEAN:
        put_boolean(writer, field->name, *(const bool *)(const void *)at);
        break;
    case HR_FIELD_DURATION:
        put_duration(writer, field->name,
                     *(const int64_t *)(const void *)at / 1000);
        break;
    case HR_FIELD_SIZE:
        put_size(writer, field->name, *(const uint64_t *)(const void *)at);
        break;
    case HR_FIELD_PACE:
        put_size(writer, field->name,
                 (uint64_t) * (const double *)(const void *)at);
        break;
    case HR_FIELD_CHOICE:
        put_text(writer, field->name,
                 field->choice_name(*(const unsigned *)(const void *)at));
        break;
    }
}

static void
put_fields(Writer *writer, const HrPolicyField *fields, const char *group,
           const void *record)
{
    if (*group != '\0')
        open_block(writer, group, '{');
    for (; fields->group != NULL; fields++)
        if (strcmp(fields->group, group) == 0)
            put_field(writer, fields, record);
    if (*group == '\0')
        return;
    close_block(writer, '}');
    end_member(writer);
}

/* What a body of a blob does not have is left out: it could not be read
 * back. */
static void
put_retry(Writer *writer, const HrPolicy *policy, int which)
{
    const HrRetryPolicy *retry = &policy->retry[which];

    open_block(writer, hr_policy_classes[which], '{');
    for (const HrPolicyField *field = hr_retry_fields; field->group != NULL;
         field++)
        if (retry->attempt_timeout_us > 0 ||
            strcmp(field->name, "timeout") != 0)
            put_field(writer, field, retry);
    close_block(writer, '}');
    end_member(writer);
}

/* A window is of a time or of calls: the other word could not be read back
 * beside it. */
static void
put_breaker(Writer *writer, const HrBreakerPolicy *breaker)
{
    bool by_count = breaker->window == HR_WINDOW_COUNT;

    open_block(writer, "breaker", '{');
    for (const HrPolicyField *field = hr_breaker_fields; field->group != NULL;
         field++)
        if (by_count && strcmp(field->name, "window") == 0)
            put_number(writer, "window_calls", breaker->window_size);
        else
            put_field(writer, field, breaker);
    close_block(writer, '}');
    end_member(writer);
}

static void
put_rules(Writer *writer, const HrErrorRules *rules)
{
    open_block(writer, "errors", writer->json ? '[' : '(');
    for (unsigned i = 0; i < rules->count; i++) {
        const HrErrorRule *rule = &rules->items[i];

        begin_entry(writer, i);
        if (rule->status != 0)
            put_number(writer, "status", rule->status);
        put_text(writer, "code", rule->code);
        put_text(writer, "category", hr_status_name(rule->category));
        put_text(writer, "eligibility",
                 hr_eligibility_name(rule->eligibility));
        close_block(writer, '}');
    }
    close_block(writer, writer->json ? ']' : ')');
    end_member(writer);
}

static void
put_policy(Writer *writer, const HrPolicy *policy, const HrErrorRules *rules)
{
    const HrBreakerPolicy *breaker = &policy->breaker[HR_CLASS_READ];

    open_block(writer, "policy", '{');
    put_text(writer, "preset", policy->preset);
    put_fields(writer, hr_policy_fields, "", policy);
    put_fields(writer, hr_policy_fields, "budget", policy);
    put_breaker(writer, breaker);
    put_fields(writer, hr_policy_fields, "hedge", policy);
    open_block(writer, "classes", '{');
    for (int which = 0; which < HR_CLASS_COUNT; which++)
        put_retry(writer, policy, which);
    close_block(writer, '}');
    end_member(writer);
    if (rules->count > 0)
        put_rules(writer, rules);
    close_block(writer, '}');
    end_member(writer);
}

static void
put_endpoint(Writer *writer, const HrEndpointConfig *endpoint)
{
    put_text(writer, "name", endpoint->name);
    put_text(writer, "type", endpoint->type);
    put_text(writer, "url", endpoint->url);
    put_text(writer, "username", endpoint->username);
    put_text(writer, "password",
             endpoint->password_inline ? "***" : endpoint->password);
    put_texts(writer, "token_hosts",
              (const char *const *)endpoint->token_hosts);
    put_boolean(writer, "allow_private", endpoint->allow_private);
    put_boolean(writer, "http2", endpoint->http2);
    open_block(writer, "tls", '{');
    put_text(writer, "ca", endpoint->ca_file);
    put_text(writer, "cert", endpoint->client_cert);
    put_text(writer, "key", endpoint->client_key);
    put_boolean(writer, "insecure", endpoint->insecure);
    close_block(writer, '}');
    end_member(writer);
    put_policy(writer, &endpoint->policy, &endpoint->rules);
    hr_settings_foreach(endpoint->settings, put_setting, writer);
}

static void
put_rename(Writer *writer, const HrRename *rename)
{
    if (rename->strip == NULL && rename->prefix == NULL &&
        rename->template == NULL)
        return;
    open_block(writer, "rename", '{');
    put_text(writer, "strip", rename->strip);
    put_text(writer, "prefix", rename->prefix);
    put_text(writer, "template", rename->template);
    close_block(writer, '}');
    end_member(writer);
}

static void
put_robot_secrets(Writer *writer, const HrRobotSecretsConfig *secrets)
{
    bool derived = secrets->from == HR_ROBOT_SECRETS_DERIVE;

    open_block(writer, "robot_secrets", '{');
    put_text(writer, "from", hr_robot_secrets_from_name(secrets->from));
    put_text(writer, "path", secrets->path);
    put_text(writer, "prefix", secrets->prefix);
    put_text(writer, "command", secrets->command);
    put_text(writer, "key", secrets->key);
    if (derived)
        put_number(writer, "version", secrets->version);
    put_text(writer, "check", secrets->check_always ? "always" : "complete");
    close_block(writer, '}');
    end_member(writer);
}

static void
put_sync(Writer *writer, const HrSyncConfig *sync)
{
    put_text(writer, "name", sync->name);
    put_text(writer, "source", sync->source->name);
    put_text(writer, "target", sync->target->name);
    put_text(writer, "mode", "one-way");
    put_texts(writer, "kinds", (const char *const *)sync->kinds);
    put_text(writer, "escalation", hr_escalation_name(sync->escalation));
    open_block(writer, "select", '{');
    put_filter(writer, "projects", &sync->select.projects);
    put_filter(writer, "repositories", &sync->select.repositories);
    put_tags(writer, &sync->select);
    put_platforms(writer, &sync->select);
    close_block(writer, '}');
    end_member(writer);
    put_boolean(writer, "referrers", sync->referrers);
    put_rename(writer, &sync->rename);
    put_text(writer, "foreign_layers",
             sync->foreign_layers ? "include" : "skip");
    put_robot_secrets(writer, &sync->robot_secrets);
    open_block(writer, "conflict", '{');
    put_text(writer, "default", sync->strategy);
    hr_settings_foreach(sync->strategy_settings, put_setting, writer);
    close_block(writer, '}');
    end_member(writer);
}

static void
put_sink(Writer *writer, const HrSinkConfig *sink)
{
    put_text(writer, "type", sink->type);
    hr_settings_foreach(sink->settings, put_setting, writer);
}

static void
put_item(Writer *writer, const char *list, gconstpointer item)
{
    if (strcmp(list, "endpoints") == 0)
        put_endpoint(writer, item);
    else if (strcmp(list, "syncs") == 0)
        put_sync(writer, item);
    else
        put_sink(writer, item);
}

static void
put_list(Writer *writer, const char *name, const GPtrArray *items)
{
    open_block(writer, name, writer->json ? '[' : '(');
    for (guint i = 0; i < items->len; i++) {
        begin_entry(writer, i);
        put_item(writer, name, items->pdata[i]);
        close_block(writer, '}');
    }
    close_block(writer, writer->json ? ']' : ')');
    end_member(writer);
}

static void
put_config(Writer *writer, const HrConfig *config)
{
    put_number(writer, "workers", config->workers);
    put_number(writer, "loops", config->loops);
    put_number(writer, "parallel_syncs", config->parallel_syncs);
    put_boolean(writer, "allow_inline_secrets", config->allow_inline_secrets);
    put_text(writer, "authfile", config->auth_file);
    put_text(writer, "profile", hr_policy_profiles[config->profile]);
    put_size(writer, "bandwidth", (uint64_t)config->bandwidth);
    put_list(writer, "endpoints", config->endpoints);
    put_list(writer, "syncs", config->syncs);
    put_list(writer, "sinks", config->sinks);
}

char *
hr_config_show(const HrConfig *config)
{
    Writer writer = {.out = g_string_new(NULL), .first = true};

    put_config(&writer, config);
    g_string_append_c(writer.out, '\n');
    return g_string_free(writer.out, false);
}

char *
hr_config_show_json(const HrConfig *config)
{
    Writer writer = {
        .out = g_string_new("{"), .json = true, .first = true, .depth = 1};

    put_number(&writer, "version", 1);
    put_config(&writer, config);
    g_string_append(writer.out, "\n}\n");
    return g_string_free(writer.out, false);
}
