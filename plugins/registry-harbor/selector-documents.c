/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents of what selects artifacts: retention, immutable rules. */
#include <stdlib.h>
#include <string.h>

#include "policy-documents.h"

#define USUAL_KIND "doublestar"
#define USUAL_ALGORITHM "or"
#define USUAL_ACTION "retain"

static void
set_unless(json_t *document, const char *name, const json_t *given,
           const char *usual)
{
    const char *text = harbor_json_text(given, name, usual);

    if (strcmp(text, usual) != 0 && *text != '\0')
        json_object_set_new(document, name, json_string(text));
}

static json_t *
selector_document(const json_t *selector)
{
    json_t *document = json_object();
    json_t *extras = json_object_get(selector, "extras");

    set_unless(document, "kind", selector, USUAL_KIND);
    harbor_document_text(document, "decoration", selector, "decoration");
    harbor_document_text(document, "pattern", selector, "pattern");
    if (json_string_length(extras) > 0)
        harbor_document_set(document, "extras",
                            harbor_json_spelled_out(extras));
    return document;
}

static json_t *
selector_body(const json_t *document)
{
    json_t *body = json_object();
    json_t *extras = json_object_get(document, "extras");

    json_object_set_new(
        body, "kind",
        json_string(harbor_json_text(document, "kind", USUAL_KIND)));
    json_object_set_new(
        body, "decoration",
        json_string(harbor_json_text(document, "decoration", "")));
    json_object_set_new(
        body, "pattern",
        json_string(harbor_json_text(document, "pattern", "")));
    if (extras != NULL)
        json_object_set_new(body, "extras", harbor_json_spelled(extras));
    return body;
}

/* What `one` makes of each of them. */
static json_t *
each_selector(const json_t *selectors, json_t *(*one)(const json_t *))
{
    json_t *all = json_array();

    for (size_t i = 0; i < json_array_size(selectors); i++)
        json_array_append_new(all, one(json_array_get(selectors, i)));
    return all;
}

static json_t *
each_scope(const json_t *scopes, json_t *(*one)(const json_t *))
{
    json_t *all = json_object();
    const char *name;
    json_t *selectors;

    /* jansson has no iteration over what is const. */
    json_object_foreach ((json_t *)scopes, name, selectors) {
        if (json_array_size(selectors) > 0)
            json_object_set_new(all, name, each_selector(selectors, one));
    }
    return all;
}

static void
set_selectors(json_t *to, const json_t *from, json_t *(*one)(const json_t *))
{
    harbor_document_set(
        to, "tag_selectors",
        each_selector(json_object_get(from, "tag_selectors"), one));
    harbor_document_set(
        to, "scope_selectors",
        each_scope(json_object_get(from, "scope_selectors"), one));
}

static json_t *
rule_document(const json_t *rule)
{
    json_t *document = json_object();

    harbor_document_text(document, "template", rule, "template");
    harbor_document_set(document, "params",
                        json_deep_copy(json_object_get(rule, "params")));
    set_unless(document, "action", rule, USUAL_ACTION);
    harbor_document_flag(document, "disabled", rule, "disabled", false);
    harbor_document_number(document, "priority", rule, "priority", 0);
    set_selectors(document, rule, selector_document);
    return document;
}

json_t *
harbor_retention_document(const json_t *policy)
{
    json_t *document = json_object();
    json_t *rules = json_array();
    const json_t *given = json_object_get(policy, "rules");
    const json_t *trigger = json_object_get(policy, "trigger");

    for (size_t i = 0; i < json_array_size(given); i++)
        json_array_append_new(rules, rule_document(json_array_get(given, i)));
    harbor_document_set(document, "rules", harbor_json_sorted(rules));
    harbor_document_text(document, "cron",
                         json_object_get(trigger, "settings"), "cron");
    if (json_object_size(document) == 0) {
        json_decref(document);
        return NULL;
    }
    set_unless(document, "algorithm", policy, USUAL_ALGORITHM);
    return document;
}

static json_t *
rule_body(const json_t *document)
{
    json_t *body = json_object();
    json_t *params = json_object_get(document, "params");

    json_object_set_new(
        body, "action",
        json_string(harbor_json_text(document, "action", USUAL_ACTION)));
    json_object_set_new(
        body, "template",
        json_string(harbor_json_text(document, "template", "")));
    json_object_set_new(body, "params",
                        params != NULL ? json_deep_copy(params)
                                       : json_object());
    json_object_set_new(
        body, "disabled",
        json_boolean(harbor_json_flag(document, "disabled", false)));
    harbor_document_number(body, "priority", document, "priority", 0);
    set_selectors(body, document, selector_body);
    return body;
}

json_t *
harbor_retention_body(const json_t *document, json_int_t project_id)
{
    const json_t *given = json_object_get(document, "rules");
    json_t *rules = json_array();

    for (size_t i = 0; i < json_array_size(given); i++)
        json_array_append_new(rules, rule_body(json_array_get(given, i)));
    return json_pack(
        "{s:s, s:o, s:{s:s, s:{s:s}, s:{}}, s:{s:s, s:I}}", "algorithm",
        harbor_json_text(document, "algorithm", USUAL_ALGORITHM), "rules",
        rules, "trigger", "kind", "Schedule", "settings", "cron",
        harbor_json_text(document, "cron", ""), "references", "scope", "level",
        "project", "ref", project_id);
}

json_t *
harbor_immutable_document(const json_t *rule)
{
    json_t *document = json_object();

    harbor_document_flag(document, "disabled", rule, "disabled", false);
    harbor_document_number(document, "priority", rule, "priority", 0);
    set_selectors(document, rule, selector_document);
    return document;
}

/* Appends "decoration:pattern", behind a separator if there is one before. */
static void
append_selector(char **text, size_t *size, const char *separator,
                const json_t *selector)
{
    const char *const parts[] = {*size > 0 ? separator : "",
                                 harbor_json_text(selector, "decoration", ""),
                                 ":",
                                 harbor_json_text(selector, "pattern", "")};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t length = strlen(parts[i]);

        *text = realloc(*text, *size + length + 1);
        if (*text == NULL)
            abort();
        memcpy(*text + *size, parts[i], length + 1);
        *size += length;
    }
}

char *
harbor_immutable_selectors(const json_t *document)
{
    const json_t *tags = json_object_get(document, "tag_selectors");
    json_t *scopes = json_object_get(document, "scope_selectors");
    char *text = calloc(1, 1);
    size_t size = 0;
    const char *name;
    json_t *selectors;

    json_object_foreach (scopes, name, selectors) {
        for (size_t i = 0; i < json_array_size(selectors); i++)
            append_selector(&text, &size, ",", json_array_get(selectors, i));
    }
    for (size_t i = 0; i < json_array_size(tags); i++)
        append_selector(&text, &size, i == 0 ? " " : ",",
                        json_array_get(tags, i));
    return text;
}

json_t *
harbor_immutable_body(const json_t *document)
{
    json_t *body = json_pack("{s:s, s:s, s:b}", "action", "immutable",
                             "template", "immutable_template", "disabled",
                             harbor_json_flag(document, "disabled", false));

    harbor_document_number(body, "priority", document, "priority", 0);
    set_selectors(body, document, selector_body);
    return body;
}
