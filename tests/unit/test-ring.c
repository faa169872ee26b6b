/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ring against a plain model, and between two threads. */
#include <glib.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>

#include "base/ring.h"

#define OPERATIONS 1000000
#define STREAM_BYTES (16u << 20)

/* The n-th byte of the stream that every producer here writes. */
static unsigned char
stream_byte(uint64_t n)
{
    return (unsigned char)((n * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

typedef struct Model {
    HrRing *ring;
    GRand *random;
    size_t capacity;
    uint64_t written;
    uint64_t read;
} Model;

static void
write_some(Model *model)
{
    unsigned char data[100];
    size_t size = (size_t)g_rand_int_range(model->random, 0, sizeof data + 1);
    size_t room = model->capacity - (size_t)(model->written - model->read);

    for (size_t i = 0; i < size; i++)
        data[i] = stream_byte(model->written + i);
    g_assert_cmpuint(hr_ring_write(model->ring, data, size), ==,
                     MIN(size, room));
    model->written += MIN(size, room);
}

static void
read_some(Model *model)
{
    unsigned char data[100];
    size_t size = (size_t)g_rand_int_range(model->random, 0, sizeof data + 1);
    size_t there = (size_t)(model->written - model->read);
    size_t got = hr_ring_read(model->ring, data, size);

    g_assert_cmpuint(got, ==, MIN(size, there));
    for (size_t i = 0; i < got; i++)
        g_assert_cmpuint(data[i], ==, stream_byte(model->read++));
}

static void
write_in_place(Model *model)
{
    size_t room = model->capacity - (size_t)(model->written - model->read);
    size_t size;
    unsigned char *space = hr_ring_space(model->ring, &size);

    /* To the end of the memory or to the oldest byte. */
    g_assert_cmpuint(
        size, ==,
        MIN(room, model->capacity - model->written % model->capacity));
    size = (size_t)g_rand_int_range(model->random, 0, (int)size + 1);
    for (size_t i = 0; i < size; i++)
        space[i] = stream_byte(model->written++);
    hr_ring_produced(model->ring, size);
}

static void
read_in_place(Model *model)
{
    size_t there = (size_t)(model->written - model->read);
    size_t size;
    const unsigned char *bytes = hr_ring_bytes(model->ring, &size);

    g_assert_cmpuint(
        size, ==, MIN(there, model->capacity - model->read % model->capacity));
    g_assert_true((bytes == NULL) == (size == 0));
    size = (size_t)g_rand_int_range(model->random, 0, (int)size + 1);
    for (size_t i = 0; i < size; i++)
        g_assert_cmpuint(bytes[i], ==, stream_byte(model->read++));
    hr_ring_consumed(model->ring, size);
}

static void
test_model(void)
{
    static void (*const operations[])(Model *) = {
        write_some, read_some, write_in_place, read_in_place};
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    g_autoptr(HrRing) ring = hr_ring_new(200);
    Model model = {.ring = ring, .random = random, .capacity = 256};

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < OPERATIONS; i++) {
        operations[g_rand_int_range(random, 0, 4)](&model);
        g_assert_cmpuint(hr_ring_used(ring), ==, model.written - model.read);
        g_assert_cmpuint(hr_ring_free_space(ring), ==,
                         model.capacity - (model.written - model.read));
    }
    g_assert_cmpuint(model.read, >, OPERATIONS);
}

static void
test_capacity(void)
{
    static const size_t cases[][2] = {{1, 1},     {2, 2},     {3, 4},
                                      {100, 128}, {128, 128}, {129, 256}};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(HrRing) ring = hr_ring_new(cases[i][0]);
        char byte = 'x';
        size_t count = 0;

        g_assert_cmpuint(hr_ring_free_space(ring), ==, cases[i][1]);
        while (hr_ring_write(ring, &byte, 1) == 1)
            count++;
        g_assert_cmpuint(count, ==, cases[i][1]);
        g_assert_cmpuint(hr_ring_free_space(ring), ==, 0);
    }
}

static void
test_empty(void)
{
    /* Were its memory allocated with it, this could not be. */
    g_autoptr(HrRing) ring = hr_ring_new((size_t)1 << 60);
    size_t size = 1;
    char byte;

    g_assert_cmpuint(hr_ring_used(ring), ==, 0);
    g_assert_cmpuint(hr_ring_read(ring, &byte, 1), ==, 0);
    g_assert_null(hr_ring_bytes(ring, &size));
    g_assert_cmpuint(size, ==, 0);
}

static void *
produce(void *data)
{
    unsigned char bytes[3000];
    uint64_t position = 0;
    unsigned turn = 0;

    while (position < STREAM_BYTES) {
        size_t size = MIN(sizeof bytes - turn++ % 1000,
                          (size_t)(STREAM_BYTES - position));
        size_t done;

        for (size_t i = 0; i < size; i++)
            bytes[i] = stream_byte(position + i);
        done = hr_ring_write(data, bytes, size);
        position += done;
        if (done == 0)
            sched_yield();
    }
    return NULL;
}

static void
test_threads(void)
{
    g_autoptr(HrRing) ring = hr_ring_new(4096);
    uint64_t position = 0;
    uint64_t wrong = 0;
    pthread_t producer;

    g_assert_cmpint(pthread_create(&producer, NULL, produce, ring), ==, 0);
    while (position < STREAM_BYTES) {
        size_t size;
        const unsigned char *bytes = hr_ring_bytes(ring, &size);

        for (size_t i = 0; i < size; i++)
            wrong += bytes[i] != stream_byte(position + i);
        hr_ring_consumed(ring, size);
        position += size;
        if (size == 0)
            sched_yield();
    }
    pthread_join(producer, NULL);
    g_assert_cmpuint(wrong, ==, 0);
    g_assert_cmpuint(hr_ring_used(ring), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ring/holds-what-was-written", test_model);
    g_test_add_func("/ring/capacity-is-the-next-power-of-two", test_capacity);
    g_test_add_func("/ring/an-idle-one-has-no-memory", test_empty);
    g_test_add_func("/ring/carries-a-stream-between-threads", test_threads);
    return g_test_run();
}
