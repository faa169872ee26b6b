/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Platforms: written, meant, and told by indexes. */
#include "model/platform.h"

#include <glib.h>
#include <string.h>

#include "model/manifest.h"

static void
test_written(void)
{
    static const char *const good[] = {"linux/amd64", "linux/arm64/v8",
                                       "windows/amd64", "linux/386",
                                       "linux/arm/v7"};
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        {"linux", "os/architecture"},
        {"", "os/architecture"},
        {"linux/arm/v7/x", "os/architecture"},
        {"linux/", "is no platform"},
        {"/amd64", "is no platform"},
        {"linux/arm64/", "is no platform"},
        {"Linux/amd64", "is no platform"},
        {"linux/AMD64", "is no platform"},
        {"linux/amd 64", "is no platform"},
        {"unknown/unknown", "is no platform"},
        {"linux/x86_64", "images call this architecture amd64"},
        {"linux/aarch64", "images call this architecture arm64"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(HrPlatform) platform = hr_platform_parse(good[i], &error);
        g_autofree char *text = NULL;

        g_assert_no_error(error);
        text = hr_platform_text(platform);
        g_assert_cmpstr(text, ==, good[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(hr_platform_parse(bad[i].text, &error));
        g_assert_nonnull(strstr(error->message, bad[i].says));
    }
}

static bool
holds(const char *wanted_text, const char *os, const char *architecture,
      const char *variant)
{
    g_autoptr(HrPlatform) wanted = hr_platform_parse(wanted_text, NULL);
    g_autoptr(HrPlatform) platform =
        hr_platform_new(os, architecture, variant);

    return hr_platform_holds(wanted, platform);
}

static void
test_meant(void)
{
    g_assert_true(holds("linux/amd64", "linux", "amd64", NULL));
    g_assert_true(holds("linux/amd64", "linux", "amd64", "v3"));
    g_assert_false(holds("linux/amd64", "windows", "amd64", NULL));
    g_assert_false(holds("linux/amd64", "linux", "arm64", NULL));
    g_assert_true(holds("linux/amd64/v1", "linux", "amd64", NULL));
    g_assert_false(holds("linux/amd64/v2", "linux", "amd64", NULL));
    g_assert_true(holds("linux/arm64/v8", "linux", "arm64", NULL));
    g_assert_true(holds("linux/arm64", "linux", "arm64", "v8"));
    g_assert_true(holds("linux/arm", "linux", "arm", "v5"));
    g_assert_true(holds("linux/arm/v7", "linux", "arm", NULL));
    g_assert_false(holds("linux/arm/v7", "linux", "arm", "v6"));
    g_assert_false(holds("linux/s390x/z", "linux", "s390x", NULL));
}

#define CHILD(letter, more)                                                   \
    "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","          \
    "\"size\":1,\"digest\":\"sha256:" letter letter letter letter letter      \
        letter letter letter "\"" more "}"
#define DIGITS_A "aaaaaaaa"
#define DIGITS_B "bbbbbbbb"

static void
test_told(void)
{
    static const char text[] = "{\"schemaVersion\":2,\"manifests\":[" CHILD(
        DIGITS_A,
        ",\"platform\":{\"os\":\"linux\",\"architecture\":"
        "\"arm\",\"variant\":\"v6\"}") "," CHILD("bbbbbbbb",
                                                 ",\"platform\":{\"os\":"
                                                 "\"unknown\","
                                                 "\"architecture\":"
                                                 "\"unknown\"},"
                                                 "\"annotations\":{"
                                                 "\"vnd.docker.reference."
                                                 "type\":"
                                                 "\"attestation-manifest\","
                                                 "\"vnd.docker.reference."
                                                 "digest\":\"sha256:" DIGITS_A
                                                     DIGITS_A DIGITS_A DIGITS_A
                                                         DIGITS_A DIGITS_A
                                                             DIGITS_A DIGITS_A
                                                 "\"}") "," CHILD("cccccccc",
                                                                  ",\"platform"
                                                                  "\":"
                                                                  "\"linux\","
                                                                  "\"annotatio"
                                                                  "ns\":{"
                                                                  "\"vnd."
                                                                  "docker."
                                                                  "reference."
                                                                  "type\":"
                                                                  "\"attestati"
                                                                  "on-"
                                                                  "manifest\","
                                                                  "\"vnd."
                                                                  "docker."
                                                                  "reference."
                                                                  "digest\":"
                                                                  "\"x\"}") "," CHILD("dddddddd",
                                                                                      ",\"platform\":{\"os\":1,\"architecture\":2}") "," CHILD("eeeeeeee",
                                                                                                                                               "") "]}";
    g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));
    g_autoptr(GError) error = NULL;
    g_autoptr(HrManifest) index = hr_manifest_parse(bytes, NULL, NULL, &error);
    const HrDescriptor *children[5];

    g_assert_no_error(error);
    g_assert_cmpuint(index->children->len, ==, 5);
    for (unsigned i = 0; i < 5; i++)
        children[i] = index->children->pdata[i];
    g_assert_cmpstr(children[0]->platform->variant, ==, "v6");
    g_assert_null(children[0]->attests);
    g_assert_null(children[1]->platform);
    g_assert_cmpstr(children[1]->attests, ==, children[0]->digest);
    for (unsigned i = 2; i < 5; i++) {
        g_assert_null(children[i]->platform);
        g_assert_null(children[i]->attests);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/platform/is-written-in-one-way", test_written);
    g_test_add_func("/platform/variants-are-meant-or-not", test_meant);
    g_test_add_func("/platform/indexes-tell-what-they-like", test_told);
    return g_test_run();
}
