/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Climb: how many blobs an endpoint gets at once.  Latency says nothing about
 * bodies of all sizes, so goodput decides: one stream more while bytes per
 * second grow by 5 % or more, one less when they do not.
 */
#ifndef HR_GUARD_CLIMB_H
#define HR_GUARD_CLIMB_H

#include <glib.h>

#include "guard/policy.h"

typedef struct HrClimb HrClimb;

HrClimb *
hr_climb_new(const HrLimitPolicy *policy, int64_t now_us);

void
hr_climb_free(HrClimb *climb);

unsigned
hr_climb_value(HrClimb *climb, int64_t now_us);

/* Bytes moved since the last call, with so many streams under way and so many
 * waiting for a place. */
void
hr_climb_moved(HrClimb *climb, int64_t now_us, uint64_t bytes,
               unsigned streams, unsigned waiting);

/* A stream ended.  Failures of the endpoint shrink the value by a tenth, at
 * least by one. */
void
hr_climb_ended(HrClimb *climb, int64_t now_us, const HrOutcome *outcome);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrClimb, hr_climb_free)

#endif
