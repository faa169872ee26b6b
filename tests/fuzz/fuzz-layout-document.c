/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A document in the file of a layout, as somebody may have left it: one that
 * is taken belongs to one path, whose parts every file system takes, and reads
 * the same when it is written again.
 */
#include "fuzz.h"

#include <string.h>

#include "base/digest.h"
#include "registry-layout/layout.h"

const char fuzz_noun[] = "layout-document";

/* Longest name of a file. */
#define NAME_LIMIT 255

struct hr_hash {
    HrHash *hash;
};

static char said[HR_MESSAGE_CAPACITY];

static hr_status
fail(hr_module *module, hr_call *call, hr_status status, const char *message)
{
    (void)module, (void)call;
    g_assert_cmpint(status, !=, HR_OK);
    g_strlcpy(said, message, sizeof said);
    return status;
}

static hr_hash *
start(hr_module *module, const char *like)
{
    hr_hash *hash = g_new(hr_hash, 1);

    (void)module;
    hash->hash = hr_hash_new(like);
    return hash;
}

static void
update(hr_module *module, hr_hash *hash, const void *data, uint64_t size)
{
    (void)module;
    hr_hash_update(hash->hash, data, size);
}

static void
finish(hr_module *module, hr_hash *hash, char digest[HR_DIGEST_CAPACITY])
{
    (void)module;
    hr_hash_finish(hash->hash, digest);
    hr_hash_free(hash->hash);
    g_free(hash);
}

static void
check_path(const char *path, const char *kind)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);

    g_assert_true(g_utf8_validate(path, -1, NULL));
    g_assert_cmpuint(strlen(path), <, LAYOUT_PATH_CAPACITY - 1);
    g_assert_cmpstr(parts[0], ==, kind);
    g_assert_nonnull(parts[1]);
    for (char **part = parts + 1; *part != NULL; part++) {
        bool last = part[1] == NULL;

        g_assert_cmpuint(strlen(*part), <=, NAME_LIMIT);
        g_assert_cmpuint(strlen(*part), >, 0);
        g_assert_true(**part != '.' && **part != ' ');
        g_assert_true(layout_document_is_file(*part) == last);
        g_assert_null(strpbrk(*part, "\"*:<>?\\|"));
    }
}

/* The file written again has the same document in the same place. */
static void
check_again(json_t *root, const char *kind, const char *key, const char *place)
{
    json_t *again;
    char *text;

    g_assert_cmpint(layout_document_render(NULL, kind, key,
                                           json_object_get(root, "document"),
                                           &text),
                    ==, HR_OK);
    g_assert_cmpint(
        layout_document_parse(NULL, "it", text, strlen(text), &again), ==,
        HR_OK);
    g_assert_cmpint(layout_document_expect(NULL, "it", text, again, place), ==,
                    HR_OK);
    g_assert_true(json_equal(root, again) != 0);
    json_decref(again);
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const hr_host_call call = {.fail = fail};
    static const hr_host_digest digest = {
        .start = start, .update = update, .finish = finish};
    static const hr_host host = {.call = &call, .digest = &digest};
    g_autofree char *text = g_strndup((const char *)data, size);
    char place[LAYOUT_PATH_CAPACITY];
    const char *kind, *key;
    json_t *root;

    layout_host = &host;
    said[0] = '\0';
    if (layout_document_parse(NULL, "it", text, strlen(text), &root) !=
        HR_OK) {
        g_assert_true(g_str_has_prefix(said, "it:"));
        return 0;
    }
    kind = json_string_value(json_object_get(root, "kind"));
    key = json_string_value(json_object_get(root, "key"));
    if (layout_kind_valid(kind) &&
        layout_document_path(NULL, kind, key, place) == HR_OK) {
        check_path(place, kind);
        g_assert_cmpint(layout_document_expect(NULL, "it", text, root, place),
                        ==, HR_OK);
        g_assert_cmpint(
            layout_document_expect(NULL, "it", text, root, "robot"), ==,
            HR_INVALID);
        check_again(root, kind, key, place);
    }
    json_decref(root);
    return 0;
}
