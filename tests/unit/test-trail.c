/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hash trail against digests of the whole, computed anew. */
#include <glib.h>
#include <string.h>

#include "base/digest.h"
#include "base/trail.h"

#define STREAM_BYTES (48 * HR_TRAIL_STEP_BYTES + 12345)

static char *
make_stream(void)
{
    char *stream = g_malloc(STREAM_BYTES);

    for (size_t i = 0; i < STREAM_BYTES; i++)
        stream[i] = (char)((i * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
    return stream;
}

/* Takes the stream on from where the trail is, in pieces of any size. */
static void
advance(HrTrail *trail, const char *stream, int64_t to)
{
    while (hr_trail_size(trail) < to) {
        int64_t at = hr_trail_size(trail);
        int64_t piece = g_test_rand_int_range(1, 3 * HR_TRAIL_STEP_BYTES);

        hr_trail_update(trail, stream + at, (size_t)MIN(piece, to - at));
        g_assert_cmpint(hr_trail_size(trail), ==, MIN(at + piece, to));
    }
}

static void
assert_digest(HrTrail *trail, const char *stream, int64_t size)
{
    char found[HR_DIGEST_CAPACITY];
    char wanted[HR_DIGEST_CAPACITY];

    g_assert_cmpint(hr_trail_size(trail), ==, size);
    hr_trail_finish(trail, found);
    hr_digest_of(stream, (size_t)size, wanted);
    g_assert_cmpstr(found, ==, wanted);
}

static void
test_is_the_digest_of_the_whole(void)
{
    g_autofree char *stream = make_stream();
    g_autoptr(HrTrail) trail = hr_trail_new(NULL);

    advance(trail, stream, STREAM_BYTES);
    assert_digest(trail, stream, STREAM_BYTES);
}

static void
test_goes_back_and_on_again(void)
{
    g_autofree char *stream = make_stream();
    g_autoptr(HrTrail) trail = hr_trail_new(NULL);
    int64_t furthest = 0;

    for (unsigned i = 0; i < 60; i++) {
        int64_t at = hr_trail_size(trail);
        int64_t to =
            MIN(at + g_test_rand_int_range(0, STREAM_BYTES / 8), STREAM_BYTES);
        int64_t offset = g_test_rand_int_range(0, (gint32)to + 1);
        int64_t point;

        advance(trail, stream, to);
        furthest = MAX(furthest, to);
        point = hr_trail_rewind(trail, offset);
        g_assert_cmpint(point, <=, offset);
        g_assert_cmpint(point % HR_TRAIL_STEP_BYTES, ==, 0);
        g_assert_cmpint(hr_trail_size(trail), ==, point);
        /* What lies this far back is always remembered. */
        if (furthest - offset <= (HR_TRAIL_POINTS - 1) * HR_TRAIL_STEP_BYTES)
            g_assert_cmpint(offset - point, <, HR_TRAIL_STEP_BYTES);
        if (point == 0)
            furthest = 0;
    }
    advance(trail, stream, STREAM_BYTES);
    assert_digest(trail, stream, STREAM_BYTES);
}

static void
test_forgets_what_is_far_behind(void)
{
    g_autofree char *stream = make_stream();
    g_autoptr(HrTrail) trail = hr_trail_new(NULL);

    advance(trail, stream, STREAM_BYTES);
    g_assert_cmpint(hr_trail_rewind(trail, 2 * HR_TRAIL_STEP_BYTES), ==, 0);
    advance(trail, stream, 100);
    assert_digest(trail, stream, 100);
}

static void
test_goes_back_after_its_end(void)
{
    g_autofree char *stream = make_stream();
    g_autoptr(HrTrail) trail = hr_trail_new(NULL);
    int64_t end = 40 * HR_TRAIL_STEP_BYTES;

    advance(trail, stream, end);
    assert_digest(trail, stream, end);
    g_assert_cmpint(hr_trail_rewind(trail, end), ==, end);
    advance(trail, stream, end + 1);
    assert_digest(trail, stream, end + 1);
}

static void
test_takes_other_algorithms(void)
{
    g_autoptr(HrTrail) trail = hr_trail_new("sha512:");
    char digest[HR_DIGEST_CAPACITY];

    hr_trail_update(trail, "abc", 3);
    hr_trail_finish(trail, digest);
    g_assert_true(hr_digest_matches(digest, "abc", 3));
    g_assert_true(g_str_has_prefix(digest, "sha512:ddaf35a193617aba"));
    g_assert_null(hr_trail_new("md5:00"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/trail/is-the-digest-of-the-whole",
                    test_is_the_digest_of_the_whole);
    g_test_add_func("/trail/goes-back-and-on-again",
                    test_goes_back_and_on_again);
    g_test_add_func("/trail/forgets-what-is-far-behind",
                    test_forgets_what_is_far_behind);
    g_test_add_func("/trail/goes-back-after-its-end",
                    test_goes_back_after_its_end);
    g_test_add_func("/trail/takes-other-algorithms",
                    test_takes_other_algorithms);
    return g_test_run();
}
