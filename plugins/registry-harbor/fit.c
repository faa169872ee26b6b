/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers to fit_documents. */
#include "fit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "document.h"
#include "texts.h"

void
harbor_fit_begin(hr_document_fit *fit)
{
    fit->status = HR_OK;
    fit->message[0] = '\0';
}

int
harbor_fit_refuse(hr_document_fit *fit, const char *format, ...)
{
    va_list arguments;

    fit->status = HR_UNSUPPORTED;
    va_start(arguments, format);
    vsnprintf(fit->message, sizeof fit->message, format, arguments);
    va_end(arguments);
    return 0;
}

void
harbor_fit_lacks(hr_document_fit *fit, const char *pointer, const char *format,
                 ...)
{
    char reason[HR_MESSAGE_CAPACITY];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    fit->sink->lacks(fit->sink, pointer, reason);
}

/* The pointer to a member (RFC 6901). */
static char *
point_to(const char *member)
{
    char *pointer = harbor_text("/%*s", (int)(2 * strlen(member)), "");
    char *end = pointer + 1;

    for (; *member != '\0'; member++) {
        if (*member == '~' || *member == '/')
            *end++ = '~';
        *end++ = *member == '~' ? '0' : *member == '/' ? '1' : *member;
    }
    *end = '\0';
    return pointer;
}

static int
is_one_of(const char *name, const char *const *members)
{
    for (; *members != NULL; members++)
        if (strcmp(*members, name) == 0)
            return 1;
    return 0;
}

void
harbor_fit_members(hr_document_fit *fit, const json_t *document,
                   const char *const *members)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)document, name, value) {
        HARBOR_AUTOFREE char *pointer = point_to(name);

        if (!is_one_of(name, members))
            harbor_fit_lacks(fit, pointer, "a %s has no such field",
                             fit->kind);
    }
}

void
harbor_fit_take(hr_document_fit *fit, json_t *fitted)
{
    HARBOR_AUTOFREE char *text = harbor_json_canonical(fitted);

    fit->sink->take(fit->sink, text);
    json_decref(fitted);
}
