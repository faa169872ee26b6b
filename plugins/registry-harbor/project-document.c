/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Projects as documents and as bodies. */
#include "project-document.h"

#include <string.h>

#include "document.h"
#include "fit.h"
#include "policy-documents.h"
#include "texts.h"

#define NAME_LIMIT 255u

enum {
    ANY_TEXT,
    TRUE_OR_FALSE,
    A_SEVERITY,
    A_NUMBER
};

/* One key of the metadata. */
typedef struct Key {
    const char *name;
    const char *usual; /* what is meant where it is not set; "": nothing   */
    int values;
    unsigned since; /* as HARBOR_VERSION; 0: all                         */
    int of_caches;  /* 1: only caches have it; -1: all but caches        */
} Key;

static const Key keys[] = {
    {"auto_sbom_generation", "false", TRUE_OR_FALSE, 2011000, 0},
    {"auto_scan", "false", TRUE_OR_FALSE, 0, 0},
    {"enable_content_trust", "false", TRUE_OR_FALSE, 0, -1},
    {"enable_content_trust_cosign", "false", TRUE_OR_FALSE, 0, -1},
    {"max_upstream_conn", "-1", A_NUMBER, 2014000, 1},
    {"prevent_vul", "false", TRUE_OR_FALSE, 0, 0},
    {"proxy_cache_filter_kind", "", ANY_TEXT, 2016000, 1},
    {"proxy_cache_filter_pattern", "", ANY_TEXT, 2016000, 1},
    {"proxy_cache_local_on_not_found", "false", TRUE_OR_FALSE, 2014000, 1},
    {"proxy_referrer_api", "false", TRUE_OR_FALSE, 2014000, 1},
    {"proxy_speed_kb", "-1", A_NUMBER, 2010000, 1},
    {"reuse_sys_cve_allowlist", "true", TRUE_OR_FALSE, 0, 0},
    {"severity", "", A_SEVERITY, 0, 0},
};

#define KEYS (sizeof keys / sizeof *keys)

static const Key *
find_key(const char *name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

/* ------------------------------------------------------------ to document */

static json_t *
metadata_document(const json_t *given)
{
    json_t *metadata = json_object();

    for (size_t i = 0; i < KEYS; i++) {
        const char *value = harbor_json_text(given, keys[i].name, "");

        if (*value != '\0' && strcmp(value, keys[i].usual) != 0)
            json_object_set_new(metadata, keys[i].name, json_string(value));
    }
    return metadata;
}

json_t *
harbor_project_document(const json_t *project, const char *registry,
                        const char *scanner)
{
    const json_t *given = json_object_get(project, "metadata");
    json_t *document = json_object();

    if (strcmp(harbor_json_text(given, "public", ""), "true") == 0)
        json_object_set_new(document, "public", json_true());
    harbor_document_set(document, "metadata", metadata_document(given));
    harbor_document_set(
        document, "cve_allowlist",
        harbor_cve_document(json_object_get(project, "cve_allowlist")));
    if (registry != NULL)
        json_object_set_new(document, "proxy_registry", json_string(registry));
    if (scanner != NULL)
        json_object_set_new(document, "scanner", json_string(scanner));
    return document;
}

/* ---------------------------------------------------------------- to body */

static json_t *
public_text(const json_t *document)
{
    return json_string(harbor_json_flag(document, "public", false) ? "true"
                                                                   : "false");
}

json_t *
harbor_project_create_body(const char *key, const json_t *document,
                           int64_t registry_id)
{
    json_t *metadata = json_object();

    json_object_update(metadata, json_object_get(document, "metadata"));
    json_object_set_new(metadata, "public", public_text(document));
    if (registry_id != 0)
        return json_pack("{s:s, s:o, s:I}", "project_name", key, "metadata",
                         metadata, "registry_id", (json_int_t)registry_id);
    return json_pack("{s:s, s:o}", "project_name", key, "metadata", metadata);
}

/* What of the metadata has another value, or none so far. */
static json_t *
changed_metadata(const json_t *wanted, const json_t *found)
{
    json_t *changed = json_object();
    const json_t *there = json_object_get(found, "metadata");
    const char *name;
    json_t *value;

    json_object_foreach (json_object_get(wanted, "metadata"), name, value) {
        if (!json_equal(value, json_object_get(there, name)))
            json_object_set(changed, name, value);
    }
    if (harbor_json_flag(wanted, "public", false) !=
        harbor_json_flag(found, "public", false))
        json_object_set_new(changed, "public", public_text(wanted));
    return changed;
}

static json_t *
names_only_in(const json_t *found, const json_t *wanted)
{
    json_t *names = json_array();
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)found, name, value) {
        if (json_object_get(wanted, name) == NULL)
            json_array_append_new(names, json_string(name));
    }
    return names;
}

json_t *
harbor_project_update_body(const json_t *wanted, const json_t *found,
                           json_t **unset)
{
    json_auto_t *none = json_object();
    const json_t *list = json_object_get(wanted, "cve_allowlist");
    const json_t *before = json_object_get(found, "cve_allowlist");
    json_t *body = json_object();

    harbor_document_set(body, "metadata", changed_metadata(wanted, found));
    if (!json_equal(list != NULL ? list : none,
                    before != NULL ? before : none))
        json_object_set_new(body, "cve_allowlist", harbor_cve_body(list));
    *unset = names_only_in(json_object_get(found, "metadata"),
                           json_object_get(wanted, "metadata"));
    if (json_object_size(body) > 0)
        return body;
    json_decref(body);
    return NULL;
}

/* ---------------------------------------------------------------- fitting */

/* ^[a-z0-9]+([._-][a-z0-9]+)*$ */
static int
is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    if (strlen(name) > NAME_LIMIT)
        return 0;
    for (;;) {
        size_t part = strspn(name, letters);

        if (part == 0)
            return 0;
        name += part;
        if (*name == '\0')
            return 1;
        if (strchr("._-", *name) == NULL)
            return 0;
        name++;
    }
}

static const char *
refuse_value(const Key *key, const char *value)
{
    static const char *const severities[] = {"none", "low",      "medium",
                                             "high", "critical", NULL};

    switch (key->values) {
    case TRUE_OR_FALSE:
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0
                   ? NULL
                   : "it is neither \"true\" nor \"false\"";
    case A_SEVERITY:
        for (size_t i = 0; severities[i] != NULL; i++)
            if (strcmp(severities[i], value) == 0)
                return NULL;
        return "it is no severity that Harbor knows";
    case A_NUMBER:
        value += *value == '-';
        return *value != '\0' && value[strspn(value, "0123456789")] == '\0'
                   ? NULL
                   : "it is no number";
    default:
        return NULL;
    }
}

/* Says why a value cannot be there.  1 if it can. */
static int
check_value(const HarborProjectLimits *limits, hr_document_fit *fit,
            int is_cache, const char *name, const json_t *value)
{
    const Key *key = find_key(name);
    HARBOR_AUTOFREE char *pointer = harbor_text("/metadata/%s", name);
    const char *problem;

    if (key == NULL)
        harbor_fit_lacks(fit, pointer, "a project has no such setting");
    else if (!json_is_string(value))
        harbor_fit_lacks(fit, pointer, "it is no text");
    else if (limits->version < key->since)
        harbor_fit_lacks(fit, pointer,
                         "%s does not have it: it came with "
                         "%u.%u",
                         limits->product, key->since / 1000000,
                         key->since / 1000 % 1000);
    else if (key->of_caches != 0 && (key->of_caches > 0) != is_cache)
        harbor_fit_lacks(fit, pointer,
                         is_cache ? "a cache of another registry does not "
                                    "have it"
                                  : "only a cache of another registry has it");
    else if ((problem = refuse_value(key, json_string_value(value))) != NULL)
        harbor_fit_lacks(fit, pointer, "%s", problem);
    else
        return 1;
    return 0;
}

static json_t *
fit_metadata(const HarborProjectLimits *limits, hr_document_fit *fit,
             const json_t *document, int is_cache)
{
    json_t *metadata = json_object();
    const char *name;
    json_t *value;

    json_object_foreach (json_object_get(document, "metadata"), name, value) {
        if (check_value(limits, fit, is_cache, name, value))
            json_object_set(metadata, name, value);
    }
    return metadata;
}

/* What a project is a cache of is decided when it is made. */
static const char *
fit_registry(hr_document_fit *fit, const json_t *document, const json_t *found)
{
    const char *wanted = harbor_json_text(document, "proxy_registry", NULL);
    const char *there = harbor_json_text(found, "proxy_registry", NULL);

    if (found == NULL ||
        (wanted == NULL ? there == NULL
                        : there != NULL && strcmp(wanted, there) == 0))
        return wanted;
    harbor_fit_lacks(fit, "/proxy_registry",
                     "what a project is a cache of cannot be changed once it "
                     "is there");
    return there;
}

void
harbor_project_fit(const HarborProjectLimits *limits, hr_document_fit *fit)
{
    static const char *const members[] = {"public",        "metadata",
                                          "cve_allowlist", "proxy_registry",
                                          "scanner",       NULL};
    json_auto_t *document = harbor_text_read(fit->text);
    json_auto_t *found =
        fit->found != NULL ? harbor_text_read(fit->found) : NULL;
    json_auto_t *row = json_object();
    const char *registry;
    json_t *metadata;

    harbor_fit_begin(fit);
    if (!is_name(fit->key)) {
        harbor_fit_refuse(fit, "it is no name that a project can have");
        return;
    }
    harbor_fit_members(fit, document, members);
    registry = fit_registry(fit, document, found);
    metadata = fit_metadata(limits, fit, document, registry != NULL);
    json_object_set_new(metadata, "public", public_text(document));
    json_object_set_new(row, "metadata", metadata);
    json_object_set_new(
        row, "cve_allowlist",
        harbor_cve_body(json_object_get(document, "cve_allowlist")));
    harbor_fit_take(
        fit, harbor_project_document(
                 row, registry, harbor_json_text(document, "scanner", NULL)));
}

/* ----------------------------------------------------------------- quotas */

/* 1024 TB, says Harbor. */
#define STORAGE_LIMIT ((json_int_t)1 << 50)

json_t *
harbor_quota_document(const json_t *quota)
{
    const json_t *storage =
        json_object_get(json_object_get(quota, "hard"), "storage");

    return json_is_integer(storage)
               ? json_pack("{s:I}", "storage", json_integer_value(storage))
               : NULL;
}

json_t *
harbor_quota_body(const json_t *document)
{
    return json_pack("{s:{s:I}}", "hard", "storage",
                     harbor_json_number(document, "storage", -1));
}

void
harbor_quota_fit(hr_document_fit *fit)
{
    static const char *const members[] = {"storage", NULL};
    json_auto_t *document = harbor_text_read(fit->text);
    json_int_t storage = harbor_json_number(document, "storage", 0);

    harbor_fit_begin(fit);
    harbor_fit_members(fit, document, members);
    if (storage == 0 || storage < -1)
        harbor_fit_refuse(fit, "/storage is neither a number of bytes nor -1");
    else if (storage > STORAGE_LIMIT)
        harbor_fit_refuse(fit, "/storage is more than the 1024 TB that "
                               "Harbor takes");
    else
        harbor_fit_take(fit, json_pack("{s:I}", "storage", storage));
}
