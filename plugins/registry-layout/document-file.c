/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Document file: what one file of .configuration is called, and what it says.
 *
 *     robot  library/ci   ->   robot/library/ci.json
 *     label  /prod        ->   label/%/prod.json
 *
 *     {
 *       "document": { ... },
 *       "key": "library/ci",
 *       "kind": "robot"
 *     }
 *
 * The file says what it is, although its path does, too: a component that is
 * too long for a file system is cut, and its digest put there; and a file that
 * was copied by hand to another place and forgotten there is noticed.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/param.h>

#include "layout.h"

/* Components of a key that become directories; the rest is the file. */
#define DEPTH_LIMIT 16

/* Names up to this long stay as they are; of longer ones the start does. */
#define COMPONENT_LIMIT 200
#define START_LIMIT 100
#define COMPONENT_CAPACITY (3 * LAYOUT_KEY_LIMIT + 1)

#define SUFFIX ".json"

/* ----------------------------------------------------------------- names */

/* The name of a file or directory being made. */
typedef struct Name {
    char text[COMPONENT_CAPACITY];
    size_t length;
    size_t start; /* where the last character begins that is within
                     START_LIMIT */
} Name;

/* What some file system, or a shell, takes for something else. */
static bool
is_awkward(const char *text, size_t length, size_t at, bool is_file)
{
    unsigned char c = (unsigned char)text[at];
    bool ends = at + 1 == length && !is_file;

    if (c < 0x20 || c == 0x7f || strchr("\"*:<>?\\|%/", c) != NULL)
        return true;
    if (c == ' ')
        return at == 0 || ends;
    if (c != '.')
        return false;
    /* A directory called like a file would be in its way. */
    return at == 0 || ends ||
           (!is_file && length - at == strlen(SUFFIX) &&
            strncasecmp(text + at, SUFFIX, strlen(SUFFIX)) == 0);
}

static void
append_byte(Name *name, unsigned char byte, bool awkward)
{
    /* Not within a character of UTF-8. */
    if (name->length <= START_LIMIT && (byte & 0xc0) != 0x80)
        name->start = name->length;
    if (awkward) {
        snprintf(name->text + name->length, 4, "%%%02X", byte);
        name->length += 3;
        return;
    }
    name->text[name->length++] = (char)byte;
    name->text[name->length] = '\0';
}

/* Ends a name that is too long with the digest of the whole. */
static void
shorten(Name *name, const char *text, size_t length)
{
    const hr_host_digest *service = layout_host->digest;
    hr_hash *hash = service->start(layout_module, NULL);
    char digest[HR_DIGEST_CAPACITY];

    service->update(layout_module, hash, text, length);
    service->finish(layout_module, hash, digest);
    name->length = name->start;
    name->length +=
        (size_t)snprintf(name->text + name->length, COMPONENT_LIMIT, "%%~%s",
                         strchr(digest, ':') + 1);
}

static void
store_component(Name *name, const char *text, size_t length, bool is_file)
{
    name->length = name->start = 0;
    /* A percent sign alone comes from nothing else. */
    if (length == 0)
        append_byte(name, '%', false);
    for (size_t i = 0; i < length; i++)
        append_byte(name, (unsigned char)text[i],
                    is_awkward(text, length, i, is_file));
    if (name->length > COMPONENT_LIMIT)
        shorten(name, text, length);
}

hr_status
layout_document_path(hr_call *call, const char *kind, const char *key,
                     char path[LAYOUT_PATH_CAPACITY])
{
    size_t used = (size_t)snprintf(path, LAYOUT_PATH_CAPACITY, "%s", kind);
    size_t length = strlen(key);
    Name name;

    if (length == 0 || length > LAYOUT_KEY_LIMIT)
        return layout_fail(call, HR_INVALID,
                           "a key of %zu bytes: it must have 1 to %d", length,
                           LAYOUT_KEY_LIMIT);
    for (unsigned depth = 0; key != NULL; depth++) {
        const char *slash = depth < DEPTH_LIMIT ? strchr(key, '/') : NULL;

        store_component(&name, key,
                        slash != NULL ? (size_t)(slash - key) : strlen(key),
                        slash == NULL);
        used +=
            (size_t)snprintf(path + used, LAYOUT_PATH_CAPACITY - used, "/%s%s",
                             name.text, slash == NULL ? SUFFIX : "");
        key = slash != NULL ? slash + 1 : NULL;
    }
    return HR_OK;
}

bool
layout_document_is_file(const char *name)
{
    size_t length = strlen(name);

    return length > strlen(SUFFIX) &&
           strcmp(name + length - strlen(SUFFIX), SUFFIX) == 0;
}

/* ---------------------------------------------------------------- reading */

/* Fails at the value of a member, or at the start if there is none. */
static hr_status
fail_member(hr_call *call, const char *path, const char *text,
            const char *member, const char *what)
{
    Span all = {text, text + strlen(text)}, name, value;
    const char *at = text;
    ScanFault ignored;
    Scan scan;

    if (layout_scan_begin(&scan, all, '{', &ignored))
        while (layout_scan_next(&scan, &name, &value))
            if (layout_span_is(name, member))
                at = value.start;
    return layout_fail_at(call, path, text, at, what);
}

/* Nothing is there that nobody reads. */
static hr_status
check_members(hr_call *call, const char *path, const char *text, json_t *root)
{
    const char *name;
    json_t *value;

    json_object_foreach (root, name, value) {
        if (strcmp(name, "document") == 0 || strcmp(name, "key") == 0 ||
            strcmp(name, "kind") == 0)
            continue;
        return fail_member(call, path, text, name,
                           "only `document`, `key` and `kind` belong here");
    }
    if (!json_is_object(json_object_get(root, "document")))
        return fail_member(call, path, text, "document",
                           "`document` must be an object");
    if (!json_is_string(json_object_get(root, "key")))
        return fail_member(call, path, text, "key", "`key` must be a text");
    if (!json_is_string(json_object_get(root, "kind")))
        return fail_member(call, path, text, "kind", "`kind` must be a text");
    return HR_OK;
}

hr_status
layout_document_parse(hr_call *call, const char *path, const char *text,
                      size_t size, json_t **root)
{
    ScanFault fault = {0};
    Span all = {text, text + size};
    json_error_t error;
    hr_status status;

    *root = NULL;
    if (!layout_scan_depth(all, &fault))
        return layout_fail_at(call, path, text, fault.at, fault.what);
    *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (*root == NULL)
        return layout_fail_at(call, path, text,
                              text + MAX(0, MIN(error.position, (int)size)),
                              error.text);
    status = json_is_object(*root) ? check_members(call, path, text, *root)
                                   : layout_fail_at(call, path, text, text,
                                                    "an object is expected");
    if (status != HR_OK) {
        json_decref(*root);
        *root = NULL;
    }
    return status;
}

hr_status
layout_document_expect(hr_call *call, const char *path, const char *text,
                       json_t *root, const char *place)
{
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const char *key = json_string_value(json_object_get(root, "key"));
    char expected[LAYOUT_PATH_CAPACITY];
    char what[2 * LAYOUT_PATH_CAPACITY];
    hr_status status;

    if (!layout_kind_valid(kind))
        return fail_member(call, path, text, "kind",
                           "that is no name of a kind");
    status = layout_document_path(call, kind, key, expected);
    if (status != HR_OK)
        return fail_member(call, path, text, "key",
                           "a key has 1 to 1024 bytes");
    if (strcmp(expected, place) == 0)
        return HR_OK;
    snprintf(what, sizeof what, "%s %s belongs into %s", kind, key, expected);
    return fail_member(call, path, text, "key", what);
}

/* ---------------------------------------------------------------- writing */

bool
layout_kind_valid(const char *kind)
{
    size_t length = strlen(kind);

    return length > 0 && length <= LAYOUT_KIND_LIMIT && kind[0] >= 'a' &&
           kind[0] <= 'z' && kind[length - 1] != '-' &&
           strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789-") == length &&
           strstr(kind, "--") == NULL;
}

hr_status
layout_document_render(hr_call *call, const char *kind, const char *key,
                       json_t *document, char **text)
{
    json_t *root = json_pack("{s:o?, s:s, s:s}", "document",
                             json_incref(document), "key", key, "kind", kind);
    char *dumped = root != NULL
                       ? json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS)
                       : NULL;
    size_t length;

    json_decref(root);
    *text = NULL;
    if (dumped == NULL)
        return layout_fail(call, HR_INVALID,
                           "the key of this %s is no valid UTF-8", kind);
    length = strlen(dumped);
    if (length >= LAYOUT_DOCUMENT_LIMIT_BYTES) {
        free(dumped);
        return layout_fail(call, HR_QUOTA,
                           "%s %s would have %zu bytes, more than the limit "
                           "of 1 MiB",
                           kind, key, length);
    }
    *text = layout_alloc(length + 2);
    memcpy(*text, dumped, length);
    (*text)[length] = '\n';
    free(dumped);
    return HR_OK;
}
