/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists of referrers.  The input is read as such a list, and as a manifest
 * that a list could have an entry for.  A list that is merged into an index
 * is in it, and merging it again changes nothing.
 */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "model/json.h"
#include "model/reference.h"
#include "model/referrer.h"

const char fuzz_noun[] = "referrer";

static void
check_tags(const char *digest)
{
    g_auto(GStrv) tags = hr_companion_tags(digest);

    g_assert_cmpint(hr_companion_of(tags[0]), ==, HR_COMPANION_FALLBACK);
    for (char **tag = tags; *tag != NULL; tag++) {
        g_assert_true(hr_tag_valid(*tag));
        if (tag > tags)
            g_assert_cmpint(hr_companion_of(*tag), ==, HR_COMPANION_COSIGN);
    }
}

static void
check_referrer(const HrReferrer *referrer)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrJson) json =
        hr_json_parse(referrer->text, strlen(referrer->text), &error);

    g_assert_no_error(error);
    fuzz_check_digest(referrer->digest);
    g_assert_cmpstr(hr_json_text(hr_json_get(json, "digest")), ==,
                    referrer->digest);
    g_assert_cmpint(referrer->size, >=, 0);
    g_assert_cmpuint(strlen(referrer->media_type), <, HR_MEDIA_TYPE_CAPACITY);
    check_tags(referrer->digest);
}

static void
check_list(const GPtrArray *list)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    g_assert_cmpuint(list->len, <=, HR_REFERRERS_LIMIT);
    for (guint i = 0; i < list->len; i++) {
        const HrReferrer *referrer = list->pdata[i];

        check_referrer(referrer);
        g_assert_true(g_hash_table_add(seen, referrer->digest));
    }
    g_assert_true(hr_referrers_have(list, list));
}

static GPtrArray *
read_list(const void *text, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = hr_referrers_new();
    bool good = hr_referrers_read(list, text, size, &error);

    fuzz_check_error(!good, error);
    check_list(list);
    return good ? g_steal_pointer(&list) : NULL;
}

static void
check_lists(const HrManifest *index, const GPtrArray *wanted)
{
    gsize size;
    const void *text = g_bytes_get_data(index->bytes, &size);
    g_autoptr(GPtrArray) listed = read_list(text, size);

    g_assert_nonnull(listed);
    g_assert_true(hr_referrers_have(listed, wanted));
}

/* `current` may be NULL. */
static void
check_merge(const HrManifest *current, const GPtrArray *list)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrManifest) merged =
        hr_referrers_merge(current, list, NULL, &error);
    g_autoptr(HrManifest) again = NULL;
    g_autoptr(HrManifest) same = NULL;

    fuzz_check_error(merged == NULL, error);
    if (merged == NULL)
        return;
    check_lists(merged, list);
    again = hr_referrers_merge(merged, list, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(again->digest, ==, merged->digest);
    same = hr_referrers_merge(current, list, merged, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(same->digest, ==, merged->digest);
}

static HrReferrer *
describe(const HrManifest *manifest)
{
    g_autoptr(GError) error = NULL;
    HrReferrer *referrer = hr_referrer_describe(manifest, &error);

    if (referrer == NULL)
        return NULL;
    g_assert_no_error(error);
    check_referrer(referrer);
    g_assert_cmpstr(referrer->digest, ==, manifest->digest);
    return referrer;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(HrManifest) manifest =
        hr_manifest_parse(bytes, NULL, NULL, NULL);
    g_autoptr(GPtrArray) list = read_list(data, size);
    g_autoptr(GPtrArray) own = hr_referrers_new();
    g_autofree char *tag = fuzz_text(data, size);

    if (hr_companion_of(tag) != HR_COMPANION_NONE)
        g_assert_true(hr_tag_valid(tag));
    if (list != NULL)
        check_merge(NULL, list);
    if (manifest == NULL)
        return 0;
    if (list != NULL)
        check_merge(manifest, list);
    if (manifest->subject != NULL) {
        HrReferrer *referrer = describe(manifest);

        g_assert_nonnull(referrer);
        g_ptr_array_add(own, referrer);
        check_merge(NULL, own);
        check_merge(manifest, own);
    }
    return 0;
}
