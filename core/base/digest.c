/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Digests through libcrypto, whose algorithms are fetched once: fetching for
 * each digest costs more than hashing a small manifest. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <string.h>

typedef struct Algorithm {
    const char *name; /* as in a digest */
    const char *evp_name;
    size_t hex_length;
    EVP_MD *evp;
} Algorithm;

static Algorithm algorithms[] = {
    {"sha256", "SHA256", 64, NULL},
    {"sha512", "SHA512", 128, NULL},
};

static pthread_once_t fetched = PTHREAD_ONCE_INIT;

struct HrHash {
    EVP_MD_CTX *context;
    const Algorithm *algorithm;
};

static void
fetch_algorithms(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        algorithms[i].evp = EVP_MD_fetch(NULL, algorithms[i].evp_name, NULL);
        if (algorithms[i].evp == NULL)
            g_error("libcrypto has no %s", algorithms[i].evp_name);
    }
}

/* The algorithm of "NAME:...", or NULL. */
static const Algorithm *
find_algorithm(const char *text)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        size_t length = strlen(algorithms[i].name);

        if (strncmp(text, algorithms[i].name, length) == 0 &&
            text[length] == ':')
            return &algorithms[i];
    }
    return NULL;
}

bool
hr_digest_valid(const char *text)
{
    const Algorithm *algorithm = text != NULL ? find_algorithm(text) : NULL;
    const char *hex;

    if (algorithm == NULL)
        return false;
    hex = text + strlen(algorithm->name) + 1;
    return strlen(hex) == algorithm->hex_length &&
           strspn(hex, "0123456789abcdef") == algorithm->hex_length;
}

HrHash *
hr_hash_new(const char *like)
{
    const Algorithm *algorithm =
        like != NULL ? find_algorithm(like) : &algorithms[0];
    HrHash *hash;

    if (algorithm == NULL)
        return NULL;
    pthread_once(&fetched, fetch_algorithms);
    hash = g_new0(HrHash, 1);
    hash->algorithm = algorithm;
    hash->context = EVP_MD_CTX_new();
    if (hash->context == NULL ||
        EVP_DigestInit_ex(hash->context, algorithm->evp, NULL) != 1)
        g_error("libcrypto cannot compute %s", algorithm->name);
    return hash;
}

HrHash *
hr_hash_copy(const HrHash *hash)
{
    HrHash *copy = g_new0(HrHash, 1);

    copy->algorithm = hash->algorithm;
    copy->context = EVP_MD_CTX_new();
    if (copy->context == NULL ||
        EVP_MD_CTX_copy_ex(copy->context, hash->context) != 1)
        g_error("libcrypto cannot copy a digest");
    return copy;
}

void
hr_hash_update(HrHash *hash, const void *data, size_t size)
{
    EVP_DigestUpdate(hash->context, data, size);
}

void
hr_hash_finish(HrHash *hash, char digest[HR_DIGEST_CAPACITY])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char *out = digest;

    EVP_DigestFinal_ex(hash->context, bytes, &length);
    out += g_strlcpy(out, hash->algorithm->name, HR_DIGEST_CAPACITY);
    *out++ = ':';
    for (unsigned i = 0; i < length; i++) {
        *out++ = hex[bytes[i] >> 4];
        *out++ = hex[bytes[i] & 15];
    }
    *out = '\0';
}

void
hr_hash_free(HrHash *hash)
{
    if (hash == NULL)
        return;
    EVP_MD_CTX_free(hash->context);
    g_free(hash);
}

void
hr_digest_of(const void *data, size_t size, char digest[HR_DIGEST_CAPACITY])
{
    g_autoptr(HrHash) hash = hr_hash_new(NULL);

    hr_hash_update(hash, data, size);
    hr_hash_finish(hash, digest);
}

bool
hr_digest_matches(const char *digest, const void *data, size_t size)
{
    g_autoptr(HrHash) hash =
        hr_digest_valid(digest) ? hr_hash_new(digest) : NULL;
    char actual[HR_DIGEST_CAPACITY];

    if (hash == NULL)
        return false;
    hr_hash_update(hash, data, size);
    hr_hash_finish(hash, actual);
    return strcmp(actual, digest) == 0;
}

void
hr_hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
               unsigned char mac[HR_HMAC_BYTES])
{
    unsigned length = 0;

    pthread_once(&fetched, fetch_algorithms);
    if (HMAC(algorithms[0].evp, key, (int)key_size, data, size, mac,
             &length) == NULL ||
        length != HR_HMAC_BYTES)
        g_error("libcrypto cannot compute an HMAC");
}
