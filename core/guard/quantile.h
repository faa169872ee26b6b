/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Quantile: percentiles of latencies, to within 1 % of the value (and a
 * microsecond, from rounding), in buckets whose bounds grow by a constant
 * factor.  Old values fade: every `span_us` the older half is dropped, so an
 * answer covers the last one to two halves.
 */
#ifndef HR_GUARD_QUANTILE_H
#define HR_GUARD_QUANTILE_H

#include <glib.h>
#include <stdint.h>

typedef struct HrQuantile HrQuantile;

/* `span_us` 0: nothing ever fades. */
HrQuantile *
hr_quantile_new(int64_t span_us);

void
hr_quantile_free(HrQuantile *quantile);

/* `value_us` from 1 us to a day; what is outside is taken for the bound. */
void
hr_quantile_record(HrQuantile *quantile, int64_t now_us, int64_t value_us);

uint64_t
hr_quantile_count(HrQuantile *quantile, int64_t now_us);

/* The smallest value v such that at least share (0..1) of the values are at
 * most v; 0 if there are none. */
int64_t
hr_quantile_value(HrQuantile *quantile, int64_t now_us, double share);

void
hr_quantile_reset(HrQuantile *quantile);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrQuantile, hr_quantile_free)

#endif
