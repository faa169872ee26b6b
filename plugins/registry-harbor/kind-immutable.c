/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kind immutable: rules have no name, only what they cover.  POST ignores
 * `disabled`, and a PUT that changes it changes nothing else: it goes by
 * itself.
 */
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "policy-documents.h"

#define KIND "immutable"

static const HarborRight rights[] = {
    {HR_ACCESS_READ, "project", "immutable-tag", "list"},
    {HR_ACCESS_WRITE, "project", "immutable-tag", "create"},
    {HR_ACCESS_WRITE, "project", "immutable-tag", "update"},
    {0, NULL, NULL, NULL},
};

typedef struct Rules {
    const HarborAsk *ask;
    hr_document_sink *sink;
} Rules;

static char *
path_of(void *data, const json_t *project)
{
    (void)data;
    return harbor_project_path(harbor_json_text(project, "name", ""),
                               "immutabletagrules");
}

/* True if a rule of the same selectors keeps more than this one: it stands
 * for both. */
static bool
keeps_more(const json_t *other, const json_t *rule)
{
    bool disabled = harbor_json_flag(rule, "disabled", false);
    bool other_disabled = harbor_json_flag(other, "disabled", false);

    if (disabled != other_disabled)
        return disabled;
    return harbor_json_number(other, "id", 0) <
           harbor_json_number(rule, "id", 0);
}

/* What each of them covers, as in keys. */
static json_t *
selectors_of(const json_t *rows)
{
    json_t *all = json_array();

    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_auto_t *document =
            harbor_immutable_document(json_array_get(rows, i));
        HARBOR_AUTOFREE char *selectors = harbor_immutable_selectors(document);

        json_array_append_new(all, json_string(selectors));
    }
    return all;
}

/* For each selector text the place of the rule that stands for all of it. */
static json_t *
find_standing(const json_t *rows, const json_t *selectors)
{
    json_t *standing = json_object();

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *text = json_string_value(json_array_get(selectors, i));
        const json_t *before = json_object_get(standing, text);
        size_t place = (size_t)json_integer_value(before);

        if (before == NULL ||
            keeps_more(json_array_get(rows, i), json_array_get(rows, place)))
            json_object_set_new(standing, text, json_integer((json_int_t)i));
    }
    return standing;
}

static hr_status
take_rules(void *data, const json_t *project, json_t *rows)
{
    Rules *rules = data;
    json_auto_t *selectors = selectors_of(rows);
    json_auto_t *standing = find_standing(rows, selectors);
    hr_status status = HR_OK;

    for (size_t i = 0; status == HR_OK && i < json_array_size(rows); i++) {
        const json_t *rule = json_array_get(rows, i);
        const char *text = json_string_value(json_array_get(selectors, i));
        HARBOR_AUTOFREE char *key =
            harbor_text("%s/%s", harbor_json_text(project, "name", ""), text);

        if (json_integer_value(json_object_get(standing, text)) !=
            (json_int_t)i)
            continue;
        harbor_remember(rules->ask->registry, KIND, key,
                        harbor_json_number(rule, "id", 0));
        status = harbor_give(rules->ask, rules->sink, KIND, key,
                             harbor_immutable_document(rule), NULL, NULL);
    }
    return status;
}

static hr_status
list(const HarborAsk *ask, const hr_document_scope *scope,
     hr_document_sink *sink)
{
    Rules rules = {.ask = ask, .sink = sink};
    HarborWalk walk = {
        .data = &rules,
        .things = "immutable rules",
        .path = path_of,
        .take = take_rules,
    };

    return harbor_walk(ask, scope, &walk, sink);
}

static hr_status
read(const HarborAsk *ask, const char *key, hr_document_sink *sink)
{
    return harbor_find(ask, &harbor_kind_immutable, key, true, sink);
}

static hr_status
put(const HarborAsk *ask, const char *project, int64_t id, json_t *body)
{
    HARBOR_AUTOFREE char *place =
        harbor_project_path(project, "immutabletagrules");
    HARBOR_AUTOFREE char *path = harbor_text("%s/%lld", place, (long long)id);

    json_object_set_new(body, "id", json_integer(id));
    return harbor_write(ask, HR_HTTP_PUT, path, body,
                        "change an immutable rule", NULL);
}

/* One that keeps what it has, but for the flag. */
static hr_status
put_flag(const HarborAsk *ask, const char *project, int64_t id,
         const json_t *now, bool disabled)
{
    json_t *body = harbor_immutable_body(now);

    json_object_set_new(body, "disabled", json_boolean(disabled));
    return put(ask, project, id, body);
}

static hr_status
change(const HarborAsk *ask, const HarborWrite *write, const char *project)
{
    bool disabled = harbor_json_flag(write->wanted, "disabled", false);
    int64_t id;
    hr_status status =
        harbor_listed_id(ask, &harbor_kind_immutable, write->key, &id);

    if (status != HR_OK)
        return status;
    if (disabled != harbor_json_flag(write->found, "disabled", false))
        status = put_flag(ask, project, id, write->found, disabled);
    if (status == HR_OK && harbor_json_number(write->wanted, "priority", 0) !=
                               harbor_json_number(write->found, "priority", 0))
        status = put(ask, project, id, harbor_immutable_body(write->wanted));
    return status;
}

static hr_status
create(const HarborAsk *ask, const HarborWrite *write, const char *project)
{
    HARBOR_AUTOFREE char *path =
        harbor_project_path(project, "immutabletagrules");
    json_t *enabled = json_copy((json_t *)write->wanted);
    int64_t id = 0;
    hr_status status;

    json_object_del(enabled, "disabled");
    status =
        harbor_write(ask, HR_HTTP_POST, path, harbor_immutable_body(enabled),
                     "create an immutable rule", &id);
    if (status == HR_OK && id != 0 &&
        harbor_json_flag(write->wanted, "disabled", false))
        status = put_flag(ask, project, id, enabled, true);
    json_decref(enabled);
    return status;
}

static hr_status
write_rule(const HarborAsk *ask, const HarborWrite *write)
{
    HARBOR_AUTOFREE char *project = NULL;
    const char *rest;

    harbor_key_split(write->key, &project, &rest);
    return write->action == HR_WRITE_CREATE ? create(ask, write, project)
                                            : change(ask, write, project);
}

static void
fit_rule(const HarborAsk *ask, hr_document_fit *fit)
{
    static const char *const members[] = {
        "disabled", "priority", "scope_selectors", "tag_selectors", NULL};
    json_t *wanted = harbor_fit_wanted(fit);
    json_t *body = harbor_immutable_body(wanted);
    json_t *fitted = harbor_immutable_document(body);
    HARBOR_AUTOFREE char *selectors = harbor_immutable_selectors(fitted);
    const char *named = strchr(fit->key, '/');

    (void)ask;
    if (named == NULL || strcmp(named + 1, selectors) != 0)
        harbor_fit_refuse(fit, "the key of what it covers is \"%s\"",
                          selectors);
    harbor_fit_end(fit, wanted, members, fitted);
    json_decref(body);
    json_decref(wanted);
}

const HarborKind harbor_kind_immutable = {
    .name = KIND,
    .keys = HARBOR_KEYS_IN_PROJECTS,
    .rights = rights,
    .probe = "immutabletagrules?page_size=1",
    .list = list,
    .read = read,
    .write = write_rule,
    .fit = fit_rule,
};
