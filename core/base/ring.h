/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ring: bytes on their way from one producer to one consumer.
 *
 *     producer --write--> [......########......] --read--> consumer
 *                               used bytes
 *
 * One thread writes and one reads; they may be the same.  Head and tail are
 * atomics, so neither ever waits for the other.
 */
#ifndef HR_BASE_RING_H
#define HR_BASE_RING_H

#include <glib.h>
#include <stddef.h>

typedef struct HrRing HrRing;

/* `capacity` is rounded up to a power of two. */
HrRing *
hr_ring_new(size_t capacity);

void
hr_ring_free(HrRing *ring);

/* Copies as much as fits and returns how much that was (producer). */
size_t
hr_ring_write(HrRing *ring, const void *data, size_t size);

/* Copies out up to `size` bytes and returns how many (consumer). */
size_t
hr_ring_read(HrRing *ring, void *data, size_t size);

/* The next contiguous stretch of free space, for filling it in place, then
 * committing (producer). */
void *
hr_ring_space(HrRing *ring, size_t *size);

void
hr_ring_produced(HrRing *ring, size_t size);

/* The next contiguous stretch of used bytes, for taking them in place, then
 * releasing (consumer). */
const void *
hr_ring_bytes(HrRing *ring, size_t *size);

void
hr_ring_consumed(HrRing *ring, size_t size);

/* Bytes in the ring, and bytes that still fit. */
size_t
hr_ring_used(const HrRing *ring);

size_t
hr_ring_free_space(const HrRing *ring);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrRing, hr_ring_free)

#endif
