/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents of what holds for a whole Harbor: list of vulnerabilities,
 * settings, schedules. */
#include <string.h>

#include "policy-documents.h"

json_t *
harbor_cve_document(const json_t *list)
{
    json_t *document = json_object();
    json_t *items = json_array();
    const json_t *given = json_object_get(list, "items");

    for (size_t i = 0; i < json_array_size(given); i++)
        json_array_append(items,
                          json_object_get(json_array_get(given, i), "cve_id"));
    harbor_document_set(document, "items", harbor_json_sorted(items));
    harbor_document_number(document, "expires_at", list, "expires_at", 0);
    return document;
}

json_t *
harbor_cve_body(const json_t *document)
{
    json_t *body = json_object();
    json_t *items = json_array();
    const json_t *given = json_object_get(document, "items");

    for (size_t i = 0; i < json_array_size(given); i++)
        json_array_append_new(
            items, json_pack("{s:O}", "cve_id", json_array_get(given, i)));
    json_object_set_new(body, "items", items);
    harbor_document_number(body, "expires_at", document, "expires_at", 0);
    return body;
}

/* True if a list of names, separated by commas or blanks, has this one. */
static bool
list_has(const char *names, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = names; *at != '\0';) {
        size_t word = strcspn(at, ", \t");

        if (word == length && strncmp(at, name, length) == 0)
            return true;
        at += word;
        at += strspn(at, ", \t");
    }
    return false;
}

bool
harbor_configuration_wants(const char *named, const char *key)
{
    /* What means the same at every site, and locks nobody out. */
    static const char usual[] =
        "notification_enable,project_creation_restriction,"
        "quota_per_project_enable,robot_token_duration,"
        "scanner_skip_update_pulltime,self_registration,session_timeout,"
        "storage_per_project,token_expiration";
    /* A new prefix renames all robots; a read-only registry takes nothing;
     * secrets are no settings. */
    static const char never[] =
        "robot_name_prefix,read_only,uaa_client_secret,oidc_client_secret,"
        "ldap_search_password,scan_all_policy";

    if (list_has(never, key))
        return false;
    return list_has(named, key) ||
           (list_has(named, "default") && list_has(usual, key));
}

/* Parameters that have their zero value are left out: versions fill in others
 * of them. */
static json_t *
parameters_document(const json_t *given)
{
    json_t *parameters = json_object();
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)given, name, value) {
        if (!json_is_false(value) && !json_is_null(value) &&
            !(json_is_integer(value) && json_integer_value(value) == 0) &&
            !(json_is_string(value) && json_string_length(value) == 0))
            json_object_set(parameters, name, value);
    }
    return parameters;
}

json_t *
harbor_schedule_document(const json_t *schedule)
{
    const json_t *when = json_object_get(schedule, "schedule");
    const char *type = harbor_json_text(when, "type", "None");
    json_t *document;
    json_t *parameters;

    if (strcmp(type, "None") == 0 || strcmp(type, "Manual") == 0 ||
        *type == '\0')
        return NULL;
    document = json_object();
    json_object_set_new(document, "type", json_string(type));
    harbor_document_text(document, "cron", when, "cron");
    /* Some answers have an object, others a text that spells it out. */
    parameters =
        harbor_json_spelled_out(json_object_get(schedule, "job_parameters"));
    harbor_document_set(
        document, "parameters",
        parameters_document(parameters != NULL
                                ? parameters
                                : json_object_get(schedule, "parameters")));
    json_decref(parameters);
    return document;
}

json_t *
harbor_schedule_body(const char *name, const json_t *document)
{
    json_t *parameters = json_object_get(document, "parameters");
    json_t *body = json_pack("{s:{s:s, s:s}}", "schedule", "type",
                             harbor_json_text(document, "type", "None"),
                             "cron", harbor_json_text(document, "cron", ""));

    if (strcmp(name, "scan-all") != 0)
        json_object_set_new(body, "parameters",
                            parameters != NULL ? json_deep_copy(parameters)
                                               : json_object());
    return body;
}
