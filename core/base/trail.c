/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hash trail: the digest of a stream that may have to go back a little. */
#include "base/trail.h"

#include "base/digest.h"

struct HrTrail {
    HrHash *start; /* of no bytes */
    HrHash *now;
    int64_t size;
    /* points[n % HR_TRAIL_POINTS] is the digest at n steps, n from 1; only
     * those from `oldest` to `newest` are there. */
    HrHash *points[HR_TRAIL_POINTS];
    int64_t oldest;
    int64_t newest;
};

HrTrail *
hr_trail_new(const char *like)
{
    HrHash *start = hr_hash_new(like);
    HrTrail *trail;

    if (start == NULL)
        return NULL;
    trail = g_new0(HrTrail, 1);
    trail->start = start;
    trail->now = hr_hash_copy(start);
    trail->oldest = 1;
    return trail;
}

void
hr_trail_free(HrTrail *trail)
{
    if (trail == NULL)
        return;
    for (unsigned i = 0; i < HR_TRAIL_POINTS; i++)
        hr_hash_free(trail->points[i]);
    hr_hash_free(trail->start);
    hr_hash_free(trail->now);
    g_free(trail);
}

static void
add_point(HrTrail *trail)
{
    HrHash **place;

    trail->newest = trail->size / HR_TRAIL_STEP_BYTES;
    place = &trail->points[trail->newest % HR_TRAIL_POINTS];
    hr_hash_free(*place);
    *place = hr_hash_copy(trail->now);
    trail->oldest = MAX(trail->oldest, trail->newest - HR_TRAIL_POINTS + 1);
}

void
hr_trail_update(HrTrail *trail, const void *data, size_t size)
{
    const char *bytes = data;

    while (size > 0) {
        size_t step =
            HR_TRAIL_STEP_BYTES - (size_t)(trail->size % HR_TRAIL_STEP_BYTES);
        size_t part = MIN(size, step);

        hr_hash_update(trail->now, bytes, part);
        trail->size += (int64_t)part;
        bytes += part;
        size -= part;
        if (part == step)
            add_point(trail);
    }
}

int64_t
hr_trail_size(const HrTrail *trail)
{
    return trail->size;
}

int64_t
hr_trail_rewind(HrTrail *trail, int64_t offset)
{
    int64_t point = MIN(offset / HR_TRAIL_STEP_BYTES, trail->newest);

    hr_hash_free(trail->now);
    if (point < trail->oldest) {
        trail->now = hr_hash_copy(trail->start);
        trail->oldest = 1;
        point = 0;
    } else {
        trail->now = hr_hash_copy(trail->points[point % HR_TRAIL_POINTS]);
    }
    trail->newest = point;
    trail->size = point * HR_TRAIL_STEP_BYTES;
    return trail->size;
}

void
hr_trail_finish(HrTrail *trail, char digest[HR_DIGEST_CAPACITY])
{
    hr_hash_finish(trail->now, digest);
}
