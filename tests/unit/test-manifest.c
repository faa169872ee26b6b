/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifests: the published documents, and what is wrong with others. */
#include <glib.h>
#include <jansson.h>
#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/manifest.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define CONFIG "application/vnd.oci.image.config.v1+json"
#define LAYER "application/vnd.oci.image.layer.v1.tar+gzip"

#define HEX(c) c c c c c c c c c c c c c c c c
#define DIGEST_1 "sha256:" HEX("1111")
#define DIGEST_2 "sha256:" HEX("2222")
#define DIGEST_3 "sha256:" HEX("3333")
#define DIGEST_512 "sha512:" HEX("4444") HEX("4444")

#define ITEM(type, size, digest)                                              \
    "{\"mediaType\":\"" type "\",\"size\":" size ",\"digest\":\"" digest "\"" \
    "}"
#define IMAGE(rest) "{\"schemaVersion\":2," rest "}"
#define CONFIG_1 "\"config\":" ITEM(CONFIG, "10", DIGEST_1)

#define MUTATIONS 100000

static HrManifest *
parse_as(const char *text, const char *media_type, const char *expected,
         GError **error)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

    return hr_manifest_parse(bytes, media_type, expected, error);
}

static HrManifest *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    HrManifest *manifest = parse_as(text, NULL, NULL, &error);

    g_assert_no_error(error);
    return manifest;
}

static void
refuse_as(const char *text, const char *media_type, const char *expected,
          hr_status status, const char *words)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(parse_as(text, media_type, expected, &error));
    g_test_message("%s", error->message);
    g_assert_cmpint(hr_error_status(error), ==, status);
    g_assert_nonnull(strstr(error->message, words));
}

static void
refuse(const char *text, const char *words)
{
    refuse_as(text, NULL, NULL, HR_INVALID, words);
}

static const HrDescriptor *
blob(const HrManifest *manifest, unsigned i)
{
    g_assert_cmpuint(i, <, manifest->blobs->len);
    return manifest->blobs->pdata[i];
}

/* ------------------------------------------------------------- vectors */

typedef struct Tally {
    unsigned run;
    unsigned skipped;
} Tally;

static const char *
text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Where a registry's grammar and the schemas of the source differ. */
static const char *
find_difference(const char *id)
{
    static const struct {
        const char *id;
        const char *reason;
    } known[] = {
        {"a38ab18216ed", "algorithms nobody registered are not known here"},
        {"4e86d2d8e849", "algorithms nobody registered are not known here"},
        {"c591377bb62a", "algorithms nobody registered are not known here"},
        {"a2a50115e012", "platforms are nobody's to judge here"},
        {"85bc55cbe66a", "addresses of layers are not used here"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(known); i++)
        if (strcmp(known[i].id, id) == 0)
            return known[i].reason;
    return NULL;
}

/* The document that is to be parsed; a descriptor becomes the only layer of a
 * manifest.  NULL for what is neither. */
static char *
make_document(const json_t *one)
{
    const char *kind = text_of(one, "kind");
    const char *input = text_of(one, "input");

    if (strcmp(kind, "manifest") == 0 || strcmp(kind, "index") == 0)
        return g_strdup(input);
    if (strcmp(kind, "descriptor") == 0)
        return g_strconcat("{\"schemaVersion\":2," CONFIG_1 ",\"layers\":[",
                           input, "]}", NULL);
    if (strcmp(kind, "config") != 0 && strcmp(kind, "layout") != 0)
        g_error("unknown kind %s", kind);
    return NULL;
}

static void
skip(Tally *tally, const json_t *one, const char *reason)
{
    g_test_message("skipped %s: %s", text_of(one, "id"), reason);
    tally->skipped++;
}

static void
check_valid(const json_t *one, Tally *tally)
{
    g_autofree char *document = make_document(one);
    const json_t *expect = json_object_get(one, "expect");
    const char *reason = find_difference(text_of(one, "id"));
    g_autoptr(GError) error = NULL;
    g_autoptr(HrManifest) manifest = NULL;

    if (reason == NULL && document == NULL)
        reason = "configs and layouts are nobody's to parse here";
    if (reason != NULL) {
        skip(tally, one, reason);
        return;
    }
    tally->run++;
    manifest = parse_as(document, NULL, NULL, &error);
    g_test_message("%s %s: %s", text_of(one, "id"), text_of(one, "kind"),
                   error != NULL ? error->message : "taken");
    g_assert_true((manifest != NULL) ==
                  json_is_true(json_object_get(expect, "valid")));
}

static void
check_digest(const json_t *one, Tally *tally)
{
    g_autofree char *document = make_document(one);
    const json_t *expect = json_object_get(one, "expect");
    const char *input = text_of(one, "input");
    char digest[HR_DIGEST_CAPACITY];

    hr_digest_of(input, strlen(input), digest);
    g_assert_cmpstr(digest, ==, text_of(expect, "digest"));
    if (document != NULL) {
        g_autoptr(HrManifest) manifest = parse(document);

        g_assert_cmpstr(manifest->digest, ==, digest);
        g_assert_cmpint((json_int_t)g_bytes_get_size(manifest->bytes), ==,
                        json_integer_value(json_object_get(expect, "size")));
    }
    tally->run++;
}

static json_t *
load_vectors(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path = g_build_filename(
        top != NULL ? top : ".", "tests/unit/data/oci-manifests.json", NULL);
    json_error_t problem;
    json_t *root = json_load_file(path, 0, &problem);

    if (root == NULL)
        g_error("%s: %s", path, problem.text);
    return root;
}

static void
test_vectors(void)
{
    json_t *root = load_vectors();
    Tally tally = {0, 0};
    json_t *one;
    size_t i;

    json_array_foreach (json_object_get(root, "cases"), i, one) {
        const char *op = text_of(one, "op");

        if (strcmp(op, "valid") == 0)
            check_valid(one, &tally);
        else if (strcmp(op, "digest_of") == 0)
            check_digest(one, &tally);
        else
            g_error("unknown op %s", op);
    }
    g_test_message("run %u, skipped %u", tally.run, tally.skipped);
    g_assert_cmpuint(tally.run + tally.skipped, ==, i);
    g_assert_cmpuint(tally.run, ==, 36);
    json_decref(root);
}

/* --------------------------------------------------------------- reading */

static void
test_image(void)
{
    g_autoptr(HrManifest) manifest =
        parse(IMAGE("\"mediaType\":\"" OCI_MANIFEST "\"," CONFIG_1
                    ",\"layers\":[" ITEM(LAYER, "20", DIGEST_2) "," ITEM(
                        LAYER, "9007199254740992", DIGEST_512) "]"));
    char digest[HR_DIGEST_CAPACITY];
    gsize size;
    const void *data = g_bytes_get_data(manifest->bytes, &size);

    hr_digest_of(data, size, digest);
    g_assert_cmpstr(manifest->digest, ==, digest);
    g_assert_cmpstr(manifest->media_type, ==, OCI_MANIFEST);
    g_assert_cmpuint(manifest->blobs->len, ==, 3);
    g_assert_cmpuint(manifest->children->len, ==, 0);
    g_assert_null(manifest->subject);
    g_assert_cmpstr(blob(manifest, 0)->digest, ==, DIGEST_1);
    g_assert_cmpstr(blob(manifest, 0)->media_type, ==, CONFIG);
    g_assert_cmpint(blob(manifest, 0)->size, ==, 10);
    g_assert_cmpstr(blob(manifest, 1)->digest, ==, DIGEST_2);
    g_assert_cmpstr(blob(manifest, 2)->digest, ==, DIGEST_512);
    g_assert_cmpint(blob(manifest, 2)->size, ==, INT64_C(1) << 53);
    g_assert_false(blob(manifest, 2)->foreign);
}

static void
test_index(void)
{
    g_autoptr(HrManifest) manifest = parse(
        IMAGE("\"manifests\":[" ITEM(OCI_MANIFEST, "1", DIGEST_1) "," ITEM(
            OCI_INDEX, "2",
            DIGEST_2) "," ITEM(OCI_MANIFEST, "1",
                               DIGEST_1) "],"
                                         "\"subject\":" ITEM(OCI_MANIFEST, "3",
                                                             DIGEST_3)));
    const HrDescriptor *child = manifest->children->pdata[1];

    g_assert_cmpstr(manifest->media_type, ==, OCI_INDEX);
    g_assert_cmpuint(manifest->blobs->len, ==, 0);
    g_assert_cmpuint(manifest->children->len, ==, 2);
    g_assert_cmpstr(child->digest, ==, DIGEST_2);
    g_assert_cmpstr(child->media_type, ==, OCI_INDEX);
    g_assert_cmpint(child->size, ==, 2);
    g_assert_cmpstr(manifest->subject->digest, ==, DIGEST_3);
    g_assert_true(hr_media_type_is_index(OCI_INDEX));
    g_assert_true(hr_media_type_is_index(DOCKER_LIST));
    g_assert_false(hr_media_type_is_index(DOCKER_MANIFEST));
}

static void
test_artifact(void)
{
    g_autoptr(HrManifest) manifest =
        parse(IMAGE("\"artifactType\":\"application/vnd.example+type\","
                    "\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+"
                    "json\",\"size\":2,\"digest\":\"sha256:44136fa355b3678a114"
                    "6ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"data\":"
                    "\"e30=\"},\"layers\":[{\"mediaType\":\"application/vnd."
                    "oci.empty.v1+json\",\"size\":2,\"digest\":\"sha256:44136f"
                    "a355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8"
                    "a\"}],\"subject\":" ITEM(OCI_MANIFEST, "3", DIGEST_3)));
    g_autoptr(HrManifest) chart = parse(
        IMAGE("\"config\":" ITEM("application/vnd.cncf.helm.config.v1+json",
                                 "1", DIGEST_1) ",\"layers\":[]"));
    g_autoptr(HrManifest) null = parse(IMAGE(CONFIG_1 ",\"layers\":null"));

    g_assert_cmpuint(manifest->blobs->len, ==, 1);
    g_assert_cmpint(blob(manifest, 0)->size, ==, 2);
    g_assert_cmpstr(manifest->subject->digest, ==, DIGEST_3);
    g_assert_cmpint(manifest->subject->size, ==, 3);
    g_assert_cmpuint(chart->blobs->len, ==, 1);
    g_assert_cmpuint(null->blobs->len, ==, 1);
}

static void
test_docker(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrManifest) image = NULL;
    g_autoptr(HrManifest) list = NULL;

    image = parse_as(
        IMAGE("\"mediaType\":\"" DOCKER_MANIFEST "\"," CONFIG_1
              ",\"layers\":[" ITEM(
                  "application/vnd.docker.image.rootfs."
                  "foreign.diff.tar.gzip",
                  "5",
                  DIGEST_2) "," ITEM("application/"
                                     "vnd.oci.image.layer.nondistributable.v1."
                                     "tar+zstd",
                                     "5", DIGEST_3) "]"),
        DOCKER_MANIFEST, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(image->media_type, ==, DOCKER_MANIFEST);
    g_assert_false(blob(image, 0)->foreign);
    g_assert_true(blob(image, 1)->foreign);
    g_assert_true(blob(image, 2)->foreign);
    /* The registry's word is enough. */
    list = parse_as(
        IMAGE("\"manifests\":[" ITEM(DOCKER_MANIFEST, "1", DIGEST_1) "]"),
        DOCKER_LIST, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(list->media_type, ==, DOCKER_LIST);
    g_assert_cmpuint(list->children->len, ==, 1);
}

/* A layer that has addresses may be in the registry as well, and then has to
 * be copied. */
static void
test_urls(void)
{
    g_autoptr(HrManifest) manifest =
        parse(IMAGE(CONFIG_1 ",\"layers\":[{\"mediaType\":\"" LAYER
                             "\",\"size\":1,\"digest\":\"" DIGEST_2
                             "\",\"urls\":[\"https://example.com/foo\"]}]"));

    g_autoptr(HrManifest) windows = parse(
        IMAGE(CONFIG_1
              ",\"layers\":[{\"mediaType\":\"application/"
              "vnd.oci.image.layer.nondistributable.v1.tar\",\"size\":1,"
              "\"digest\":\"" DIGEST_2
              "\",\"urls\":[\"http://example.com/\",7,\"HTTPS://a.example/\","
              "\"https://b.example/x\",\"\"]},{\"mediaType\":\"application/"
              "vnd.oci.image.layer.nondistributable.v1.tar\",\"size\":1,"
              "\"digest\":\"" DIGEST_3 "\",\"urls\":\"https://c.example/\"}"
              "]"));

    g_assert_cmpuint(manifest->blobs->len, ==, 2);
    g_assert_false(blob(manifest, 1)->foreign);
    g_assert_null(blob(manifest, 1)->urls);
    g_assert_cmpuint(g_strv_length(blob(windows, 1)->urls), ==, 2);
    g_assert_cmpstr(blob(windows, 1)->urls[0], ==, "HTTPS://a.example/");
    g_assert_cmpstr(blob(windows, 1)->urls[1], ==, "https://b.example/x");
    g_assert_null(blob(windows, 2)->urls);
}

/* -------------------------------------------------------------- refusing */

static void
test_schema(void)
{
    refuse_as("{\"schemaVersion\":1,\"fsLayers\":[],\"signatures\":[]}",
              "application/vnd.docker.distribution.manifest.v1+prettyjws",
              NULL, HR_UNSUPPORTED, "schema 1 is not supported");
    refuse("{}", "schemaVersion is missing or not 2");
    refuse("{\"schemaVersion\":\"2\"}", "schemaVersion is missing or not 2");
    refuse("{\"schemaVersion\":3}", "schemaVersion is missing or not 2");
    refuse("[]", "it is no JSON object");
    refuse("", "it is empty");
    refuse("{\"schemaVersion\":2", "line 1, column");
    refuse("{\"schemaVersion\":2,\"schemaVersion\":2}", "duplicate");
}

static void
test_types(void)
{
    static const char image[] = IMAGE(CONFIG_1 ",\"layers\":[]");
    static const char named[] =
        IMAGE("\"mediaType\":\"" OCI_MANIFEST "\"," CONFIG_1 ",\"layers\":[]");
    g_autoptr(HrManifest) empty = parse_as(named, "", NULL, NULL);

    g_assert_nonnull(empty);
    refuse_as(named, DOCKER_MANIFEST, NULL, HR_INVALID,
              "it says it is '" OCI_MANIFEST
              "', the registry says '" DOCKER_MANIFEST "'");
    refuse_as(image, OCI_INDEX, NULL, HR_INVALID,
              "manifests is missing or no list");
    refuse_as(image, "application/json", NULL, HR_UNSUPPORTED,
              "its type 'application/json' is none of");
    refuse_as(IMAGE("\"mediaType\":\"application/vnd.oci.artifact.manifest."
                    "v1+json\",\"blobs\":[]"),
              NULL, NULL, HR_UNSUPPORTED, "is none of image manifest");
    refuse(IMAGE("\"mediaType\":5," CONFIG_1 ",\"layers\":[]"),
           "mediaType is no text");
    /* One reader would take it for an image, another for an index. */
    refuse(IMAGE(CONFIG_1 ",\"layers\":[],\"manifests\":[]"),
           "both manifests and layers or config");
    refuse(IMAGE("\"mediaType\":\"" OCI_INDEX
                 "\",\"layers\":[],\"manifests\":[]"),
           "both manifests and layers or config");
}

static void
test_fields(void)
{
    refuse(IMAGE("\"layers\":[]"), "config is missing or no object");
    refuse(IMAGE("\"config\":\"x\",\"layers\":[]"),
           "config is missing or no object");
    refuse(IMAGE(CONFIG_1), "layers is missing or no list");
    refuse(IMAGE(CONFIG_1 ",\"layers\":{}"), "layers is missing or no list");
    refuse(IMAGE(CONFIG_1 ",\"layers\":[" ITEM(LAYER, "1", DIGEST_2) ",5]"),
           "layers[1] is missing or no object");
    refuse(IMAGE(CONFIG_1 ",\"layers\":[" ITEM("gzip", "1", DIGEST_2) "]"),
           "layers[0].mediaType is missing or no media type");
    refuse(IMAGE(CONFIG_1 ",\"layers\":[" ITEM(LAYER, "1", "sha256:12") "]"),
           "layers[0].digest is missing or no sha256 or sha512 digest");
    refuse(IMAGE(CONFIG_1
                 ",\"layers\":[" ITEM(LAYER, "1", "../../etc/passwd") "]"),
           "layers[0].digest");
    refuse(IMAGE(CONFIG_1 ",\"layers\":[" ITEM(LAYER, "-1", DIGEST_2) "]"),
           "layers[0].size is missing or no whole number");
    refuse(IMAGE(CONFIG_1 ",\"layers\":[" ITEM(LAYER, "9007199254740993",
                                               DIGEST_2) "]"),
           "layers[0].size");
    refuse(IMAGE(CONFIG_1 ",\"layers\":[" ITEM(LAYER, "1.0", DIGEST_2) "]"),
           "layers[0].size");
    refuse(IMAGE(CONFIG_1 ",\"layers\":[" ITEM(LAYER, "\"1\"", DIGEST_2) "]"),
           "layers[0].size");
    refuse(IMAGE("\"manifests\":[" ITEM(OCI_MANIFEST, "1", "x") "]"),
           "manifests[0].digest");
    refuse(IMAGE(CONFIG_1 ",\"layers\":[],\"subject\":\"nope\""),
           "subject is missing or no object");
    refuse(IMAGE(CONFIG_1 ",\"layers\":[],\"subject\":" ITEM(OCI_MANIFEST, "1",
                                                             "sha256:x")),
           "subject.digest");
}

static void
test_sizes(void)
{
    g_autoptr(HrManifest) once = parse(
        IMAGE(CONFIG_1 ",\"layers\":[" ITEM(LAYER, "20", DIGEST_2) "," ITEM(
            LAYER, "20", DIGEST_2) "," ITEM(LAYER, "10", DIGEST_1) "]"));

    g_assert_cmpuint(once->blobs->len, ==, 2);
    refuse(IMAGE(CONFIG_1 ",\"layers\":[" ITEM(LAYER, "20", DIGEST_2) "," ITEM(
               LAYER, "21", DIGEST_2) "]"),
           "layers[1] has size 21, but the same digest " DIGEST_2
           " has size 20 before");
    refuse(IMAGE(CONFIG_1 ",\"layers\":[" ITEM(LAYER, "11", DIGEST_1) "]"),
           "layers[0] has size 11");
    refuse(IMAGE("\"manifests\":[" ITEM(OCI_MANIFEST, "1", DIGEST_1) "," ITEM(
               OCI_MANIFEST, "2", DIGEST_1) "]"),
           "manifests[1] has size 2");
}

static void
test_large(void)
{
    g_autoptr(GString) text =
        g_string_new("{\"schemaVersion\":2," CONFIG_1 ",\"layers\":[]");
    g_autoptr(HrManifest) manifest = NULL;

    while (text->len < HR_MANIFEST_LIMIT_BYTES - 1)
        g_string_append_c(text, ' ');
    g_string_append_c(text, '}');
    manifest = parse(text->str);
    g_string_append_c(text, '\n');
    refuse_as(text->str, NULL, DIGEST_1, HR_INVALID,
              "manifest " DIGEST_1 ": it is larger than 4 MiB");
    refuse(text->str, "manifest: it is larger than 4 MiB");
}

/* As many layers as fit: reading them takes no longer than their text. */
static void
test_many(void)
{
    g_autoptr(GString) text =
        g_string_new("{\"schemaVersion\":2," CONFIG_1 ",\"layers\":[");
    unsigned count = 0;
    g_autoptr(HrManifest) manifest = NULL;

    for (; text->len < HR_MANIFEST_LIMIT_BYTES - 200; count++)
        g_string_append_printf(text,
                               "%s{\"mediaType\":\"a/b\",\"size\":1,"
                               "\"digest\":\"sha256:%064x\"}",
                               count == 0 ? "" : ",", count);
    g_string_append(text, "]}");
    manifest = parse(text->str);
    g_assert_cmpuint(count, >, 30000);
    g_assert_cmpuint(manifest->blobs->len, ==, count + 1);
}

static void
test_digest(void)
{
    static const char image[] = IMAGE(CONFIG_1 ",\"layers\":[]");
    g_autoptr(HrHash) hash = hr_hash_new(DIGEST_512);
    g_autoptr(HrManifest) manifest = NULL;
    g_autoptr(GError) error = NULL;
    char digest[HR_DIGEST_CAPACITY];

    hr_hash_update(hash, image, strlen(image));
    hr_hash_finish(hash, digest);
    manifest = parse_as(image, NULL, digest, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(manifest->digest, ==, digest);
    refuse_as(image, NULL, DIGEST_512, HR_INTEGRITY, DIGEST_512);
    refuse_as(image, NULL, DIGEST_512, HR_INTEGRITY, digest);
    hr_digest_of(image, strlen(image), digest);
    refuse_as(image, NULL, DIGEST_1, HR_INTEGRITY,
              "manifest " DIGEST_1 ": its bytes have the digest sha256:");
    refuse_as(image, NULL, DIGEST_1, HR_INTEGRITY, digest);
    refuse_as(image, NULL, "md5:12", HR_INVALID, "'md5:12' is no digest");
    /* First of all, for what is not what was asked for is not looked at. */
    refuse_as("{", NULL, DIGEST_1, HR_INTEGRITY, DIGEST_1);
}

/* ------------------------------------------------------------------ fuzz */

static void
check_descriptors(const GPtrArray *list)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < list->len; i++) {
        const HrDescriptor *one = list->pdata[i];

        g_assert_true(hr_digest_valid(one->digest));
        g_assert_cmpuint(strlen(one->media_type), <, HR_MEDIA_TYPE_CAPACITY);
        g_assert_cmpint(one->size, >=, 0);
        g_assert_cmpint(one->size, <=, INT64_C(1) << 53);
        g_assert_true(g_hash_table_add(seen, one->digest));
    }
}

/* Whatever was done to a document: a refusal with a sentence, or descriptors
 * that everybody may rely on. */
static void
check_mutation(const char *text, size_t size, unsigned *taken)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(HrManifest) manifest =
        hr_manifest_parse(bytes, NULL, NULL, &error);

    if (manifest == NULL) {
        g_assert_true(hr_error_status(error) == HR_INVALID ||
                      hr_error_status(error) == HR_UNSUPPORTED);
        g_assert_true(g_str_has_prefix(error->message, "manifest sha256:"));
        return;
    }
    (*taken)++;
    g_assert_true(hr_digest_matches(manifest->digest, text, size));
    check_descriptors(manifest->blobs);
    check_descriptors(manifest->children);
}

static void
mutate(GRand *random, GString *text)
{
    static const char alphabet[] = "{}[]\",:\\019e.-/ \nz\xff";
    gint32 place = g_rand_int_range(random, 0, (gint32)text->len);
    gint32 from = g_rand_int_range(random, 0, (gint32)text->len);
    gint32 length = g_rand_int_range(random, 1, 80);
    g_autofree char *piece = NULL;

    length = MIN(length, (gint32)text->len - from);
    switch (g_rand_int_range(random, 0, 4)) {
    case 0:
        text->str[place] =
            alphabet[g_rand_int_range(random, 0, sizeof alphabet - 1)];
        break;
    case 1:
        g_string_erase(text, from, MIN(length, (gint32)text->len - 1));
        break;
    case 2:
        piece = g_strndup(text->str + from, (gsize)length);
        g_string_insert_len(text, place, piece, -1);
        break;
    default:
        text->str[place] ^= (char)(1 << g_rand_int_range(random, 0, 8));
        break;
    }
}

static void
test_mutations(void)
{
    static const char *const seeds[] = {
        IMAGE("\"mediaType\":\"" OCI_MANIFEST "\"," CONFIG_1
              ",\"layers\":[" ITEM(LAYER, "20", DIGEST_2) "," ITEM(
                  LAYER, "3", DIGEST_512) "],\"annotations\":{\"a\":\"b\"},"
                                          "\"subject\":" ITEM(OCI_MANIFEST,
                                                              "3", DIGEST_3)),
        IMAGE("\"manifests\":[" ITEM(OCI_MANIFEST, "1", DIGEST_1) "," ITEM(
            OCI_INDEX, "2", DIGEST_2) "]"),
    };
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    unsigned taken = 0;

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        g_autoptr(GString) text = g_string_new(seeds[i % G_N_ELEMENTS(seeds)]);
        int changes = g_rand_int_range(random, 0, 4);

        for (int j = 0; j < changes; j++)
            mutate(random, text);
        check_mutation(text->str, text->len, &taken);
    }
    g_assert_cmpuint(taken, >, MUTATIONS / 10);
    g_assert_cmpuint(taken, <, MUTATIONS * 9 / 10);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/manifest/published-documents-are-judged-alike",
                    test_vectors);
    g_test_add_func("/manifest/reads-an-image", test_image);
    g_test_add_func("/manifest/reads-an-index", test_index);
    g_test_add_func("/manifest/reads-what-is-no-image", test_artifact);
    g_test_add_func("/manifest/reads-docker-schema-2", test_docker);
    g_test_add_func("/manifest/layers-with-addresses-are-copied", test_urls);
    g_test_add_func("/manifest/refuses-other-schemas", test_schema);
    g_test_add_func("/manifest/both-words-about-its-type-agree", test_types);
    g_test_add_func("/manifest/names-the-field-that-is-wrong", test_fields);
    g_test_add_func("/manifest/one-digest-has-one-size", test_sizes);
    g_test_add_func("/manifest/refuses-more-than-4-mib", test_large);
    g_test_add_func("/manifest/takes-as-many-layers-as-fit", test_many);
    g_test_add_func("/manifest/has-the-digest-that-was-asked-for",
                    test_digest);
    g_test_add_func("/manifest/withstands-mutations", test_mutations);
    return g_test_run();
}
