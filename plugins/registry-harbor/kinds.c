/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of kinds, and the operations that go over it. */
#include "kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const HarborKind *const harbor_kinds[] = {
    &harbor_kind_artifact_label,
    &harbor_kind_configuration,
    &harbor_kind_cve_allowlist,
    &harbor_kind_immutable,
    &harbor_kind_label,
    &harbor_kind_member,
    &harbor_kind_preheat_instance,
    &harbor_kind_preheat_policy,
    &harbor_kind_project,
    &harbor_kind_quota,
    &harbor_kind_registry,
    &harbor_kind_replication,
    &harbor_kind_repository,
    &harbor_kind_retention,
    &harbor_kind_robot,
    &harbor_kind_scanner,
    &harbor_kind_schedule,
    &harbor_kind_user,
    &harbor_kind_usergroup,
    &harbor_kind_webhook,
    NULL,
};

static const HarborKind *
find_kind(const char *name)
{
    for (const HarborKind *const *kind = harbor_kinds; *kind != NULL; kind++)
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    return NULL;
}

/* ------------------------------------------------------- handing it over */

/* Whoever runs a project calls things in it as they like: that is no reason
 * for the others to be unknown. */
static void
note_nameless(hr_document_sink *sink, const char *kind, const char *key)
{
    HARBOR_AUTOFREE char *project =
        harbor_text("%.*s", (int)strcspn(key, "/"), key);
    HARBOR_AUTOFREE char *message =
        harbor_text("a %s of project %s has a name that is longer than the "
                    "limit or no plain text: rename it there",
                    kind, project);

    sink->gap(sink, project, HR_INVALID, message);
}

static hr_status
hand_over(const HarborAsk *ask, hr_document_sink *sink, const char *kind,
          const char *key, const json_t *document, const json_t *secrets,
          const char *reason)
{
    HARBOR_AUTOFREE char *text = harbor_json_canonical(document);
    char *hidden = secrets != NULL ? harbor_json_canonical(secrets) : NULL;
    const hr_document given = {
        .struct_size = sizeof given,
        .flags = reason != NULL ? HR_DOCUMENT_PROTECTED : 0,
        .kind = kind,
        .key = key,
        .text = text,
        .secrets = hidden,
        .reason = reason,
    };
    hr_status status = sink->take(sink, ask->call, &given);

    harbor_text_wipe(hidden);
    return status;
}

hr_status
harbor_give(const HarborAsk *ask, hr_document_sink *sink, const char *kind,
            const char *key, json_t *document, json_t *secrets,
            const char *reason)
{
    hr_status status = HR_OK;

    if (strchr(key, '/') != NULL && !harbor_key_valid(key))
        note_nameless(sink, kind, key);
    else
        status = hand_over(ask, sink, kind, key, document, secrets, reason);
    harbor_secrets_wipe(secrets);
    json_decref(document);
    return status;
}

void
harbor_gap(const HarborAsk *ask, hr_document_sink *sink, const char *scope,
           hr_status status)
{
    sink->gap(sink, scope, status,
              dist_host->call->reason(dist_module, ask->call));
    dist_host->call->forgive(dist_module, ask->call);
}

/* ----------------------------------------------------------------- knows */

static hr_status
check_rights(const HarborAsk *ask, const HarborKind *kind, uint32_t access)
{
    const HarborIdentity *who = ask->who;

    if (kind->rights == NULL)
        return dist_fail(ask->call, HR_AUTH_DENIED,
                         "no robot account may: log in as an administrator");
    if (who->permissions == NULL &&
        json_object_get(who->denied, kind->name) != NULL)
        return dist_fail(ask->call, HR_AUTH_DENIED,
                         "the robot account %s may not read them", who->name);
    for (const HarborRight *right = kind->rights;
         who->permissions != NULL && right->resource != NULL; right++)
        if ((right->access & access) != 0 && !harbor_robot_may(who, right))
            return dist_fail(ask->call, HR_AUTH_DENIED,
                             "the robot account %s lacks the right to %s %s "
                             "(%s)",
                             who->name, right->action, right->resource,
                             right->level);
    return HR_OK;
}

static hr_status
check_kind(const HarborAsk *ask, const HarborKind *kind, uint32_t access)
{
    const HarborIdentity *who = ask->who;

    if (who->version < kind->since)
        return dist_fail(ask->call, HR_UNSUPPORTED,
                         "%s does not have them: they came with %u.%u",
                         who->product, kind->since / 1000000,
                         kind->since / 1000 % 1000);
    if (who->robot) {
        hr_status status = check_rights(ask, kind, access);

        if (status != HR_OK)
            return status;
    } else if (!who->administrator) {
        return dist_fail(ask->call, HR_AUTH_DENIED,
                         "the user %s is no administrator, and sees a part "
                         "of them",
                         who->name);
    }
    return kind->known != NULL ? kind->known(ask, access) : HR_OK;
}

hr_status
harbor_knows(hr_registry *registry, hr_call *call, const char *name,
             uint32_t access)
{
    const HarborKind *kind = find_kind(name);
    HarborAsk ask;
    hr_status status;

    if (kind == NULL)
        return dist_fail(call, HR_UNSUPPORTED, "a Harbor has no such thing");
    status = harbor_ask_begin(&ask, registry, call);
    if (status == HR_OK)
        status = check_kind(&ask, kind, access);
    harbor_ask_end(&ask);
    return status;
}

/* A document on disk may be called anything. */
static bool
is_key(const HarborKind *kind, const char *key)
{
    size_t length = strcspn(key, "/");
    HARBOR_AUTOFREE char *project = harbor_text("%.*s", (int)length, key);
    bool more = key[length] != '\0' && key[length + 1] != '\0';

    if (kind->keys == HARBOR_KEYS_ANY)
        return true;
    return harbor_project_plain(project) &&
           (kind->keys == HARBOR_KEYS_IN_PROJECTS ? more
                                                  : key[length] == '\0');
}

/* -------------------------------------------------------- lists, reading */

hr_status
harbor_list_documents(hr_registry *registry, hr_call *call,
                      const hr_document_scope *scope, hr_document_sink *sink)
{
    const HarborKind *kind = find_kind(scope->kind);
    HarborAsk ask;
    hr_status status = harbor_ask_begin(&ask, registry, call);

    if (status == HR_OK)
        status = kind->list(&ask, scope, sink);
    harbor_ask_end(&ask);
    return status;
}

hr_status
harbor_read_document(hr_registry *registry, hr_call *call, const char *name,
                     const char *key, hr_document_sink *sink)
{
    const HarborKind *kind = find_kind(name);
    HarborAsk ask;
    hr_status status = harbor_ask_begin(&ask, registry, call);

    if (status == HR_OK && !is_key(kind, key))
        status =
            dist_fail(call, HR_NOT_FOUND, "there can be no %s %s", name, key);
    if (status == HR_OK)
        status = kind->read(&ask, key, sink);
    harbor_ask_end(&ask);
    return status;
}

/* --------------------------------------------------------------- fitting */

static void
fit_document(const HarborAsk *ask, hr_document_fit *fit)
{
    const HarborKind *kind = find_kind(fit->kind);

    harbor_fit_begin(fit);
    if (!is_key(kind, fit->key))
        harbor_fit_refuse(
            fit,
            "its key is not made of the name of a project"
            "%s: correct it where it comes from",
            kind->keys == HARBOR_KEYS_PROJECTS ? "" : ", a \"/\" and a name");
    else if (kind->fit != NULL)
        kind->fit(ask, fit);
    else
        fit->sink->take(fit->sink, fit->text);
}

hr_status
harbor_fit_documents(hr_registry *registry, hr_call *call,
                     hr_document_fit *const *fits, size_t count)
{
    HarborAsk ask;
    hr_status status = harbor_ask_begin(&ask, registry, call);

    for (size_t i = 0; i < count && status == HR_OK; i++)
        fit_document(&ask, fits[i]);
    harbor_ask_end(&ask);
    return status;
}

/* --------------------------------------------------------------- writing */

static json_t *
read_text(const char *text)
{
    return text != NULL ? harbor_text_read(text) : NULL;
}

hr_status
harbor_write_document(hr_registry *registry, hr_call *call,
                      const hr_document_write *given)
{
    const HarborKind *kind = find_kind(given->kind);
    json_auto_t *wanted = read_text(given->text);
    json_auto_t *found = read_text(given->found);
    json_t *secrets = read_text(given->secrets);
    const HarborWrite write = {
        .action = given->action,
        .key = given->key,
        .wanted = wanted,
        .found = found,
        .secrets = secrets,
    };
    HarborAsk ask;
    hr_status status = harbor_ask_begin(&ask, registry, call);

    if (status == HR_OK && wanted == NULL)
        status = dist_fail(call, HR_INVALID, "the document is no JSON object");
    if (status == HR_OK && !is_key(kind, given->key))
        status = dist_fail(call, HR_INVALID, "there can be no %s %s",
                           given->kind, given->key);
    if (status == HR_OK)
        status = kind->write(&ask, &write);
    harbor_ask_end(&ask);
    harbor_secrets_wipe(secrets);
    return status;
}

/* ---------------------------------------------------------------- secrets */

static void
check_one(const HarborAsk *ask, hr_secret_check *check)
{
    const HarborKind *kind = find_kind(check->kind);
    json_t *secrets = read_text(check->secrets);

    check->message[0] = '\0';
    check->status = HR_UNSUPPORTED;
    if (kind->check != NULL)
        check->status = kind->check(ask, check->key, secrets);
    else
        snprintf(check->message, sizeof check->message,
                 "Harbor tells nobody whether it is right");
    if (kind->check != NULL && check->status != HR_OK)
        dist_take_reason(ask->call, check->message);
    harbor_secrets_wipe(secrets);
}

hr_status
harbor_check_secrets(hr_registry *registry, hr_call *call,
                     hr_secret_check *const *checks, size_t count)
{
    HarborAsk ask;
    hr_status status = harbor_ask_begin(&ask, registry, call);

    for (size_t i = 0; i < count && status == HR_OK; i++)
        check_one(&ask, checks[i]);
    harbor_ask_end(&ask);
    return status;
}
