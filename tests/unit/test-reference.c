/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names: the published cases, and skopeo's spelling of places. */
#include <glib.h>
#include <jansson.h>
#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/reference.h"

#define HEX_64                                                                \
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define DIGEST "sha256:" HEX_64
#define MUTATIONS 100000

typedef struct Tally {
    unsigned run;
    GHashTable *skipped; /* reason -> count */
} Tally;

static void
skip(Tally *tally, const char *reason)
{
    guint count =
        GPOINTER_TO_UINT(g_hash_table_lookup(tally->skipped, reason));

    g_hash_table_insert(tally->skipped, (gpointer)reason,
                        GUINT_TO_POINTER(count + 1));
}

static const char *
text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static HrPlace *
parse_name(const char *name, GError **error)
{
    g_autofree char *text = g_strconcat("docker://", name, NULL);

    return hr_place_parse(text, error);
}

/* Where the source decides otherwise, and why; NULL if it does not. */
static const char *
find_difference(const json_t *one)
{
    static const struct {
        const char *id;
        const char *reason;
    } known[] = {
        {"4f1192b7cbb0", "sha512 is a known algorithm here"},
        {"b008bfaed997", "ports end at 65535 here"},
        {"d1f63f596a0d", "ports end at 65535 here"},
        {"58cb54fc466a", "ports end at 65535 here"},
        {"2de5d76f2ded", "names are 255 bytes at most here"},
    };
    const char *id = text_of(one, "id");

    for (unsigned i = 0; i < G_N_ELEMENTS(known); i++)
        if (strcmp(known[i].id, id) == 0)
            return known[i].reason;
    return NULL;
}

/* What the parser of places makes of a name: it normalises, so that names
 * without a host get docker.io. */
static void
check_place(const json_t *one, Tally *tally)
{
    const char *input = text_of(one, "input");
    const json_t *expect = json_object_get(one, "expect");
    const json_t *valid = json_object_get(expect, "valid");
    bool wrong = json_object_get(expect, "error") != NULL ||
                 (valid != NULL && json_is_false(valid));
    g_autoptr(GError) error = NULL;
    g_autoptr(HrPlace) place = parse_name(input, &error);
    const char *domain = text_of(expect, "domain");
    const char *path = text_of(expect, "path");

    tally->run++;
    if (wrong) {
        g_assert_null(place);
        g_assert_cmpint(hr_error_status(error), ==, HR_INVALID);
        return;
    }
    g_assert_no_error(error);
    if (domain != NULL && *domain != '\0')
        g_assert_cmpstr(place->host, ==, domain);
    if (path != NULL)
        g_assert_cmpstr(place->repository, ==, path);
}

/* parse and reference_grammar: what is tag and what is digest. */
static void
check_parts(const json_t *one, Tally *tally)
{
    const char *input = text_of(one, "input");
    const json_t *expect = json_object_get(one, "expect");
    const char *name = text_of(expect, "name");
    const char *domain = text_of(expect, "domain");
    const char *digest = text_of(expect, "digest");
    const char *tag = text_of(expect, "tag");
    g_autoptr(GError) error = NULL;
    g_autoptr(HrPlace) place = NULL;

    if (name != NULL && domain != NULL && *domain != '\0' &&
        strpbrk(domain, ".:[") == NULL) {
        skip(tally, "not normalised: any first component is a domain");
        return;
    }
    place = parse_name(input, &error);
    tally->run++;
    if (name == NULL) {
        g_assert_null(place);
        g_assert_cmpint(hr_error_status(error), ==, HR_INVALID);
        return;
    }
    g_assert_no_error(error);
    g_assert_true(g_str_has_suffix(name, place->repository) ||
                  g_str_has_suffix(place->repository, name));
    if (digest != NULL && *digest != '\0')
        g_assert_cmpstr(place->reference, ==, digest);
    else if (tag != NULL && *tag != '\0')
        g_assert_cmpstr(place->reference, ==, tag);
    else if (tag != NULL)
        g_assert_null(place->reference);
}

static void
check_domain(const json_t *one, Tally *tally)
{
    const char *input = text_of(one, "input");
    bool match =
        json_is_true(json_object_get(json_object_get(one, "expect"), "match"));
    g_autofree char *name = g_strconcat(input, "/repo", NULL);
    g_autoptr(HrPlace) place = NULL;

    tally->run++;
    place = parse_name(name, NULL);
    g_assert_true((place != NULL) == match);
    if (match)
        g_assert_cmpstr(place->host, ==, input);
}

/* The path alone, since the domain of this grammar may be any first part. */
static void
check_name(const json_t *one, Tally *tally)
{
    const json_t *expect = json_object_get(one, "expect");
    const char *input = text_of(one, "input");
    const char *path = text_of(expect, "path");

    tally->run++;
    if (json_is_true(json_object_get(expect, "match"))) {
        g_autoptr(HrPlace) place = parse_name(input, NULL);

        g_assert_nonnull(place);
        if (path != NULL)
            g_assert_true(hr_repository_valid(path));
    } else {
        g_assert_false(hr_repository_valid(input));
    }
}

static void
check_any(const json_t *one, Tally *tally)
{
    const json_t *expect = json_object_get(one, "expect");
    const char *input = text_of(one, "input");

    if (!json_is_true(json_object_get(expect, "digest_only"))) {
        check_place(one, tally);
        return;
    }
    tally->run++;
    g_assert_true(hr_digest_valid(input));
    g_assert_true(hr_reference_valid(input));
}

static void
check_identifier(const json_t *one, Tally *tally)
{
    const char *input = text_of(one, "input");
    bool match =
        json_is_true(json_object_get(json_object_get(one, "expect"), "match"));
    g_autofree char *digest = g_strconcat("sha256:", input, NULL);

    tally->run++;
    g_assert_true(hr_digest_valid(digest) == match);
}

typedef struct Operation {
    const char *name;
    void (*check)(const json_t *one, Tally *tally);
    const char *reason; /* why not, if check is NULL */
} Operation;

static const Operation operations[] = {
    {"parse", check_parts, NULL},
    {"reference_grammar", check_parts, NULL},
    {"normalize", check_place, NULL},
    {"normalize_split", check_place, NULL},
    {"normalize_valid", check_place, NULL},
    {"parse_any", check_any, NULL},
    {"domain_grammar", check_domain, NULL},
    {"name_grammar", check_name, NULL},
    {"identifier_grammar", check_identifier, NULL},
    {"with_name", NULL, "not normalised, and a bare name only"},
    {"parse_canonical", NULL, "here any name is brought into full form"},
    {"compose", NULL, "references are taken apart here, never composed"},
    {"docker_ref", NULL, "no tag is ever made up here"},
    {"familiar_match", NULL, "there are no short forms here"},
};

static void
run_case(const json_t *one, Tally *tally)
{
    const char *name = text_of(one, "op");

    g_test_message("%s %s", name,
                   json_is_string(json_object_get(one, "input"))
                       ? text_of(one, "input")
                       : "");
    for (unsigned i = 0; i < G_N_ELEMENTS(operations); i++) {
        const Operation *operation = &operations[i];

        if (strcmp(operation->name, name) != 0)
            continue;
        if (find_difference(one) != NULL)
            skip(tally, find_difference(one));
        else if (operation->check != NULL)
            operation->check(one, tally);
        else
            skip(tally, operation->reason);
        return;
    }
    g_error("unknown op %s", name);
}

static void
test_vectors(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path =
        g_build_filename(top != NULL ? top : ".",
                         "tests/unit/data/docker-reference.json", NULL);
    g_autoptr(GHashTable) skipped = g_hash_table_new(g_str_hash, g_str_equal);
    Tally tally = {0, skipped};
    json_error_t problem;
    json_t *root = json_load_file(path, 0, &problem);
    json_t *one;
    size_t i;
    unsigned total = 0;
    GHashTableIter iter;
    gpointer reason;
    gpointer count;

    if (root == NULL)
        g_error("%s: %s", path, problem.text);
    json_array_foreach (json_object_get(root, "cases"), i, one)
        run_case(one, &tally);
    g_hash_table_iter_init(&iter, skipped);
    while (g_hash_table_iter_next(&iter, &reason, &count)) {
        g_test_message("skipped %u: %s", GPOINTER_TO_UINT(count),
                       (const char *)reason);
        total += GPOINTER_TO_UINT(count);
    }
    g_test_message("run %u, skipped %u", tally.run, total);
    g_assert_cmpuint(tally.run + total, ==, i);
    g_assert_cmpuint(tally.run, ==, 158);
    json_decref(root);
}

static void
test_repositories(void)
{
    g_autofree char *longest = g_strnfill(255, 'a');
    g_autofree char *longer = g_strnfill(256, 'a');
    static const char *const right[] = {
        "a",   "0",       "library/nginx", "a.b", "a_b",           "a__b",
        "a-b", "a-----b", "a/b/c/d/e/f",   "0/0", "x.y_z__0-1--2", "a1.b2/c3",
    };
    static const char *const wrong[] = {
        "",     "/",     "/a",       "a/",    "a//b", "A",   "aB",  "a..b",
        "a._b", "a___b", "a.-b",     "-a",    "a-",   "_a",  "a_",  ".a",
        "a.",   "..",    "a/../b",   "a/./b", "a b",  "a:b", "a@b", "a\n",
        "a\\b", "a%2fb", "\xc3\xa4", "a/.b",  "a/b.", "a?b", "a#b", "a/b/",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(right); i++) {
        g_test_message("%s", right[i]);
        g_assert_true(hr_repository_valid(right[i]));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_test_message("%s", wrong[i]);
        g_assert_false(hr_repository_valid(wrong[i]));
    }
    g_assert_false(hr_repository_valid(NULL));
    g_assert_true(hr_repository_valid(longest));
    g_assert_false(hr_repository_valid(longer));
}

static void
test_tags(void)
{
    g_autofree char *longest = g_strnfill(128, 'a');
    g_autofree char *longer = g_strnfill(129, 'a');

    g_assert_true(hr_tag_valid("latest"));
    g_assert_true(hr_tag_valid("_1.0-A"));
    g_assert_true(hr_tag_valid("sha256-" HEX_64 ".sig"));
    g_assert_true(hr_tag_valid(longest));
    g_assert_false(hr_tag_valid(longer));
    g_assert_false(hr_tag_valid(""));
    g_assert_false(hr_tag_valid(NULL));
    g_assert_false(hr_tag_valid(".a"));
    g_assert_false(hr_tag_valid("-a"));
    g_assert_false(hr_tag_valid("a/b"));
    g_assert_false(hr_tag_valid("a:b"));
    g_assert_false(hr_tag_valid("a\n"));
    g_assert_true(hr_reference_valid(DIGEST));
    g_assert_true(hr_reference_valid("1.27"));
    g_assert_false(hr_reference_valid("sha256:12"));
    g_assert_false(hr_reference_valid(NULL));
}

/* text -> host, repository, reference ("-" for none). */
static const char *const places[][4] = {
    {"docker://registry.example/app:1.0", "registry.example", "app", "1.0"},
    {"docker://registry.example/a/b/c", "registry.example", "a/b/c", "-"},
    {"docker://registry.example:5000/a/b@" DIGEST, "registry.example:5000",
     "a/b", DIGEST},
    {"docker://localhost/app:x", "localhost", "app", "x"},
    {"docker://localhost:5000/app:x", "localhost:5000", "app", "x"},
    {"docker://registry:443/app:x", "registry:443", "app", "x"},
    {"docker://10.0.0.1/app:x", "10.0.0.1", "app", "x"},
    {"docker://[::1]/app:x", "[::1]", "app", "x"},
    {"docker://[2001:db8::5]:5000/a/b:x", "[2001:db8::5]:5000", "a/b", "x"},
    {"docker://[::ffff:10.0.0.1]:1/a@" DIGEST, "[::ffff:10.0.0.1]:1", "a",
     DIGEST},
    {"docker://busybox", "docker.io", "library/busybox", "-"},
    {"docker://docker.io/busybox:1", "docker.io", "library/busybox", "1"},
    {"docker://index.docker.io/busybox:1", "docker.io", "library/busybox",
     "1"},
    {"docker://team/app:1", "docker.io", "team/app", "1"},
    {"docker://docker.io/team/app:1", "docker.io", "team/app", "1"},
    {"docker://quay.io/app:1@" DIGEST, "quay.io", "app", DIGEST},
};

static void
test_registries(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(HrPlace) place = hr_place_parse(places[i][0], &error);

        g_test_message("%s", places[i][0]);
        g_assert_no_error(error);
        g_assert_cmpint(place->kind, ==, HR_PLACE_REGISTRY);
        g_assert_cmpstr(place->host, ==, places[i][1]);
        g_assert_cmpstr(place->repository, ==, places[i][2]);
        g_assert_cmpstr(place->reference != NULL ? place->reference : "-", ==,
                        places[i][3]);
        g_assert_null(place->directory);
    }
}

static void
expect_layout(const char *text, const char *directory, const char *tag)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrPlace) place = hr_place_parse(text, &error);

    g_assert_no_error(error);
    g_assert_cmpint(place->kind, ==, HR_PLACE_LAYOUT);
    g_assert_cmpstr(place->directory, ==, directory);
    g_assert_cmpstr(place->reference, ==, tag);
    g_assert_null(place->host);
    g_assert_null(place->repository);
}

static void
test_layouts(void)
{
    expect_layout("oci:/srv/images:1.0", "/srv/images", "1.0");
    expect_layout("oci:/srv/images", "/srv/images", NULL);
    expect_layout("oci:here:x", "here", "x");
    expect_layout("oci:../over there:x", "../over there", "x");
    expect_layout("oci:/", "/", NULL);
    expect_layout("oci://srv/images:x", "//srv/images", "x");
}

static void
expect_refusal(const char *text, const char *words)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(hr_place_parse(text, &error));
    g_assert_cmpint(hr_error_status(error), ==, HR_INVALID);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, words));
}

static void
test_refusals(void)
{
    expect_refusal("", "write docker://HOST/REPO:TAG");
    expect_refusal("nowhere", "write docker://HOST/REPO:TAG");
    expect_refusal("dir:/x", "write docker://HOST/REPO:TAG");
    expect_refusal("https://quay.io/a:1", "mean 'docker://quay.io/a:1'?");
    expect_refusal("docker:quay.io/a:1", "mean 'docker://quay.io/a:1'?");
    expect_refusal("docker:/quay.io/a:1", "mean 'docker://quay.io/a:1'?");
    expect_refusal("quay.io/a:1", "mean 'docker://quay.io/a:1'?");
    expect_refusal("/srv/a:1", "mean 'oci:/srv/a:1'?");
    expect_refusal("./a:1", "mean 'oci:./a:1'?");
    expect_refusal("docker://", "is no repository name");
    expect_refusal("docker://quay.io/", "is no repository name");
    expect_refusal("docker://quay.io/Team/App:1", "did you mean 'team/app'?");
    expect_refusal("docker://quay.io/a..b:1", "is no repository name");
    expect_refusal("docker://quay.io/../a:1", "is no repository name");
    expect_refusal("docker://quay.io/a:", "'' is no tag");
    expect_refusal("docker://quay.io/a:-1", "'-1' is no tag");
    expect_refusal("docker://quay.io/a:1:2", "'1:2' is no tag");
    expect_refusal("docker://quay.io/a@" HEX_64, "no digest");
    expect_refusal("docker://quay.io/a@sha256:12", "quay.io/a@sha256:12");
    expect_refusal("docker://quay.io/a@", "no digest");
    expect_refusal("docker://quay.io/a:-@" DIGEST, "'-' is no tag");
    expect_refusal("docker://" HEX_64, "id of an image");
    expect_refusal("docker://[]/a:1", "'[]' is no host");
    expect_refusal("docker://[/a:1", "'[' is no host");
    expect_refusal("docker://[::1/a:1", "is no host");
    expect_refusal("docker://[::1]x/a:1", "is no host");
    expect_refusal("docker://[1::2::3]/a:1", "is no host");
    expect_refusal("docker://[fe80::1%eth0]/a:1", "is no host");
    expect_refusal("docker://a.b:/a:1", "is no host");
    expect_refusal("docker://a.b:0/a:1", "is no host");
    expect_refusal("docker://a.b:65536/a:1", "is no host");
    expect_refusal("docker://a.b:80x/a:1", "is no host");
    expect_refusal("docker://-a.b/a:1", "is no host");
    expect_refusal("docker://a..b/a:1", "is no host");
    expect_refusal("docker://a.b./a:1", "is no host");
    expect_refusal("oci:", "directory is missing");
    expect_refusal("oci::x", "directory is missing");
    expect_refusal("oci:dir:", "'' is no tag");
    expect_refusal("oci:dir:a b", "'a b' is no tag");
    expect_refusal("oci:/a:b/c", "has a ':' in its name");
    expect_refusal("oci:/a:b:c", "has a ':' in its name");
}

static void
test_passwords(void)
{
    static const char *const texts[] = {
        "docker://user:hunter2@quay.io/a:1",
        "docker://user:hunter2@localhost:5000/a@" DIGEST "x",
        "docker://user:hunter2@localhost:5000/a@" DIGEST,
        "docker://user:hunt/hunter2@quay.io/a@" DIGEST,
        "docker://user:hunter2@sha256:/hunter2@" DIGEST "@quay.io/a",
        "docker://user:hunter2@quay.io",
        "docker://user:hunter2@quay.io:5000",
        "docker://user:hunt/hunter2@quay.io/a",
        "docker://user:hunter2@hunter2@quay.io/a",
        "https://user:hunter2@quay.io/a:1",
        "user:hunter2@quay.io/a:1",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", texts[i]);
        g_assert_null(hr_place_parse(texts[i], &error));
        g_test_message("%s", error->message);
        g_assert_null(strstr(error->message, "hunter2"));
    }
    expect_refusal(texts[0], "--src-creds");
}

/* Whatever passes is made of valid parts only: they become parts of URLs and
 * of file names. */
static void
check_mutation(const char *text, unsigned *taken)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrPlace) place = hr_place_parse(text, &error);

    if (place == NULL) {
        g_assert_cmpint(hr_error_status(error), ==, HR_INVALID);
        return;
    }
    (*taken)++;
    if (place->reference != NULL)
        g_assert_true(hr_reference_valid(place->reference));
    if (place->kind == HR_PLACE_LAYOUT) {
        g_assert_null(strchr(place->directory, ':'));
        return;
    }
    g_assert_true(hr_repository_valid(place->repository));
    g_assert_null(strpbrk(place->host, "/@?#% \\"));
}

static void
test_mutations(void)
{
    static const char alphabet[] = ":/@.-_[]aZ0?#% ";
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    unsigned taken = 0;

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        gint32 which = g_rand_int_range(random, 0, G_N_ELEMENTS(places) + 1);
        g_autofree char *text =
            g_strdup(which == G_N_ELEMENTS(places) ? "oci:/srv/a/b:1.0"
                                                   : places[which][0]);
        int changes = g_rand_int_range(random, 0, 3);

        for (int j = 0; j < changes; j++)
            text[g_rand_int_range(random, 0, (gint32)strlen(text))] =
                alphabet[g_rand_int_range(random, 0, sizeof alphabet - 1)];
        check_mutation(text, &taken);
    }
    g_assert_cmpuint(taken, >, MUTATIONS / 10);
    g_assert_cmpuint(taken, <, MUTATIONS * 9 / 10);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reference/published-vectors-hold", test_vectors);
    g_test_add_func("/reference/repositories-have-a-grammar",
                    test_repositories);
    g_test_add_func("/reference/tags-have-a-grammar", test_tags);
    g_test_add_func("/reference/takes-registries-as-skopeo-does",
                    test_registries);
    g_test_add_func("/reference/takes-layouts-as-skopeo-does", test_layouts);
    g_test_add_func("/reference/says-what-is-accepted", test_refusals);
    g_test_add_func("/reference/repeats-no-password", test_passwords);
    g_test_add_func("/reference/nothing-else-passes", test_mutations);
    return g_test_run();
}
