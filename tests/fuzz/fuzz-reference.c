/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names, tags, digests and places: what is valid is within the grammar as it
 * is read here, and a place reads the same when it is written again. */
#include "fuzz.h"

#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/item.h"
#include "model/reference.h"

const char fuzz_noun[] = "reference";

static void
check_pattern(const char *pattern, const char *text, bool valid)
{
    bool matches = g_regex_match_simple(
        pattern, text, G_REGEX_DOLLAR_ENDONLY | G_REGEX_RAW, 0);

    if (valid != matches)
        g_error("'%s' is %s", text, valid ? "no match" : "not valid");
}

static void
check_grammars(const char *text)
{
    bool repository = hr_repository_valid(text);

    if (repository || strlen(text) <= 255)
        check_pattern("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
                      "(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$",
                      text, repository);
    if (repository)
        g_assert_cmpuint(strlen(text), <=, 255);
    check_pattern("^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$", text,
                  hr_tag_valid(text));
    check_pattern("^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$", text,
                  hr_digest_valid(text));
}

static char *
write_place(const HrPlace *place)
{
    const char *reference = place->reference;
    const char *mark = ":";

    if (reference == NULL)
        mark = reference = "";
    else if (hr_digest_valid(reference))
        mark = "@";
    if (place->kind == HR_PLACE_LAYOUT)
        return g_strconcat("oci:", place->directory, mark, reference, NULL);
    return g_strconcat("docker://", place->host, "/", place->repository, mark,
                       reference, NULL);
}

static void
check_registry(const HrPlace *place)
{
    g_assert_true(hr_repository_valid(place->repository));
    g_assert_nonnull(place->host);
    g_assert_null(strpbrk(place->host, "/@?# "));
    if (place->reference != NULL)
        g_assert_true(hr_reference_valid(place->reference));
}

static void
check_place(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrPlace) place = hr_place_parse(text, &error);
    g_autoptr(HrPlace) again = NULL;
    g_autofree char *own = NULL;
    g_autofree char *same = NULL;

    fuzz_check_error(place == NULL, error);
    if (place == NULL) {
        g_assert_cmpint(hr_error_status(error), ==, HR_INVALID);
        return;
    }
    if (place->kind == HR_PLACE_REGISTRY)
        check_registry(place);
    own = write_place(place);
    again = hr_place_parse(own, &error);
    g_assert_no_error(error);
    same = write_place(again);
    g_assert_cmpstr(same, ==, own);
}

static void
check_key(const char *text)
{
    g_autofree char *repository = NULL;
    g_autofree char *reference = NULL;
    g_autofree char *own = NULL;

    if (!hr_tag_key_parse(text, &repository, &reference, NULL))
        return;
    own = hr_tag_key(repository, reference);
    g_assert_cmpstr(own, ==, text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    g_autofree char *registry = g_strconcat("docker://", text, NULL);
    g_autofree char *layout = g_strconcat("oci:", text, NULL);

    check_grammars(text);
    check_key(text);
    check_place(text);
    check_place(registry);
    check_place(layout);
    return 0;
}
