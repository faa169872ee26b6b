/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One document of a list. */
#include "find.h"

#include <stdlib.h>
#include <string.h>

/* Lets one document through. */
typedef struct OneSink {
    hr_document_sink sink; /* first */
    hr_document_sink *rest;
    const char *key;
    hr_status gap; /* HR_OK: none */
    char *why;
    bool found;
} OneSink;

static OneSink *
one_of(hr_document_sink *sink)
{
    return (OneSink *)(void *)sink;
}

static hr_status
take_one(hr_document_sink *sink, hr_call *call, const hr_document *document)
{
    OneSink *one = one_of(sink);

    if (strcmp(document->key, one->key) != 0)
        return HR_OK;
    one->found = true;
    return one->rest->take(one->rest, call, document);
}

static void
note_gap(hr_document_sink *sink, const char *scope, hr_status status,
         const char *message)
{
    OneSink *one = one_of(sink);

    (void)scope;
    one->gap = status;
    free(one->why);
    one->why = harbor_text("%s", message);
}

hr_status
harbor_find(const HarborAsk *ask, const HarborKind *kind, const char *key,
            bool in_project, hr_document_sink *sink)
{
    HARBOR_AUTOFREE char *project = NULL;
    const char *rest;
    OneSink one = {
        .sink = {.struct_size = sizeof one.sink,
                 .take = take_one,
                 .gap = note_gap},
        .rest = sink,
        .key = key,
    };
    hr_status status;

    if (in_project)
        harbor_key_split(key, &project, &rest);
    {
        const char *const projects[] = {project, NULL};
        hr_document_scope scope = {
            .struct_size = sizeof scope,
            .kind = kind->name,
            .projects = project != NULL ? projects : NULL,
        };

        status = kind->list(ask, &scope, &one.sink);
    }
    if (status == HR_OK && one.gap != HR_OK && !one.found)
        status = dist_fail(ask->call, one.gap, "%s", one.why);
    if (status == HR_OK && !one.found)
        status = dist_fail(ask->call, HR_NOT_FOUND, "there is no %s %s",
                           kind->name, key);
    free(one.why);
    return status;
}

hr_status
harbor_give_rows(const HarborAsk *ask, const HarborList *list,
                 HarborGiveRow give, hr_document_sink *sink)
{
    json_t *rows = NULL;
    hr_status status = harbor_list(ask, list, &rows);

    for (size_t i = 0; status == HR_OK && i < json_array_size(rows); i++)
        status = give(ask, json_array_get(rows, i), sink);
    json_decref(rows);
    return status;
}

json_t *
harbor_fit_wanted(hr_document_fit *fit)
{
    harbor_fit_begin(fit);
    return harbor_text_read(fit->text);
}

void
harbor_fit_end(hr_document_fit *fit, const json_t *wanted,
               const char *const *members, json_t *fitted)
{
    harbor_fit_members(fit, wanted, members);
    harbor_fit_take(fit, fitted);
}

hr_status
harbor_listed_id(const HarborAsk *ask, const HarborKind *kind, const char *key,
                 int64_t *id)
{
    *id = harbor_recall(ask->registry, kind->name, key);
    return *id != 0 ? HR_OK
                    : dist_fail(ask->call, HR_NOT_FOUND,
                                "there is no %s %s any more", kind->name, key);
}

hr_status
harbor_named_id(const HarborAsk *ask, const char *family, const char *name,
                const HarborList *list, int64_t *id)
{
    json_t *rows = NULL;
    hr_status status = HR_OK;

    *id = harbor_recall(ask->registry, family, name);
    if (*id != 0)
        return HR_OK;
    status = harbor_list(ask, list, &rows);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        harbor_remember(ask->registry, family,
                        harbor_json_text(row, "name", ""),
                        harbor_json_number(row, "id", 0));
    }
    json_decref(rows);
    if (status != HR_OK)
        return status;
    *id = harbor_recall(ask->registry, family, name);
    return *id != 0 ? HR_OK
                    : dist_fail(ask->call, HR_NOT_FOUND,
                                "there is no %s %s here", family, name);
}
