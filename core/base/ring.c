/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ring: positions only grow; their difference is what is in the ring, and
 * their low bits are the places in memory.
 */
#include "base/ring.h"

#include <stdatomic.h>
#include <string.h>

struct HrRing {
    size_t capacity;    /* a power of two */
    char *memory;       /* allocated with the first byte: an idle ring is
                           free of cost; written by the producer before it
                           first moves `head` */
    atomic_size_t head; /* moved by the producer */
    atomic_size_t tail; /* moved by the consumer */
};

HrRing *
hr_ring_new(size_t capacity)
{
    HrRing *ring = g_new0(HrRing, 1);

    ring->capacity = 1;
    while (ring->capacity < capacity)
        ring->capacity *= 2;
    return ring;
}

void
hr_ring_free(HrRing *ring)
{
    if (ring == NULL)
        return;
    g_free(ring->memory);
    g_free(ring);
}

size_t
hr_ring_used(const HrRing *ring)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

    return atomic_load_explicit(&ring->head, memory_order_acquire) - tail;
}

size_t
hr_ring_free_space(const HrRing *ring)
{
    return ring->capacity - hr_ring_used(ring);
}

void *
hr_ring_space(HrRing *ring, size_t *size)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    size_t place = head & (ring->capacity - 1);

    if (ring->memory == NULL)
        ring->memory = g_malloc(ring->capacity);
    *size = MIN(ring->capacity - (head - tail), ring->capacity - place);
    return ring->memory + place;
}

void
hr_ring_produced(HrRing *ring, size_t size)
{
    atomic_fetch_add_explicit(&ring->head, size, memory_order_release);
}

const void *
hr_ring_bytes(HrRing *ring, size_t *size)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    size_t place = tail & (ring->capacity - 1);

    *size = MIN(head - tail, ring->capacity - place);
    return *size > 0 ? ring->memory + place : NULL;
}

void
hr_ring_consumed(HrRing *ring, size_t size)
{
    atomic_fetch_add_explicit(&ring->tail, size, memory_order_release);
}

size_t
hr_ring_write(HrRing *ring, const void *data, size_t size)
{
    const char *bytes = data;
    size_t written = 0;

    while (written < size) {
        size_t space;
        void *place = hr_ring_space(ring, &space);
        size_t chunk = MIN(space, size - written);

        if (chunk == 0)
            break;
        memcpy(place, bytes + written, chunk);
        hr_ring_produced(ring, chunk);
        written += chunk;
    }
    return written;
}

size_t
hr_ring_read(HrRing *ring, void *data, size_t size)
{
    char *bytes = data;
    size_t taken = 0;

    while (taken < size) {
        size_t used;
        const void *place = hr_ring_bytes(ring, &used);
        size_t chunk = MIN(used, size - taken);

        if (chunk == 0)
            break;
        memcpy(bytes + taken, place, chunk);
        hr_ring_consumed(ring, chunk);
        taken += chunk;
    }
    return taken;
}
