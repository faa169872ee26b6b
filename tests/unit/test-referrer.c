/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of referrers, how they grow, and the tags that stand in for them. */
#include <glib.h>
#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/referrer.h"

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define HEX_A                                                                 \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B                                                                 \
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_C                                                                 \
    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define ENTRY(hex, more)                                                      \
    "{\"mediaType\":\"" OCI_MANIFEST "\",\"size\":7,\"digest\":\"sha256:" hex \
    "\"" more "}"

static HrManifest *
make_index(const char *entries, const char *more)
{
    g_autofree char *text = g_strdup_printf(
        "{ \"schemaVersion\": 2, \"mediaType\": \"" OCI_INDEX "\",\n"
        " \"manifests\": [%s]%s}",
        entries, more);
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(GError) error = NULL;
    HrManifest *index = hr_manifest_parse(bytes, OCI_INDEX, NULL, &error);

    g_assert_no_error(error);
    return index;
}

static GPtrArray *
make_list(const char *entries)
{
    g_autofree char *text = g_strdup_printf("{\"manifests\":[%s]}", entries);
    g_autoptr(GError) error = NULL;
    GPtrArray *list = hr_referrers_new();

    g_assert_true(hr_referrers_read(list, text, strlen(text), &error));
    g_assert_no_error(error);
    return list;
}

static char *
text_of(const HrManifest *manifest)
{
    gsize size;
    const char *text = g_bytes_get_data(manifest->bytes, &size);

    return g_strndup(text, size);
}

static char *
merge(const HrManifest *current, const char *entries, const HrManifest *like)
{
    g_autoptr(GPtrArray) added = make_list(entries);
    g_autoptr(GError) error = NULL;
    g_autoptr(HrManifest) merged =
        hr_referrers_merge(current, added, like, &error);

    g_assert_no_error(error);
    return text_of(merged);
}

static void
test_tags(void)
{
    g_autofree char *shorter = hr_referrers_tag("sha256:" HEX_A);
    g_autofree char *longer = hr_referrers_tag("sha512:" HEX_A HEX_B);
    g_auto(GStrv) all = hr_companion_tags("sha256:" HEX_A);
    g_auto(GStrv) one = hr_companion_tags("sha512:" HEX_A HEX_B);

    g_assert_cmpstr(shorter, ==, "sha256-" HEX_A);
    g_assert_cmpstr(longer, ==, "sha512-" HEX_A);
    g_assert_cmpuint(g_strv_length(all), ==, 4);
    g_assert_cmpstr(all[0], ==, "sha256-" HEX_A);
    g_assert_cmpstr(all[1], ==, "sha256-" HEX_A ".sig");
    g_assert_cmpstr(all[2], ==, "sha256-" HEX_A ".att");
    g_assert_cmpstr(all[3], ==, "sha256-" HEX_A ".sbom");
    g_assert_cmpuint(g_strv_length(one), ==, 1);
    for (char **tag = all; *tag != NULL; tag++)
        g_assert_cmpint(hr_companion_of(*tag), ==,
                        tag == all ? HR_COMPANION_FALLBACK
                                   : HR_COMPANION_COSIGN);
    g_assert_cmpint(hr_companion_of(*one), ==, HR_COMPANION_FALLBACK);
}

static void
test_ordinary_tags(void)
{
    static const char *const tags[] = {
        "latest",
        "sha256",
        "sha256-",
        "sha256-" HEX_A "0",
        "sha256-" HEX_A ".other",
        "sha256-" HEX_A ".sig2",
        "sha512-" HEX_A ".sig",
        "sha256-"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "A",
        "xsha256-" HEX_A,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(tags); i++)
        g_assert_cmpint(hr_companion_of(tags[i]), ==, HR_COMPANION_NONE);
}

static void
test_reads(void)
{
    g_autoptr(GPtrArray) list = make_list(
        ENTRY(HEX_B, ",\"artifactType\":\"text/sbom\"") "," ENTRY(HEX_A, ""));
    const HrReferrer *first = list->pdata[0];
    const HrReferrer *second = list->pdata[1];
    static const char page[] =
        "{\"manifests\":[" ENTRY(HEX_A, "") "," ENTRY(HEX_C, "") "]}";

    g_assert_cmpuint(list->len, ==, 2);
    g_assert_cmpstr(first->digest, ==, "sha256:" HEX_B);
    g_assert_cmpstr(first->media_type, ==, OCI_MANIFEST);
    g_assert_cmpstr(first->artifact_type, ==, "text/sbom");
    g_assert_cmpint(first->size, ==, 7);
    g_assert_null(second->artifact_type);
    /* A further page; what it repeats is there once. */
    g_assert_true(hr_referrers_read(list, page, sizeof page - 1, NULL));
    g_assert_cmpuint(list->len, ==, 3);
}

static void
test_refuses(void)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"manifests\":{}}",
        "{\"manifests\":[1]}",
        "{\"manifests\":[{\"mediaType\":\"a/b\",\"size\":1}]}",
        "{\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX_A
        "\"}]}",
        "{\"manifests\":[{\"size\":1,\"digest\":\"sha256:" HEX_A "\"}]}",
        "{\"manifests\":[{\"mediaType\":\"a/b\",\"size\":-1,\"digest\":"
        "\"sha256:" HEX_A "\"}]}",
        "{\"manifests\":[{\"mediaType\":\"a/b\",\"size\":1,\"digest\":"
        "\"sha256:../../x\"}]}",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GPtrArray) list = hr_referrers_new();
        g_autoptr(GError) error = NULL;

        g_assert_false(
            hr_referrers_read(list, texts[i], strlen(texts[i]), &error));
        g_assert_cmpint(hr_error_status(error), ==, HR_INVALID);
    }
}

static void
test_limit(void)
{
    g_autoptr(GPtrArray) list = hr_referrers_new();
    g_autoptr(GString) text = g_string_new("{\"manifests\":[");
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i <= HR_REFERRERS_LIMIT; i++)
        g_string_append_printf(text,
                               "%s{\"mediaType\":\"a/b\",\"size\":1,"
                               "\"digest\":\"sha256:%064x\"}",
                               i > 0 ? "," : "", i);
    g_string_append(text, "]}");
    g_assert_false(hr_referrers_read(list, text->str, text->len, &error));
    g_assert_nonnull(strstr(error->message, "10000"));
}

static void
test_describes(void)
{
    static const char image[] =
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"text/config\","
        "\"size\":2,\"digest\":\"sha256:" HEX_A "\"},\"layers\":[],"
        "\"annotations\":{\"b\":\"2\",\"a\":\"1\"}%s}";
    static const char *const types[] = {"", ",\"artifactType\":\"text/sbom\"",
                                        ",\"artifactType\":\"\""};
    static const char *const wanted[] = {"text/config", "text/sbom",
                                         "text/config"};

    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autofree char *text = g_strdup_printf(image, types[i]);
        g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
        g_autoptr(HrManifest) manifest =
            hr_manifest_parse(bytes, OCI_MANIFEST, NULL, NULL);
        g_autoptr(HrReferrer) entry = hr_referrer_describe(manifest, NULL);

        g_assert_cmpstr(entry->artifact_type, ==, wanted[i]);
        g_assert_cmpstr(entry->digest, ==, manifest->digest);
        g_assert_cmpint(entry->size, ==, (int64_t)strlen(text));
        g_assert_nonnull(
            strstr(entry->text, "\"annotations\":{\"a\":\"1\",\"b\":\"2\"}"));
    }
}

static void
test_first(void)
{
    g_autofree char *one =
        merge(NULL, ENTRY(HEX_B, "") "," ENTRY(HEX_A, ""), NULL);
    g_autofree char *other =
        merge(NULL, ENTRY(HEX_A, "") "," ENTRY(HEX_B, ""), NULL);

    g_assert_cmpstr(one, ==, other);
    g_assert_true(g_str_has_prefix(one, "{\"manifests\":["));
    g_assert_nonnull(strstr(one, "\"mediaType\":\"" OCI_INDEX "\""));
    g_assert_nonnull(strstr(one, "\"schemaVersion\":2"));
    g_assert_true(strstr(one, HEX_A) < strstr(one, HEX_B));
}

static void
test_keeps_others(void)
{
    g_autoptr(HrManifest) current = make_index(
        ENTRY(HEX_A, ",\"annotations\":{\"who\":\"another\"},\"x-own\":[1,"
                     "{\"deep\":null}]"),
        ",\"annotations\":{\"kept\":\"yes\"},\"x-top\":3");
    g_autofree char *text = merge(current, ENTRY(HEX_B, ""), NULL);

    g_assert_nonnull(strstr(text, "\"annotations\":{\"who\":\"another\"}"));
    g_assert_nonnull(strstr(text, "\"x-own\":[1,{\"deep\":null}]"));
    g_assert_nonnull(strstr(text, "\"annotations\":{\"kept\":\"yes\"}"));
    g_assert_nonnull(strstr(text, "\"x-top\":3"));
    g_assert_nonnull(strstr(text, HEX_B));
}

static void
test_replaces_own(void)
{
    g_autoptr(HrManifest) current =
        make_index(ENTRY(HEX_A, ",\"artifactType\":\"old\""), "");
    g_autofree char *text =
        merge(current, ENTRY(HEX_A, ",\"artifactType\":\"new\""), NULL);

    g_assert_null(strstr(text, "old"));
    g_assert_nonnull(strstr(text, "\"artifactType\":\"new\""));
    g_assert_null(strstr(strstr(text, HEX_A) + 1, HEX_A));
}

/* What says the same as the source's is the source's, to the byte. */
static void
test_like(void)
{
    g_autoptr(HrManifest) like = make_index(
        ENTRY(HEX_B, ",\"annotations\":{\"x\":\"y\"}") "," ENTRY(HEX_A, ""),
        "");
    g_autoptr(HrManifest) current =
        make_index(ENTRY(HEX_B, ",\"annotations\":{\"x\":\"y\"}"), "");
    g_autoptr(HrManifest) foreign =
        make_index(ENTRY(HEX_B, ",\"annotations\":{\"x\":\"z\"}"), "");
    g_autofree char *wanted = text_of(like);
    g_autofree char *first =
        merge(NULL, ENTRY(HEX_A, "") "," ENTRY(HEX_B, ""), like);
    g_autofree char *second = merge(current, ENTRY(HEX_A, ""), like);
    g_autofree char *fewer = merge(NULL, ENTRY(HEX_A, ""), like);
    g_autofree char *more = merge(current, ENTRY(HEX_C, ""), like);
    g_autofree char *other = merge(foreign, ENTRY(HEX_A, ""), like);

    g_assert_cmpstr(first, ==, wanted);
    g_assert_cmpstr(second, ==, wanted);
    g_assert_null(strstr(fewer, HEX_B));
    g_assert_nonnull(strstr(more, HEX_B));
    g_assert_null(strstr(more, HEX_A));
    /* The other's entry keeps its meaning. */
    g_assert_nonnull(strstr(other, "\"x\":\"z\""));
}

static void
test_no_index(void)
{
    static const char text[] =
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"text/config\","
        "\"size\":2,\"digest\":\"sha256:" HEX_A "\"},\"layers\":[]}";
    g_autoptr(GBytes) bytes = g_bytes_new_static(text, sizeof text - 1);
    g_autoptr(HrManifest) image =
        hr_manifest_parse(bytes, OCI_MANIFEST, NULL, NULL);
    g_autoptr(GPtrArray) added = make_list(ENTRY(HEX_A, ""));
    g_autoptr(GError) error = NULL;

    g_assert_null(hr_referrers_merge(image, added, NULL, &error));
    g_assert_cmpint(hr_error_status(error), ==, HR_CONFLICT);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/referrer/tags-are-made-of-digests", test_tags);
    g_test_add_func("/referrer/other-tags-are-ordinary", test_ordinary_tags);
    g_test_add_func("/referrer/reads-page-by-page", test_reads);
    g_test_add_func("/referrer/refuses-what-is-no-list", test_refuses);
    g_test_add_func("/referrer/a-list-has-an-end", test_limit);
    g_test_add_func("/referrer/describes-a-manifest", test_describes);
    g_test_add_func("/referrer/the-first-index-depends-on-no-order",
                    test_first);
    g_test_add_func("/referrer/others-keep-their-meaning", test_keeps_others);
    g_test_add_func("/referrer/replaces-an-entry-of-ours", test_replaces_own);
    g_test_add_func("/referrer/equals-the-source-where-it-can", test_like);
    g_test_add_func("/referrer/does-not-touch-what-is-no-index",
                    test_no_index);
    return g_test_run();
}
