/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Documents of one endpoint, asked for one by one: what the passes do with a
 * registry plugin, without a pass around it.
 *
 *     documents CONFIG ENDPOINT <requests >answers
 *
 * A request is a line of JSON, {"do": "list", "kind": "robot"}; the answer is
 * one, too: {"ok": ...}, or {"error": TEXT, "class": NAME}.  documents.py
 * knows them all.
 */
#include <stdio.h>
#include <string.h>

#include "app/session.h"
#include "base/error.h"
#include "base/log.h"
#include "model/json.h"
#include "plug/documents.h"

/* Longest list of projects in a request. */
#define PROJECTS_LIMIT 64

typedef struct Asking {
    HrRegistry *registry;
    HrCall *call;
    HrJson *request;
} Asking;

static const char *
text_of(const Asking *asking, const char *name)
{
    return hr_json_text(hr_json_get(asking->request, name));
}

/* Canonical text of a member, NULL if there is none; caller frees. */
static char *
object_of(const Asking *asking, const char *name)
{
    HrJson *json = hr_json_get(asking->request, name);

    return json != NULL ? hr_json_canonical(json) : NULL;
}

static HrSecret *
secrets_of(const Asking *asking)
{
    g_autofree char *text = object_of(asking, "secrets");

    return text != NULL ? hr_secret_new(text) : NULL;
}

static HrJson *
show_text(const char *text)
{
    return hr_json_parse(text, strlen(text), NULL);
}

static HrJson *
show_document(const HrDocument *document)
{
    HrJson *json = hr_json_new_object();

    hr_json_set_text(json, "key", document->key);
    hr_json_set_text(json, "text", document->text);
    hr_json_set(json, "document", show_text(document->text));
    if (document->secrets != NULL)
        hr_json_set(json, "secrets",
                    show_text(hr_secret_reveal(document->secrets)));
    if (document->is_protected)
        hr_json_set_text(json, "protected",
                         document->reason != NULL ? document->reason : "");
    return json;
}

static HrJson *
identify(Asking *asking, GError **error)
{
    hr_identity identity;
    HrJson *json;

    if (!hr_registry_identify(asking->registry, asking->call, &identity,
                              error))
        return NULL;
    json = hr_json_new_object();
    hr_json_set_number(json, "flags", identity.flags);
    hr_json_set_text(json, "principal", identity.principal);
    hr_json_set_text(json, "product", identity.product);
    hr_json_set_text(json, "fingerprint", identity.fingerprint);
    hr_json_set_number(json, "clock_ahead_ms", identity.clock_ahead_ms);
    return json;
}

static HrJson *
know(Asking *asking, GError **error)
{
    const char *wanted = text_of(asking, "access");
    uint32_t access = g_strcmp0(wanted, "both") == 0
                          ? HR_ACCESS_READ | HR_ACCESS_WRITE
                      : g_strcmp0(wanted, "write") == 0 ? HR_ACCESS_WRITE
                                                        : HR_ACCESS_READ;

    return hr_registry_knows(asking->registry, asking->call,
                             text_of(asking, "kind"), access, error)
               ? hr_json_new_object()
               : NULL;
}

static HrJson *
show_list(const HrDocumentList *list)
{
    HrJson *json = hr_json_new_object();
    HrJson *documents = hr_json_new_array();
    HrJson *gaps = hr_json_new_object();

    for (guint i = 0; i < list->documents->len; i++)
        hr_json_append(documents, show_document(list->documents->pdata[i]));
    for (guint i = 0; i < list->gaps->len; i++) {
        const HrDocumentGap *gap = list->gaps->pdata[i];

        hr_json_set_text(gaps, gap->scope, gap->error->message);
    }
    hr_json_set(json, "documents", documents);
    hr_json_set(json, "gaps", gaps);
    return json;
}

static HrJson *
list(Asking *asking, GError **error)
{
    const HrJson *given = hr_json_get(asking->request, "projects");
    const char *projects[PROJECTS_LIMIT + 1] = {NULL};
    g_autoptr(HrDocumentList) documents = NULL;

    for (size_t i = 0; i < MIN(hr_json_length(given), PROJECTS_LIMIT); i++)
        projects[i] = hr_json_text(hr_json_at(given, i));
    documents = hr_registry_list_documents(
        asking->registry, asking->call, text_of(asking, "kind"),
        given != NULL ? projects : NULL, NULL, error);
    return documents != NULL ? show_list(documents) : NULL;
}

static HrJson *
read_one(Asking *asking, GError **error)
{
    g_autoptr(HrDocument) document = hr_registry_read_document(
        asking->registry, asking->call, text_of(asking, "kind"),
        text_of(asking, "key"), error);

    return document != NULL ? show_document(document) : NULL;
}

static HrJson *
show_fit(const HrFit *fit)
{
    HrJson *json = hr_json_new_object();
    HrJson *lacks = hr_json_new_object();

    for (guint i = 0; fit->lacks != NULL && i < fit->lacks->len; i++) {
        const HrLack *lack = fit->lacks->pdata[i];

        hr_json_set_text(lacks, lack->pointer, lack->reason);
    }
    hr_json_set(json, "document", show_text(fit->held));
    hr_json_set(json, "lacks", lacks);
    return json;
}

static HrJson *
fit_one(Asking *asking, GError **error)
{
    g_autofree char *text = object_of(asking, "document");
    g_autofree char *found = object_of(asking, "found");
    g_autoptr(HrSecret) secrets = secrets_of(asking);
    HrFit fit = {
        .kind = text_of(asking, "kind"),
        .key = text_of(asking, "key"),
        .text = text,
        .found = found,
        .secrets = secrets,
    };
    HrJson *json = NULL;

    if (hr_registry_fit_documents(asking->registry, asking->call, &fit, 1,
                                  error)) {
        if (fit.held != NULL)
            json = show_fit(&fit);
        else
            g_propagate_error(error, g_steal_pointer(&fit.error));
    }
    hr_fit_clear(&fit);
    return json;
}

static HrJson *
write_one(Asking *asking, GError **error)
{
    g_autofree char *text = object_of(asking, "document");
    g_autofree char *found = object_of(asking, "found");
    g_autoptr(HrSecret) secrets = secrets_of(asking);

    return hr_registry_write_document(
               asking->registry, asking->call, text_of(asking, "kind"),
               text_of(asking, "key"), text, found, secrets, error)
               ? hr_json_new_object()
               : NULL;
}

static HrJson *
check_one(Asking *asking, GError **error)
{
    g_autoptr(HrSecret) secrets = secrets_of(asking);

    return hr_registry_check_secret(asking->registry, asking->call,
                                    text_of(asking, "kind"),
                                    text_of(asking, "key"), secrets, error)
               ? hr_json_new_object()
               : NULL;
}

static const struct {
    const char *name;
    HrJson *(*ask)(Asking *asking, GError **error);
} requests[] = {
    {"identify", identify}, {"knows", know},  {"list", list},
    {"read", read_one},     {"fit", fit_one}, {"write", write_one},
    {"check", check_one},
};

static HrJson *
ask(Asking *asking, GError **error)
{
    const char *name = text_of(asking, "do");

    for (unsigned i = 0; i < G_N_ELEMENTS(requests); i++)
        if (g_strcmp0(requests[i].name, name) == 0)
            return requests[i].ask(asking, error);
    hr_error_set(error, HR_INVALID, "nobody can do \"%s\"",
                 name != NULL ? name : "");
    return NULL;
}

static void
answer(HrJson *result, const GError *error)
{
    g_autoptr(HrJson) json = hr_json_new_object();
    g_autofree char *text = NULL;

    if (result != NULL) {
        hr_json_set(json, "ok", result);
    } else {
        hr_json_set_text(json, "error", error->message);
        hr_json_set_text(json, "class",
                         hr_status_name(hr_error_status(error)));
    }
    text = hr_json_canonical(json);
    puts(text);
    fflush(stdout);
}

static void
serve(void *data, HrCall *call)
{
    Asking asking = {.registry = data, .call = call};
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    while ((length = getline(&line, &room, stdin)) > 0) {
        g_autoptr(HrJson) request = NULL;
        GError *error = NULL;
        HrJson *result = NULL;

        request = hr_json_parse(line, (size_t)length, &error);
        asking.request = request;
        if (request != NULL)
            result = ask(&asking, &error);
        answer(result, error);
        g_clear_error(&error);
    }
    free(line);
}

int
main(int argc, char **argv)
{
    HrApp app = {.config_path = argc == 3 ? argv[1] : NULL, .quiet = true};
    g_autoptr(GError) error = NULL;
    g_autoptr(HrSession) session = NULL;
    const HrEndpointConfig *config = NULL;
    HrRegistry *registry = NULL;

    if (argc != 3) {
        fputs("documents: give a configuration and an endpoint\n", stderr);
        return HR_EXIT_USAGE;
    }
    session = hr_session_load(&app, &error);
    if (session != NULL)
        config = hr_config_require_endpoint(hr_session_config(session),
                                            argv[2], &error);
    if (config != NULL && hr_session_start(session, &error))
        registry = hr_session_open_registry(session, config, &error);
    if (registry == NULL)
        return hr_session_report_error(error);
    return hr_session_run_job(session, serve, registry) ? HR_EXIT_DONE
                                                        : HR_EXIT_NOTHING_DONE;
}
