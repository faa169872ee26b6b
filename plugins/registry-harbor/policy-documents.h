/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Documents of the policies and settings of a Harbor, made of its JSON and
 * turned into bodies for it.  Pure: no request, no state; what has to be looked
 * up (numbers of projects, registries, instances) is given.
 *
 * Each *_document returns a new object, or NULL for what counts as none; each
 * *_body a new object that the caller sends.  doc/kinds says what is in them.
 */
#ifndef HARBOR_POLICY_DOCUMENTS_H
#define HARBOR_POLICY_DOCUMENTS_H

#include "document.h"

/* ------------------------------------------------- selector-documents.c */

/* retention: of GET /retentions/{id}. */
json_t *
harbor_retention_document(const json_t *policy);

json_t *
harbor_retention_body(const json_t *document, json_int_t project_id);

/* immutable: of one element of the list. */
json_t *
harbor_immutable_document(const json_t *rule);

/* What the rule covers, the second part of its key; the caller's (free). */
char *
harbor_immutable_selectors(const json_t *document);

json_t *
harbor_immutable_body(const json_t *document);

/* -------------------------------------------------- webhook-documents.c */

/* webhook: *secrets as harbor_secret_add. */
json_t *
harbor_webhook_document(const json_t *policy, json_t **secrets);

/* `secrets` may be NULL; `found` (of GET) is where a target keeps its
 * auth_header if nothing is known of it; or NULL. */
json_t *
harbor_webhook_body(const char *name, const json_t *document,
                    const json_t *secrets, const json_t *found);

/* --------------------------------------------------- system-documents.c */

/* cve-allowlist, also of projects. */
json_t *
harbor_cve_document(const json_t *list);

json_t *
harbor_cve_body(const json_t *document);

/* True if a setting is kept the same: `named` is the endpoint's option. */
bool
harbor_configuration_wants(const char *named, const char *key);

/* schedule: `name` as in its key. */
json_t *
harbor_schedule_document(const json_t *schedule);

json_t *
harbor_schedule_body(const char *name, const json_t *document);

/* ----------------------------------------------------- place-documents.c */

/* registry: an endpoint of replication. */
json_t *
harbor_registry_document(const json_t *registry);

json_t *
harbor_registry_body(const char *name, const json_t *document,
                     const json_t *secrets);

/* What a PUT has to carry to make `found` as `wanted`; both are documents. */
json_t *
harbor_registry_update(const json_t *wanted, const json_t *found,
                       const json_t *secrets);

json_t *
harbor_replication_document(const json_t *policy);

/* Numbers of its registries; 0: none. */
json_t *
harbor_replication_body(const char *name, const json_t *document,
                        json_int_t source_id, json_int_t destination_id);

json_t *
harbor_scanner_document(const json_t *scanner, json_t **secrets);

json_t *
harbor_scanner_body(const char *name, const json_t *document,
                    const json_t *secrets);

json_t *
harbor_preheat_instance_document(const json_t *instance, json_t **secrets);

/* `id` 0: to be created. */
json_t *
harbor_preheat_instance_body(const char *name, const json_t *document,
                             const json_t *secrets, json_int_t id);

json_t *
harbor_preheat_policy_document(const json_t *policy);

json_t *
harbor_preheat_policy_body(const char *name, const json_t *document,
                           json_int_t project_id, json_int_t provider_id,
                           json_int_t id);

#endif
