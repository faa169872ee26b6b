/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guard metrics: what the guards of an endpoint show to the sinks.  Internal
 * to core/net. */
#ifndef HR_NET_GUARD_METRICS_H
#define HR_NET_GUARD_METRICS_H

#include "net/endpoint.h"

void
hr_guard_metrics_declare(const char *endpoint, HrGuardSamples *samples);

/* Brings the samples from what was shown last to what is so now. */
void
hr_guard_metrics_show(const HrGuardSamples *samples, const HrGuardsStats *last,
                      const HrGuardsStats *now);

void
hr_guard_metrics_count_change(const char *endpoint, HrOperationClass class,
                              HrBreakerState to);

#endif
