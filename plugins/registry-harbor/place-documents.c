/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents of other places that a Harbor works with: registries, scanners,
 * preheat instances, and the policies that send images there. */
#include <stdio.h>
#include <string.h>

#include "policy-documents.h"

#define NO_AUTH_MODE "NONE"

/* The local side of a replication has this number. */
#define LOCAL_REGISTRY 0

json_t *
harbor_registry_document(const json_t *registry)
{
    json_t *document = json_object();
    const json_t *given = json_object_get(registry, "credential");
    json_t *credential = json_object();

    harbor_document_text(document, "type", registry, "type");
    harbor_document_text(document, "url", registry, "url");
    harbor_document_flag(document, "insecure", registry, "insecure", false);
    harbor_document_text(document, "description", registry, "description");
    harbor_document_text(document, "ca_certificate", registry,
                         "ca_certificate");
    if (*harbor_json_text(given, "access_key", "") != '\0') {
        harbor_document_text(credential, "type", given, "type");
        harbor_document_text(credential, "access_key", given, "access_key");
    }
    harbor_document_set(document, "credential", credential);
    return document;
}

json_t *
harbor_registry_body(const char *name, const json_t *document,
                     const json_t *secrets)
{
    const json_t *given = json_object_get(document, "credential");
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:b, s:s}", "name", name, "type",
                  harbor_json_text(document, "type", ""), "url",
                  harbor_json_text(document, "url", ""), "insecure",
                  harbor_json_flag(document, "insecure", false), "description",
                  harbor_json_text(document, "description", ""));

    harbor_document_text(body, "ca_certificate", document, "ca_certificate");
    if (given != NULL)
        json_object_set_new(
            body, "credential",
            json_pack(
                "{s:s, s:s, s:s}", "type",
                harbor_json_text(given, "type", "basic"), "access_key",
                harbor_json_text(given, "access_key", ""), "access_secret",
                harbor_json_text(secrets, "/credential/access_secret", "")));
    return body;
}

/* Adds a text that differs, as `name`; one that is gone is sent empty. */
static void
add_changed_text(json_t *body, const char *name, const json_t *wanted,
                 const json_t *found, const char *member)
{
    const char *text = harbor_json_text(wanted, member, "");

    if (strcmp(text, harbor_json_text(found, member, "")) != 0)
        json_object_set_new(body, name, json_string(text));
}

json_t *
harbor_registry_update(const json_t *wanted, const json_t *found,
                       const json_t *secrets)
{
    json_t *body = json_object();
    bool insecure = harbor_json_flag(wanted, "insecure", false);
    const json_t *credential = json_object_get(wanted, "credential");
    const json_t *old = json_object_get(found, "credential");

    add_changed_text(body, "url", wanted, found, "url");
    add_changed_text(body, "description", wanted, found, "description");
    add_changed_text(body, "ca_certificate", wanted, found, "ca_certificate");
    add_changed_text(body, "credential_type", credential, old, "type");
    add_changed_text(body, "access_key", credential, old, "access_key");
    harbor_document_text(body, "access_secret", secrets,
                         "/credential/access_secret");
    if (insecure != harbor_json_flag(found, "insecure", false))
        json_object_set_new(body, "insecure", json_boolean(insecure));
    return body;
}

static void
set_registry_name(json_t *document, const char *name, const json_t *registry)
{
    if (harbor_json_number(registry, "id", LOCAL_REGISTRY) != LOCAL_REGISTRY)
        harbor_document_text(document, name, registry, "name");
}

static json_t *
filter_document(const json_t *filter)
{
    json_t *document = json_object();
    json_t *value = json_object_get(filter, "value");

    harbor_document_text(document, "type", filter, "type");
    harbor_document_text(document, "decoration", filter, "decoration");
    harbor_document_set(document, "value",
                        json_is_array(value)
                            ? harbor_json_sorted(json_deep_copy(value))
                            : json_deep_copy(value));
    return document;
}

static json_t *
trigger_document(const json_t *trigger)
{
    const char *type = harbor_json_text(trigger, "type", "manual");
    json_t *document = json_object();

    if (*type == '\0' || strcmp(type, "manual") == 0)
        return document;
    json_object_set_new(document, "type", json_string(type));
    harbor_document_text(document, "cron",
                         json_object_get(trigger, "trigger_settings"), "cron");
    return document;
}

json_t *
harbor_replication_document(const json_t *policy)
{
    json_t *document = json_object();
    json_t *filters = json_array();
    const json_t *given = json_object_get(policy, "filters");
    json_int_t speed = harbor_json_number(policy, "speed", 0);

    for (size_t i = 0; i < json_array_size(given); i++)
        json_array_append_new(filters,
                              filter_document(json_array_get(given, i)));
    set_registry_name(document, "src_registry",
                      json_object_get(policy, "src_registry"));
    set_registry_name(document, "dest_registry",
                      json_object_get(policy, "dest_registry"));
    harbor_document_text(document, "description", policy, "description");
    harbor_document_text(document, "dest_namespace", policy, "dest_namespace");
    harbor_document_number(document, "dest_namespace_replace_count", policy,
                           "dest_namespace_replace_count", -1);
    harbor_document_set(document, "filters", harbor_json_sorted(filters));
    harbor_document_set(document, "trigger",
                        trigger_document(json_object_get(policy, "trigger")));
    /* Harbor leaves out what is false. */
    if (!harbor_json_flag(policy, "enabled", false))
        json_object_set_new(document, "enabled", json_false());
    harbor_document_flag(document, "override", policy, "override", false);
    harbor_document_flag(document, "deletion", policy, "deletion", false);
    harbor_document_flag(document, "copy_by_chunk", policy, "copy_by_chunk",
                         false);
    harbor_document_flag(document, "single_active_replication", policy,
                         "single_active_replication", false);
    if (speed > 0)
        json_object_set_new(document, "speed", json_integer(speed));
    return document;
}

static json_t *
trigger_body(const json_t *trigger)
{
    json_t *body = json_pack("{s:s}", "type",
                             harbor_json_text(trigger, "type", "manual"));
    const char *cron = harbor_json_text(trigger, "cron", "");

    if (*cron != '\0')
        json_object_set_new(body, "trigger_settings",
                            json_pack("{s:s}", "cron", cron));
    return body;
}

static void
set_registry_id(json_t *body, const char *name, json_int_t id)
{
    if (id != LOCAL_REGISTRY)
        json_object_set_new(body, name, json_pack("{s:I}", "id", id));
}

json_t *
harbor_replication_body(const char *name, const json_t *document,
                        json_int_t source_id, json_int_t destination_id)
{
    json_t *filters = json_object_get(document, "filters");
    json_t *body = json_pack(
        "{s:s, s:s, s:s, s:I, s:o, s:o, s:b, s:b, s:b, s:b, s:I}", "name",
        name, "description", harbor_json_text(document, "description", ""),
        "dest_namespace", harbor_json_text(document, "dest_namespace", ""),
        "dest_namespace_replace_count",
        harbor_json_number(document, "dest_namespace_replace_count", -1),
        "filters", filters != NULL ? json_deep_copy(filters) : json_array(),
        "trigger", trigger_body(json_object_get(document, "trigger")),
        "enabled", harbor_json_flag(document, "enabled", true), "override",
        harbor_json_flag(document, "override", false), "deletion",
        harbor_json_flag(document, "deletion", false), "copy_by_chunk",
        harbor_json_flag(document, "copy_by_chunk", false), "speed",
        harbor_json_number(document, "speed", -1));

    harbor_document_flag(body, "single_active_replication", document,
                         "single_active_replication", false);
    set_registry_id(body, "src_registry", source_id);
    set_registry_id(body, "dest_registry", destination_id);
    return body;
}

json_t *
harbor_scanner_document(const json_t *scanner, json_t **secrets)
{
    json_t *document = json_object();

    harbor_document_text(document, "url", scanner, "url");
    harbor_document_text(document, "auth", scanner, "auth");
    harbor_document_text(document, "description", scanner, "description");
    harbor_document_flag(document, "skip_cert_verify", scanner,
                         "skip_certVerify", false);
    harbor_document_flag(document, "use_internal_addr", scanner,
                         "use_internal_addr", false);
    harbor_document_flag(document, "disabled", scanner, "disabled", false);
    harbor_document_flag(document, "default", scanner, "is_default", false);
    harbor_secret_add(secrets, "/access_credential",
                      harbor_json_text(scanner, "access_credential", ""));
    return document;
}

json_t *
harbor_scanner_body(const char *name, const json_t *document,
                    const json_t *secrets)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b}", "name", name,
        "description", harbor_json_text(document, "description", ""), "url",
        harbor_json_text(document, "url", ""), "auth",
        harbor_json_text(document, "auth", ""), "access_credential",
        harbor_json_text(secrets, "/access_credential", ""), "skip_certVerify",
        harbor_json_flag(document, "skip_cert_verify", false),
        "use_internal_addr",
        harbor_json_flag(document, "use_internal_addr", false), "disabled",
        harbor_json_flag(document, "disabled", false));
}

json_t *
harbor_preheat_instance_document(const json_t *instance, json_t **secrets)
{
    json_t *document = json_object();
    const char *mode = harbor_json_text(instance, "auth_mode", NO_AUTH_MODE);
    json_t *info = json_object_get(instance, "auth_info");
    const char *name;
    json_t *value;

    harbor_document_text(document, "vendor", instance, "vendor");
    harbor_document_text(document, "endpoint", instance, "endpoint");
    if (*mode != '\0' && strcmp(mode, NO_AUTH_MODE) != 0)
        json_object_set_new(document, "auth_mode", json_string(mode));
    harbor_document_flag(document, "enabled", instance, "enabled", true);
    harbor_document_flag(document, "default", instance, "default", false);
    harbor_document_flag(document, "insecure", instance, "insecure", false);
    harbor_document_text(document, "description", instance, "description");
    json_object_foreach (info, name, value) {
        char pointer[256];

        snprintf(pointer, sizeof pointer, "/auth_info/%s", name);
        harbor_secret_add(secrets, pointer, json_string_value(value));
    }
    return document;
}

/* The secrets below "/auth_info/". */
static json_t *
auth_info_body(const json_t *secrets)
{
    static const char below[] = "/auth_info/";
    json_t *info = json_object();
    const char *pointer;
    json_t *value;

    json_object_foreach ((json_t *)secrets, pointer, value) {
        if (strncmp(pointer, below, sizeof below - 1) == 0)
            json_object_set(info, pointer + sizeof below - 1, value);
    }
    return info;
}

json_t *
harbor_preheat_instance_body(const char *name, const json_t *document,
                             const json_t *secrets, json_int_t id)
{
    json_t *body = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:b}", "name", name,
        "description", harbor_json_text(document, "description", ""), "vendor",
        harbor_json_text(document, "vendor", ""), "endpoint",
        harbor_json_text(document, "endpoint", ""), "auth_mode",
        harbor_json_text(document, "auth_mode", NO_AUTH_MODE), "auth_info",
        auth_info_body(secrets), "enabled",
        harbor_json_flag(document, "enabled", true), "default",
        harbor_json_flag(document, "default", false), "insecure",
        harbor_json_flag(document, "insecure", false));

    if (id != 0)
        json_object_set_new(body, "id", json_integer(id));
    return body;
}

json_t *
harbor_preheat_policy_document(const json_t *policy)
{
    json_t *document = json_object();
    json_t *trigger =
        harbor_json_spelled_out(json_object_get(policy, "trigger"));

    harbor_document_text(document, "provider", policy, "provider_name");
    harbor_document_text(document, "description", policy, "description");
    harbor_document_flag(document, "enabled", policy, "enabled", true);
    harbor_document_set(
        document, "filters",
        harbor_json_spelled_out(json_object_get(policy, "filters")));
    harbor_document_set(
        document, "extra_attrs",
        harbor_json_spelled_out(json_object_get(policy, "extra_attrs")));
    if (strcmp(harbor_json_text(trigger, "type", "manual"), "manual") == 0) {
        json_decref(trigger);
        return document;
    }
    harbor_document_set(document, "trigger", trigger);
    return document;
}

json_t *
harbor_preheat_policy_body(const char *name, const json_t *document,
                           json_int_t project_id, json_int_t provider_id,
                           json_int_t id)
{
    const json_t *filters = json_object_get(document, "filters");
    const json_t *trigger = json_object_get(document, "trigger");
    const json_t *attributes = json_object_get(document, "extra_attrs");
    json_t *body =
        json_pack("{s:s, s:s, s:b, s:I, s:I}", "name", name, "description",
                  harbor_json_text(document, "description", ""), "enabled",
                  harbor_json_flag(document, "enabled", true), "project_id",
                  project_id, "provider_id", provider_id);

    json_object_set_new(body, "filters",
                        filters != NULL ? harbor_json_spelled(filters)
                                        : json_string("[]"));
    json_object_set_new(body, "trigger",
                        trigger != NULL
                            ? harbor_json_spelled(trigger)
                            : json_string("{\"type\":\"manual\",\"trigger_"
                                          "setting\":{\"cron\":\"\"}}"));
    if (attributes != NULL)
        json_object_set_new(body, "extra_attrs",
                            harbor_json_spelled(attributes));
    if (id != 0)
        json_object_set_new(body, "id", json_integer(id));
    return body;
}
