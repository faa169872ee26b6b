/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hash trail: the digest of a stream that may have to go back a little.
 *
 *     0 ......... 13 MiB  14 MiB  15 MiB ...  44 MiB |
 *                   ^ points that can be gone back to  ^ hashed so far
 *
 * A copy of the digest is kept at every whole MiB, for the last HR_TRAIL_POINTS
 * of them; the start is always one.  Who goes back hashes the bytes from that
 * point on again, so that the digest is always that of the bytes that were
 * passed on.  Owned by one thread.
 */
#ifndef HR_BASE_TRAIL_H
#define HR_BASE_TRAIL_H

#include <glib.h>
#include <harbor-replicator/hr-abi.h>
#include <stdint.h>

#define HR_TRAIL_STEP_BYTES (1024 * 1024)

/* More than what lies between a sender and a receiver in buffers; about 300
 * bytes each. */
#define HR_TRAIL_POINTS 32

typedef struct HrTrail HrTrail;

/* For a digest of the algorithm that the digest `like` names; NULL if there is
 * no such algorithm. */
HrTrail *
hr_trail_new(const char *like);

void
hr_trail_free(HrTrail *trail);

void
hr_trail_update(HrTrail *trail, const void *data, size_t size);

/* Bytes hashed since the start. */
int64_t
hr_trail_size(const HrTrail *trail);

/* Goes back to the last point that is not behind `offset` and returns where
 * that is.  Allowed after `finish` as well. */
int64_t
hr_trail_rewind(HrTrail *trail, int64_t offset);

/* Writes the digest of all bytes so far.  After it, only `rewind` and `free`
 * are allowed. */
void
hr_trail_finish(HrTrail *trail, char digest[HR_DIGEST_CAPACITY]);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrTrail, hr_trail_free)

#endif
