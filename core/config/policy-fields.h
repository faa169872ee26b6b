/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policy fields: which setting of a policy block is which number of an
 * HrPolicy.  One table for reading, for showing and for `policy show`.
 */
#ifndef HR_CONFIG_POLICY_FIELDS_H
#define HR_CONFIG_POLICY_FIELDS_H

#include <stddef.h>

#include "guard/policy.h"

typedef enum HrPolicyFieldType {
    HR_FIELD_UNSIGNED, /* unsigned                                       */
    HR_FIELD_NUMBER,   /* double                                         */
    HR_FIELD_BOOLEAN,  /* bool                                           */
    HR_FIELD_DURATION, /* int64_t, microseconds                          */
    HR_FIELD_SIZE,     /* uint64_t, bytes                                */
    HR_FIELD_PACE,     /* double, bytes a second                         */
    HR_FIELD_CHOICE    /* an enum with a name for each value             */
} HrPolicyFieldType;

typedef struct HrPolicyField {
    const char *group; /* "": the block itself; NULL ends a table */
    const char *name;
    HrPolicyFieldType type;
    size_t offset;
    const char *(*choice_name)(unsigned value); /* of HR_FIELD_CHOICE; NULL
                                                   after the last */
} HrPolicyField;

/* Settings of the endpoint as a whole; offsets in HrPolicy. */
extern const HrPolicyField hr_policy_fields[];

/* Settings of the retries of one class, or of all; offsets in
 * HrRetryPolicy. */
extern const HrPolicyField hr_retry_fields[];

/* Settings of the breakers of all classes; offsets in HrBreakerPolicy. */
extern const HrPolicyField hr_breaker_fields[];

#endif
