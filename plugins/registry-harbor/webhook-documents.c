/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents of webhook policies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy-documents.h"

#define USUAL_FORMAT "Default"

/* Room for "/targets/N/auth_header". */
#define POINTER_CAPACITY 64

static json_t *
target_document(const json_t *target)
{
    json_t *document = json_object();
    const char *format = harbor_json_text(target, "payload_format", "");

    harbor_document_text(document, "type", target, "type");
    harbor_document_text(document, "address", target, "address");
    harbor_document_flag(document, "skip_cert_verify", target,
                         "skip_cert_verify", false);
    if (*format != '\0' && strcmp(format, USUAL_FORMAT) != 0)
        json_object_set_new(document, "payload_format", json_string(format));
    if (*harbor_json_text(target, "auth_header", "") != '\0')
        json_object_set_new(document, "auth_header", json_true());
    return document;
}

static void
secret_pointer(char pointer[POINTER_CAPACITY], size_t target)
{
    snprintf(pointer, POINTER_CAPACITY, "/targets/%zu/auth_header", target);
}

/* The target of a policy that a document speaks of; what one has twice is the
 * same to everybody.  NULL: none. */
static const json_t *
find_target(const json_t *policy, const json_t *document)
{
    const json_t *targets = json_object_get(policy, "targets");

    for (size_t i = 0; i < json_array_size(targets); i++) {
        json_t *other = target_document(json_array_get(targets, i));
        bool equal = json_equal(other, document);

        json_decref(other);
        if (equal)
            return json_array_get(targets, i);
    }
    return NULL;
}

static void
collect_secrets(const json_t *policy, const json_t *targets, json_t **secrets)
{
    for (size_t i = 0; i < json_array_size(targets); i++) {
        char pointer[POINTER_CAPACITY];

        secret_pointer(pointer, i);
        harbor_secret_add(
            secrets, pointer,
            harbor_json_text(find_target(policy, json_array_get(targets, i)),
                             "auth_header", ""));
    }
}

json_t *
harbor_webhook_document(const json_t *policy, json_t **secrets)
{
    json_t *document = json_object();
    json_t *targets = json_array();
    const json_t *given = json_object_get(policy, "targets");

    for (size_t i = 0; i < json_array_size(given); i++)
        json_array_append_new(targets,
                              target_document(json_array_get(given, i)));
    targets = harbor_json_sorted(targets);
    collect_secrets(policy, targets, secrets);
    harbor_document_text(document, "description", policy, "description");
    harbor_document_flag(document, "enabled", policy, "enabled", true);
    harbor_document_set(document, "event_types",
                        harbor_json_sorted(json_deep_copy(
                            json_object_get(policy, "event_types"))));
    harbor_document_set(document, "targets", targets);
    return document;
}

static json_t *
target_body(const json_t *document, const char *auth_header)
{
    json_t *body = json_pack(
        "{s:s, s:s, s:b}", "type", harbor_json_text(document, "type", "http"),
        "address", harbor_json_text(document, "address", ""),
        "skip_cert_verify",
        harbor_json_flag(document, "skip_cert_verify", false));

    harbor_document_text(body, "payload_format", document, "payload_format");
    if (harbor_json_flag(document, "auth_header", false))
        json_object_set_new(body, "auth_header", json_string(auth_header));
    return body;
}

json_t *
harbor_webhook_body(const char *name, const json_t *document,
                    const json_t *secrets, const json_t *found)
{
    const json_t *given = json_object_get(document, "targets");
    json_t *targets = json_array();
    json_t *events = json_object_get(document, "event_types");

    for (size_t i = 0; i < json_array_size(given); i++) {
        const json_t *target = json_array_get(given, i);
        char pointer[POINTER_CAPACITY];
        const char *kept =
            harbor_json_text(find_target(found, target), "auth_header", "");

        secret_pointer(pointer, i);
        json_array_append_new(
            targets,
            target_body(target, harbor_json_text(secrets, pointer, kept)));
    }
    return json_pack("{s:s, s:s, s:b, s:o, s:o}", "name", name, "description",
                     harbor_json_text(document, "description", ""), "enabled",
                     harbor_json_flag(document, "enabled", true),
                     "event_types",
                     events != NULL ? json_deep_copy(events) : json_array(),
                     "targets", targets);
}
