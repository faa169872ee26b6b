/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What would become of documents at a registry. */
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "plug/documents.h"
#include "plug/registry-instance.h"

/* Documents asked about at once. */
#define FITS_LIMIT 256u

/* What a registry may complain about, of one document. */
#define LACKS_LIMIT 1000u

static void
free_lack(gpointer data)
{
    HrLack *lack = data;

    g_free(lack->pointer);
    g_free(lack->reason);
    g_free(lack);
}

void
hr_fit_clear(HrFit *fit)
{
    g_clear_pointer(&fit->held, g_free);
    g_clear_pointer(&fit->lacks, g_ptr_array_unref);
    g_clear_error(&fit->error);
}

/* Takes what becomes of one document. */
typedef struct Taker {
    hr_fit_sink sink;
    HrFit *fit;
} Taker;

static void
take_text(hr_fit_sink *sink, const char *text)
{
    HrFit *fit = ((Taker *)sink)->fit;

    if (fit->held != NULL || fit->error != NULL)
        return;
    fit->held = hr_document_canonical(text, &fit->error);
    g_prefix_error(&fit->error, "what becomes of it: ");
}

static void
take_lack(hr_fit_sink *sink, const char *pointer, const char *reason)
{
    HrFit *fit = ((Taker *)sink)->fit;
    HrLack *lack;

    if (fit->lacks == NULL)
        fit->lacks = g_ptr_array_new_with_free_func(free_lack);
    if (fit->lacks->len >= LACKS_LIMIT)
        return;
    lack = g_new0(HrLack, 1);
    lack->pointer = hr_text_one_line(pointer);
    lack->reason = hr_text_one_line(reason);
    g_ptr_array_add(fit->lacks, lack);
}

static void
settle(const HrRegistry *registry, const hr_document_fit *answer, HrFit *fit)
{
    g_autofree char *line = NULL;

    if (answer->status == HR_OK && fit->error == NULL && fit->held == NULL)
        hr_error_set(&fit->error, HR_BUG,
                     "the plugin does not say what becomes of it");
    if (answer->status != HR_OK) {
        line = hr_text_one_line(answer->message[0] != '\0'
                                    ? answer->message
                                    : hr_status_name(answer->status));
        g_clear_error(&fit->error);
        hr_error_set(&fit->error, answer->status, "%s", line);
    }
    if (fit->error == NULL)
        return;
    g_clear_pointer(&fit->held, g_free);
    g_prefix_error(&fit->error, "%s: ", hr_registry_name(registry));
}

static void
describe(const HrFit *fit, Taker *taker, hr_document_fit *question)
{
    question->struct_size = sizeof *question;
    question->kind = fit->kind;
    question->key = fit->key;
    question->text = fit->text;
    question->found = fit->found;
    question->secrets =
        fit->secrets != NULL ? hr_secret_reveal(fit->secrets) : NULL;
    question->sink = &taker->sink;
    question->status = HR_BUG;
}

static bool
ask(HrRegistry *registry, HrCall *call, HrFit *fits, size_t count,
    GError **error)
{
    g_autofree hr_document_fit *questions = g_new0(hr_document_fit, count);
    g_autofree hr_document_fit **pointers = g_new0(hr_document_fit *, count);
    g_autofree Taker *takers = g_new0(Taker, count);
    hr_status status;

    for (size_t i = 0; i < count; i++) {
        takers[i].sink = (hr_fit_sink){.struct_size = sizeof(hr_fit_sink),
                                       .take = take_text,
                                       .lacks = take_lack};
        takers[i].fit = &fits[i];
        describe(&fits[i], &takers[i], &questions[i]);
        pointers[i] = &questions[i];
    }
    hr_registry_enter(registry, call);
    status =
        registry->ops->fit_documents(registry->plugin, call, pointers, count);
    if (!hr_registry_leave(registry, call, status, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        questions[i].message[HR_MESSAGE_CAPACITY - 1] = '\0';
        settle(registry, &questions[i], &fits[i]);
    }
    return true;
}

bool
hr_registry_fit_documents(HrRegistry *registry, HrCall *call, HrFit *fits,
                          size_t count, GError **error)
{
    if (registry->ops->fit_documents == NULL) {
        for (size_t i = 0; i < count; i++)
            fits[i].held = g_strdup(fits[i].text);
        return true;
    }
    while (count > 0) {
        size_t part = MIN(count, FITS_LIMIT);

        if (!ask(registry, call, fits, part, error))
            return false;
        fits += part;
        count -= part;
    }
    return true;
}
