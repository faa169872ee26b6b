/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Digests: their grammar and their computation. */
#include <glib.h>
#include <jansson.h>
#include <pthread.h>
#include <string.h>

#include "base/digest.h"

#define ABC_256                                                               \
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY_256                                                             \
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC_512                                                               \
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
#define THREADS 8

static void
compute(const char *algorithm, const char *text, size_t repeat,
        char digest[HR_DIGEST_CAPACITY])
{
    g_autofree char *like = g_strconcat(algorithm, ":", NULL);
    g_autoptr(HrHash) hash = hr_hash_new(like);

    g_assert_nonnull(hash);
    for (size_t i = 0; i < repeat; i++)
        hr_hash_update(hash, text, strlen(text));
    hr_hash_finish(hash, digest);
}

/* What the published case expects of hr_digest_valid: no error, and an
 * algorithm that is ours. */
static bool
expect_valid(const json_t *expect)
{
    const char *algorithm =
        json_string_value(json_object_get(expect, "algorithm"));

    return json_object_get(expect, "error") == NULL && algorithm != NULL &&
           (strcmp(algorithm, "sha256") == 0 ||
            strcmp(algorithm, "sha512") == 0);
}

static void
check_hash_case(const json_t *input, const json_t *expect)
{
    const char *algorithm =
        json_string_value(json_object_get(input, "algorithm"));
    char digest[HR_DIGEST_CAPACITY];

    if (strcmp(algorithm, "sha384") == 0) {
        /* Registries may use it, but need not, and so we do not. */
        g_assert_null(hr_hash_new("sha384:"));
        return;
    }
    compute(algorithm, json_string_value(json_object_get(input, "text")),
            (size_t)json_integer_value(json_object_get(input, "repeat")),
            digest);
    g_assert_cmpstr(digest, ==,
                    json_string_value(json_object_get(expect, "digest")));
    g_assert_true(hr_digest_valid(digest));
}

static void
test_vectors(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path = g_build_filename(
        top != NULL ? top : ".", "tests/unit/data/digest.json", NULL);
    json_error_t problem;
    json_t *root = json_load_file(path, 0, &problem);
    json_t *one;
    size_t i;
    unsigned parsed = 0;
    unsigned hashed = 0;

    if (root == NULL)
        g_error("%s: %s", path, problem.text);
    json_array_foreach (json_object_get(root, "cases"), i, one) {
        const char *op = json_string_value(json_object_get(one, "op"));
        const json_t *input = json_object_get(one, "input");
        const json_t *expect = json_object_get(one, "expect");

        if (strcmp(op, "parse") == 0 || strcmp(op, "verifier") == 0) {
            g_test_message("%s", json_string_value(input));
            g_assert_true(hr_digest_valid(json_string_value(input)) ==
                          expect_valid(expect));
            parsed++;
        } else if (strcmp(op, "hash") == 0) {
            check_hash_case(input, expect);
            hashed++;
        }
    }
    json_decref(root);
    g_assert_cmpuint(parsed, ==, 13);
    g_assert_cmpuint(hashed, ==, 4);
}

static void
test_known(void)
{
    char digest[HR_DIGEST_CAPACITY];

    hr_digest_of("abc", 3, digest);
    g_assert_cmpstr(digest, ==, ABC_256);
    hr_digest_of(NULL, 0, digest);
    g_assert_cmpstr(digest, ==, EMPTY_256);
    compute("sha512", "abc", 1, digest);
    g_assert_cmpstr(digest, ==, ABC_512);
    g_assert_cmpuint(strlen(digest), ==, HR_DIGEST_CAPACITY - 1);
}

static void
test_pieces(void)
{
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    unsigned char data[10000];

    g_test_message("seed %u", seed);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)g_rand_int(random);
    for (unsigned round = 0; round < 100; round++) {
        g_autoptr(HrHash) hash = hr_hash_new(NULL);
        char whole[HR_DIGEST_CAPACITY];
        char pieces[HR_DIGEST_CAPACITY];

        for (size_t done = 0; done < sizeof data;) {
            size_t size = (size_t)g_rand_int_range(random, 0, 500);

            size = MIN(size, sizeof data - done);
            hr_hash_update(hash, data + done, size);
            done += size;
        }
        hr_hash_finish(hash, pieces);
        hr_digest_of(data, sizeof data, whole);
        g_assert_cmpstr(pieces, ==, whole);
        data[g_rand_int_range(random, 0, sizeof data)] ^= 1;
        g_assert_false(hr_digest_matches(whole, data, sizeof data));
    }
}

static void
test_grammar(void)
{
    static const char *const wrong[] = {
        "",
        "sha256",
        "sha256:",
        "abc",
        /* upper case, too short, too long, wrong character */
        "sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
        "ad",
        "SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
        "ad",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
        "a",
        ABC_256 "0",
        ABC_256 "\n",
        ABC_256 "/../x",
        " " ABC_256,
        "sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
        "ad",
        /* of another algorithm, or of none */
        "sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
        "ad",
        "sha1:a9993e364706816aba3e25717850c26c9cd0d89d",
        "md5:900150983cd24fb0d6963f7d28e17f72",
        "sha256+b64:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f2"
        "0015ad",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_test_message("%s", wrong[i]);
        g_assert_false(hr_digest_valid(wrong[i]));
        g_assert_false(hr_digest_matches(wrong[i], "abc", 3));
    }
    g_assert_false(hr_digest_valid(NULL));
    g_assert_true(hr_digest_valid(ABC_256));
    g_assert_true(hr_digest_valid(ABC_512));
    g_assert_null(hr_hash_new("sha1:a9993e36"));
    g_assert_null(hr_hash_new("sha256"));
}

static void
test_match(void)
{
    g_assert_true(hr_digest_matches(ABC_256, "abc", 3));
    g_assert_true(hr_digest_matches(ABC_512, "abc", 3));
    g_assert_true(hr_digest_matches(EMPTY_256, "", 0));
    g_assert_false(hr_digest_matches(ABC_256, "abd", 3));
    g_assert_false(hr_digest_matches(ABC_512, "abc", 2));
}

static void *
hash_in_thread(void *data)
{
    char digest[HR_DIGEST_CAPACITY];

    (void)data;
    for (unsigned i = 0; i < 200; i++) {
        hr_digest_of("abc", 3, digest);
        if (strcmp(digest, ABC_256) != 0)
            return (void *)1;
    }
    return NULL;
}

static void
test_threads(void)
{
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++)
        g_assert_cmpint(
            pthread_create(&threads[i], NULL, hash_in_thread, NULL), ==, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *wrong;

        pthread_join(threads[i], &wrong);
        g_assert_null(wrong);
    }
}

/* RFC 4231, test cases 1 to 3, 6 and 7. */
static void
test_computes_hmacs(void)
{
    g_autofree char *long_key = g_strnfill(131, '\xaa');
    const struct {
        const char *key;
        size_t key_size;
        const char *data;
        const char *mac;
    } cases[] = {
        {"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
         "\x0b\x0b\x0b\x0b\x0b",
         20, "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"Jefe", 4, "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
         "\xaa\xaa\xaa\xaa\xaa",
         20, NULL,
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {long_key, 131,
         "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {long_key, 131,
         "This is a test using a larger than block-size key and a larger than "
         "block-size data. The key needs to be hashed before being used by "
         "the HMAC algorithm.",
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };
    g_autofree char *third = g_strnfill(50, '\xdd');

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *data = cases[i].data != NULL ? cases[i].data : third;
        unsigned char mac[HR_HMAC_BYTES];
        g_autoptr(GString) hex = g_string_new(NULL);

        hr_hmac_sha256(cases[i].key, cases[i].key_size, data, strlen(data),
                       mac);
        for (unsigned j = 0; j < sizeof mac; j++)
            g_string_append_printf(hex, "%02x", mac[j]);
        g_assert_cmpstr(hex->str, ==, cases[i].mac);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* First, so that the threads are who fetches the algorithms. */
    g_test_add_func("/digest/first-use-by-many-threads", test_threads);
    g_test_add_func("/digest/published-vectors-hold", test_vectors);
    g_test_add_func("/digest/known-messages-have-known-digests", test_known);
    g_test_add_func("/digest/pieces-make-the-same-as-the-whole", test_pieces);
    g_test_add_func("/digest/refuses-every-other-spelling", test_grammar);
    g_test_add_func("/digest/matches-only-the-same-bytes", test_match);
    g_test_add_func("/digest/computes-hmacs", test_computes_hmacs);
    return g_test_run();
}
