/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Document: taken from plugins, and held against what it has to be. */
#include "model/document.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "model/json.h"
#include "model/kind.h"

/* All secrets of one document together. */
#define SECRETS_LIMIT_BYTES (64 * 1024)

void
hr_document_free(HrDocument *document)
{
    if (document == NULL)
        return;
    g_free(document->key);
    g_free(document->text);
    g_clear_pointer(&document->secrets, hr_secret_unref);
    g_free(document->reason);
    g_free(document);
}

bool
hr_document_key_valid(const char *key)
{
    if (*key == '\0' || strlen(key) > HR_DOCUMENT_KEY_LIMIT ||
        !g_utf8_validate(key, -1, NULL))
        return false;
    for (const char *at = key; *at != '\0'; at = g_utf8_next_char(at))
        if (g_unichar_iscntrl(g_utf8_get_char(at)))
            return false;
    return true;
}

char *
hr_document_canonical(const char *text, GError **error)
{
    size_t size = strlen(text);
    g_autoptr(HrJson) json = NULL;

    if (size > HR_DOCUMENT_LIMIT_BYTES) {
        hr_error_set(error, HR_INVALID, "it is larger than %d KiB",
                     HR_DOCUMENT_LIMIT_BYTES >> 10);
        return NULL;
    }
    json = hr_json_parse(text, size, error);
    if (json == NULL)
        return NULL;
    if (!hr_json_is_object(json)) {
        hr_error_set(error, HR_INVALID, "it is no JSON object");
        return NULL;
    }
    return hr_json_canonical(json);
}

static void
check_secret(const char *pointer, HrJson *value, void *data)
{
    bool *valid = data;

    *valid = *valid && *pointer == '/' && hr_json_text(value) != NULL;
}

/* A flat object of texts, with pointers for names. */
static bool
take_secrets(HrDocument *document, const char *text, GError **error)
{
    size_t size = strlen(text);
    HrJson *json =
        size <= SECRETS_LIMIT_BYTES ? hr_json_parse(text, size, NULL) : NULL;
    bool valid = hr_json_is_object(json);
    char *canonical;

    hr_json_foreach(json, check_secret, &valid);
    if (!valid) {
        hr_json_wipe(json);
        return hr_error_set(error, HR_INVALID,
                            "its secrets are no flat object of texts");
    }
    canonical = hr_json_canonical(json);
    document->secrets = hr_secret_new(canonical);
    hr_secret_wipe(canonical, strlen(canonical));
    g_free(canonical);
    hr_json_wipe(json);
    return true;
}

HrDocument *
hr_document_take(const hr_document *given, const char *kind, GError **error)
{
    g_autoptr(HrDocument) document = g_new0(HrDocument, 1);
    g_autofree char *shown = NULL;

    if (given->kind == NULL || given->key == NULL || given->text == NULL ||
        strcmp(given->kind, kind) != 0) {
        hr_error_set(error, HR_INVALID, "there is no document of kind %s",
                     kind);
        return NULL;
    }
    if (!hr_document_key_valid(given->key)) {
        hr_error_set(error, HR_INVALID,
                     "a document of kind %s has a key that is empty, longer "
                     "than %d bytes, or not plain text",
                     kind, HR_DOCUMENT_KEY_LIMIT);
        return NULL;
    }
    document->kind = hr_kind_intern(kind);
    document->key = g_strdup(given->key);
    document->text = hr_document_canonical(given->text, error);
    if (document->text == NULL ||
        (given->secrets != NULL &&
         !take_secrets(document, given->secrets, error))) {
        shown = hr_text_one_line(given->key);
        g_prefix_error(error, "the document of %s %s: ", kind, shown);
        return NULL;
    }
    document->is_protected = (given->flags & HR_DOCUMENT_PROTECTED) != 0;
    if (document->is_protected && given->reason != NULL)
        document->reason = hr_text_one_line(given->reason);
    return g_steal_pointer(&document);
}

typedef struct Agreement {
    const HrJson *other;
    bool agrees;
} Agreement;

static void
hold_against(const char *pointer, HrJson *value, void *data)
{
    Agreement *agreement = data;
    const char *known = hr_json_text(hr_json_get(agreement->other, pointer));

    if (known != NULL && strcmp(known, hr_json_text(value)) != 0)
        agreement->agrees = false;
}

static HrJson *
parse_secrets(const HrSecret *secrets)
{
    const char *text = hr_secret_reveal(secrets);

    return hr_json_parse(text, strlen(text), NULL);
}

bool
hr_secrets_agree(const HrSecret *one, const HrSecret *other)
{
    Agreement agreement = {.agrees = true};
    HrJson *left;
    HrJson *right;

    if (one == NULL || other == NULL)
        return true;
    left = parse_secrets(one);
    right = parse_secrets(other);
    agreement.other = right;
    hr_json_foreach(left, hold_against, &agreement);
    hr_json_wipe(left);
    hr_json_wipe(right);
    return agreement.agrees;
}
