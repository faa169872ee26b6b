/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Digests "sha256:<64 hex>" and "sha512:<128 hex>": their grammar and their
 * computation.  The only place that knows libcrypto.
 */
#ifndef HR_BASE_DIGEST_H
#define HR_BASE_DIGEST_H

#include <glib.h>
#include <harbor-replicator/hr-abi.h>
#include <stdbool.h>

/* A digest being computed.  Owned by one thread. */
typedef struct HrHash HrHash;

/* True for the only valid spelling of a digest of a known algorithm. */
bool
hr_digest_valid(const char *text);

/* Starts a digest of the algorithm named by the digest `like` ("sha512:...");
 * NULL stands for sha256.  NULL if `like` names no known algorithm. */
HrHash *
hr_hash_new(const char *like);

/* Another that has taken the same bytes so far.  Not after `finish`. */
HrHash *
hr_hash_copy(const HrHash *hash);

void
hr_hash_update(HrHash *hash, const void *data, size_t size);

/* Writes the digest of all bytes so far; the hash takes no more. */
void
hr_hash_finish(HrHash *hash, char digest[HR_DIGEST_CAPACITY]);

void
hr_hash_free(HrHash *hash);

/* The sha256 digest of `size` bytes. */
void
hr_digest_of(const void *data, size_t size, char digest[HR_DIGEST_CAPACITY]);

/* True if the bytes have this digest, whatever its algorithm. */
bool
hr_digest_matches(const char *digest, const void *data, size_t size);

#define HR_HMAC_BYTES 32

/* HMAC-SHA-256 (RFC 2104) of `size` bytes, keyed. */
void
hr_hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
               unsigned char mac[HR_HMAC_BYTES]);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrHash, hr_hash_free)

#endif
