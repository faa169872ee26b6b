/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Items and the documents of tags. */
#include "model/item.h"

#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/json.h"
#include "model/reference.h"

char *
hr_referrer_document(const char *digest, const char *media_type, uint64_t size,
                     const char *subject)
{
    g_autoptr(HrJson) json = hr_json_new_object();

    hr_json_set_text(json, "digest", digest);
    hr_json_set_text(json, "mediaType", media_type);
    hr_json_set_number(json, "size", (int64_t)size);
    hr_json_set_text(json, "subject", subject);
    return hr_json_canonical(json);
}

char *
hr_referrer_document_subject(const char *document)
{
    g_autoptr(HrJson) json = hr_json_parse(document, strlen(document), NULL);
    const char *subject = hr_json_text(hr_json_get(json, "subject"));

    return hr_digest_valid(subject) ? g_strdup(subject) : NULL;
}

char *
hr_tag_document(const char *digest, const char *media_type, uint64_t size)
{
    return hr_referrer_document(digest, media_type, size, NULL);
}

bool
hr_tag_document_parse(const char *document, char **digest, char **media_type,
                      uint64_t *size, GError **error)
{
    g_autoptr(HrJson) json = hr_json_parse(document, strlen(document), error);
    const char *digest_text;
    const char *type_text;
    int64_t number;

    if (json == NULL)
        return false;
    digest_text = hr_json_text(hr_json_get(json, "digest"));
    type_text = hr_json_text(hr_json_get(json, "mediaType"));
    if (digest_text == NULL || !hr_digest_valid(digest_text) ||
        type_text == NULL || *type_text == '\0' ||
        strlen(type_text) >= HR_MEDIA_TYPE_CAPACITY ||
        !hr_json_number(hr_json_get(json, "size"), &number) || number < 0)
        return hr_error_set(error, HR_INVALID,
                            "not the document of a tag: it needs digest, "
                            "mediaType and size");
    *digest = g_strdup(digest_text);
    *media_type = g_strdup(type_text);
    *size = (uint64_t)number;
    return true;
}

char *
hr_tag_key(const char *repository, const char *reference)
{
    const char *separator = hr_digest_valid(reference) ? "@" : ":";

    return g_strconcat(repository, separator, reference, NULL);
}

bool
hr_tag_key_parse(const char *key, char **repository, char **reference,
                 GError **error)
{
    const char *at = strchr(key, '@');
    const char *separator = at != NULL ? at : strrchr(key, ':');
    g_autofree char *name = NULL;

    if (separator != NULL)
        name = g_strndup(key, (gsize)(separator - key));
    if (name == NULL || !hr_repository_valid(name) ||
        !(at != NULL ? hr_digest_valid(separator + 1)
                     : hr_tag_valid(separator + 1)))
        return hr_error_set(error, HR_INVALID,
                            "'%s' is not the key of a tag: it is written "
                            "repository:tag or repository@digest",
                            key);
    *reference = g_strdup(separator + 1);
    *repository = g_steal_pointer(&name);
    return true;
}

void
hr_document_fingerprint(const char *document,
                        char fingerprint[HR_DIGEST_CAPACITY])
{
    hr_digest_of(document, strlen(document), fingerprint);
}
