/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels as documents and as bodies. */
#include "label-document.h"

#include "document.h"
#include "fit.h"
#include "texts.h"

/* Harbor stores so many characters of each. */
#define NAME_LIMIT 128u
#define COLOR_LIMIT 16u

char *
harbor_label_key(const char *project, const json_t *label)
{
    const char *name = harbor_json_text(label, "name", "");

    return *name != '\0' ? harbor_text("%s/%s", project, name) : NULL;
}

json_t *
harbor_label_document(const json_t *label)
{
    json_t *document = json_object();

    harbor_document_text(document, "color", label, "color");
    harbor_document_text(document, "description", label, "description");
    return document;
}

json_t *
harbor_label_body(const char *key, const json_t *document, int64_t project_id)
{
    HARBOR_AUTOFREE char *project = NULL;
    json_t *body = json_object();
    const char *name;

    harbor_key_split(key, &project, &name);
    json_object_set_new(body, "name", json_string(name));
    json_object_set_new(body, "color",
                        json_string(harbor_json_text(document, "color", "")));
    json_object_set_new(
        body, "description",
        json_string(harbor_json_text(document, "description", "")));
    json_object_set_new(body, "scope",
                        json_string(project_id != 0 ? "p" : "g"));
    if (project_id != 0)
        json_object_set_new(body, "project_id", json_integer(project_id));
    return body;
}

static int
check_label(hr_document_fit *fit, const json_t *document)
{
    HARBOR_AUTOFREE char *project = NULL;
    const char *name;

    if (!harbor_key_split(fit->key, &project, &name) || *name == '\0')
        return harbor_fit_refuse(fit, "a label is \"/NAME\" or "
                                      "\"PROJECT/NAME\"");
    if (harbor_text_length(name) > NAME_LIMIT)
        return harbor_fit_refuse(fit, "its name is longer than %u characters",
                                 NAME_LIMIT);
    if (harbor_text_length(harbor_json_text(document, "color", "")) >
        COLOR_LIMIT)
        return harbor_fit_refuse(fit, "/color is longer than %u characters",
                                 COLOR_LIMIT);
    return 1;
}

void
harbor_label_fit(hr_document_fit *fit)
{
    static const char *const members[] = {"color", "description", NULL};
    json_t *document = harbor_text_read(fit->text);

    harbor_fit_begin(fit);
    if (check_label(fit, document)) {
        harbor_fit_members(fit, document, members);
        harbor_fit_take(fit, harbor_label_document(document));
    }
    json_decref(document);
}
